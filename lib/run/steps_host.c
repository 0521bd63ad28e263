// SPDX-License-Identifier: GPL-2.0-or-later
/* The host side's steps of a start, and how each is undone. The undoing halves work from r->state
 * and from names alone, so that they serve a failed start, a stop, and recovery after a crash
 * alike. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "hook/hook.h"
#include "run/groups.h"
#include "run/configure.h"
#include "run/hooks.h"
#include "run/monitor.h"
#include "run/steps.h"
#include "sys/clone.h"
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
	s->limit = p->limit;
	s->n_ip = p->net.n_ip;
	memcpy(s->ip, p->net.ip, sizeof(s->ip));
	snprintf(s->name, sizeof(s->name), "%s", p->name);
	snprintf(s->cgroup, sizeof(s->cgroup), "%s", p->cgroup);
	snprintf(s->host_if, sizeof(s->host_if), "%s", p->net.host_if);
	snprintf(s->net, sizeof(s->net), "%s", p->net.mode->name);
	snprintf(s->store, sizeof(s->store), "%s", p->store.store->name);
	snprintf(s->dialect, sizeof(s->dialect), "%s", p->dialect->name);
	snprintf(s->template, sizeof(s->template), "%s", p->server->store.template);
	snprintf(s->hostname, sizeof(s->hostname), "%s", p->hostname);
	return state_save(r->host, s, err);
}

/* How init ended is told to `croft status` after everything else of the run is gone. */
static void record_end(const struct run *r)
{
	_cleanup_free_ char *from = xasprintf("%s/%s/ended", r->host->run, r->state.name);
	_cleanup_free_ char *to = xasprintf("%s/servers/%s/ended", r->host->var, r->state.name);
	_cleanup_free_ char *how = NULL;

	if (fd_read_file(AT_FDCWD, from, 128, &how, NULL) < 0)
		return;
	_cleanup_free_ char *text = xasprintf("%lld %s", (long long)time(NULL), how);
	(void)fd_overwrite(AT_FDCWD, to, text); /* only told, never relied on */
}

void undo_intent(struct run *r)
{
	struct err unused = { 0 };

	record_end(r);

	(void)state_remove(r->host, r->state.name, &unused);
}

int step_store(struct run *r, struct err *err)
{
	return r->plan->store.store->layers(&r->plan->store, &r->layers, err);
}

void undo_store(struct run *r)
{
	store_layers_close(&r->layers);
}

int step_dialect(struct run *r, struct err *err)
{
	return configure_root(r->plan, err);
}

int step_cgroup(struct run *r, struct err *err)
{
	int ret = groups_layout(r->host, &r->layout, err);

	if (ret == 0)
		ret = cg_make(&r->layout, r->plan->cgroup, r->plan->uid_base, &r->cg, err);
	if (ret < 0)
		return ret;
	r->cg_monitor = cg_monitor_open(&r->layout, r->host->cgroup_parent, err);
	if (r->cg_monitor < 0)
		return r->cg_monitor;
	ret = cg_join_fds(&r->cg, r->join, err);
	if (ret < 0)
		return ret;
	r->n_join = ret;
	ret = cg_parent_fds(&r->layout, r->host->cgroup_parent, true, r->parents, err);
	if (ret < 0)
		return ret;
	r->n_parents = ret;
	return 0;
}

void undo_cgroup(struct run *r)
{
	struct err unused = { 0 };

	if (r->cg.fd2 >= 0) {
		cg_kill(&r->cg, KILL_MS, &unused);
		cg_close(&r->cg);
		r->cg = (struct cg)CG_NONE;
	}
	/* A group stays busy for a moment after its last process has died. */
	for (int i = 0; i < 50 && cg_remove(&r->layout, r->state.cgroup, &unused) == -EBUSY; i++)
		usleep(2000u * (unsigned)(i + 1));
}

int step_limits(struct run *r, struct err *err)
{
	return limit_apply(&r->cg, &r->plan->limit, NULL, err);
}

int step_devices(struct run *r, struct err *err)
{
	bool active; /* croft check tells where this layer is missing */

	return guard_devices_apply(&r->cg, r->plan->features, &active, err);
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
	return r->plan->net.mode->host_up(&r->plan->net, stamp, err);
}

int step_pre_start(struct run *r, struct err *err)
{
	return hooks_run(r->host, &r->state, "pre-start", err);
}

/* Resource limits as after a boot, not the caller's: each as high as this host permits, with the
 * soft ones a program may rely on (stack, open files). The user namespace's own ceilings are what
 * its creator had, so this comes before it. */
static void boot_limits(void)
{
	static const struct {
		int which;
		rlim_t soft, hard;
	} rows[] = {
		{ RLIMIT_NPROC, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_SIGPENDING, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_MSGQUEUE, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_RTTIME, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_LOCKS, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_RTPRIO, 0, 0 }, /* neither CPUS nor CPU_WEIGHT apply to real time */
		{ RLIMIT_NICE, 0, 0 },
		{ RLIMIT_CORE, 0, RLIM_INFINITY },
		{ RLIMIT_STACK, 8 << 20, RLIM_INFINITY },
		{ RLIMIT_NOFILE, 1024, 1048576 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rlimit l = { rows[i].soft, rows[i].hard }, now;

		if (setrlimit(rows[i].which, &l) == 0 || getrlimit(rows[i].which, &now) < 0)
			continue;
		/* Without CAP_SYS_RESOURCE the hard limit stays. */
		l.rlim_max = now.rlim_max;
		if (l.rlim_cur > l.rlim_max)
			l.rlim_cur = l.rlim_max;
		setrlimit(rows[i].which, &l);
	}
}

/* What init inherits from the process that clones it, and init. */
static int make_init(struct run *r)
{
	const struct plan *p = r->plan;
	int ret;

	/* A server has the priorities of a fresh boot, not those of whoever typed the command. */
	clone_ordinary();
	(void)fd_write_file(AT_FDCWD, "/proc/self/oom_score_adj", "0");
	/* The groups of those hierarchies in which the server has none of its own. */
	r->clone_what = "cannot enter a version 1 group";
	for (int i = 0; i < r->n_parents; i++)
		if (write(r->parents[i], "0", 1) < 0)
			return -errno;
	r->clone_what = "cannot leave the session keyring";
	ret = clone_leave_keyring();
	if (ret < 0)
		return ret;
	r->clone_what = "cannot make the namespaces";
	boot_limits();
	ret = p->privileged ? 0 : clone_ids_take(p->uid_base);
	if (ret == 0) {
		pid_t init = clone_fork(p->namespaces, r->cg.inside, NULL);
		if (init == 0)
			walk_inside(r);
		if (init < 0)
			ret = init;
		else
			r->state.init = init;
	}
	if (!p->privileged)
		clone_ids_restore();
	if (ret < 0)
		return ret;
	/* That one is init's now: what it puts there is not for the monitor's hooks. */
	r->clone_what = "cannot leave init's session keyring";
	return clone_leave_keyring();
}

/*
 * The monitor-to-be: shares the memory of croft start, which waits until it executes. Clones init,
 * so that init is its child; then becomes the small program that stays.
 */
static int monitor_child(void *arg)
{
	struct run *r = arg;
	const struct plan *p = r->plan;

	r->born = true;
	if (r->enter_monitor)
		(void)fd_write_file(r->cg_monitor, "cgroup.procs", "0");
	char pid[16], log_max[24];
	_cleanup_free_ char *program = xasprintf("%s/croft-monitor", r->host->libexec);
	const char *const argv[] = {
		"croft-monitor", p->name,	   pid, p->run_dir, p->console_log,
		log_max,	 "/proc/self/exe", NULL
	};
	static char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	char self[256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *args[ARRAY_LEN(argv)];

	memcpy(args, argv, sizeof(argv));
	if (n > 0) {
		self[n] = '\0';
		args[6] = self;
	}
	int ret = make_init(r);
	if (ret < 0) {
		r->clone_errno = -ret;
		_exit(1);
	}
	snprintf(pid, sizeof(pid), "%d", r->state.init);
	snprintf(log_max, sizeof(log_max), "%llu", (unsigned long long)r->host->console_log);
	if (r->control[1] == MONITOR_CONTROL_FD)
		fcntl(MONITOR_CONTROL_FD, F_SETFD, 0);
	else
		dup2(r->control[1], MONITOR_CONTROL_FD);
	r->clone_what = NULL;
	execve(program, (char *const *)(uintptr_t)args, env);
	r->clone_errno = errno;
	_exit(127);
}

int step_clone(struct run *r, struct err *err)
{
	int ret = sock_pair(r->sock);

	if (ret == 0)
		ret = sock_pair(r->control);
	if (ret < 0)
		return err_set(err, ERR_FAIL, -ret, "socketpair");
	r->state.monitor = clone_vfork(monitor_child, r, r->cg_monitor);
	if (r->state.monitor > 0 && !r->born) {
		/* Killed at birth: when the caller's own group was once killed by cgroup.kill,
		 * kernels up to at least 6.18 take a child for one that escaped. It is born here,
		 * then, and moves. */
		waitpid(r->state.monitor, NULL, 0);
		r->enter_monitor = true;
		r->state.monitor = clone_vfork(monitor_child, r, -1);
	}
	fd_drop(&r->sock[1]);
	fd_drop(&r->control[1]);
	if (r->state.monitor < 0) {
		ret = r->state.monitor;
		r->state.monitor = 0;
		return err_set(err, ERR_FAIL, -ret, "cannot clone the monitor");
	}
	if (r->clone_errno && !r->clone_what)
		return err_set(err, ERR_HOST, r->clone_errno, "cannot run %s/croft-monitor",
			       r->host->libexec);
	if (r->clone_errno)
		return err_set(err, ERR_FAIL, r->clone_errno, "%s", r->clone_what);
	r->pidfd = proc_pidfd_open(r->state.init, 0);
	if (r->pidfd < 0)
		return err_set(err, ERR_FAIL, -r->pidfd, "init is gone");
	return 0;
}

/* Waits for the monitor, and kills it when it does not go by itself. now: it is known to wait for
 * us (for the server's lock), or to be stuck. */
static void reap_monitor(pid_t pid, uint64_t start, bool child, bool now)
{
	_cleanup_close_ int fd = -1;

	if (pid <= 0 || (!child && !proc_alive(pid, start)))
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

void undo_clone(struct run *r)
{
	struct err unused = { 0 };
	bool starting = r->control[0] >= 0;

	if (starting) { /* the monitor need not tidy up: this process does */
		_cleanup_free_ char *mark =
		    xasprintf("%s/%s/stopping", r->host->run, r->state.name);
		(void)fd_replace(AT_FDCWD, mark, "", 0, 0600, false);
	}
	fd_drop(&r->sock[0]);
	fd_drop(&r->control[0]);
	if (r->cg.fd2 >= 0)
		cg_kill(&r->cg, KILL_MS, &unused);
	if (r->state.monitor != getpid())
		reap_monitor(r->state.monitor, r->state.monitor_start, starting, r->force);
}

static int write_map(pid_t pid, const char *file, uid_t base, struct err *err)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	snprintf(text, sizeof(text), "0 %u %d\n", base, PLAN_IDS);
	int r = fd_write_file(AT_FDCWD, path, text);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot write %s", file) : 0;
}

int step_idmap(struct run *r, struct err *err)
{
	char path[64];
	int ret = write_map(r->state.init, "uid_map", r->plan->uid_base, err);

	if (ret == 0)
		ret = write_map(r->state.init, "gid_map", r->plan->uid_base, err);
	if (ret < 0)
		return ret;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", r->state.init);
	_cleanup_close_ int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return err_errno(err, "cannot open the user namespace");
	return store_idmap(&r->layers, ns, err);
}

int step_net_give(struct run *r, struct err *err)
{
	return r->plan->net.mode->give(&r->plan->net, r->state.init, err);
}

void undo_net(struct run *r)
{
	const struct net_plan *n = r->plan ? &r->plan->net : &r->net;
	struct err unused = { 0 };

	if (n->mode && n->mode->host_down)
		n->mode->host_down(n, r->force, &unused);
}

int step_monitor(struct run *r, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/console.sock", r->plan->run_dir);
	char byte = MONITOR_GO;

	if (r->got.n != 1)
		return err_set(err, ERR_FAIL, 0, "no console was handed over");
	r->console = r->got.fd[0];
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
