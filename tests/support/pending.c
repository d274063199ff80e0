#include "cmocka_all.h"

#include "pending.h"

#include "daemon.h"

#include <nanomsg/nn.h>

#define SETTLE_MS 300

void pending_send(struct wire *wire, const char *method, const char *params, ...)
{
	msgpack_sbuffer frame;
	json_t *value;
	va_list args;

	va_start(args, params);
	value = codec_vparse(params, args);
	va_end(args);
	msgpack_sbuffer_init(&frame);
	codec_pack_request(&frame, ++wire->msgid, method, value);
	json_decref(value);
	assert_int_equal(nn_send(wire->socket, frame.data, frame.size, 0), frame.size);
	msgpack_sbuffer_destroy(&frame);
}

static int receive(struct wire *wire, void **bytes, int timeout_ms)
{
	int usual_ms = wire->timeout_ms;
	int n;

	nn_setsockopt(wire->socket, NN_SOL_SOCKET, NN_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
	n = nn_recv(wire->socket, bytes, NN_MSG, 0);
	nn_setsockopt(wire->socket, NN_SOL_SOCKET, NN_RCVTIMEO, &usual_ms, sizeof(usual_ms));
	return n;
}

json_t *pending_poll(struct wire *wire, int timeout_ms)
{
	void *bytes = NULL;
	int n = receive(wire, &bytes, timeout_ms);
	json_t *reply;

	if (n < 0) {
		return NULL;
	}
	reply = wire_keep(wire, codec_unpack(bytes, (size_t)n));
	nn_freemsg(bytes);
	assert_int_equal(json_array_size(reply), 4);
	assert_int_equal(json_integer_value(json_array_get(reply, 0)), 1);
	assert_int_equal(json_integer_value(json_array_get(reply, 1)), wire->msgid);
	return wire_keep(wire, json_pack("{sOsO}", "error", json_array_get(reply, 2), "result",
				       json_array_get(reply, 3)));
}

static json_t *await_reply(struct wire *wire, int timeout_ms)
{
	json_t *reply = pending_poll(wire, timeout_ms);

	if (!reply) {
		fail_msg("no answer to a parked request within %d ms", timeout_ms);
	}
	return reply;
}

json_t *pending_result(struct wire *wire, int timeout_ms)
{
	json_t *reply = await_reply(wire, timeout_ms);
	json_t *error = json_object_get(reply, "error");

	if (!json_is_null(error)) {
		fail_msg("a parked request was refused: %s", json_dumps(error, JSON_ENCODE_ANY));
	}
	return json_object_get(reply, "result");
}

json_t *pending_error(struct wire *wire, int timeout_ms, const char *code, const char *param)
{
	json_t *error = json_object_get(await_reply(wire, timeout_ms), "error");

	check_error("a parked request", error, code, param);
	return error;
}

void pending_settle(void)
{
	pause_ms(SETTLE_MS);
}
