// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Locks. What must stay true: a lock belongs to the file that the path names now. Whoever gets the
 * flock of a file that was removed meanwhile holds nothing and starts over; that makes it safe to
 * remove the file of a lock that is held.
 */
#include "sys/lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"
#include "sys/proc.h"

#define HOLDER_MAX 200

uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Opens the file of a lock; its directory is made where it is missing. */
static int open_file(const char *path)
{
	const char *slash = strrchr(path, '/');

	for (int attempt = 0;; attempt++) {
		_cleanup_free_ char *dir = NULL;
		int fd, r;

		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
			  0600);
		if (fd >= 0)
			return fd;
		if (errno == EINTR)
			continue;
		if (errno != ENOENT || !slash || attempt >= 10)
			return -errno;
		dir = xstrndup(path, (size_t)(slash - path));
		r = fd_mkdir_p(dir, 0700);
		if (r < 0)
			return r;
	}
}

/* Whether path still names the file of fd. */
static bool is_current(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* "PID COMMAND" for the messages of those who wait. The words of the command up to the first
 * option: what follows may be a password. The new line is written over the old one before the rest
 * is cut off, so that a reader never finds an empty file. Failure is of no consequence. */
static void write_holder(int fd)
{
	char command[160], line[HOLDER_MAX];
	char *option;
	int n;

	proc_command(getpid(), command, sizeof(command));
	option = strstr(command, " -");
	if (option)
		*option = '\0';
	n = snprintf(line, sizeof(line), "%d %s\n", (int)getpid(), command);
	if (pwrite(fd, line, (size_t)n, 0) != n)
		n = 0;
	if (ftruncate(fd, n) < 0)
		return;
}

static int busy(int fd, const char *what, struct err *err)
{
	char line[HOLDER_MAX];
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
	int pid = 0, command = 0;

	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%d %n", &pid, &command) == 1 && pid > 0 && command)
		err_set(err, ERR_BUSY, 0, "%s is locked by pid %d (%s); try again later", what, pid,
			line + command);
	else
		err_set(err, ERR_BUSY, 0, "%s is locked by another process; try again later", what);
	return -EBUSY;
}

/* Takes the flock of fd. -EBUSY when the deadline has passed. */
static int wait_flock(int fd, uint64_t deadline_ms)
{
	/* Polling, because flock has no deadline and a signal to end it would be a matter of the
	 * whole process. */
	for (unsigned ms = 1;; ms = ms < 25 ? ms * 2 : 50) {
		struct timespec t = { .tv_nsec = ms * 1000000L };
		uint64_t now;

		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return -errno;
		if (deadline_ms == 0)
			return -EBUSY;
		now = clock_ms();
		if (now >= deadline_ms)
			return -EBUSY;
		if (deadline_ms - now < ms)
			t.tv_nsec = (long)(deadline_ms - now) * 1000000L;
		nanosleep(&t, NULL);
	}
}

int lock_take(const char *path, const char *what, uint64_t deadline_ms, struct lock *ret,
	      struct err *err)
{
	struct lock l = LOCK_NONE;

	if (strlen(path) >= sizeof(l.path))
		return err_set(err, ERR_FAIL, ENAMETOOLONG, "cannot lock %s: %s", what, path);
	strcpy(l.path, path);
	for (;;) {
		_cleanup_close_ int fd = open_file(path);
		int r;

		if (fd < 0)
			return err_set(err, ERR_FAIL, -fd, "cannot lock %s: %s", what, path);
		r = wait_flock(fd, deadline_ms);
		if (r == -EBUSY)
			return busy(fd, what, err);
		if (r < 0)
			return err_set(err, ERR_FAIL, -r, "cannot lock %s: %s", what, path);
		/* The holder before us may have removed the file: then this lock excludes nobody.
		 */
		if (!is_current(fd, path))
			continue;
		write_holder(fd);
		l.fd = STEAL_FD(fd);
		*ret = l;
		return 0;
	}
}

void lock_drop(struct lock *l)
{
	if (l->fd < 0)
		return;
	/* Unlocked by name: closing alone would leave the lock to a child that still has the
	 * descriptor. */
	flock(l->fd, LOCK_UN);
	fd_drop(&l->fd);
}

void lock_drop_remove(struct lock *l)
{
	/* While the lock is held nobody else removes or replaces the file; the check is against an
	 * administrator who did it by hand. */
	if (l->fd >= 0 && is_current(l->fd, l->path))
		unlink(l->path);
	lock_drop(l);
}
