/* How entries of a book are made: what its methods share. */
#ifndef TEST_ENTRY_H
#define TEST_ENTRY_H

#include "book.h"

/* Copy a text into an array, which must hold it; NULL is "". */
#define SET(array, text) entry_copy(array, sizeof(array), text)
void entry_copy(char *out, size_t size, const char *text);

bool is(const char *text, const char *other);

/* A string of the params, or NULL; a number, or @otherwise. */
const char *param_text(const json_t *params, const char *name);
int64_t param_number(const json_t *params, const char *name, int64_t otherwise);

/* The id that the params give, or a mark. */
void entry_id(struct book *book, const json_t *params, char out[40]);

/* An empty entry in a thread. Fails the test when the book is full. */
struct book_run *entry_add_run(struct book *book, const char *thread);

/* Told and gone. */
void entry_remove_run(struct book *book, struct book_run *run);

/* Told that the thread is gone, with all that was in it. */
void entry_tell_thread_deleted(struct book *book, const char *thread);

/* To another status, with all that follows from that; @event as the feed calls it. */
void entry_move_run(struct book *book, struct book_run *run, const char *to, const char *event);

/* A change that leaves the status as it is. */
void entry_note(struct book *book, const struct book_run *run, const char *event);

void entry_end_lease(struct book_run *run);

/* It came to be, by a create or an import. */
void entry_begin_run(struct book *book, const struct book_run *run, const char *event);

/* @call is NULL for a step without one. */
struct book_step *entry_add_step(struct book *book, struct book_run *run, const char *id,
	const char *status, const char *call);
void entry_move_step(
	struct book *book, const struct book_run *run, struct book_step *step, const char *to);

/* End the open steps of a run that is about to end. */
void entry_end_steps(struct book *book, struct book_run *run, const char *to);

/* The open step with this call, or, for NULL, any open one; NULL when there is none. */
struct book_step *entry_open_step(struct book_run *run, const char *call);

/*
 * May the request of these params, which writes what a lease guards, do so? It is then done by the
 * lease's worker.
 */
bool entry_lease_holds(struct book *book, const struct book_run *run, const json_t *params);

struct book_answer refused(const char *code);
struct book_answer shown(struct book_run *run);

/* What each method does; some are called with the run that the params name. */
typedef struct book_answer book_method(struct book *book, const json_t *params);
typedef struct book_answer book_run_method(
	struct book *book, struct book_run *run, const json_t *params);

book_method book_create, book_import, book_claim, book_delete_thread;
book_run_method book_heartbeat, book_release, book_requeue, book_fail, book_update, book_cancel,
	book_submit, book_delete, book_create_step, book_update_step;

#endif
