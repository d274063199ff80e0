#include "tools/cli/given.h"
#include "tools/cli/cli.h"
#include "tools/cli/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void given_finish(struct given *g)
{
	for (size_t i = 0; i < MAX_FIELDS; i++) {
		buf_finish(&g->values[i].bytes);
	}
}

const char *given_flag(const struct schema_field *field, char out[static 64])
{
	size_t i;

	for (i = 0; field->name[i] && i < 63; i++) {
		out[i] = field->name[i] == '_' ? '-' : field->name[i];
	}
	out[i] = '\0';
	return out;
}

static const struct schema_field *find_name(
	const struct method *method, const char *before, const char *flag, const char *behind)
{
	char name[96];

	snprintf(name, sizeof(name), "%s%s%s", before, flag, behind);
	for (char *c = name; *c; c++) {
		*c = *c == '-' ? '_' : *c;
	}
	for (size_t i = 0; i < method->params.n_fields; i++) {
		if (!strcmp(method->params.fields[i].name, name)) {
			return &method->params.fields[i];
		}
	}
	return NULL;
}

const struct schema_field *given_find(const struct method *method, const char *flag)
{
	static const char *const around[][2] = {
		{"", ""}, {"", "_id"}, {"", "_ids"}, {"step_", ""}, {"tool_", ""}};
	const struct schema_field *field = NULL;

	for (size_t i = 0; !field && i < sizeof(around) / sizeof(*around); i++) {
		field = find_name(method, around[i][0], flag, around[i][1]);
	}
	return field;
}

static struct given_value *value_of(struct given *g, const struct schema_field *field)
{
	return &g->values[field - g->method->params.fields];
}

static const struct given_value *value_named(const struct given *g, const char *name)
{
	const struct schema_field *field = find_name(g->method, "", name, "");

	return field ? &g->values[field - g->method->params.fields] : NULL;
}

bool given_has(const struct given *g, const char *name)
{
	const struct given_value *v = value_named(g, name);

	return v && v->form != GIVEN_NOT;
}

struct slice given_whole(const struct given *g, const char *name)
{
	const struct given_value *v = value_named(g, name);

	return v && v->form == GIVEN_WHOLE ? buf_slice(&v->bytes) : slice_of(NULL, 0);
}

static bool is_one_of(struct slice value, const char *const *names)
{
	struct slice text;

	if (!mp_get_str(value, &text)) {
		return false;
	}
	while (*names && !slice_is(text, *names)) {
		names++;
	}
	return *names;
}

bool given_is_among(const struct given *g, const char *name, const char *const *names)
{
	const struct given_value *v = value_named(g, name);
	struct slice in = v ? buf_slice(&v->bytes) : slice_of(NULL, 0), items = in;
	struct mp t;

	if (v && v->form == GIVEN_WHOLE && mp_read(&items, &t) && t.type == MP_ARRAY) {
		in = items;
	}
	while (in.len) {
		if (!is_one_of(mp_value(&in), names)) {
			return false;
		}
	}
	return true;
}

/* What is given again takes the place of what was given before. */
static struct buf *set_whole(struct given_value *v)
{
	buf_reset(&v->bytes, v->bytes.cap);
	v->form = GIVEN_WHOLE;
	return &v->bytes;
}

/* What is given again comes after what was given before. */
static struct buf *set_more(struct given_value *v, enum given_form form)
{
	if (v->form != form) {
		buf_reset(&v->bytes, v->bytes.cap);
		v->form = form;
		v->n = 0;
	}
	v->n++;
	return &v->bytes;
}

static int set_json(struct given_value *v, const char *flag, const char *text)
{
	_cleanup_(file_free) char *loaded = NULL;
	struct runstore_error error;
	void *data;
	size_t size;
	int r;

	if (text[0] == '@') {
		r = file_load(text + 1, &loaded);
		if (r) {
			return r;
		}
		text = loaded;
	}
	if (runstore_json_to_msgpack(text, &data, &size, &error)) {
		return cli_usage("--%s: %s", flag, error.message);
	}
	buf_append(set_whole(v), data, size);
	free(data);
	return 0;
}

static int set_integer(struct given_value *v, const char *flag, const char *text)
{
	long long number;
	char *end;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || *end) {
		return cli_usage("--%s: expected an integer, got '%s'.", flag, text);
	}
	mp_put_int(set_whole(v), number);
	return 0;
}

static int set_number(struct given_value *v, const char *flag, const char *text)
{
	double number;
	char *end;

	number = strtod(text, &end);
	if (end == text || *end) {
		return cli_usage("--%s: expected a number, got '%s'.", flag, text);
	}
	mp_put_double(set_whole(v), number);
	return 0;
}

static int set_bool(struct given_value *v, const char *flag, const char *text)
{
	if (strcmp(text, "true") && strcmp(text, "false")) {
		return cli_usage("--%s: expected true or false, got '%s'.", flag, text);
	}
	mp_put_bool(set_whole(v), text[0] == 't');
	return 0;
}

static int set_metadata(struct given_value *v, const char *flag, const char *text)
{
	const char *mark = strchr(text, '=');
	struct buf *bytes;

	if (text[0] == '{' || text[0] == '@' || !strcmp(text, "null")) {
		return set_json(v, flag, text);
	}
	if (!mark || mark == text) {
		return cli_usage(
			"--%s: expected KEY=VALUE, a JSON object or null, got '%s'.", flag, text);
	}
	bytes = set_more(v, GIVEN_PAIRS);
	mp_put_str(bytes, slice_of(text, (size_t)(mark - text)));
	mp_put_cstr(bytes, mark + 1);
	return 0;
}

/* "queued,failed" or "asst_1,asst_2", or a flag for each. */
static int set_items(struct given_value *v, const char *text)
{
	while (true) {
		size_t len = strcspn(text, ",");

		mp_put_str(set_more(v, GIVEN_ITEMS), slice_of(text, len));
		if (!text[len]) {
			return 0;
		}
		text += len + 1;
	}
}

static bool is_name_of(const struct schema *type, const char *text)
{
	for (size_t i = 0; type->names && type->names[i]; i++) {
		if (!strcmp(type->names[i], text)) {
			return true;
		}
	}
	return false;
}

/* "content" is short for the only thing that there is to include. */
static int set_array(
	struct given_value *v, const struct schema_field *field, const char *flag, const char *text)
{
	const struct schema *item = field->type->item;

	if (item->kind == SK_ID && text[0] != '[') {
		return set_items(v, text);
	}
	if (item->kind == SK_ENUM && text[0] != '[') {
		return set_items(v, strcmp(text, "content") ? text : item->names[0]);
	}
	return set_json(v, flag, text);
}

/* A plain text, or what it is short for. */
static int set_short(struct given_value *v, const char *flag, const char *text)
{
	int r;

	if (text[0] != '[' && text[0] != '@') {
		mp_put_cstr(set_whole(v), text);
		return 0;
	}
	r = set_json(v, flag, text);
	if (r) {
		cli_note("A text that begins with [ or @ goes into JSON: "
			 "[{\"type\":\"text\",\"text\":\"...\"}].");
	}
	return r;
}

/* By the kind of the type. */
static int set_value(struct given_value *v, const struct schema_field *field, const char *text)
{
	char flag[64];

	given_flag(field, flag);
	switch (field->type->kind) {
	case SK_STRING:
	case SK_TOKEN:
	case SK_ID:
	case SK_ENUM:
		mp_put_cstr(set_whole(v), text);
		return 0;
	case SK_INT:
		return set_integer(v, flag, text);
	case SK_NUMBER:
		return set_number(v, flag, text);
	case SK_BOOL:
		return set_bool(v, flag, text);
	case SK_METADATA:
		return set_metadata(v, flag, text);
	case SK_ENUM_SET:
		return text[0] == '[' ? set_json(v, flag, text) : set_items(v, text);
	case SK_ARRAY:
		return set_array(v, field, flag, text);
	case SK_EITHER:
		if (is_name_of(field->type, text)) {
			mp_put_cstr(set_whole(v), text);
			return 0;
		}
		return set_json(v, flag, text);
	case SK_SHORT:
		return set_short(v, flag, text);
	default:
		return set_json(v, flag, text);
	}
}

int given_set(struct given *g, const struct schema_field *field, const char *text)
{
	struct given_value *v = value_of(g, field);

	if (field->flags & SF_NULL_SET && !strcmp(text, "null")) {
		mp_put_nil(set_whole(v));
		return 0;
	}
	return set_value(v, field, text);
}

int given_output(struct given *g, const struct schema_field *field, const char *text)
{
	const char *mark = strchr(text, '=');
	struct buf *bytes;

	if (!mark || mark == text) {
		return cli_usage("--output: expected CALL=TEXT, got '%s'.", text);
	}
	bytes = set_more(value_of(g, field), GIVEN_ITEMS);
	mp_put_map(bytes, 2);
	mp_put_cstr(bytes, "tool_call_id");
	mp_put_str(bytes, slice_of(text, (size_t)(mark - text)));
	mp_put_cstr(bytes, "output");
	mp_put_cstr(bytes, mark + 1);
	return 0;
}

void given_put_integer(struct given *g, const char *name, int64_t value)
{
	mp_put_int(set_whole(value_of(g, find_name(g->method, "", name, ""))), value);
}

void given_put_string(struct given *g, const char *name, struct slice value)
{
	mp_put_str(set_whole(value_of(g, find_name(g->method, "", name, ""))), value);
}

void given_write(const struct given *g, struct buf *out)
{
	uint32_t n = 0;

	for (size_t i = 0; i < g->method->params.n_fields; i++) {
		n += g->values[i].form != GIVEN_NOT;
	}
	mp_put_map(out, n);
	for (size_t i = 0; i < g->method->params.n_fields; i++) {
		const struct given_value *v = &g->values[i];

		if (v->form == GIVEN_NOT) {
			continue;
		}
		mp_put_cstr(out, g->method->params.fields[i].name);
		if (v->form == GIVEN_ITEMS) {
			mp_put_array(out, v->n);
		} else if (v->form == GIVEN_PAIRS) {
			mp_put_map(out, v->n);
		}
		buf_put(out, buf_slice(&v->bytes));
	}
}
