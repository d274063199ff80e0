#include "client/fail.h"
#include "proto/bounds.h"
#include "proto/error.h"
#include "proto/utf8.h"

#include <errno.h>
#include <stdio.h>

#define ERR(name, number, code, type, http)                                                        \
	_Static_assert(                                                                            \
		(int)RUNSTORE_E_##name == (int)E_##name, "the codes are those of errors.def");
#include "proto/errors.def"
#undef ERR

/* Copy what fits, cut at a character. */
static void copy_text(char *out, size_t size, struct slice text)
{
	size_t n = text.len < size ? text.len : size - 1;

	while (n && n < text.len && !utf8_valid(slice_of(text.ptr, n))) {
		n--;
	}
	if (n) {
		memcpy(out, text.ptr, n);
	}
	out[n] = '\0';
}

static void name_code(struct runstore_error *error, int code)
{
	error->code = code;
	copy_text(error->name, sizeof(error->name), slice_str(error_name(code)));
	copy_text(error->type, sizeof(error->type), slice_str(error_type(code)));
}

int fail(struct runstore_error *error, int code, const char *param, const char *format, ...)
{
	char message[2 * sizeof(error->message)];
	va_list ap;

	if (!error) {
		return code;
	}
	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	name_code(error, code);
	copy_text(error->message, sizeof(error->message), slice_str(message));
	copy_text(error->param, sizeof(error->param), slice_str(param ? param : ""));
	return code;
}

int fail_memory(struct runstore_error *error)
{
	return fail(error, RUNSTORE_E_INTERNAL, NULL, "Out of memory.");
}

static void copy_member(char *out, size_t size, struct slice map, const char *name)
{
	struct slice text = SLICE_LIT("");

	mp_get_str(mp_lookup(map, name), &text);
	copy_text(out, size, text);
}

int fail_reply(struct runstore_error *error, struct slice refusal)
{
	struct slice name = SLICE_LIT(""), type = SLICE_LIT("");
	int code;

	mp_get_str(mp_lookup(refusal, "code"), &name);
	mp_get_str(mp_lookup(refusal, "type"), &type);
	code = error_from_name(name);
	if (!code) { /* of a newer daemon: its name and message still say what it is */
		code = slice_is(type, "invalid_request_error") ? RUNSTORE_E_INVALID_PARAMS
							       : RUNSTORE_E_INTERNAL;
	}
	if (!error) {
		return code;
	}
	error->code = code;
	copy_member(error->name, sizeof(error->name), refusal, "code");
	copy_member(error->type, sizeof(error->type), refusal, "type");
	copy_member(error->message, sizeof(error->message), refusal, "message");
	copy_member(error->param, sizeof(error->param), refusal, "param");
	return code;
}

int fail_buf(struct runstore_error *error, const struct buf *b)
{
	if (b->error == -EMSGSIZE) {
		return fail(error, RUNSTORE_E_TOO_LARGE, NULL,
			"The request is larger than the %u bytes that a message may have.",
			MAX_MESSAGE);
	}
	return fail_memory(error);
}
