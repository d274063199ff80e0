#include "proto/ulid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static int fresh(struct ulid_state *state, uint64_t ms)
{
	if (getrandom(state->random, sizeof(state->random), 0) != sizeof(state->random)) {
		return -EIO;
	}
	state->random[0] &= 0x7f; /* leaves room to count up */
	state->ms = ms;
	return 0;
}

/* Add one to the random part; true when it ran over. */
static int count_up(struct ulid_state *state)
{
	for (int i = 9; i >= 0; i--) {
		if (++state->random[i]) {
			return 0;
		}
	}
	return 1;
}

static void encode(const struct ulid_state *state, char *out)
{
	uint8_t bytes[16];
	unsigned int bit = 0;

	for (int i = 0; i < 6; i++) {
		bytes[i] = (uint8_t)(state->ms >> (40 - 8 * i));
	}
	memcpy(bytes + 6, state->random, 10);
	for (int i = 0; i < ULID_LENGTH; i++) {
		unsigned int v = 0;

		for (int k = 0; k < 5; k++, bit++) { /* 130 bits, the first two are zero */
			unsigned int b = bit < 2 ? 0 : bytes[(bit - 2) / 8] >> (7 - (bit - 2) % 8);

			v = v << 1 | (b & 1);
		}
		out[i] = alphabet[v];
	}
	out[ULID_LENGTH] = '\0';
}

int ulid_next(struct ulid_state *state, uint64_t now_ms, char out[static ULID_LENGTH + 1])
{
	int r = 0;

	if (now_ms > state->ms) {
		r = fresh(state, now_ms);
	} else if (count_up(state)) {
		r = fresh(state, state->ms + 1);
	}
	if (!r) {
		encode(state, out);
	}
	return r;
}
