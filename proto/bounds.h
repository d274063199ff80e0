/* Sizes that the contract promises. */
#pragma once

#define MAX_MESSAGE (16u << 20) /* bytes of a frame, request or reply */
#define MAX_OBJECT (4u << 20)	/* bytes of a stored object */
#define MAX_DEPTH 32		/* levels of a frame, its own array being level 1 */
/*
 * Levels of an open map in an object (the parameters of a function, a JSON schema): such a map
 * lies at level 5 of a Run, which lies at level 7 of the deepest reply, a list in a batch.
 */
#define MAX_MAP_DEPTH (MAX_DEPTH - 4 - 6)
#define MAX_TOOLS 20		       /* that a run may be created with */
#define MAX_ASSISTANT_TOOLS 128	       /* of an assistant, and so of a run that takes them over */
#define MAX_TOOL_CALLS 1024	       /* that a run may wait for at a time */
#define MAX_BATCH 1000		       /* requests of a batch, objects of an import */
#define MAX_TIME INT64_C(253402300799) /* Unix seconds, the end of the year 9999 */
#define MAX_WORKER 256		       /* characters of a worker's name */
#define MAX_ASSISTANTS 64	       /* that a claim may name */
#define MAX_WAIT_MS 60000	       /* that a request may be parked */
#define MAX_LEASE_MS 3600000	       /* that a lease may last without a heartbeat */
#define MAX_CHANGES 1000	       /* of a page of the feed */
#define MAX_LOSSES 3		       /* leases of a run that may be lost: the last one fails it */

/*
 * What a socket takes: up to 17 MiB a request is read, so that it can be refused in words, with
 * room for the SP header. Beyond that nanomsg closes the connection.
 */
#define MAX_RECEIVE ((17 << 20) + 64)
