#include "tests/bench/server.h"
#include "proto/mp.h"
#include "tests/bench/client.h"
#include "tests/bench/process.h"
#include "tests/bench/requests.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 120000

static const char *program;

void server_set_program(const char *path)
{
	program = path;
}

static void exec_program(const struct server *server, int out, pid_t parent)
{
	int err = open(server->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent && dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0) {
		execl(program, program, "--data", server->dir, "--run-ttl", "0", (char *)NULL);
		fprintf(stderr, "%s: %s\n", program, strerror(errno));
	}
	_exit(127);
}

static void show_log(const struct server *server)
{
	FILE *file = fopen(server->log, "re");
	char line[400];

	while (file && fgets(line, sizeof(line), file)) {
		fputs(line, stderr);
	}
	if (file) {
		fclose(file);
	}
}

static void await_ready(const struct server *server, int in)
{
	struct pollfd readable = {.fd = in, .events = POLLIN};
	char byte = 0;

	while (byte != '\n') {
		if (poll(&readable, 1, READY_MS) <= 0 || read(in, &byte, 1) != 1) {
			check_interrupted();
			show_log(server);
			die("%s did not get ready", program);
		}
	}
}

void server_start(struct server *server, const char *name)
{
	pid_t parent = getpid();
	uint64_t start;
	int ends[2];

	*server = (struct server){0};
	snprintf(server->dir, sizeof(server->dir), "%s/%s", place_path(), name);
	snprintf(server->url, sizeof(server->url), "ipc://%s/rpc.sock", server->dir);
	snprintf(server->log, sizeof(server->log), "%s/%s.log", place_path(), name);
	if (pipe2(ends, O_CLOEXEC)) {
		die("cannot make a pipe: %s", strerror(errno));
	}
	fflush(NULL);
	start = now_ns();
	server->pid = fork();
	if (server->pid < 0) {
		die("cannot fork: %s", strerror(errno));
	}
	if (!server->pid) {
		exec_program(server, ends[1], parent);
	}
	child_note(server->pid);
	close(ends[1]);
	await_ready(server, ends[0]);
	server->ready_ms = (double)(now_ns() - start) / 1e6;
	close(ends[0]);
}

void server_stop(struct server *server)
{
	int status = 0;

	kill(server->pid, SIGTERM);
	while (waitpid(server->pid, &status, 0) < 0) {
		check_interrupted();
	}
	child_forget(server->pid);
	server->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		show_log(server);
		die("%s did not end well (status %d)", program, status);
	}
}

/* An integer of the reply to a request without parameters. */
static int64_t ask_number(const struct server *server, const char *method, const char *name)
{
	struct frames frames = request_bare(method);
	uint8_t bytes[16384];
	int64_t v = 0;
	size_t len;

	len = client_ask(server->url, slice_of(frames.list[0].bytes, frames.list[0].len), bytes,
		sizeof(bytes));
	frames_free(&frames);
	if (len > sizeof(bytes) || !mp_get_int(mp_lookup(slice_of(bytes, len), name), &v)) {
		die("%s has no number '%s'", method, name);
	}
	return v;
}

int64_t server_count(const struct server *server, const char *name)
{
	return ask_number(server, "server.stats", name);
}

pid_t server_serving_pid(const struct server *server)
{
	return (pid_t)ask_number(server, "server.info", "pid");
}

double server_cpu_seconds(pid_t serving)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(serving, &clock) || clock_gettime(clock, &t)) {
		die("the process %d has no clock", (int)serving);
	}
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double server_anonymous_bytes(pid_t serving)
{
	unsigned long long kib = 0;
	char path[64], line[512];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)serving);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		found = sscanf(line, "Anonymous: %llu kB", &kib) == 1;
	}
	if (!found) {
		die("%s: no word of anonymous memory", path);
	}
	fclose(file);
	return (double)kib * 1024;
}

struct server_memory server_memory(const struct server *server)
{
	struct server_memory m = {0};
	char path[64], line[512];
	bool of_store = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)server_serving_pid(server));
	file = fopen(path, "re");
	if (!file) {
		die("%s: %s", path, strerror(errno));
	}
	while (fgets(line, sizeof(line), file)) {
		unsigned long long from, to, kib;

		if (sscanf(line, "%llx-%llx ", &from, &to) == 2) {
			of_store = strstr(line, "/data.mdb") != NULL;
		} else if (of_store && sscanf(line, "Rss: %llu kB", &kib) == 1) {
			m.mapped_mib += (double)kib / 1024;
		} else if (!of_store &&
			   (sscanf(line, "Private_Clean: %llu kB", &kib) == 1 ||
				   sscanf(line, "Private_Dirty: %llu kB", &kib) == 1)) {
			m.private_mib += (double)kib / 1024;
		}
	}
	fclose(file);
	return m;
}

static void file_path(const struct server *server, char *path, size_t size)
{
	snprintf(path, size, "%s/data.mdb", server->dir);
}

double server_file_mib(const struct server *server)
{
	char path[PLACE_MAX + 32];
	struct stat st;

	file_path(server, path, sizeof(path));
	return stat(path, &st) ? 0 : (double)st.st_blocks * 512 / (1 << 20);
}

void server_forget_pages(const struct server *server)
{
	char path[PLACE_MAX + 32];
	int fd;

	file_path(server, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)) {
		die("%s: cannot put it out of the page cache", path);
	}
	close(fd);
}
