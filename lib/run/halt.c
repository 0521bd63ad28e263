// SPDX-License-Identifier: GPL-2.0-or-later
/* Stopping: init is asked, waited for a bounded time, then everything is killed by its group; after
 * that the table of steps is walked back. */
#include "run/groups.h"
#include "run/halt.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/hooks.h"
#include "run/launch.h"
#include "run/recover.h"
#include "run/run.h"
#include "run/steps.h"
#include "run/tally.h"
#include "run/traffic.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/proc.h"

/* held: see traffic.h; consumed. */
static int clear(const struct host *h, const struct state *s, int held, bool crashed, bool again,
		 struct err *err)
{
	_cleanup_close_ int own = held;
	struct run r;
	int ret = run_from_state(&r, h, s, err);

	if (ret < 0)
		return ret;
	r.held = STEAL_FD(own);
	r.force = crashed;
	r.again = again;
	bool left = r.cg.fd2 >= 0;
	if (left && r.cg.inside < 0 && cg_populated(&r.cg)) {
		run_close(&r);
		return err_set(err, ERR_STATE, 0,
			       "the control group %s is somebody else's: it has processes, and no "
			       "group \"inside\"; set CGROUP_PARENT to a group of croft's own",
			       s->cgroup);
	}
	if (left && cg_kill(&r.cg, 10000, err) < 0) {
		run_close(&r);
		return -EBUSY;
	}
	ret = walk_back(&r, err);
	run_close(&r);
	if (ret == 0)
		recover_change(h, s->name, NULL); /* addresses that it had until now */
	return ret;
}

int halt_clear(const struct host *h, const struct state *s, bool crashed, struct err *err)
{
	return clear(h, s, traffic_hold_init(s), crashed, false, err);
}

bool halt_wants_reboot(const struct host *h, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/ended", h->run, name);
	_cleanup_free_ char *how = NULL;

	return fd_read_file(AT_FDCWD, path, 128, &how, NULL) == 0 && streq(how, "signal 1\n");
}

void halt_mark(const struct host *h, const char *name, const char *mark)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/stopping", h->run, name);

	if (mark) {
		(void)fd_replace(AT_FDCWD, path, mark, strlen(mark), 0600, false);
		return;
	}
	fd_replace_tidy(AT_FDCWD, path);
	unlink(path);
}

bool halt_kills(const struct host *h, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/stopping", h->run, name);
	_cleanup_free_ char *mark = NULL;

	return fd_read_file(AT_FDCWD, path, 16, &mark, NULL) == 0 && streq(mark, HALT_KILLING);
}

void halt_freeze(const struct host *h, const struct state *s, bool frozen)
{
	struct cg_layout layout;
	struct err unused = { 0 };
	struct cg cg;

	if (groups_layout(h, &layout, &unused) < 0 ||
	    cg_open(&layout, s->cgroup, s->groups, &cg, &unused) < 0)
		return;
	cg_freeze(&cg, frozen, 1000, &unused);
	cg_close(&cg);
}

/* mark: NULL for a stop that is given up. */
static void record_stopping(const struct host *h, struct state *s, const char *mark)
{
	struct err unused = { 0 };

	s->phase = mark ? STATE_STOPPING : STATE_RUNNING;
	halt_mark(h, s->name, mark);
	(void)state_save(h, s, &unused);
}

#define YOUNG_S 30 /* since its start */

/* The kernel drops a signal to an init that is not prepared for it: one that has just been
 * executed, and sets up its handlers now. So a young one is asked again for as long as it does not
 * seem to listen; seem, as one that waits in sigtimedwait(2) looks the same, and then is told more
 * than once. 0: it is gone; -ETIMEDOUT: its time is over. */
static int ask_until_gone(const struct state *s, int fd, uint64_t time_ms)
{
	uint64_t now = clock_ms(), end = now + time_ms, pause = 5;
	bool asked = false;

	for (;;) {
		bool young = time(NULL) - s->started < YOUNG_S;
		bool listens = !young || proc_takes_signal(s->init, s->halt_signal) != 0;
		int r = listens && asked ? 0 : proc_pidfd_signal(fd, s->halt_signal);

		if (r < 0)
			return r == -ESRCH ? 0 : r;
		asked = listens;
		pause = young && pause < 100 ? pause * 2 : pause;
		r = proc_pidfd_wait(fd, (int)(young && pause < end - now ? pause : end - now));
		now = clock_ms();
		if (r != -ETIMEDOUT || now >= end)
			return r;
	}
}

/* 0: init is gone; -ETIMEDOUT: it is not, and had its time; any other error: nothing more is to be
 * done to it, the command's own deadline came first or it cannot be asked. */
static int ask_init(const struct host *h, struct state *s, uint64_t timeout_ms,
		    uint64_t deadline_ms, struct err *err)
{
	uint64_t now = clock_ms();
	bool cut = deadline_ms != UINT64_MAX && deadline_ms < now + timeout_ms;
	uint64_t wait = cut ? (deadline_ms > now ? deadline_ms - now : 0) : timeout_ms;
	_cleanup_close_ int fd = proc_pidfd_open(s->init, 0);
	int r = proc_look(s->init, s->init_start);

	if (fd == -ESRCH || r == 0)
		return 0;
	if (fd < 0 || r < 0)
		return err_set(err, ERR_FAIL, fd < 0 ? -fd : -r,
			       "cannot watch init, so it was not asked");
	if (s->frozen) { /* a frozen init cannot answer */
		halt_freeze(h, s, false);
		s->frozen = false;
	}
	r = ask_until_gone(s, fd, wait);
	if (r == 0)
		return 0;
	if (r != -ETIMEDOUT)
		return err_set(err, ERR_FAIL, -r, "cannot ask init to stop");
	if (!cut)
		return -ETIMEDOUT;
	return err_set(err, ERR_BUSY, 0,
		       "init was asked to stop and has not yet; the deadline has passed");
}

int halt(const struct host *h, struct state *s, uint64_t timeout_ms, uint64_t deadline_ms,
	 bool *killed, struct err *err)
{
	bool gone = !state_alive(s); /* its monitor waits for our lock, then */
	_cleanup_close_ int held = traffic_hold_init(s);
	int r;

	/* From here on whoever could write it down may be killed. */
	if (!gone)
		tally_keep(h, s);
	record_stopping(h, s, timeout_ms > 0 ? HALT_ASKING : HALT_KILLING);
	r = timeout_ms > 0 ? ask_init(h, s, timeout_ms, deadline_ms, err) : 0;
	if (killed)
		*killed = r == -ETIMEDOUT;
	if (r < 0 && r != -ETIMEDOUT) {
		record_stopping(h, s, NULL);
		return r;
	}
	if (timeout_ms > 0)
		halt_mark(h, s->name, HALT_KILLING);
	return clear(h, s, STEAL_FD(held), gone, false, err);
}

static int stop_locked(const struct host *h, const char *name, int64_t timeout_ms,
		       const struct run_opts *o, bool *changed, struct err *err)
{
	bool killed = false;
	struct err none = { 0 };
	struct server server;
	struct state s;
	uint64_t timeout = timeout_ms < 0 ? 60000 : (uint64_t)timeout_ms;
	int r = recover_server(h, name, err);

	if (r < 0)
		return r;
	r = state_find(h, name, &s, err);
	if (r <= 0)
		return r < 0 ? r : recover_probe(h, name, err);
	if (timeout_ms < 0 && server_load(&server, h, name, &none) == 0) {
		timeout = server.boot.stop_timeout;
		server_free(&server);
	}
	r = hooks_run(h, &s, "pre-stop", err);
	if (r == 0)
		r = halt(h, &s, timeout, o->deadline_ms, &killed, err);
	if (r < 0)
		return r;
	*changed = true;
	if (killed && o->killed_after_ms)
		*o->killed_after_ms = timeout;
	s.phase = STATE_STOPPED;
	s.init = 0;
	r = hooks_run(h, &s, "stopped", err);
	return r < 0 ? err_wrap(err, r, "the server is stopped, but a stopped script failed") : 0;
}

int run_stop(const struct host *h, const char *name, int64_t timeout_ms, const struct run_opts *o,
	     bool *changed, struct err *err)
{
	_cleanup_free_ char *path = state_lock_path(h, name);
	_cleanup_free_ char *what = xasprintf("server %s", name);
	struct lock lock = LOCK_NONE;

	*changed = false;
	if (!server_exists(h, name))
		return err_set(err, ERR_ABSENT, 0, "no such server");
	int r = lock_take(path, what, o->deadline_ms, &lock, err);
	if (r < 0)
		return r;
	r = stop_locked(h, name, timeout_ms, o, changed, err);
	lock_drop(&lock);
	return r;
}

/* A server whose init does nothing but reboot must not take the host's CPU: one start a second. The
 * lock is not held meanwhile, so that whoever waits for it gets it; he tidies up himself then. */
static void pace(const struct host *h, const char *name)
{
	struct err unused = { 0 };
	struct state s;

	if (halt_wants_reboot(h, name) && state_load(h, name, &s, &unused) == 0 &&
	    s.monitor == getpid() && time(NULL) - s.started < 1)
		sleep(1);
}

static int ended_locked(const struct host *h, const char *name, int held, struct err *err)
{
	_cleanup_close_ int own = held;
	struct state s;

	/* Somebody else was first, or this is another run of the server already. */
	if (state_load(h, name, &s, err) < 0 || s.monitor != getpid() || state_alive(&s)) {
		err_clear(err);
		return 0;
	}
	bool reboot = halt_wants_reboot(h, name);
	int r = clear(h, &s, STEAL_FD(own), false, reboot, err);
	if (r < 0)
		return r;
	if (!reboot) {
		s.phase = STATE_STOPPED;
		s.init = 0;
		return hooks_run(h, &s, "stopped", err);
	}
	r = launch_again(h, &s, err);
	/* It may have failed before its own record, or run although a script has failed. */
	struct err unused = { 0 };
	if (r < 0 && state_load(h, name, &s, &unused) == 0 && s.phase == STATE_STARTING)
		(void)state_remove(h, name, &unused);
	return r;
}

int run_ended(const struct host *h, const char *name, struct err *err)
{
	_cleanup_free_ char *path = state_lock_path(h, name);
	_cleanup_free_ char *what = xasprintf("server %s", name);
	struct lock lock = LOCK_NONE;
	int held = traffic_handed();

	pace(h, name);
	int r = lock_take(path, what, UINT64_MAX, &lock, err);

	if (r < 0)
		return r;
	r = ended_locked(h, name, held, err);
	if (server_exists(h, name))
		lock_drop(&lock);
	else /* destroyed meanwhile: the lock's file goes too */
		lock_drop_remove(&lock);
	return r;
}
