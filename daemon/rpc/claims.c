#include "daemon/rpc/claims.h"
#include "daemon/ops/leases.h"

#define CLAIMS_MAX 256 /* in a transaction */

struct serving {
	struct claims *claims;
	struct txn *txn;
	struct readied readied; /* what there is that was not there before */
	int r;
};

/* Was there anything for a claim with these parameters? */
static bool may_be_served(const struct readied *readied, const struct slice *args)
{
	struct slice list = args[P_assistant_ids], thread_id = {NULL, 0}, id;
	struct mp t = {0};

	if (args[P_thread_id].ptr) {
		mp_get_str(args[P_thread_id], &thread_id);
	}
	if (!list.ptr || !mp_read(&list, &t)) {
		return readied_has(readied, slice_of(NULL, 0), thread_id);
	}
	for (uint32_t i = 0; i < t.n; i++) {
		if (mp_get_str(mp_value(&list), &id) && readied_has(readied, id, thread_id)) {
			return true;
		}
	}
	return false;
}

/* Is there a run for the claim? */
static enum lot_answer claim_wanted(void *context, const struct slice *args)
{
	struct serving *s = context;
	struct key key;

	if (s->claims->n == CLAIMS_MAX) {
		return LOT_STOP;
	}
	return may_be_served(&s->readied, args) && leases_find(s->txn, args, &key) ? LOT_TAKE
										   : LOT_LEAVE;
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
	struct serving s = {.claims = claims, .txn = txn, .readied = txn->readied};

	s.readied.any = s.readied.any || claims->due;
	txn->readied = (struct readied){0};
	claims->passed_over = lot_each_claim(
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
