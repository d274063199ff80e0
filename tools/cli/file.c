#include "tools/cli/file.h"
#include "tools/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void file_free(char **text)
{
	free(*text);
}

/* False with errno. */
static bool read_all(FILE *file, struct buf *b)
{
	char chunk[16384];
	size_t n;

	while ((n = fread(chunk, 1, sizeof(chunk), file))) {
		buf_append(b, chunk, n);
	}
	buf_append(b, "", 1);
	if (buf_error(b)) {
		errno = ENOMEM;
	}
	return !ferror(file) && !buf_error(b);
}

int file_load(const char *path, char **text)
{
	bool standard = !strcmp(path, "-");
	FILE *file = standard ? stdin : fopen(path, "re");
	struct buf b = {0};
	bool done;

	if (!file) {
		return cli_usage("%s: %s.", path, strerror(errno));
	}
	done = read_all(file, &b);
	if (!standard) {
		fclose(file);
	}
	if (!done) {
		buf_finish(&b);
		return cli_usage("%s: %s.", path, strerror(errno));
	}
	*text = (char *)b.ptr;
	return 0;
}
