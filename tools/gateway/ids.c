#include "tools/gateway/ids.h"
#include "proto/ulid.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

char *ids_issue(const char *prefix, char out[static ID_SIZE])
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct ulid_state state;
	char ulid[ULID_LENGTH + 1] = "";
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&lock);
	ulid_next(&state, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000, ulid);
	pthread_mutex_unlock(&lock);
	snprintf(out, ID_SIZE, "%s%s", prefix, ulid);
	return out;
}

__extension__ typedef unsigned __int128 hash128;

static hash128 add(hash128 hash, const char *text)
{
	const hash128 prime = ((hash128)1 << 88) + 0x13b;

	do {
		hash = (hash ^ (unsigned char)*text) * prime;
	} while (*text++); /* the NUL too, between the two */
	return hash;
}

char *ids_derive(const char *prefix, const char *key, const char *role, char out[static ID_SIZE])
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	const hash128 basis = (hash128)0x6c62272e07bb0142 << 64 | 0x62b821756295c58d;
	hash128 hash = add(add(basis, key), role);
	char text[ULID_LENGTH + 1] = "";

	for (int i = ULID_LENGTH; i-- > 0; hash >>= 5) {
		text[i] = digits[(unsigned int)hash & 31];
	}
	snprintf(out, ID_SIZE, "%s%s", prefix, text);
	return out;
}
