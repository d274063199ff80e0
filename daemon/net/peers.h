/*
 * Who is connected. libnanomsg does not tell whose connection ended, but how many there are, how
 * many ended so far, and of each message by which connection it came. So a peer is there when none
 * ended since it was heard; and gone when one did, and since then as many others were heard as
 * there are. In between nothing is known. A message
 * that was sent before its sender left may be heard after that: who seems to be gone may be there.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define PEERS_HEARD 4096 /* that are told apart; a power of two */

enum presence { PEER_THERE, PEER_UNSURE, PEER_GONE };

struct peers {
	pthread_mutex_t lock;
	uint64_t ended;		     /* connections, when the following began */
	unsigned int n_heard;	     /* peers since */
	uint32_t heard[PEERS_HEARD]; /* a hash table of their numbers */
};

void peers_init(struct peers *peers);
void peers_finish(struct peers *peers);

/* A message came from @peer, when so many connections had ended. */
void peers_hear(struct peers *peers, uint32_t peer, uint64_t ended);

/* How is it with @peer, which was heard when @heard had ended, now that @ended did and @open are?
 */
enum presence peers_presence(
	struct peers *peers, uint32_t peer, uint64_t heard, uint64_t ended, uint64_t open);
