// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads and replaces files beneath a server's root, which its own root user may have prepared to
 * lead us astray, and may be changing while we look.
 *
 * What must stay true:
 * - A path is resolved once, by the kernel, within the root (fd_open_in); what follows goes through
 *   that descriptor.
 * - Nothing is opened for reading before fstat(2) has shown a regular file: opening a fifo waits,
 *   and opening a device acts.
 * - Writing is a new file and a rename(2) beside it: no file of the server is opened for writing,
 *   and rename does not follow a link in the last place.
 */
#include "dialect/edit.h"
#include "dialect/dialect.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"

#define LINKS_MAX   16 /* links in the last place, one after the other */
#define BLOCK_BEGIN "# croft: begin\n"
#define BLOCK_END   "# croft: end\n"

/* Messages name paths as the server's user sees them. */
static const char *shown(const char *path)
{
	return *path == '/' ? path : "?";
}

/* A readable descriptor of an O_PATH one, by way of our own /proc. */
static int reopen(int fd)
{
	char self[40];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int refuse_kind(const char *path, mode_t mode, struct err *err)
{
	const char *kind = S_ISDIR(mode)    ? "a directory"
			   : S_ISFIFO(mode) ? "a fifo"
			   : S_ISCHR(mode)  ? "a device"
			   : S_ISBLK(mode)  ? "a device"
			   : S_ISSOCK(mode) ? "a socket"
					    : "no regular file";

	return err_set(err, ERR_FAIL, 0, "%s in the server is %s; remove it there", shown(path),
		       kind);
}

/* Content of an O_PATH descriptor; st is filled. */
static int read_fd(int fd, const char *path, size_t max, char **ret, struct stat *st,
		   struct err *err)
{
	_cleanup_close_ int in = -1;
	size_t len;
	char *text;
	int r;

	if (fstat(fd, st) < 0)
		return err_errno(err, "%s in the server", shown(path));
	if (!S_ISREG(st->st_mode))
		return refuse_kind(path, st->st_mode, err);
	if ((uint64_t)st->st_size > max)
		return err_set(err, ERR_FAIL, 0, "%s in the server is larger than %zu bytes",
			       shown(path), max);
	in = reopen(fd);
	if (in < 0)
		return err_errno(err, "%s in the server", shown(path));
	r = fd_read_all(in, max, &text, &len);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "%s in the server", shown(path));
	*ret = text;
	return 0;
}

int edit_read(int rootfd, const char *path, size_t max, char **ret, struct err *err)
{
	_cleanup_close_ int fd = fd_open_in(rootfd, path, O_PATH | O_CLOEXEC, 0);
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR) {
		*ret = xstrdup("");
		return 1;
	}
	if (fd < 0)
		return err_set(err, ERR_FAIL, -fd, "%s in the server", shown(path));
	return read_fd(fd, path, max, ret, &st, err);
}

bool edit_exists(int rootfd, const char *path, mode_t kind)
{
	_cleanup_close_ int fd = fd_open_in(rootfd, path, O_PATH | O_CLOEXEC, 0);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && (!kind || (st.st_mode & S_IFMT) == kind);
}

bool edit_link(int rootfd, const char *path, char *out, size_t n)
{
	_cleanup_close_ int fd = fd_open_in(rootfd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	ssize_t len;

	if (fd < 0)
		return false;
	len = readlinkat(fd, "", out, n - 1);
	if (len < 0)
		return false;
	out[len] = '\0';
	return true;
}

bool edit_same(int rootfd, const char *a, const char *b)
{
	_cleanup_close_ int fa = fd_open_in(rootfd, a, O_PATH | O_CLOEXEC, 0);
	_cleanup_close_ int fb = fd_open_in(rootfd, b, O_PATH | O_CLOEXEC, 0);
	struct stat sa, sb;

	return fa >= 0 && fb >= 0 && fstat(fa, &sa) == 0 && fstat(fb, &sb) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* ---- where to write ---- */

/* The directory of a path, made where it is missing; not on the way to a "..": what is then found
 * would be another file than the one that reading did not find. */
static int open_dir(int rootfd, const char *dir, mode_t mode)
{
	_cleanup_free_ char *part = NULL;
	_cleanup_close_ int up = -1;
	int fd = fd_open_in(rootfd, *dir ? dir : "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	const char *slash;

	if (fd != -ENOENT || !*dir)
		return fd;
	slash = strrchr(dir, '/');
	if (streq(slash ? slash + 1 : dir, ".."))
		return -ENOENT;
	part = xstrndup(dir, slash ? (size_t)(slash - dir) : 0);
	up = open_dir(rootfd, part, mode);
	if (up < 0)
		return up;
	/* A dangling link is EEXIST here, and the second open says ENOENT: refused, not followed.
	 */
	if (mkdirat(up, slash ? slash + 1 : dir, mode) < 0 && errno != EEXIST)
		return -errno;
	return fd_open_in(rootfd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

/* One place to write to: a directory held open and a name in it that is no link. */
struct place {
	int dir;
	char name[NAME_MAX + 1];
};

static int split(const char *path, char **ret_dir, char *name)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	if (!*base || streq(base, ".") || streq(base, ".."))
		return -EISDIR;
	if (strlen(base) > NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(name, base);
	*ret_dir = xstrndup(path, slash ? (size_t)(slash - path) : 0);
	return 0;
}

/* Follows links in the last place by hand, each as a new path within the root, because the last
 * directory is needed and no call gives it. */
static int find_place(int rootfd, const char *path, mode_t dir_mode, bool follow, struct place *ret)
{
	_cleanup_free_ char *cur = xstrdup(path);
	char target[PATH_MAX];

	for (int i = 0; i < LINKS_MAX; i++) {
		_cleanup_free_ char *dir = NULL;
		_cleanup_close_ int fd = -1;
		char *next;
		ssize_t n;
		int r = split(cur, &dir, ret->name);

		if (r < 0)
			return r;
		fd = open_dir(rootfd, dir, dir_mode);
		if (fd < 0)
			return fd;
		n = follow ? readlinkat(fd, ret->name, target, sizeof(target) - 1) : -1;
		if (n < 0) {
			ret->dir = STEAL_FD(fd);
			return 0;
		}
		target[n] = '\0';
		next = target[0] == '/' ? xstrdup(target) : xasprintf("%s/%s", dir, target);
		free(cur);
		cur = next;
	}
	return -ELOOP;
}

/* ---- writing ---- */

static int fill(int fd, const char *text, mode_t mode, const struct stat *old, unsigned flags)
{
	int r = fd_write_all(fd, text, strlen(text));

	if (r < 0)
		return r;
	if (old && (old->st_uid != geteuid() || old->st_gid != getegid()) &&
	    fchown(fd, old->st_uid, old->st_gid) < 0)
		return -errno;
	if (fchmod(fd, old ? old->st_mode & 07777 : mode) < 0)
		return -errno;
	if (flags & EDIT_DURABLE && fsync(fd) < 0)
		return -errno;
	return 0;
}

/* dirfd is an O_PATH descriptor of one directory, and both names are single: nothing resolves. */
static int replace(int dirfd, const char *name, const char *text, mode_t mode,
		   const struct stat *old, unsigned flags)
{
	char tmp[40];
	int fd, r;

	snprintf(tmp, sizeof(tmp), ".croft-%d.tmp", (int)getpid());
	if (unlinkat(dirfd, tmp, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = fill(fd, text, mode, old, flags);
	close(fd);
	if (r == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, tmp, 0);
	else if (flags & EDIT_DURABLE)
		r = fd_sync_dir(dirfd, ".");
	return r;
}

/* 1 when the file there has that text already; 0 when it is to be replaced; *have says whether st
 * describes a file whose mode and owner are to be kept. */
static int unchanged(const struct place *p, const char *path, const char *text, struct stat *st,
		     bool *have, struct err *err)
{
	_cleanup_close_ int fd = openat(p->dir, p->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *old = NULL;

	*have = false;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, st) < 0)
		return err_errno(err, "%s in the server", shown(path));
	if (S_ISLNK(st->st_mode))
		return 0;
	if (!S_ISREG(st->st_mode))
		return refuse_kind(path, st->st_mode, err);
	*have = true;
	if (st->st_size != (off_t)strlen(text))
		return 0;
	if (read_fd(fd, path, EDIT_MAX, &old, st, err) < 0)
		return 0; /* it is replaced, whatever it was */
	return old && streq(old, text);
}

int edit_put(int rootfd, const char *path, const char *text, mode_t mode, mode_t dir_mode,
	     unsigned flags, struct err *err)
{
	_cleanup_close_ int dir = -1;
	struct place place;
	struct stat st;
	bool have;
	int r = find_place(rootfd, path, dir_mode, !(flags & EDIT_NOFOLLOW), &place);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "%s in the server", shown(path));
	dir = place.dir;
	r = unchanged(&place, path, text, &st, &have, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = replace(dir, place.name, text, mode, have ? &st : NULL, flags);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot write %s in the server", shown(path)) : 0;
}

int edit_file(int rootfd, const char *path, const char *text, unsigned mode, struct err *err)
{
	return edit_put(rootfd, path, text, mode, 0755, 0, err);
}

/* ---- a part of a file that is ours ---- */

/* The mark at the beginning of a line. */
static const char *find_line(const char *text, const char *mark)
{
	const char *p = text;

	while ((p = strstr(p, mark))) {
		if (p == text || p[-1] == '\n')
			return p;
		p++;
	}
	return NULL;
}

char *edit_block(const char *old, const char *text)
{
	_cleanup_free_ char *whole =
	    xasprintf("%s%s", old, *old && !str_ends(old, "\n") ? "\n" : "");
	const char *begin = find_line(whole, BLOCK_BEGIN);
	const char *end = begin ? find_line(begin, BLOCK_END) : NULL;
	const char *last = begin;
	struct buf b = { 0 };

	/* A mark without its end stays where it is, with all that follows it: ours is the last one
	 * before the end. */
	while (end && (last = find_line(last + 1, BLOCK_BEGIN)) && last < end)
		begin = last;
	if (!end) {
		buf_printf(&b, "%s" BLOCK_BEGIN "%s" BLOCK_END, whole, text);
	} else {
		buf_add(&b, whole, (size_t)(begin - whole));
		buf_printf(&b, BLOCK_BEGIN "%s%s", text, end);
	}
	return buf_steal(&b);
}
