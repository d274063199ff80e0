#include "cmocka_all.h"

#include "tests/gateway/scene.h"

#include <signal.h>
#include <stdlib.h>

#define THREADS 4

int scene_start(void **state)
{
	const struct runstore_options options = {.connections = THREADS, .connect_timeout_ms = 200};
	struct scene *s = calloc(1, sizeof(*s));
	struct runstore_error error;
	void *fixture = *state;

	assert_non_null(s);
	desk_clear();
	fixture_start(&fixture);
	s->fixture = fixture;
	s->wire = &s->fixture->wire;
	assert_int_equal(runstore_open(&s->gw.rs, s->fixture->daemon.url, &options, &error), 0);
	assert_int_equal(pool_open(&s->gw.pool, THREADS), 0);
	assert_int_equal(hub_open(&s->gw.hub, s->gw.rs, &error), 0);
	assert_int_equal(holds_open(&s->gw.holds, &s->gw), 0);
	assert_int_equal(streams_open(&s->gw.streams, &s->gw), 0);
	*state = s;
	return 0;
}

int scene_stop(void **state)
{
	struct scene *s = *state;
	void *fixture = s->fixture;
	long began = clock_ms();

	holds_stop(s->gw.holds);
	streams_stop(s->gw.streams);
	pool_close(s->gw.pool);
	holds_close(s->gw.holds);
	streams_close(s->gw.streams);
	hub_close(s->gw.hub);
	runstore_close(s->gw.rs);
	assert_in_range(clock_ms() - began, 0, 5000);
	assert_int_equal(desk_count(), 0);
	free(s);
	return fixture_stop(&fixture);
}

void scene_halt(struct scene *s)
{
	fixture_halt(s->fixture);
}

void scene_resume(struct scene *s)
{
	fixture_resume(s->fixture);
}

struct errand {
	struct pool_job job;
	struct scene *s;
	struct exchange *x;
	const char *run_id;
	int64_t max_ms;
	struct stream_options options;
};

static void do_hold(struct pool_job *job)
{
	struct errand *o = (struct errand *)(void *)job;

	hold_run(o->s->gw.holds, o->x, "thread_1", o->run_id, o->max_ms);
	exchange_unref(o->x);
	free(o);
}

static void do_stream(struct pool_job *job)
{
	struct errand *o = (struct errand *)(void *)job;

	stream_open(o->s->gw.streams, o->x, &o->options);
	exchange_unref(o->x);
	free(o);
}

static struct errand *slip(struct scene *s)
{
	struct errand *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	o->s = s;
	o->x = exchange_ref(desk_open());
	return o;
}

struct exchange *scene_hold(struct scene *s, const char *run_id, int64_t max_ms)
{
	struct errand *o = slip(s);
	struct exchange *x = o->x;

	o->run_id = run_id;
	o->max_ms = max_ms;
	o->job.run = do_hold;
	pool_submit(s->gw.pool, &o->job);
	return x;
}

struct exchange *scene_stream(struct scene *s, const struct stream_options *options)
{
	struct errand *o = slip(s);
	struct exchange *x = o->x;

	o->options = *options;
	o->job.run = do_stream;
	pool_submit(s->gw.pool, &o->job);
	return x;
}
