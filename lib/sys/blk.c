// SPDX-License-Identifier: GPL-2.0-or-later
/* Block devices behind directories: stat(2) says which device a file system is on, sysfs what that
 * device is made of, and btrfs, which has a number of its own, is asked itself. */
#include "sys/blk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"

/* dm on md on loop on dm ... */
#define DEPTH_MAX 8

static char *sys_path(const struct blk_dev *d, const char *file)
{
	return xasprintf("/sys/dev/block/%u:%u/%s", d->major, d->minor, file);
}

static char *sys_read(const struct blk_dev *d, const char *file)
{
	_cleanup_free_ char *path = sys_path(d, file);
	char *text = NULL;

	if (fd_read_file(AT_FDCWD, path, 4096, &text, NULL) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

void blk_name(const struct blk_dev *d, char out[32])
{
	_cleanup_free_ char *path = sys_path(d, "");
	char real[256];
	ssize_t n;

	path[strlen(path) - 1] = '\0';
	n = readlink(path, real, sizeof(real) - 1);
	real[n > 0 ? n : 0] = '\0';
	const char *base = strrchr(real, '/');
	if (base)
		snprintf(out, 32, "%.31s", base + 1);
	else
		snprintf(out, 32, "%u:%u", d->major, d->minor);
}

static int add_dev(struct blk_dev d, struct blk_devs *add, struct err *err)
{
	_cleanup_free_ char *partition = sys_path(&d, "partition");

	if (access(partition, F_OK) == 0) {
		_cleanup_free_ char *whole = sys_read(&d, "../dev");

		if (!whole || sscanf(whole, "%u:%u", &d.major, &d.minor) != 2)
			return err_set(err, ERR_HOST, 0, "cannot tell the disk of partition %u:%u",
				       d.major, d.minor);
	}
	for (int i = 0; i < add->n; i++)
		if (add->dev[i].major == d.major && add->dev[i].minor == d.minor)
			return 0;
	if (add->n == BLK_MAX)
		return err_set(err, ERR_HOST, 0, "more than %d block devices", BLK_MAX);
	add->dev[add->n++] = d;
	return 0;
}

static int add_btrfs(int fd, const char *dir, struct blk_devs *add, struct err *err)
{
	struct btrfs_ioctl_fs_info_args fs = { 0 };

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &fs) < 0)
		return err_errno(err, "cannot ask btrfs for the devices of %s", dir);
	for (uint64_t id = 0; id <= fs.max_id; id++) {
		struct btrfs_ioctl_dev_info_args dev = { .devid = id };
		struct stat st;
		int r;

		if (ioctl(fd, BTRFS_IOC_DEV_INFO, &dev) < 0) {
			if (errno == ENODEV)
				continue;
			return err_errno(err, "cannot ask btrfs for the devices of %s", dir);
		}
		if (stat((const char *)dev.path, &st) < 0 || !S_ISBLK(st.st_mode))
			return err_set(err, ERR_HOST, 0, "%.200s, a device of %s, is not there",
				       (const char *)dev.path, dir);
		r = add_dev((struct blk_dev) { major(st.st_rdev), minor(st.st_rdev) }, add, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int blk_behind(const char *dir, struct blk_devs *add, struct err *err)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return err_errno(err, "cannot look at %s", dir);
	if (fs.f_type == BTRFS_SUPER_MAGIC)
		return add_btrfs(fd, dir, add, err);
	struct blk_dev d = { major(st.st_dev), minor(st.st_dev) };
	_cleanup_free_ char *number = sys_read(&d, "dev");
	if (!number)
		return err_set(err, ERR_HOST, 0, "no block device is behind %s", dir);
	return add_dev(d, add, err);
}

static int disk_weighs(const struct blk_dev *d, const char *cgroup2, bool *bfq, struct err *err)
{
	_cleanup_free_ char *schedulers = sys_read(d, "queue/scheduler");
	_cleanup_free_ char *qos = NULL, *path = NULL, *key = NULL;
	char name[32];

	blk_name(d, name);
	if (schedulers && strstr(schedulers, "[bfq]")) {
		*bfq = true;
		return 0;
	}
	if (cgroup2) {
		path = xasprintf("%s/io.cost.qos", cgroup2);
		key = xasprintf("%u:%u enable=1", d->major, d->minor);
		if (fd_read_file(AT_FDCWD, path, 65536, &qos, NULL) == 0 && strstr(qos, key))
			return 0;
	}
	return err_set(err, ERR_HOST, 0,
		       "nothing weighs the requests to disk %s: choose the scheduler bfq "
		       "(/sys/block/%s/queue/scheduler)%s",
		       name, name, cgroup2 ? ", or enable io.cost.qos" : "");
}

static int weighs(const struct blk_dev *d, const char *cgroup2, bool *bfq, int depth,
		  struct err *err);

/* The devices that dm and md are made of. *found: whether there are any. */
static int slaves_weigh(const struct blk_dev *d, const char *cgroup2, bool *bfq, int depth,
			bool *found, struct err *err)
{
	_cleanup_free_ char *path = sys_path(d, "slaves");
	DIR *dir = opendir(path);
	struct dirent *e;
	int r = 0;

	*found = false;
	while (dir && r == 0 && (e = readdir(dir))) {
		_cleanup_free_ char *file = xasprintf("slaves/%s/dev", e->d_name);
		_cleanup_free_ char *number = e->d_name[0] == '.' ? NULL : sys_read(d, file);
		struct blk_devs one = { 0 };
		struct blk_dev s;

		if (!number || sscanf(number, "%u:%u", &s.major, &s.minor) != 2)
			continue;
		*found = true;
		r = add_dev(s, &one, err);
		if (r == 0)
			r = weighs(&one.dev[0], cgroup2, bfq, depth + 1, err);
	}
	if (dir)
		closedir(dir);
	return r;
}

static int weighs(const struct blk_dev *d, const char *cgroup2, bool *bfq, int depth,
		  struct err *err)
{
	_cleanup_free_ char *file = sys_read(d, "loop/backing_file");
	bool found = false;

	if (depth > DEPTH_MAX)
		return err_set(err, ERR_HOST, 0, "block device %u:%u has too many layers", d->major,
			       d->minor);
	if (file) {
		struct blk_devs under = { 0 };
		char *slash = strrchr(file, '/');
		int r;

		if (!slash)
			return err_set(err, ERR_HOST, 0,
				       "cannot tell the disk of loop device %u:%u", d->major,
				       d->minor);
		slash[slash == file] = '\0';
		r = blk_behind(file, &under, err);
		for (int i = 0; r == 0 && i < under.n; i++)
			r = weighs(&under.dev[i], cgroup2, bfq, depth + 1, err);
		return r;
	}
	int r = slaves_weigh(d, cgroup2, bfq, depth, &found, err);
	return r < 0 || found ? r : disk_weighs(d, cgroup2, bfq, err);
}

int blk_weighs(struct blk_devs *devs, const char *cgroup2, struct err *err)
{
	for (int i = 0; i < devs->n; i++) {
		int r = weighs(&devs->dev[i], cgroup2, &devs->bfq, 0, err);

		if (r < 0)
			return r;
	}
	return 0;
}
