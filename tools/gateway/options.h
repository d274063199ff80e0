/* What the command line says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define NAMES_MAX 16

struct names {
	const char *name[NAMES_MAX];
	size_t n;
};

struct options {
	const char *listen; /* as it was given */
	struct sockaddr_storage address;
	socklen_t address_len;
	char host[256];	    /* of listen, without brackets */
	bool loopback;	    /* only this machine gets there */
	const char *url;    /* of the daemon; NULL: the library's default */
	char *token;	    /* that is asked for, or NULL */
	struct names hosts; /* that Host may name besides */
	struct names cors;  /* origins */
	bool strict_assistants;
	unsigned int max_connections;
	unsigned int threads;
	int log_level; /* as in log.h */
};

/*
 * Read the arguments. Returns 0 to go on, 1 to end with success (help or version was shown on
 * standard output), or -1 to end with a failure that was told on standard error.
 */
int options_parse(struct options *options, int argc, char **argv);
void options_finish(struct options *options);
