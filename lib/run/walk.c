// SPDX-License-Identifier: GPL-2.0-or-later
/* Walking the table of steps, in both processes and in both directions. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/groups.h"
#include "run/steps.h"

void run_init(struct run *r, const struct host *h, uint64_t deadline_ms)
{
	*r = (struct run) {
		.host = h,
		.deadline_ms = deadline_ms,
		.cg = CG_NONE,
		.cg_monitor = -1,
		.sock = { -1, -1 },
		.control = { -1, -1 },
		.mapped = { -1, -1 },
		.pidfd = -1,
		.console = -1,
		.console_master = -1,
		.root = -1,
		.held = -1,
	};
}

int run_from_state(struct run *r, const struct host *h, const struct state *s, struct err *err)
{

	run_init(r, h, UINT64_MAX);
	r->state = *s;
	int ret = groups_layout(h, &r->layout, err);
	if (ret < 0)
		return ret;
	ret = cg_open(&r->layout, s->cgroup, s->groups, &r->cg, err);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	if (ret < 0) {
		r->cg = (struct cg)CG_NONE;
		err_clear(err);
	}
	/* A mode undoes by the interface's name; the rest of its plan is not needed for that. */
	r->net.mode = net_find(s->net);
	snprintf(r->net.server, sizeof(r->net.server), "%s", s->name);
	snprintf(r->net.host_if, sizeof(r->net.host_if), "%s", s->host_if);
	while (steps[r->done].name)
		r->done++;
	return 0;
}

void run_close(struct run *r)
{
	store_layers_close(&r->layers);
	guard_filter_free(&r->filter);
	if (r->cg.fd2 >= 0)
		cg_close(&r->cg);
	for (int i = 0; i < r->n_parents; i++)
		fd_drop(&r->parents[i]);
	r->n_parents = 0;
	fd_drop(&r->cg_monitor);
	fd_drop(&r->sock[0]);
	fd_drop(&r->sock[1]);
	fd_drop(&r->control[0]);
	fd_drop(&r->control[1]);
	fd_drop(&r->mapped[0]);
	fd_drop(&r->mapped[1]);
	fd_drop(&r->pidfd);
	for (int i = 0; i < r->got.n; i++)
		fd_drop(&r->got.fd[i]);
	r->got.n = 0;
	fd_drop(&r->console);
	fd_drop(&r->held);
}

static int meet(struct run *r, const struct step *s, bool inside, struct err *err)
{
	struct sync_fds give = { 0 };

	if (inside && s->give)
		s->give(r, &give);
	return sync_meet(r->sock[inside], s->name, &give, &r->got, r->deadline_ms, err);
}

/* Whether a row is one of this process's: its own, and host and inside meet. */
static bool is_ours(const struct run *r, const struct step *s, enum step_where we)
{
	return (s->where == we || (s->where == STEP_MEET && we != STEP_MONITOR)) &&
	       (!s->wanted || s->wanted(r->plan));
}

/* An error gets the name of its row, once: that of another process has it already. */
static int at_row(const char *row, int ret, struct err *err)
{
	return ret == -EREMOTEIO ? ret : err_wrap(err, ret, "%s", row);
}

int walk_host(struct run *r, struct err *err)
{
	int ret = 0;

	for (; steps[r->done].name; r->done++) {
		const struct step *s = &steps[r->done];

		if (!is_ours(r, s, STEP_HOST))
			continue;
		ret = s->where == STEP_MEET ? meet(r, s, false, err) : s->up(r, err);
		if (ret < 0)
			return sync_reason(r->sock[0], at_row(s->name, ret, err), err);
	}
	/* init is running when its exec(2) has closed the child's end. */
	return at_row("init", sync_end(r->sock[0], r->deadline_ms, err), err);
}

int walk_monitor(struct run *r, struct err *err)
{
	for (const struct step *s = steps; s->name; s++) {
		if (!is_ours(r, s, STEP_MONITOR))
			continue;
		int ret = s->up(r, err);
		if (ret < 0)
			return at_row(s->name, ret, err);
	}
	return 0;
}

int walk_back(struct run *r, struct err *err)
{
	int ret = 0;

	/* The row that failed may be half done: it is walked back over too. */
	for (size_t i = r->done + 1; i-- > 0;) {
		const struct step *s = &steps[i];
		struct err e = { 0 };

		if (!s->name || !s->down || (i == 0 && ret < 0))
			continue;
		int now = at_row(s->name, s->down(r, &e), &e);
		if (now < 0 && ret == 0) {
			ret = now;
			*err = e;
		}
	}
	return ret;
}

_Noreturn void walk_inside(struct run *r)
{
	struct err err = { 0 };

	/* The host's ends: only when these are closed does losing the host end this process. */
	fd_drop(&r->sock[0]);
	fd_drop(&r->control[0]);
	fd_drop(&r->control[1]);
	fd_drop(&r->mapped[0]);
	/* The time that a start has is a matter of the host's side. If this side watched it as
	 * well, it could be gone first, and the host's would not know why. */
	r->deadline_ms = UINT64_MAX;
	for (const struct step *s = steps; s->name; s++) {
		if (!is_ours(r, s, STEP_INSIDE))
			continue;
		int ret = s->where == STEP_MEET ? meet(r, s, true, &err) : s->up(r, &err);
		/* Said aloud, also by who could not hear the last word: to the host a closed socket
		 * would be init. The host's own error comes back to nobody. */
		if (ret < 0) {
			sync_fail(r->sock[1], s->name, &err);
			_exit(1);
		}
	}
	_exit(1);
}
