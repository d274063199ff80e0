/*
 * The parking lot: requests that wait for something to happen. Each takes some hundred bytes and
 * no thread; it leaves when a change concerns it, when its time is over, or when the lot closes.
 */
#pragma once

#include "daemon/rpc/request.h"

struct lot;

/* NULL when memory runs out. It tells @stats how many are parked. */
struct lot *lot_create(struct stats *stats);
void lot_destroy(struct lot *lot);

/*
 * Park a request that asked for it, and free it. When changes that its snapshot had not were
 * announced meanwhile, it is woken at once. False when the lot is full, or memory is: the request
 * is still the caller's.
 */
bool lot_park(struct lot *lot, struct request *request);

/* A request was run: answer it, or let it wait as it asked for, or refuse that; it is then gone. */
void lot_finish_request(
	struct lot *lot, struct request *request, struct net *net, struct stats *stats);

/* Wake those whom the events of a commit concern (changes.h), up to the change @last_seq. */
void lot_announce(struct lot *lot, struct slice events, uint64_t last_seq);

/*
 * Go through the claims, those first that are likeliest still waited for, then the oldest: @wants
 * is given the parameters of each and says whether to take it out; then @take gets the request,
 * prepared again, and says whether to go on. True when somebody who is wanted was left because he
 * seems to be gone, which may turn out to be wrong.
 */
enum lot_answer { LOT_LEAVE, LOT_TAKE, LOT_STOP };

struct lot_taker {
	enum lot_answer (*wants)(void *context, const struct slice *args);
	bool (*take)(void *context, struct request *request);
	void *context;
};

bool lot_each_claim(struct lot *lot, struct net *net, const struct lot_taker *taker);

/*
 * Wait for the next request that is woken or whose time is over, prepared again; its
 * wait.left_ms is 0 if it must be answered now. NULL when the lot is closed and empty. One thread.
 */
struct request *lot_next(struct lot *lot);

/* Everybody's time is over, also of who comes from now on. */
void lot_close(struct lot *lot);
