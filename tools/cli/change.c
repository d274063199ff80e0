#include "tools/cli/change.h"
#include "tools/cli/output.h"
#include "tools/cli/term.h"
#include "tools/cli/view.h"

#include <stdio.h>

#define EVENT_COLUMNS 19 /* run.requires_action */

static struct slice text_of(struct slice change, const char *name)
{
	struct slice text = {NULL, 0};

	mp_get_str(mp_lookup(change, name), &text);
	return text;
}

static void write_colored(const struct cli *cli, const char *color, struct slice text)
{
	color = cli->color ? color : "";
	fputs(color, stdout);
	term_write(stdout, text);
	fputs(*color ? TERM_PLAIN : "", stdout);
}

bool change_is_of_run(struct slice change)
{
	return text_of(change, "run_id").ptr && !text_of(change, "step_id").ptr &&
	       !text_of(change, "message_id").ptr;
}

/* "run.completed", "step.created", "message.delta", but "thread.created": up to the last noun. */
static struct slice short_event(struct slice event)
{
	static const char *const nouns[] = {"step.", "run.", "message."};
	static const char *const fronts[] = {"thread.run.", "thread.", "thread."};

	for (int i = 0; i < 3; i++) {
		size_t front = strlen(fronts[i]), noun = strlen(nouns[i]);

		if (event.len > front + noun && !memcmp(event.ptr, fronts[i], front) &&
			!memcmp(event.ptr + front, nouns[i], noun)) {
			return slice_of(event.ptr + front, event.len - front);
		}
	}
	return event;
}

static void write_event(const struct cli *cli, struct slice change)
{
	struct slice event = short_event(text_of(change, "event")), to = text_of(change, "to");
	const char *color = to.ptr ? term_status_color(to) : TERM_DIM;
	int pad = EVENT_COLUMNS - term_width(event);

	write_colored(cli, slice_is(event, "run.lease_lost") ? TERM_RED : color, event);
	printf("%*s", pad > 0 ? pad : 0, "");
}

static void write_path(struct slice change)
{
	static const char *const ids[] = {
		"thread_id", "run_id", "step_id", "message_id", "assistant_id"};
	const char *between = "";

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		struct slice id = text_of(change, ids[i]);

		if (id.ptr) {
			fputs(between, stdout);
			term_write(stdout, id);
			between = "/";
		}
	}
}

/*
 * "queued -> in_progress", "-> queued", "completed ->", or the one status that stayed; nothing for
 * what has no status.
 */
static void write_statuses(const struct cli *cli, struct slice change)
{
	struct slice from = text_of(change, "from"), to = text_of(change, "to");

	if (!from.ptr && !to.ptr) {
		return;
	}
	fputs("  ", stdout);
	if (from.ptr && !slice_eq(from, to)) {
		write_colored(cli, term_status_color(from), from);
		putchar(' ');
	}
	if (!slice_eq(from, to)) {
		fputs(to.ptr ? "-> " : "->", stdout);
	}
	write_colored(cli, term_status_color(to), to);
}

static void write_line(const struct cli *cli, struct slice change)
{
	int64_t at_ms = 0;
	char at[32];

	mp_get_int(mp_lookup(change, "at_ms"), &at_ms);
	term_time(at_ms / 1000, at);
	write_colored(cli, TERM_DIM, slice_str(at));
	fputs("  ", stdout);
	write_event(cli, change);
	fputs("  ", stdout);
	write_path(change);
	write_statuses(cli, change);
	fputs("  by ", stdout);
	term_write(stdout, text_of(change, "by"));
	putchar('\n');
}

int change_write(const struct cli *cli, struct slice change)
{
	struct slice object = mp_lookup(change, "object");

	if (cli->json) {
		return output_json(stdout, change);
	}
	write_line(cli, change);
	if (object.ptr && !mp_is_nil(object)) {
		view_write(cli, object);
	}
	return 0;
}
