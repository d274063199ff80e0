#include "tools/cli/list.h"
#include "tools/cli/ask.h"
#include "tools/cli/output.h"
#include "tools/cli/stale.h"
#include "tools/cli/table.h"

#include <stdio.h>

#define PAGE 100
#define DEFAULT_LIMIT 20

struct listing {
	struct cli *cli;
	struct given *given; /* its cursor moves on */
	struct table table;
	bool stale;
	uint32_t left; /* with @stale: how many are still to be shown */
	char last[65]; /* with @stale: id of the last one shown, or "" */
	bool more;     /* there is more behind what was shown */
	bool full;     /* as much as was asked for is shown */
};

int list_check(const struct invocation *in)
{
	const char *flag = in->all ? "all" : "stale";

	if ((in->all || in->stale) && given_has(&in->given, "before")) {
		return cli_usage(
			"--%s pages forward: it goes with --after, not with --before.", flag);
	}
	if (in->stale && !given_is_among(&in->given, "status", stale_statuses)) {
		return cli_usage("--stale: only runs that are in_progress or cancelling can be "
				 "without a worker; leave out --status.");
	}
	return 0;
}

static int write_lines(struct slice data)
{
	struct mp t;
	uint32_t n;
	int r = 0;

	if (!mp_read(&data, &t) || t.type != MP_ARRAY) {
		return cli_error("The daemon's answer is not a list.");
	}
	n = t.n;
	while (!r && n--) {
		r = output_json(stdout, mp_value(&data));
	}
	return r;
}

static int write_data(struct listing *l, struct slice data)
{
	if (l->cli->json) {
		return write_lines(data);
	}
	table_write(&l->table, data);
	return 0;
}

/* Where the next page begins goes into the parameters. */
static void set_cursor(struct listing *l, struct slice list)
{
	struct slice last;

	mp_get_bool(mp_lookup(list, "has_more"), &l->more);
	l->more = l->more && mp_get_str(mp_lookup(list, "last_id"), &last);
	if (l->more) {
		given_put_string(l->given, "after", last);
	}
}

/* Of a page of runs the stale ones, up to the number that is left. */
static int write_stale(struct listing *l, struct slice data)
{
	_cleanup_(stale_finish) struct stale_page page = {0};
	int r;

	r = stale_find(l->cli, data, l->left, &page);
	if (!r) {
		r = write_data(l, buf_slice(&page.data));
	}
	if (page.n) {
		snprintf(l->last, sizeof(l->last), "%.*s", (int)page.last.len,
			(const char *)page.last.ptr);
	}
	l->left -= page.n;
	if (page.more) {
		l->more = l->full = true;
		given_put_string(l->given, "after", slice_str(l->last));
	}
	return r;
}

static int show_page(struct listing *l)
{
	_cleanup_(buf_finish) struct buf params = {0};
	struct runstore_reply *reply;
	struct slice list;
	int r;

	l->more = false;
	given_write(l->given, &params);
	r = ask(l->cli, l->given->method->name, &params, &reply);
	if (r) {
		return r;
	}
	list = ask_result(reply);
	set_cursor(l, list);
	r = l->stale ? write_stale(l, mp_lookup(list, "data"))
		     : write_data(l, mp_lookup(list, "data"));
	runstore_reply_free(reply);
	return r;
}

static void tell_more(const struct listing *l)
{
	struct slice after;

	if (!l->cli->json && mp_get_str(given_whole(l->given, "after"), &after)) {
		fflush(stdout);
		fprintf(stderr, "There is more: --after %.*s for the next page, --all for all.\n",
			(int)after.len, (const char *)after.ptr);
	}
}

/* What is stale is only known to who asks for it: whole pages are looked through. */
static int prepare_stale(struct listing *l, bool all)
{
	int64_t limit = DEFAULT_LIMIT;

	mp_get_int(given_whole(l->given, "limit"), &limit);
	if (limit < 1 || limit > PAGE) {
		return 0; /* the daemon says what is wrong with it */
	}
	l->left = all ? UINT32_MAX : (uint32_t)limit;
	given_put_integer(l->given, "limit", PAGE);
	if (!given_has(l->given, "status")) {
		return given_set(
			l->given, given_find(l->given->method, "status"), "in_progress,cancelling");
	}
	return 0;
}

int list_show(struct cli *cli, struct invocation *in)
{
	struct listing l = {.cli = cli, .given = &in->given, .stale = in->stale};
	bool before = given_has(&in->given, "before");
	int r = 0;

	table_init(&l.table, cli, in->stale ? "runs.list --stale" : in->given.method->name,
		given_has(&in->given, "thread_id"));
	if (in->all && !given_has(&in->given, "limit")) {
		given_put_integer(&in->given, "limit", PAGE);
	}
	if (in->stale) {
		r = prepare_stale(&l, in->all);
	}
	if (r) {
		return r;
	}
	do {
		r = show_page(&l);
	} while (!r && l.more && !l.full && (in->all || in->stale));
	if (!r && !cli->json && !l.table.begun) {
		fprintf(stderr, "There are none.\n");
	}
	if (!r && l.more && !before) {
		tell_more(&l);
	}
	return r;
}
