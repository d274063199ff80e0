/* The heap that knows when parked requests are due. */
#include "cmocka_all.h"

#include "daemon/rpc/heap.h"

#include <stdlib.h>

enum { MANY = 2000 };

/* Numbers that seem random and are the same each time. */
static uint64_t next_number(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 40;
}

static void expect_sorted(struct heap *heap, size_t n)
{
	struct heap_item *first;
	uint64_t last = 0;

	while ((first = heap_first(heap))) {
		assert_true(first->at >= last);
		last = first->at;
		heap_remove(heap, first);
		n--;
	}
	assert_int_equal(n, 0);
}

static void what_is_due_first_comes_first(void **state)
{
	static struct heap_item items[MANY];
	struct heap heap = {0};
	uint64_t seed = 1;

	assert_null(heap_first(&heap));
	for (int i = 0; i < MANY; i++) {
		items[i].at = next_number(&seed) % 500;
		assert_true(heap_add(&heap, &items[i]));
	}
	expect_sorted(&heap, MANY);
	heap_finish(&heap);
}

static void any_item_can_be_removed(void **state)
{
	static struct heap_item items[MANY];
	static bool in[MANY];
	struct heap heap = {0};
	uint64_t seed = 2;
	size_t n = 0;

	for (int round = 0; round < 20 * MANY; round++) {
		size_t at = next_number(&seed) % MANY;

		if (in[at]) {
			heap_remove(&heap, &items[at]);
		} else {
			items[at].at = next_number(&seed);
			assert_true(heap_add(&heap, &items[at]));
		}
		in[at] = !in[at];
	}
	for (size_t i = 0; i < MANY; i++) {
		n += in[i];
	}
	assert_int_equal(heap.n, n);
	expect_sorted(&heap, n);
	heap_finish(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_due_first_comes_first),
		cmocka_unit_test(any_item_can_be_removed),
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
