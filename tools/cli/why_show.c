#include "tools/cli/output.h"
#include "tools/cli/term.h"
#include "tools/cli/why.h"

#include <inttypes.h>
#include <stdio.h>

#define BIT(status) (1u << RUN_##status)

/* What moves a run on, by the statuses in which it does. */
static const struct way {
	unsigned int statuses;
	const char *command;
	const char *what;
} ways[] = {
	{BIT(QUEUED), "claim --thread", "take it, as a worker does"},
	{BIT(REQUIRES_ACTION), "submit", "answer its tool calls; it is queued again"},
	{BIT(IN_PROGRESS), "requeue", "take it from its worker and queue it again"},
	{BIT(QUEUED) | BIT(REQUIRES_ACTION), "cancel", "cancel it"},
	{BIT(IN_PROGRESS), "cancel", "ask its worker to end it; after 60 s the daemon does"},
	{BIT(QUEUED) | BIT(IN_PROGRESS) | BIT(REQUIRES_ACTION) | BIT(CANCELLING), "fail",
		"end it as failed"},
};

#define WAY_COLUMNS 48 /* a longer command pushes its own explanation aside, not the others' */
#define N_WAYS (sizeof(ways) / sizeof(*ways))

/* The tool calls that the run waits for, one after the other. */
struct calls {
	struct slice in;
	uint32_t n;
};

static void calls_begin(struct calls *calls, const struct why *w)
{
	struct slice action = mp_lookup(w->run, "required_action");
	struct mp t = {0};

	calls->in = mp_lookup(mp_lookup(action, "submit_tool_outputs"), "tool_calls");
	mp_read(&calls->in, &t);
	calls->n = t.type == MP_ARRAY ? t.n : 0;
}

static bool calls_next(struct calls *calls, struct slice *id, struct slice *name)
{
	struct slice call;

	*id = *name = slice_of(NULL, 0);
	if (!calls->n) {
		return false;
	}
	calls->n--;
	call = mp_value(&calls->in);
	mp_get_str(mp_lookup(call, "id"), id);
	mp_get_str(mp_lookup(mp_lookup(call, "function"), "name"), name);
	return true;
}

static void put_text(struct buf *out, const char *text)
{
	buf_append(out, text, strlen(text));
}

/* A word that a shell takes as it is. */
static void put_word(struct buf *out, struct slice word)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.=";
	bool quoted = false;

	for (size_t i = 0; i < word.len; i++) {
		quoted = quoted || !memchr(plain, word.ptr[i], sizeof(plain) - 1);
	}
	put_text(out, quoted ? "'" : "");
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] == '\'') {
			put_text(out, "'\\''");
		} else {
			buf_append(out, &word.ptr[i], 1);
		}
	}
	put_text(out, quoted ? "'" : "");
}

static void put_outputs(const struct why *w, struct buf *out)
{
	struct slice id, name;
	struct calls calls;

	calls_begin(&calls, w);
	while (calls_next(&calls, &id, &name)) {
		put_text(out, " --output ");
		put_word(out, id);
		put_text(out, "=TEXT");
	}
}

/* "runstore runs fail run_1". */
static void put_command(const struct why *w, const struct way *way, struct buf *out)
{
	put_text(out, "runstore runs ");
	put_text(out, way->command);
	put_text(out, " ");
	put_text(out, way->statuses == BIT(QUEUED) ? w->thread : w->runs[0].id);
	if (way->statuses == BIT(REQUIRES_ACTION)) {
		put_outputs(w, out);
	}
}

static uint32_t count(const struct why *w, enum why_fate fate)
{
	uint32_t n = 0;

	for (size_t i = 1; i < w->n; i++) {
		n += w->runs[i].fate == fate;
	}
	return n;
}

static const char *first(const struct why *w, enum why_fate fate)
{
	size_t i = 1;

	while (i < w->n && w->runs[i].fate != fate) {
		i++;
	}
	return i < w->n ? w->runs[i].id : "";
}

/* As JSON. */
static void put_member(struct buf *out, const char *name, struct slice value)
{
	mp_put_cstr(out, name);
	if (value.ptr) {
		buf_put(out, value);
	} else {
		mp_put_nil(out);
	}
}

static void put_ids(struct buf *out, const char *name, const struct why *w, enum why_fate fate)
{
	mp_put_cstr(out, name);
	mp_put_array(out, count(w, fate));
	for (size_t i = 1; i < w->n; i++) {
		if (w->runs[i].fate == fate) {
			mp_put_cstr(out, w->runs[i].id);
		}
	}
}

static void put_calls(struct buf *out, const struct why *w)
{
	struct slice id, name;
	struct calls calls;

	calls_begin(&calls, w);
	mp_put_cstr(out, "tool_calls");
	mp_put_array(out, calls.n);
	while (calls_next(&calls, &id, &name)) {
		mp_put_map(out, 2);
		mp_put_cstr(out, "id");
		mp_put_str(out, id);
		mp_put_cstr(out, "name");
		mp_put_str(out, name);
	}
}

static void put_ways(struct buf *out, const struct why *w)
{
	uint32_t n = 0;

	for (size_t i = 0; i < N_WAYS; i++) {
		n += w->n && ways[i].statuses & 1u << w->status;
	}
	mp_put_cstr(out, "unlock");
	mp_put_array(out, n);
	for (size_t i = 0; n && i < N_WAYS; i++) {
		if (ways[i].statuses & 1u << w->status) {
			_cleanup_(buf_finish) struct buf command = {0};

			put_command(w, &ways[i], &command);
			mp_put_str(out, buf_slice(&command));
		}
	}
}

static void put_all(const struct why *w, struct buf *out)
{
	mp_put_map(out, 13);
	mp_put_cstr(out, "thread_id");
	mp_put_cstr(out, w->thread);
	put_member(out, "run_id", mp_lookup(w->run, "id"));
	put_member(out, "status", mp_lookup(w->lease, "status"));
	mp_put_cstr(out, "since");
	if (w->n) {
		mp_put_int(out, w->since);
	} else {
		mp_put_nil(out);
	}
	put_member(out, "expires_at", mp_lookup(w->run, "expires_at"));
	put_member(out, "lease", mp_lookup(w->lease, "lease"));
	put_member(out, "attempts", mp_lookup(w->lease, "attempts"));
	put_member(out, "losses", mp_lookup(w->lease, "losses"));
	put_member(out, "claimable", mp_lookup(w->lease, "claimable"));
	put_calls(out, w);
	put_ids(out, "waiting", w, WHY_WAITS);
	put_ids(out, "beside", w, WHY_BESIDE);
	put_ways(out, w);
}

/* For a person. */
static void write_name(const struct why *w, const char *name)
{
	printf("%s%s%s%*s", w->cli->color ? TERM_BOLD : "", name, w->cli->color ? TERM_PLAIN : "",
		(int)(10 - strlen(name)), "");
}

static void write_colored(const struct why *w, const char *color, struct slice text)
{
	fputs(w->cli->color ? color : "", stdout);
	term_write(stdout, text);
	fputs(w->cli->color && *color ? TERM_PLAIN : "", stdout);
}

static void write_holder(const struct why *w)
{
	struct slice status = slice_str(run_status_names[w->status]);
	int64_t expires_at;

	write_name(w, "thread");
	printf("%s\n", w->thread);
	write_name(w, "run");
	printf("%s, ", w->runs[0].id);
	write_colored(w, term_status_color(status), status);
	printf(" since ");
	term_when(stdout, w->cli->now, w->since);
	putchar('\n');
	if (mp_get_int(mp_lookup(w->run, "expires_at"), &expires_at)) {
		write_name(w, "expires");
		term_when(stdout, w->cli->now, expires_at);
		putchar('\n');
	}
}

/* Why there is no worker, or what that means. */
static const char *no_worker(const struct why *w)
{
	bool claimable = false;

	switch (w->status) {
	case RUN_QUEUED:
		mp_get_bool(mp_lookup(w->lease, "claimable"), &claimable);
		return claimable ? "none has claimed it yet" : "none, it is held back";
	case RUN_REQUIRES_ACTION:
		return "none, its tool calls wait for their outputs";
	case RUN_CANCELLING:
		return "none holds a lease on it; the daemon cancels it 60 s after it was asked to";
	default:
		return "none holds a lease on it: nobody is bound to end it before it expires";
	}
}

static void write_worker(const struct why *w)
{
	struct slice lease = mp_lookup(w->lease, "lease"), worker;
	int64_t expires_ms, attempts = 0, losses = 0;

	mp_get_int(mp_lookup(w->lease, "attempts"), &attempts);
	mp_get_int(mp_lookup(w->lease, "losses"), &losses);
	write_name(w, "worker");
	if (mp_get_str(mp_lookup(lease, "worker"), &worker) &&
		mp_get_int(mp_lookup(lease, "expires_ms"), &expires_ms)) {
		term_write(stdout, worker);
		printf(", whose lease ends at ");
		term_when(stdout, w->cli->now, expires_ms / 1000);
	} else {
		printf("%s", no_worker(w));
	}
	putchar('\n');
	if (attempts) {
		write_name(w, "attempts");
		printf("%" PRId64, attempts);
		if (losses) {
			printf(", %" PRId64 " lost by leases that ran out", losses);
		}
		putchar('\n');
	}
}

static void write_calls(const struct why *w)
{
	struct slice id, name;
	struct calls calls;
	bool more = false;

	calls_begin(&calls, w);
	while (calls_next(&calls, &id, &name)) {
		write_name(w, more ? "" : "calls");
		more = true;
		term_write(stdout, id);
		putchar(' ');
		term_write(stdout, name);
		putchar('\n');
	}
}

static void write_others(const struct why *w)
{
	uint32_t waiting = count(w, WHY_WAITS), beside = count(w, WHY_BESIDE);
	char number[32];

	write_name(w, "waiting");
	term_count(waiting, number);
	if (waiting) {
		printf("%s run%s, %s is next\n", number, waiting == 1 ? "" : "s",
			first(w, WHY_WAITS));
	} else {
		printf("none\n");
	}
	term_count(beside, number);
	if (beside) {
		write_name(w, "beside");
		printf("%s run%s that %s not wait\n", number, beside == 1 ? "" : "s",
			beside == 1 ? "does" : "do");
	}
}

/* Columns of the longest command. */
static int ways_width(const struct why *w)
{
	int widest = 0;

	for (size_t i = 0; i < N_WAYS; i++) {
		if (ways[i].statuses & 1u << w->status) {
			_cleanup_(buf_finish) struct buf command = {0};
			int width;

			put_command(w, &ways[i], &command);
			width = term_width(buf_slice(&command));
			widest = width > widest && width <= WAY_COLUMNS ? width : widest;
		}
	}
	return widest;
}

static void write_way(const struct why *w, const struct way *way, int widest)
{
	_cleanup_(buf_finish) struct buf command = {0};
	int pad;

	put_command(w, way, &command);
	pad = widest - term_width(buf_slice(&command));
	printf("  ");
	term_write(stdout, buf_slice(&command));
	printf("%*s  %s# %s%s\n", pad > 0 ? pad : 0, "", w->cli->color ? TERM_DIM : "", way->what,
		w->cli->color ? TERM_PLAIN : "");
}

static void write_ways(const struct why *w)
{
	int widest = ways_width(w);

	printf("\nWhat would move it on:\n");
	for (size_t i = 0; i < N_WAYS; i++) {
		if (ways[i].statuses & 1u << w->status) {
			write_way(w, &ways[i], widest);
		}
	}
}

static void write_text(const struct why *w)
{
	if (!w->n) {
		printf("Nothing holds thread %s: all of its runs have ended.\n", w->thread);
		return;
	}
	w->cli->now = cli_now_ms() / 1000;
	write_holder(w);
	write_worker(w);
	write_calls(w);
	write_others(w);
	write_ways(w);
}

int why_show(const struct why *w)
{
	_cleanup_(buf_finish) struct buf out = {0};

	if (!w->cli->json) {
		write_text(w);
		return 0;
	}
	put_all(w, &out);
	return buf_error(&out) ? cli_error("Out of memory.") : output_json(stdout, buf_slice(&out));
}
