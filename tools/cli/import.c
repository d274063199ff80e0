/* runstore import FILE|-: objects in batches, in the order of the file. */
#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/progress.h"
#include "tools/cli/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_OBJECTS 1000
#define BATCH_BYTES (8u << 20)

struct importer {
	struct cli *cli;
	struct source source;
	struct progress progress;
	bool skip_existing;
	const char *file;
	struct buf objects; /* encoded, one after the other */
	uint32_t n;
	size_t ends[BATCH_OBJECTS]; /* where each ends in @objects */
	struct source_place places[BATCH_OBJECTS];
	int64_t imported;
	int64_t unchanged;
	int64_t skipped;
};

static size_t start_of(const struct importer *im, uint32_t index)
{
	return index ? im->ends[index - 1] : 0;
}

/* The number in "objects[17].id"; false when @param has none. */
static bool index_of(const char *param, uint32_t *index)
{
	return sscanf(param, "objects[%" SCNu32 "]", index) == 1;
}

/* Tell which line it was, in place of which object of the batch. */
static int refused(const struct importer *im, uint32_t from, struct runstore_error *error)
{
	const char *path = strchr(error->param, ']');
	char place[512];
	uint32_t index;

	if (index_of(error->param, &index) && from + index < im->n) {
		source_print(&im->source, im->places[from + index], place, sizeof(place));
		path = path && path[1] ? path + 2 : "";
		cli_error("%s: %s%s%s (%s)", place, path, *path ? ": " : "", error->message,
			error->name);
	} else {
		cli_refused(error);
	}
	if (im->imported || im->unchanged || im->skipped) {
		cli_error("%" PRId64 " objects before it were imported; importing the file again "
			  "goes on from there.",
			im->imported);
	}
	return error->code == RUNSTORE_E_UNAVAILABLE ? CLI_NO_DAEMON : CLI_REFUSED;
}

static int send(struct importer *im, uint32_t from, uint32_t n, struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf params = {0};
	struct runstore_reply *reply;
	struct runstore_value value;
	int64_t imported = 0, unchanged = 0;
	size_t start = start_of(im, from);
	int r;

	mp_put_map(&params, 1);
	mp_put_cstr(&params, "objects");
	mp_put_array(&params, n);
	buf_append(&params, im->objects.ptr + start, im->ends[from + n - 1] - start);
	r = runstore_call(im->cli->rs, "objects.import", params.ptr, params.len, &reply, error);
	if (r) {
		return r;
	}
	value = runstore_reply_value(reply);
	runstore_value_integer(runstore_value_member(value, "imported"), &imported);
	runstore_value_integer(runstore_value_member(value, "unchanged"), &unchanged);
	im->imported += imported;
	im->unchanged += unchanged;
	runstore_reply_free(reply);
	return 0;
}

/* Take the object at @index out of the batch. */
static void drop(struct importer *im, uint32_t index)
{
	size_t start = start_of(im, index), end = im->ends[index];

	memmove(im->objects.ptr + start, im->objects.ptr + end, im->objects.len - end);
	im->objects.len -= end - start;
	for (uint32_t i = index + 1; i < im->n; i++) {
		im->ends[i - 1] = im->ends[i] - (end - start);
		im->places[i - 1] = im->places[i];
	}
	im->n--;
	im->skipped++;
}

/*
 * A conflict leaves the object out and sends the others again. As a batch is all or nothing, many
 * conflicts in it would send it as often: after one only what stands before it goes, and from
 * there the pieces grow again.
 */
static int send_all(struct importer *im)
{
	uint32_t from = 0, piece = im->n;

	while (from < im->n) {
		uint32_t n = piece < im->n - from ? piece : im->n - from;
		struct runstore_error error;
		uint32_t index;

		if (!send(im, from, n, &error)) {
			from += n;
			piece = piece < BATCH_OBJECTS ? 2 * piece : piece;
		} else if (im->skip_existing && error.code == RUNSTORE_E_ID_CONFLICT &&
			   index_of(error.param, &index) && index < n) {
			drop(im, from + index);
			piece = index ? index : 1;
		} else {
			return refused(im, from, &error);
		}
	}
	im->n = 0;
	buf_reset(&im->objects, im->objects.cap);
	progress_update(&im->progress, im->source.size ? im->source.n_bytes : 0,
		(uint64_t)(im->imported + im->unchanged + im->skipped));
	return 0;
}

static int add(struct importer *im, struct slice object)
{
	int r = 0;

	if (im->n == BATCH_OBJECTS || (im->n && im->objects.len + object.len > BATCH_BYTES)) {
		r = send_all(im);
	}
	if (r) {
		return r;
	}
	buf_put(&im->objects, object);
	if (buf_error(&im->objects)) {
		return cli_error("Out of memory.");
	}
	im->places[im->n] = source_place(&im->source);
	im->ends[im->n++] = im->objects.len;
	return 0;
}

/* A line that cannot be read stops the file; what stands before it is imported. */
static int import_file(struct importer *im)
{
	struct slice object;
	int r, last;

	progress_begin(&im->progress, "importing", im->source.size);
	while (!(r = source_next(&im->source, &object)) && object.ptr) {
		r = add(im, object);
		if (r) {
			progress_end(&im->progress);
			return r;
		}
	}
	last = send_all(im);
	progress_end(&im->progress);
	return r ? r : last;
}

static int tell(const struct importer *im)
{
	_cleanup_(buf_finish) struct buf b = {0};

	if (!im->cli->json) {
		printf("%" PRId64 " imported, %" PRId64 " unchanged", im->imported, im->unchanged);
		if (im->skip_existing) {
			printf(", %" PRId64 " skipped", im->skipped);
		}
		printf("\n");
		return 0;
	}
	mp_put_map(&b, 3);
	mp_put_cstr(&b, "imported");
	mp_put_int(&b, im->imported);
	mp_put_cstr(&b, "unchanged");
	mp_put_int(&b, im->unchanged);
	mp_put_cstr(&b, "skipped");
	mp_put_int(&b, im->skipped);
	return output_json(stdout, buf_slice(&b));
}

static int parse(struct importer *im, const struct command *command, struct args *args)
{
	enum arg_kind kind;
	int r;

	while ((kind = args_next(args)) != ARG_END) {
		if (kind == ARG_WORD && im->file) {
			return command_extra_word(command, args->text);
		}
		if (kind == ARG_WORD) {
			im->file = args->text;
		} else if (command_flag(command->flags, args->name)) {
			im->skip_existing = true;
		} else {
			r = command_global(im->cli, args);
			if (r) {
				return r < 0 ? command_unknown_flag(command, args) : r;
			}
		}
	}
	return im->file ? 0 : cli_usage("A file is missing, or - for standard input.");
}

static void importer_free(struct importer **im)
{
	if (*im) {
		source_close(&(*im)->source);
		buf_finish(&(*im)->objects);
		free(*im);
	}
}

int import_run(struct cli *cli, const struct command *command, struct args *args)
{
	_cleanup_(importer_free) struct importer *im = calloc(1, sizeof(*im));
	int r;

	if (!im) {
		return cli_error("Out of memory.");
	}
	im->cli = cli;
	r = parse(im, command, args);
	if (!r) {
		r = source_open(&im->source, im->file);
	}
	if (!r) {
		r = cli_connect(cli);
	}
	if (!r) {
		r = import_file(im);
	}
	return r ? r : tell(im);
}
