/* Random values made from a schema, which accepts them. */
#ifndef TEST_UNIT_SAMPLE_H
#define TEST_UNIT_SAMPLE_H

#include "tests/unit/canon.h"

/* The caller owns it. */
json_t *sample(const struct schema *s, struct rng *rng);

/*
 * Is @canonical what @given becomes: every field there, the same value in it or its default, and
 * nothing else? Fails the test if not.
 */
void assert_canonical_of(
	const struct subject *subject, const json_t *given, const json_t *canonical);

#endif
