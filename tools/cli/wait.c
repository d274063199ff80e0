/*
 * runstore runs wait: as the method has it, but for as long as it takes. What happens between two
 * requests, or while the daemon is away, is found in the feed of changes.
 */
#include "proto/status.h"
#include "tools/cli/ask.h"
#include "tools/cli/change.h"
#include "tools/cli/invocation.h"
#include "tools/cli/output.h"

#define CONNECT_MS 1000
#define CHUNK_MS 30000 /* of waiting in one request */

struct waiting {
	struct cli *cli;
	struct given *given;
	bool change; /* any change will do */
	bool action; /* requires_action will do */
	int64_t until_ms;
	int64_t after; /* the changes behind this one are news */
	bool lost;     /* some of them are no longer kept */
	struct runstore_reply *run;
};

static void waiting_finish(struct waiting *w)
{
	runstore_reply_free(w->run);
}

static bool is_wanted(const struct waiting *w, struct slice status)
{
	int number = run_status_of(status);

	return number >= 0 && !w->change &&
	       (run_status_terminal((enum run_status)number) ||
		       (w->action && number == RUN_REQUIRES_ACTION));
}

/* A deletion ends every wait. */
static bool is_news(const struct waiting *w, struct slice change)
{
	struct slice to = mp_lookup(change, "to");

	return w->change || (change_is_of_run(change) && (mp_is_nil(to) || is_wanted(w, to)));
}

/* The run as it is; @there: that is what is waited for. */
static int get_run(struct waiting *w, bool *there)
{
	_cleanup_(buf_finish) struct buf params = {0};
	int r;

	runstore_reply_free(w->run);
	w->run = NULL;
	given_put_integer(w->given, "timeout_ms", 0);
	given_write(w->given, &params);
	r = ask_patiently(w->cli, "runs.wait", &params, w->until_ms, &w->run);
	if (!r) {
		*there = is_wanted(w, mp_lookup(ask_result(w->run), "status"));
	}
	return r;
}

static int64_t time_left(const struct waiting *w)
{
	int64_t left = w->until_ms - cli_clock_ms();

	return left < 0 ? 0 : left < CHUNK_MS ? left : CHUNK_MS;
}

static void put_feed(const struct waiting *w, int64_t wait_ms, struct buf *params)
{
	mp_put_map(params, 4);
	mp_put_cstr(params, "run_id");
	buf_put(params, given_whole(w->given, "run_id"));
	mp_put_cstr(params, "after");
	mp_put_int(params, w->after);
	mp_put_cstr(params, "limit");
	mp_put_int(params, 1000);
	mp_put_cstr(params, "wait_ms");
	mp_put_int(params, wait_ms);
}

/* Is there news in a page of the feed? Changes that it has lost may have been anything. */
static bool read_feed(struct waiting *w, struct slice page)
{
	struct slice changes = mp_lookup(page, "changes");
	bool news = false;
	struct mp t = {0};

	mp_get_bool(mp_lookup(page, "truncated"), &w->lost);
	mp_get_int(mp_lookup(page, "last_seq"), &w->after);
	mp_read(&changes, &t);
	for (uint32_t i = 0; !news && i < t.n; i++) {
		news = is_news(w, mp_value(&changes));
	}
	return news || w->lost;
}

/* Until there is news: 0, CLI_NOTHING when the time is over, or an exit code after a message. */
static int follow(struct waiting *w)
{
	bool news = false;
	int r = 0;

	while (!r && !news) {
		_cleanup_(buf_finish) struct buf params = {0};
		struct runstore_reply *reply;
		int64_t wait_ms = time_left(w);

		put_feed(w, wait_ms, &params);
		r = ask_patiently(w->cli, "changes.list", &params, w->until_ms, &reply);
		if (r) {
			return r;
		}
		news = read_feed(w, ask_result(reply));
		runstore_reply_free(reply);
		r = news || time_left(w) ? 0 : CLI_NOTHING;
	}
	return r;
}

/* Where the feed stands, unless it is said from where on a change counts. */
static int set_start(struct waiting *w)
{
	const struct buf none = {0};
	struct runstore_reply *reply;
	int r;

	r = ask(w->cli, "server.info", &none, &reply);
	if (!r) {
		mp_get_int(mp_lookup(ask_result(reply), "last_seq"), &w->after);
		runstore_reply_free(reply);
	}
	if (w->change) {
		mp_get_int(given_whole(w->given, "since_seq"), &w->after);
	}
	return r;
}

/* What the daemon refuses it refuses at the first look. */
static int wait_for(struct waiting *w)
{
	bool there = false;
	int over = 0, r;

	r = set_start(w);
	if (!r) {
		r = get_run(w, &there);
	}
	while (!r && !there && !over) {
		over = follow(w);
		r = over && over != CLI_NOTHING ? over : get_run(w, &there);
		over = there ? 0 : over;
		there = there || w->change || !w->lost;
	}
	if (r) {
		return r;
	}
	w->cli->now = cli_now_ms() / 1000;
	r = output_object(w->cli, ask_result(w->run));
	return r ? r : over;
}

/* --timeout-ms, or --timeout, is how long to wait in all. */
static int set_limit(struct waiting *w)
{
	int64_t ms = w->cli->timeout_ms;
	bool given = mp_get_int(given_whole(w->given, "timeout_ms"), &ms);

	if (given && (ms < 0 || ms > INT32_MAX * 1000LL)) {
		return cli_usage("--timeout-ms: expected milliseconds, 0 or more.");
	}
	w->until_ms = given || ms ? cli_clock_ms() + ms : UNTIL_EVER;
	if (!given) {
		w->cli->timeout_ms = 0;
	}
	w->cli->connect_ms = CONNECT_MS;
	return 0;
}

static void set_what(struct waiting *w)
{
	struct slice until;

	if (mp_get_str(given_whole(w->given, "until"), &until)) {
		w->change = slice_is(until, "change");
		w->action = slice_is(until, "action");
	}
}

int wait_run(struct cli *cli, const struct command *command, struct args *args)
{
	_cleanup_(invocation_finish) struct invocation in;
	_cleanup_(waiting_finish) struct waiting w = {.cli = cli, .given = &in.given};
	int r;

	invocation_init(&in, command);
	r = invocation_parse(cli, &in, args);
	if (!r) {
		r = invocation_check(&in);
	}
	if (!r) {
		r = set_limit(&w);
	}
	if (!r) {
		r = cli_connect(cli);
	}
	if (r) {
		return r;
	}
	set_what(&w);
	return wait_for(&w);
}
