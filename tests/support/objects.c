#include "cmocka_all.h"

#include "objects.h"

#include "daemon.h"

#include <stdlib.h>
#include <string.h>

const char *const run_statuses[N_STATUSES] = {"queued", "in_progress", "requires_action",
	"cancelling", "cancelled", "failed", "completed", "incomplete", "expired"};

const char *const run_names[] = {"id", "object", "created_at", "thread_id", "assistant_id",
	"status", "required_action", "last_error", "expires_at", "started_at", "cancelled_at",
	"failed_at", "completed_at", "incomplete_details", "model", "instructions", "tools",
	"metadata", "usage", "temperature", "top_p", "max_prompt_tokens", "max_completion_tokens",
	"truncation_strategy", "tool_choice", "parallel_tool_calls", "response_format", NULL};

const char *const step_names[] = {"id", "object", "created_at", "assistant_id", "thread_id",
	"run_id", "type", "status", "step_details", "last_error", "expired_at", "cancelled_at",
	"failed_at", "completed_at", "metadata", "usage", NULL};

#define CALL_1                                                                                     \
	"{'type':'submit_tool_outputs','submit_tool_outputs':{'tool_calls':[{'id':'call_1',"       \
	"'type':'function','function':{'name':'look','arguments':'{}'}}]}}"

const char required_action_json[] = CALL_1;

const char *status_demands(const char *status)
{
	if (!strcmp(status, "failed")) {
		return ",'last_error':{'code':'server_error','message':'it broke'}";
	}
	if (!strcmp(status, "incomplete")) {
		return ",'incomplete_details':{'reason':'max_prompt_tokens'}";
	}
	if (!strcmp(status, "requires_action")) {
		return ",'required_action':" CALL_1;
	}
	return "";
}

const char *run_new(struct wire *wire, const char *thread)
{
	return text(expect_ok(wire, "runs.create",
			    "{'thread_id':'%s','assistant_id':'asst_1','on_active':'parallel'}",
			    thread),
		"id");
}

json_t *run_get(struct wire *wire, const char *run_id)
{
	return expect_ok(wire, "runs.get", "{'run_id':'%s'}", run_id);
}

json_t *run_move(struct wire *wire, const char *run_id, const char *status)
{
	return expect_ok(wire, "runs.update", "{'run_id':'%s','status':'%s'%s}", run_id, status,
		status_demands(status));
}

const char *run_in(struct wire *wire, const char *thread, const char *status)
{
	const char *id = run_new(wire, thread);

	if (!strcmp(status, "queued")) {
		return id;
	}
	run_move(wire, id, "in_progress");
	if (!strcmp(status, "cancelled")) {
		run_move(wire, id, "cancelling");
	}
	if (strcmp(status, "in_progress") != 0) {
		run_move(wire, id, status);
	}
	return id;
}

json_t *run_await(struct wire *wire, const char *run_id, const char *status, int limit_ms)
{
	long deadline = clock_ms() + limit_ms;
	json_t *run;

	for (;;) {
		run = run_get(wire, run_id);
		if (!strcmp(text(run, "status"), status)) {
			return run;
		}
		if (clock_ms() > deadline) {
			fail_msg("%s is %s, not %s", run_id, text(run, "status"), status);
		}
		pause_ms(10);
	}
}

static json_t *merge(const char *base, const char *format, va_list args)
{
	json_t *object = codec_parse("%s", base);
	json_t *members = codec_vparse(format, args);

	json_object_update(object, members);
	json_decref(members);
	return object;
}

json_t *run_object(const char *members, ...)
{
	va_list args;
	json_t *run;

	va_start(args, members);
	run = merge("{'id':'run_1','object':'thread.run','created_at':1700000000,"
		    "'thread_id':'t','assistant_id':'asst_1','status':'completed',"
		    "'required_action':null,'last_error':null,'expires_at':null,'started_at':null,"
		    "'cancelled_at':null,'failed_at':null,'completed_at':null,"
		    "'incomplete_details':null,'model':'m','instructions':'','tools':[],"
		    "'metadata':{},'usage':null,'temperature':1.0,'top_p':1.0,"
		    "'max_prompt_tokens':null,'max_completion_tokens':null,"
		    "'truncation_strategy':{'type':'auto','last_messages':null},"
		    "'tool_choice':'auto','parallel_tool_calls':true,'response_format':'auto'}",
		members, args);
	va_end(args);
	return run;
}

json_t *step_object(const char *members, ...)
{
	va_list args;
	json_t *step;

	va_start(args, members);
	step = merge("{'id':'step_1','object':'thread.run.step','created_at':1700000000,"
		     "'assistant_id':'asst_1','thread_id':'t','run_id':'run_1',"
		     "'type':'message_creation','status':'completed',"
		     "'step_details':{'type':'message_creation',"
		     "'message_creation':{'message_id':'msg_1'}},'last_error':null,"
		     "'expired_at':null,'cancelled_at':null,'failed_at':null,"
		     "'completed_at':null,'metadata':{},'usage':null}",
		members, args);
	va_end(args);
	return step;
}

json_t *import_one(struct wire *wire, json_t *object)
{
	return expect_ok_take(wire, "objects.import", json_pack("{s[o]}", "objects", object));
}

const char *step_new(struct wire *wire, const char *run_id)
{
	return text(expect_ok(wire, "steps.create",
			    "{'run_id':'%s','type':'message_creation','step_details':{"
			    "'type':'message_creation','message_creation':{'message_id':'msg_1'}}}",
			    run_id),
		"id");
}

const char *step_calls_new(struct wire *wire, const char *run_id, const char *call_id)
{
	return text(
		expect_ok(wire, "steps.create",
			"{'run_id':'%s','type':'tool_calls','step_details':{'type':'tool_calls',"
			"'tool_calls':[{'id':'%s','type':'function','function':{"
			"'name':'look','arguments':'{}','output':null}}]}}",
			run_id, call_id),
		"id");
}

json_t *step_get(struct wire *wire, const char *run_id, const char *step_id)
{
	return expect_ok(wire, "steps.get", "{'run_id':'%s','step_id':'%s'}", run_id, step_id);
}
