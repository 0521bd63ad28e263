// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is in a server's group, and how to freeze and to end all of them.
 *
 * Both are core features of version 2, so they work on a hybrid host too, where every controller is
 * on version 1. Must stay true: each wait is bounded, and a wait that ends by its limit says which
 * processes are left and where in the kernel they hang.
 */
#include "sys/cg_priv.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "base/mem.h"
#include "base/str.h"

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

bool cg_event(int dirfd, const char *key)
{
	char text[256];
	uint64_t v;

	return cg_slurp(dirfd, "cgroup.events", text, sizeof(text)) >= 0 &&
	       cg_text_key(text, key, &v) == 0 && v != 0;
}

bool cg_populated(const struct cg *cg)
{
	return cg_event(cg->fd2, "populated");
}

bool cg_frozen(const struct cg *cg)
{
	return cg_event(cg->fd2, "frozen");
}

/* Waits until an event has a value. The kernel wakes poll(2) with POLLPRI when the file changes,
 * but delays that by up to 10 ms when it has just done so: hence the short waits first. */
static int event_wait(const struct cg *cg, const char *key, bool value, uint64_t deadline)
{
	_cleanup_close_ int fd = openat(cg->fd2, "cgroup.events", O_RDONLY | O_CLOEXEC);
	char text[256];

	if (fd < 0)
		return -errno;
	for (int step = 1;; step = step < 64 ? step * 2 : 64) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
		uint64_t v, now;

		if (len < 0)
			return -errno;
		text[len] = '\0';
		if (cg_text_key(text, key, &v) == 0 && (v != 0) == value)
			return 0;
		now = now_ms();
		if (now >= deadline)
			return -ETIMEDOUT;
		if ((uint64_t)step > deadline - now)
			step = (int)(deadline - now);
		poll(&p, 1, step);
	}
}

/* Lists of processes. */

struct pids {
	pid_t *v;
	size_t n, cap;
};

static void pids_add(struct pids *l, pid_t pid)
{
	if (pid <= 0) /* 0: of another pid namespace */
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = xrealloc(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = pid;
}

/* One group's own processes. A group of threads answers EOPNOTSUPP; its processes are listed in the
 * domain above it. */
static int pids_read(int dir, struct pids *l)
{
	_cleanup_close_ int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char text[4096];
	pid_t pid = 0;
	ssize_t len;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	while ((len = read(fd, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < len; i++) {
			if (text[i] == '\n') {
				pids_add(l, pid);
				pid = 0;
			} else {
				pid = pid * 10 + (text[i] - '0');
			}
		}
	}
	return len < 0 && errno != EOPNOTSUPP && errno != ENODEV ? -errno : 0;
}

/* Consumes fd. A group that vanishes meanwhile is no error. */
static int pids_walk(int fd, int depth, struct pids *l)
{
	DIR *dir;
	struct dirent *e;
	int r = pids_read(fd, l);

	dir = r < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		r = r < 0 ? r : -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(dir))) {
		int child;

		if (e->d_type != DT_DIR || streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		if (depth >= CG_DEPTH_MAX) {
			r = -ELOOP;
			break;
		}
		child =
		    openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			r = pids_walk(child, depth + 1, l);
	}
	closedir(dir);
	return r;
}

static int pids_of(int dir, struct pids *l)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : pids_walk(fd, 0, l);

	if (r < 0) {
		free(l->v);
		*l = (struct pids) { 0 };
	}
	return r;
}

int cg_pids(const struct cg *cg, pid_t **ret, size_t *ret_n)
{
	struct pids l = { 0 };
	int r = pids_of(cg->fd2, &l);

	if (r < 0)
		return r;
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

bool cg_has_pids(int dirfd)
{
	struct pids l = { 0 };
	bool any = pids_of(dirfd, &l) < 0 || l.n > 0;

	free(l.v);
	return any;
}

bool cg_is_server(int parent, const char *name)
{
	_cleanup_close_ int fd =
	    openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return false;
	if (fstatat(fd, "inside", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	/* A directory of cgroupfs has one link for each that is in it, and two more. */
	return fstat(fd, &st) == 0 && st.st_nlink <= 2 && !cg_has_pids(fd);
}

/* A file of /proc/PID as one word for a message: comm and wchan are a server's choice or empty. */
static const char *proc_word(pid_t pid, const char *file, char *out, size_t n)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	if (cg_slurp(AT_FDCWD, path, out, n) <= 0)
		return "?";
	out[strcspn(out, "\n")] = '\0';
	for (char *p = out; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return out;
}

char *cg_who(int dirfd, char *out, size_t n)
{
	struct pids l = { 0 };
	char comm[32], wchan[48];
	size_t at = 0;

	snprintf(out, n, "?");
	if (pids_of(dirfd, &l) < 0)
		return out;
	for (size_t i = 0; i < l.n && i < 5 && at < n; i++) {
		const char *where = proc_word(l.v[i], "wchan", wchan, sizeof(wchan));
		bool known = !streq(where, "0") && !streq(where, "?");

		at += (size_t)snprintf(out + at, n - at, "%s%d (%s%s%s)", at ? ", " : "",
				       (int)l.v[i], proc_word(l.v[i], "comm", comm, sizeof(comm)),
				       known ? ", waits in " : "", known ? where : "");
	}
	if (l.n > 5 && at < n)
		snprintf(out + at, n - at, " and %zu more", l.n - 5);
	free(l.v);
	return out;
}

/* Freezing and ending. */

int cg_freeze(const struct cg *cg, bool frozen, int timeout_ms, struct err *err)
{
	uint64_t deadline = now_ms() + (uint64_t)timeout_ms;
	char who[256];
	int r = cg_spill(cg->fd2, "cgroup.freeze", frozen ? "1" : "0"); /* 5.2 */

	if (r < 0)
		return err_set(err, r == -ENOENT ? ERR_HOST : ERR_FAIL, -r,
			       "cannot %s the control group %s", frozen ? "freeze" : "thaw",
			       cg->rel);
	r = event_wait(cg, "frozen", frozen, deadline);
	if (r == -ETIMEDOUT) {
		if (frozen)
			cg_spill(cg->fd2, "cgroup.freeze", "0");
		err_set(err, ERR_BUSY, 0, "not %s within %d ms: %s", frozen ? "frozen" : "thawed",
			timeout_ms, cg_who(cg->fd2, who, sizeof(who)));
		return r;
	}
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cgroup.events of %s", cg->rel) : 0;
}

int cg_kill_each(const struct cg *cg, uint64_t deadline)
{
	int r;

	for (uint64_t round = 10;; round = round < 1000 ? round * 2 : 1000) {
		struct pids l = { 0 };
		uint64_t now = now_ms(), until = now + round < deadline ? now + round : deadline;

		/* Nobody forks while it is frozen, so one pass reaches all; a process that cannot
		 * be frozen in time is reached by a later round. A frozen process dies of SIGKILL.
		 */
		r = cg_spill(cg->fd2, "cgroup.freeze", "1");
		if (r == 0)
			event_wait(cg, "frozen", true, until);
		r = pids_of(cg->fd2, &l);
		for (size_t i = 0; i < l.n; i++)
			kill(l.v[i], SIGKILL);
		free(l.v);
		cg_spill(cg->fd2, "cgroup.freeze", "0");
		if (r < 0)
			return r;
		r = event_wait(cg, "populated", false, until);
		if (r != -ETIMEDOUT || now_ms() >= deadline)
			return r;
	}
}

int cg_kill(const struct cg *cg, int timeout_ms, struct err *err)
{
	uint64_t deadline = now_ms() + (uint64_t)timeout_ms;
	char who[384];

	/* The root has all of the host in it; it is the one group without this file. */
	if (faccessat(cg->fd2, "cgroup.events", F_OK, 0) < 0)
		return err_errno(err, "cannot kill the control group %s: cgroup.events", cg->rel);
	int r = cg_spill(cg->fd2, "cgroup.kill", "1"); /* 5.14 */
	if (r == 0)
		r = event_wait(cg, "populated", false, deadline);
	else if (r == -ENOENT)
		r = cg_kill_each(cg, deadline);
	if (r == -ETIMEDOUT) {
		err_set(err, ERR_BUSY, 0, "killed, but not gone within %d ms: %s", timeout_ms,
			cg_who(cg->fd2, who, sizeof(who)));
		return r;
	}
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot kill the control group %s", cg->rel) : 0;
}
