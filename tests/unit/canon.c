#include "tests/support/cmocka_all.h"

#include "proto/utf8.h"
#include "tests/unit/canon.h"

struct subject subject_of_method(const char *name)
{
	const struct method *m = method_find(slice_str(name));

	if (!m) {
		fail_msg("no method %s", name);
	}
	return (struct subject){m->name, &m->params, true};
}

void pack(struct buf *out, const json_t *value)
{
	msgpack_sbuffer bytes;
	msgpack_packer packer;

	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	codec_pack(&packer, value);
	buf_append(out, bytes.data, bytes.size);
	msgpack_sbuffer_destroy(&bytes);
}

static void put_long(struct buf *out, uint8_t head, uint64_t v, size_t n)
{
	uint8_t *at = buf_extend(out, n + 1);

	at[0] = head;
	for (size_t i = n; i > 0; i--, v >>= 8) {
		at[i] = (uint8_t)v;
	}
}

static void pack_text_long(struct buf *out, const char *s, size_t len)
{
	put_long(out, 0xdb, len, 4);
	buf_append(out, s, len);
}

static void pack_object_long(struct buf *out, const json_t *value, bool turned)
{
	size_t n = 0, size = json_object_size(value);
	const char *keys[64];
	const char *key;
	json_t *member;

	put_long(out, 0xdf, size, 4);
	json_object_foreach((json_t *)value, key, member)
	{
		assert_true(n < 64);
		keys[n++] = key;
	}
	for (size_t i = 0; i < size; i++) {
		key = keys[turned ? size - 1 - i : i];
		pack_text_long(out, key, strlen(key));
		pack_long(out, json_object_get(value, key), turned);
	}
}

void pack_long(struct buf *out, const json_t *value, bool turned)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		pack_object_long(out, value, turned);
		break;
	case JSON_ARRAY:
		put_long(out, 0xdd, json_array_size(value), 4);
		for (size_t i = 0; i < json_array_size(value); i++) {
			pack_long(out, json_array_get(value, i), turned);
		}
		break;
	case JSON_STRING:
		pack_text_long(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		put_long(out, 0xd3, (uint64_t)json_integer_value(value), 8);
		break;
	default:
		pack(out, value);
		break;
	}
}

static int parse_bytes(
	const struct schema *s, struct slice bytes, struct buf *out, struct problem *p)
{
	struct slice values[N_PARAMS] = {0};
	struct arena arena = {0};
	uint32_t n = 0;
	int r;

	r = schema_parse(s, bytes, &arena, values, p);
	for (size_t i = 0; i < s->n_fields && !r; i++) {
		n += values[s->fields[i].slot].ptr != NULL;
	}
	mp_put_map(out, n);
	for (size_t i = 0; i < s->n_fields && !r; i++) {
		if (values[s->fields[i].slot].ptr) {
			mp_put_cstr(out, s->fields[i].name);
			buf_put(out, values[s->fields[i].slot]);
		}
	}
	arena_finish(&arena);
	return r;
}

int canon_bytes(
	const struct subject *subject, struct slice bytes, struct buf *out, struct problem *p)
{
	*p = (struct problem){0};
	assert_int_equal(mp_scan(bytes, 40), MP_OK);
	return subject->params ? parse_bytes(subject->schema, bytes, out, p)
			       : schema_canon(subject->schema, bytes, NULL, out, p);
}

int canon_json(
	const struct subject *subject, const json_t *value, struct buf *out, struct problem *p)
{
	struct buf packed = {0};
	int r;

	pack(&packed, value);
	r = canon_bytes(subject, guarded_slice(buf_slice(&packed)), out, p);
	buf_finish(&packed);
	return r;
}

/* Print what was given and fail. */
static void fail_with(const struct subject *subject, const json_t *value, const struct problem *p,
	const char *expected)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY);

	print_message("# given: %.2000s\n", text ? text : "?");
	free(text);
	fail_msg("%s: %s at '%s' (%s), expected %s", subject->name,
		p->code ? error_name(p->code) : "accepted", p->param, p->message, expected);
}

json_t *accepted(const struct subject *subject, const json_t *value)
{
	json_t *canonical, *holder;
	struct buf out = {0};
	struct problem p;

	mp_put_map(&out, 1);
	mp_put_cstr(&out, "canonical");
	if (canon_json(subject, value, &out, &p)) {
		fail_with(subject, value, &p, "accepted");
	}
	assert_int_equal(mp_scan(buf_slice(&out), 40), MP_OK);
	holder = codec_unpack(out.ptr, out.len);
	canonical = json_incref(json_object_get(holder, "canonical"));
	assert_non_null(canonical);
	json_decref(holder);
	buf_finish(&out);
	return canonical;
}

void assert_refused(const struct subject *subject, const json_t *value, int code, const char *param)
{
	struct buf out = {0};
	char expected[240];
	struct problem p;
	int r = canon_json(subject, value, &out, &p);

	if (r != code || p.code != code || strcmp(p.param, param)) {
		snprintf(expected, sizeof(expected), "%s at '%s'", error_name(code), param);
		fail_with(subject, value, &p, expected);
	}
	assert_true(strlen(p.message) > 10);
	assert_true(utf8_valid(slice_str(p.message)));
	buf_finish(&out);
}

static json_t *with(json_t *object, const char *members)
{
	json_t *over = codec_parse("{%s}", members);

	assert_int_equal(json_object_update(object, over), 0);
	json_decref(over);
	return object;
}

json_t *run_with(const char *members)
{
	return with(
		codec_parse("{'id':'run_1','object':'thread.run','created_at':1700000000,"
			    "'thread_id':'thread_1','assistant_id':'asst_1','status':'queued'}"),
		members);
}

json_t *step_with(const char *members)
{
	return with(codec_parse("{'id':'step_1','object':'thread.run.step',"
				"'created_at':1700000000,'run_id':'run_1','assistant_id':'asst_1',"
				"'thread_id':'thread_1','type':'message_creation',"
				"'status':'in_progress','step_details':{'type':'message_creation',"
				"'message_creation':{'message_id':'msg_1'}}}"),
		members);
}

json_t *params_with(const char *method, const char *members)
{
	static const struct {
		const char *method;
		const char *members;
	} least[] = {
		{"runs.create", "'thread_id':'t','assistant_id':'a'"},
		{"runs.list", ""},
		{"runs.submit_tool_outputs", "'run_id':'r','tool_outputs':[]"},
		{"runs.", "'run_id':'r'"},
		{"steps.create", "'run_id':'r','type':'tool_calls',"
				 "'step_details':{'type':'tool_calls','tool_calls':[]}"},
		{"steps.list", "'run_id':'r'"},
		{"steps.", "'run_id':'r','step_id':'s'"},
		{"threads.delete", "'thread_id':'t'"},
		{"objects.import", "'objects':[]"},
		{"batch", "'requests':[]"},
		{"", ""},
	};
	size_t i = 0;

	while (strncmp(method, least[i].method, strlen(least[i].method))) {
		i++;
	}
	return with(codec_parse("{%s}", least[i].members), members);
}
