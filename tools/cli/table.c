#include "tools/cli/table.h"
#include "tools/cli/term.h"

enum cell {
	CELL_TEXT,
	CELL_STATUS,
	CELL_AGO,
	CELL_COUNT,
	CELL_TOKENS,
	CELL_DETAILS,
	CELL_CONTENT,
};

#define LINE_COLUMNS 500 /* that a cell may have at most */

struct column {
	const char *title;
	const char *field;
	enum cell cell;
	int least; /* columns to which it may shrink, 0: it may not */
};

/* The thread stands first so that it can be left out. */
static const struct column run_columns[] = {
	{"THREAD", "thread_id", CELL_TEXT, 12},
	{"ID", "id", CELL_TEXT, 0},
	{"STATUS", "status", CELL_STATUS, 0},
	{"ASSISTANT", "assistant_id", CELL_TEXT, 10},
	{"MODEL", "model", CELL_TEXT, 8},
	{"CREATED", "created_at", CELL_AGO, 0},
	{"TOKENS", "usage", CELL_TOKENS, 0},
};

/* Of those in progress there is no usage yet; how long they will stay so matters. */
static const struct column stale_columns[] = {
	{"THREAD", "thread_id", CELL_TEXT, 12},
	{"ID", "id", CELL_TEXT, 0},
	{"STATUS", "status", CELL_STATUS, 0},
	{"ASSISTANT", "assistant_id", CELL_TEXT, 10},
	{"STARTED", "started_at", CELL_AGO, 0},
	{"EXPIRES", "expires_at", CELL_AGO, 0},
};

static const struct column step_columns[] = {
	{"ID", "id", CELL_TEXT, 0},
	{"TYPE", "type", CELL_TEXT, 0},
	{"STATUS", "status", CELL_STATUS, 0},
	{"DETAILS", "step_details", CELL_DETAILS, 12},
	{"CREATED", "created_at", CELL_AGO, 0},
	{"TOKENS", "usage", CELL_TOKENS, 0},
};

static const struct column thread_columns[] = {
	{"ID", "id", CELL_TEXT, 0},
	{"RUNS", "runs", CELL_COUNT, 0},
	{"STEPS", "steps", CELL_COUNT, 0},
	{"ACTIVE RUN", "active_run_id", CELL_TEXT, 12},
	{"CREATED", "created_at", CELL_AGO, 0},
	{"LAST RUN", "last_run_at", CELL_AGO, 0},
};

static const struct column message_columns[] = {
	{"ID", "id", CELL_TEXT, 0},
	{"CREATED", "created_at", CELL_AGO, 0},
	{"ROLE", "role", CELL_TEXT, 0},
	{"STATUS", "status", CELL_STATUS, 0},
	{"TEXT", "content", CELL_CONTENT, 12},
};

static const struct column assistant_columns[] = {
	{"ID", "id", CELL_TEXT, 0},
	{"NAME", "name", CELL_TEXT, 12},
	{"MODEL", "model", CELL_TEXT, 8},
	{"CREATED", "created_at", CELL_AGO, 0},
};

#define N_OF(array) ((int)(sizeof(array) / sizeof(*(array))))

static const struct {
	const char *what;
	const struct column *columns;
	int n;
	bool has_thread; /* in the first column */
} tables[] = {
	{"runs.list", run_columns, N_OF(run_columns), true},
	{"runs.list --stale", stale_columns, N_OF(stale_columns), true},
	{"steps.list", step_columns, N_OF(step_columns), false},
	{"threads.list", thread_columns, N_OF(thread_columns), false},
	{"messages.list", message_columns, N_OF(message_columns), false},
	{"assistants.list", assistant_columns, N_OF(assistant_columns), false},
};

void table_init(struct table *t, const struct cli *cli, const char *what, bool in_one_thread)
{
	int i = 0, skipped;

	while (i < N_OF(tables) - 1 && strcmp(tables[i].what, what) != 0) {
		i++;
	}
	skipped = in_one_thread && tables[i].has_thread;
	*t = (struct table){
		.cli = cli,
		.columns = tables[i].columns + skipped,
		.n = tables[i].n - skipped,
	};
	for (i = 0; i < t->n; i++) {
		t->widths[i] = (int)strlen(t->columns[i].title);
	}
}

static void put_text(struct buf *out, const char *text)
{
	buf_append(out, text, strlen(text));
}

static void put_count(struct buf *out, struct slice value)
{
	char text[32];
	int64_t n;

	if (mp_get_int(value, &n) && n >= 0) {
		term_count((uint64_t)n, text);
		put_text(out, text);
	}
}

/* The tools that were called, or the message that was made. */
static void put_details(struct buf *out, struct slice details)
{
	struct slice calls = mp_lookup(details, "tool_calls");
	struct slice text;
	struct mp t;
	uint32_t n;

	if (mp_get_str(mp_lookup(mp_lookup(details, "message_creation"), "message_id"), &text)) {
		buf_put(out, text);
		return;
	}
	if (!mp_read(&calls, &t) || t.type != MP_ARRAY) {
		return;
	}
	n = t.n;
	for (uint32_t i = 0; i < n; i++) {
		struct slice call = mp_value(&calls);

		put_text(out, i ? ", " : "");
		if (mp_get_str(mp_lookup(mp_lookup(call, "function"), "name"), &text) ||
			mp_get_str(mp_lookup(call, "type"), &text)) {
			buf_put(out, text);
		}
	}
}

/* As much of a text as a line can show, with a blank for each stretch of white space. */
static void put_line(struct buf *out, struct slice text)
{
	size_t end = term_fit(text, LINE_COLUMNS);
	bool gap = false;

	for (size_t i = 0; i < end; i++) {
		bool blank = text.ptr[i] <= ' ' && strchr(" \t\r\n", text.ptr[i]);

		if (!blank) {
			buf_append(out, " ", gap && out->len);
			buf_append(out, &text.ptr[i], 1);
		}
		gap = blank;
	}
}

/* What a message says: its texts, and of what is no text the name. */
static void put_content(struct buf *out, struct slice parts)
{
	struct mp t;
	uint32_t n;

	if (!mp_read(&parts, &t) || t.type != MP_ARRAY) {
		return;
	}
	n = t.n;
	for (uint32_t i = 0; i < n && out->len < LINE_COLUMNS; i++) {
		struct slice part = mp_value(&parts), text;

		put_text(out, i ? " " : "");
		if (mp_get_str(mp_lookup(mp_lookup(part, "text"), "value"), &text) ||
			mp_get_str(mp_lookup(part, "refusal"), &text)) {
			put_line(out, text);
		} else if (mp_get_str(mp_lookup(part, "type"), &text)) {
			put_text(out, "(");
			buf_put(out, text);
			put_text(out, ")");
		}
	}
}

static void put_cell(
	const struct table *t, const struct column *column, struct slice object, struct buf *out)
{
	struct slice value = mp_lookup(object, column->field);
	struct slice text;
	char ago[32];
	int64_t time;

	switch (column->cell) {
	case CELL_AGO:
		if (mp_get_int(value, &time)) {
			term_ago(t->cli->now, time, ago);
			put_text(out, ago);
		}
		break;
	case CELL_COUNT:
		put_count(out, value);
		break;
	case CELL_TOKENS:
		put_count(out, mp_lookup(value, "total_tokens"));
		break;
	case CELL_DETAILS:
		put_details(out, value);
		break;
	case CELL_CONTENT:
		put_content(out, value);
		break;
	default:
		if (mp_get_str(value, &text)) {
			buf_put(out, text);
		}
		break;
	}
	if (!out->len) {
		put_text(out, "-");
	}
}

/* The whole table's columns, two between any two. */
static int total_width(const struct table *t)
{
	int total = 2 * (t->n - 1);

	for (int i = 0; i < t->n; i++) {
		total += t->widths[i];
	}
	return total;
}

/* The widest of those that may shrink gives way until it all fits, or nothing may give. */
static void shrink(struct table *t)
{
	while (total_width(t) > t->cli->columns) {
		int widest = -1;

		for (int i = 0; i < t->n; i++) {
			if (t->columns[i].least && t->widths[i] > t->columns[i].least &&
				(widest < 0 || t->widths[i] > t->widths[widest])) {
				widest = i;
			}
		}
		if (widest < 0) {
			return;
		}
		t->widths[widest]--;
	}
}

static void grow(struct table *t, struct slice data, uint32_t n)
{
	_cleanup_(buf_finish) struct buf cell = {0};

	while (n--) {
		struct slice object = mp_value(&data);

		for (int i = 0; i < t->n; i++) {
			int width;

			buf_reset(&cell, cell.cap);
			put_cell(t, &t->columns[i], object, &cell);
			width = term_width(buf_slice(&cell));
			t->widths[i] = width > t->widths[i] ? width : t->widths[i];
		}
	}
	shrink(t);
}

static bool is_right(const struct column *column)
{
	return column->cell == CELL_COUNT || column->cell == CELL_TOKENS;
}

static void write_cell(const struct table *t, int i, struct slice text, const char *color)
{
	const char *off = t->cli->color && *color ? TERM_PLAIN : "";
	int width = term_width(text), columns = t->widths[i];
	bool cut = width > columns;
	int pad;

	if (cut) {
		text.len = term_fit(text, columns - 1);
		width = term_width(text) + 1;
	}
	pad = columns - width;
	if (is_right(&t->columns[i])) {
		printf("%*s", pad, "");
	}
	fputs(t->cli->color ? color : "", stdout);
	term_write(stdout, text);
	printf("%s%s", cut ? "…" : "", off);
	if (i + 1 < t->n) {
		printf("%*s", 2 + (is_right(&t->columns[i]) ? 0 : pad), "");
	}
}

static void write_row(const struct table *t, struct slice object)
{
	_cleanup_(buf_finish) struct buf cell = {0};

	for (int i = 0; i < t->n; i++) {
		const struct column *column = &t->columns[i];

		buf_reset(&cell, cell.cap);
		put_cell(t, column, object, &cell);
		write_cell(t, i, buf_slice(&cell),
			column->cell == CELL_STATUS ? term_status_color(buf_slice(&cell)) : "");
	}
	putchar('\n');
}

static void write_header(struct table *t)
{
	for (int i = 0; i < t->n; i++) {
		write_cell(t, i, slice_str(t->columns[i].title), TERM_BOLD);
	}
	putchar('\n');
	t->begun = true;
}

void table_write(struct table *t, struct slice data)
{
	struct mp head;
	uint32_t n;

	if (!mp_read(&data, &head) || head.type != MP_ARRAY) {
		return;
	}
	n = head.n;
	grow(t, data, n);
	if (n && !t->begun) {
		write_header(t);
	}
	while (n--) {
		write_row(t, mp_value(&data));
	}
}
