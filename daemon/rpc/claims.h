/* Parked claims, for the writer: who gets a run in the transaction that is under way. */
#pragma once

#include "daemon/rpc/lot.h"

struct claims {
	struct lot *lot;
	struct net *net;
	const struct service *service;
	struct request *first; /* those who got one, until the transaction has ended */
	unsigned int n;
	bool due; /* there may be runs for those who are parked, besides those just readied */
	bool passed_over; /* there was one for somebody who seems to be gone: look again later */
};

/*
 * Give the runs that the transaction readied, or any when they are due, to those who wait for one.
 * Returns 0 or -errno: the transaction cannot go on.
 */
int claims_serve(struct claims *claims, struct txn *txn);

/* The transaction was committed: answer them. */
void claims_answer(struct claims *claims);

/* It was not: they wait again, and are due. */
void claims_return(struct claims *claims);
