// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chaos, the model: the states of a name, what each command with each outcome does to them, and the
 * search for an order of commands (Wing and Gong: linearizability).
 *
 * What must stay true: rows[] is all that is known of exit codes; an outcome that no row allows in
 * any order is a failure.
 */
#include "chaos.h"

#include <stdio.h>
#include <string.h>

/* ---- the model: what a name can be ---- */

/* A set of states is a bit mask. "Doomed": init was asked to stop, or told to end, by a command
 * that has not waited for it. "Orphan": the monitor was killed, so that a reboot from inside stops
 * the server. */
#define PER    13 /* stopped; three others, each doomed or not, orphan or not */
#define ABSENT (N_PIDS * PER)
#define N_ST   (ABSENT + 1)
#define BIT(s) (UINT64_C(1) << (s))

const char *const pids_text[N_PIDS] = { "64", "128", "256" };

struct st {
	bool there, doomed, orphan;
	enum run run;
	int pids;
};

static int pack(struct st s)
{
	if (!s.there)
		return ABSENT;
	return s.pids * PER + (s.run ? 1 + ((int)s.run - 1) * 4 + s.doomed * 2 + s.orphan : 0);
}

static struct st unpack(int n)
{
	int r = n % PER;

	if (n == ABSENT)
		return (struct st) { 0 };
	return (struct st) { true, r && (r - 1) & 2, r && (r - 1) & 1,
			     r ? (enum run)(1 + (r - 1) / 4) : STOPPED, n / PER };
}

/* What can happen to a server without a command. */
static uint64_t by_itself(struct st s)
{
	uint64_t set = BIT(pack(s));

	if (s.there && s.run == REBOOTING)
		set |= BIT(pack((struct st) { .there = true, .run = RUNNING, .pids = s.pids }));
	if (s.there && s.doomed)
		set |= BIT(pack((struct st) { .there = true, .pids = s.pids }));
	return set;
}

/* ---- what commands do ---- */

enum effect {
	SAME,
	MADE,
	STARTED,
	ENDED,
	REMOVED,
	LIMITED,
	BOOTS,
	ASKED,
	FROZEN,
	THAWED,
	LOST,
	MAY = 0x100
};

/* From which states, as letters: - absent, s stopped, r running, f suspended (frozen), b rebooting.
 */
static const struct row {
	enum kind kind;
	int outcome;
	const char *from;
	enum effect effect;
} rows[] = {
	{ CREATE, 0, "-", MADE },
	{ CREATE, 5, "srfb", SAME },
	{ CREATE_IP, 0, "-", MADE },
	{ CREATE_IP, 5, "-srfb", SAME }, /* the address may be another's */
	{ START, 0, "sb", STARTED },
	{ START, 0, "rf", SAME },
	{ START, 4, "-", SAME },
	{ START, DISTURBED + 1, "srfb", ENDED },
	{ STOP, 0, "srfb", ENDED },
	{ STOP, 4, "-", SAME },
	{ STOP, 6, "srfb", ASKED | MAY },
	{ STOP_KILL, 0, "srfb", ENDED },
	{ STOP_KILL, 4, "-", SAME },
	{ DESTROY, 0, "s", REMOVED },
	{ DESTROY, 3, "rfb", SAME },
	{ DESTROY, 4, "-", SAME },
	{ FORCE, 0, "s", REMOVED }, /* after a part that ends it: see add_parts() */
	{ FORCE, 4, "-", SAME },
	{ SET, 0, "srfb", LIMITED },
	{ SET, 4, "-", SAME },
	{ SET_IP, 0, "srfb", SAME },
	{ SET_IP, 4, "-", SAME },
	{ SET_IP, 5, "srfb", SAME },
	{ EXEC, 0, "r", SAME },
	{ EXEC, 125, "-sfb", SAME },
	{ EXEC, EXEC_BETWEEN, "srfb", SAME },
	{ EXEC, 137, "r", SAME },
	{ EXEC, 143, "r", SAME },
	{ REBOOT, 0, "r", BOOTS },
	{ REBOOT, 137, "r", BOOTS | MAY },
	{ REBOOT, 143, "r", BOOTS | MAY },
	{ REBOOT, 125, "-sfb", SAME },
	{ REBOOT, EXEC_BETWEEN, "srfb", SAME },
	{ STATUS, SAID_ABSENT, "-", SAME },
	{ STATUS, SAID_STOPPED, "sb", SAME },
	{ STATUS, SAID_RUNNING, "r", SAME },
	{ STATUS, SAID_SUSPENDED, "f", SAME },
	{ STATUS, SAID_BETWEEN, "srfb", SAME },
	{ SUSPEND, 0, "rfb", FROZEN },
	{ SUSPEND, 3, "s", SAME },
	{ SUSPEND, 4, "-", SAME },
	{ RESUME, 0, "rfb", THAWED },
	{ RESUME, 3, "s", SAME },
	{ RESUME, 4, "-", SAME },
	{ RESTART, 0, "sb", STARTED }, /* after a part that ends it */
	{ RESTART, 0, "rf", SAME },
	{ RESTART, 4, "-", SAME },
	{ RESTART, 6, "srfb", SAME },
	{ RESTART, DISTURBED + 1, "srfb", SAME },
	{ RECOVER, 0, "-srfb", SAME },
	{ KILL_INIT, KILLED, "rfb", ENDED | MAY },
	{ KILL_MONITOR, KILLED, "rfb", LOST | MAY },
};

static uint64_t after(enum effect e, struct st s, int pids)
{
	uint64_t same = e & MAY ? by_itself(s) : 0;
	struct st n = s;

	switch (e & ~MAY) {
	case SAME:
		break;
	case MADE:
		n = (struct st) { .there = true, .pids = pids };
		break;
	case STARTED:
		n = (struct st) { .there = true, .run = RUNNING, .pids = s.pids };
		break;
	case ENDED:
		n = (struct st) { .there = true, .pids = s.pids };
		break;
	case REMOVED:
		n = (struct st) { 0 };
		break;
	case LIMITED:
		n.pids = pids;
		break;
	case BOOTS:
		/* reboot(2) has told init to end, and has not waited for it. */
		if (s.orphan)
			n.doomed = true;
		else
			n.run = REBOOTING;
		break;
	case ASKED:
		n.doomed = s.run == RUNNING || s.run == SUSPENDED;
		n.run = s.run == SUSPENDED ? RUNNING : s.run;
		break;
	case FROZEN:
		n.run = SUSPENDED;
		break;
	case THAWED:
		n.run = RUNNING;
		break;
	case LOST:
		n.orphan = true;
		if (s.run == REBOOTING)
			same |= BIT(pack((struct st) { .there = true, .pids = s.pids }));
		break;
	}
	if (n.run == STOPPED)
		n.doomed = n.orphan = false;
	return same | by_itself(n);
}

static bool applies(const struct row *r, struct st s)
{
	return strchr(r->from, !s.there ? '-' : "srfb"[s.run]);
}

/* ---- the search ---- */

struct part {
	uint64_t start, end, to[N_ST];
	int behind; /* the part that must come first, or -1 */
};

static uint64_t reach[1 << MAX_PARTS];

int model_parts(enum kind kind)
{
	return kind == FORCE || kind == RESTART ? 2 : 1;
}

/* A command that was killed has done nothing, or what it does when it ends well. One that found a
 * reboot under way may have been killed in the middle of that. */
static uint64_t killed_from(const struct op *o, struct st s)
{
	uint64_t to = by_itself(s);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == o->kind && rows[i].outcome < EXEC_BETWEEN &&
		    applies(&rows[i], s))
			to |= after(rows[i].effect, s, o->pids);
	if (s.there && s.run == REBOOTING)
		to |= after(ENDED, s, 0);
	return to;
}

static uint64_t outcome_from(const struct op *o, int outcome, struct st s)
{
	enum kind kind = o->kind == LIST ? STATUS : o->kind;
	uint64_t to = 0;

	if (outcome == 6 && o->deadline)
		to |= by_itself(s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == kind && rows[i].outcome == outcome && applies(&rows[i], s))
			to |= after(rows[i].effect, s, o->pids);
	return to;
}

/* Of two parts the first: it ends the server if it runs. */
static uint64_t first_from(const struct op *o, struct st s)
{
	if (o->outcome == 0)
		return s.there ? after(ENDED, s, 0) : 0;
	return by_itself(s) | (s.there ? after(ENDED, s, 0) : 0);
}

static int add_parts(struct part p[], int n, const struct op *o, bool disturbed)
{
	bool two = model_parts(o->kind) == 2 && o->outcome != 4;

	for (int i = !two; i < 2; i++) {
		p[n] = (struct part) { .start = o->start, .end = o->end, .behind = -1 };
		if (two && i)
			p[n].behind = n - 1;
		for (int s = 0; s < N_ST; s++) {
			struct st st = unpack(s);

			p[n].to[s] = !i			    ? first_from(o, st)
				     : o->outcome == KILLED ? killed_from(o, st)
							    : outcome_from(o, o->outcome, st);
			if (i && disturbed)
				p[n].to[s] |= outcome_from(o, DISTURBED + o->outcome, st);
		}
		n++;
	}
	return n;
}

static uint64_t step(const struct part *p, uint64_t set)
{
	uint64_t to = 0;

	for (int s = 0; s < N_ST; s++)
		if (set & BIT(s))
			to |= p->to[s];
	return to;
}

/* Whether part i can be the next after those in done: all that ended before it began are there. */
static bool may_be_next(const struct part p[], int n, int i, unsigned done)
{
	if (done & 1u << i || (p[i].behind >= 0 && !(done & 1u << p[i].behind)))
		return false;
	for (int k = 0; k < n; k++)
		if (!(done & 1u << k) && p[k].end < p[i].start)
			return false;
	return true;
}

uint64_t model_search(uint64_t from, const struct op *const op[], int n_op)
{
	struct part p[MAX_PARTS];
	int n = 0;

	for (int i = 0; i < n_op; i++) {
		bool disturbed = false;

		for (int k = 0; k < n_op; k++)
			disturbed |= op[k]->kind >= KILL_INIT && op[k]->start < op[i]->end;
		n = add_parts(p, n, op[i], disturbed);
	}
	memset(reach, 0, sizeof(reach[0]) << n);
	for (int s = 0; s < N_ST; s++)
		if (from & BIT(s))
			reach[0] |= by_itself(unpack(s));
	for (unsigned done = 0; done < (1u << n) - 1; done++)
		for (int i = 0; reach[done] && i < n; i++)
			if (may_be_next(p, n, i, done))
				reach[done | 1u << i] |= step(&p[i], reach[done]);
	return reach[(1u << n) - 1];
}

/* ---- sets ---- */

uint64_t model_absent(void)
{
	return BIT(ABSENT);
}

uint64_t model_like(enum run run, int pids)
{
	uint64_t set = 0;

	for (int s = 0; s < ABSENT; s++)
		if (unpack(s).run == run && unpack(s).pids == pids)
			set |= BIT(s);
	return set;
}

bool model_restless(uint64_t set)
{
	for (int s = 0; s < ABSENT; s++)
		if (set & BIT(s) && (unpack(s).doomed || unpack(s).run == REBOOTING))
			return true;
	return false;
}

void model_print(uint64_t set, char *out, size_t size)
{
	static const char *const word[] = { "stopped", "running", "suspended", "rebooting" };
	size_t n = 0;

	*out = 0;
	for (int s = 0; s < N_ST && n < size; s++) {
		struct st st = unpack(s);

		if (!(set & BIT(s)))
			continue;
		if (!st.there)
			n += (size_t)snprintf(out + n, size - n, " absent");
		else
			n += (size_t)snprintf(out + n, size - n, " %s/%s%s%s", word[st.run],
					      pids_text[st.pids], st.doomed ? "/asked-to-stop" : "",
					      st.orphan ? "/monitor-killed" : "");
	}
}
