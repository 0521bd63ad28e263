// SPDX-License-Identifier: GPL-2.0-or-later
/* Starting a server: plan, walk the table, walk back when it fails. */
#include "run/launch.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/events.h"
#include "run/hooks.h"
#include "run/recover.h"
#include "run/run.h"
#include "run/steps.h"
#include "sys/lock.h"

/* Enough for a start on a machine that swaps; a start that hangs ends here. */
#define LAUNCH_MS 60000

int run_may_start(struct err *err)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) /* prctl(2), Linux 3.5 */
		return 0;
	return err_set(err, ERR_PERM, 0,
		       "this process has no_new_privs set, and a server would have it for all of "
		       "its run: neither sudo nor su would work there; start it from a shell or a "
		       "unit without (NoNewPrivileges=no)");
}

/* Walks; what was begun of a start that fails is undone. */
static int walk(struct run *r, struct err *err)
{
	struct err unused = { 0 };
	int ret = walk_host(r, err);

	if (ret < 0) /* what cannot be undone now is tried again by the next command */
		(void)walk_back(r, &unused);
	return ret;
}

static int failed(const struct host *h, const char *name, int ret, const struct err *err)
{
	event_text(h, name, EVENT_START_FAILED, "error", err->text);
	return ret;
}

int launch(const struct host *h, const struct server *s, const struct state *before,
	   uint64_t deadline_ms, struct strv *warnings, struct err *err)
{
	struct plan p;
	struct run r;
	int ret = run_may_start(err);

	if (ret == 0)
		ret = plan_make(h, s, &p, err);
	if (ret < 0)
		return failed(h, s->name, ret, err);
	if (deadline_ms == UINT64_MAX)
		deadline_ms = clock_ms() + LAUNCH_MS;
	run_init(&r, h, deadline_ms);
	r.plan = &p;
	r.state.boots = before ? before->boots + 1 : 1;
	r.quick = before && time(NULL) - before->started < EVENT_QUICK_S;
	ret = walk(&r, err);
	struct state state = r.state;
	for (size_t i = 0; warnings && i < r.warnings.n; i++)
		strv_add(warnings, r.warnings.v[i]);
	strv_free(&r.warnings);
	run_close(&r);
	if (ret < 0)
		return failed(h, s->name, ret, err);
	event_started(h, &state, before);
	ret = hooks_run(h, &state, "started", err);
	return ret < 0 ? err_wrap(err, ret, "the server runs, but a started script failed") : 0;
}

int launch_again(const struct host *h, const struct state *before, struct err *err)
{
	struct server s;
	int r = server_load(&s, h, before->name, err);

	if (r < 0)
		return failed(h, before->name, r, err);
	r = launch(h, &s, before, UINT64_MAX, NULL, err);
	server_free(&s);
	return r;
}

int run_start(const struct host *h, const char *name, const struct run_opts *o, bool *changed,
	      struct err *err)
{
	_cleanup_free_ char *path = state_lock_path(h, name);
	_cleanup_free_ char *what = xasprintf("server %s", name);
	struct lock lock = LOCK_NONE;
	struct server s;
	struct state state;

	*changed = false;
	if (!server_exists(h, name))
		return err_set(err, ERR_ABSENT, 0, "no such server");
	int r = lock_take(path, what, o->deadline_ms, &lock, err);
	if (r < 0)
		return r;
	r = recover_for_start(h, name, o->deadline_ms, err);
	if (r == 0)
		r = state_find(h, name, &state, err);
	if (r > 0) {
		r = 0;
	} else if (r == 0) {
		*changed = true;
		r = server_load(&s, h, name, err);
		if (r == 0) {
			r = launch(h, &s, NULL, o->deadline_ms, o->warnings, err);
			server_free(&s);
		}
	}
	lock_drop(&lock);
	return r;
}
