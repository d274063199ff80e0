#include "client/params.h"
#include "client/fail.h"
#include "client/json.h"
#include "client/util.h"

void params_finish(struct params *p)
{
	buf_finish(&p->pairs);
}

void params_begin(struct params *p, const char *name)
{
	mp_put_cstr(&p->pairs, name);
	p->n++;
}

void params_text(struct params *p, const char *name, const char *text)
{
	if (text) {
		params_begin(p, name);
		mp_put_cstr(&p->pairs, text);
	}
}

void params_integer(struct params *p, const char *name, int64_t value)
{
	params_begin(p, name);
	mp_put_int(&p->pairs, value);
}

static int params_json(
	struct params *p, const char *name, const char *text, struct runstore_error *error)
{
	if (!text) {
		return 0;
	}
	params_begin(p, name);
	return json_read(text, strlen(text), name, &p->pairs, error);
}

/* NULL for a number that is none. */
static const char *enum_name(enum param_kind kind, const void *member, unsigned int *number)
{
	const char *name;

	memcpy(number, member, sizeof(*number));
	if (kind == PARAM_RUN_STATUS) {
		name = runstore_run_status_name(*number);
	} else if (kind == PARAM_STEP_STATUS) {
		name = runstore_step_status_name(*number);
	} else {
		name = runstore_step_type_name(*number);
	}
	return strcmp(name, "unknown") ? name : NULL;
}

static int refuse_enum(const char *name, unsigned int number, struct runstore_error *error)
{
	return fail(error, RUNSTORE_E_INVALID_PARAMS, name, "%u is no value of the enum for %s.",
		number, name);
}

static int params_enum(struct params *p, const struct param_row *row, const void *member,
	struct runstore_error *error)
{
	unsigned int number;
	const char *name = enum_name(row->kind, member, &number);

	if (number && !name) {
		return refuse_enum(row->name, number, error);
	}
	params_text(p, row->name, name);
	return 0;
}

int params_enums(struct params *p, const char *name, enum param_kind kind, const void *numbers,
	size_t n, struct runstore_error *error)
{
	if (!n) {
		return 0;
	}
	params_begin(p, name);
	mp_put_array(&p->pairs, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		unsigned int number;
		const char *text =
			enum_name(kind, (const uint8_t *)numbers + i * sizeof(number), &number);

		if (!text) {
			return refuse_enum(name, number, error);
		}
		mp_put_cstr(&p->pairs, text);
	}
	return 0;
}

static int params_row(struct params *p, const struct param_row *row, const void *from,
	struct runstore_error *error)
{
	const uint8_t *member = (const uint8_t *)from + row->offset;
	const void *given;

	if (row->kind >= PARAM_RUN_STATUS) {
		return params_enum(p, row, member, error);
	}
	memcpy(&given, member, sizeof(given));
	if (!given) {
		return 0;
	}
	switch (row->kind) {
	case PARAM_JSON:
		return params_json(p, row->name, given, error);
	case PARAM_INTEGER:
		params_integer(p, row->name, *(const int64_t *)given);
		return 0;
	case PARAM_NUMBER:
		params_begin(p, row->name);
		mp_put_double(&p->pairs, *(const double *)given);
		return 0;
	case PARAM_BOOL:
		params_begin(p, row->name);
		mp_put_bool(&p->pairs, *(const bool *)given);
		return 0;
	default:
		params_text(p, row->name, given);
		return 0;
	}
}

int params_rows(struct params *p, const struct param_row *rows, size_t n, const void *from,
	struct runstore_error *error)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		r = params_row(p, &rows[i], from, error);
	}
	return r;
}

void params_write(const struct params *p, struct buf *out)
{
	mp_put_map(out, p->n);
	buf_put(out, buf_slice(&p->pairs));
	if (buf_error(&p->pairs)) {
		out->error = buf_error(&p->pairs);
	}
}
