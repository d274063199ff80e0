/*
 * The sockets, and the only place that knows nanomsg: receive a request, answer it, publish.
 *
 * A peer that sends bytes that are no SP messages can end the process (an assertion of
 * libnanomsg): the sockets are for local peers that the system lets through, and the supervisor
 * starts the daemon again.
 */
#pragma once

#include "daemon/net/peers.h"
#include "proto/slice.h"

struct net;

/* A request and the way back to who sent it. */
struct net_message {
	void *body; /* nanomsg's memory */
	size_t len;
	void *way_back;
	uint32_t peer;	/* the connection by which it came */
	uint64_t ended; /* connections that had ended then */
};

/*
 * Bind both sockets: ipc:// anywhere, tcp:// on loopback. Returns 0 or -errno with the reason for
 * a person in @why. What is no socket at an ipc:// path is left alone and refused.
 */
int net_open(
	struct net **out, const char *listen_url, const char *events_url, char why[static 256]);

/* Closes both; what was not yet sent is lost. */
void net_close(struct net *net);

/*
 * Wait for a request, at most @timeout_ms. Returns 0 with a message to be given to net_answer()
 * or net_forget(), -EAGAIN when none came, or -errno.
 */
int net_receive(struct net *net, int timeout_ms, struct net_message *out);

/* Send a reply and free the message. The reply is dropped when its peer is gone. Any thread. */
void net_answer(struct net *net, struct net_message *message, struct slice reply);

/* Free a message without a reply. */
void net_forget(struct net_message *message);

/* Free the body alone. */
void net_drop_body(struct net_message *message);

/* Connections, now. Any thread. */
struct net_counts {
	uint64_t ended;
	uint64_t open;
};

struct net_counts net_count(const struct net *net);

/* Was who sent the message still connected when they were @counts? Any thread. */
enum presence net_presence(
	struct net *net, const struct net_message *message, const struct net_counts *counts);

/* Publish @frame under @topic, a NUL between them. One thread. */
void net_publish(struct net *net, struct slice topic, struct slice frame);
