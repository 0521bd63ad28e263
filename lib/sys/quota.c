// SPDX-License-Identifier: GPL-2.0-or-later
/* Project quotas; see quota.h. */
#include "sys/quota.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443 /* the same everywhere, as all since 5.1 */
#endif

#define MAX_DEPTH 512 /* one descriptor each, of the usual 1024 */

static int quotactl_fd(int fd, unsigned cmd, uint32_t id, void *data)
{
	return (int)syscall(SYS_quotactl_fd, fd, QCMD(cmd, PRJQUOTA), id, data);
}

bool quota_enforced(int dirfd)
{
	struct fs_quota_statv v = { .qs_version = FS_QSTATV_VERSION1 };

	return quotactl_fd(dirfd, Q_XGETQSTATV, 0, &v) == 0 && v.qs_flags & FS_QUOTA_PDQ_ENFD;
}

/* The kernel has 0 for none, and blocks of 1 KiB: a limit below that would be none. */
static uint64_t to_blocks(uint64_t bytes)
{
	if (bytes == QUOTA_NONE)
		return 0;
	return bytes < QIF_DQBLKSIZE ? 1 : bytes / QIF_DQBLKSIZE;
}

static uint64_t from_kernel(uint64_t n, uint64_t unit)
{
	return n ? n * unit : QUOTA_NONE;
}

int quota_get(int dirfd, uint32_t project, struct quota *ret, struct err *err)
{
	struct if_dqblk d = { 0 };

	/* ESRCH, on xfs ENOENT: nothing is counted for it yet. */
	if (quotactl_fd(dirfd, Q_GETQUOTA, project, &d) < 0 && errno != ESRCH && errno != ENOENT)
		return err_errno(err, "cannot read the quota of project %u", project);
	*ret = (struct quota) {
		.space = from_kernel(d.dqb_bhardlimit, QIF_DQBLKSIZE),
		.space_soft = from_kernel(d.dqb_bsoftlimit, QIF_DQBLKSIZE),
		.inodes = from_kernel(d.dqb_ihardlimit, 1),
		.inodes_soft = from_kernel(d.dqb_isoftlimit, 1),
		.used_space = d.dqb_curspace,
		.used_inodes = d.dqb_curinodes,
	};
	return 0;
}

int quota_set(int dirfd, uint32_t project, const struct quota *q, struct err *err)
{
	struct if_dqblk d = {
		.dqb_bhardlimit = to_blocks(q->space),
		.dqb_bsoftlimit = to_blocks(q->space_soft),
		.dqb_ihardlimit = q->inodes == QUOTA_NONE ? 0 : q->inodes,
		.dqb_isoftlimit = q->inodes_soft == QUOTA_NONE ? 0 : q->inodes_soft,
		.dqb_valid = QIF_LIMITS,
	};

	if (quotactl_fd(dirfd, Q_SETQUOTA, project, &d) < 0)
		return err_errno(err, "cannot set the quota of project %u", project);
	return 0;
}

int64_t quota_project(int fd)
{
	struct fsxattr a;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &a) < 0)
		return -errno;
	return a.fsx_xflags & FS_XFLAG_PROJINHERIT ? a.fsx_projid : 0;
}

static int give(int fd, uint32_t project, bool dir)
{
	struct fsxattr a;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &a) < 0)
		return -errno;
	if (a.fsx_projid == project && (!dir || a.fsx_xflags & FS_XFLAG_PROJINHERIT))
		return 0;
	a.fsx_projid = project;
	if (dir)
		a.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(fd, FS_IOC_FSSETXATTR, &a) < 0 ? -errno : 0;
}

static int give_all(int fd, uint32_t project, dev_t dev, int depth);

static int give_one(int dir, const char *name, uint32_t project, dev_t dev, int depth)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno; /* it went meanwhile */
	if ((!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) || st.st_dev != dev)
		return 0;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP || errno == ENXIO ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return give_all(fd, project, dev, depth + 1);
	int r = give(fd, project, false);
	close(fd);
	return r;
}

/* Takes fd. */
static int give_all(int fd, uint32_t project, dev_t dev, int depth)
{
	int r = give(fd, project, true);
	DIR *d = r < 0 || depth > MAX_DEPTH ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (r == 0)
			r = depth > MAX_DEPTH ? -ENAMETOOLONG : -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(d)))
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			r = give_one(fd, e->d_name, project, dev, depth);
	closedir(d);
	return r;
}

int quota_project_tree(int dirfd, uint32_t project, struct err *err)
{
	struct stat st;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(err, "cannot open the server's files");
		if (fd >= 0)
			close(fd);
		return -err->num;
	}
	int r = give_all(fd, project, st.st_dev, 0);
	if (r == -ENAMETOOLONG)
		return err_set(err, ERR_FAIL, 0,
			       "its directories are more than %d deep; croft "
			       "gives them no project",
			       MAX_DEPTH);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot give its files the project %u", project)
		     : 0;
}
