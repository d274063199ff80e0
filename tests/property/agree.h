/* Does an answer agree with what the model expects? */
#ifndef TEST_AGREE_H
#define TEST_AGREE_H

#include <jansson.h>
#include <stdbool.h>

/* Unix seconds between which "now" was. */
struct moment {
	json_int_t began;
	json_int_t ended;
};

/* @want may have the model's marks where @got has what only the daemon can know. */
bool agree(const struct moment *moment, const json_t *want, const json_t *got);

/* @got is an error of the code, or of one of the codes, that @want has. */
bool agree_error(const json_t *want, const json_t *got);

#endif
