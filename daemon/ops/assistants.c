/* assistants.*: what runs are set up from. */
#include "daemon/store/assistants.h"
#include "daemon/ops/list.h"

#include <errno.h>

/* The parameter that sets a field, on create and on update; N_PARAMS where none does. */
static const enum param set_from[N_ASSISTANT_FIELDS] = {
#define SET_CREATE(name) N_PARAMS
#define SET_BOTH(name) P_##name
#define SET_DAEMON(name) N_PARAMS
#define FIELD(name, type, who, preset, help) [ASSISTANT_##name] = SET_##who(name),
#include "proto/assistant.def"
#undef FIELD
};

/* Take over what is given; returns whether anything was. */
static bool set_fields(struct op *op, struct assistant *a)
{
	bool any = op_given(op, P_reasoning_effort);

	for (unsigned int i = 0; i < N_ASSISTANT_FIELDS; i++) {
		if (set_from[i] != N_PARAMS && op_given(op, set_from[i])) {
			a->v[i] = op->args[set_from[i]];
			any = true;
		}
	}
	if (op_given(op, P_reasoning_effort)) {
		a->effort = op->args[P_reasoning_effort];
		if (mp_is_nil(a->effort)) {
			a->effort.ptr = NULL;
		}
	}
	return any;
}

static int answer(struct op *op, const struct assistant *a, struct slice *bytes)
{
	int r;

	r = op_encode(op, &schema_assistant, a->v, bytes);
	return r ? r : op_result(op, *bytes);
}

int op_assistants_create(struct op *op)
{
	struct assistant a = {0};
	struct slice bytes;
	int r;

	r = op_new_id(op, T_ASSISTANT_IDS, "asst_", "assistant", &a.id);
	if (r) {
		return r;
	}
	for (unsigned int i = 0; i < N_ASSISTANT_FIELDS; i++) {
		a.v[i] = schema_assistant.fields[i].preset;
	}
	a.v[ASSISTANT_id] = value_text(op->txn->arena, a.id);
	a.v[ASSISTANT_object] = SLICE_LIT("\xa9"
					  "assistant");
	a.v[ASSISTANT_created_at] = value_int(op->txn->arena, op_now(op));
	set_fields(op, &a);
	r = answer(op, &a, &bytes);
	if (!r) {
		assistants_insert(op->txn, &a, bytes, "created");
	}
	return r;
}

static int not_found(struct op *op)
{
	return op_not_found(op, "assistant", op_text(op, P_assistant_id), "assistant_id");
}

int op_assistants_get(struct op *op)
{
	struct slice bytes;
	struct key key;

	return assistants_find(op->txn, op_text(op, P_assistant_id), &bytes, &key)
		       ? op_result(op, bytes)
		       : not_found(op);
}

int op_assistants_update(struct op *op)
{
	struct assistant a;
	struct slice bytes;
	bool any;
	int r;

	if (!assistants_load(op->txn, op_text(op, P_assistant_id), &a)) {
		return not_found(op);
	}
	any = set_fields(op, &a);
	r = answer(op, &a, &bytes);
	if (!r && any) {
		assistants_replace(op->txn, &a, bytes);
	}
	return r;
}

int op_assistants_delete(struct op *op)
{
	struct assistant a;
	int r;

	if (!assistants_load(op->txn, op_text(op, P_assistant_id), &a)) {
		return not_found(op);
	}
	r = op_result_deleted(op, a.id, "assistant.deleted");
	if (!r) {
		assistants_remove(op->txn, &a);
	}
	return r;
}

static bool find_assistant(struct op *op, struct slice id, struct key *key)
{
	struct slice bytes;

	return assistants_find(op->txn, id, &bytes, key);
}

static bool object_of_row(void *context, struct slice key, struct slice row, struct slice *object)
{
	*object = assistants_object(row);
	return object->ptr;
}

int op_assistants_list(struct op *op)
{
	const struct key none = {0};
	struct page_source source = {
		.table = T_ASSISTANTS, .prefixes = &none, .n_prefixes = 1, .object = object_of_row};
	struct page_result result;
	struct page page;
	int r;

	r = list_read_page(op, &page, "assistant", find_assistant);
	if (r) {
		return r;
	}
	page_read(op->txn, &page, &source, list_room(op), &result);
	return list_put(op, &result, &(struct list_form){list_put_bytes, list_put_id});
}
