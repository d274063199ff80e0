#include "proto/growth.h"

/* Strings of the official schemas that are content: all others are names, kinds and ids. */
static bool may_go_on(struct slice key)
{
	static const char *const names[] = {
		"value", "refusal", "arguments", "input", "logs", "output", "text"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (slice_is(key, names[i])) {
			return true;
		}
	}
	return false;
}

static bool continues(struct slice key, struct slice was, struct slice now);

static bool array_continues(struct slice was, struct slice now, uint32_t n_was, uint32_t n_now)
{
	bool same = n_now >= n_was;

	for (uint32_t i = 0; i < n_was && same; i++) {
		same = continues(slice_of(NULL, 0), mp_value(&was), mp_value(&now));
	}
	return same;
}

static struct slice member(struct slice map, uint32_t n, struct slice key)
{
	struct mp name = {0};

	for (uint32_t i = 0; i < n && mp_read(&map, &name); i++) {
		struct slice value = mp_value(&map);

		if (slice_eq(name.str, key)) {
			return value;
		}
	}
	return slice_of(NULL, 0);
}

static bool map_continues(struct slice was, struct slice now, uint32_t n_was, uint32_t n_now)
{
	struct mp name = {0};
	bool same = true;

	for (uint32_t i = 0; i < n_was && same && mp_read(&was, &name); i++) {
		struct slice value = member(now, n_now, name.str);

		same = value.ptr && continues(name.str, mp_value(&was), value);
	}
	return same;
}

/* The same, or grown. @key is under which they stand in a map, if they do. */
static bool continues(struct slice key, struct slice was, struct slice now)
{
	struct slice in_was = was, in_now = now;
	struct mp a = {0}, b = {0};

	if (slice_eq(was, now) || mp_is_nil(was)) {
		return true;
	}
	if (!mp_read(&in_was, &a) || !mp_read(&in_now, &b) || a.type != b.type) {
		return false;
	}
	switch (a.type) {
	case MP_STR:
		return may_go_on(key) && a.str.len <= b.str.len &&
		       slice_eq(a.str, slice_of(b.str.ptr, a.str.len));
	case MP_ARRAY:
		return array_continues(in_was, in_now, a.n, b.n);
	case MP_MAP:
		return map_continues(in_was, in_now, a.n, b.n);
	default:
		return false;
	}
}

bool growth_is(struct slice was, struct slice now)
{
	return !slice_eq(was, now) && continues(slice_of(NULL, 0), was, now);
}
