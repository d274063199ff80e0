/* The daemon that is measured: started here, in a directory of its own, and ended here. */
#pragma once

#include "tests/bench/place.h"

#include <stdint.h>
#include <sys/types.h>

struct server {
	char dir[PLACE_MAX + 16];
	char url[PLACE_MAX + 48];
	char log[PLACE_MAX + 32];
	pid_t pid;
	double ready_ms; /* from exec to its ready line */
};

/* The program to start. */
void server_set_program(const char *path);

/* Start one in the directory @name of the place; a store that is there is opened again. */
void server_start(struct server *server, const char *name);
void server_stop(struct server *server);

/* The process that serves: a child of the one that was started. */
pid_t server_serving_pid(const struct server *server);

/* Of that one: the time that it ran so far on any core; its anonymous memory in bytes. */
double server_cpu_seconds(pid_t serving);
double server_anonymous_bytes(pid_t serving);

/* A number of server.stats. */
int64_t server_count(const struct server *server, const char *name);

/* Its memory in MiB, as the kernel counts it. */
struct server_memory {
	double private_mib; /* private pages, those of the store's file apart */
	double mapped_mib;  /* pages of the store's file: page cache, given back when others need it
			     */
};

struct server_memory server_memory(const struct server *server);

/* Bytes of the store's file; and put it out of the page cache, as far as the kernel does so. */
double server_file_mib(const struct server *server);
void server_forget_pages(const struct server *server);
