#include "tools/gateway/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int least_urgent = LOG_LEVEL_WARNING;

void log_set_level(int level)
{
	least_urgent = level;
}

int log_wants(enum log_level level)
{
	return (int)level <= least_urgent;
}

int log_level_from_name(const char *name)
{
	static const char *const names[LOG_LEVEL_DEBUG + 1] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};

	for (int level = LOG_LEVEL_DEBUG; level > 0; level--) {
		if (names[level] && !strcmp(names[level], name)) {
			return level;
		}
	}
	return -1;
}

void log_write(enum log_level level, const char *format, ...)
{
	char pairs[1024];
	va_list ap;

	if (log_wants(level)) {
		va_start(ap, format);
		vsnprintf(pairs, sizeof(pairs), format, ap);
		va_end(ap);
		fprintf(stderr, "<%d>%s\n", (int)level, pairs);
	}
}
