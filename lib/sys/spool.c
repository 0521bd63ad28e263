// SPDX-License-Identifier: GPL-2.0-or-later
/* Appending to files of lines; see spool.h. A start does it, so it is counted in system calls:
 * open, fstat, pread, write, close. */
#include "sys/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

static int spool_open(const char *path, struct stat *st)
{
	int fd =
	    open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
		 0600);
	int r = 0;

	*st = (struct stat) { 0 };
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0)
		r = -errno;
	else if (!S_ISREG(st->st_mode))
		r = -EINVAL;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* Several may find at once that it is time. The lock is on the old file, and is not waited for: one
 * renames it, if it still is the file of that name, and the others go on with what they have. */
static void rotate(const char *path, int fd, const struct stat *mine)
{
	_cleanup_free_ char *old = xasprintf("%s.1", path);
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && stat(path, &st) == 0 &&
	    st.st_ino == mine->st_ino && st.st_dev == mine->st_dev)
		(void)rename(path, old);
}

/* Whether a writer before was cut short. It may also be one that is at it now: then there is an
 * empty line, which says nothing. */
static bool lacks_newline(int fd, off_t size)
{
	char last;

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int spool_append(const char *path, uint64_t max, const char *line, size_t n)
{
	char text[SPOOL_LINE_MAX + 1] = "\n";
	struct stat st;
	int fd, r = 0;

	if (n > SPOOL_LINE_MAX)
		return -EMSGSIZE;
	fd = spool_open(path, &st);
	if (fd >= 0 && (uint64_t)st.st_size >= max) {
		rotate(path, fd, &st);
		close(fd);
		fd = spool_open(path, &st);
	}
	if (fd < 0)
		return fd;
	size_t first = lacks_newline(fd, st.st_size);
	memcpy(text + first, line, n);
	ssize_t w = write(fd, text, n + first);
	if (w < 0)
		r = -errno;
	else if ((size_t)w < n + first)
		r = -ENOSPC;
	close(fd);
	return r;
}

void spool_time_of(int64_t ms, char out[SPOOL_TIME])
{
	time_t s = (time_t)(ms / 1000);
	char day[24];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, SPOOL_TIME, "%s.%03dZ", day, (int)(ms % 1000));
}

void spool_time(char out[SPOOL_TIME])
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	spool_time_of((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000, out);
}
