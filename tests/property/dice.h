/* Pseudo-random numbers that a seed repeats. */
#ifndef TEST_DICE_H
#define TEST_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

/*
 * The seed of this run: the environment variable RUNSTORE_TEST_SEED, or one from the clock.
 * Printed when it is first asked for.
 */
uint64_t dice_seed(void);

/* @stream tells the dice of one run apart. */
void dice_init(struct dice *dice, uint64_t seed, uint64_t stream);

/* A number from 0 up to, without, @n; 0 when @n is 0. */
uint64_t dice_roll(struct dice *dice, uint64_t n);

/* True in @percent of a hundred cases. */
bool dice_chance(struct dice *dice, unsigned int percent);

/* @prefix and some random letters; the size is that of @out. */
void dice_id(struct dice *dice, const char *prefix, char *out, unsigned int size);

#endif
