/* Import and export by the command line. */
#include "cmocka_all.h"

#include "tests/client/pair.h"
#include "tests/client/spawn.h"
#include "tests/client/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *load(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 1 << 24);

	assert_non_null(file);
	assert_true(fread(text, 1, (1 << 24) - 1, file) > 0);
	fclose(file);
	return text;
}

static void save(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void fill(struct store *s)
{
	for (int t = 0; t < 3; t++) {
		char thread[16];

		snprintf(thread, sizeof(thread), "t_%d", t);
		for (int i = 0; i < 3; i++) {
			struct runstore_run *run = store_working_run(s, thread);

			for (int k = 0; k < 5 * i; k++) {
				runstore_step_free(store_step(s, run->id, "msg_x"));
			}
			runstore_run_free(run);
		}
	}
}

/* What a file search found is hidden from who does not ask for it. */
static void fill_search(struct store *s)
{
	struct runstore_run *run = store_working_run(s, "t_search");

	OK(s, runstore_step_create(s->rs, run->id,
		      &(struct runstore_step_create){
			      .type = RUNSTORE_STEP_TOOL_CALLS,
			      .step_details =
				      "{\"type\":\"tool_calls\",\"tool_calls\":[{\"id\":\"c\","
				      "\"type\":\"file_search\",\"file_search\":{\"results\":[{"
				      "\"file_id\":\"f\",\"file_name\":\"n\",\"score\":0.5,"
				      "\"content\":[{\"type\":\"text\",\"text\":\"the needle\"}]}"
				      "]}}]}",
		      },
		      NULL, &s->error));
	runstore_run_free(run);
}

static void an_export_goes_into_an_empty_store_and_is_then_unchanged(void **state)
{
	struct pair *p = *state;
	char *first, *second;

	fill(p->from);
	fill_search(p->from);
	pair_use(p->from);
	assert_string_equal(cli_out(0, WORDS("export", "-o", p->path)), "{\"exported\":60}\n");
	first = load(p->path);
	expect_part(first, "the needle");
	pair_use(p->to);
	assert_string_equal(cli_out(0, WORDS("import", p->path)),
		"{\"imported\":60,\"unchanged\":0,\"skipped\":0}\n");
	assert_string_equal(cli_out(0, WORDS("import", p->path)),
		"{\"imported\":0,\"unchanged\":60,\"skipped\":0}\n");
	cli_out(0, WORDS("export", "--output", p->path));
	second = load(p->path);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void one_thread_can_be_exported_through_a_pipe(void **state)
{
	struct pair *p = *state;
	const char *text;
	int lines = 0;

	pair_use(p->from);
	text = cli_out(0, WORDS("export", "--thread", "t_1"));
	assert_null(strstr(text, "\"t_0\""));
	for (; *text; text++) {
		lines += *text == '\n';
	}
	assert_int_equal(lines, 1 + 3 + 0 + 5 + 10);
}

#define RUN(id, status, more)                                                                      \
	"{\"id\":\"" id "\",\"object\":\"thread.run\",\"created_at\":1700000000,"                  \
	"\"thread_id\":\"t_import\",\"assistant_id\":\"a\",\"status\":\"" status "\"" more "}"

static void lists_arrays_and_lines_are_taken(void **state)
{
	struct pair *p = *state;

	pair_use(p->to);
	assert_string_equal(cli_input(0,
				    "[" RUN("run_a1", "completed", "") ",\n" RUN(
					    "run_a2", "completed", "") "]\n",
				    WORDS("import", "-")),
		"{\"imported\":2,\"unchanged\":0,\"skipped\":0}\n");
	assert_string_equal(cli_input(0,
				    "{\n\"object\":\"list\",\n\"data\":[\n" RUN(
					    "run_l1", "completed", "") "],\n\"has_more\":false}\n",
				    WORDS("import", "-")),
		"{\"imported\":1,\"unchanged\":0,\"skipped\":0}\n");
	assert_string_equal(
		cli_input(0,
			"\n" RUN("run_n1", "completed", "") "\r\n\n" RUN("run_n2", "completed", ""),
			WORDS("import", "-")),
		"{\"imported\":2,\"unchanged\":0,\"skipped\":0}\n");
	assert_string_equal(cli_input(0, "", WORDS("import", "-")),
		"{\"imported\":0,\"unchanged\":0,\"skipped\":0}\n");
}

static void a_bad_line_is_named(void **state)
{
	struct pair *p = *state;
	const char *text;

	pair_use(p->to);
	text = cli_input(1,
		RUN("run_b1", "completed", "") "\n\n" RUN("run_b2", "completed", "") ",\n",
		WORDS("import", "-"));
	expect_part(text, "standard input:3:");
	text = cli_input(1, RUN("run_b3", "completed", "") "\n" RUN("run_b4", "finished", "") "\n",
		WORDS("import", "-"));
	expect_part(text, "standard input:2: status: ");
	text = cli_input(1, RUN("run_b5", "completed", "") "\n17\n", WORDS("import", "-"));
	expect_part(text, "standard input:2:");
	text = cli_input(1, "[" RUN("run_b6", "completed", "") ",\n\"x\"]", WORDS("import", "-"));
	expect_part(text, "object 2");
	cli_input(1, "{\"id\":", WORDS("import", "-"));
	cli_input(1, "{\n\"id\":\n", WORDS("import", "-"));
}

static void an_id_that_is_taken_stops_the_import_or_is_skipped(void **state)
{
	struct pair *p = *state;
	const char *text;

	pair_use(p->to);
	cli_input(0, RUN("run_c1", "completed", "") "\n" RUN("run_c3", "completed", "") "\n",
		WORDS("import", "-"));
	save(p->path, RUN("run_c0", "completed", "") "\n" RUN("run_c1", "failed", "") "\n" RUN(
			      "run_c2", "completed", "") "\n" RUN("run_c3", "failed",
			      "") "\n" RUN("run_c4", "completed", "") "\n");
	text = cli_err(1, WORDS("import", p->path));
	expect_part(text, "x:2: id: ");
	expect_part(text, "id_conflict");
	assert_string_equal(cli_out(0, WORDS("import", p->path, "--skip-existing")),
		"{\"imported\":3,\"unchanged\":0,\"skipped\":2}\n");
	assert_string_equal(cli_out(0, WORDS("import", "--skip-existing", p->path)),
		"{\"imported\":0,\"unchanged\":3,\"skipped\":2}\n");
	expect_part(cli_out(0, WORDS("runs", "get", "run_c1")), "\"completed\"");
}

/* More than two batches, every third object in conflict. */
static void conflicts_in_many_batches_are_skipped(void **state)
{
	struct pair *p = *state;
	FILE *file;

	pair_use(p->to);
	file = fopen(p->path, "we");
	for (int i = 0; i < 2500; i += 3) {
		fprintf(file,
			"{\"id\":\"run_m%d\",\"object\":\"thread.run\",\"created_at\":1,"
			"\"thread_id\":\"t_m\",\"assistant_id\":\"a\",\"status\":\"failed\"}\n",
			i);
	}
	fclose(file);
	assert_string_equal(cli_out(0, WORDS("import", p->path)),
		"{\"imported\":834,\"unchanged\":0,\"skipped\":0}\n");
	file = fopen(p->path, "we");
	for (int i = 0; i < 2500; i++) {
		fprintf(file,
			"{\"id\":\"run_m%d\",\"object\":\"thread.run\",\"created_at\":1,"
			"\"thread_id\":\"t_m\",\"assistant_id\":\"a\",\"status\":\"completed\"}\n",
			i);
	}
	fclose(file);
	assert_string_equal(cli_out(0, WORDS("import", p->path, "--skip-existing")),
		"{\"imported\":1666,\"unchanged\":0,\"skipped\":834}\n");
}

static void a_failed_export_leaves_no_file(void **state)
{
	struct pair *p = *state;
	char part[80];

	unlink(p->path);
	cli_err(3, WORDS("export", "-o", p->path, "--url=ipc:///tmp/nobody-is-here.sock",
			   "--timeout=0.2"));
	assert_int_not_equal(access(p->path, F_OK), 0);
	snprintf(part, sizeof(part), "%s.part", p->path);
	assert_int_not_equal(access(part, F_OK), 0);
	cli_err(2, WORDS("export", "-o", "/no/such/directory/x"));
}

static void a_terminal_sees_progress_and_words(void **state)
{
	struct pair *p = *state;

	pair_use(p->from);
	expect_part(cli_terminal(0, WORDS("export", "-o", p->path)), "60 objects exported to ");
	pair_use(p->to);
	expect_part(cli_terminal(0, WORDS("import", p->path)), "0 imported, 60 unchanged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_export_goes_into_an_empty_store_and_is_then_unchanged),
		cmocka_unit_test(one_thread_can_be_exported_through_a_pipe),
		cmocka_unit_test(lists_arrays_and_lines_are_taken),
		cmocka_unit_test(a_bad_line_is_named),
		cmocka_unit_test(an_id_that_is_taken_stops_the_import_or_is_skipped),
		cmocka_unit_test(conflicts_in_many_batches_are_skipped),
		cmocka_unit_test(a_failed_export_leaves_no_file),
		cmocka_unit_test(a_terminal_sees_progress_and_words),
	};

	return cmocka_run_group_tests(tests, pair_start, pair_stop);
}
