#include "tools/gateway/watchdog.h"
#include "client/util.h"
#include "tools/gateway/ids.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TICK_MS 250
#define HEAD_MS 10000
#define BODY_MS 30000
#define BODY_BYTES_A_MS 64 /* more time for more body */
#define IDLE_MS 75000

struct connection {
	struct connection *next, *prev;
	int socket;
	enum connection_state state;
	int64_t until_ms;
	bool told; /* why it is refused */
	bool shut;
	unsigned int ends_seen;
};

struct watchdog {
	pthread_mutex_t lock;
	pthread_cond_t stop;
	struct connection *first;
	bool stopping;
	pthread_t thread;
};

/* A whole answer past libmicrohttpd, which has none of its own; the client may not be reading. */
static void tell(const struct connection *c, enum refusal refusal)
{
	unsigned int status;
	char *body = answer_refusal(refusal, &status), text[1024], id[ID_SIZE];
	int n;

	if (!body) {
		return;
	}
	n = snprintf(text, sizeof(text),
		"HTTP/1.1 %u Refused\r\nContent-Type: application/json\r\nx-request-id: %s\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		status, ids_issue("req_", id), strlen(body), body);
	if (n > 0 && (size_t)n < sizeof(text)) {
		send(c->socket, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	free(body);
}

void connection_refuse(struct watchdog *dog, struct connection *c, enum refusal refusal)
{
	if (!c) {
		return;
	}
	pthread_mutex_lock(&dog->lock);
	if (!c->told) {
		tell(c, refusal);
		shutdown(c->socket, SHUT_WR);
		c->told = true;
	}
	pthread_mutex_unlock(&dog->lock);
}

/*
 * Has the client gone that was to say more? libmicrohttpd misses an end that comes together with
 * data. Seen twice, since what came before may just be on its way to be answered.
 */
static bool has_gone(struct connection *c)
{
	char byte;

	if (c->state == CONNECTION_BUSY ||
		recv(c->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) {
		c->ends_seen = 0;
		return false;
	}
	return ++c->ends_seen > 1;
}

/* The descriptor stays open: closing is for its owner, who is woken by this. */
static void look(struct connection *c, int64_t now)
{
	if (c->shut || c->state == CONNECTION_BUSY) {
		return;
	}
	if (!has_gone(c)) {
		if (now < c->until_ms) {
			return;
		}
		if (c->state != CONNECTION_IDLE && !c->told) {
			tell(c, REFUSE_TIMEOUT);
		}
	}
	shutdown(c->socket, SHUT_RDWR);
	c->shut = true;
}

static void *watch(void *arg)
{
	struct watchdog *dog = arg;

	pthread_mutex_lock(&dog->lock);
	while (!dog->stopping) {
		struct timespec t;

		for (struct connection *c = dog->first; c; c = c->next) {
			look(c, now_ms());
		}
		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_nsec += TICK_MS * 1000000L;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&dog->stop, &dog->lock, &t);
	}
	pthread_mutex_unlock(&dog->lock);
	return NULL;
}

int watchdog_open(struct watchdog **out)
{
	struct watchdog *dog = calloc(1, sizeof(*dog));
	pthread_condattr_t attr;
	int r;

	if (!dog) {
		return -ENOMEM;
	}
	pthread_mutex_init(&dog->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&dog->stop, &attr);
	pthread_condattr_destroy(&attr);
	r = pthread_create(&dog->thread, NULL, watch, dog);
	if (r) {
		free(dog);
		return -r;
	}
	*out = dog;
	return 0;
}

void watchdog_close(struct watchdog *dog)
{
	if (!dog) {
		return;
	}
	pthread_mutex_lock(&dog->lock);
	dog->stopping = true;
	pthread_cond_signal(&dog->stop);
	pthread_mutex_unlock(&dog->lock);
	pthread_join(dog->thread, NULL);
	pthread_cond_destroy(&dog->stop);
	pthread_mutex_destroy(&dog->lock);
	free(dog);
}

struct connection *watchdog_add(struct watchdog *dog, int socket)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c) {
		return NULL;
	}
	c->socket = socket;
	c->until_ms = now_ms() + HEAD_MS;
	pthread_mutex_lock(&dog->lock);
	c->next = dog->first;
	if (c->next) {
		c->next->prev = c;
	}
	dog->first = c;
	pthread_mutex_unlock(&dog->lock);
	return c;
}

void watchdog_remove(struct watchdog *dog, struct connection *c)
{
	if (!c) {
		return;
	}
	pthread_mutex_lock(&dog->lock);
	*(c->prev ? &c->prev->next : &dog->first) = c->next;
	if (c->next) {
		c->next->prev = c->prev;
	}
	pthread_mutex_unlock(&dog->lock);
	free(c);
}

void connection_enter(
	struct watchdog *dog, struct connection *c, enum connection_state state, uint64_t bytes)
{
	int64_t ms =
		state == CONNECTION_IDLE ? IDLE_MS : BODY_MS + (int64_t)(bytes / BODY_BYTES_A_MS);

	if (!c) {
		return;
	}
	pthread_mutex_lock(&dog->lock);
	c->state = state;
	c->until_ms = now_ms() + ms;
	pthread_mutex_unlock(&dog->lock);
}
