/* What is known of who is connected, from what libnanomsg tells. */
#include "cmocka_all.h"

#include "daemon/net/peers.h"

#include <stdlib.h>

static int start(void **state)
{
	*state = malloc(sizeof(struct peers));
	assert_non_null(*state);
	peers_init(*state);
	return 0;
}

static int stop(void **state)
{
	peers_finish(*state);
	free(*state);
	return 0;
}

static void a_peer_is_there_while_no_connection_ended(void **state)
{
	peers_hear(*state, 7, 3);
	assert_int_equal(peers_presence(*state, 7, 3, 3, 10), PEER_THERE);
}

static void it_is_unsure_when_one_ended_and_others_are_silent(void **state)
{
	peers_hear(*state, 7, 3);
	assert_int_equal(peers_presence(*state, 7, 3, 4, 1), PEER_UNSURE);
	peers_hear(*state, 8, 4);
	assert_int_equal(peers_presence(*state, 7, 3, 4, 2), PEER_UNSURE);
}

static void it_is_there_again_when_it_was_heard_since(void **state)
{
	peers_hear(*state, 7, 3);
	peers_hear(*state, 7, 4);
	assert_int_equal(peers_presence(*state, 7, 3, 4, 9), PEER_THERE);
}

static void it_is_gone_when_all_who_are_there_were_heard_and_it_was_not(void **state)
{
	peers_hear(*state, 7, 3);
	peers_hear(*state, 8, 4);
	peers_hear(*state, 8, 4);
	peers_hear(*state, 9, 4);
	assert_int_equal(peers_presence(*state, 7, 3, 4, 2), PEER_GONE);
	assert_int_equal(peers_presence(*state, 9, 3, 4, 2), PEER_THERE);
}

static void who_was_heard_before_the_last_one_ended_does_not_count(void **state)
{
	peers_hear(*state, 8, 4);
	peers_hear(*state, 9, 5);
	assert_int_equal(peers_presence(*state, 7, 3, 5, 2), PEER_UNSURE);
	assert_int_equal(peers_presence(*state, 7, 3, 6, 1), PEER_UNSURE);
}

static void with_more_peers_than_can_be_told_apart_nobody_is_gone(void **state)
{
	peers_hear(*state, 1, 0);
	for (uint32_t i = 0; i < 2 * PEERS_HEARD; i++) {
		peers_hear(*state, 100 + i, 1);
	}
	assert_int_equal(peers_presence(*state, 1, 0, 1, 2 * PEERS_HEARD), PEER_UNSURE);
}

static void the_smallest_and_the_largest_number_are_peers_like_others(void **state)
{
	const uint32_t numbers[] = {0, 0x7fffffff};

	for (int i = 0; i < 2; i++) {
		peers_hear(*state, numbers[i], 1);
		peers_hear(*state, numbers[i], 1);
		assert_int_equal(peers_presence(*state, numbers[i], 0, 1, 3), PEER_THERE);
		assert_int_equal(peers_presence(*state, 5, 0, 1, 3), PEER_UNSURE);
	}
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(a_peer_is_there_while_no_connection_ended),
		ALONE(it_is_unsure_when_one_ended_and_others_are_silent),
		ALONE(it_is_there_again_when_it_was_heard_since),
		ALONE(it_is_gone_when_all_who_are_there_were_heard_and_it_was_not),
		ALONE(who_was_heard_before_the_last_one_ended_does_not_count),
		ALONE(with_more_peers_than_can_be_told_apart_nobody_is_gone),
		ALONE(the_smallest_and_the_largest_number_are_peers_like_others),
	};

	return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
