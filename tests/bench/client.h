/* A bare REQ socket, for children of the benchmark alone: what goes wrong ends the child. */
#pragma once

#include "proto/slice.h"

int client_open(const char *url);
void client_close(int s);

/* One exchange. The reply must be that of a request that was carried out. */
struct slice client_call(int s, struct slice frame);
void client_free(struct slice reply);

/* Its halves. */
void client_send(int s, struct slice frame);
struct slice client_receive(int s);

/* The result in a reply, an encoded value. */
struct slice client_result(struct slice reply);

/* One exchange in a child of its own: the bytes of the result, up to @size, copied to @out. */
size_t client_ask(const char *url, struct slice frame, void *out, size_t size);
