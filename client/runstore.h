/*
 * librunstore: talk to a runstore daemon, which keeps assistants, threads, messages, runs and run
 * steps.
 *
 * Results. Every function that can fail returns 0 or one of RUNSTORE_E_*, and then leaves its
 * outputs as they were and, when @error is not NULL, says in words what was wrong. Besides what a
 * function's own comment names, each call to the daemon can return
 *   RUNSTORE_E_UNAVAILABLE   no daemon answers, or none answered in time; a write may then have
 *                            been applied or not: the same call with the same idempotency key
 *                            applies it once and no more
 *   RUNSTORE_E_INVALID_PARAMS, _UNKNOWN_PARAM, _MISSING_PARAM, _INVALID_ID
 *                            a parameter is not as it must be, error.param says which
 *   RUNSTORE_E_TOO_LARGE     request over 16 MiB (it is not sent), object over 4 MiB, or nested
 *                            deeper than 32 levels
 *   RUNSTORE_E_IDEMPOTENCY_CONFLICT  the key was used for another request
 *   RUNSTORE_E_OVERLOADED, _READ_ONLY, _STORE_FULL  nothing was applied
 *   RUNSTORE_E_IO_ERROR, _INTERNAL  the daemon, or this library (out of memory, out of sockets),
 *                            could not
 *   RUNSTORE_E_INVALID_FRAME what came back was no reply to the request
 *
 * Threads. A handle may be used by any number of threads at once. Everything else (an iterator, a
 * batch, a run) belongs to one thread at a time. A handle does not survive fork(): open one in the
 * child. Signals do not interrupt a call.
 *
 * Parameters are structures in which what is zero is not given, so designated initialisers name
 * only what matters. Numbers and truths are given by address:
 *
 *	r = runstore_run_create(rs,
 *		&(struct runstore_run_create){
 *			.thread_id = "thread_1",
 *			.assistant_id = "asst_1",
 *			.temperature = &(double){0.2},
 *			.metadata = "{\"team\":\"search\"}",
 *		},
 *		&run, &error);
 *
 * Fields described as "JSON" hold JSON text; strings are UTF-8. The library copies what it needs:
 * parameters need live no longer than the call. Times are Unix seconds, except where a name ends
 * in _ms. Memory that is handed over is freed with the function named; every such function, and
 * every _close, takes NULL.
 */
#ifndef RUNSTORE_H
#define RUNSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RUNSTORE_API __attribute__((visibility("default")))

/* The numbers are never given to another meaning. */
enum {
	RUNSTORE_OK = 0,
	RUNSTORE_E_INVALID_PARAMS = 1,
	RUNSTORE_E_UNKNOWN_PARAM = 2,
	RUNSTORE_E_MISSING_PARAM = 3,
	RUNSTORE_E_INVALID_ID = 4,
	RUNSTORE_E_NOT_FOUND = 5,
	RUNSTORE_E_INVALID_TRANSITION = 6,
	RUNSTORE_E_EXPECTED_STATUS = 7,
	RUNSTORE_E_STEPS_IN_PROGRESS = 8,
	RUNSTORE_E_RUN_ACTIVE = 9,
	RUNSTORE_E_LEASE_LOST = 10,
	RUNSTORE_E_ID_CONFLICT = 11,
	RUNSTORE_E_IDEMPOTENCY_CONFLICT = 12,
	RUNSTORE_E_TOO_LARGE = 13,
	RUNSTORE_E_UNKNOWN_METHOD = 14,
	RUNSTORE_E_INVALID_FRAME = 15,
	RUNSTORE_E_UNAVAILABLE = 16,
	RUNSTORE_E_OVERLOADED = 17,
	RUNSTORE_E_READ_ONLY = 18,
	RUNSTORE_E_STORE_FULL = 19,
	RUNSTORE_E_IO_ERROR = 20,
	RUNSTORE_E_INTERNAL = 21,
};

/* What went wrong. The caller's memory; no need to clear it first. */
struct runstore_error {
	int code;	   /* RUNSTORE_E_* */
	char type[32];	   /* "invalid_request_error" or "server_error" */
	char name[32];	   /* the code in words, such as "not_found" */
	char message[512]; /* for a person: what is wrong and what would be right */
	char param[176];   /* path of the parameter at fault, "" for none */
};

/* The version of the library, "major.minor.patch". */
RUNSTORE_API const char *runstore_version(void);

/*
 * Values. Where a field or a result is not a plain string or number it is a value: the
 * MessagePack bytes of it, borrowed from what holds it. An absent one has data NULL.
 */
struct runstore_value {
	const void *data;
	size_t size; /* bytes */
};

/*
 * @value as JSON text, a new string for free(). NULL when memory ran out, or when it is absent or
 * holds what JSON cannot say (binary data, NaN), which nothing does that comes from a daemon.
 */
RUNSTORE_API char *runstore_value_json(struct runstore_value value);

/* The member @name of a map; absent when there is none or @map is no map. */
RUNSTORE_API struct runstore_value runstore_value_member(
	struct runstore_value map, const char *name);

/*
 * How many items an array or pairs a map has, 0 for anything else; and the item of an array at
 * @index, absent beyond its end.
 */
RUNSTORE_API size_t runstore_value_count(struct runstore_value value);
RUNSTORE_API struct runstore_value runstore_value_item(struct runstore_value array, size_t index);

/* A string as a new one for free(); NULL when @value is none or memory ran out. */
RUNSTORE_API char *runstore_value_string(struct runstore_value value);

/* True, and the integer, when @value is one that fits; else false and @out as it was. */
RUNSTORE_API bool runstore_value_integer(struct runstore_value value, int64_t *out);

/*
 * One JSON text to MessagePack bytes, for free(). Members keep their order; a number with a
 * fraction or an exponent becomes a float64. Returns RUNSTORE_E_INVALID_PARAMS, with line and
 * column in the message, for what is no JSON (duplicate members, integers beyond 64 bits and
 * invalid UTF-8 included), RUNSTORE_E_TOO_LARGE for what is nested deeper than 64 levels,
 * RUNSTORE_E_INTERNAL without memory.
 */
RUNSTORE_API int runstore_json_to_msgpack(
	const char *text, void **data, size_t *size, struct runstore_error *error);

/*
 * One MessagePack value to compact JSON text, for free(). RUNSTORE_E_INVALID_PARAMS for bytes that
 * are not one whole value or that JSON cannot say: binary data, extensions, NaN, map keys that are
 * no strings. RUNSTORE_E_INTERNAL without memory.
 */
RUNSTORE_API int runstore_msgpack_to_json(
	const void *data, size_t size, char **text, struct runstore_error *error);

/*
 * Handles. Opening one connects to nothing: the first call does, and every call goes on working
 * after the daemon was stopped and started again.
 */
struct runstore;

struct runstore_options {
	int timeout_ms; /* of a call in all, with its retries; 0: 30,000. A parameter wait_ms
			   or timeout_ms of the call itself is added to it */
	int connect_timeout_ms; /* how long to wait for a daemon that is not there; 0: 2,000;
				   below 0: no longer than connecting takes */
	int attempts;		/* how often a request is sent at most, under one idempotency key;
				   0: 3 */
	int connections; /* sockets at most, each with one request at a time, opened as needed;
			    0: 4; at most 256. More calls at once wait for one, within their
			    timeout. Not for calls that wait for something to happen */
};

/*
 * Open a handle for the daemon at @url: "ipc:///path/to/rpc.sock" or "tcp://127.0.0.1:port".
 * NULL: $RUNSTORE_URL, else the socket rpc.sock in $RUNSTORE_DIR, else in
 * $XDG_STATE_HOME/runstore, else in ~/.local/state/runstore. @options may be NULL.
 * Returns RUNSTORE_E_INVALID_PARAMS for a URL or an option that cannot be, RUNSTORE_E_INTERNAL
 * without memory. Freed with runstore_close().
 */
RUNSTORE_API int runstore_open(struct runstore **rs, const char *url,
	const struct runstore_options *options, struct runstore_error *error);

/* No call may be under way. */
RUNSTORE_API void runstore_close(struct runstore *rs);

/* The URL in use; lives as long as the handle. */
RUNSTORE_API const char *runstore_url(const struct runstore *rs);

/*
 * Any method, known to this library or not.
 *
 * @params is one MessagePack map, or NULL with size 0 for none. A write that this library knows
 * and a batch get an idempotency_key of their own unless @params has one. @reply is freed with
 * runstore_reply_free(). Any RUNSTORE_E_*, as the method says.
 */
struct runstore_reply;

RUNSTORE_API int runstore_call(struct runstore *rs, const char *method, const void *params,
	size_t size, struct runstore_reply **reply, struct runstore_error *error);

/* The result, borrowed from the reply. */
RUNSTORE_API struct runstore_value runstore_reply_value(const struct runstore_reply *reply);

RUNSTORE_API void runstore_reply_free(struct runstore_reply *reply);

/* The same in JSON: @params one object or NULL, @result for free(). */
RUNSTORE_API int runstore_call_json(struct runstore *rs, const char *method, const char *params,
	char **result, struct runstore_error *error);

/* Statuses. As a parameter 0 is "not given", in a result one that this library does not know. */
enum runstore_run_status {
	RUNSTORE_RUN_UNKNOWN = 0,
	RUNSTORE_RUN_QUEUED,
	RUNSTORE_RUN_IN_PROGRESS,
	RUNSTORE_RUN_REQUIRES_ACTION,
	RUNSTORE_RUN_CANCELLING,
	RUNSTORE_RUN_CANCELLED, /* from here on terminal */
	RUNSTORE_RUN_FAILED,
	RUNSTORE_RUN_COMPLETED,
	RUNSTORE_RUN_INCOMPLETE,
	RUNSTORE_RUN_EXPIRED,
};

enum runstore_step_status {
	RUNSTORE_STEP_UNKNOWN = 0,
	RUNSTORE_STEP_IN_PROGRESS,
	RUNSTORE_STEP_CANCELLED, /* from here on terminal */
	RUNSTORE_STEP_FAILED,
	RUNSTORE_STEP_COMPLETED,
	RUNSTORE_STEP_EXPIRED,
};

enum runstore_step_type {
	RUNSTORE_STEP_TYPE_UNKNOWN = 0,
	RUNSTORE_STEP_MESSAGE_CREATION,
	RUNSTORE_STEP_TOOL_CALLS,
};

/* The names on the wire, such as "in_progress"; "unknown" for any other number. */
RUNSTORE_API const char *runstore_run_status_name(enum runstore_run_status status);
RUNSTORE_API const char *runstore_step_status_name(enum runstore_step_status status);
RUNSTORE_API const char *runstore_step_type_name(enum runstore_step_type type);

/* Objects. All that they point at belongs to them. */
struct runstore_usage {
	bool given; /* false: the usage is null */
	int64_t prompt_tokens;
	int64_t completion_tokens;
	int64_t total_tokens;
};

struct runstore_failure {
	const char *code; /* NULL: there was no error */
	const char *message;
};

/* Strings are never NULL, but where it says so. A time of 0 is null. */
struct runstore_run {
	const char *id;
	int64_t created_at;
	const char *thread_id;
	const char *assistant_id;
	enum runstore_run_status status;
	struct runstore_value required_action; /* a map, or null */
	struct runstore_failure last_error;
	int64_t expires_at;
	int64_t started_at;
	int64_t cancelled_at;
	int64_t failed_at;
	int64_t completed_at;
	const char *incomplete_reason;	/* NULL: none given */
	const char *model;		/* "" when none was given */
	const char *instructions;	/* "" when none were given */
	struct runstore_value tools;	/* an array */
	struct runstore_value metadata; /* a map of strings */
	struct runstore_usage usage;
	double temperature;
	double top_p;
	int64_t max_prompt_tokens;     /* 0: no limit */
	int64_t max_completion_tokens; /* 0: no limit */
	struct runstore_value truncation_strategy;
	struct runstore_value tool_choice;
	bool parallel_tool_calls;
	struct runstore_value response_format;
	struct runstore_value object; /* all of it */
};

struct runstore_step {
	const char *id;
	int64_t created_at;
	const char *assistant_id;
	const char *thread_id;
	const char *run_id;
	enum runstore_step_type type;
	enum runstore_step_status status;
	struct runstore_value step_details;
	struct runstore_failure last_error;
	int64_t expired_at;
	int64_t cancelled_at;
	int64_t failed_at;
	int64_t completed_at;
	struct runstore_value metadata; /* a map of strings */
	struct runstore_usage usage;
	struct runstore_value object; /* all of it */
};

/* What threads.list tells of a thread. */
struct runstore_thread {
	const char *id;
	int64_t created_at;  /* when it was created, or its earliest run was */
	int64_t last_run_at; /* when its latest run was created, 0 without one */
	int64_t runs;	     /* how many it has */
	int64_t steps;
	const char *active_run_id;    /* its oldest run that is not terminal, or NULL */
	struct runstore_value object; /* all of it */
};

RUNSTORE_API void runstore_run_free(struct runstore_run *run);
RUNSTORE_API void runstore_step_free(struct runstore_step *step);

/*
 * A Run or a RunStep out of any value that is one: a call's reply, a result of a batch, an item
 * of a list. The bytes are copied. RUNSTORE_E_INVALID_PARAMS when it is none,
 * RUNSTORE_E_INTERNAL without memory.
 */
RUNSTORE_API int runstore_run_read(
	struct runstore_value value, struct runstore_run **run, struct runstore_error *error);
RUNSTORE_API int runstore_step_read(
	struct runstore_value value, struct runstore_step **step, struct runstore_error *error);

/*
 * Runs. In all of these @run may be NULL when the object is of no interest, and a thread_id that
 * is given must be the run's: RUNSTORE_E_NOT_FOUND. Freed with runstore_run_free().
 *
 * idempotency_key, here and below: 1 to 64 bytes; the same request with the same key within 24
 * hours is applied once. NULL: the library makes one, which covers its own retries.
 */

/*
 * Create a run in status queued. RUNSTORE_E_RUN_ACTIVE when the thread has one that is not
 * terminal and on_active is "reject"; RUNSTORE_E_ID_CONFLICT when the id is taken.
 */
struct runstore_run_create {
	const char *thread_id;	  /* needed */
	const char *assistant_id; /* needed */
	const char *id;		  /* NULL: one is issued */
	const char *model;
	const char *instructions;
	const char *additional_instructions; /* appended to the instructions */
	const char *tools;		     /* JSON array */
	const char *metadata;		     /* JSON object of strings */
	const double *temperature;	     /* 0 to 2 */
	const double *top_p;		     /* 0 to 1 */
	const int64_t *max_prompt_tokens;    /* 256 or more */
	const int64_t *max_completion_tokens;
	const char *truncation_strategy; /* JSON object */
	const char *tool_choice;	 /* JSON; a string is "\"auto\"" */
	const bool *parallel_tool_calls;
	const char *response_format; /* JSON */
	const char *reasoning_effort;
	const char *tool_resources; /* JSON object */
	const int64_t *expires_in;  /* seconds, 0: never */
	const char *on_active;	    /* "reject", "enqueue" or "parallel" */
	const char *idempotency_key;
};

RUNSTORE_API int runstore_run_create(struct runstore *rs, const struct runstore_run_create *params,
	struct runstore_run **run, struct runstore_error *error);

/* RUNSTORE_E_NOT_FOUND. @thread_id may be NULL. */
RUNSTORE_API int runstore_run_get(struct runstore *rs, const char *thread_id, const char *run_id,
	struct runstore_run **run, struct runstore_error *error);

/*
 * Move a run on, or change its metadata. RUNSTORE_E_NOT_FOUND; RUNSTORE_E_INVALID_TRANSITION when
 * the run cannot get there from where it is; RUNSTORE_E_EXPECTED_STATUS when it is not where it
 * was said to be; RUNSTORE_E_STEPS_IN_PROGRESS when it would complete with open steps;
 * RUNSTORE_E_LEASE_LOST when it is leased under another token.
 */
struct runstore_run_update {
	const char *thread_id;
	enum runstore_run_status status;
	const char *required_action;	/* JSON object, with requires_action and only there */
	const char *last_error;		/* JSON object, needed with failed */
	const char *incomplete_details; /* JSON object, needed with incomplete */
	const char *usage;		/* JSON object, with a terminal status or once after it */
	const char *metadata;		/* JSON object that replaces it, or "null" to empty it */
	enum runstore_run_status expected_status;
	const char *lease; /* token */
	const char *idempotency_key;
};

RUNSTORE_API int runstore_run_update(struct runstore *rs, const char *run_id,
	const struct runstore_run_update *params, struct runstore_run **run,
	struct runstore_error *error);

/*
 * Ask for a run to end: in_progress becomes cancelling, queued and requires_action become
 * cancelled. RUNSTORE_E_NOT_FOUND, RUNSTORE_E_INVALID_TRANSITION. @thread_id may be NULL.
 */
RUNSTORE_API int runstore_run_cancel(struct runstore *rs, const char *thread_id, const char *run_id,
	struct runstore_run **run, struct runstore_error *error);

/*
 * Answer all pending tool calls of a run that requires action; it is queued again.
 * RUNSTORE_E_NOT_FOUND; RUNSTORE_E_INVALID_TRANSITION when nothing is pending.
 */
struct runstore_tool_output {
	const char *tool_call_id;
	const char *output;
};

struct runstore_submit_tool_outputs {
	const char *thread_id;
	const struct runstore_tool_output *outputs;
	size_t n_outputs;
	const char *idempotency_key;
};

RUNSTORE_API int runstore_run_submit_tool_outputs(struct runstore *rs, const char *run_id,
	const struct runstore_submit_tool_outputs *params, struct runstore_run **run,
	struct runstore_error *error);

/* Delete a run and its steps. RUNSTORE_E_NOT_FOUND. @thread_id may be NULL. */
RUNSTORE_API int runstore_run_delete(struct runstore *rs, const char *thread_id, const char *run_id,
	struct runstore_error *error);

/*
 * Steps. @step may be NULL when the object is of no interest. Freed with runstore_step_free().
 */

/*
 * Append a step to a run that is in progress or cancelling. RUNSTORE_E_NOT_FOUND,
 * RUNSTORE_E_INVALID_TRANSITION (the run is in another status), RUNSTORE_E_ID_CONFLICT,
 * RUNSTORE_E_LEASE_LOST.
 */
struct runstore_step_create {
	enum runstore_step_type type; /* needed */
	const char *step_details;     /* JSON object, needed */
	const char *thread_id;
	const char *id;	      /* NULL: one is issued */
	const char *metadata; /* JSON object of strings */
	const char *lease;    /* token */
	const char *idempotency_key;
};

RUNSTORE_API int runstore_step_create(struct runstore *rs, const char *run_id,
	const struct runstore_step_create *params, struct runstore_step **step,
	struct runstore_error *error);

/* RUNSTORE_E_NOT_FOUND, RUNSTORE_E_INVALID_TRANSITION, RUNSTORE_E_LEASE_LOST. */
struct runstore_step_update {
	const char *thread_id;
	enum runstore_step_status status;
	const char *step_details; /* JSON object */
	const char *usage;	  /* JSON object */
	const char *last_error;	  /* JSON object, needed with failed */
	const char *metadata;	  /* JSON object that replaces it, or "null" to empty it */
	const char *lease;	  /* token */
	const char *idempotency_key;
};

RUNSTORE_API int runstore_step_update(struct runstore *rs, const char *run_id, const char *step_id,
	const struct runstore_step_update *params, struct runstore_step **step,
	struct runstore_error *error);

/* What file searches found comes only with @include_content. RUNSTORE_E_NOT_FOUND. */
RUNSTORE_API int runstore_step_get(struct runstore *rs, const char *run_id, const char *step_id,
	bool include_content, struct runstore_step **step, struct runstore_error *error);

/* Delete a thread and all in it, active runs included. RUNSTORE_E_NOT_FOUND. */
RUNSTORE_API int runstore_thread_delete(
	struct runstore *rs, const char *thread_id, struct runstore_error *error);

/*
 * Lists. An iterator gives one object after the other and fetches pages as it needs them. The
 * handle must outlive it. Objects are never skipped or repeated, whatever is written meanwhile.
 *
 * The parameters may be NULL for all there is. Opening asks the daemon nothing and fails only for
 * parameters that cannot be encoded (RUNSTORE_E_INVALID_PARAMS) or without memory. _next sets the
 * object, or NULL behind the last one; the object is the iterator's and lives until the following
 * _next or _close. After an error _next may be called again and goes on where it was.
 * RUNSTORE_E_NOT_FOUND when the thread, the run or the object that `after` names is unknown, or all
 * objects of the page before were deleted.
 */
enum runstore_order {
	RUNSTORE_ORDER_DEFAULT = 0, /* newest first */
	RUNSTORE_ORDER_ASC,
	RUNSTORE_ORDER_DESC,
};

/* In every list. */
struct runstore_page {
	enum runstore_order order;
	const char *after; /* id of the object behind which to begin */
	int page_size;	   /* objects to fetch at once, 1 to 100; 0: 100 */
	int64_t max;	   /* end after so many; 0: none */
};

struct runstore_run_list {
	struct runstore_page page;
	const char *thread_id;			  /* NULL: the runs of all threads */
	const enum runstore_run_status *statuses; /* any of these */
	size_t n_statuses;
	const char *assistant_id;
	const char *model;
	const int64_t *created_after;  /* exclusive */
	const int64_t *created_before; /* exclusive */
	const char *metadata;	       /* JSON object, all of whose pairs must match */
};

struct runstore_runs;

RUNSTORE_API int runstore_runs_open(struct runstore *rs, const struct runstore_run_list *params,
	struct runstore_runs **runs, struct runstore_error *error);
RUNSTORE_API int runstore_runs_next(
	struct runstore_runs *runs, const struct runstore_run **run, struct runstore_error *error);
RUNSTORE_API void runstore_runs_close(struct runstore_runs *runs);

struct runstore_step_list {
	struct runstore_page page;
	const char *thread_id;
	enum runstore_step_type type;
	const enum runstore_step_status *statuses; /* any of these */
	size_t n_statuses;
	bool include_content; /* what file searches found */
};

struct runstore_steps;

RUNSTORE_API int runstore_steps_open(struct runstore *rs, const char *run_id,
	const struct runstore_step_list *params, struct runstore_steps **steps,
	struct runstore_error *error);
RUNSTORE_API int runstore_steps_next(struct runstore_steps *steps,
	const struct runstore_step **step, struct runstore_error *error);
RUNSTORE_API void runstore_steps_close(struct runstore_steps *steps);

struct runstore_threads;

RUNSTORE_API int runstore_threads_open(struct runstore *rs, const struct runstore_page *page,
	struct runstore_threads **threads, struct runstore_error *error);
RUNSTORE_API int runstore_threads_next(struct runstore_threads *threads,
	const struct runstore_thread **thread, struct runstore_error *error);
RUNSTORE_API void runstore_threads_close(struct runstore_threads *threads);

/*
 * Any list, such as "messages.list" and "assistants.list": @params is one JSON object with the
 * method's parameters but for limit, order, after and before, which the iterator sets by @page
 * (RUNSTORE_E_INVALID_PARAMS), or NULL. _next sets the object as a value that is the iterator's
 * and lives until the following _next or _close; absent behind the last one.
 * RUNSTORE_E_INVALID_FRAME when the reply to the method is no list.
 */
struct runstore_list;

RUNSTORE_API int runstore_list_open(struct runstore *rs, const char *method, const char *params,
	const struct runstore_page *page, struct runstore_list **list,
	struct runstore_error *error);
RUNSTORE_API int runstore_list_next(
	struct runstore_list *list, struct runstore_value *object, struct runstore_error *error);
RUNSTORE_API void runstore_list_close(struct runstore_list *list);

/*
 * Batches: up to 1,000 requests in one message, carried out in order; each sees what those before
 * it did. An atomic one applies all or nothing.
 */
struct runstore_batch;

/* RUNSTORE_E_INTERNAL without memory. */
RUNSTORE_API int runstore_batch_open(struct runstore_batch **batch, struct runstore_error *error);
RUNSTORE_API void runstore_batch_close(struct runstore_batch *batch);

/*
 * Append a request; @params as for runstore_call() and runstore_call_json(), without an
 * idempotency_key. RUNSTORE_E_INVALID_PARAMS for what is no map, RUNSTORE_E_TOO_LARGE for more
 * than 1,000 requests or 16 MiB: the batch is then as it was.
 */
RUNSTORE_API int runstore_batch_add(struct runstore_batch *batch, const char *method,
	const void *params, size_t size, struct runstore_error *error);
RUNSTORE_API int runstore_batch_add_json(struct runstore_batch *batch, const char *method,
	const char *params, struct runstore_error *error);

/* How many requests it has; forget them and their results. */
RUNSTORE_API size_t runstore_batch_count(const struct runstore_batch *batch);
RUNSTORE_API void runstore_batch_clear(struct runstore_batch *batch);

/*
 * Carry it out. 0 says that there are results, each of which may be a refusal. An @atomic batch
 * that is refused returns the refusal itself, whose param begins with "requests[N]". After
 * RUNSTORE_E_UNAVAILABLE, running the unchanged batch again completes it and applies nothing twice.
 */
RUNSTORE_API int runstore_batch_run(struct runstore *rs, struct runstore_batch *batch, bool atomic,
	struct runstore_error *error);

/*
 * How request @index went: 0 and its result, borrowed until the batch is run again, added to,
 * cleared or closed; or the code it was refused with. RUNSTORE_E_INVALID_PARAMS when there is no
 * such result. @result may be NULL.
 */
RUNSTORE_API int runstore_batch_result(const struct runstore_batch *batch, size_t index,
	struct runstore_value *result, struct runstore_error *error);

#ifdef __cplusplus
}
#endif

#include "runstore_work.h" /* claims and leases, waiting, watching */

#endif
