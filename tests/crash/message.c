#include "cmocka_all.h"

#include "message.h"
#include "objects.h"

#include <stdlib.h>
#include <string.h>

/* Seconds of what is imported: all alike, so that the order of insertion shows. */
enum { IMPORTED_AT = 1700000000 };

static const char *const change_methods[] = {
	"runs.create", "runs.update", "runs.delete", "steps.create", "steps.update"};

static json_t *mark(unsigned int writer, uint32_t serial)
{
	return codec_parse("{'w':'%u','n':'%u'}", writer, serial);
}

static void set_payload(json_t *object, const char *name, unsigned int writer, uint32_t serial)
{
	char *payload = ledger_payload(writer, serial);

	json_object_set_new(object, name, json_string(payload));
	free(payload);
}

static json_t *details(unsigned int writer, uint32_t serial)
{
	json_t *value = codec_parse("{'type':'tool_calls','tool_calls':[{'id':'call_%u','type':"
				    "'function','function':{'name':'f','output':null}}]}",
		serial);

	set_payload(field(value, "tool_calls[0].function"), "arguments", writer, serial);
	return value;
}

/* Of what stands there already, or of what an earlier change of the message makes. */
static const char *run_id(
	struct ledger_runs *told, const struct asked *asked, const struct change *change)
{
	const struct ledger_run *run = ledger_find(told, change->run);

	for (size_t i = 0; !run && i < asked->n; i++) {
		if (asked->changes[i].kind == RUN_NEW && asked->changes[i].run == change->run) {
			return asked->changes[i].id;
		}
	}
	assert_non_null(run);
	return run->id;
}

static const char *step_id(
	struct ledger_runs *told, const struct asked *asked, const struct change *change)
{
	struct ledger_run *run = ledger_find(told, change->run);
	const struct ledger_step *step = run ? ledger_find_step(run, change->step) : NULL;

	for (size_t i = 0; !step && i < asked->n; i++) {
		if (asked->changes[i].kind == STEP_NEW && asked->changes[i].step == change->step) {
			return asked->changes[i].id;
		}
	}
	assert_non_null(step);
	return step->id;
}

static json_t *new_run(unsigned int writer, const struct change *change)
{
	char thread[16];
	json_t *params;

	ledger_thread(writer, change->run, thread, sizeof(thread));
	params = json_pack("{ssssssso}", "thread_id", thread, "assistant_id", "asst_1", "on_active",
		"parallel", "metadata", mark(writer, change->run));
	set_payload(params, "instructions", writer, change->run);
	return params;
}

static json_t *new_step(unsigned int writer, const char *run, const struct change *change)
{
	return json_pack("{sssssoso}", "run_id", run, "type", "tool_calls", "step_details",
		details(writer, change->step), "metadata", mark(writer, change->step));
}

static json_t *move(const char *run, enum status status)
{
	const char *name = ledger_statuses[status];

	return codec_parse("{'run_id':'%s','status':'%s'%s}", run, name, status_demands(name));
}

static json_t *params_of(unsigned int writer, struct ledger_runs *told, const struct asked *asked,
	const struct change *change)
{
	json_t *params;

	switch (change->kind) {
	case RUN_NEW:
		params = new_run(writer, change);
		break;
	case RUN_MOVE:
		return move(run_id(told, asked, change), change->status);
	case RUN_DELETE:
		return json_pack("{ss}", "run_id", run_id(told, asked, change));
	case STEP_NEW:
		params = new_step(writer, run_id(told, asked, change), change);
		break;
	default:
		params = move(run_id(told, asked, change), change->status);
		json_object_set_new(params, "step_id", json_string(step_id(told, asked, change)));
		return params;
	}
	if (!change->issued) {
		json_object_set_new(params, "id", json_string(change->id));
	}
	return params;
}

static json_t *object_of(
	unsigned int writer, const struct asked *asked, const struct change *change)
{
	uint32_t serial = change->kind == RUN_NEW ? change->run : change->step;
	json_t *object = change->kind == RUN_NEW ? run_object("{}") : step_object("{}");
	char thread[16];

	ledger_thread(writer, change->run, thread, sizeof(thread));
	json_object_set_new(object, "id", json_string(change->id));
	json_object_set_new(object, "thread_id", json_string(thread));
	json_object_set_new(object, "created_at", json_integer(IMPORTED_AT));
	json_object_set_new(object, "status", json_string(ledger_statuses[change->status]));
	json_object_set_new(object, "metadata", mark(writer, serial));
	if (change->kind == RUN_NEW) {
		set_payload(object, "instructions", writer, serial);
		return object;
	}
	json_object_set_new(object, "run_id", json_string(asked->changes[0].id));
	json_object_set_new(object, "type", json_string("tool_calls"));
	json_object_set_new(object, "step_details", details(writer, serial));
	return object;
}

static json_t *import_params(unsigned int writer, const struct asked *asked)
{
	json_t *objects = json_array();

	for (size_t i = 0; i < asked->n; i++) {
		json_array_append_new(objects, object_of(writer, asked, &asked->changes[i]));
	}
	return json_pack("{so}", "objects", objects);
}

const char *message_method(const struct asked *asked)
{
	if (asked->form == SINGLE) {
		return change_methods[asked->changes[0].kind];
	}
	return asked->form == IMPORT ? "objects.import" : "batch";
}

json_t *message_params(unsigned int writer, struct ledger_runs *told, const struct asked *asked)
{
	json_t *requests;

	if (asked->form == SINGLE) {
		return params_of(writer, told, asked, &asked->changes[0]);
	}
	if (asked->form == IMPORT) {
		return import_params(writer, asked);
	}
	requests = json_array();
	for (size_t i = 0; i < asked->n; i++) {
		const struct change *change = &asked->changes[i];

		json_array_append_new(requests, json_pack("[so]", change_methods[change->kind],
							params_of(writer, told, asked, change)));
	}
	if (asked->doomed) {
		json_array_append_new(
			requests, codec_parse("['runs.cancel',{'run_id':'run_unknown'}]"));
	}
	return json_pack("{sosb}", "requests", requests, "atomic", asked->form == ATOMIC_BATCH);
}
