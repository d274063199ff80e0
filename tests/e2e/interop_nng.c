/* Another implementation of the protocol, NNG, is served like libnanomsg. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <stdlib.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

struct peer {
	struct fixture *fixture;
	nng_socket socket;
	uint32_t msgid;
};

static int start(void **state)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	fixture_start(state);
	peer->fixture = *state;
	*state = peer;
	assert_int_equal(nng_req0_open(&peer->socket), 0);
	assert_int_equal(nng_socket_set_ms(peer->socket, NNG_OPT_RECVTIMEO, WIRE_TIMEOUT_MS), 0);
	assert_int_equal(
		nng_socket_set_size(peer->socket, NNG_OPT_RECVMAXSZ, 17 * 1024 * 1024 + 16), 0);
	assert_int_equal(nng_dial(peer->socket, peer->fixture->daemon.url, NULL, 0), 0);
	return 0;
}

static int stop(void **state)
{
	struct peer *peer = *state;
	void *fixture = peer->fixture;

	nng_close(peer->socket);
	free(peer);
	nng_fini();
	return fixture_stop(&fixture);
}

/* Takes @params. Returns the result, borrowed from the fixture's wire. */
static json_t *ask(struct peer *peer, const char *method, json_t *params)
{
	msgpack_sbuffer frame;
	void *bytes = NULL;
	size_t len = 0;
	json_t *reply;

	msgpack_sbuffer_init(&frame);
	codec_pack_request(&frame, ++peer->msgid, method, params);
	json_decref(params);
	assert_int_equal(nng_send(peer->socket, frame.data, frame.size, 0), 0);
	msgpack_sbuffer_destroy(&frame);
	assert_int_equal(nng_recv(peer->socket, &bytes, &len, NNG_FLAG_ALLOC), 0);
	reply = wire_keep(&peer->fixture->wire, codec_unpack(bytes, len));
	nng_free(bytes, len);
	assert_int_equal(json_integer_value(json_array_get(reply, 0)), 1);
	assert_int_equal(json_integer_value(json_array_get(reply, 1)), peer->msgid);
	assert_true(json_is_null(json_array_get(reply, 2)));
	return json_array_get(reply, 3);
}

static void nng_gets_the_server_s_info(void **state)
{
	struct peer *peer = *state;
	json_t *info = ask(peer, "server.info", NULL);

	assert_string_equal(text(info, "listen"), peer->fixture->daemon.url);
	assert_int_equal(number(info, "pid"), fixture_server(peer->fixture));
}

static void nng_creates_a_run_that_all_see(void **state)
{
	struct peer *peer = *state;
	json_t *run = ask(peer, "runs.create", codec_parse("{'thread_id':'t','assistant_id':'a'}"));
	const char *id = text(run, "id");

	expect_same(ask(peer, "runs.get", codec_parse("{'run_id':'%s'}", id)), run);
	expect_same(run_get(&peer->fixture->wire, id), run);
}

static void nng_gets_large_replies(void **state)
{
	struct peer *peer = *state;
	struct wire *w = &peer->fixture->wire;

	expect_ok(w, "runs.create",
		"{'id':'large','thread_id':'t_large','assistant_id':'a','instructions':'%s'}",
		repeated(w, "i", 4000000));
	expect_same(ask(peer, "runs.get", codec_parse("{'run_id':'large'}")), run_get(w, "large"));
}

static void nng_and_libnanomsg_take_turns(void **state)
{
	struct peer *peer = *state;

	for (int i = 0; i < 500; i++) {
		const char *id = run_new(&peer->fixture->wire, "t_turns");

		expect_fields(ask(peer, "runs.update",
				      codec_parse("{'run_id':'%s','status':'cancelled'}", id)),
			"{'status':'cancelled'}");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nng_gets_the_server_s_info),
		cmocka_unit_test(nng_creates_a_run_that_all_see),
		cmocka_unit_test(nng_gets_large_replies),
		cmocka_unit_test(nng_and_libnanomsg_take_turns),
	};

	return cmocka_run_group_tests_name("nng", tests, start, stop);
}
