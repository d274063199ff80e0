#include "cmocka_all.h"

#include "codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void codec_pack_text(msgpack_packer *packer, const char *text)
{
	msgpack_pack_str(packer, strlen(text));
	msgpack_pack_str_body(packer, text, strlen(text));
}

static void pack_object(msgpack_packer *packer, const json_t *value)
{
	const char *key;
	json_t *member;

	msgpack_pack_map(packer, json_object_size(value));
	json_object_foreach((json_t *)value, key, member)
	{
		codec_pack_text(packer, key);
		codec_pack(packer, member);
	}
}

static void pack_array(msgpack_packer *packer, const json_t *value)
{
	msgpack_pack_array(packer, json_array_size(value));
	for (size_t i = 0; i < json_array_size(value); i++) {
		codec_pack(packer, json_array_get(value, i));
	}
}

void codec_pack(msgpack_packer *packer, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		pack_object(packer, value);
		break;
	case JSON_ARRAY:
		pack_array(packer, value);
		break;
	case JSON_STRING:
		msgpack_pack_str(packer, json_string_length(value));
		msgpack_pack_str_body(packer, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		msgpack_pack_int64(packer, json_integer_value(value));
		break;
	case JSON_REAL:
		msgpack_pack_double(packer, json_real_value(value));
		break;
	case JSON_TRUE:
		msgpack_pack_true(packer);
		break;
	case JSON_FALSE:
		msgpack_pack_false(packer);
		break;
	case JSON_NULL:
		msgpack_pack_nil(packer);
		break;
	}
}

void codec_pack_request(
	msgpack_sbuffer *out, uint32_t msgid, const char *method, const json_t *params)
{
	msgpack_packer packer;

	msgpack_packer_init(&packer, out, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 4);
	msgpack_pack_int(&packer, 0);
	msgpack_pack_uint32(&packer, msgid);
	codec_pack_text(&packer, method);
	msgpack_pack_array(&packer, params ? 1 : 0);
	if (params) {
		codec_pack(&packer, params);
	}
}

static json_t *from_object(const msgpack_object *object);

static json_t *from_map(const msgpack_object_map *map)
{
	json_t *value = json_object();

	for (uint32_t i = 0; i < map->size; i++) {
		const msgpack_object *key = &map->ptr[i].key;
		char name[1024];

		if (key->type != MSGPACK_OBJECT_STR || key->via.str.size >= sizeof(name)) {
			json_decref(value);
			return NULL;
		}
		memcpy(name, key->via.str.ptr, key->via.str.size);
		name[key->via.str.size] = '\0';
		/* A key that stands twice is an error of the sender. */
		if (json_object_get(value, name) ||
			json_object_set_new(value, name, from_object(&map->ptr[i].val))) {
			json_decref(value);
			return NULL;
		}
	}
	return value;
}

static json_t *from_array(const msgpack_object_array *array)
{
	json_t *value = json_array();

	for (uint32_t i = 0; i < array->size; i++) {
		if (json_array_append_new(value, from_object(&array->ptr[i]))) {
			json_decref(value);
			return NULL;
		}
	}
	return value;
}

static json_t *from_object(const msgpack_object *object)
{
	switch (object->type) {
	case MSGPACK_OBJECT_NIL:
		return json_null();
	case MSGPACK_OBJECT_BOOLEAN:
		return json_boolean(object->via.boolean);
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return json_integer((json_int_t)object->via.u64);
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return json_integer(object->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return json_real(object->via.f64);
	case MSGPACK_OBJECT_STR:
		return json_stringn(object->via.str.ptr, object->via.str.size);
	case MSGPACK_OBJECT_ARRAY:
		return from_array(&object->via.array);
	case MSGPACK_OBJECT_MAP:
		return from_map(&object->via.map);
	default:
		return NULL;
	}
}

json_t *codec_unpack(const void *bytes, size_t len)
{
	msgpack_unpacked unpacked;
	json_t *value = NULL;
	size_t off = 0;

	msgpack_unpacked_init(&unpacked);
	if (msgpack_unpack_next(&unpacked, bytes, len, &off) == MSGPACK_UNPACK_SUCCESS &&
		off == len) {
		value = from_object(&unpacked.data);
	}
	msgpack_unpacked_destroy(&unpacked);
	return value;
}

json_t *codec_vparse(const char *format, va_list args)
{
	char *text = NULL;
	json_error_t error;
	json_t *value;

	assert_true(vasprintf(&text, format, args) >= 0);
	for (char *at = text; (at = strchr(at, '\'')) != NULL;) {
		*at = '"';
	}
	value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (!value) {
		fail_msg("not JSON: %s: %.300s", error.text, text);
	}
	free(text);
	return value;
}

json_t *codec_parse(const char *format, ...)
{
	va_list args;
	json_t *value;

	va_start(args, format);
	value = codec_vparse(format, args);
	va_end(args);
	return value;
}
