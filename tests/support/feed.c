#include "cmocka_all.h"

#include "feed.h"

#include "daemon.h"
#include "history.h"
#include "objects.h"

#include <stdio.h>
#include <string.h>

#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>

#define SYNC_MS 10000

static void set_int(int socket, int option, int value)
{
	assert_int_equal(nn_setsockopt(socket, NN_SOL_SOCKET, option, &value, sizeof(value)), 0);
}

void feed_open(struct feed *feed, const char *url, const char *topic, size_t len)
{
	*feed = (struct feed){.socket = nn_socket(AF_SP, NN_SUB), .kept = json_array()};
	assert_true(feed->socket >= 0);
	set_int(feed->socket, NN_RECONNECT_IVL, 10);
	assert_int_equal(nn_setsockopt(feed->socket, NN_SUB, NN_SUB_SUBSCRIBE, topic, len), 0);
	assert_true(nn_connect(feed->socket, url) >= 0);
}

void feed_close(struct feed *feed)
{
	if (!feed->kept) {
		return;
	}
	nn_close(feed->socket);
	json_decref(feed->kept);
	feed->kept = NULL;
}

/* The frame behind the topic, which is copied out. */
static json_t *unpack_event(struct feed *feed, const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\0', len);
	json_t *frame;

	assert_non_null(end);
	assert_true((size_t)(end - bytes) < sizeof(feed->topic));
	memcpy(feed->topic, bytes, (size_t)(end - bytes) + 1);
	frame = codec_unpack(end + 1, len - (size_t)(end + 1 - bytes));
	if (!frame) {
		fail_msg("the frame under the topic %s cannot be read", feed->topic);
	}
	json_array_append_new(feed->kept, frame);
	return frame;
}

static const char *text_or_empty(const json_t *change, const char *name)
{
	const char *value = json_string_value(json_object_get(change, name));

	return value ? value : "";
}

json_t *feed_next(struct feed *feed, int timeout_ms)
{
	void *bytes = NULL;
	char topic[160];
	json_t *frame, *change;
	int n;

	set_int(feed->socket, NN_RCVTIMEO, timeout_ms);
	n = nn_recv(feed->socket, &bytes, NN_MSG, 0);
	if (n < 0) {
		return NULL;
	}
	frame = unpack_event(feed, bytes, (size_t)n);
	nn_freemsg(bytes);
	assert_int_equal(json_array_size(frame), 3);
	assert_int_equal(json_integer_value(json_array_get(frame, 0)), 2);
	assert_int_equal(json_array_size(json_array_get(frame, 2)), 1);
	change = json_array_get(json_array_get(frame, 2), 0);
	expect_same(field(change, "event"), json_array_get(frame, 1));
	snprintf(topic, sizeof(topic), "%s/%s", text_or_empty(change, "thread_id"),
		text_or_empty(change, "run_id"));
	assert_string_equal(feed->topic, topic);
	return change;
}

static void touch(struct wire *wire, const char *run_id)
{
	expect_ok(wire, "runs.update", "{'run_id':'%s','metadata':{}}", run_id);
}

void feed_sync(struct feed *feed, struct wire *wire, const char *run_id)
{
	long deadline = clock_ms() + SYNC_MS;
	json_int_t last;
	json_t *change;

	do {
		if (clock_ms() > deadline) {
			fail_msg("nothing was published within %d ms", SYNC_MS);
		}
		touch(wire, run_id);
		change = feed_next(feed, 20);
	} while (!change);
	touch(wire, run_id);
	last = history_last(wire);
	while (number(change, "seq") < last) {
		change = feed_next(feed, SYNC_MS);
		assert_non_null(change);
	}
}
