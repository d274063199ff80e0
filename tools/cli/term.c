#include "tools/cli/term.h"

#include <inttypes.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <time.h>
#include <wchar.h>

void term_init(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		setlocale(LC_CTYPE, "");
	}
}

int term_columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) || !size.ws_col) {
		return 80;
	}
	return size.ws_col;
}

/* The bytes of the character that @s begins with; @width is its columns, -1 if it is unsafe. */
static size_t next_character(struct slice s, int *width)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t n = mbrtowc(&c, (const char *)s.ptr, s.len, &state);

	if (n == 0 || n == (size_t)-1 || n == (size_t)-2) {
		*width = -1;
		return 1;
	}
	*width = wcwidth(c);
	return n;
}

int term_width(struct slice s)
{
	int columns = 0;

	while (s.len) {
		int width;
		size_t n = next_character(s, &width);

		columns += width < 0 ? 1 : width;
		s = slice_of(s.ptr + n, s.len - n);
	}
	return columns;
}

size_t term_fit(struct slice s, int columns)
{
	size_t at = 0;

	while (at < s.len) {
		int width;
		size_t n = next_character(slice_of(s.ptr + at, s.len - at), &width);

		columns -= width < 0 ? 1 : width;
		if (columns < 0) {
			break;
		}
		at += n;
	}
	return at;
}

void term_write(FILE *file, struct slice s)
{
	while (s.len) {
		int width;
		size_t n = next_character(s, &width);

		if (width < 0) {
			fputc('?', file);
		} else {
			fwrite(s.ptr, 1, n, file);
		}
		s = slice_of(s.ptr + n, s.len - n);
	}
}

void term_time(int64_t time, char out[static 32])
{
	time_t t = (time_t)time;
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm)) {
		snprintf(out, 32, "%" PRId64, time);
	}
}

void term_ago(int64_t now, int64_t time, char out[static 32])
{
	int64_t s = now > time ? now - time : time - now;
	const char *before = now >= time ? "" : "in ", *behind = now >= time ? " ago" : "";

	if (s < 2) {
		snprintf(out, 32, "just now");
	} else if (s < 60) {
		snprintf(out, 32, "%s%" PRId64 " s%s", before, s, behind);
	} else if (s < 3600) {
		snprintf(out, 32, "%s%" PRId64 " min%s", before, s / 60, behind);
	} else if (s < 86400) {
		snprintf(out, 32, "%s%" PRId64 " h%s", before, s / 3600, behind);
	} else if (s < 30 * 86400) {
		snprintf(out, 32, "%s%" PRId64 " d%s", before, s / 86400, behind);
	} else {
		term_time(time, out);
		out[strcspn(out, " ")] = '\0';
	}
}

void term_when(FILE *file, int64_t now, int64_t time)
{
	char at[32], ago[32];

	term_time(time, at);
	term_ago(now, time, ago);
	fputs(at, file);
	if (strncmp(at, ago, strlen(ago)) != 0) {
		fprintf(file, " (%s)", ago);
	}
}

void term_count(uint64_t n, char out[static 32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	int k = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0) {
			out[k++] = ',';
		}
		out[k++] = digits[i];
	}
	out[k] = '\0';
}

const char *term_status_color(struct slice status)
{
	static const struct {
		const char *status;
		const char *color;
	} colors[] = {
		{"queued", "\033[36m"},
		{"in_progress", "\033[34m"},
		{"requires_action", "\033[35m"},
		{"cancelling", "\033[33m"},
		{"cancelled", "\033[90m"},
		{"failed", "\033[31m"},
		{"completed", "\033[32m"},
		{"incomplete", "\033[33m"},
		{"expired", "\033[90m"},
	};

	for (size_t i = 0; i < sizeof(colors) / sizeof(*colors); i++) {
		if (slice_is(status, colors[i].status)) {
			return colors[i].color;
		}
	}
	return "";
}
