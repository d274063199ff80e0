#include "tests/bench/place.h"
#include "tests/bench/process.h"
#include "tests/bench/sections.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	const char *dir;
	const char *daemon;
	const char *only[16];
	size_t n_only;
	double seconds;
	unsigned int n_rounds;
	uint64_t n_steps;
	bool quick;
	bool json;
};

struct section {
	const char *name;
	void (*run)(const struct stage *stage);
	bool needs_server; /* with the small store */
	size_t n_rows;	   /* that it adds */
};

static const struct section sections[] = {
	{"floors", section_floors, false, 6},
	{"get", section_get, true, 4},
	{"list", section_list, true, 2},
	{"page", section_page, false, 4},
	{"append", section_append, true, 9},
	{"batch", section_batch, true, 3},
	{"library", section_library, true, 2},
	{"claims", section_claims, false, 8},
	{"waiters", section_waiters, false, 6},
	{"size", section_size, false, 12},
};

#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

static const char usage[] =
	"Usage: runstore-bench [OPTION]...\n"
	"Measure runstored next to what nanomsg and LMDB allow on this machine.\n"
	"\n"
	"  --daemon FILE   the runstored to measure (default: $RUNSTORED)\n"
	"  --dir DIR       a directory on the disk to measure with (default: $TMPDIR if that\n"
	"                  is on a disk, else /var/tmp)\n"
	"  --only NAME     this section only; may be given more than once: floors, get, list,\n"
	"                  page, append, batch, library, claims, waiters, size\n"
	"  --steps N       steps of the large store (default: 1000000)\n"
	"  --seconds S     of each measurement in each round (default: 0.5)\n"
	"  --rounds N      how often all take turns, up to 64 (default: 5)\n"
	"  --quick         everything once, for a moment each: shows that it works, not how fast\n"
	"  --json          print JSON\n";

enum {
	OPT_DAEMON = 1,
	OPT_DIR,
	OPT_ONLY,
	OPT_STEPS,
	OPT_SECONDS,
	OPT_ROUNDS,
	OPT_QUICK,
	OPT_JSON,
	OPT_HELP
};

static const struct option options[] = {
	{"daemon", required_argument, NULL, OPT_DAEMON},
	{"dir", required_argument, NULL, OPT_DIR},
	{"only", required_argument, NULL, OPT_ONLY},
	{"steps", required_argument, NULL, OPT_STEPS},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"rounds", required_argument, NULL, OPT_ROUNDS},
	{"quick", no_argument, NULL, OPT_QUICK},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static _Noreturn void refuse(const char *what, const char *value, const char *right)
{
	fprintf(stderr, "runstore-bench: %s %s: expected %s\n", what, value, right);
	exit(2);
}

static double parse_number(const char *what, const char *text, double low, double high)
{
	char *rest;
	double v = strtod(text, &rest);

	if (rest == text || *rest || !(v >= low && v <= high)) {
		fprintf(stderr, "runstore-bench: %s %s: expected a number from %g to %g\n", what,
			text, low, high);
		exit(2);
	}
	return v;
}

static void add_only(struct options *o, const char *name)
{
	for (size_t i = 0; i < N_SECTIONS; i++) {
		if (!strcmp(sections[i].name, name) && o->n_only < 16) {
			o->only[o->n_only++] = name;
			return;
		}
	}
	refuse("--only", name, "the name of a section, see --help");
}

static void apply(struct options *o, int option, const char *value)
{
	switch (option) {
	case OPT_DAEMON:
		o->daemon = value;
		break;
	case OPT_DIR:
		o->dir = value;
		break;
	case OPT_ONLY:
		add_only(o, value);
		break;
	case OPT_STEPS:
		o->n_steps = (uint64_t)parse_number("--steps", value, 1000, 1e9);
		break;
	case OPT_SECONDS:
		o->seconds = parse_number("--seconds", value, 0.01, 60);
		break;
	case OPT_ROUNDS:
		o->n_rounds = (unsigned int)parse_number("--rounds", value, 1, MAX_ROUNDS);
		break;
	case OPT_QUICK:
		o->quick = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_HELP:
		fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	default:
		fputs("Try 'runstore-bench --help'.\n", stderr);
		exit(2);
	}
}

static void parse_options(struct options *o, int argc, char **argv)
{
	int option;

	*o = (struct options){.daemon = getenv("RUNSTORED")};
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		apply(o, option, optarg);
	}
	if (optind < argc) {
		refuse("argument", argv[optind], "options only");
	}
	if (!o->daemon) {
		refuse("--daemon", "", "the path of runstored, there or in $RUNSTORED");
	}
	o->seconds = o->seconds > 0 ? o->seconds : o->quick ? 0.05 : 0.5;
	o->n_rounds = o->n_rounds ? o->n_rounds : o->quick ? 1 : 5;
	o->n_steps = o->n_steps ? o->n_steps : o->quick ? 4000 : 1000000;
}

static bool selected(const struct options *o, const struct section *section)
{
	for (size_t i = 0; i < o->n_only; i++) {
		if (!strcmp(o->only[i], section->name)) {
			return true;
		}
	}
	return !o->n_only;
}

static void open_stage(struct stage *stage)
{
	stage->content = (struct content){
		.n_runs = 64, .steps_per_run = stage->quick ? 32 : 160, .n_open = 64};
	progress("filling the small store");
	server_start(&stage->server, "store");
	content_import(&stage->content, stage->server.url);
}

static void run_section(const struct section *section, struct stage *stage)
{
	size_t before = report_count();

	if (section->needs_server && !stage->server.pid) {
		open_stage(stage);
	}
	section->run(stage);
	if (report_count() - before != section->n_rows) {
		die("section %s has %zu rows where %zu were expected", section->name,
			report_count() - before, section->n_rows);
	}
}

int main(int argc, char **argv)
{
	struct stage stage = {0};
	struct options o;

	parse_options(&o, argc, argv);
	catch_signals();
	place_make(o.dir);
	server_set_program(o.daemon);
	rounds_set(o.n_rounds, o.seconds);
	stage.quick = o.quick;
	stage.n_steps = o.n_steps;
	for (size_t i = 0; i < N_SECTIONS; i++) {
		if (selected(&o, &sections[i])) {
			run_section(&sections[i], &stage);
		}
	}
	if (stage.server.pid) {
		server_stop(&stage.server);
	}
	report_print(o.json);
	return EXIT_SUCCESS;
}
