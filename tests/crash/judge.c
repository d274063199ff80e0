#include "cmocka_all.h"

#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Times are cut to milliseconds, by the daemon at both ends of a lease. */
enum { CUT_US = 2000, SET_US = 20000, LEASE_US = LEASE_MS * 1000 };

/* What one worker did in one attempt at one run, in the order of time. */
struct stint {
	const struct judge *judge;
	const struct entry **entries;
	size_t n;
	const struct tenure *tenure;
};

static int compare(const void *a, const void *b)
{
	const struct entry *x = *(const struct entry *const *)a;
	const struct entry *y = *(const struct entry *const *)b;

	if (x->run != y->run) {
		return x->run < y->run ? -1 : 1;
	}
	if (x->attempt != y->attempt) {
		return x->attempt < y->attempt ? -1 : 1;
	}
	return (x->sent_us > y->sent_us) - (x->sent_us < y->sent_us);
}

/* What became of a claim whose answer did not come to be noted is in the feed alone. */
static void take(struct judge *judge, const struct entry *entry)
{
	if (entry->run && (entry->deed != CLAIM || entry->outcome == DONE)) {
		judge->entries[judge->n++] = entry;
	}
	if (entry->deed == CLAIM && entry->outcome == UNTOLD) {
		judge->lost[judge->n_lost++] = entry;
	}
}

void judge_open(struct judge *judge, const struct crew *crew, const struct courses *courses)
{
	int64_t set_us = crew_look_ahead() - crew->ahead_us;
	size_t max = 0;

	for (unsigned int i = 0; i < N_PLACES; i++) {
		max += crew->journals[i]->n;
	}
	*judge = (struct judge){.crew = crew,
		.courses = courses,
		.entries = calloc(max + 1, sizeof(*judge->entries)),
		.lost = calloc(max + 1, sizeof(*judge->lost)),
		.clock_was_set = set_us > SET_US || set_us < -SET_US};
	assert_non_null(judge->entries);
	assert_non_null(judge->lost);
	for (unsigned int i = 0; i < N_PLACES; i++) {
		for (uint32_t j = 0; j < crew->journals[i]->n; j++) {
			take(judge, &crew->journals[i]->entries[j]);
		}
	}
	qsort(judge->entries, judge->n, sizeof(*judge->entries), compare);
}

void judge_close(struct judge *judge)
{
	free(judge->entries);
	free(judge->lost);
	judge->entries = NULL;
	judge->lost = NULL;
}

static void __attribute__((format(printf, 2, 3)))
accuse(const struct entry *e, const char *format, ...)
{
	static const char *const deeds[N_DEEDS] = {
		"claim", "heartbeat", "step", "step's end", "release", "call for action", "end"};
	char what[400];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	fail_msg("run %" PRIu32 ", attempt %" PRIu32 ", w%" PRIu32 ": its %s, sent at %" PRId64
		 " us, told at %" PRId64 " us, %s",
		e->run, e->attempt, e->worker, deeds[e->deed], e->sent_us, e->told_us, what);
}

/* The stint that begins with the entry @at, or none. */
static struct stint stint_at(const struct judge *judge, size_t at)
{
	struct stint s = {.judge = judge, .entries = &judge->entries[at]};

	while (at + s.n < judge->n && s.entries[s.n]->run == s.entries[0]->run &&
		s.entries[s.n]->attempt == s.entries[0]->attempt) {
		s.n++;
	}
	if (s.n) {
		s.tenure = course_tenure(judge->courses, s.entries[0]->run, s.entries[0]->attempt);
		if (!s.tenure || s.tenure->worker != s.entries[0]->worker) {
			accuse(s.entries[0], "is of a lease that the feed does not know");
		}
	}
	return s;
}

static struct stint first_stint(const struct judge *judge)
{
	return stint_at(judge, 0);
}

static struct stint next_stint(const struct stint *s)
{
	return stint_at(s->judge, (size_t)(s->entries - s->judge->entries) + s->n);
}

static bool extends(const struct entry *e)
{
	return (e->deed == CLAIM || e->deed == BEAT) && e->outcome == DONE;
}

static bool lets_go(const struct entry *e)
{
	return e->deed == GIVE_BACK || e->deed == ASK_ACTION || e->deed == END;
}

/*
 * By what was asked for before the time @before_us, the lease held at least up to, without, this
 * time: the daemon cannot have begun it before it was asked for.
 */
static int64_t held_until(const struct stint *s, int64_t before_us)
{
	int64_t until = 0;

	for (size_t i = 0; i < s->n && s->entries[i]->sent_us < before_us; i++) {
		if (extends(s->entries[i])) {
			until = s->entries[i]->sent_us + LEASE_US - CUT_US;
		}
	}
	return until;
}

/* And from this time on it had surely run out: the answer came after its beginning. */
static int64_t over_from(const struct stint *s, int64_t before_us)
{
	int64_t from = 0;

	for (size_t i = 0; i < s->n && s->entries[i]->sent_us < before_us; i++) {
		if (extends(s->entries[i])) {
			from = s->entries[i]->told_us + LEASE_US + CUT_US;
		}
	}
	return from;
}

/* When the worker first asked to be rid of the lease. */
static int64_t let_go_at(const struct stint *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (lets_go(s->entries[i])) {
			return s->entries[i]->sent_us;
		}
	}
	return INT64_MAX;
}

/* The claim as it was answered, or NULL. */
static const struct entry *claim_of(const struct stint *s)
{
	return s->n && s->entries[0]->deed == CLAIM && s->entries[0]->outcome == DONE
		       ? s->entries[0]
		       : NULL;
}

static int64_t unix_us(const struct judge *judge, int64_t us)
{
	return us + judge->crew->ahead_us;
}

/* The change that the write made was made while it was under way. */
static void check_time(const struct stint *s, const struct entry *e, int64_t at_ms)
{
	int64_t from = unix_us(s->judge, e->sent_us) - CUT_US;
	int64_t to = unix_us(s->judge, e->told_us) + CUT_US;

	if (!s->judge->clock_was_set && (at_ms * 1000 < from || at_ms * 1000 > to)) {
		accuse(e, "is in the feed %" PRId64 " us after it was sent",
			at_ms * 1000 - unix_us(s->judge, e->sent_us));
	}
}

static void check_claim(const struct stint *s, const struct entry *e)
{
	check_time(s, e, s->tenure->from_ms);
	check_time(s, e, e->expires_ms - LEASE_MS);
}

/* A lease is not lost before its time. */
static void check_loss(const struct stint *s, const struct entry *claim)
{
	int64_t until = unix_us(s->judge, held_until(s, INT64_MAX));

	if (s->tenure->end == LOST && s->tenure->to_ms * 1000 + CUT_US < until &&
		!s->judge->clock_was_set) {
		accuse(claim, "got a lease that was lost %" PRId64 " us before its end",
			until - s->tenure->to_ms * 1000);
	}
}

/* Nobody else was told that the run is his while this lease held. */
static void check_successors(const struct stint *s)
{
	int64_t until = held_until(s, INT64_MAX), let_go = let_go_at(s);
	struct stint next = next_stint(s);

	until = until < let_go ? until : let_go;
	for (; next.n && next.entries[0]->run == s->entries[0]->run; next = next_stint(&next)) {
		const struct entry *claim = claim_of(&next);

		if (claim && claim->told_us < until) {
			accuse(claim, "while w%" PRIu32 " held the lease until %" PRId64 " us",
				s->entries[0]->worker, until);
		}
		if (!strcmp(next.entries[0]->token, s->entries[0]->token)) {
			accuse(next.entries[0], "got the token of an earlier lease");
		}
	}
}

void judge_leases(const struct judge *judge)
{
	for (struct stint s = first_stint(judge); s.n; s = next_stint(&s)) {
		const struct entry *claim = claim_of(&s);

		if (!claim) {
			accuse(s.entries[0], "stands before its claim");
			return;
		}
		check_claim(&s, claim);
		check_loss(&s, claim);
		for (size_t i = 1; i < s.n; i++) {
			if (strcmp(s.entries[i]->token, claim->token) != 0 ||
				s.entries[i]->worker != claim->worker) {
				accuse(s.entries[i], "is under another token");
			}
		}
		check_successors(&s);
	}
}

static void check_in_feed(const struct stint *s, const struct entry *e)
{
	static const enum tenure_end ends[N_DEEDS] = {
		[GIVE_BACK] = GIVEN_BACK, [ASK_ACTION] = ASKED, [END] = ENDED};
	const struct course_step *step = course_step(s->judge->courses, e->run, e->step);

	if (e->deed == STEP_NEW || e->deed == STEP_END) {
		if (!step || e->attempt != (e->deed == STEP_NEW ? step->made_in : step->ended_in)) {
			accuse(e, "is not in the feed under its lease");
			return;
		}
		check_time(s, e, e->deed == STEP_NEW ? step->made_ms : step->ended_ms);
	} else if (lets_go(e)) {
		if (s->tenure->end != ends[e->deed]) {
			accuse(e, "is not what ends its lease in the feed");
		}
		check_time(s, e, s->tenure->to_ms);
	}
}

/* An answered write was not sent when its lease was over, nor when another's had begun. */
static void check_write(const struct stint *s, const struct entry *e)
{
	struct stint next = next_stint(s);
	int64_t over = over_from(s, e->sent_us);

	if (e->sent_us >= over) {
		accuse(e, "was done although its lease was over at %" PRId64 " us", over);
	}
	for (; next.n && next.entries[0]->run == e->run; next = next_stint(&next)) {
		const struct entry *claim = claim_of(&next);

		if (claim && e->sent_us > claim->told_us) {
			accuse(e,
				"was done although w%" PRIu32 " held the run since %" PRId64 " us",
				claim->worker, claim->told_us);
		}
	}
	check_in_feed(s, e);
}

/* Every step of the feed was asked for, and none was made twice. */
static void check_count(const struct stint *s)
{
	uint32_t asked = 0, done = 0, made = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct entry *e = s->entries[i];

		asked += e->deed == STEP_NEW && e->outcome != REFUSED;
		done += e->deed == STEP_NEW && e->outcome == DONE;
		made += e->deed == ASK_ACTION && s->tenure->end == ASKED;
	}
	if (s->tenure->n_steps < done + made || s->tenure->n_steps > asked + made) {
		accuse(s->entries[0],
			"asked for %" PRIu32 " steps, %" PRIu32
			" were acknowledged, the feed has %" PRIu32,
			asked, done, s->tenure->n_steps - made);
	}
}

void judge_writes(const struct judge *judge)
{
	for (struct stint s = first_stint(judge); s.n; s = next_stint(&s)) {
		for (size_t i = 0; i < s.n; i++) {
			if (s.entries[i]->deed != CLAIM && s.entries[i]->outcome == DONE) {
				check_write(&s, s.entries[i]);
			}
		}
		check_count(&s);
	}
}

static bool was_given_up(const struct stint *s, const struct entry *e)
{
	for (size_t i = 0; i < s->n && s->entries[i] != e; i++) {
		if (lets_go(s->entries[i]) && s->entries[i]->outcome == DONE) {
			return true;
		}
	}
	return false;
}

static void count_refusal(const struct stint *s, const struct entry *e, struct refusals *out)
{
	if (was_given_up(s, e)) {
		out->given_up++;
		return;
	}
	if (e->told_us < held_until(s, e->sent_us)) {
		accuse(e, "was refused although its lease held until %" PRId64 " us",
			held_until(s, e->sent_us));
	}
	if (s->tenure->end != LOST) {
		accuse(e, "was refused although the lease was never lost");
	}
	if (e->sent_us >= over_from(s, e->sent_us)) {
		out->slept++;
	} else {
		out->overtaken++;
	}
}

void judge_refusals(const struct judge *judge, struct refusals *out)
{
	*out = (struct refusals){0};
	for (struct stint s = first_stint(judge); s.n; s = next_stint(&s)) {
		for (size_t i = 0; i < s.n; i++) {
			if (s.entries[i]->outcome == REFUSED) {
				count_refusal(&s, s.entries[i], out);
			}
		}
	}
}

/* Where the entries of an attempt begin; a stint of none when nothing of it was told. */
static struct stint find_stint(const struct judge *judge, uint32_t run, uint32_t attempt)
{
	struct entry key = {.run = run, .attempt = attempt};
	const struct entry *wanted = &key;
	size_t low = 0, high = judge->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&judge->entries[middle], &wanted) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (low == judge->n || judge->entries[low]->run != run ||
		judge->entries[low]->attempt != attempt) {
		return (struct stint){.judge = judge};
	}
	return stint_at(judge, low);
}

/* The end of a lost lease in Unix milliseconds; 0 when it is not known. */
static int64_t end_of_lease(const struct stint *s, const struct tenure *tenure)
{
	int64_t end = tenure->from_ms + LEASE_MS;

	for (size_t i = 0; i < s->n; i++) {
		const struct entry *e = s->entries[i];

		if (e->deed == BEAT && e->outcome == UNTOLD) {
			return 0;
		}
		if (extends(e) && e->expires_ms > end) {
			end = e->expires_ms;
		}
	}
	return end;
}

/* When the next worker had the run in its hands, by monotonic time. */
static int64_t claimed_at(const struct judge *judge, uint32_t run, uint32_t attempt)
{
	struct stint s = find_stint(judge, run, attempt);
	const struct entry *claim = claim_of(&s);

	return claim ? claim->told_us
		     : course_tenure(judge->courses, run, attempt)->from_ms * 1000 -
			       judge->crew->ahead_us;
}

/* When the worker who got the run asked for one: its claim may be one without an answer. */
static int64_t asked_at(const struct judge *judge, uint32_t run, uint32_t attempt)
{
	struct stint s = find_stint(judge, run, attempt);
	uint32_t worker = course_tenure(judge->courses, run, attempt)->worker;

	if (s.n) {
		return s.entries[0]->sent_us;
	}
	for (size_t i = 0; i < judge->n_lost; i++) {
		if (judge->lost[i]->worker == worker) {
			return judge->lost[i]->sent_us;
		}
	}
	fail_msg("w%" PRIu32 " has claimed run %" PRIu32 " without asking", worker, run);
	return 0;
}

static int64_t served_us(const struct judge *judge, int64_t from_us, int64_t to_us)
{
	return to_us - from_us - crew_outage_us(judge->crew, from_us, to_us);
}

static void add_delay(
	const struct judge *judge, uint32_t run, uint32_t attempt, bool killed, struct delays *out)
{
	struct stint s = find_stint(judge, run, attempt);
	const struct tenure *tenure = course_tenure(judge->courses, run, attempt);
	int64_t died_us = judge->crew->killed_us[tenure->worker], from_us, to_us;
	int64_t asked_us, lost_us, end_ms = end_of_lease(&s, tenure);

	from_us = end_ms * 1000 - judge->crew->ahead_us;
	if (!end_ms || killed != (died_us && died_us < from_us)) {
		out->n_unsure += !end_ms && killed;
		return;
	}
	lost_us = tenure->to_ms * 1000 - judge->crew->ahead_us;
	to_us = claimed_at(judge, run, attempt + 1);
	asked_us = asked_at(judge, run, attempt + 1);
	out->us[NOTICED][out->n] = served_us(judge, from_us, lost_us);
	out->us[CLAIMED][out->n] = served_us(judge, from_us, to_us);
	out->us[SERVED][out->n] = served_us(judge, asked_us > from_us ? asked_us : from_us, to_us);
	out->n++;
}

static int by_length(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void judge_delays(
	const struct judge *judge, uint32_t first, uint32_t end, bool killed, struct delays *out)
{
	const struct courses *courses = judge->courses;

	*out = (struct delays){0};
	for (int i = 0; i < N_WAITS; i++) {
		out->us[i] = calloc(courses->n_tenures + 1, sizeof(*out->us[i]));
		assert_non_null(out->us[i]);
	}
	for (uint32_t run = first; run < end; run++) {
		const struct course *course = &courses->runs[run];

		for (uint32_t i = 0; i + 1 < course->n_tenures; i++) {
			if (course->tenures[i].end == LOST) {
				add_delay(judge, run, i + 1, killed, out);
			}
		}
	}
	for (int i = 0; i < N_WAITS; i++) {
		qsort(out->us[i], out->n, sizeof(*out->us[i]), by_length);
	}
}

void judge_delays_finish(struct delays *delays)
{
	for (int i = 0; i < N_WAITS; i++) {
		free(delays->us[i]);
	}
}
