// SPDX-License-Identifier: GPL-2.0-or-later
/* The view inside; see view.h. */
#include "run/view.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "limit/limit.h"
#include "run/groups.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/mnt.h"
#include "sys/proc.h"

/* An answer takes a fraction of a millisecond. */
#define ANSWER_MS 5000
/* A child that waits for an answer can be killed until the daemon has read its question. */
#define GIVE_UP_MS     500
#define MOUNTINFO_MAX  (16 << 20)
#define DAEMON_SILENT  254
#define DAEMON_IS_GONE 253

/*
 * Beneath VIEW_DIR as beneath the server's root. Not among them is /proc/stat: lxcfs (5 to 7) takes
 * the CPU time that a server has used from version 1's cpuacct alone, and shows that of the host on
 * version 2; and it has the host's time of boot, with which ps(1) tells wrong times of start in a
 * time namespace.
 */
static const char *const files[] = {
	"proc/meminfo",
	"proc/swaps",
	"proc/loadavg",
	"proc/cpuinfo",
	"sys/devices/system/cpu/online",
	"proc/uptime",
};
#define UPTIME	  5
#define N_FILES	  ARRAY_LEN(files)
#define ALL_FILES ((1u << N_FILES) - 1)

struct job {
	int pidfd; /* of init; -1: only ask */
	bool privileged;
	unsigned put;	    /* bits of files[] */
	dev_t old[N_FILES]; /* mounts that go first, by the number of their file system; 0: none */
};

bool view_there(dev_t *ret_dev)
{
	return mnt_is_root(VIEW_DIR, ret_dev);
}

/* Where there are time namespaces (5.6), the time since boot is the server's own without lxcfs. */
static unsigned wanted_files(void)
{
	bool timens = access("/proc/self/ns/time", F_OK) == 0;

	return timens ? ALL_FILES & ~(1u << UPTIME) : ALL_FILES;
}

/* -- the child ------------------------------------------------------------------------------ */

/* Paths alone may be answered from the kernel's cache of names: opening is what the daemon does. */
static int ask_daemon(void)
{
	_cleanup_close_ int fd = open(VIEW_DIR "/proc/meminfo", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return 0;
	return errno == ENOTCONN || errno == ECONNABORTED ? DAEMON_IS_GONE : errno;
}

/* Detached copies of the daemon's files. One that this lxcfs does not have is no reason to do
 * without the others. */
static int take_files(unsigned put, int mnt[N_FILES])
{
	const uint64_t safe =
	    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	struct err unused = { 0 };

	for (size_t i = 0; i < N_FILES; i++) {
		char path[96];

		if (!(put & (1u << i)))
			continue;
		snprintf(path, sizeof(path), VIEW_DIR "/%s", files[i]);
		mnt[i] = mnt_clone(AT_FDCWD, path, &unused);
		if (mnt[i] < 0 && mnt[i] != -ENOENT)
			return -mnt[i];
		/* A copy of a shared mount is its peer: what the server mounts on it would appear
		 * on the host. */
		if (mnt[i] >= 0 && mnt_private(mnt[i], safe, &unused) < 0)
			return EIO;
	}
	return 0;
}

/* With the rights of the server's root, and in its own mount namespace: whatever it has made of
 * these paths, nothing beyond them is reached. */
static int put_files(const struct job *j, const int mnt[N_FILES])
{
	struct err unused = { 0 };

	for (size_t i = 0; i < N_FILES; i++) {
		char path[96];
		dev_t dev;

		snprintf(path, sizeof(path), "/%s", files[i]);
		if (j->old[i] && mnt_is_root(path, &dev) && dev == j->old[i])
			(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
		if (mnt[i] < 0)
			continue;
		int r = mnt_attach_at(mnt[i], AT_FDCWD, path, &unused);
		if (r < 0 && r != -ENOENT) /* a kernel without swap has no /proc/swaps */
			return -r;
	}
	return 0;
}

_Noreturn static void child(const struct job *j)
{
	int ns = CLONE_NEWNS | (j->privileged ? 0 : CLONE_NEWUSER);
	int mnt[N_FILES], pidfd = 3;

	memset(mnt, -1, sizeof(mnt)); /* no descriptors */
	/* Nothing that others wait for the end of: this process may be given up. */
	if (j->pidfd >= 0 && dup2(j->pidfd, pidfd) < 0)
		_exit(errno);
	close_range(j->pidfd < 0 ? 3 : 4, ~0U, 0);
	int r = j->put ? ask_daemon() : 0;
	if (r == 0)
		r = take_files(j->put, mnt);
	if (r == 0 && j->pidfd >= 0)
		r = setns(pidfd, ns) < 0 ? errno : put_files(j, mnt); /* 5.8 */
	_exit(r);
}

/* What the child exited with: an errno, DAEMON_IS_GONE or DAEMON_SILENT. */
static int run_child(const struct job *j, uint64_t deadline_ms)
{
	_cleanup_close_ int pidfd = -1;
	uint64_t now = clock_ms(), left = deadline_ms > now ? deadline_ms - now : 0;
	siginfo_t info = { 0 };
	pid_t pid = clone_fork(0, -1, &pidfd);

	if (pid == 0)
		child(j);
	if (pid < 0)
		return (int)-pid;
	if (proc_pidfd_wait(pidfd, left < ANSWER_MS ? (int)left : ANSWER_MS) < 0) {
		proc_pidfd_signal(pidfd, SIGKILL);
		/* One that cannot be killed yet becomes somebody else's child. */
		if (proc_pidfd_wait(pidfd, GIVE_UP_MS) == 0)
			waitpid(pid, NULL, 0);
		return DAEMON_SILENT;
	}
	if (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 || info.si_code != CLD_EXITED)
		return ECHILD;
	return info.si_status;
}

static int explain(int status, struct err *err)
{
	if (status == DAEMON_SILENT)
		return err_set(err, ERR_HOST, 0, "lxcfs does not answer");
	if (status == DAEMON_IS_GONE)
		return err_set(err, ERR_HOST, 0,
			       "lxcfs has ended, and its mount on " VIEW_DIR " is left");
	return err_set(err, ERR_FAIL, status, "cannot mount the files of lxcfs");
}

/* -- the host's side ------------------------------------------------------------------------ */

enum view_health view_health(dev_t *ret_dev)
{
	const struct job ask = { .pidfd = -1, .put = 1 };

	if (!view_there(ret_dev))
		return VIEW_ABSENT;
	int r = run_child(&ask, UINT64_MAX);
	return r == 0 ? VIEW_WORKS : r == DAEMON_SILENT ? VIEW_HANGS : VIEW_DEAD;
}

int view_put(int init_pidfd, bool privileged, uint64_t deadline_ms, struct err *err)
{
	const struct job j = { .pidfd = init_pidfd,
			       .privileged = privileged,
			       .put = wanted_files() };
	int r = run_child(&j, deadline_ms);

	return r == 0 ? 0 : explain(r, err);
}

/* "72 43 0:45 /proc/meminfo /proc/meminfo ro - fuse.lxcfs lxcfs rw": proc_pid_mountinfo(5). */
static void look_at_line(char *line, dev_t old[N_FILES])
{
	char *type = strstr(line, " - "), on[64];
	unsigned major, minor;

	if (!type || strncmp(type, " - fuse.lxcfs ", 14) != 0 ||
	    sscanf(line, "%*d %*d %u:%u %*s %63s", &major, &minor, on) != 3)
		return;
	for (size_t i = 0; i < N_FILES; i++)
		if (on[0] == '/' && streq(on + 1, files[i]))
			old[i] = makedev(major, minor); /* the last one is on top */
}

static int look_inside(const struct state *s, dev_t old[N_FILES], struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/mountinfo", s->init);
	_cleanup_free_ char *text = NULL;
	char *rest;
	int r = fd_read_file(AT_FDCWD, path, MOUNTINFO_MAX, &text, NULL);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read the server's mounts");
	rest = text;
	for (char *line; (line = strsep(&rest, "\n"));)
		look_at_line(line, old);
	return 0;
}

/* What differs from what there shall be: to j. */
static bool compare(struct job *j, enum view_health health, dev_t dev)
{
	bool differs = false;

	for (size_t i = 0; i < N_FILES; i++) {
		bool put = (j->put & (1u << i)) && health == VIEW_WORKS;

		if (j->old[i] == (put ? dev : 0)) {
			j->old[i] = 0;
			j->put &= ~(1u << i);
			continue;
		}
		if (!put)
			j->put &= ~(1u << i);
		differs = true;
	}
	return differs;
}

/* What a start without lxcfs has left out. */
static int tell_cpus(const struct host *h, const struct state *s, struct err *err)
{
	struct cg_layout layout;
	struct cg cg;
	int r = groups_layout(h, &layout, err);

	if (r == 0)
		r = cg_open(&layout, s->cgroup, s->groups, &cg, err);
	if (r < 0)
		return r;
	limit_view(&cg, &s->limit);
	cg_close(&cg);
	return 0;
}

int view_recover(const struct host *h, const struct state *s, enum view_health health, dev_t dev,
		 struct err *err)
{
	struct job j = { .privileged = s->privileged, .put = wanted_files() };

	if (!s->view || s->phase != STATE_RUNNING || health == VIEW_HANGS)
		return 0;
	int r = look_inside(s, j.old, err);
	if (r < 0)
		return r;
	if (!compare(&j, health, dev))
		return 0;
	_cleanup_close_ int pidfd = proc_pidfd_open(s->init, 0);
	if (pidfd < 0 || !state_alive(s)) /* in this order: the number may be another's by now */
		return 0;
	j.pidfd = pidfd;
	r = run_child(&j, UINT64_MAX);
	if (r != 0)
		return explain(r, err);
	if (health == VIEW_WORKS)
		r = tell_cpus(h, s, err);
	return r < 0 ? r : 1;
}
