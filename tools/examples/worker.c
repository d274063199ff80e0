/*
 * An executor of runs, an example to be read: it claims queued runs, and a command, for sh -c, does
 * the work. That gets the run as JSON on standard input and RUNSTORE_RUN_ID, _LEASE and _URL in its
 * environment, and writes a JSON object a line: {"type", "step_details", "usage"}, a step it did;
 * {"required_action"}, tool outputs that it asks for: the run is queued, claimed and given to it
 * again; {"usage"}, the run's. Exit status 0 completes the run. A cancel or lost lease is SIGTERM.
 */
#include <getopt.h>
#include <poll.h>
#include <runstore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct turn { /* a run in the hands of the command */
	struct runstore *rs;
	struct runstore_lease *lease;
	const char *run_id;
	pid_t pid;
	int out;     /* what the command writes */
	char *usage; /* JSON */
	bool waits;  /* for tool outputs: the lease has ended */
	bool failed; /* something of the command was refused */
};

/* Its input is a file, so that neither side waits for the other. */
static bool start(struct turn *t, const char *command)
{
	char *json = runstore_value_json(runstore_lease_run(t->lease)->object);
	int in = memfd_create("run", 0), ends[2];

	if (!json || dprintf(in, "%s\n", json) < 0 || pipe(ends)) {
		return false;
	}
	free(json);
	lseek(in, 0, SEEK_SET);
	setenv("RUNSTORE_RUN_ID", t->run_id, 1);
	setenv("RUNSTORE_LEASE", runstore_lease_token(t->lease), 1);
	setenv("RUNSTORE_URL", runstore_url(t->rs), 1);
	t->pid = fork();
	if (!t->pid) {
		setpgid(0, 0); /* all that it starts ends with it */
		dup2(in, 0);
		dup2(ends[1], 1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(in);
	close(ends[1]);
	t->out = ends[0];
	return t->pid > 0;
}

static void update(struct turn *t, struct runstore_run_update u)
{
	struct runstore_error error = {0};

	u.lease = runstore_lease_token(t->lease);
	runstore_run_update(t->rs, t->run_id, &u, NULL, &error);
	fprintf(stderr, "worker: %s is %s%s%s\n", t->run_id, error.code ? "not " : "",
		runstore_run_status_name(u.status), error.message);
}

static int append_step(struct turn *t, const char *type, const char *details, const char *usage,
	struct runstore_error *error)
{
	const struct runstore_step_create create = {.type = strcmp(type, "tool_calls")
								    ? RUNSTORE_STEP_MESSAGE_CREATION
								    : RUNSTORE_STEP_TOOL_CALLS,
		.step_details = details,
		.lease = runstore_lease_token(t->lease)};
	const struct runstore_step_update end = {.status = RUNSTORE_STEP_COMPLETED,
		.usage = usage,
		.lease = runstore_lease_token(t->lease)};
	struct runstore_step *step;
	int r;

	r = runstore_step_create(t->rs, t->run_id, &create, &step, error);
	if (!r) {
		r = runstore_step_update(t->rs, t->run_id, step->id, &end, NULL, error);
		runstore_step_free(step);
	}
	return r;
}

static void take_line(struct turn *t, const char *line)
{
	struct runstore_value v = {0};
	struct runstore_error error;
	char *type, *details, *usage, *action;

	t->failed = runstore_json_to_msgpack(line, (void **)&v.data, &v.size, &error);
	type = runstore_value_string(runstore_value_member(v, "type"));
	details = runstore_value_json(runstore_value_member(v, "step_details"));
	usage = runstore_value_json(runstore_value_member(v, "usage"));
	action = runstore_value_json(runstore_value_member(v, "required_action"));
	if (action) {
		t->waits = true;
		update(t, (struct runstore_run_update){.status = RUNSTORE_RUN_REQUIRES_ACTION,
				  .required_action = action});
	} else if (type) {
		t->failed = append_step(t, type, details, usage, &error);
	} else if (usage) {
		free(t->usage);
		t->usage = strdup(usage);
	}
	if (t->failed) {
		fprintf(stderr, "worker: %s: refused: %s\n", t->run_id, error.message);
	}
	free(type), free(details), free(usage), free(action), free((void *)v.data);
}

/* Take the command's lines until it has closed its output. */
static void follow(struct turn *t)
{
	struct pollfd out = {.fd = t->out, .events = POLLIN};
	size_t len = 0, room = 8u << 20; /* more than a step can be */
	char *text = malloc(room), *end;

	for (ssize_t n = 1; text && n > 0;) {
		if (t->failed || runstore_lease_lost(t->lease) ||
			runstore_lease_status(t->lease) == RUNSTORE_RUN_CANCELLING) {
			kill(-t->pid, SIGTERM);
		}
		if (!poll(&out, 1, 100)) {
			continue;
		}
		n = read(t->out, text + len, room - len - 1);
		len += n > 0 ? (size_t)n : 0;
		text[len] = '\0';
		while (!t->waits && !t->failed && (end = strchr(text, '\n'))) {
			*end = '\0';
			take_line(t, text);
			len -= (size_t)(end + 1 - text);
			memmove(text, end + 1, len + 1);
		}
	}
	free(text);
	close(t->out);
}

static void execute(struct runstore *rs, struct runstore_lease *lease, const char *command)
{
	struct runstore_run_update end = {.status = RUNSTORE_RUN_COMPLETED};
	struct turn t = {.rs = rs, .lease = lease, .run_id = runstore_lease_run(lease)->id};
	int status = -1;

	if (start(&t, command)) {
		follow(&t);
		waitpid(t.pid, &status, 0);
	}
	end.usage = t.usage;
	if (runstore_lease_status(lease) == RUNSTORE_RUN_CANCELLING) {
		end.status = RUNSTORE_RUN_CANCELLED;
	} else if (status || t.failed) {
		end.status = RUNSTORE_RUN_FAILED;
		end.last_error = "{\"code\":\"server_error\",\"message\":\"The command failed.\"}";
	}
	if (!t.waits) {
		update(&t, end);
	}
	free(t.usage);
	runstore_lease_free(lease);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"exec", 1, NULL, 'e'}, {"name", 1, NULL, 'n'},
		{"assistant", 1, NULL, 'a'}, {NULL, 0, NULL, 0}};
	const char *command = NULL, *assistant = NULL;
	struct runstore_claim claim = {
		.assistant_ids = &assistant, .worker = "worker", .wait_ms = -1, .heartbeat = true};
	struct runstore_lease *lease;
	struct runstore_error error;
	struct runstore *rs;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		command = c == 'e' ? optarg : command;
		claim.worker = c == 'n' ? optarg : claim.worker;
		assistant = c == 'a' ? optarg : assistant;
	}
	claim.n_assistant_ids = assistant ? 1 : 0;
	if (!command || runstore_open(&rs, NULL, NULL, &error)) {
		fputs("Usage: worker --exec COMMAND [--name NAME] [--assistant ID]\n", stderr);
		return 2;
	}
	while (true) {
		if (!runstore_claim(rs, &claim, &lease, &error)) {
			execute(rs, lease, command);
			continue;
		}
		fprintf(stderr, "worker: %s\n", error.message);
		sleep(1); /* and ask again: the daemon may be back */
	}
}
