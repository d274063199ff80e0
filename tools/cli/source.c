#include "tools/cli/source.h"
#include "tools/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

int source_open(struct source *s, const char *name)
{
	struct stat st;

	*s = (struct source){.name = name};
	if (!strcmp(name, "-")) {
		s->name = "standard input";
		s->file = stdin;
	} else {
		s->file = fopen(name, "re");
	}
	if (!s->file || fstat(fileno(s->file), &st)) {
		return cli_usage("%s: %s.", name, strerror(errno));
	}
	if (S_ISDIR(st.st_mode)) {
		return cli_usage("%s is a directory, a file is needed.", name);
	}
	if (S_ISREG(st.st_mode)) {
		s->size = (uint64_t)st.st_size;
	}
	return 0;
}

void source_close(struct source *s)
{
	if (s->file && s->file != stdin) {
		fclose(s->file);
	}
	free(s->line);
	buf_finish(&s->value);
}

struct source_place source_place(const struct source *s)
{
	return (struct source_place){s->whole ? s->n_given : s->n_lines, !s->whole};
}

void source_print(const struct source *s, struct source_place place, char *out, size_t size)
{
	if (place.is_line) {
		snprintf(out, size, "%s:%" PRIu64, s->name, place.number);
	} else {
		snprintf(out, size, "%s, object %" PRIu64, s->name, place.number);
	}
}

static int refuse(const struct source *s, const char *what)
{
	char place[512];

	source_print(s, source_place(s), place, sizeof(place));
	return cli_error("%s: %s", place, what);
}

/* The value of @text goes to s->value. */
static int read_value(struct source *s, const char *text, struct runstore_error *error)
{
	void *data;
	size_t size;
	int r;

	r = runstore_json_to_msgpack(text, &data, &size, error);
	if (r) {
		return r;
	}
	buf_finish(&s->value);
	s->value.ptr = data;
	s->value.len = s->value.cap = size;
	return 0;
}

/* What objects s->value holds: those of an array, those of a list's data, or itself. */
static void open_value(struct source *s)
{
	struct slice value = buf_slice(&s->value);
	struct slice name = {NULL, 0}, data = value;
	struct mp t = {0};

	mp_get_str(mp_lookup(value, "object"), &name);
	if (slice_is(name, "list")) {
		data = mp_lookup(value, "data");
	}
	if (mp_read(&data, &t) && t.type == MP_ARRAY) {
		s->rest = data;
		s->n_rest = t.n;
	} else {
		s->rest = value;
		s->n_rest = 1;
	}
}

/* The rest of the file behind the line at hand, both as one text for free(). */
static char *read_rest(struct source *s)
{
	struct buf b = {0};
	ssize_t n;

	buf_append(&b, s->line, strlen(s->line));
	while ((n = getline(&s->line, &s->line_size, s->file)) > 0) {
		s->n_bytes += (uint64_t)n;
		buf_append(&b, s->line, (size_t)n);
	}
	buf_append(&b, "", 1);
	if (buf_error(&b)) {
		buf_finish(&b);
	}
	return (char *)b.ptr;
}

/* The first line may be the start of a text that fills the file. */
static int read_whole(struct source *s, const struct runstore_error *of_line)
{
	struct runstore_error error;
	char *text = read_rest(s);
	int r;

	if (!text) {
		return cli_error("%s: Out of memory.", s->name);
	}
	r = read_value(s, text, &error);
	free(text);
	if (!r) {
		s->whole = true;
		open_value(s);
		return 0;
	}
	/* A file that begins as one object a line is wrong in that line. */
	return cli_error("%s: As one object a line: %s As a whole: %s", s->name, of_line->message,
		error.message);
}

static bool is_blank(const char *line)
{
	return !line[strspn(line, " \t\r\n")];
}

static int refuse_line(const struct source *s, struct runstore_error *error)
{
	char place[512];
	const char *text = strstr(error->message, "column");

	source_print(s, source_place(s), place, sizeof(place));
	return cli_error("%s: This line is not JSON, %s", place, text ? text : error->message);
}

static int read_line(struct source *s, bool *end)
{
	struct runstore_error error;
	ssize_t n;

	*end = false;
	do {
		errno = 0;
		n = getline(&s->line, &s->line_size, s->file);
		if (n < 0) {
			*end = true;
			return errno ? cli_error("%s: %s.", s->name, strerror(errno)) : 0;
		}
		s->n_lines++;
		s->n_bytes += (uint64_t)n;
	} while (is_blank(s->line));
	if (strlen(s->line) != (size_t)n) {
		return refuse(s, "The line has a NUL byte in it.");
	}
	if (read_value(s, s->line, &error)) {
		return s->n_given || !strchr(s->line, '\n') ? refuse_line(s, &error)
							    : read_whole(s, &error);
	}
	open_value(s);
	return 0;
}

static bool is_map(struct slice value)
{
	struct mp t;

	return mp_read(&value, &t) && t.type == MP_MAP;
}

int source_next(struct source *s, struct slice *object)
{
	bool end = false;
	int r = 0;

	while (!r && !end && !s->n_rest) {
		if (s->whole) {
			end = true;
		} else {
			r = read_line(s, &end);
		}
	}
	*object = slice_of(NULL, 0);
	if (r || !s->n_rest) {
		return r;
	}
	s->n_rest--;
	s->n_given++;
	*object = mp_value(&s->rest);
	return is_map(*object) ? 0 : refuse(s, "An object is to be imported, this is none.");
}
