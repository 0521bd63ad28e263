// SPDX-License-Identifier: GPL-2.0-or-later
/* A change of a running server: into force, and back. What must stay true: after a failure, what is
 * in force is what the record says. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "run/change.h"
#include "run/live.h"

/* The limits of a running server, with what they need around them. */
static int live_limits(struct change *c, const struct limit_conf *want,
		       const struct limit_conf *old, struct err *err)
{
	const struct cg *cg = &c->cg;
	int r = limit_apply(cg, want, old, &c->devs, err);

	if (r == 0 && want->memory_guarantee != old->memory_guarantee) {
		r = limit_guarantee_inside(cg, want->memory_guarantee, err);
		if (r == 0)
			r = limit_guarantee_sums(cg->layout, c->h->cgroup_parent, err);
	}
	if (r == 0 && c->state.view && want->cpus != old->cpus)
		limit_view(cg, want);
	if (r == 0 && want->oom_score != old->oom_score)
		r = limit_oom_score(cg, want->oom_score, err);
	if (r == 0 && (want->memory != old->memory || want->ptys != old->ptys))
		r = live_mounts(&c->state, want, &c->mounts_silent, err);
	return r;
}

bool change_is_in_force(const struct opt *o)
{
	if (!(o->flags & OPT_LIVE))
		return false;
	for (size_t i = 0; i < limit_n_opts; i++)
		if (o == &limit_opts[i])
			return true;
	return o == &limit_raw_opts[0] || streq(o->name, "hostname");
}

int change_apply(struct change *c, struct err *err)
{
	unsigned controllers = limit_groups(&c->limit) | limit_raw_groups(&c->new.raw);
	struct state s = c->state;
	int r = cg_extend(&c->cg, cg_extra(&c->layout, controllers), err);

	if (r == 0) {
		c->limits_done = true;
		r = live_limits(c, &c->limit, &c->state.limit, err);
	}
	if (r == 0)
		r = limit_raw_apply(&c->cg, &c->new.raw, &c->old.raw, &c->raw_before, err);
	if (r == 0 && c->hostname) {
		c->hostname_done = true; /* whoever sets it may be killed when that is done */
		r = live_hostname(&c->state, c->hostname, err);
		snprintf(s.hostname, sizeof(s.hostname), "%s", c->hostname);
	}
	if (r < 0)
		return r;
	s.limit = c->limit;
	s.groups = c->cg.extra;
	return state_save(c->h, &s, err);
}

void change_undo(struct change *c)
{
	struct err unused = { 0 };

	limit_raw_undo(&c->cg, &c->new.raw, &c->raw_before);
	if (c->limits_done)
		live_limits(c, &c->state.limit, &c->limit, &unused);
	if (c->hostname_done)
		live_hostname(&c->state, c->state.hostname, &unused);
	c->state.groups = c->cg.extra; /* a group that was added stays */
	state_save(c->h, &c->state, &unused);
}

int change_explain(struct change *c, struct strv *out, struct err *err)
{
	const struct strv *raw = &c->new.raw.cgroup;
	char a[24] = "", b[24] = "";
	int r = limit_explain_change(&c->cg, &c->limit, &c->devs, out, err);

	for (size_t i = 0; r == 0 && i < raw->n; i++)
		if (!strv_has(&c->old.raw.cgroup, raw->v[i]))
			strv_take(out, xasprintf("kernel: %s", raw->v[i]));
	if (r < 0)
		return r;
	if (c->limit.memory != c->state.limit.memory) {
		(void)live_tmpfs_size(&c->state.limit, a);
		(void)live_tmpfs_size(&c->limit, b);
		strv_take(
		    out,
		    xasprintf("inside: size of /dev/shm, and of /run where croft made it: %s -> %s",
			      c->state.limit.memory == PARSE_UNLIMITED ? "unlimited" : a,
			      c->limit.memory == PARSE_UNLIMITED ? "unlimited" : b));
	}
	if (c->limit.ptys != c->state.limit.ptys)
		strv_take(out, xasprintf("inside: pseudo-terminals: %llu -> %llu",
					 (unsigned long long)c->state.limit.ptys,
					 (unsigned long long)c->limit.ptys));
	if (c->limit.oom_score != c->state.limit.oom_score)
		strv_take(out, xasprintf("inside: oom_score_adj: %llu -> %llu",
					 (unsigned long long)c->state.limit.oom_score,
					 (unsigned long long)c->limit.oom_score));
	if (c->hostname && !streq(c->hostname, c->state.hostname))
		strv_take(out,
			  xasprintf("inside: host name: %s -> %s", c->state.hostname, c->hostname));
	return 0;
}
