#include "dice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t dice_seed(void)
{
	static uint64_t seed;
	const char *given = getenv("RUNSTORE_TEST_SEED");
	struct timespec now;

	if (seed) {
		return seed;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	seed = given && *given ? strtoull(given, NULL, 10)
			       : ((uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec) % 100000000;
	seed += !seed;
	printf("# RUNSTORE_TEST_SEED=%" PRIu64 " repeats this run\n", seed);
	fflush(stdout);
	return seed;
}

/* splitmix64 of Sebastiano Vigna, in the public domain. */
static uint64_t next(struct dice *dice)
{
	uint64_t z = dice->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void dice_init(struct dice *dice, uint64_t seed, uint64_t stream)
{
	dice->state = seed;
	dice->state = next(dice) + stream;
	next(dice);
}

uint64_t dice_roll(struct dice *dice, uint64_t n)
{
	return n ? next(dice) % n : 0;
}

bool dice_chance(struct dice *dice, unsigned int percent)
{
	return dice_roll(dice, 100) < percent;
}

void dice_id(struct dice *dice, const char *prefix, char *out, unsigned int size)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

	snprintf(out, size, "%s%c%c%c%c%c%c%c%c", prefix, letters[dice_roll(dice, 64)],
		letters[dice_roll(dice, 64)], letters[dice_roll(dice, 64)],
		letters[dice_roll(dice, 64)], letters[dice_roll(dice, 64)],
		letters[dice_roll(dice, 64)], letters[dice_roll(dice, 64)],
		letters[dice_roll(dice, 64)]);
}
