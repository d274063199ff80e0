#include "daemon/net/peers.h"

#include <string.h>

#define TAKEN 0x80000000u /* a peer's number has 31 bits, as the SP request header leaves it */

void peers_init(struct peers *peers)
{
	memset(peers, 0, sizeof(*peers));
	pthread_mutex_init(&peers->lock, NULL);
}

void peers_finish(struct peers *peers)
{
	pthread_mutex_destroy(&peers->lock);
}

/* The place of @peer, or the free one where it belongs; NULL when the table is full. */
static uint32_t *place_of(struct peers *peers, uint32_t peer)
{
	uint32_t at = peer * 2654435769u; /* 2^32 over the golden ratio */

	for (unsigned int i = 0; i < PEERS_HEARD; i++) {
		uint32_t *place = &peers->heard[(at + i) % PEERS_HEARD];

		if (!*place || *place == (peer | TAKEN)) {
			return place;
		}
	}
	return NULL;
}

void peers_hear(struct peers *peers, uint32_t peer, uint64_t ended)
{
	uint32_t *place;

	pthread_mutex_lock(&peers->lock);
	if (peers->ended != ended) {
		peers->ended = ended;
		peers->n_heard = 0;
		memset(peers->heard, 0, sizeof(peers->heard));
	}
	place = place_of(peers, peer);
	if (place && !*place) {
		*place = peer | TAKEN;
		peers->n_heard++;
	}
	pthread_mutex_unlock(&peers->lock);
}

enum presence peers_presence(
	struct peers *peers, uint32_t peer, uint64_t heard, uint64_t ended, uint64_t open)
{
	enum presence presence = PEER_UNSURE;
	const uint32_t *place;

	if (heard == ended) {
		return PEER_THERE;
	}
	pthread_mutex_lock(&peers->lock);
	place = place_of(peers, peer);
	if (peers->ended == ended && place && *place) {
		presence = PEER_THERE;
	} else if (peers->ended == ended && place && peers->n_heard >= open) {
		presence = PEER_GONE;
	}
	pthread_mutex_unlock(&peers->lock);
	return presence;
}
