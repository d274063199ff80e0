#include "tools/cli/output.h"
#include "tools/cli/view.h"

#include <stdlib.h>

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
