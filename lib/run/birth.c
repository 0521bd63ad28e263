// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How init is born: the bodies of the MONITOR rows, and of the rows `clone` and `born` around them.
 *
 * `clone` forks the monitor-to-be and returns. That process clones init, so that init is its child,
 * maps its ids, tells init and the host's side, and becomes the small program that stays. All that
 * takes about as long as what the host's side does meanwhile: the version 1 groups and the limits.
 * The processes share no memory: what they know of each other after a fork they have said.
 *
 * What must stay true: no MONITOR row depends on a HOST row after `clone`; and when one of the
 * three processes is lost, the start fails: init ends at its next meeting, the monitor by end of
 * file.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "run/events.h"
#include "run/monitor.h"
#include "run/steps.h"
#include "run/traffic.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/proc.h"
#include "sys/sock.h"

/* What the monitor-to-be says to the host's side: once when init is there or could not be made, and
 * once more when the monitor's program cannot be executed. */
struct birth {
	pid_t init; /* 0: it failed */
	struct err err;
};

/* Several starts may find at once that the monitors' group was killed, and make it anew: then it is
 * another for those who had it open. */
#define TRIES	      8
#define EXIT_NO_GROUP 3

static int set_rlimit(int which, rlim_t soft, rlim_t hard)
{
	struct rlimit l = { soft, hard }, now;

	if (setrlimit(which, &l) == 0 || getrlimit(which, &now) < 0)
		return 0;
	/* Without CAP_SYS_RESOURCE the hard limit stays. */
	l.rlim_max = now.rlim_max;
	if (l.rlim_cur > l.rlim_max)
		l.rlim_cur = l.rlim_max;
	setrlimit(which, &l);
	return -EPERM;
}

/* Resource limits as after a boot, not the caller's: each as high as this host permits, with the
 * soft ones a program may rely on (stack, open files). Those that are options have the values of
 * these. The user namespace's own ceilings are what its creator had, so this comes before it. */
static int boot_limits(const struct limit_conf *c, struct err *err)
{
	static const struct {
		int which;
		rlim_t soft, hard;
	} rows[] = {
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
	};
	const char *option;
	uint64_t value, def;
	int which;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		(void)set_rlimit(rows[i].which, rows[i].soft, rows[i].hard);
	for (size_t i = 0; limit_rlimit(i, c, &which, &option, &value); i++) {
		rlim_t hard = value == PARSE_UNLIMITED ? RLIM_INFINITY : value;
		rlim_t soft = which == RLIMIT_NOFILE && hard > 1024 ? 1024 : hard;

		(void)limit_rlimit(i, limit_default(), &which, &option, &def);
		if (set_rlimit(which, soft, hard) < 0 && value != def)
			return err_set(err, ERR_HOST, 0,
				       "%s: more than croft may give here (setrlimit(2))", option);
	}
	return 0;
}

/* What init inherits from the process that clones it: the priorities, limits and groups of a fresh
 * boot, not those of whoever typed the command. */
int step_fresh(struct run *r, struct err *err)
{
	clone_ordinary();
	char score[16];

	snprintf(score, sizeof(score), "%u", (unsigned)r->plan->limit.oom_score);
	(void)fd_write_file(AT_FDCWD, "/proc/self/oom_score_adj", score);
	/* The groups of those hierarchies in which the server has none of its own. */
	for (int i = 0; i < r->n_parents; i++)
		if (write(r->parents[i], "0", 1) < 0)
			return err_errno(err, "cannot enter a version 1 group");
	int ret = clone_leave_keyring();
	if (ret < 0)
		return err_set(err, ERR_FAIL, -ret, "cannot leave the session keyring");
	return boot_limits(&r->plan->limit, err);
}

int step_init(struct run *r, struct err *err)
{
	const struct plan *p = r->plan;
	int ret = p->privileged ? 0 : clone_ids_take(p->uid_base);

	if (ret == 0) {
		ret = clone_fork(p->namespaces, r->cg.inside, NULL);
		if (ret == 0)
			walk_inside(r);
	}
	if (ret > 0) {
		r->state.init = ret;
		ret = 0;
	}
	fd_drop(&r->mapped[1]);
	if (ret == 0 && !p->privileged)
		ret = clone_ids_restore();
	return ret < 0 ? err_set(err, ERR_FAIL, -ret, "cannot make the namespaces") : 0;
}

static int write_map(pid_t pid, const char *file, uid_t base, struct err *err)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	snprintf(text, sizeof(text), "0 %u %d\n", base, PLAN_IDS);
	int r = fd_write_file(AT_FDCWD, path, text);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot write %s", file) : 0;
}

/* The layers of the root are init's already, by the fork: it waits only until they are idmapped. */
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
	ret = store_idmap(&r->layers, ns, err);
	return ret < 0 ? ret : sync_tell(r->mapped[0], "mapped", NULL, err);
}

/* Returns only when the program cannot be executed. */
static void become_monitor(struct run *r, struct err *err)
{
	char pid[16], log_max[24], event_max[24], self[256] = "/proc/self/exe";
	_cleanup_free_ char *program = xasprintf("%s/croft-monitor", r->host->libexec);
	_cleanup_free_ char *events = event_path(r->host);
	struct limit_notice notice;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *argv[] = { "croft-monitor",
			       r->plan->name,
			       pid,
			       r->plan->run_dir,
			       r->plan->console_log,
			       log_max,
			       self,
			       events,
			       event_max,
			       notice.memory,
			       notice.pids,
			       r->quick ? MONITOR_QUICK : "",
			       NULL };
	static char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};

	if (n > 0)
		self[n] = '\0';
	snprintf(pid, sizeof(pid), "%d", r->state.init);
	snprintf(log_max, sizeof(log_max), "%llu", (unsigned long long)r->host->console_log);
	snprintf(event_max, sizeof(event_max), "%llu", (unsigned long long)r->host->event_log);
	limit_notice(&r->layout, r->plan->cgroup, &notice);
	/* The one before is init's now: what it puts there is not for the monitor's hooks. */
	int ret = clone_leave_keyring();
	if (ret < 0) {
		err_set(err, ERR_FAIL, -ret, "the monitor cannot leave init's session keyring");
		return;
	}
	traffic_hand(r->state.host_if[0] ? traffic_hold(r->state.init) : -1, r->control[1]);
	execve(program, (char *const *)(uintptr_t)argv, env);
	err_set(err, ERR_HOST, errno, "cannot run %s", program);
}

_Noreturn static void monitor_to_be(struct run *r)
{
	struct birth b = { 0 };
	int control = r->control[1];

	/* Only the host's side keeps the start alive. */
	fd_drop(&r->sock[0]);
	fd_drop(&r->control[0]);
	if (r->born_again && fd_write_file(r->cg_monitor, "cgroup.procs", "0") < 0)
		_exit(EXIT_NO_GROUP);
	(void)sock_send(control, "", 1, NULL, 0); /* it lives: see hear() */
	if (walk_monitor(r, &b.err) == 0) {
		b.init = r->state.init;
		if (sock_send(control, &b, sizeof(b), NULL, 0) < 0)
			_exit(1);
		b.init = 0;
		become_monitor(r, &b.err);
	}
	(void)sock_send(control, &b, sizeof(b), NULL, 0);
	_exit(1);
}

static int open_group(struct run *r, bool renew, struct err *err)
{
	const char *parent = r->host->cgroup_parent;

	fd_drop(&r->cg_monitor);
	r->cg_monitor = renew ? cg_monitor_renew(&r->layout, parent, err)
			      : cg_monitor_open(&r->layout, parent, err);
	return r->cg_monitor < 0 ? r->cg_monitor : 0;
}

int step_clone(struct run *r, struct err *err)
{
	int ret = sock_pair(r->sock);

	if (ret == 0)
		ret = sock_pair(r->control);
	if (ret == 0)
		ret = sock_pair(r->mapped);
	if (ret < 0)
		return err_set(err, ERR_FAIL, -ret, "socketpair");
	for (int tries = 0;; tries++) {
		r->state.monitor = clone_fork(0, r->born_again ? -1 : r->cg_monitor, NULL);
		if (r->state.monitor == 0)
			monitor_to_be(r);
		bool removed = r->state.monitor == -ENODEV || r->state.monitor == -ENOENT;
		if (!removed || tries == TRIES)
			break;
		ret = open_group(r, false, err);
		if (ret < 0)
			return ret;
	}
	fd_drop(&r->sock[1]);
	fd_drop(&r->control[1]);
	fd_drop(&r->mapped[0]);
	if (r->state.monitor < 0) {
		ret = r->state.monitor;
		r->state.monitor = 0;
		return err_set(err, ERR_FAIL, -ret, "cannot clone the monitor");
	}
	return 0;
}

/* 1: what it said; 0: it is gone without that. The first message, one byte, says only that it
 * lives.
 */
static int hear(struct run *r, uint64_t deadline_ms, struct birth *b, struct err *err)
{
	ssize_t len;
	int ret, n;

	do {
		ret = sync_wait(r->control[0], deadline_ms);
		if (ret == 0)
			return err_set(err, ERR_BUSY, 0, "timed out");
		len = ret < 0 ? ret : sock_recv(r->control[0], b, sizeof(*b), NULL, 0, &n);
		if (len < 0)
			return err_set(err, ERR_FAIL, (int)-len, "cannot hear of the monitor");
		r->lived |= len == 1;
	} while (len == 1);
	b->err.text[sizeof(b->err.text) - 1] = '\0';
	return len == sizeof(*b);
}

/* Killed at birth, it seems: when the caller's own group was once killed by cgroup.kill, kernels up
 * to at least 6.18 take a child that is born in another group for one that escaped. It is born
 * here, then, and moves. Or it was the monitors' group that was killed: then that is made anew, or
 * init would not live either. One that has lived was killed by somebody, and init may be there. */
static int clone_again(struct run *r, struct err *err)
{
	int status = 0;

	while (waitpid(r->state.monitor, &status, 0) < 0 && errno == EINTR)
		;
	r->state.monitor = 0;
	fd_drop(&r->sock[0]); /* what the server's side says now is only a consequence */
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	bool no_group = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_GROUP;
	if (r->lived || r->born_again++ == TRIES || !(killed || no_group))
		return err_set(err, ERR_FAIL, 0, "the monitor is gone");
	fd_drop(&r->control[0]);
	fd_drop(&r->mapped[1]);
	int ret = open_group(r, killed, err);
	if (ret == 0)
		ret = step_clone(r, err);
	return ret < 0 ? ret : step_hand(r, err);
}

static int failed(const struct birth *b, struct err *err)
{
	*err = b->err;
	return -EREMOTEIO;
}

int step_born(struct run *r, struct err *err)
{
	struct birth b = { 0 };
	int ret;

	while ((ret = hear(r, r->deadline_ms, &b, err)) == 0) {
		ret = clone_again(r, err);
		if (ret < 0)
			return ret;
	}
	if (ret < 0)
		return ret;
	if (b.init <= 0) {
		fd_drop(&r->sock[0]); /* what the server's side says now is only a consequence */
		return failed(&b, err);
	}
	r->state.init = b.init;
	r->pidfd = proc_pidfd_open(r->state.init, 0);
	if (r->pidfd < 0)
		return err_set(err, ERR_FAIL, -r->pidfd, "cannot watch init");
	return 0;
}

int step_executed(struct run *r, struct err *err)
{
	struct birth b = { 0 };

	/* Its end is close-on-exec. When the exec fails it says so first. */
	if (sync_wait_closed(r->mapped[1], r->deadline_ms) <= 0)
		return err_set(err, ERR_BUSY, 0, "timed out: the monitor is not there");
	fd_drop(&r->mapped[1]);
	if (sync_wait(r->control[0], 0) <= 0)
		return 0;
	if (hear(r, 0, &b, err) <= 0)
		return err_set(err, ERR_FAIL, 0, "the monitor is gone");
	return failed(&b, err);
}
