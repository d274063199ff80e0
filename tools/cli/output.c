#include "tools/cli/output.h"
#include "tools/cli/view.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int output_json(FILE *file, struct slice value)
{
	struct runstore_error error;
	char *text;

	if (runstore_msgpack_to_json(value.ptr, value.len, &text, &error)) {
		return cli_refused(&error);
	}
	fputs(text, file);
	putc('\n', file);
	free(text);
	return 0;
}

int output_object(const struct cli *cli, struct slice object)
{
	if (cli->json) {
		return output_json(stdout, object);
	}
	view_write(cli, object);
	return 0;
}

/* A pipe or a terminal cannot be written beside and renamed. */
static bool is_plain(const char *path)
{
	struct stat st;

	return stat(path, &st) || S_ISREG(st.st_mode);
}

int output_open(struct output *out)
{
	const char *path = out->path;

	if (!path) {
		out->file = stdout;
		return 0;
	}
	if (is_plain(path) && asprintf(&out->part, "%s.part", path) < 0) {
		out->part = NULL;
		return cli_error("Out of memory.");
	}
	path = out->part ? out->part : path;
	out->file = fopen(path, "we");
	return out->file ? 0 : cli_usage("%s: %s.", path, strerror(errno));
}

static int write_failed(const struct output *out)
{
	return cli_error(
		"Writing %s failed: %s.", out->path ? out->path : "the result", strerror(errno));
}

int output_line(const struct output *out, struct slice value)
{
	int r = output_json(out->file, value);

	return !r && ferror(out->file) ? write_failed(out) : r;
}

int output_keep(struct output *out)
{
	int failed;

	if (!out->path) {
		return 0;
	}
	failed = fflush(out->file) || (out->part && fsync(fileno(out->file)));
	failed = fclose(out->file) || failed;
	out->file = NULL;
	if (failed || (out->part && rename(out->part, out->path))) {
		return write_failed(out);
	}
	free(out->part);
	out->part = NULL;
	return 0;
}

void output_finish(struct output *out)
{
	if (out->file && out->file != stdout) {
		fclose(out->file);
	}
	if (out->part) {
		unlink(out->part);
		free(out->part);
	}
}
