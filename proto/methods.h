/* The methods and their parameters: one row of methods.def and one table of parameters each. */
#pragma once

#include "proto/types.h"

enum param {
#define PARAM(name) P_##name,
#include "proto/params.def"
#undef PARAM
	N_PARAMS,
};

enum method_id {
#define METHOD(symbol, name, access, reply, flags, help) METHOD_ID_##symbol,
#include "proto/methods.def"
#undef METHOD
	N_METHODS,
};

enum method_access { ACCESS_READ, ACCESS_WRITE };
enum method_reply {
	REPLY_RUN,
	REPLY_STEP,
	REPLY_THREAD,
	REPLY_MESSAGE,
	REPLY_ASSISTANT,
	REPLY_CLAIM,
	REPLY_DATA
};
enum method_flag {
	METHOD_UNDOABLE = 1,
	METHOD_LONG = 2,
	METHOD_ALONE = 4,
	METHOD_BARE = 8,
	METHOD_FREES = 16
};

struct method {
	enum method_id id;
	const char *name;
	enum method_access access;
	enum method_reply reply;
	unsigned int flags;
	const char *help;
	struct schema params;
};

extern const struct method methods[N_METHODS];

/* NULL when there is none of that name. */
const struct method *method_find(struct slice name);
