#include "proto/error.h"
#include "proto/utf8.h"

#include <stdio.h>

#define INVALID_REQUEST "invalid_request_error"
#define SERVER "server_error"

static const struct error_row {
	int number;
	const char *name;
	const char *type;
	int http;
} rows[] = {
#define ERR(name, number, code, type, http) {number, code, type, http},
#include "proto/errors.def"
#undef ERR
};

static const struct error_row *find(int code)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].number == code) {
			return &rows[i];
		}
	}
	return &rows[sizeof(rows) / sizeof(*rows) - 1];
}

const char *error_name(int code)
{
	return find(code)->name;
}

const char *error_type(int code)
{
	return find(code)->type;
}

int error_http(int code)
{
	return find(code)->http;
}

int error_from_name(struct slice name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (slice_is(name, rows[i].name)) {
			return rows[i].number;
		}
	}
	return 0;
}

/* vsnprintf() may have cut a character in two: drop what is left of it. */
static void trim_utf8(char *s)
{
	size_t len = strlen(s);

	while (len && !utf8_valid(slice_of(s, len))) {
		len--;
	}
	s[len] = '\0';
}

int problem_vset(struct problem *p, int code, const char *param, const char *format, va_list ap)
{
	p->code = code;
	p->reply_full = false;
	snprintf(p->param, sizeof(p->param), "%s", param ? param : "");
	trim_utf8(p->param);
	vsnprintf(p->message, sizeof(p->message), format, ap);
	trim_utf8(p->message);
	return code;
}

int problem_set(struct problem *p, int code, const char *param, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	problem_vset(p, code, param, format, ap);
	va_end(ap);
	return code;
}

void problem_prefix(struct problem *p, const char *prefix)
{
	char param[sizeof(p->param)];

	memcpy(param, p->param, sizeof(param));
	snprintf(p->param, sizeof(p->param), "%.60s%s%.110s", prefix, param[0] ? "." : "", param);
	trim_utf8(p->param);
}

void problem_encode(const struct problem *p, struct buf *out)
{
	mp_put_map(out, 4);
	mp_put_cstr(out, "type");
	mp_put_cstr(out, error_type(p->code));
	mp_put_cstr(out, "code");
	mp_put_cstr(out, error_name(p->code));
	mp_put_cstr(out, "message");
	mp_put_cstr(out, p->message);
	mp_put_cstr(out, "param");
	if (p->param[0]) {
		mp_put_cstr(out, p->param);
	} else {
		mp_put_nil(out);
	}
}

const char *printable(struct slice s, char out[static 72])
{
	size_t n = s.len < 64 ? s.len : 64;

	for (size_t i = 0; i < n; i++) {
		out[i] = s.ptr[i] < 0x20 || s.ptr[i] == 0x7f ? '?' : (char)s.ptr[i];
	}
	out[n] = '\0';
	trim_utf8(out);
	if (s.len > n) {
		strcat(out, "...");
	}
	return out;
}
