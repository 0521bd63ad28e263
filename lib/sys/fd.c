// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files by descriptor. What must stay true: no descriptor is inheritable, no read is unbounded, no
 * open of a file that others may have made waits for another process, and nothing follows a link
 * out of the tree it was given.
 *
 * openat2(2) is called by number because glibc 2.36 does not wrap it. There is no fallback for
 * kernels before 5.6: a walk in user space cannot give the same promise, and croft needs 5.12
 * anyway.
 */
#include "sys/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include "base/mem.h"
#include "base/str.h"

/* linux/openat2.h, which musl's headers lack. */
struct open_how_v0 {
	uint64_t flags, mode, resolve;
};
#define HOW_NO_XDEV	  0x01
#define HOW_NO_MAGICLINKS 0x02
#define HOW_NO_SYMLINKS	  0x04
#define HOW_BENEATH	  0x08
#define HOW_IN_ROOT	  0x10

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

static int sys_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how_v0 how = { .flags = (unsigned)flags | O_CLOEXEC, .resolve = resolve };
	long r;

	/* openat2 refuses flags that have no meaning together, where open would ignore them. */
	if (!(flags & O_PATH))
		how.flags |= O_NOCTTY | O_NONBLOCK;
	if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)
		how.mode = mode & 07777;
	/* EAGAIN: something was renamed while ".." was resolved; a hostile writer could go on for
	 * ever. */
	for (int i = 0; i < 64; i++) {
		r = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (r >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return r < 0 ? -errno : (int)r;
}

int fd_check(struct err *err)
{
	if (syscall(SYS_openat2, -1, NULL, NULL, (size_t)0) < 0 && errno == ENOSYS)
		return err_errno(err, "openat2");
	return 0;
}

int fd_open_in(int rootfd, const char *path, int flags, mode_t mode)
{
	return sys_openat2(rootfd, path, flags, mode, HOW_IN_ROOT | HOW_NO_MAGICLINKS);
}

int fd_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	return sys_openat2(dirfd, path, flags, mode, HOW_BENEATH | HOW_NO_SYMLINKS);
}

static int open_retry(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = openat(dirfd, path, flags | O_CLOEXEC | O_NOCTTY, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/* Reads to the end; hint is the expected size. */
static int read_to_end(int fd, size_t max, size_t hint, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, cap = hint < 511 ? 511 : hint;

	for (;;) {
		ssize_t n;

		/* One byte more than allowed is asked for, to tell "exactly max" from "more". */
		if (cap > max)
			cap = max + 1;
		if (!text || len == cap) {
			if (text)
				cap = cap > max / 2 ? max + 1 : cap * 2;
			text = xrealloc(text, cap + 1, 1);
		}
		n = read(fd, text + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
	}
	text[len] = '\0';
	*ret = STEAL_PTR(text);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int fd_read_all(int fd, size_t max, char **ret, size_t *ret_len)
{
	return read_to_end(fd, max, 0, ret, ret_len);
}

int fd_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = open_retry(dirfd, path, O_RDONLY | O_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return fd == -ENXIO ? -EINVAL : fd; /* a socket */
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* procfs and cgroupfs say size 0 and have text all the same: the size is only a hint. */
	if (st.st_size > 0 && (uint64_t)st.st_size > max)
		return -EFBIG;
	return read_to_end(fd, max, (size_t)st.st_size + 1, ret, ret_len);
}

/* Without O_NONBLOCK: newer kernels skip reclaim when memory.max is written through a non-blocking
 * descriptor (cgroup-v2.rst). */
int fd_write_file(int dirfd, const char *path, const char *text)
{
	_cleanup_close_ int fd = open_retry(dirfd, path, O_WRONLY, 0);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_overwrite(int dirfd, const char *path, const char *text)
{
	_cleanup_close_ int fd =
	    open_retry(dirfd, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
	size_t len = strlen(text);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	ssize_t n = pwrite(fd, text, len, 0);
	if (n < 0)
		return -errno;
	if ((size_t)n != len)
		return -EIO;
	if (st.st_size > n && ftruncate(fd, n) < 0)
		return -errno;
	return 0;
}

static int sync_open_dir(int fd)
{
	/* EINVAL: a file system that has nothing to sync. */
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

int fd_sync_dir(int dirfd, const char *path)
{
	_cleanup_close_ int fd = open_retry(dirfd, path, O_RDONLY | O_DIRECTORY, 0);

	return fd < 0 ? fd : sync_open_dir(fd);
}

static void temporary_name(char ret[NAME_MAX + 1], const char *name)
{
	snprintf(ret, NAME_MAX + 1, ".%.250s.tmp", name);
}

/* Opens ".NAME.tmp" in dir and locks it. The name is fixed so that what a killed writer left is
 * used by the next one, and does not stay. The lock tells a writer that is at work from one that
 * was killed; who holds it owns the name as long as the name still leads to the same file. */
static int open_temporary(int dir, const char *name, char tmp[NAME_MAX + 1])
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	temporary_name(tmp, name);
	for (int i = 0; i < 2500; i++) {
		int fd = open_retry(dir, tmp, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
		struct stat ours, there;

		if (fd < 0)
			return fd;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			int e = errno;

			close(fd);
			if (e != EWOULDBLOCK && e != EINTR)
				return -e;
			nanosleep(&pause, NULL);
			continue;
		}
		if (fstat(fd, &ours) == 0 && S_ISREG(ours.st_mode) &&
		    fstatat(dir, tmp, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
			return fd;
		/* Its writer has just given it its name. */
		close(fd);
	}
	return -EBUSY;
}

static int fill(int fd, const void *data, size_t len, mode_t mode, bool durable)
{
	int r;

	if (ftruncate(fd, 0) < 0)
		return -errno;
	r = fd_write_all(fd, data, len);
	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0)
		return -errno;
	if (durable && fsync(fd) < 0)
		return -errno;
	return 0;
}

/* Gives the name to the new file for good, or leaves it to the old one: that is kept under the
 * temporary name until the directory is synced. */
static int rename_durably(int dir, const char *tmp, const char *name)
{
	_cleanup_close_ int d = open_retry(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	_cleanup_close_ int old = open_retry(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	struct stat st;
	int r;

	if (d < 0)
		return d;
	/* Locked, so that another writer who finds it under the temporary name waits. Not every
	 * file system can exchange (renameat2(2)). */
	bool kept = old >= 0 && fstat(old, &st) == 0 && S_ISREG(st.st_mode) &&
		    flock(old, LOCK_EX | LOCK_NB) == 0 &&
		    renameat2(dir, tmp, dir, name, RENAME_EXCHANGE) == 0;
	if (!kept && renameat(dir, tmp, dir, name) < 0)
		return -errno;
	r = sync_open_dir(d);
	if (r == 0 && kept && unlinkat(dir, tmp, 0) < 0)
		r = -errno;
	if (r < 0 && kept)
		renameat(dir, tmp, dir, name);
	else if (r < 0 && old == -ENOENT)
		unlinkat(dir, name, 0);
	return r;
}

static int replace_in(int dir, const char *name, const void *data, size_t len, mode_t mode,
		      bool durable)
{
	_cleanup_close_ int fd = -1;
	char tmp[NAME_MAX + 1];
	int r;

	fd = open_temporary(dir, name, tmp);
	if (fd < 0)
		return fd;
	/* Open, and so locked, until the name is another's again. */
	r = fill(fd, data, len, mode, durable);
	if (r == 0 && durable)
		r = rename_durably(dir, tmp, name);
	else if (r == 0 && renameat(dir, tmp, dir, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, tmp, 0);
	return r;
}

int fd_replace(int dirfd, const char *path, const void *data, size_t len, mode_t mode, bool durable)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = NULL;
	_cleanup_close_ int fd = -1;

	if (!slash)
		return replace_in(dirfd, path, data, len, mode, durable);
	dir = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	fd = open_retry(dirfd, dir, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	return replace_in(fd, slash + 1, data, len, mode, durable);
}

void fd_replace_tidy(int dirfd, const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash + 1 - path) : 0;
	char name[NAME_MAX + 1], tmp[PATH_MAX];

	temporary_name(name, path + dir);
	if (snprintf(tmp, sizeof(tmp), "%.*s%s", dir, path, name) < (int)sizeof(tmp))
		unlinkat(dirfd, tmp, 0);
}

static int mkdir_one(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0) {
		/* The mode is a promise; the caller's umask does not change it. */
		return chmod(path, mode) < 0 ? -errno : 0;
	}
	/* mkdir may say EROFS or EACCES of a directory that exists. */
	if (errno == ENOENT)
		return -ENOENT;
	int why = errno;

	if (stat(path, &st) < 0)
		return -why;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int fd_mkdir_p(const char *path, mode_t mode)
{
	_cleanup_free_ char *p = NULL;
	int r;

	if (path[0] != '/')
		return -EINVAL;
	r = mkdir_one(path, mode);
	if (r != -ENOENT)
		return r;
	p = xstrdup(path);
	for (char *s = p + 1; *s; s++) {
		if (*s != '/' || s[-1] == '/')
			continue;
		*s = '\0';
		r = mkdir_one(p, mode);
		*s = '/';
		if (r < 0)
			return r;
	}
	return mkdir_one(p, mode);
}

void fd_cloexec_from(int first)
{
	DIR *d;

	if (syscall(SYS_close_range, (unsigned)first, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	d = opendir("/proc/self/fd");
	if (!d) {
		for (int fd = first; fd < (int)sysconf(_SC_OPEN_MAX); fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
		return;
	}
	for (const struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.' && atoi(e->d_name) >= first)
			fcntl(atoi(e->d_name), F_SETFD, FD_CLOEXEC);
	closedir(d);
}

void fd_stdio_sane(void)
{
	/* A missing output is opened for reading: writing to it fails, as it would have failed
	 * without us, and the command can say so instead of losing its output silently. Not so
	 * stderr, where the failure could not be told anyway. */
	static const int how[] = { O_RDONLY, O_RDONLY, O_RDWR };

	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* The lowest free number is this one: those below are open by now. */
		if (open("/dev/null", how[fd] | O_NOCTTY) != fd)
			_exit(1);
	}
}

/*
 * Removing a tree.
 *
 * A path of open directories leads from the top to where we are. It has a fixed length: a directory
 * deeper than that is first moved up into the top one, under a name of its own, and removed from
 * there. So any depth is done with a fixed number of descriptors, and ".." is never followed (its
 * target may change under us).
 */
#define RM_DEPTH 24

struct rm_level {
	DIR *dir;
	char *name;   /* in the directory above */
	bool removed; /* anything, in this pass */
};

struct rm {
	struct rm_level level[RM_DEPTH];
	int n;
	int base; /* where level[0].name is */
	unsigned moved;
};

static int rm_parent(const struct rm *rm)
{
	return rm->n > 1 ? dirfd(rm->level[rm->n - 2].dir) : rm->base;
}

/* Enters name in dir as the next level. */
static int rm_enter(struct rm *rm, int dir, const char *name)
{
	int fd = sys_openat2(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
			     HOW_BENEATH | HOW_NO_SYMLINKS | HOW_NO_XDEV);
	DIR *d;

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		int r = -errno;

		close(fd);
		return r;
	}
	rm->level[rm->n++] = (struct rm_level) { .dir = d, .name = xstrdup(name) };
	return 0;
}

static void rm_leave(struct rm *rm)
{
	struct rm_level *l = &rm->level[--rm->n];

	closedir(l->dir);
	free(l->name);
}

/* Moves a directory into level `to` under a name that is free there. */
static int rm_rename(struct rm *rm, int from, const char *name, int to)
{
	char free_name[40];

	do {
		snprintf(free_name, sizeof(free_name), ".croft-removing-%u", rm->moved++);
		if (syscall(SYS_renameat2, from, name, dirfd(rm->level[to].dir), free_name,
			    1U /* RENAME_NOREPLACE */) == 0) {
			rm->level[to].removed = true;
			return 0;
		}
	} while (errno == EEXIST);
	return errno == EBUSY ? -EXDEV : -errno; /* EBUSY: a mount point */
}

/* Moves name, a directory of the deepest level, as far up as possible. A directory of a btrfs
 * subvolume cannot leave it (EXDEV), but the subvolume itself can be moved. */
static int rm_move_up(struct rm *rm, const char *name)
{
	struct rm_level *l = &rm->level[rm->n - 1];
	int r = -EXDEV;

	for (int i = 0; i < rm->n - 1 && r == -EXDEV; i++)
		r = rm_rename(rm, dirfd(l->dir), name, i);
	if (r == 0)
		l->removed = true;
	if (r != -EXDEV)
		return r;
	r = rm_rename(rm, rm_parent(rm), l->name, 0);
	if (r == 0)
		rm_leave(rm);
	return r;
}

/* EBUSY of a mount point becomes EXDEV: it is a mount that stands in the way. */
static int rm_unlink(int dir, const char *name, int flags)
{
	int fd, why;

	if (unlinkat(dir, name, flags) == 0)
		return 0;
	why = errno;
	if (why != EBUSY)
		return -why;
	fd = sys_openat2(dir, name, O_PATH | O_NOFOLLOW, 0, HOW_BENEATH | HOW_NO_XDEV);
	if (fd < 0)
		return fd;
	close(fd);
	return -why;
}

/* One entry of the deepest level. */
static int rm_entry(struct rm *rm, const struct dirent *e)
{
	struct rm_level *l = &rm->level[rm->n - 1];
	int r;

	if (e->d_type != DT_DIR) {
		r = rm_unlink(dirfd(l->dir), e->d_name, 0);
		if (r == 0)
			l->removed = true;
		/* EISDIR: a file system that does not tell types.
		 */
		if (r != -EISDIR)
			return r == -ENOENT ? 0 : r;
	}
	r = rm->n == RM_DEPTH ? rm_move_up(rm, e->d_name) : rm_enter(rm, dirfd(l->dir), e->d_name);
	return r == -ENOENT ? 0 : r;
}

/* The deepest level was read to its end: removes it, or has it read once more. */
static int rm_finish(struct rm *rm)
{
	struct rm_level *l = &rm->level[rm->n - 1];
	int r = rm_unlink(rm_parent(rm), l->name, AT_REMOVEDIR);

	/* What was moved up here or was skipped by readdir(3) while entries went away is left. A
	 * pass without any progress means that something is there which readdir does not show. */
	if ((r == -ENOTEMPTY || r == -EEXIST) && l->removed) {
		l->removed = false;
		rewinddir(l->dir);
		return 0;
	}
	if (r < 0 && r != -ENOENT)
		return r;
	rm_leave(rm);
	if (rm->n)
		rm->level[rm->n - 1].removed = true;
	return 0;
}

static int rm_walk(struct rm *rm)
{
	while (rm->n) {
		const struct dirent *e;
		int r;

		errno = 0;
		e = readdir(rm->level[rm->n - 1].dir);
		if (!e && errno)
			return -errno;
		if (!e)
			r = rm_finish(rm);
		else if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			r = 0;
		else
			r = rm_entry(rm, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int fd_remove_tree(int dirfd, const char *name)
{
	const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
	_cleanup_free_ char *parent = NULL;
	_cleanup_close_ int parent_fd = -1;
	struct rm rm = { .base = dirfd };
	int r;

	if (!*last || streq(last, ".") || streq(last, ".."))
		return -EINVAL;
	/* The way to the tree is ours and may cross mounts; only its last part is held to the
	 * rules. */
	if (slash) {
		parent = xstrndup(name, slash == name ? 1 : (size_t)(slash - name));
		parent_fd = open_retry(dirfd, parent, O_PATH | O_DIRECTORY, 0);
		if (parent_fd < 0)
			return parent_fd == -ENOENT ? 0 : parent_fd;
		rm.base = parent_fd;
	}
	r = rm_enter(&rm, rm.base, last);
	if (r == -ENOTDIR || r == -ELOOP)
		r = rm_unlink(rm.base, last, 0);
	else if (r == 0)
		r = rm_walk(&rm);
	while (rm.n)
		rm_leave(&rm);
	return r == -ENOENT ? 0 : r;
}
