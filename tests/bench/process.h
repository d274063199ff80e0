/*
 * Processes of the benchmark. nanomsg and LMDB do not survive fork(), so this process uses
 * neither: whatever talks to a socket or opens a store runs in a child of its own and leaves its
 * results in shared memory.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Say why on standard error, end what was started, remove what was made, exit with status 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* In a child: the same words, but only the child ends. */
_Noreturn void child_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line on standard error. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

uint64_t now_ns(void);
void sleep_ms(unsigned int ms);

/* Zeroed memory that children share with this process; given back with shared_free(). */
void *shared_alloc(size_t size);
void shared_free(void *memory, size_t size);

/* Run @body in a child and wait for it; fails when the child does. */
void child_run(void (*body)(void *context), void *context);

/* Start @body in a child and wait until it calls child_ready() with the @fd that it is given. */
pid_t child_start(void (*body)(void *context, int ready), void *context);
void child_ready(int ready);

/* End a child with SIGKILL. */
void child_kill(pid_t pid);

/* Children that cleaning up must end with SIGTERM if they are still there. */
void child_note(pid_t pid);
void child_forget(pid_t pid);

/* Is this process asked to end? Then it fails, with words. */
void check_interrupted(void);
void catch_signals(void);

/* Called after all children are gone. */
void on_cleanup(void (*action)(void));
