#include "cmocka_all.h"

#include "tests/client/dump.h"

#include <stdio.h>
#include <stdlib.h>

struct dump {
	struct store *s;
	FILE *out;
	char *text;
	size_t size;
};

static void dump_value(struct dump *d, struct runstore_value value)
{
	char *text = runstore_value_json(value);

	assert_non_null(text);
	fprintf(d->out, "%s\n", text);
	free(text);
}

/* A list, oldest first; behind it what @more tells of each object. */
static void dump_list(struct dump *d, const char *method, const char *params,
	void (*more)(struct dump *d, const char *id))
{
	static const struct runstore_page page = {.order = RUNSTORE_ORDER_ASC};
	struct runstore_list *list = NULL;
	struct runstore_value object;
	struct store *s = d->s;
	char *id;

	fprintf(d->out, "%s %s\n", method, params ? params : "");
	OK(s, runstore_list_open(s->rs, method, params, &page, &list, &s->error));
	while (!runstore_list_next(list, &object, &s->error) && object.data) {
		dump_value(d, object);
		if (more) {
			id = runstore_value_string(runstore_value_member(object, "id"));
			more(d, id);
			free(id);
		}
	}
	OK(s, runstore_list_next(list, &object, &s->error));
	runstore_list_close(list);
}

static void dump_thread(struct dump *d, const char *id)
{
	struct store *s = d->s;
	char params[100], *thread = NULL;

	snprintf(params, sizeof(params), "{\"thread_id\":\"%s\"}", id);
	OK(s, runstore_call_json(s->rs, "threads.get", params, &thread, &s->error));
	fprintf(d->out, "%s\n", thread);
	free(thread);
	dump_list(d, "messages.list", params, NULL);
	dump_list(d, "runs.list", params, NULL);
}

static void dump_run(struct dump *d, const char *id)
{
	char params[200];

	snprintf(params, sizeof(params),
		"{\"run_id\":\"%s\",\"include\":["
		"\"step_details.tool_calls[*].file_search.results[*].content\"]}",
		id);
	dump_list(d, "steps.list", params, NULL);
}

char *store_dump(struct store *s)
{
	struct dump d = {.s = s};

	d.out = open_memstream(&d.text, &d.size);
	dump_list(&d, "assistants.list", NULL, NULL);
	dump_list(&d, "threads.list", NULL, dump_thread);
	dump_list(&d, "runs.list", NULL, dump_run);
	dump_list(&d, "runs.list", "{\"status\":[\"queued\",\"in_progress\",\"failed\"]}", NULL);
	fclose(d.out);
	return d.text;
}
