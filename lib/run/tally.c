// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a server used in all, at one moment; see tally.h.
 *
 * A run that ends is written down before its groups go (undo_cgroup()), and they go before its
 * record; so does its link. So what must stay true here: the groups and the link are looked at
 * after the ledger was read, and when they are gone the ledger is read again; what was read counts
 * only when the record names the same run before and after.
 */
#include "run/tally.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/ids.h"
#include "run/ledger.h"
#include "run/traffic.h"
#include "store/disk.h"

#define TRIES 200

int tally_layout(struct tally_reader *r, struct err *err)
{
	if (!r->tried) {
		_cleanup_free_ char *cache = xasprintf("%s/.cgroups", r->host->run);

		r->tried = true;
		r->found = cg_layout_get(cache, r->host->cgroup_parent, &r->layout, &r->why);
		if (r->found == -ENOENT) /* which would mean the groups of a server */
			r->found = -ENODEV;
	}
	if (r->found < 0)
		*err = r->why;
	return r->found;
}

void tally_close(struct tally_reader *r)
{
	nl_drop(r->nl);
	r->nl = NULL;
	r->nl_tried = false;
}

/* Whether its link is not there, though it should be. */
static bool read_link(struct tally_reader *r, const struct state *st, struct limit_usage *now)
{
	struct err unused = { 0 };

	if (!st->host_if[0])
		return false;
	if (!r->nl_tried && nl_open(&r->nl, &unused) < 0)
		r->nl = NULL;
	r->nl_tried = true;
	return r->nl && traffic_read(r->nl, st, now) == 0;
}

/* What a run uses now. -ENOENT: its groups are gone, perhaps while they were read. */
static int read_groups(struct tally_reader *r, const struct state *st, struct limit_usage *now,
		       struct tally *t, struct err *err)
{
	char text[128];
	struct cg cg;
	int ret = tally_layout(r, err);

	if (ret == 0)
		ret = cg_open(&r->layout, st->cgroup, st->groups, &cg, err);
	if (ret < 0)
		return ret;
	limit_usage(&cg, now);
	if (r->pressure)
		limit_pressure(&cg, t->pressure);
	/* Of all its groups this one goes first. */
	ret = cg_read_v2(&cg, "cgroup.events", text, sizeof(text));
	cg_close(&cg);
	return ret < 0 ? -ENOENT : 0;
}

void tally_keep(const struct host *h, const struct state *s)
{
	struct tally_reader r = { .host = h };
	struct tally t = { .runs = true };
	struct err unused = { 0 };
	struct limit_usage now;

	if (s->init <= 0 || !s->init_start || read_groups(&r, s, &now, &t, &unused) < 0)
		return;
	traffic_read_once(s, &now);
	(void)ledger_keep(h, s, &now, &unused);
}

static bool same_run(const struct tally *t, bool has_state, const struct state *again)
{
	bool before = t->has_state && t->state.init > 0, after = has_state && again->init > 0;

	return before == after && (!before || t->state.init_start == again->init_start);
}

/* 1: it was another run at the end than at the beginning. */
static int try_read(struct tally_reader *r, const char *name, struct tally *t, struct err *err)
{
	struct limit_usage now;
	struct ledger l;
	struct state again = { .init = 0 };
	int ret = state_find(r->host, name, &t->state, err);

	if (ret < 0)
		return ret;
	t->has_state = ret > 0;
	t->runs = t->has_state && t->state.init > 0;
	limit_usage_none(&now);
	limit_pressure_none(t->pressure);
	ret = ledger_load(r->host, name, &l, err);
	if (ret == 0 && t->runs)
		ret = read_groups(r, &t->state, &now, t, err);
	if (ret == -ENOENT) {
		t->runs = false;
		limit_pressure_none(t->pressure);
		ret = ledger_load(r->host, name, &l, err);
	} else if (ret == 0 && t->runs && read_link(r, &t->state, &now)) {
		ret = ledger_load(r->host, name, &l, err);
	}
	if (ret == 0)
		ret = state_find(r->host, name, &again, err);
	if (ret < 0)
		return ret;
	if (!same_run(t, ret > 0, &again))
		return 1;
	ledger_total(&l, t->runs ? &t->state : NULL, &now, &t->total);
	t->since = l.since ? l.since : t->runs ? t->state.started : 0;
	return 0;
}

static uint64_t own_disk(const struct host *h, const char *name)
{
	_cleanup_free_ char *fs = xasprintf("%s/servers/%s/fs", h->var, name);
	uid_t project;

	return disk_held(fs, ids_of(h, name, &project) == 0 ? project : 0);
}

int tally_read(struct tally_reader *r, const char *name, struct tally *ret, struct err *err)
{
	struct tally t = { .runs = false };
	int done = 1;

	for (int i = 0; done == 1 && i < TRIES; i++) {
		if (i > 0)
			usleep(1000);
		done = try_read(r, name, &t, err);
	}
	if (done == 1)
		return err_set(err, ERR_BUSY, 0, "it starts and stops all the time");
	if (done < 0)
		return done;
	t.total.disk = own_disk(r->host, name);
	*ret = t;
	return 0;
}
