/* Messages as tests want them, and the ids that the daemon issues. */
#ifndef TEST_TALK_H
#define TEST_TALK_H

#include "cmocka_all.h"

#include "objects.h"
#include "wire.h"

#include <string.h>

/* The members of a Message in their order, NULL at the end. */
static const char *const message_names[] = {"id", "object", "created_at", "thread_id", "status",
	"incomplete_details", "completed_at", "incomplete_at", "role", "content", "assistant_id",
	"run_id", "attachments", "metadata", NULL};

/* A new message of the user in @thread. @members is "" or as in `,'id':'m'`. */
static inline json_t *message_say(struct wire *w, const char *thread, const char *members)
{
	return expect_ok(w, "messages.create", "{'thread_id':'%s','role':'user','content':'Hi.'%s}",
		thread, members);
}

/*
 * A new message of the assistant in @thread, whose text is `Hel` as yet; its id is borrowed from
 * the wire. @members as in `,'run_id':'r'`.
 */
static inline const char *message_open(struct wire *w, const char *thread, const char *members)
{
	return text(expect_ok(w, "messages.create",
			    "{'thread_id':'%s','role':'assistant','status':'in_progress',"
			    "'content':'Hel'%s}",
			    thread, members),
		"id");
}

static inline json_t *message_get(struct wire *w, const char *thread, const char *id)
{
	return expect_ok(w, "messages.get", "{'thread_id':'%s','message_id':'%s'}", thread, id);
}

/* @id is @prefix and a ULID, and greater than @last, which may be "". */
static inline void expect_issued(const char *id, const char *prefix, const char *last)
{
	size_t len = strlen(prefix);

	assert_int_equal(strlen(id), len + 26);
	assert_memory_equal(id, prefix, len);
	assert_int_equal(strspn(id + len, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
	assert_true(strcmp(last, id) < 0);
}

#endif
