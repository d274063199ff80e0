/* The types of the contract's fields and parameters. */
#pragma once

#include "proto/schema.h"

#define TYPE(name) extern const struct schema type_##name;
#include "proto/types.def"
#undef TYPE

/* Encoded defaults. */
#define PRESET_NONE                                                                                \
	{                                                                                          \
		NULL, 0                                                                            \
	}
#define PRESET_NULL SLICE_INIT("\xc0")
#define PRESET_EMPTY_STRING SLICE_INIT("\xa0")
#define PRESET_EMPTY_MAP SLICE_INIT("\x80")
#define PRESET_EMPTY_ARRAY SLICE_INIT("\x90")
#define PRESET_TRUE SLICE_INIT("\xc3")
#define PRESET_ONE SLICE_INIT("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00")
#define PRESET_AUTO                                                                                \
	SLICE_INIT("\xa4"                                                                          \
		   "auto")
#define PRESET_COMPLETED                                                                           \
	SLICE_INIT("\xa9"                                                                          \
		   "completed")
#define PRESET_TRUNCATION                                                                          \
	SLICE_INIT("\x82\xa4"                                                                      \
		   "type"                                                                          \
		   "\xa4"                                                                          \
		   "auto"                                                                          \
		   "\xad"                                                                          \
		   "last_messages"                                                                 \
		   "\xc0")
#define SLICE_INIT(s)                                                                              \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}

/* An object that is stored and a request's parameters are objects like any other. */
#define OBJECT_OF(fields_)                                                                         \
	{                                                                                          \
		.kind = SK_OBJECT, .fields = (fields_), .n_fields = N_OF(fields_)                  \
	}
#define N_OF(array) (sizeof(array) / sizeof(*(array)))
