// SPDX-License-Identifier: GPL-2.0-or-later
/* Suspending and resuming. */
#include "base/mem.h"
#include "run/change.h"
#include "run/events.h"
#include "run/run.h"
#include "sys/lock.h"

static int record_frozen(const struct host *h, struct state *s, bool frozen, struct err *err)
{
	s->frozen = frozen;
	return state_save(h, s, err);
}

/* It is recorded as suspended for as long as a part of it may be: from before it is frozen until
 * after it is thawed. What was killed in between, recovery freezes again. */
static int freeze_locked(const struct host *h, const char *name, bool frozen, bool *changed,
			 struct err *err)
{
	struct err unused = { 0 };
	struct cg_layout layout;
	struct state s;
	struct cg cg;
	int r = state_load(h, name, &s, err);

	if (r < 0)
		return r;
	r = change_open_group(h, &s, &layout, &cg, err);
	if (r < 0)
		return r;
	*changed = s.frozen != frozen;
	r = *changed && frozen ? record_frozen(h, &s, true, err) : 0;
	if (r == 0)
		r = cg_freeze(&cg, frozen, 10000, err);
	if (*changed && frozen && r < 0)
		record_frozen(h, &s, false, &unused);
	if (*changed && !frozen && r == 0) {
		r = record_frozen(h, &s, false, err);
		if (r < 0) /* what is recorded and what is must agree */
			cg_freeze(&cg, true, 10000, &unused);
	}
	cg_close(&cg);
	if (*changed && r == 0)
		event_add(h, name, frozen ? EVENT_SUSPEND : EVENT_RESUME, NULL);
	return r;
}

int run_freeze(const struct host *h, const char *name, bool frozen, const struct run_opts *o,
	       bool *changed, struct err *err)
{
	struct lock lock = LOCK_NONE;
	int r = change_begin(h, name, o, &lock, err);

	*changed = false;
	if (r < 0)
		return r;
	r = freeze_locked(h, name, frozen, changed, err);
	lock_drop(&lock);
	return r;
}
