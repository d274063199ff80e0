#include "tools/gateway/route.h"
#include "tools/gateway/create.h"
#include "tools/gateway/rest.h"

#include <stdio.h>
#include <string.h>

static const char *const no_fields[] = {NULL};
static const char *const metadata_fields[] = {"metadata", NULL};
const char *const route_thread_fields[] = {"tool_resources", "metadata", NULL};
const char *const route_message_fields[] = {"role", "content", "attachments", "metadata", NULL};
static const char *const submit_fields[] = {"tool_outputs", NULL};
static const char *const assistant_fields[] = {"model", "name", "description", "instructions",
	"reasoning_effort", "tools", "tool_resources", "metadata", "temperature", "top_p",
	"response_format", NULL};

/* The last two are the daemon's own. */
static const char *const run_fields[] = {"assistant_id", "model", "reasoning_effort",
	"instructions", "additional_instructions", "tools", "metadata", "temperature", "top_p",
	"max_prompt_tokens", "max_completion_tokens", "truncation_strategy", "tool_choice",
	"parallel_tool_calls", "response_format", "expires_in", "on_active", NULL};
static const char *const thread_run_fields[] = {"assistant_id", "model", "instructions", "tools",
	"tool_resources", "metadata", "temperature", "top_p", "max_prompt_tokens",
	"max_completion_tokens", "truncation_strategy", "tool_choice", "parallel_tool_calls",
	"response_format", "reasoning_effort", "expires_in", "on_active", NULL};

#define PAGE                                                                                       \
	{"limit", QUERY_INTEGER}, {"order", QUERY_TEXT}, {"after", QUERY_TEXT},                    \
	{                                                                                          \
		"before", QUERY_TEXT                                                               \
	}
#define END                                                                                        \
	{                                                                                          \
		NULL, QUERY_TEXT                                                                   \
	}

static const struct query_key no_keys[] = {END};
static const struct query_key include_keys[] = {{"include", QUERY_TEXTS}, END};
static const struct query_key page_keys[] = {PAGE, END};
static const struct query_key message_keys[] = {PAGE, {"run_id", QUERY_TEXT}, END};
static const struct query_key step_keys[] = {
	PAGE, {"include", QUERY_TEXTS}, {"type", QUERY_TEXTS}, {"status", QUERY_TEXTS}, END};
static const struct query_key run_keys[] = {PAGE, {"status", QUERY_TEXTS},
	{"assistant_id", QUERY_TEXT}, {"model", QUERY_TEXT}, {"created_after", QUERY_INTEGER},
	{"created_before", QUERY_INTEGER}, {"metadata", QUERY_PAIRS}, END};

const struct route routes[N_ROUTES] = {
#define ROUTE(symbol, verb, path, handler, method, fields, keys, at_once)                          \
	[ROUTE_##symbol] = {verb, path, method, handler, fields, keys, at_once},
#include "tools/gateway/routes.def"
#undef ROUTE
};

/* Take the part of @path before a slash; false behind the last. */
static bool next_part(struct slice *path, struct slice *part)
{
	const uint8_t *slash;

	if (!path->ptr) {
		return false;
	}
	slash = memchr(path->ptr, '/', path->len);
	*part = slice_of(path->ptr, slash ? (size_t)(slash - path->ptr) : path->len);
	*path = slash ? slice_of(slash + 1, path->len - part->len - 1) : slice_of(NULL, 0);
	return true;
}

static bool matches(const char *pattern, struct slice path, struct slice *ids)
{
	struct slice want = slice_str(pattern), a, b;
	unsigned int n = 0;
	bool more;

	while ((more = next_part(&want, &a)) && next_part(&path, &b)) {
		if (a.ptr[0] == '{') {
			ids[n++] = b;
		} else if (!slice_eq(a, b)) {
			return false;
		}
	}
	return !more && !path.ptr;
}

enum route_match route_find(const char *verb, struct slice path, enum route_id *route,
	struct slice ids[static PATH_IDS], char allow[static 64])
{
	enum route_match match = ROUTE_NO_PATH;
	size_t n = 0;

	for (enum route_id i = 0; i < N_ROUTES; i++) {
		struct slice found[PATH_IDS] = {0};

		if (!matches(routes[i].path, path, found)) {
			continue;
		}
		if (!strcmp(routes[i].verb, verb)) {
			memcpy(ids, found, sizeof(found));
			*route = i;
			return ROUTE_FOUND;
		}
		match = ROUTE_NO_METHOD;
		n += (size_t)snprintf(allow + n, 64 - n, "%s%s%s", n ? ", " : "", routes[i].verb,
			strcmp(routes[i].verb, "GET") ? "" : ", HEAD");
	}
	return match;
}

void route_id_name(const struct route *route, unsigned int index, char out[static 32])
{
	const char *open = route->path;

	for (unsigned int i = 0; open && i <= index; i++) {
		open = strchr(open + (i > 0), '{');
	}
	snprintf(out, 32, "%.*s", open ? (int)strcspn(open + 1, "}") : 0, open ? open + 1 : "");
}
