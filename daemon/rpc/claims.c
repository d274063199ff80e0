#include "daemon/rpc/claims.h"
#include "daemon/ops/leases.h"

#define CLAIMS_MAX 256 /* in a transaction */

struct serving {
	struct claims *claims;
	struct txn *txn;
	int r;
};

/* Is there a run for the claim with these parameters? For nobody, when there is none at all. */
static enum lot_answer claim_wanted(void *context, const struct slice *args)
{
	static const struct slice any[N_PARAMS];
	struct serving *s = context;
	struct key key;

	if (s->claims->n == CLAIMS_MAX || !leases_find(s->txn, any, &key)) {
		return LOT_STOP;
	}
	return leases_find(s->txn, args, &key) ? LOT_TAKE : LOT_LEAVE;
}

static bool claim_taken(void *context, struct request *request)
{
	struct serving *s = context;
	struct claims *claims = s->claims;

	request->next = claims->first;
	claims->first = request;
	claims->n++;
	s->r = request_run(request, s->txn, claims->service);
	return !s->r;
}

int claims_serve(struct claims *claims, struct txn *txn)
{
	struct serving s = {.claims = claims, .txn = txn};

	txn->readied = false;
	lot_each_claim(
		claims->lot, claims->net, &(struct lot_taker){claim_wanted, claim_taken, &s});
	claims->due = claims->n == CLAIMS_MAX;
	return s.r ? s.r : kv_error(txn->kv);
}

static struct request *take(struct claims *claims)
{
	struct request *request = claims->first;

	if (request) {
		claims->first = request->next;
		claims->n--;
	}
	return request;
}

void claims_answer(struct claims *claims)
{
	struct request *request;

	while ((request = take(claims))) {
		lot_finish_request(claims->lot, request, claims->net, claims->service->stats);
	}
}

void claims_return(struct claims *claims)
{
	claims->due = claims->due || claims->first;
	for (struct request *request = claims->first; request; request = request->next) {
		request->parking = true;
	}
	claims_answer(claims);
}
