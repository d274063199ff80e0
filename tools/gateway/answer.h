/* The bodies of answers: errors in the API's form, and which status goes with them. */
#pragma once

#include "client/runstore.h"

/* Refusals that only a server of HTTP knows: code, status, message. */
enum refusal {
#define REFUSAL(symbol, status, code, message) REFUSE_##symbol,
#include "tools/gateway/refusals.def"
#undef REFUSAL
	N_REFUSALS,
};

/* {"error":{message,type,param,code}} for free(), and its status; NULL without memory. */
char *answer_error(const struct runstore_error *error, unsigned int *status);
char *answer_refusal(enum refusal refusal, unsigned int *status);

/* The status of a code of the contract. */
unsigned int answer_status(int code);
