// SPDX-License-Identifier: GPL-2.0-or-later
/* Changes inside a running server; see live.h. */
#include "run/live.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/clone.h"
#include "sys/mnt.h"
#include "sys/proc.h"

/* For a mount inside that does not answer, such as a FUSE without its process. */
#define ANSWER_MS  2000
#define GIVE_UP_MS 500

static int open_ns(const struct state *s, const char *which, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/ns/%s", s->init, which);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && state_alive(s)) /* in this order: the pid may be another's by now */
		return fd;
	if (fd >= 0)
		close(fd);
	return err_set(err, ERR_FAIL, ESRCH, "cannot open the server's namespaces");
}

/* The errno that a child exited with. */
static int wait_child(pid_t pid, const char *what, struct err *err)
{
	int status = 0;

	if (pid < 0)
		return err_errno(err, "fork");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, ERR_FAIL, WIFEXITED(status) ? WEXITSTATUS(status) : 0, "cannot %s",
		       what);
}

int live_hostname(const struct state *s, const char *hostname, struct err *err)
{
	_cleanup_close_ int ns = open_ns(s, "uts", err);

	if (ns < 0)
		return ns;
	pid_t pid = fork();
	if (pid == 0)
		_exit(setns(ns, CLONE_NEWUTS) < 0 || sethostname(hostname, strlen(hostname)) < 0
			  ? errno
			  : 0);
	return wait_child(pid, "set the host name", err);
}

bool live_tmpfs_size(const struct limit_conf *c, char text[24])
{
	if (c->memory == PARSE_UNLIMITED)
		return false;
	snprintf(text, 24, "%" PRIu64, c->memory / 2);
	return true;
}

static int change_mounts(int user, int mnt, const struct limit_conf *want, bool run_too)
{
	char size[24], ptys[24];
	const char *const tmpfs[] = { "size", size, NULL };
	/* All of them: what is not named falls back to the kernel's default. */
	const char *const devpts[] = { "ptmxmode", "0666", "mode", "0620", "gid",
				       "5",	   "max",  ptys,   NULL };
	struct err unused = { 0 };

	if (!live_tmpfs_size(want, size))
		strcpy(size, "50%");
	snprintf(ptys, sizeof(ptys), "%" PRIu64, want->ptys);
	if ((user >= 0 && setns(user, CLONE_NEWUSER) < 0) || setns(mnt, CLONE_NEWNS) < 0)
		return errno;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* setns(2) to a user namespace takes it back */
	/* A mount that hangs may keep this process where no signal ends it: without the lock. */
	syscall(SYS_close_range, 3, ~0u, 0);
	(void)mnt_reconfigure("/dev/shm", tmpfs, &unused);
	if (run_too)
		(void)mnt_reconfigure("/run", tmpfs, &unused);
	(void)mnt_reconfigure("/dev/pts", devpts, &unused);
	return 0;
}

int live_mounts(const struct state *s, const struct limit_conf *want, bool *silent, struct err *err)
{
	const struct dialect *d = dialect_find(s->dialect);
	_cleanup_close_ int user = -1, mnt = -1, pidfd = -1;

	if (!s->privileged) {
		user = open_ns(s, "user", err);
		if (user < 0)
			return user;
	}
	mnt = open_ns(s, "mnt", err);
	if (mnt < 0)
		return mnt;
	pid_t pid = clone_fork(0, -1, &pidfd);
	if (pid == 0)
		_exit(change_mounts(user, mnt, want, d && d->run_tmpfs));
	if (pid < 0)
		return err_set(err, ERR_FAIL, (int)-pid, "fork");
	if (proc_pidfd_wait(pidfd, ANSWER_MS) < 0) {
		proc_pidfd_signal(pidfd, SIGKILL);
		/* One that cannot be killed yet becomes somebody else's child. */
		if (proc_pidfd_wait(pidfd, GIVE_UP_MS) == 0)
			waitpid(pid, NULL, 0);
		*silent = true;
		return 0;
	}
	return wait_child(pid, "enter the server's mount namespace", err);
}
