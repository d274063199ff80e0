#include "client/runstore.h"
#include "tests/bench/process.h"
#include "tests/bench/sections.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_SAMPLES (1 << 18)
#define WARM_UP 8

/* A client that asks through the library, one request after the other. */
struct caller {
	const char *url;
	const struct content *content;
	bool writes;
	uint64_t length_ns;
	size_t n;
	double us[MAX_SAMPLES];
};

static void get_step(struct runstore *rs, const struct caller *c, uint32_t at)
{
	char run[CONTENT_ID_MAX], id[CONTENT_ID_MAX];
	uint32_t number = at % c->content->n_runs;
	struct runstore_error error;
	struct runstore_step *step;

	content_run_id(number, run);
	content_step_id(c->content, number, at * 31 % c->content->steps_per_run, id);
	if (runstore_step_get(rs, run, id, false, &step, &error)) {
		child_die("%s", error.message);
	}
	runstore_step_free(step);
}

static void create_step(struct runstore *rs, const struct caller *c, uint32_t at)
{
	static const char details[] = "{\"type\":\"message_creation\",\"message_creation\":{"
				      "\"message_id\":\"msg_01JABCDEFGHJKMNPQRSTVWXYZ0\"}}";
	const struct runstore_step_create params = {
		.type = RUNSTORE_STEP_MESSAGE_CREATION,
		.step_details = details,
		.metadata = "{\"source\":\"benchmark\"}",
	};
	struct runstore_error error;
	struct runstore_step *step;
	char run[CONTENT_ID_MAX];

	content_run_id(c->content->n_runs + at % c->content->n_open, run);
	if (runstore_step_create(rs, run, &params, &step, &error)) {
		child_die("%s", error.message);
	}
	runstore_step_free(step);
}

static void call_all(void *context)
{
	struct caller *c = context;
	struct runstore_error error;
	uint64_t before, now, deadline = 0;
	struct runstore *rs;

	if (runstore_open(&rs, c->url, NULL, &error)) {
		child_die("%s", error.message);
	}
	before = now_ns();
	for (uint32_t i = 0; i <= WARM_UP || (now < deadline && c->n < MAX_SAMPLES); i++) {
		(c->writes ? create_step : get_step)(rs, c, i);
		now = now_ns();
		if (i >= WARM_UP) {
			c->us[c->n++] = (double)(now - before) / 1e3;
		}
		if (i + 1 == WARM_UP) {
			deadline = now + c->length_ns;
		}
		before = now;
	}
	runstore_close(rs);
}

static void measure(const void *what, double seconds, struct result *out)
{
	struct caller *c = shared_alloc(sizeof(*c));

	*c = *(const struct caller *)what;
	c->length_ns = (uint64_t)(seconds * 1e9);
	child_run(call_all, c);
	out->rate = (double)c->n / seconds;
	out->p50_us = median(c->us, c->n);
	out->p99_us = c->us[c->n * 99 / 100]; /* median() has sorted them */
	shared_free(c, sizeof(*c));
}

static void compare(const struct stage *stage, const char *name, struct frames frames, bool writes)
{
	struct load load = {.url = stage->server.url, .n_clients = 1, .frames = &frames};
	struct caller *caller = calloc(1, sizeof(*caller));
	struct phase phases[2] = {
		{"bare socket", load_measure, &load, {{0}}},
		{"library", measure, caller, {{0}}},
	};
	struct row row;

	if (!caller) {
		die("out of memory");
	}
	caller->url = stage->server.url;
	caller->content = &stage->content;
	caller->writes = writes;
	rounds_run(name, phases, 2);
	row = report_compare(&phases[1], &phases[0], FIGURE_P50);
	snprintf(row.name, sizeof(row.name), "%s", name);
	row.n_clients = 1;
	report_add(&row);
	free(caller);
	frames_free(&frames);
}

void section_library(const struct stage *stage)
{
	compare(stage, "steps.get through librunstore", request_step_gets(&stage->content, 1024),
		false);
	compare(stage, "steps.create through librunstore",
		request_step_creates(&stage->content, true), true);
}
