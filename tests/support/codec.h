/* JSON values of jansson to and from MessagePack bytes, independent of the code under test. */
#ifndef TEST_CODEC_H
#define TEST_CODEC_H

#include <stddef.h>

#include <jansson.h>
#include <msgpack.h>

/* Integers become ints, reals float 64, null nil. */
void codec_pack(msgpack_packer *packer, const json_t *value);

void codec_pack_text(msgpack_packer *packer, const char *text);

/* The request frame [0, msgid, method, [params]]; @params NULL makes it [0, msgid, method, []]. */
void codec_pack_request(
	msgpack_sbuffer *out, uint32_t msgid, const char *method, const json_t *params);

/* One value that fills all of @bytes, or NULL if they are anything else. The caller owns it. */
json_t *codec_unpack(const void *bytes, size_t len);

/*
 * Parse JSON whose strings may be in single quotes, so that it can stand in C text: every single
 * quote becomes a double one, in the arguments too. Fails the test if the text is no JSON.
 */
json_t *codec_vparse(const char *format, va_list args);
json_t *codec_parse(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
