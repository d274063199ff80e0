/* A request on its way through the daemon: received, prepared, run, answered. */
#pragma once

#include "daemon/net/net.h"
#include "daemon/rpc/batch.h"

struct request {
	struct request *next; /* in a queue */
	struct net_message message;
	struct arena arena;
	uint32_t msgid;
	struct call call;
	struct batch batch; /* when call is one */
	struct buf reply;   /* the whole frame, once it was run */
	bool prepared;
	bool refused;
	bool parking; /* it was run and is to be parked */
	uint64_t received_ns;
	uint64_t wait_ns; /* after that it may be parked no longer */
	struct op_wait wait;
};

/* Takes the message over; it is then empty. NULL when memory runs out. */
struct request *request_create(struct net_message *message);

/* Frees it with its message, unanswered if it was not. */
void request_destroy(struct request *request);

/*
 * Read the frame and check all that can be checked without the store. True when the request is to
 * be run; false when it is not, and its reply is ready.
 */
bool request_prepare(struct request *request);

/*
 * Make a fresh request one that was prepared before, with copies of these parameters. False when
 * memory runs out.
 */
bool request_resume(struct request *request, const struct method *method, const struct slice *args);

/* Of a prepared one: does it change the store? */
bool request_writes(const struct request *request);

/*
 * May it look at any number of objects, because of a filter, or of changes, the last of which is
 * @last_seq?
 */
bool request_scans(const struct request *request, uint64_t last_seq);

/* If it does not scan: is it a get or a page, which is done in a few microseconds? */
bool request_bounded(const struct request *request);

/*
 * Run it in @txn and make its reply, or none when it is to be parked: request->parking. Returns 0,
 * also when it was refused, or -errno when the transaction cannot go on; there is then no reply,
 * and it may be run again in another one.
 */
int request_run(struct request *request, struct txn *txn, const struct service *service);

/* Make its reply one for an -errno of request_run() or of a commit. */
void request_fail(struct request *request, int error);

/* Make its reply a refusal. */
void request_refuse(struct request *request, int code, const char *why);

/* Send the reply and free the request. */
void request_answer(struct request *request, struct net *net, struct stats *stats);

/* Make the reply of one that waited in vain: nil. */
void request_answer_nil(struct request *request);

/* A monotonic clock, nanoseconds. */
uint64_t clock_ns(void);
