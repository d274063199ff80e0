#include "cmocka_all.h"

#include "ledger.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const ledger_statuses[N_LEDGER_STATUSES] = {
	"queued", "in_progress", "completed", "failed", "cancelled"};

static void share_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t shared;

	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(lock, &shared);
	pthread_mutexattr_destroy(&shared);
}

struct ledger *ledger_open(const char *path, bool make)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT | O_EXCL : 0), 0600);
	struct ledger *ledger;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*ledger)), 0);
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(ledger != MAP_FAILED);
	close(fd);
	if (make) {
		share_lock(&ledger->lock);
	}
	return ledger;
}

void ledger_close(struct ledger *ledger)
{
	munmap(ledger, sizeof(*ledger));
}

struct ledger_run *ledger_find(struct ledger_runs *runs, uint32_t serial)
{
	for (size_t i = 0; i < LEDGER_RUNS; i++) {
		if (runs->runs[i].serial == serial) {
			return &runs->runs[i];
		}
	}
	return NULL;
}

struct ledger_step *ledger_find_step(struct ledger_run *run, uint32_t serial)
{
	for (size_t i = 0; i < run->n_steps; i++) {
		if (run->steps[i].serial == serial) {
			return &run->steps[i];
		}
	}
	return NULL;
}

bool ledger_ended(enum status status)
{
	return status >= COMPLETED;
}

static void move_run(struct ledger_run *run, enum status status)
{
	run->status = status;
	for (size_t i = 0; i < run->n_steps && ledger_ended(status); i++) {
		if (run->steps[i].status == IN_PROGRESS) {
			run->steps[i].status = status;
		}
	}
}

static void add_step(struct ledger_run *run, const struct change *change)
{
	struct ledger_step *step = &run->steps[run->n_steps++];

	assert_true(run->n_steps <= LEDGER_STEPS);
	*step = (struct ledger_step){.serial = change->step, .status = change->status};
	strcpy(step->id, change->id);
}

void ledger_apply(struct ledger_runs *runs, const struct change *change)
{
	struct ledger_run *run = ledger_find(runs, change->kind == RUN_NEW ? 0 : change->run);

	assert_non_null(run);
	switch (change->kind) {
	case RUN_NEW:
		*run = (struct ledger_run){.serial = change->run, .status = change->status};
		strcpy(run->id, change->id);
		break;
	case RUN_MOVE:
		move_run(run, change->status);
		break;
	case RUN_DELETE:
		run->serial = 0;
		break;
	case STEP_NEW:
		add_step(run, change);
		break;
	case STEP_MOVE:
		ledger_find_step(run, change->step)->status = change->status;
		break;
	}
}

char *ledger_payload(unsigned int writer, uint32_t serial)
{
	uint32_t x = serial * 2654435761u ^ writer * 40503u;
	size_t len = x % 9 == 0 ? 3000 + x % 9000 : 20 + x % 400;
	char *text = malloc(len + 1);

	assert_non_null(text);
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		text[i] = (char)('a' + (x >> 24) % 26);
	}
	text[len] = '\0';
	return text;
}

void ledger_thread(unsigned int writer, uint32_t run, char *out, size_t size)
{
	if (run % 4 == 0) {
		snprintf(out, size, "shared");
	} else {
		snprintf(out, size, "t%u", writer);
	}
}
