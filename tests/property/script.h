/* Random requests that fit the state of a model, mostly. */
#ifndef TEST_SCRIPT_H
#define TEST_SCRIPT_H

#include "dice.h"
#include "model.h"

enum { N_KEPT = 16 };

struct script {
	struct model *model;
	struct dice dice;
	unsigned int serial;
	json_t *kept[N_KEPT]; /* messages that had a key, to be sent again */
};

/* The next message: [method, params], of any method or a batch. The caller frees it. */
json_t *script_next(struct script *script);

void script_finish(struct script *script);

#endif
