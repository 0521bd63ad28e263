// SPDX-License-Identifier: GPL-2.0-or-later
/* The host side's steps of a start, and how each is undone. The undoing halves work from r->state
 * and from names alone, so that they serve a failed start, a stop, and recovery after a crash
 * alike. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "hook/hook.h"
#include "run/configure.h"
#include "run/events.h"
#include "run/groups.h"
#include "run/hooks.h"
#include "run/ledger.h"
#include "run/monitor.h"
#include "run/steps.h"
#include "run/traffic.h"
#include "run/view.h"
#include "store/disk.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/proc.h"
#include "sys/sock.h"

/* How long the kernel gets to end killed processes, and the monitor to notice. */
#define KILL_MS	   10000
#define MONITOR_MS 3000

/* The intent: every resource that follows has its name in this file, or a name made from the
 * server's, before it exists. */
int step_intent(struct run *r, struct err *err)
{
	const struct plan *p = r->plan;
	struct state *s = &r->state;

	snprintf(s->name, sizeof(s->name), "%s", p->name); /* undo_intent() goes by it */
	int ret = fd_mkdir_p(p->run_dir, 0700);
	if (ret < 0)
		return err_set(err, ERR_FAIL, -ret, "cannot create %s", p->run_dir);
	s->phase = STATE_STARTING;
	s->started = time(NULL);
	s->uid_base = p->uid_base;
	s->features = p->features;
	s->privileged = p->privileged;
	s->halt_signal = p->dialect->halt_signal;
	s->reboot_signal = p->dialect->reboot_signal;
	s->view = p->view != PLAN_VIEW_NONE;
	s->limit = p->limit;
	s->n_ip = p->net.n_ip;
	memcpy(s->ip, p->net.ip, sizeof(s->ip));
	snprintf(s->cgroup, sizeof(s->cgroup), "%s", p->cgroup);
	snprintf(s->host_if, sizeof(s->host_if), "%s", p->net.host_if);
	snprintf(s->net, sizeof(s->net), "%s", p->net.mode->name);
	snprintf(s->store, sizeof(s->store), "%s", p->store.store->name);
	snprintf(s->dialect, sizeof(s->dialect), "%s", p->dialect->name);
	snprintf(s->template, sizeof(s->template), "%s", p->server->store.template);
	snprintf(s->hostname, sizeof(s->hostname), "%s", p->hostname);
	return state_save(r->host, s, err);
}

/* How init ended is told to `croft status` after everything else of the run is gone. The word of
 * it, freed by the caller; NULL where it is not known. */
static char *record_end(const struct run *r)
{
	_cleanup_free_ char *from = xasprintf("%s/%s/ended", r->host->run, r->state.name);
	_cleanup_free_ char *to = xasprintf("%s/servers/%s/ended", r->host->var, r->state.name);
	char *how = NULL;

	if (fd_read_file(AT_FDCWD, from, 128, &how, NULL) < 0)
		return NULL;
	_cleanup_free_ char *text = xasprintf("%lld %s", (long long)time(NULL), how);
	(void)fd_overwrite(AT_FDCWD, to, text); /* only told, never relied on */
	how[strcspn(how, "\n")] = '\0';
	return how;
}

/* Whether it was a run, and not only a start; and it is not a reboot, which recovery ends. */
static bool is_stop(const struct state *s, const char *how)
{
	bool reboots = s->phase == STATE_RUNNING && how && streq(how, "signal 1");

	return (s->phase == STATE_RUNNING || s->phase == STATE_STOPPING) && s->init > 0 && !reboots;
}

int undo_intent(struct run *r, struct err *err)
{
	struct err unused = { 0 };
	_cleanup_free_ char *how = record_end(r);
	struct state was = r->state;

	r->state.phase = STATE_STARTING;
	r->state.init = r->state.monitor = 0;
	if (r->again && state_save(r->host, &r->state, &unused) == 0) {
		_cleanup_free_ char *ended = xasprintf("%s/%s/ended", r->host->run, r->state.name);
		unlink(ended);
		return 0;
	}
	int ret = state_remove(r->host, r->state.name, err);
	if (ret == 0 && is_stop(&was, how))
		event_stopped(r->host, &was, how);
	return ret;
}

int step_store(struct run *r, struct err *err)
{
	int ret = r->plan->store.store->layers(&r->plan->store, &r->layers, err);

	if (ret == 0 && r->layers.warning[0])
		strv_add(&r->warnings, r->layers.warning);
	return ret;
}

int undo_store(struct run *r, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/servers/%s/fs", r->host->var, r->state.name);

	(void)err;
	store_layers_close(&r->layers);
	disk_settle(dir);
	return 0;
}

int step_dialect(struct run *r, struct err *err)
{
	return configure_root(r->plan, err);
}

int step_cgroup(struct run *r, struct err *err)
{
	int ret = groups_layout(r->host, &r->layout, err);

	if (ret == 0)
		ret = cg_make(&r->layout, r->plan->cgroup, &r->cg, err);
	if (ret < 0)
		return ret;
	r->cg_monitor = cg_monitor_open(&r->layout, r->host->cgroup_parent, err);
	if (r->cg_monitor < 0)
		return r->cg_monitor;
	ret = cg_parent_fds(&r->layout, r->host->cgroup_parent, true, r->parents, err);
	if (ret < 0)
		return ret;
	r->n_parents = ret;
	return 0;
}

/* What this run has used, before its groups and its link go. Told, never relied on: no reason to
 * keep them. A start that has failed was no run, and leaves nothing. */
static void write_down(struct run *r)
{
	struct err unused = { 0 };
	struct limit_usage now;

	if (r->plan || !r->state.init || !r->state.init_start)
		return;
	limit_usage(&r->cg, &now);
	traffic_read_once(&r->state, &now);
	(void)ledger_keep(r->host, &r->state, &now, &unused);
}

int undo_cgroup(struct run *r, struct err *err)
{
	struct err unused = { 0 };
	int ret;

	if (r->cg.fd2 >= 0) { /* that it did not help is seen below */
		cg_kill(&r->cg, KILL_MS, &unused);
		write_down(r);
		cg_close(&r->cg);
		r->cg = (struct cg)CG_NONE;
	}
	/* A group stays busy for a moment after its last process has died. */
	ret = cg_remove(&r->layout, r->state.cgroup, err);
	for (int i = 0; ret == -EBUSY && i < 50; i++) {
		usleep(2000u * (unsigned)(i + 1));
		ret = cg_remove(&r->layout, r->state.cgroup, err);
	}
	if (ret == 0 && r->state.limit.memory_guarantee)
		limit_guarantee_sums(&r->layout, r->host->cgroup_parent, &unused);
	return ret;
}

/* Before init is cloned: it leaves room for those who make containers inside (step_kernfs). */
int step_view(struct run *r, struct err *err)
{
	dev_t unused;

	r->view = view_there(&unused);
	if (!r->view && r->plan->view == PLAN_VIEW_LXCFS)
		return err_set(err, ERR_HOST, 0,
			       "nothing is mounted on " VIEW_DIR ": start lxcfs (package lxcfs), "
			       "or set view to \"auto\"");
	return 0;
}

/* After init has put its root together, and before it runs anything of the server's. */
int step_view_put(struct run *r, struct err *err)
{
	if (!r->view)
		return 0;
	int ret = view_put(r->pidfd, r->plan->privileged, r->deadline_ms, err);
	if (ret == 0 || r->plan->view == PLAN_VIEW_LXCFS)
		return ret;
	err_clear(err);
	strv_add(&r->warnings, "lxcfs does not work: /proc inside shows the memory and the CPUs of "
			       "the host (see croft check)");
	return 0;
}

int step_groups(struct run *r, struct err *err)
{
	r->state.groups = cg_extra(&r->layout, limit_groups(&r->plan->limit) |
						   limit_raw_groups(&r->plan->server->raw));
	return cg_finish(&r->cg, r->plan->uid_base, r->state.groups, err);
}

int step_limits(struct run *r, struct err *err)
{
	const struct plan *p = r->plan;
	struct strv before = { 0 };
	struct blk_devs devs;
	int ret = groups_devices(p->host, p->server, NULL, &devs, err);

	if (ret == 0)
		ret = limit_apply(&r->cg, &p->limit, NULL, &devs, err);
	if (ret == 0)
		ret = limit_raw_apply(&r->cg, &p->server->raw, NULL, &before, err);
	strv_free(&before);
	if (ret == 0 && r->view && p->limit.cpus != PARSE_UNLIMITED)
		limit_view(&r->cg, &p->limit);
	if (ret == 0 && p->limit.memory_guarantee)
		ret = limit_guarantee_inside(&r->cg, p->limit.memory_guarantee, err);
	if (ret == 0 && p->limit.memory_guarantee)
		ret = limit_guarantee_sums(&r->layout, r->host->cgroup_parent, err);
	return ret;
}

int step_devices(struct run *r, struct err *err)
{
	bool active; /* croft check tells where this layer is missing */

	return guard_devices_apply(&r->cg, r->plan->features, &active, err);
}

int step_hand(struct run *r, struct err *err)
{
	struct sync_fds give = { 0 };
	int ret = cg_join_fds(&r->cg, give.fd, err);

	if (ret < 0)
		return ret;
	give.n = ret;
	ret = sync_tell(r->sock[0], "join", &give, err);
	for (int i = 0; i < give.n; i++)
		fd_drop(&give.fd[i]);
	return ret;
}

int step_filter(struct run *r, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/cache", r->host->var);

	return guard_filter_get(dir, r->plan->features, &r->filter, err);
}

int step_net_host(struct run *r, struct err *err)
{
	_cleanup_free_ char *stamp = xasprintf("%s/.net", r->host->run);

	if (!r->plan->net.mode->host_up)
		return 0;
	int ret = r->plan->net.mode->host_up(&r->plan->net, stamp, err);
	return ret < 0 ? ret : 0;
}

int step_pre_start(struct run *r, struct err *err)
{
	return hooks_run(r->host, &r->state, "pre-start", err);
}

/* Waits for the monitor, and kills it when it does not go by itself. now: it is known to wait for
 * us (for the server's lock), or to be stuck. */
static void reap_monitor(pid_t pid, uint64_t start, bool child, bool now)
{
	_cleanup_close_ int fd = -1;

	if (pid <= 0 || (!child && proc_look(pid, start) != 1))
		return;
	fd = proc_pidfd_open(pid, 0);
	if (fd >= 0 && (now || proc_pidfd_wait(fd, MONITOR_MS) < 0)) {
		proc_pidfd_signal(fd, SIGKILL);
		proc_pidfd_wait(fd, MONITOR_MS);
	}
	if (child)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

int undo_clone(struct run *r, struct err *err)
{
	bool starting = r->control[0] >= 0;
	int ret = 0;

	fd_drop(&r->sock[0]);
	fd_drop(&r->control[0]);
	/* A monitor of a start that failed goes first, and at once: it could still clone init; and
	 * when it has seen the end of that, it waits for our lock, to tidy up. */
	if (starting)
		reap_monitor(r->state.monitor, 0, true, true);
	if (r->cg.fd2 >= 0)
		ret = cg_kill(&r->cg, KILL_MS, err);
	if (!starting && r->state.monitor != getpid())
		reap_monitor(r->state.monitor, r->state.monitor_start, false, r->force);
	return ret;
}

/* The descriptor that came with the last message; -1 when that was not one. */
static int take_given(struct run *r)
{
	if (r->got.n != 1)
		return -1;
	r->got.n = 0;
	return r->got.fd[0];
}

int step_net_give(struct run *r, struct err *err)
{
	return r->plan->net.mode->give(&r->plan->net, r->state.init, err);
}

int step_net_inside(struct run *r, struct err *err)
{
	int ret = sync_hear(r->sock[0], "netlink", &r->got, r->deadline_ms, err);

	if (ret < 0)
		return ret;
	int netlink = take_given(r);
	if (netlink < 0)
		return err_set(err, ERR_FAIL, 0, "no routing socket was handed over");
	return net_inside(&r->plan->net, netlink, err);
}

int undo_net(struct run *r, struct err *err)
{
	const struct net_plan *n = r->plan ? &r->plan->net : &r->net;

	if (r->force && r->cg.fd2 >= 0) /* it is removed, and nobody can read it after */
		write_down(r);
	return n->mode && n->mode->host_down ? n->mode->host_down(n, r->force, err) : 0;
}

int step_monitor(struct run *r, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/console.sock", r->plan->run_dir);
	char byte = MONITOR_GO;

	r->console = take_given(r);
	if (r->console < 0)
		return err_set(err, ERR_FAIL, 0, "no console was handed over");
	_cleanup_close_ int listener = sock_listen(path, err);
	if (listener < 0)
		return listener;
	int fds[2] = { r->console, listener };
	int ret = sock_send(r->control[0], &byte, 1, fds, 2);
	if (ret < 0)
		return err_set(err, ERR_FAIL, -ret, "the monitor is gone");
	fd_drop(&r->console);
	r->state.init_start = proc_start_time(r->state.init);
	r->state.monitor_start = proc_start_time(r->state.monitor);
	if (!r->state.init_start || !r->state.monitor_start)
		return err_set(err, ERR_FAIL, 0, "init or its monitor is gone");
	return 0;
}

/* After the last meeting: before it, the death of this process would still be the end of init, and
 * the record would be untrue. Init goes on meanwhile. */
int step_state(struct run *r, struct err *err)
{
	r->state.phase = STATE_RUNNING;
	return state_save(r->host, &r->state, err);
}
