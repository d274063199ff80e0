#include "status.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool status_ended(const char *status)
{
	return !strstr(" queued in_progress requires_action cancelling ", status);
}

bool status_allows(const char *from, const char *to)
{
	static const struct {
		const char *from;
		const char *to;
	} rows[] = {
		{"queued", " in_progress cancelled failed expired "},
		{"in_progress", " requires_action completed incomplete failed cancelling expired "},
		{"requires_action", " cancelled failed expired "},
		{"cancelling", " cancelled completed incomplete failed expired "},
	};
	char word[32];

	snprintf(word, sizeof(word), " %s ", to);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strcmp(rows[i].from, from)) {
			return strstr(rows[i].to, word);
		}
	}
	return false;
}
