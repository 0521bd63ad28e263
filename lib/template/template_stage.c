// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The staging directory of a build; see template_stage.h.
 *
 * What must stay true: the lock is taken before anything is put in, and a directory is removed only
 * by its holder. Between mkdir and flock a sweeper may take it: then nlink is 0, and we try again.
 */
#include "template/template_stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "sys/fd.h"

static int open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool lock_it(int fd)
{
	struct stat st;

	return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

int stage_open(int dirfd, const char *template, struct stage *ret, struct err *err)
{
	struct stage s = { .dirfd = dirfd, .fd = -1 };

	for (int i = 0; i < 10; i++) {
		snprintf(s.name, sizeof(s.name), STAGE_NEW "%s-%d", template, (int)getpid());
		if (mkdirat(dirfd, s.name, 0700) < 0 && errno != EEXIST)
			return err_errno(err, "template %s: cannot make %s", template, s.name);
		s.fd = open_dir(dirfd, s.name);
		if (s.fd >= 0 && lock_it(s.fd)) {
			*ret = s;
			return 0;
		}
		fd_drop(&s.fd);
		stage_sweep(dirfd);
	}
	return err_set(err, ERR_BUSY, 0, "template %s: %s is in use by another command", template,
		       s.name);
}

int stage_commit(struct stage *s, const char *template, bool replace, struct err *err)
{
	unsigned flags = RENAME_NOREPLACE;

	/* All of it on disk before it gets its name, so that a crash never leaves half a template.
	 */
	if (syncfs(s->fd) < 0)
		return err_errno(err, "template %s: syncfs", template);
	if (replace && faccessat(s->dirfd, template, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		flags = RENAME_EXCHANGE;
	if (renameat2(s->dirfd, s->name, s->dirfd, template, flags) < 0) {
		if (errno == EEXIST)
			return err_set(err, ERR_EXISTS, 0,
				       "template %s exists; --replace makes it anew", template);
		return err_errno(err, "template %s: rename", template);
	}
	fd_sync_dir(s->dirfd, ".");
	fd_drop(&s->fd);
	if (flags == RENAME_EXCHANGE) /* now the old one; what cannot be removed is swept later */
		(void)fd_remove_tree(s->dirfd, s->name);
	return 0;
}

void stage_drop(struct stage *s)
{
	if (s->fd < 0)
		return;
	(void)fd_remove_tree(s->dirfd, s->name);
	fd_drop(&s->fd);
}

void stage_sweep(int dirfd)
{
	int fd = open_dir(dirfd, ".");
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		_cleanup_close_ int stale = -1;

		if (!str_starts(e->d_name, STAGE_NEW) && !str_starts(e->d_name, STAGE_OLD))
			continue;
		stale = open_dir(dirfd, e->d_name);
		if (stale >= 0 && lock_it(stale))
			(void)fd_remove_tree(dirfd, e->d_name);
	}
	if (d)
		closedir(d);
}

/* ---- size ---- */

struct sum {
	uint64_t bytes, inodes;
	double hard; /* of files with several names: each name counts its share */
};

static int add_tree(int dirfd, const char *name, int depth, struct sum *s)
{
	int fd = open_dir(dirfd, name), r = 0;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (!d)
		return fd < 0 ? fd : -errno;
	while (r == 0 && (e = readdir(d))) {
		struct stat st;

		if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			r = -errno;
		} else if (S_ISDIR(st.st_mode)) {
			s->bytes += (uint64_t)st.st_blocks * 512;
			s->inodes++;
			r = depth > 200 ? -ELOOP : add_tree(fd, e->d_name, depth + 1, s);
		} else {
			s->bytes += (uint64_t)st.st_blocks * 512 / st.st_nlink;
			s->hard += 1.0 / (double)st.st_nlink;
		}
	}
	closedir(d);
	return r;
}

int stage_measure(int dirfd, const char *name, uint64_t *ret_bytes, uint64_t *ret_inodes)
{
	struct sum s = { 0 };
	int r = add_tree(dirfd, name, 0, &s);

	if (r < 0)
		return r;
	*ret_bytes = s.bytes;
	*ret_inodes = s.inodes + (uint64_t)(s.hard + 0.5);
	return 0;
}
