#include "tools/gateway/answer.h"
#include "client/json.h"
#include "client/util.h"
#include "proto/utf8.h"

#include <stdlib.h>

static const struct {
	unsigned int status;
	const char *code;
	const char *message;
} refusals[] = {
#define REFUSAL(symbol, status, code, message) [REFUSE_##symbol] = {status, code, message},
#include "tools/gateway/refusals.def"
#undef REFUSAL
};

unsigned int answer_status(int code)
{
	switch (code) {
#define ERR(name, number, wire, type, http)                                                        \
	case number:                                                                               \
		return http;
#include "proto/errors.def"
#undef ERR
	default:
		return 500;
	}
}

static void put_pair(struct buf *out, const char *name, const char *value)
{
	mp_put_cstr(out, name);
	if (*value) {
		mp_put_cstr(out, value);
	} else {
		mp_put_nil(out);
	}
}

/* A message may name what was sent, and that may be anything. */
static void put_message(struct buf *out, const char *message)
{
	char text[512];
	size_t n = 0;

	if (utf8_valid(slice_str(message))) {
		mp_put_cstr(out, message);
		return;
	}
	while (message[n] && n < sizeof(text)) {
		text[n] = (unsigned char)message[n] < 0x80 ? message[n] : '?';
		n++;
	}
	mp_put_str(out, slice_of(text, n));
}

static char *body(const char *message, const char *type, const char *param, const char *code)
{
	_cleanup_(buf_finish) struct buf value = {0}, json = {0};
	char *text;

	mp_put_map(&value, 1);
	mp_put_cstr(&value, "error");
	mp_put_map(&value, 4);
	mp_put_cstr(&value, "message");
	put_message(&value, message);
	put_pair(&value, "type", type);
	put_pair(&value, "param", param);
	put_pair(&value, "code", code);
	if (buf_error(&value) || json_write(buf_slice(&value), &json, NULL)) {
		return NULL;
	}
	buf_append(&json, "", 1);
	text = buf_error(&json) ? NULL : (char *)json.ptr;
	json.ptr = text ? NULL : json.ptr;
	return text;
}

char *answer_error(const struct runstore_error *error, unsigned int *status)
{
	*status = answer_status(error->code);
	return body(error->message, error->type, error->param, error->name);
}

char *answer_refusal(enum refusal refusal, unsigned int *status)
{
	*status = refusals[refusal].status;
	return body(refusals[refusal].message,
		*status < 500 ? "invalid_request_error" : "server_error", "",
		refusals[refusal].code);
}
