/*
 * Runs a fuzz target once for each file of a corpus, and for each start of it; every input is
 * followed by a page that cannot be read. Speaks TAP.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INPUT_MAX 65536
#define CUT_MAX 512

/* Where @size bytes end just before the page that cannot be read. */
static uint8_t *input_at(size_t size)
{
	static uint8_t *end;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!end) {
		uint8_t *map = mmap(NULL, INPUT_MAX + page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		require(map != MAP_FAILED);
		end = map + INPUT_MAX;
		require(!mprotect(end, page, PROT_NONE));
	}
	return end - size;
}

static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *input = input_at(size);

	memcpy(input, bytes, size);
	LLVMFuzzerTestOneInput(input, size);
}

static size_t load(const char *path, uint8_t bytes[static INPUT_MAX])
{
	FILE *f = fopen(path, "rb");
	size_t size;

	require(f != NULL);
	size = fread(bytes, 1, INPUT_MAX, f);
	require(!ferror(f) && feof(f));
	fclose(f);
	return size;
}

int main(int argc, char **argv)
{
	static uint8_t bytes[INPUT_MAX];
	struct dirent **entries;
	char path[PATH_MAX];
	int n, done = 0;

	require(argc == 2);
	n = scandir(argv[1], &entries, NULL, alphasort);
	require(n > 2);
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			size_t size;

			require(snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name) <
				(int)sizeof(path));
			size = load(path, bytes);
			run(bytes, size);
			for (size_t cut = 0; cut < size && cut < CUT_MAX; cut++) {
				run(bytes, cut);
			}
			printf("ok %d - %s\n", ++done, entries[i]->d_name);
			fflush(stdout);
		}
		free(entries[i]);
	}
	free(entries);
	printf("1..%d\n", done);
	return done ? 0 : 1;
}
