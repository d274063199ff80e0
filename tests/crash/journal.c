#include "cmocka_all.h"

#include "journal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct journal *journal_open(const char *path, bool make)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT | O_EXCL : 0), 0600);
	struct journal *journal;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*journal)), 0);
	journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(journal != MAP_FAILED);
	close(fd);
	return journal;
}

void journal_close(struct journal *journal)
{
	munmap(journal, sizeof(*journal));
}

struct entry *journal_add(struct journal *journal, const struct entry *entry)
{
	struct entry *place;

	assert_true(journal->n < JOURNAL_ENTRIES);
	place = &journal->entries[journal->n];
	*place = *entry;
	journal->n++;
	return place;
}

void journal_run_id(uint32_t run, char *out, size_t size)
{
	snprintf(out, size, "r%" PRIu32, run);
}

static uint32_t number_behind(char letter, const char *name)
{
	uint32_t number = 0;
	char rest;

	if (name[0] != letter || sscanf(name + 1, "%" SCNu32 "%c", &number, &rest) != 1) {
		fail_msg("'%s' is none of the test's names", name);
	}
	return number;
}

uint32_t journal_run(const char *id)
{
	return number_behind('r', id);
}

uint32_t journal_worker(const char *name)
{
	return number_behind('w', name);
}

int64_t journal_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
