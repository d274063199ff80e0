#include "proto/methods.h"

#define ROW(name, type, preset, flags, help)                                                       \
	{                                                                                          \
#name, &type_##type, preset, flags, P_##name, help                                 \
	}
#define NEED(name, type, help) ROW(name, type, PRESET_NONE, SF_REQUIRED, help)
#define TAKE(name, type, help) ROW(name, type, PRESET_NONE, 0, help)
/* A parameter that sets a field on update: null sets what the field is by default. */
#define SET_REQUIRED TAKE
#define SET_NULL(name, type, help) ROW(name, type, PRESET_NULL, SF_NULL_SET, help)
#define SET_EMPTY_MAP TAKE_OR_EMPTY
#define SET_EMPTY_ARRAY(name, type, help) ROW(name, type, PRESET_EMPTY_ARRAY, SF_NULL_SET, help)
#define SET_ONE(name, type, help) ROW(name, type, PRESET_ONE, SF_NULL_SET, help)
#define SET_AUTO(name, type, help) ROW(name, type, PRESET_AUTO, SF_NULL_SET, help)
#define TAKE_OR_EMPTY(name, type, help) ROW(name, type, PRESET_EMPTY_MAP, SF_NULL_SET, help)
#define KEY TAKE(idempotency_key, key, "1 to 64 bytes; the same again applies nothing twice")
#define THREAD TAKE(thread_id, id, "thread that it must be in")
#define LEASE TAKE(lease, lease, "token of the lease under which it is done")
#define PAGE                                                                                       \
	TAKE(limit, limit, "objects a page, 1 to 100, default 20"),                                \
		TAKE(order, order, "asc or desc by created_at, default desc"),                     \
		TAKE(after, id, "id of the object before the page"),                               \
		TAKE(before, id, "id of the object behind the page")

/* Which fields of the object tables a caller may set where. */
#define IF_CREATE_CREATE(row) row,
#define IF_CREATE_BOTH(row) row,
#define IF_CREATE_UPDATE(row)
#define IF_CREATE_DAEMON(row)
#define IF_UPDATE_CREATE(row)
#define IF_UPDATE_BOTH(row) row,
#define IF_UPDATE_UPDATE(row) row,
#define IF_UPDATE_DAEMON(row)

static const struct schema_field params_runs_create[] = {
	NEED(thread_id, id, "thread that the run belongs to"),
	NEED(assistant_id, id, "assistant that executes it"),
#define type_run_tools type_tools
#define FIELD(name, type, who, preset, help) IF_CREATE_##who(TAKE(name, type, help))
#include "proto/run.def"
#undef FIELD
#undef type_run_tools
	TAKE(additional_instructions, text, "appended to the instructions after a newline"),
	TAKE(reasoning_effort, reasoning_effort, "a hint for the executor"),
	TAKE(tool_resources, map, "a hint for the executor"),
	TAKE(expires_in, expires_in, "seconds until it expires, 0 for never"),
	TAKE(on_active, on_active,
		"when the thread has an active run: reject, enqueue or parallel"),
	KEY,
};

static const struct schema_field params_runs_get[] = {
	NEED(run_id, id, "run to read"),
	THREAD,
};

static const struct schema_field params_runs_list[] = {
	TAKE(thread_id, id, "only the runs of this thread"),
	PAGE,
	TAKE(status, run_statuses, "only runs of this status, or of one of these"),
	TAKE(assistant_id, id, "only runs of this assistant"),
	TAKE(model, text, "only runs of this model"),
	TAKE(created_after, time, "only runs created later than this, Unix seconds"),
	TAKE(created_before, time, "only runs created earlier than this, Unix seconds"),
	TAKE(metadata, metadata, "only runs with all these pairs"),
};

static const struct schema_field params_runs_update[] = {
	NEED(run_id, id, "run to change"),
	THREAD,
#define FIELD(name, type, who, preset, help) IF_UPDATE_##who(UPDATED_##name(name, type, help))
#define UPDATED_status TAKE
#define UPDATED_required_action TAKE
#define UPDATED_last_error TAKE
#define UPDATED_incomplete_details TAKE
#define UPDATED_usage TAKE
#define UPDATED_step_details TAKE
#define UPDATED_metadata TAKE_OR_EMPTY
#include "proto/run.def"
#undef FIELD
	TAKE(expected_status, run_status, "refuse unless the run has this status"),
	LEASE,
	KEY,
};

static const struct schema_field params_runs_cancel[] = {
	NEED(run_id, id, "run to cancel"),
	THREAD,
	KEY,
};

static const struct schema_field params_runs_submit_tool_outputs[] = {
	NEED(run_id, id, "run that waits for the outputs"),
	NEED(tool_outputs, tool_outputs, "an output for every pending tool call"),
	THREAD,
	KEY,
};

static const struct schema_field params_runs_delete[] = {
	NEED(run_id, id, "run to delete"),
	THREAD,
	KEY,
};

static const struct schema_field params_runs_claim[] = {
	NEED(worker, worker, "name of who claims, 1 to 256 characters"),
	TAKE(lease_ms, lease_ms, "how long the run is its without a heartbeat, default 30,000"),
	TAKE(assistant_ids, assistant_ids, "only runs of these assistants"),
	TAKE(thread_id, id, "only runs of this thread"),
	TAKE(wait_ms, wait_ms, "how long to wait for a run, default 0"),
	KEY,
};

static const struct schema_field params_runs_heartbeat[] = {
	NEED(run_id, id, "run that is held"),
	NEED(lease, lease, "token of its lease"),
	THREAD,
	TAKE(lease_ms, lease_ms, "how long from now, default as it was claimed"),
	KEY,
};

static const struct schema_field params_runs_release[] = {
	NEED(run_id, id, "run to give back"),
	NEED(lease, lease, "token of its lease"),
	THREAD,
	KEY,
};

static const struct schema_field params_runs_lease[] = {
	NEED(run_id, id, "run to look at"),
	THREAD,
};

static const struct schema_field params_runs_requeue[] = {
	NEED(run_id, id, "run in progress, leased or not"),
	THREAD,
	KEY,
};

static const struct schema_field params_runs_fail[] = {
	NEED(run_id, id, "run that has not ended, leased or not"),
	THREAD,
	TAKE(message, failure_message, "why, as its last_error says it"),
	KEY,
};

static const struct schema_field params_runs_wait[] = {
	NEED(run_id, id, "run to wait for"),
	THREAD,
	TAKE(until, until, "change, action (or its end) or terminal, the default"),
	TAKE(since_seq, seq, "with change: one after this counts, default the last"),
	TAKE(timeout_ms, wait_ms, "how long to wait, default 30,000"),
};

static const struct schema_field params_changes_list[] = {
	TAKE(after, seq, "number of the change behind which to begin, default 0"),
	TAKE(limit, changes_limit, "changes at most, 1 to 1,000, default 100"),
	TAKE(thread_id, id, "only changes in this thread"),
	TAKE(run_id, id, "only changes of this run, its steps and messages"),
	TAKE(wait_ms, wait_ms, "how long to wait for a change, default 0"),
	TAKE(objects, boolean, "with each object as the change left it"),
};

static const struct schema_field params_steps_create[] = {
	NEED(run_id, id, "run to append it to"),
	NEED(type, step_type, "message_creation or tool_calls"),
	NEED(step_details, step_details, "what the step does"),
	THREAD,
#define FIELD(name, type, who, preset, help) IF_CREATE_##who(TAKE(name, type, help))
#include "proto/step.def"
#undef FIELD
	LEASE,
	KEY,
};

static const struct schema_field params_steps_get[] = {
	NEED(run_id, id, "run of the step"),
	NEED(step_id, id, "step to read"),
	THREAD,
	TAKE(include, include, "what else to show"),
};

static const struct schema_field params_steps_list[] = {
	NEED(run_id, id, "run whose steps to list"),
	THREAD,
	PAGE,
	TAKE(type, step_types, "only steps of this type"),
	TAKE(status, step_statuses, "only steps of this status, or of one of these"),
	TAKE(include, include, "what else to show"),
};

static const struct schema_field params_steps_update[] = {
	NEED(run_id, id, "run of the step"),
	NEED(step_id, id, "step to change"),
	THREAD,
#define FIELD(name, type, who, preset, help) IF_UPDATE_##who(UPDATED_##name(name, type, help))
#include "proto/step.def"
#undef FIELD
	LEASE,
	KEY,
};

static const struct schema_field params_threads_create[] = {
#define FIELD(name, type, who, preset, help) IF_CREATE_##who(TAKE(name, type, help))
#include "proto/thread.def"
#undef FIELD
	KEY,
};

static const struct schema_field params_threads_get[] = {
	NEED(thread_id, id, "thread to read"),
};

static const struct schema_field params_threads_update[] = {
	NEED(thread_id, id, "thread to change"),
#define FIELD(name, type, who, preset, help) IF_UPDATE_##who(SET_##preset(name, type, help))
#include "proto/thread.def"
#undef FIELD
	KEY,
};

static const struct schema_field params_threads_list[] = {PAGE};

static const struct schema_field params_threads_delete[] = {
	NEED(thread_id, id, "thread to delete"),
	KEY,
};

static const struct schema_field params_messages_create[] = {
	NEED(thread_id, id, "thread to append it to; an unknown one comes to be"),
	NEED(role, role, "user or assistant"),
	NEED(content, content, "a text, or an array of parts"),
#define FIELD(name, type, who, preset, help) IF_CREATE_##who(TAKE(name, type, help))
#include "proto/message.def"
#undef FIELD
	LEASE,
	KEY,
};

static const struct schema_field params_messages_get[] = {
	NEED(message_id, id, "message to read"),
	THREAD,
};

static const struct schema_field params_messages_list[] = {
	NEED(thread_id, id, "thread whose messages to list"),
	PAGE,
	TAKE(run_id, id, "only messages that this run made"),
};

static const struct schema_field params_messages_update[] = {
	NEED(message_id, id, "message to change"),
	THREAD,
#define UPDATED_content TAKE
#define FIELD(name, type, who, preset, help) IF_UPDATE_##who(UPDATED_##name(name, type, help))
#include "proto/message.def"
#undef FIELD
	LEASE,
	KEY,
};

static const struct schema_field params_messages_delete[] = {
	NEED(message_id, id, "message to delete"),
	THREAD,
	KEY,
};

static const struct schema_field params_assistants_create[] = {
#define FIELD(name, type, who, preset, help) IF_CREATE_##who(NEW_##preset(name, type, help))
#define NEW_REQUIRED(name, type, help) NEW_##name(name, type, help)
#define NEW_NULL TAKE
#define NEW_EMPTY_MAP TAKE
#define NEW_EMPTY_ARRAY TAKE
#define NEW_ONE TAKE
#define NEW_AUTO TAKE
#define NEW_id TAKE
#define NEW_model NEED
#include "proto/assistant.def"
#undef FIELD
	TAKE(reasoning_effort, reasoning_effort, "a hint for who executes its runs"),
	KEY,
};

static const struct schema_field params_assistants_get[] = {
	NEED(assistant_id, id, "assistant to read"),
};

static const struct schema_field params_assistants_list[] = {PAGE};

static const struct schema_field params_assistants_update[] = {
	NEED(assistant_id, id, "assistant to change"),
#define FIELD(name, type, who, preset, help) IF_UPDATE_##who(SET_##preset(name, type, help))
#include "proto/assistant.def"
#undef FIELD
	SET_NULL(reasoning_effort, reasoning_effort, "a hint for who executes its runs"),
	KEY,
};

static const struct schema_field params_assistants_delete[] = {
	NEED(assistant_id, id, "assistant to delete"),
	KEY,
};

static const struct schema_field params_objects_import[] = {
	NEED(objects, objects, "objects of any kind, at most 1,000"),
	KEY,
};

static const struct schema_field params_batch[] = {
	NEED(requests, requests, "[[method, params], ...], at most 1,000"),
	TAKE(atomic, boolean, "all or nothing"),
	KEY,
};

/* A method without parameters still has a table to point at. */
static const struct schema_field params_server_info[1];
static const struct schema_field params_server_stats[1];

#define METHOD(symbol, name_, access_, reply_, flags_, help_)                                      \
	[METHOD_ID_##symbol] = {                                                                   \
		.id = METHOD_ID_##symbol,                                                          \
		.name = name_,                                                                     \
		.access = ACCESS_##access_,                                                        \
		.reply = REPLY_##reply_,                                                           \
		.flags = flags_,                                                                   \
		.help = help_,                                                                     \
		.params = {.kind = SK_OBJECT,                                                      \
			.fields = params_##symbol,                                                 \
			.n_fields = (flags_)&METHOD_BARE ? 0 : N_OF(params_##symbol)},             \
	},

const struct method methods[N_METHODS] = {
#include "proto/methods.def"
};

const struct method *method_find(struct slice name)
{
	for (size_t i = 0; i < N_METHODS; i++) {
		if (slice_is(name, methods[i].name)) {
			return &methods[i];
		}
	}
	return NULL;
}
