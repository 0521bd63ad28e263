// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A server's own directory into another one: from a plain directory into an image, from one image
 * into another of another size, or out again. By cp(1) through the mounted file systems, as then
 * the old one is never touched: whoever is killed loses nothing.
 *
 * What must stay true: what counts is the image while there is one. So the new image gets its name
 * when it is whole, and an image is removed when the plain directory is whole.
 */
#include "store/disk_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/loop.h"
#include "sys/mnt.h"
#include "sys/spawn.h"

#define COPY_ATTR (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define GONE_MS	  10000

/* "upper" of one open directory into another. Attributes hold what the overlay has to say of its
 * files, so that one cannot be copied is an error. */
static int copy_upper(int from, int to, struct err *err)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", NULL };
	char source[64], target[64], why[256];
	const char *const argv[] = {
		"/bin/cp",	  "-dR", "--preserve=mode,ownership,timestamps,links,xattr",
		"--reflink=auto", "--",	 source,
		target,		  NULL
	};
	const int keep[] = { from, to, -1 };
	struct spawn_job job = {
		.argv = argv, .env = env, .log_fd = -1, .keep = keep, .deadline_ms = UINT64_MAX
	};
	struct spawn_result done;

	snprintf(source, sizeof(source), "/proc/self/fd/%d/upper", from);
	snprintf(target, sizeof(target), "/proc/self/fd/%d/", to);
	int r = spawn_run(&job, &done, err);
	if (r < 0)
		return err_wrap(err, r, "cannot run cp");
	if (done.interrupted)
		return err_set(err, ERR_FAIL, EINTR, "interrupted while its files were copied");
	if (done.code == 0)
		return 0;
	if (strstr(done.tail, "File name too long"))
		return err_set(err, ERR_FAIL, ENAMETOOLONG,
			       "cannot copy the server's files: its directories are so deep that a "
			       "path has more than 4096 bytes; remove those first");
	if (strstr(done.tail, "No space left on device"))
		return err_set(err, ERR_ROOM, 0,
			       "the server's files do not fit into the new disk limit");
	return err_set(err, ERR_FAIL, 0, "cannot copy the server's files: %s",
		       str_or(spawn_last_lines(&done, 2, why, sizeof(why)), "cp failed"));
}

/* The file system of an open directory, written out. */
static int sync_fs(int dir, struct err *err)
{
	_cleanup_close_ int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) < 0)
		return err_errno(err, "cannot write the server's files out");
	return 0;
}

static int remove_plain(int dir, struct err *err)
{
	static const char *const name[] = { "upper", "work" };

	for (size_t i = 0; i < ARRAY_LEN(name); i++) {
		int r = fd_remove_tree(dir, name[i]);
		if (r < 0)
			return err_set(err, ERR_FAIL, -r, "cannot remove the old %s", name[i]);
	}
	return 0;
}

static void remove_image(int dir, const char *name)
{
	_cleanup_free_ char *hint = xasprintf("%s.loop", name);

	unlinkat(dir, name, 0);
	unlinkat(dir, hint, 0);
}

void disk_tidy(const char *path)
{
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err unused = { 0 };

	if (dir < 0)
		return;
	remove_image(dir, DISK_IMAGE_NEW);
	if (faccessat(dir, DISK_IMAGE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		(void)remove_plain(dir, &unused);
}

/* What is there now, as a directory that has "upper"; or none, for a new server. */
static int open_old(const struct store_plan *p, int dir, struct err *err)
{
	if (disk_has_image(p))
		return disk_image_mount(dir, DISK_IMAGE, COPY_ATTR, err);
	return mnt_clone(AT_FDCWD, p->dir, err);
}

static int fill(int old, int new, const struct disk_conf *c, bool new_server, struct err *err)
{
	struct stat st;
	int r = 0;

	if (!new_server && fstatat(old, "upper", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "the server's files are lost: its directory \"upper\"");
	if (!new_server)
		r = copy_upper(old, new, err);
	if (r == 0 && !new_server && mkdirat(new, "work", 0700) < 0)
		r = err_errno(err, "cannot make the overlay's work directory");
	if (r == 0 && c)
		r = disk_limit_write(new, c, err);
	return r < 0 ? r : sync_fs(new, err);
}

static int make_new(const struct store_plan *p, int dir, bool new_server, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" DISK_IMAGE_NEW, p->dir);
	struct statvfs st;

	if (fstatvfs(dir, &st) < 0)
		return err_errno(err, "cannot look at %s", p->dir);
	remove_image(dir, DISK_IMAGE_NEW);
	int r = disk_format(path, &p->disk, (uint64_t)st.f_blocks * st.f_frsize, err);
	if (r < 0)
		return r;
	_cleanup_close_ int new = disk_image_mount(dir, DISK_IMAGE_NEW, COPY_ATTR, err);
	if (new < 0)
		return new;
	_cleanup_close_ int old = open_old(p, dir, err);
	if (old < 0)
		return old;
	return fill(old, new, &p->disk, new_server, err);
}

int disk_copy_in(const struct store_plan *p, bool new_server, struct err *err)
{
	_cleanup_close_ int dir = disk_dir_open(p, err);
	struct err unused = { 0 };

	if (dir < 0)
		return dir;
	int r = make_new(p, dir, new_server, err);
	if (r == 0 && (loop_gone(dir, DISK_IMAGE, clock_ms() + GONE_MS) < 0 ||
		       loop_gone(dir, DISK_IMAGE_NEW, clock_ms() + GONE_MS) < 0))
		r = err_set(err, ERR_FAIL, EBUSY, "the image in %s is still in use", p->dir);
	if (r == 0 && renameat(dir, DISK_IMAGE_NEW, dir, DISK_IMAGE) < 0)
		r = err_errno(err, "cannot rename the new image in %s", p->dir);
	if (r < 0) {
		remove_image(dir, DISK_IMAGE_NEW);
		return r;
	}
	(void)renameat(dir, DISK_IMAGE_NEW ".loop", dir, DISK_IMAGE ".loop");
	(void)fsync(dir);
	(void)remove_plain(dir, &unused); /* what stays takes room, and counts for nothing */
	return 0;
}

int disk_copy_out(const struct store_plan *p, struct err *err)
{
	_cleanup_close_ int dir = disk_dir_open(p, err);
	struct err unused = { 0 };

	if (dir < 0)
		return dir;
	int r = remove_plain(dir, err);
	if (r < 0)
		return r;
	int old = disk_image_mount(dir, DISK_IMAGE, COPY_ATTR, err);
	if (old < 0)
		return old;
	r = fill(old, dir, NULL, false, err);
	close(old);
	if (r < 0) {
		(void)remove_plain(dir, &unused);
		return r;
	}
	(void)loop_gone(dir, DISK_IMAGE, clock_ms() + GONE_MS);
	remove_image(dir, DISK_IMAGE);
	if (faccessat(dir, DISK_IMAGE, F_OK, AT_SYMLINK_NOFOLLOW) == 0) { /* it still counts */
		(void)remove_plain(dir, &unused);
		return err_set(err, ERR_FAIL, 0, "cannot remove the image in %s", p->dir);
	}
	(void)fsync(dir);
	return 0;
}
