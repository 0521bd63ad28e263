// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's side of croft exec: finds the server, makes the child that enters it, and carries what
 * goes in and out until the command ends.
 *
 * What must stay true: the child never has the host's root as its user id, not even for the moment
 * before it has entered; no terminal, file, pipe, socket or device of the operator's ever enters a
 * server, a pseudo-terminal or a pipe of its own does; no directory of the host does either; what
 * the child says is checked, because the server may be hostile.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/groups.h"
#include "run/join_priv.h"
#include "sys/cg.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/proc.h"
#include "sys/sock.h"
#include "sys/tty.h"

/* Entering takes a millisecond; a server that hangs its own /etc or /dev/pts ends here. */
#define SYSTEMD_YOUNG_S 10   /* since its start */
#define SYSTEMD_WAIT_MS 3000 /* for its sockets */
#define ENTER_MS	30000
#define REAP_MS		1000 /* for a tracer inside, and for what was killed */

struct join {
	const struct host *host;
	const struct state *state;
	const struct join_request *q;
	struct cg_layout layout;
	struct cg cg;
	struct join_child child;
	int null;
	struct tty_copy pair[3]; /* what the operator gave, and the command's pipes */
	size_t n_pairs;
	int theirs[3]; /* the command's ends of those */
	int sock;      /* ours; the child's is child.sock */
	int pidfd, master;
	pid_t pid;
};

/* -- what the server is --------------------------------------------------------------------- */

static int find_init(struct join *j, struct err *err)
{
	const struct state *s = j->state;

	if (s->phase != STATE_RUNNING)
		return err_set(err, ERR_STATE, 0, "the server is %s",
			       s->phase == STATE_STARTING ? "still starting" : "stopping");
	j->child.init = proc_pidfd_open(s->init, 0);
	/* In this order: the descriptor cannot change what it means, the number could. */
	int look = proc_look(s->init, s->init_start);
	if (j->child.init == -ESRCH || look == 0)
		return err_set(err, ERR_STATE, 0, "the server is not running");
	if (j->child.init < 0 || look < 0)
		return err_set(err, ERR_FAIL, j->child.init < 0 ? -j->child.init : -look,
			       "cannot watch the server's init");
	return 0;
}

static int open_groups(struct join *j, struct err *err)
{
	int r = groups_layout(j->host, &j->layout, err);

	if (r == 0)
		r = cg_open(&j->layout, j->state->cgroup, j->state->groups, &j->cg, err);
	if (r < 0)
		return r;
	if (j->state->frozen || cg_frozen(&j->cg))
		return err_set(err, ERR_STATE, 0,
			       "the server is suspended; croft resume lets it go on");
	/* In this order: where the server has a group PARENT.limited/NAME it is not in PARENT. */
	r = cg_parent_fds(&j->layout, j->host->cgroup_parent, false, j->child.groups, err);
	if (r < 0)
		return r;
	j->child.n_groups = r;
	r = cg_join_fds(&j->cg, j->child.groups + r, err);
	if (r < 0)
		return r;
	j->child.n_groups += r;
	return 0;
}

/* This process is the one that lends the child what is inherited: ordinary priorities, init's place
 * in the order of the out-of-memory killer, and an empty session keyring instead of the operator's
 * (keyrings(7)). */
static int lend(struct join *j, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/oom_score_adj", j->state->init);
	_cleanup_free_ char *text = NULL;

	clone_ordinary();
	if (fd_read_file(AT_FDCWD, path, 64, &text, NULL) == 0)
		(void)fd_write_file(AT_FDCWD, "/proc/self/oom_score_adj", text);
	int r = clone_leave_keyring();
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot leave the operator's session keyring")
		     : 0;
}

/* -- what the command gets as 0, 1 and 2 ---------------------------------------------------- */

/* A directory would be a way into the host's tree: openat(0, "../..") needs no more. */
static int check_stdio(struct err *err)
{
	struct stat st;

	for (int i = 0; i < 3; i++) {
		int flags = fcntl(i, F_GETFL);

		if (flags < 0 || fstat(i, &st) < 0)
			return err_errno(err, "descriptor %d", i);
		if (S_ISDIR(st.st_mode) || (flags & O_PATH))
			return err_set(
			    err, ERR_USAGE, 0,
			    "descriptor %d is a directory: it would let the server out of its root",
			    i);
	}
	return 0;
}

/*
 * What the command may hold itself: the devices that every server has. Whoever holds a file of the
 * host's can read what it held before (/proc/self/fd/1 opens it anew), change or cut off what a log
 * held before (O_APPEND can be taken off), learn its path, and go on with all of that after croft
 * exec has ended. A socket belongs to the host's network: connect(2) and ioctl(2) on it reach what
 * the server's own network does not. Who keeps a pipe reads what is for the next command, writes
 * between its lines, and holds up whoever waits for its end.
 */
static bool may_hold(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	for (size_t i = 0; S_ISCHR(st.st_mode) && i < guard_n_devices; i++) {
		const struct guard_device *d = &guard_devices[i];

		if (d->node && !d->feature && !isatty(fd) && d->type == 'c' &&
		    st.st_rdev == makedev(d->major, d->minor))
			return true;
	}
	return false;
}

static bool same_file(int a, int b)
{
	struct stat s, t;

	return fstat(a, &s) == 0 && fstat(b, &t) == 0 && s.st_dev == t.st_dev &&
	       s.st_ino == t.st_ino;
}

/* A pipe in place of it. Our end must never block us: the command may not read. Output and errors
 * that go to one place share a pipe, so that they keep their order. */
static int replace(struct join *j, int i, struct err *err)
{
	int p[2], ours = i == 0 ? 1 : 0;

	if (i == 2 && j->theirs[1] >= 0 && same_file(1, 2)) {
		j->child.stdio[2] = j->theirs[1];
		return 0;
	}
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	fcntl(p[ours], F_SETFL, O_NONBLOCK);
	/* The server's own, so that /dev/stdout can be opened inside. */
	if (!j->child.privileged && fchown(p[0], j->state->uid_base, j->state->uid_base) < 0)
		return err_errno(err, "cannot give a pipe to the server");
	j->child.own[i] = true;
	struct tty_copy *pair = &j->pair[j->n_pairs++];
	*pair = (struct tty_copy) {
		.from = i == 0 ? 0 : p[0], .to = i == 0 ? p[1] : i, .input = i == 0, .unread = -1
	};
	j->child.stdio[i] = j->theirs[i] = p[!ours];
	if (i > 0)
		return 0;
	pair->unread = fcntl(p[0], F_DUPFD_CLOEXEC, 3);
	return pair->unread < 0 ? err_errno(err, "dup") : 0;
}

/* What was lost on the way. */
static int lost(const struct join *j, struct err *err)
{
	static const char *const names[] = { "input", "output", "error" };

	for (size_t i = 0; i < j->n_pairs; i++) {
		const struct tty_copy *p = &j->pair[i];
		bool in = p->from == 0;
		int num = in ? p->read_errno : p->write_errno;

		/* Who reads the output may have gone, and a terminal may have been hung up. */
		if (num == 0 || num == EPIPE || num == EBADF ||
		    (num == EIO && isatty(in ? 0 : p->to)))
			continue;
		return err_set(err, ERR_FAIL, num, "cannot %s standard %s", in ? "read" : "write",
			       names[in ? 0 : p->to]);
	}
	return 0;
}

static int find_stdio(struct join *j, struct err *err)
{
	bool in = isatty(0), out = isatty(1);

	j->child.pty = j->q->tty == JOIN_TTY_YES || (j->q->tty == JOIN_TTY_AUTO && in && out);
	if (j->child.pty) {
		j->null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
		if (j->null < 0)
			return err_errno(err, "cannot open /dev/null");
		for (int i = 0; i < 3; i++)
			j->child.stdio[i] = j->null;
		j->child.has_size = ioctl(0, TIOCGWINSZ, &j->child.size) == 0 ||
				    ioctl(1, TIOCGWINSZ, &j->child.size) == 0;
		return 0;
	}
	int r = check_stdio(err);
	for (int i = 0; r == 0 && i < 3; i++) {
		j->child.stdio[i] = i;
		if (!may_hold(i))
			r = replace(j, i, err);
	}
	return r;
}

/* -- the child ------------------------------------------------------------------------------ */

/* For signal handlers: pidfds. */
static int forwarded_to = -1, alarm_for = -1;
static const int forwarded[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void forward(int sig)
{
	int saved = errno;

	proc_pidfd_signal(forwarded_to, sig);
	errno = saved;
}

/* Blocked while the child is made: one that comes then reaches the command, not half of this. */
static void block_forwarded(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, old);
}

/* With a pty the operator's keys arrive as bytes, and a signal that ends us closes it. */
static void start_forwarding(struct join *j)
{
	struct sigaction a = { .sa_handler = forward, .sa_flags = SA_RESTART }, old;

	if (j->child.pty)
		return;
	forwarded_to = j->pidfd;
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++) {
		sigaction(forwarded[i], NULL, &old);
		if (old.sa_handler != SIG_IGN) /* nohup(1) */
			sigaction(forwarded[i], &a, NULL);
	}
}

static void stop_forwarding(void)
{
	for (size_t i = 0; forwarded_to >= 0 && i < ARRAY_LEN(forwarded); i++) {
		struct sigaction a;

		sigaction(forwarded[i], NULL, &a);
		if (a.sa_handler == forward)
			signal(forwarded[i], SIG_DFL);
	}
	forwarded_to = -1;
}

/* Init's own group, in version 2; systemd moves its init once, so a second look may be needed. */
static pid_t clone_into_group(struct join *j)
{
	pid_t pid = -EBUSY;

	for (int tries = 0; tries < 3 && (pid == -EBUSY || pid == -ENOENT || pid == -ENODEV);
	     tries++) {
		_cleanup_close_ int group = cg_open_of(&j->cg, j->state->init);

		if (group < 0)
			return group;
		pid = clone_fork(0, group, &j->pidfd);
	}
	return pid;
}

/* Like init's in every limit: what is not the same is noted for the child. Called with init's
 * ids: prlimit(2) wants those, or CAP_SYS_RESOURCE, which even the host's root may lack. */
static void find_limits(struct join *j)
{
	for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
		struct join_limit *l = &j->child.limits[j->child.n_limits];
		struct rlimit own;

		l->resource = i;
		if (prlimit(j->state->init, (__rlimit_resource_t)i, NULL, &l->value) < 0 ||
		    getrlimit((__rlimit_resource_t)i, &own) < 0)
			continue;
		if (l->value.rlim_cur != own.rlim_cur || l->value.rlim_max != own.rlim_max)
			j->child.n_limits++;
	}
}

/* Init can be dying for a while before it has ended: it waits for the last of its processes, and
 * until then it is there for whoever asks its pidfd. */
static int refuse_dying(const struct join *j, struct err *err)
{
	return err_set(err, ERR_STATE, 0,
		       state_alive(j->state) ? "the server is stopping"
					     : "the server has just stopped");
}

/* Born with the ids of the server's root (security design 1.F), in its pid namespace and its group.
 */
static int make_child(struct join *j, struct err *err)
{
	int pair[2];
	int r = sock_pair(pair);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "socketpair");
	j->sock = pair[0];
	j->child.sock = pair[1];
	/* Inherited by the child, which so is never dumpable inside. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_DUMPABLE");
	if (setns(j->child.init, CLONE_NEWPID) < 0)
		return errno == ESRCH
			   ? refuse_dying(j, err)
			   : err_errno(err, "cannot enter the server's process namespace");
	if (!j->child.privileged) {
		r = clone_ids_take(j->state->uid_base);
		prctl(PR_SET_DUMPABLE, 0, 0, 0,
		      0); /* after fs.suid_dumpable, as in join_inside.c */
	}
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot take the server's ids");
	find_limits(j);
	j->pid = clone_into_group(j);
	if (j->pid == 0) {
		close(j->sock);
		join_inside(&j->child);
	}
	if (!j->child.privileged && clone_ids_restore() < 0)
		_exit(JOIN_FAILED);
	if (j->pid > 0)
		return 0;
	/* ENOMEM is how the kernel says that the namespace's init has ended. */
	if (!state_alive(j->state) || j->pid == -ENOMEM)
		return refuse_dying(j, err);
	return err_set(err, ERR_FAIL, -j->pid,
		       "cannot make a process in the server's control group");
}

/* -- the deadline --------------------------------------------------------------------------- */

static volatile sig_atomic_t overran;

static void on_alarm(int sig)
{
	int saved = errno;

	(void)sig;
	overran = 1;
	proc_pidfd_signal(alarm_for, SIGKILL);
	errno = saved;
}

static void start_alarm(struct join *j)
{
	struct sigaction a = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	uint64_t now = clock_ms(), end = j->q->deadline_ms;
	struct itimerval t = { 0 };

	overran = 0;
	alarm_for = j->pidfd;
	if (!end || end == UINT64_MAX)
		return;
	uint64_t left = end > now ? end - now : 1;
	t.it_value.tv_sec = (time_t)(left / 1000);
	t.it_value.tv_usec = (suseconds_t)(left % 1000 * 1000);
	sigaction(SIGALRM, &a, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static void stop_alarm(void)
{
	struct itimerval none = { 0 };

	setitimer(ITIMER_REAL, &none, NULL);
	alarm_for = -1;
}

/* -- until the command ends ----------------------------------------------------------------- */

static int take_master(struct join *j, int fd, struct err *err)
{
	struct statfs fs;
	unsigned number;

	if (fstatfs(fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC ||
	    ioctl(fd, TIOCGPTN, &number) < 0)
		return err_set(err, ERR_FAIL, ENOTTY, "what the server gave is no terminal");
	j->master = fd;
	return 0;
}

/* One message of the child's. 1: it executes the command; 0: more comes. */
static int hear(struct join *j, int *code, struct err *err)
{
	struct join_msg m;
	int fd = -1, n = 0;
	ssize_t r = sock_recv(j->sock, &m, sizeof(m), &fd, 1, &n);

	if (r == 0)
		return 1;
	if (r != (ssize_t)sizeof(m) || (m.kind == JOIN_MSG_PTY) != (n == 1)) {
		if (n == 1)
			close(fd);
		return err_set(err, ERR_FAIL, EPROTO, "the joining process");
	}
	if (m.kind == JOIN_MSG_PTY) {
		int ret = j->child.pty && j->master < 0
			      ? take_master(j, fd, err)
			      : err_set(err, ERR_FAIL, EPROTO, "the joining process");

		if (ret < 0)
			close(fd);
		return ret;
	}
	m.err.text[sizeof(m.err.text) - 1] = '\0';
	*code = m.code == JOIN_NOT_FOUND || m.code == JOIN_NOT_EXECUTABLE ? m.code : JOIN_FAILED;
	return err_set(err, m.err.class == ERR_OK ? ERR_FAIL : m.err.class, 0, "%s", m.err.text);
}

/* Until the socket closes, which exec(2) of the command does. */
static int await_exec(struct join *j, int *code, struct err *err)
{
	uint64_t deadline = clock_ms() + ENTER_MS;
	int r = 0;

	while (r == 0) {
		struct pollfd p = { .fd = j->sock, .events = POLLIN };
		uint64_t now = clock_ms();

		if (now >= deadline || (poll(&p, 1, (int)(deadline - now)) == 0)) {
			r = err_set(err, ERR_BUSY, ETIMEDOUT, "the server does not let anybody in");
			break;
		}
		if (p.revents)
			r = hear(j, code, err);
	}
	if (r < 0 && *code == JOIN_FAILED)
		proc_pidfd_signal(j->pidfd, SIGKILL);
	return r < 0 ? r : 0;
}

/* A tracer inside keeps the end of its tracee from the parent until it has waited for it itself
 * (ptrace(2)), which it may never do. And a frozen group keeps even what was killed. Init inherits
 * what is left here. */
static int reap(struct join *j, int *ret, struct err *err)
{
	uint64_t end = j->q->deadline_ms, now = clock_ms();
	struct pollfd p = { .fd = j->pidfd, .events = POLLIN };
	int status = 0, ended = 0;
	bool bounded = end > 0 && end < UINT64_MAX;
	pid_t r;

	end += REAP_MS;
	while (ended == 0 && (!bounded || now < end)) {
		ended =
		    poll(&p, 1, bounded ? (int)(end - now < INT_MAX ? end - now : INT_MAX) : -1);
		now = clock_ms();
		ended = ended < 0 && errno == EINTR ? 0 : ended;
	}
	end = now + REAP_MS;
	while ((r = waitpid(j->pid, &status, WNOHANG)) == 0 && clock_ms() < end)
		usleep(1000);
	/* Its parent was outside, so init hears nothing of its end; but an init that is shutting
	 * down counts processes and sleeps until SIGCHLD: systemd-shutdown up to 10 s. */
	proc_pidfd_signal(j->child.init, SIGCHLD);
	if (r != j->pid)
		return err_set(err, ERR_FAIL, 0,
			       ended == 0
				   ? "the command was killed, but has not ended"
				   : "the command has ended, but a process of the server's that "
				     "traces it keeps its exit code");
	*ret = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

static int carry(struct join *j, struct err *err)
{
	for (int i = 0; i < 3; i++)
		fd_drop(&j->theirs[i]);
	if (j->master >= 0)
		return tty_pump(0, 1, j->master, j->pidfd, false, err);
	if (!j->n_pairs)
		return 0;
	int r = tty_copy(j->pair, j->n_pairs, j->pidfd, j->q->deadline_ms, err);
	return r < 0 ? r : lost(j, err);
}

static int run_child(struct join *j, int *ret_code, struct err *err)
{
	sigset_t old;
	int code = JOIN_FAILED;
	struct err ignored = { 0 };

	block_forwarded(&old);
	int r = make_child(j, err);
	if (r == 0) {
		fd_drop(&j->child.sock);
		start_forwarding(j);
		start_alarm(j);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (r < 0)
		return r;
	r = await_exec(j, &code, err);
	if (r == 0)
		r = carry(j, err);
	/* Closing the master hangs up whoever still holds the terminal. */
	fd_drop(&j->master);
	int ended = JOIN_FAILED;
	int reaped = reap(j, &ended, r < 0 ? &ignored : err);
	stop_forwarding();
	stop_alarm();
	if (overran)
		return err_set(err, ERR_BUSY, 0, "the command did not end in time and was killed");
	if (r == 0 && reaped < 0)
		return reaped;
	if (r < 0 && code == JOIN_FAILED)
		return r;
	*ret_code = r < 0 ? code : ended;
	return 0;
}

static int prepare(struct join *j, struct err *err)
{
	_cleanup_free_ char *cache = xasprintf("%s/cache", j->host->var);
	int r = join_who_parse(j->q->user, &j->child.who, err);

	for (size_t i = 0; r == 0 && i < j->q->env.n; i++)
		if (strcspn(j->q->env.v[i], "=") == 0 || !strchr(j->q->env.v[i], '='))
			r = err_set(err, ERR_USAGE, 0, "'%s' is not KEY=VALUE", j->q->env.v[i]);
	if (r == 0 && j->q->cwd && j->q->cwd[0] != '/')
		r = err_set(err, ERR_USAGE, 0, "the directory %s is not an absolute path",
			    j->q->cwd);
	if (r == 0)
		r = find_init(j, err);
	if (r == 0)
		r = open_groups(j, err);
	if (r == 0)
		r = guard_filter_get(cache, j->state->features, &j->child.filter, err);
	if (r == 0)
		r = find_stdio(j, err);
	return r == 0 ? lend(j, err) : r;
}

static void join_close(struct join *j)
{
	cg_close(&j->cg);
	guard_filter_free(&j->child.filter);
	for (int i = 0; i < j->child.n_groups; i++)
		fd_drop(&j->child.groups[i]);
	for (size_t i = 0; i < j->n_pairs; i++) {
		if (j->pair[i].from > 2)
			fd_drop(&j->pair[i].from);
		if (j->pair[i].to > 2)
			fd_drop(&j->pair[i].to);
		fd_drop(&j->pair[i].unread);
	}
	for (int i = 0; i < 3; i++)
		fd_drop(&j->theirs[i]);
	fd_drop(&j->null);
	fd_drop(&j->sock);
	fd_drop(&j->child.sock);
	fd_drop(&j->child.init);
	fd_drop(&j->pidfd);
	fd_drop(&j->master);
}

/* systemd needs a moment after its start before systemctl(1) can talk to it. A command that comes
 * right behind croft start waits for its socket: only in the first seconds of a server that runs,
 * and bounded, by the deadline as well. */
static void await_systemd(const struct join *j)
{
	const struct dialect *d = dialect_find(j->state->dialect);
	uint64_t end = clock_ms() + SYSTEMD_WAIT_MS;
	_cleanup_free_ char *path = xasprintf("/proc/%d/root", j->state->init);
	_cleanup_close_ int root = -1;

	if (!d || !d->systemd || j->state->phase != STATE_RUNNING || j->state->frozen ||
	    time(NULL) - j->state->started > SYSTEMD_YOUNG_S)
		return;
	if (j->q->deadline_ms && j->q->deadline_ms < end)
		end = j->q->deadline_ms;
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (root >= 0 && clock_ms() < end && state_alive(j->state)) {
		_cleanup_close_ int fd =
		    fd_open_in(root, "run/dbus/system_bus_socket", O_PATH | O_CLOEXEC, 0);
		_cleanup_close_ int own =
		    fd_open_in(root, "run/systemd/private", O_PATH | O_CLOEXEC, 0);

		if (fd >= 0 && own >= 0)
			return;
		usleep(10000);
	}
}

int join_exec(const struct host *h, const struct state *s, const struct join_request *q,
	      int *ret_code, struct err *err)
{
	struct join j = {
		.host = h,
		.state = s,
		.q = q,
		.cg = CG_NONE,
		.child = { .q = q,
			   .init = -1,
			   .sock = -1,
			   .term = getenv("TERM"),
			   .privileged = s->privileged },
		.null = -1,
		.theirs = { -1, -1, -1 },
		.sock = -1,
		.pidfd = -1,
		.master = -1,
	};
	await_systemd(&j);
	int r = prepare(&j, err);

	if (r == 0)
		r = run_child(&j, ret_code, err);
	join_close(&j);
	return r;
}
