/* Lines on standard error: a priority as systemd reads it, then key=value pairs. */
#pragma once

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* Lines less urgent than @level are dropped. Before any thread starts. */
void log_set_level(int level);

/* Would such a line be written? */
int log_wants(enum log_level level);

/* The level of that name, or -1. */
int log_level_from_name(const char *name);

/* Write one line; the format gives the pairs. Any thread. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
