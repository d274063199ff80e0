#include "cmocka_all.h"

#include "objects.h"
#include "rules.h"
#include "script_parts.h"

#include <string.h>

bool chance(struct script *s, unsigned int percent)
{
	return dice_chance(&s->dice, percent);
}

json_t *pick(struct script *s, json_t *objects)
{
	return json_array_get(objects, dice_roll(&s->dice, json_array_size(objects)));
}

json_t *pick_run(struct script *s, const char *statuses)
{
	json_t *run = pick(s, s->model->runs);

	for (int i = 0; run && i < 30 && !strstr(statuses, get_text(run, "status")); i++) {
		run = pick(s, s->model->runs);
	}
	return run;
}

const char *thread_name(struct script *s)
{
	static const char *const names[] = {"t1", "t2", "t3", "t-4"};

	return names[dice_roll(&s->dice, 4)];
}

void maybe_put_metadata(struct script *s, json_t *params)
{
	if (chance(s, 25)) {
		json_object_set_new(params, "metadata",
			chance(s, 20) ? json_null()
				      : json_pack("{ss}", "k", chance(s, 50) ? "a" : ""));
	}
}

json_t *usage(struct script *s)
{
	int tokens = (int)dice_roll(&s->dice, 1000);

	return json_pack("{sisisi}", "completion_tokens", tokens, "prompt_tokens", 7,
		"total_tokens", tokens + 7);
}

/* Params that name @run, and sometimes a thread that may be another one. */
json_t *naming(struct script *s, const json_t *run)
{
	json_t *params = json_pack(
		"{ss}", "run_id", run && !chance(s, 3) ? get_text(run, "id") : "run_unknown");

	if (chance(s, 10)) {
		put_text(params, "thread_id",
			run && chance(s, 70) ? get_text(run, "thread_id") : thread_name(s));
	}
	return params;
}

json_t *function_call(struct script *s)
{
	return codec_parse("{'id':'call_%u','type':'function','function':{'name':'look',"
			   "'arguments':'{}'}}",
		++s->serial);
}
