/* What a book has of the methods on steps. */
#include "cmocka_all.h"

#include "entry.h"
#include "objects.h"
#include "status.h"

struct book_answer book_create_step(struct book *book, struct book_run *run, const json_t *params)
{
	const char *call = json_string_value(field(params, "step_details.tool_calls[0].id"));
	struct book_answer answer = shown(run);
	char id[40];

	if (!entry_lease_holds(book, run, params)) {
		return refused("lease_lost");
	}
	if (!is(run->status, "in_progress") && !is(run->status, "cancelling")) {
		return refused("invalid_transition");
	}
	entry_id(book, params, id);
	answer.step = entry_add_step(book, run, id, "in_progress", call);
	return answer;
}

static struct book_step *named_step(struct book_run *run, const char *id)
{
	for (unsigned int i = 0; i < run->n_steps; i++) {
		if (is(run->steps[i].id, id)) {
			return &run->steps[i];
		}
	}
	return NULL;
}

struct book_answer book_update_step(struct book *book, struct book_run *run, const json_t *params)
{
	struct book_step *step = named_step(run, param_text(params, "step_id"));

	if (!step) {
		return refused("not_found");
	}
	if (!entry_lease_holds(book, run, params)) {
		return refused("lease_lost");
	}
	if (status_ended(run->status) || !is(step->status, "in_progress")) {
		return refused("invalid_transition");
	}
	entry_move_step(book, run, step, param_text(params, "status"));
	return (struct book_answer){.run = run, .step = step};
}
