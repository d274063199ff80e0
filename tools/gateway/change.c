#include "tools/gateway/change.h"
#include "proto/mp.h"

static struct slice text_of(struct slice change, const char *name)
{
	struct slice text = {NULL, 0};

	mp_get_str(mp_lookup(change, name), &text);
	return text;
}

bool change_read(struct slice value, struct change *out)
{
	static const char *const ids[] = {"run_id", "step_id", "message_id"};
	struct change ch = {
		.event = text_of(value, "event"),
		.from = text_of(value, "from"),
		.to = text_of(value, "to"),
		.object = mp_lookup(value, "object"),
	};
	struct slice prefix;

	ch.subject = text_of(value, "message_id").ptr ? SUBJECT_MESSAGE
		     : text_of(value, "step_id").ptr  ? SUBJECT_STEP
						      : SUBJECT_RUN;
	ch.id = text_of(value, ids[ch.subject]);
	if (mp_is_nil(ch.object)) {
		ch.object = slice_of(NULL, 0);
	}
	prefix = slice_str(subject_prefix(ch.subject));
	if (!ch.id.ptr || !mp_get_int(mp_lookup(value, "seq"), &ch.seq) ||
		ch.event.len < prefix.len || memcmp(ch.event.ptr, prefix.ptr, prefix.len) != 0) {
		return false;
	}
	ch.event = slice_of(ch.event.ptr + prefix.len, ch.event.len - prefix.len);
	*out = ch;
	return true;
}

bool change_from_open(const struct change *ch)
{
	return !ch->from.ptr || slice_is(ch->from, "in_progress");
}

bool change_ends(const struct change *ch)
{
	return !slice_is(ch->to, "in_progress");
}
