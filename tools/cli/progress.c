#include "tools/cli/progress.h"
#include "tools/cli/cli.h"
#include "tools/cli/term.h"

#include <inttypes.h>
#include <unistd.h>

#define BAR 24
#define EVERY_MS 100

void progress_begin(struct progress *p, const char *label, uint64_t total)
{
	*p = (struct progress){
		.label = label,
		.total = total,
		.start_ms = cli_clock_ms(),
		.on = isatty(STDERR_FILENO),
	};
	p->shown_ms = p->start_ms; /* the first moments would make a wild guess */
}

static void write_bar(const struct progress *p)
{
	uint64_t done = p->done < p->total ? p->done : p->total;
	int full = (int)(done * BAR / p->total);

	fputs(" [", stderr);
	for (int i = 0; i < BAR; i++) {
		fputs(i < full ? "█" : "░", stderr);
	}
	fprintf(stderr, "] %3d%%", (int)(done * 100 / p->total));
}

static void write_left(const struct progress *p, int64_t ms)
{
	uint64_t s;

	if (!p->total || !p->done || p->done >= p->total) {
		return;
	}
	s = (uint64_t)ms * (p->total - p->done) / p->done / 1000;
	if (s >= 3600) {
		fprintf(stderr, ", %" PRIu64 " h %" PRIu64 " min left", s / 3600, s / 60 % 60);
	} else if (s >= 60) {
		fprintf(stderr, ", %" PRIu64 " min %" PRIu64 " s left", s / 60, s % 60);
	} else {
		fprintf(stderr, ", %" PRIu64 " s left", s);
	}
}

static void progress_show(struct progress *p, int64_t now)
{
	int64_t ms = now - p->start_ms;
	char count[32], rate[32];

	term_count(p->objects, count);
	term_count(ms > 0 ? p->objects * 1000 / (uint64_t)ms : 0, rate);
	fprintf(stderr, "\r\033[K%s", p->label);
	if (p->total) {
		write_bar(p);
	}
	fprintf(stderr, " %s objects, %s/s", count, rate);
	write_left(p, ms);
	fflush(stderr);
	p->shown_ms = now;
}

void progress_update(struct progress *p, uint64_t done, uint64_t objects)
{
	int64_t now;

	p->done = done;
	p->objects = objects;
	if (!p->on) {
		return;
	}
	now = cli_clock_ms();
	if (now - p->shown_ms >= EVERY_MS) {
		progress_show(p, now);
	}
}

void progress_end(struct progress *p)
{
	if (p->on && p->shown_ms != p->start_ms) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	p->on = false;
}
