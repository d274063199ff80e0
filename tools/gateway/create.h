/*
 * Handlers that create several objects at once, in one atomic batch under one idempotency key. As
 * those of rest.h.
 */
#pragma once

#include "tools/gateway/call.h"

int create_thread(struct call *call);
int create_run(struct call *call);
int create_thread_and_run(struct call *call);
