#include "tools/cli/view.h"
#include "tools/cli/term.h"

#include <inttypes.h>

#define INDENT 2
#define MOST_COLUMNS 32 /* where the values begin at the latest */

struct view {
	const struct cli *cli;
	int column; /* where the values begin */
};

static bool is_empty(struct slice value)
{
	struct mp t;

	return mp_read(&value, &t) && (t.type == MP_ARRAY || t.type == MP_MAP) && !t.n;
}

static bool is_nested(struct slice value)
{
	struct mp t;

	return mp_read(&value, &t) && (t.type == MP_ARRAY || t.type == MP_MAP) && t.n;
}

static bool ends_with(struct slice s, const char *end)
{
	size_t n = strlen(end);

	return s.len >= n && !memcmp(s.ptr + s.len - n, end, n);
}

/* Text of several lines goes on below its first one. */
static void write_text(struct slice text, int indent)
{
	while (true) {
		const uint8_t *end = text.len ? memchr(text.ptr, '\n', text.len) : NULL;
		size_t len = end ? (size_t)(end - text.ptr) : text.len;

		term_write(stdout, slice_of(text.ptr, len));
		if (!end) {
			return;
		}
		printf("\n%*s", indent, "");
		text = slice_of(end + 1, text.len - len - 1);
	}
}

static void write_dim(const struct view *v, const char *text)
{
	printf("%s%s%s", v->cli->color ? TERM_DIM : "", text, v->cli->color ? TERM_PLAIN : "");
}

/* Unix seconds of what by its name is a time; false for anything else. */
static bool read_time(struct slice name, const struct mp *t, int64_t *time)
{
	bool is_ms = ends_with(name, "expires_ms") || slice_is(name, "at_ms");

	if (t->type != MP_INT || (!is_ms && !ends_with(name, "_at"))) {
		return false;
	}
	*time = is_ms ? t->i / 1000 : t->i;
	return true;
}

static void write_integer(const struct view *v, struct slice name, const struct mp *t)
{
	int64_t time;

	if (read_time(name, t, &time)) {
		term_when(stdout, v->cli->now, time);
	} else if (t->type == MP_INT) {
		printf("%" PRId64, t->i);
	} else {
		printf("%" PRIu64, t->u);
	}
}

static void write_scalar(const struct view *v, struct slice name, struct slice value, int indent)
{
	const char *color;
	struct mp t = {0};

	mp_read(&value, &t);
	switch (t.type) {
	case MP_BOOL:
		printf("%s", t.b ? "true" : "false");
		break;
	case MP_INT:
	case MP_UINT:
		write_integer(v, name, &t);
		break;
	case MP_FLOAT:
		printf("%g", t.f);
		break;
	case MP_STR:
		if (!t.str.len) {
			write_dim(v, "\"\"");
			break;
		}
		color = v->cli->color && slice_is(name, "status") ? term_status_color(t.str) : "";
		printf("%s", color);
		write_text(t.str, indent);
		printf("%s", *color ? TERM_PLAIN : "");
		break;
	case MP_ARRAY:
		write_dim(v, "[]");
		break;
	case MP_MAP:
		write_dim(v, "{}");
		break;
	default:
		write_dim(v, "-");
		break;
	}
}

static void write_nested(const struct view *v, struct slice in, int indent, bool begun);

/* The items of an array, each behind a dash. */
static void write_items(const struct view *v, struct slice in, uint32_t n, int indent)
{
	while (n--) {
		struct slice value = mp_value(&in);

		printf("%*s- ", indent, "");
		if (is_nested(value)) {
			write_nested(v, value, indent + INDENT, true);
		} else {
			write_scalar(v, slice_of(NULL, 0), value, indent + INDENT);
			putchar('\n');
		}
	}
}

static void write_name(const struct view *v, struct slice name, int indent, bool alone)
{
	int pad = v->column - indent - term_width(name);

	fputs(v->cli->color ? TERM_BOLD : "", stdout);
	term_write(stdout, name);
	fputs(v->cli->color ? TERM_PLAIN : "", stdout);
	if (!alone) {
		printf("%*s", pad > 1 ? pad : 1, "");
	}
}

/* The values of an object stand in one column. */
static void write_members(const struct view *v, struct slice in, uint32_t n, int indent, bool begun)
{
	struct mp t;

	for (uint32_t i = 0; i < n; i++) {
		struct slice value;

		mp_read(&in, &t);
		value = mp_value(&in);
		printf("%*s", i || !begun ? indent : 0, "");
		write_name(v, t.str, indent, is_nested(value));
		if (!is_nested(value)) {
			write_scalar(v, t.str, value, v->column);
			putchar('\n');
			continue;
		}
		putchar('\n');
		write_nested(v, value, indent + INDENT, false);
	}
}

/* With @begun the line's indentation is written already. */
static void write_nested(const struct view *v, struct slice in, int indent, bool begun)
{
	struct mp t = {0};

	mp_read(&in, &t);
	if (t.type == MP_MAP) {
		write_members(v, in, t.n, indent, begun);
		return;
	}
	if (begun) {
		putchar('\n');
	}
	write_items(v, in, t.n, indent);
}

/* The columns of the longest name with its indentation. */
static int measure(struct slice *in, int indent)
{
	int widest = 0;
	struct mp t = {0};
	uint32_t n;

	mp_read(in, &t);
	n = t.type == MP_ARRAY || t.type == MP_MAP ? t.n : 0;
	for (bool named = t.type == MP_MAP; n; n--) {
		struct mp name = {0};
		int width;

		if (named && mp_read(in, &name)) {
			width = indent + term_width(name.str);
			widest = width > widest ? width : widest;
		}
		width = measure(in, indent + INDENT);
		widest = width > widest ? width : widest;
	}
	return widest;
}

void view_write(const struct cli *cli, struct slice object)
{
	struct slice in = object;
	int widest = measure(&in, 0) + 2;
	struct view v = {cli, widest < MOST_COLUMNS ? widest : MOST_COLUMNS};

	if (is_nested(object)) {
		write_nested(&v, object, 0, false);
	} else if (!is_empty(object)) {
		write_scalar(&v, slice_of(NULL, 0), object, 0);
		putchar('\n');
	}
}
