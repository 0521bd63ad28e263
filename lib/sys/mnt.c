// SPDX-License-Identifier: GPL-2.0-or-later
/* Mounts by descriptor; see mnt.h. */
#include "sys/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/fd.h"

int mnt_clone(int dirfd, const char *path, struct err *err)
{
	int fd = open_tree(dirfd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT);

	return fd >= 0 ? fd : err_errno(err, "open_tree %s", path);
}

int mnt_clone_fd(int fd, struct err *err)
{
	int m = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	return m >= 0 ? m : err_errno(err, "open_tree of an open file");
}

/* The kernel leaves its own words in the context's log: they say more than errno. */
static int fail_log(int fs, struct err *err, const char *call, const char *fstype)
{
	int saved = errno;
	char log[256];
	ssize_t n = read(fs, log, sizeof(log) - 1);

	errno = saved;
	if (n <= 2)
		return err_errno(err, "%s %s", call, fstype);
	log[n] = '\0';
	log[strcspn(log, "\n")] = '\0';
	return err_set(err, ERR_FAIL, saved, "%s: %s", fstype, log + 2);
}

static int set_options(int fs, const char *const *options, const char *what, struct err *err)
{
	for (; options && *options; options += 2) {
		int r = options[1] ? fsconfig(fs, FSCONFIG_SET_STRING, options[0], options[1], 0)
				   : fsconfig(fs, FSCONFIG_SET_FLAG, options[0], NULL, 0);
		if (r < 0)
			return fail_log(fs, err, options[0], what);
	}
	return 0;
}

int mnt_reconfigure(const char *path, const char *const *options, struct err *err)
{
	_cleanup_close_ int fs =
	    fspick(AT_FDCWD, path, FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT);

	if (fs < 0)
		return err_errno(err, "fspick %s", path);
	int r = set_options(fs, options, path, err);
	if (r == 0 && fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		r = fail_log(fs, err, "reconfigure", path);
	return r;
}

int mnt_new(const char *fstype, const char *const *options, uint64_t attr, struct err *err)
{
	_cleanup_close_ int fs = fsopen(fstype, FSOPEN_CLOEXEC);

	if (fs < 0) {
		if (errno == ENODEV)
			return err_set(err, ERR_HOST, 0, "the kernel has no file system '%s'",
				       fstype);
		return err_errno(err, "fsopen %s", fstype);
	}
	int r = set_options(fs, options, fstype, err);
	if (r < 0)
		return r;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_log(fs, err, "create", fstype);
	int mnt = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attr);
	return mnt >= 0 ? mnt : fail_log(fs, err, "fsmount", fstype);
}

int mnt_attach(int mnt, int target, struct err *err)
{
	if (move_mount(mnt, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_errno(err, "move_mount to its place");
	return 0;
}

int mnt_attach_at(int mnt, int dir, const char *name, struct err *err)
{
	if (move_mount(mnt, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_errno(err, "move_mount %s", name);
	return 0;
}

int mnt_set(int mnt, uint64_t set, int userns_fd, struct err *err)
{
	struct mount_attr a = { .attr_set = set };

	if (userns_fd >= 0) {
		a.attr_set |= MOUNT_ATTR_IDMAP;
		a.userns_fd = (uint64_t)userns_fd;
	}
	if (mount_setattr(mnt, "", AT_EMPTY_PATH, &a, sizeof(a)) == 0)
		return 0;
	if (userns_fd >= 0 && (errno == EINVAL || errno == EOPNOTSUPP))
		return err_set(err, ERR_HOST, 0,
			       "this file system cannot be id-mapped on this kernel "
			       "(ext4, xfs and btrfs can, since Linux 5.12 to 5.15)");
	return err_errno(err, "mount_setattr of a detached mount");
}

int mnt_private(int mnt, uint64_t set, struct err *err)
{
	struct mount_attr a = { .attr_set = set, .propagation = MS_PRIVATE };

	if (mount_setattr(mnt, "", AT_EMPTY_PATH, &a, sizeof(a)) < 0)
		return err_errno(err, "mount_setattr of a detached mount");
	return 0;
}

bool mnt_is_root(const char *path, dev_t *ret_dev)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW, 0,
		  &st) < 0 ||
	    !(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return false;
	*ret_dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	return true;
}

int mnt_point(int root, const char *path, struct err *err)
{
	int fd = fd_open_beneath(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd == -ENOENT) {
		if (mkdirat(root, path, 0755) < 0 && errno != EEXIST)
			return err_errno(err, "cannot make /%s in the server's root", path);
		fd = fd_open_beneath(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	}
	if (fd == -ELOOP || fd == -ENOTDIR || fd == -EXDEV)
		return err_set(err, ERR_FAIL, 0,
			       "/%s in the server's root is not a plain directory; croft mounts "
			       "nothing on it",
			       path);
	if (fd < 0)
		return err_set(err, ERR_FAIL, -fd, "cannot open /%s in the server's root", path);
	return fd;
}
