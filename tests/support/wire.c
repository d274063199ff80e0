#include "cmocka_all.h"

#include "wire.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>

/* What is received at most, and what the contract allows a reply. */
#define RECEIVE_MAX (17 * 1024 * 1024 + 16)
#define REPLY_MAX (16 * 1024 * 1024)

static void set_int(int socket, int level, int option, int value)
{
	assert_int_equal(nn_setsockopt(socket, level, option, &value, sizeof(value)), 0);
}

static void connect_socket(struct wire *wire)
{
	wire->socket = nn_socket(AF_SP, NN_REQ);
	assert_true(wire->socket >= 0);
	set_int(wire->socket, NN_SOL_SOCKET, NN_RCVMAXSIZE, RECEIVE_MAX);
	set_int(wire->socket, NN_SOL_SOCKET, NN_RCVTIMEO, wire->timeout_ms);
	set_int(wire->socket, NN_SOL_SOCKET, NN_SNDTIMEO, wire->timeout_ms);
	set_int(wire->socket, NN_SOL_SOCKET, NN_RECONNECT_IVL, 10);
	set_int(wire->socket, NN_REQ, NN_REQ_RESEND_IVL, INT_MAX);
	assert_true(nn_connect(wire->socket, wire->url) >= 0);
}

void wire_open(struct wire *wire, const char *url, int timeout_ms)
{
	*wire = (struct wire){.timeout_ms = timeout_ms, .kept = json_array()};
	assert_true((size_t)snprintf(wire->url, sizeof(wire->url), "%s", url) < sizeof(wire->url));
	connect_socket(wire);
}

void wire_close(struct wire *wire)
{
	if (!wire->kept) {
		return;
	}
	nn_close(wire->socket);
	json_decref(wire->kept);
	wire->kept = NULL;
}

json_t *wire_keep(struct wire *wire, json_t *value)
{
	assert_non_null(value);
	json_array_append_new(wire->kept, value);
	return value;
}

json_t *wire_exchange(struct wire *wire, const void *frame, size_t len)
{
	void *bytes = NULL;
	json_t *reply;
	int n;

	n = nn_send(wire->socket, frame, len, 0);
	if (n >= 0) {
		n = nn_recv(wire->socket, &bytes, NN_MSG, 0);
	}
	if (n < 0) {
		nn_close(wire->socket);
		connect_socket(wire);
		return NULL;
	}
	reply = codec_unpack(bytes, (size_t)n);
	nn_freemsg(bytes);
	if (!reply || n > REPLY_MAX) {
		fail_msg("the reply of %d bytes %s", n, reply ? "is too large" : "cannot be read");
	}
	wire_keep(wire, reply);
	assert_int_equal(json_array_size(reply), 4);
	assert_int_equal(json_integer_value(json_array_get(reply, 0)), 1);
	assert_true(json_is_integer(json_array_get(reply, 1)));
	return reply;
}

static json_t *call_once(struct wire *wire, const char *method, const json_t *params)
{
	msgpack_sbuffer frame;
	json_t *reply;

	msgpack_sbuffer_init(&frame);
	codec_pack_request(&frame, ++wire->msgid, method, params);
	reply = wire_exchange(wire, frame.data, frame.size);
	msgpack_sbuffer_destroy(&frame);
	if (!reply) {
		return NULL;
	}
	assert_int_equal(json_integer_value(json_array_get(reply, 1)), wire->msgid);
	return wire_keep(wire, json_pack("{sOsO}", "error", json_array_get(reply, 2), "result",
				       json_array_get(reply, 3)));
}

json_t *wire_try(struct wire *wire, const char *method)
{
	return call_once(wire, method, NULL);
}

json_t *wire_call_take(struct wire *wire, const char *method, json_t *params)
{
	json_t *reply = call_once(wire, method, params);

	json_decref(params);
	if (!reply) {
		fail_msg("no answer to %s within %d ms", method, wire->timeout_ms);
	}
	return reply;
}

static json_t *parse_params(const char *format, va_list args)
{
	return format ? codec_vparse(format, args) : NULL;
}

json_t *wire_call(struct wire *wire, const char *method, const char *params, ...)
{
	va_list args;
	json_t *value;

	va_start(args, params);
	value = parse_params(params, args);
	va_end(args);
	return wire_call_take(wire, method, value);
}

json_t *expect_ok_take(struct wire *wire, const char *method, json_t *params)
{
	json_t *reply = wire_call_take(wire, method, params);
	json_t *error = json_object_get(reply, "error");

	if (!json_is_null(error)) {
		char *text = json_dumps(error, JSON_ENCODE_ANY);

		fail_msg("%s was refused: %s", method, text);
	}
	return json_object_get(reply, "result");
}

json_t *expect_ok(struct wire *wire, const char *method, const char *params, ...)
{
	va_list args;
	json_t *value;

	va_start(args, params);
	value = parse_params(params, args);
	va_end(args);
	return expect_ok_take(wire, method, value);
}

static bool code_is_one_of(const char *code, const char *codes)
{
	size_t len = strlen(code);

	while (*codes) {
		size_t span = strcspn(codes, "|");

		if (span == len && !strncmp(codes, code, len)) {
			return true;
		}
		codes += span + (codes[span] == '|');
	}
	return false;
}

static bool param_fits(const json_t *param, const char *pattern)
{
	const char *text = json_string_value(param);
	size_t len;

	if (!pattern) {
		return text || json_is_null(param);
	}
	len = strlen(pattern);
	if (!text) {
		return false;
	}
	return len && pattern[len - 1] == '*' ? !strncmp(text, pattern, len - 1)
					      : !strcmp(text, pattern);
}

static const char *type_of(const char *code)
{
	static const char servers[] = "overloaded|read_only|store_full|io_error|internal";

	return code_is_one_of(code, servers) ? "server_error" : "invalid_request_error";
}

void check_error(const char *what, const json_t *error, const char *code, const char *param)
{
	const char *got = json_string_value(json_object_get(error, "code"));
	const char *type = json_string_value(json_object_get(error, "type"));
	const char *message = json_string_value(json_object_get(error, "message"));

	if (got && type && message && *message && code_is_one_of(got, code) &&
		param_fits(json_object_get(error, "param"), param) && !strcmp(type, type_of(got))) {
		return;
	}
	fail_msg("%s: expected code %s and param %s, got %s", what, code, param ? param : "(any)",
		json_dumps(error, JSON_ENCODE_ANY));
}

json_t *expect_error_take(
	struct wire *wire, const char *method, const char *code, const char *param, json_t *params)
{
	char *sent = params ? json_dumps(params, JSON_ENCODE_ANY) : strdup("[]");
	json_t *error = json_object_get(wire_call_take(wire, method, params), "error");
	char what[400];

	snprintf(what, sizeof(what), "%s %.300s", method, sent);
	free(sent);
	check_error(what, error, code, param);
	return error;
}

json_t *expect_error(struct wire *wire, const char *method, const char *code, const char *param,
	const char *params, ...)
{
	va_list args;
	json_t *value;

	va_start(args, params);
	value = parse_params(params, args);
	va_end(args);
	return expect_error_take(wire, method, code, param, value);
}
