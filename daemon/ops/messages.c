/* messages.*: what users and assistants say in a thread. */
#include "daemon/store/messages.h"
#include "daemon/ops/lifecycle.h"
#include "daemon/ops/list.h"
#include "daemon/store/active.h"
#include "daemon/store/threads.h"
#include "proto/growth.h"

#include <errno.h>

/* The parameter that sets a field on create; N_PARAMS where none does. */
static const enum param created_from[N_MESSAGE_FIELDS] = {
#define SET_CREATE(name) P_##name
#define SET_BOTH(name) P_##name
#define SET_UPDATE(name) N_PARAMS
#define SET_DAEMON(name) N_PARAMS
#define FIELD(name, type, who, preset, help) [MESSAGE_##name] = SET_##who(name),
#include "proto/message.def"
#undef FIELD
};

/* Whoever executes the run fences what it makes with its lease. A run that is gone has none. */
static int check_maker(struct op *op, struct slice run_id, struct run *run)
{
	struct slice bytes;
	struct key key;

	run->id.ptr = NULL;
	if (!runs_find(op->txn, run_id, &bytes, &key)) {
		return 0;
	}
	if (!runs_load_head(op->txn, &key, bytes, run)) {
		return kv_error(op->txn->kv);
	}
	return op_check_lease(op, run);
}

/* The run that is said to make the message must be in its thread. */
static int find_maker(struct op *op, struct run *run)
{
	struct slice bytes;
	struct key key;
	int r;

	run->id.ptr = NULL;
	if (!op_given(op, P_run_id)) {
		return 0;
	}
	r = op_find_run(op, &bytes, &key);
	return r ? r : check_maker(op, op_text(op, P_run_id), run);
}

/* A user waits while a run has the thread to itself; but who executes that run may speak for him.
 */
static int check_turn(struct op *op)
{
	struct slice thread = op_text(op, P_thread_id), token = op_text(op, P_lease);
	struct active active;

	if (!slice_is(op_text(op, P_role), "user") ||
		!active_first_alone(op->txn, thread, &active)) {
		return 0;
	}
	if (token.ptr && active.lease.token.ptr && slice_eq(token, active.lease.token) &&
		active.lease.until_ms > op->txn->steady_ms) {
		return 0;
	}
	return problem_set(op->problem, E_RUN_ACTIVE, "thread_id",
		"Can't add messages to %.*s while a run %.*s is active.", (int)thread.len,
		(const char *)thread.ptr, (int)active.run_id.len, (const char *)active.run_id.ptr);
}

/* A run that has ended ends no messages any more. */
static int check_new(struct op *op, const struct run *maker, enum message_status status)
{
	if (status == MESSAGE_IN_PROGRESS && maker->id.ptr && run_status_terminal(maker->status)) {
		return problem_set(op->problem, E_INVALID_TRANSITION, "status",
			"The run has ended with status '%s': its messages are completed.",
			run_status_names[maker->status]);
	}
	if (status == MESSAGE_INCOMPLETE) {
		return problem_set(op->problem, E_INVALID_PARAMS, "status",
			"A new message is 'completed' or 'in_progress'.");
	}
	if (status == MESSAGE_COMPLETED && slice_eq(op->args[P_content], SLICE_LIT("\x90"))) {
		return problem_set(op->problem, E_INVALID_PARAMS, "content",
			"The array has 0 items, a completed message has at least 1.");
	}
	return 0;
}

static void create_fields(
	struct op *op, struct message *m, const struct run *maker, enum message_status status)
{
	struct slice now = value_int(op->txn->arena, op_now(op));

	for (unsigned int i = 0; i < N_MESSAGE_FIELDS; i++) {
		m->v[i] = schema_message.fields[i].preset;
		if (created_from[i] != N_PARAMS && op_given(op, created_from[i])) {
			m->v[i] = op->args[created_from[i]];
		}
	}
	m->v[MESSAGE_id] = value_text(op->txn->arena, m->id);
	m->v[MESSAGE_object] = SLICE_LIT("\xaethread.message");
	m->v[MESSAGE_created_at] = now;
	m->v[MESSAGE_thread_id] = op->args[P_thread_id];
	m->v[MESSAGE_role] = op->args[P_role];
	m->v[MESSAGE_content] = op->args[P_content];
	m->v[MESSAGE_completed_at] = status == MESSAGE_COMPLETED ? now : VALUE_NULL;
	if (maker->id.ptr && !op_given(op, P_assistant_id) &&
		slice_is(op_text(op, P_role), "assistant")) {
		m->v[MESSAGE_assistant_id] = maker->v[RUN_assistant_id];
	}
	m->status = status;
}

int op_messages_create(struct op *op)
{
	enum message_status status = MESSAGE_COMPLETED;
	struct message m = {.thread_id = op_text(op, P_thread_id), .run_id = op_text(op, P_run_id)};
	struct run maker = {0};
	struct slice bytes;
	int r;

	if (op_given(op, P_status)) {
		status = (enum message_status)message_status_of(op->args[P_status]);
	}
	r = find_maker(op, &maker);
	if (!r) {
		r = check_turn(op);
	}
	if (!r) {
		r = check_new(op, &maker, status);
	}
	if (!r) {
		r = op_new_id(op, T_MESSAGE_IDS, "msg_", "message", &m.id);
	}
	if (r) {
		return r;
	}
	create_fields(op, &m, &maker, status);
	r = op_encode(op, &schema_message, m.v, &bytes);
	if (!r) {
		r = op_result(op, bytes);
	}
	if (!r) {
		messages_insert(op->txn, &m, bytes, "created");
	}
	return r;
}

/* The message of message_id, in the thread that may be given. */
static int find_message(struct op *op, struct slice *bytes, struct key *key)
{
	struct slice id = op_text(op, P_message_id);

	if (!messages_find(op->txn, id, bytes, key) ||
		(op_given(op, P_thread_id) &&
			!slice_eq(op_text(op, P_thread_id), key_first_id(key_slice(key))))) {
		return op_not_found(op, "message", id, "message_id");
	}
	return 0;
}

static int load_message(struct op *op, struct message *m)
{
	struct slice bytes;
	struct key key;
	int r;

	r = find_message(op, &bytes, &key);
	if (!r && !messages_load_at(op->txn, &key, bytes, m)) {
		r = kv_error(op->txn->kv);
	}
	return r;
}

int op_messages_get(struct op *op)
{
	struct slice bytes;
	struct key key;
	int r;

	r = find_message(op, &bytes, &key);
	return r ? r : op_result(op, bytes);
}

/* Does the request change more than metadata, which is anybody's at any time? */
static bool goes_on(const struct op *op)
{
	return op_given(op, P_content) || op_given(op, P_status) ||
	       op_given(op, P_incomplete_details);
}

static int check_update(struct op *op, const struct message *m, int to)
{
	bool left = to == MESSAGE_INCOMPLETE;

	if (op_given(op, P_incomplete_details) != left) {
		return problem_set(op->problem, left ? E_MISSING_PARAM : E_INVALID_PARAMS,
			"incomplete_details",
			"'incomplete_details' is given with status 'incomplete', and only with "
			"that.");
	}
	if (goes_on(op) && m->status != MESSAGE_IN_PROGRESS) {
		return problem_set(op->problem, E_INVALID_TRANSITION,
			to >= 0 ? "status" : "content",
			"The message has ended with status '%s': its %s no longer changes.",
			message_status_names[m->status], to >= 0 ? "status" : "content");
	}
	if (to == MESSAGE_IN_PROGRESS) {
		return problem_set(op->problem, E_INVALID_TRANSITION, "status",
			"The message is already in progress.");
	}
	return 0;
}

static void set_fields(struct op *op, struct message *m, int to)
{
	static const struct {
		enum param param;
		enum message_field field;
	} given[] = {
		{P_content, MESSAGE_content},
		{P_incomplete_details, MESSAGE_incomplete_details},
		{P_metadata, MESSAGE_metadata},
	};

	if (to >= 0) {
		lifecycle_enter_message(op->txn, m, (enum message_status)to);
	}
	for (size_t i = 0; i < N_OF(given); i++) {
		if (op_given(op, given[i].param)) {
			m->v[given[i].field] = op->args[given[i].param];
		}
	}
}

int op_messages_update(struct op *op)
{
	int to = op_given(op, P_status) ? message_status_of(op->args[P_status]) : -1;
	struct slice bytes;
	struct message m;
	struct run maker;
	bool grown;
	int r;

	r = load_message(op, &m);
	if (!r && m.run_id.ptr && (goes_on(op) || op_given(op, P_lease))) {
		r = check_maker(op, m.run_id, &maker);
	}
	if (!r) {
		r = check_update(op, &m, to);
	}
	if (r) {
		return r;
	}
	grown = op_given(op, P_content) && growth_is(m.v[MESSAGE_content], op->args[P_content]);
	set_fields(op, &m, to);
	r = op_encode(op, &schema_message, m.v, &bytes);
	if (!r) {
		r = op_result(op, bytes);
	}
	if (!r && (goes_on(op) || op_given(op, P_metadata))) {
		messages_replace(op->txn, &m, bytes, grown ? "delta" : "updated");
	}
	return r;
}

int op_messages_delete(struct op *op)
{
	struct message m;
	int r;

	r = load_message(op, &m);
	if (!r) {
		r = op_result_deleted(op, m.id, "thread.message.deleted");
	}
	if (!r) {
		messages_remove(op->txn, &m);
	}
	return r;
}

static bool find_listed(struct op *op, struct slice id, struct key *key)
{
	struct slice bytes;

	return messages_find(op->txn, id, &bytes, key) &&
	       slice_eq(key_first_id(key_slice(key)), op_text(op, P_thread_id));
}

/* A row of the index by run: the message, if it is in the thread that is asked for. */
static bool made_by_run(void *context, struct slice key, struct slice value, struct slice *object)
{
	struct op *op = context;

	return slice_eq(key_first_id(value), op_text(op, P_thread_id)) &&
	       kv_get(op->txn->kv, T_MESSAGES, value, object);
}

int op_messages_list(struct op *op)
{
	struct slice thread_id = op_text(op, P_thread_id), run_id = op_text(op, P_run_id);
	struct key prefix = messages_prefix(run_id.ptr ? run_id : thread_id);
	struct page_source source = {.table = T_MESSAGES, .prefixes = &prefix, .n_prefixes = 1};
	struct page_result result;
	struct thread thread;
	struct page page;
	int r;

	if (!threads_get(op->txn, thread_id, &thread)) {
		return op_not_found(op, "thread", thread_id, "thread_id");
	}
	r = list_read_page(op, &page, "message", find_listed);
	if (r) {
		return r;
	}
	if (run_id.ptr) {
		source.table = T_MESSAGES_BY_RUN;
		source.object = made_by_run;
		source.context = op;
	}
	page_read(op->txn, &page, &source, list_room(op), &result);
	return list_put(op, &result, &(struct list_form){list_put_bytes, list_put_id});
}
