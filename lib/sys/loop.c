// SPDX-License-Identifier: GPL-2.0-or-later
/* Loop devices; see loop.h. */
#include "sys/loop.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/fd.h"
#include "sys/lock.h"

#define LOOP_TRIES  64	 /* others take free devices as well */
#define LOOP_PAUSE  2000 /* us */
#define LOOP_NUMBER 20	 /* bits of a minor number */

/* devtmpfs makes the node before the ioctl returns; a static /dev may not have it. */
static int open_device(int n, char path[32])
{
	snprintf(path, 32, "/dev/loop%d", n);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_device_of(int device, const struct stat *file)
{
	struct loop_info64 info;

	return ioctl(device, LOOP_GET_STATUS64, &info) == 0 && info.lo_inode == file->st_ino &&
	       info.lo_device == file->st_dev;
}

/* A free device, bound to the open file. Direct I/O: else each page would be cached twice. */
static int bind_free(int file, char path[32], int *ret_number, struct err *err)
{
	struct loop_config config = {
		.fd = (unsigned)file,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO,
	};
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return err_set(err, errno == ENOENT ? ERR_HOST : ERR_FAIL, errno,
			       "cannot open /dev/loop-control");
	for (int i = 0; i < LOOP_TRIES; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		if (n < 0)
			return err_errno(err, "no free loop device");
		int fd = open_device(n, path);
		if (fd < 0)
			return err_set(err, ERR_HOST, -fd, "cannot open %s", path);
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) { /* 5.8 */
			*ret_number = n;
			return fd;
		}
		int saved = errno;
		close(fd);
		if (saved != EBUSY)
			return err_set(err, ERR_FAIL, saved, "cannot set up %s", path);
	}
	return err_set(err, ERR_FAIL, EBUSY, "no loop device stays free");
}

/* The device that the hint names, if it is this file's. Having it open keeps it so. */
static int open_hinted(int dir, const char *hint, const struct stat *file, char path[32])
{
	_cleanup_free_ char *text = NULL;
	int n;

	if (fd_read_file(dir, hint, 16, &text, NULL) < 0)
		return -ENOENT;
	text[strcspn(text, " \n")] = '\0';
	if (parse_int(text, 0, (1 << LOOP_NUMBER) - 1, &n) < 0)
		return -ENOENT;
	int fd = open_device(n, path);
	if (fd < 0)
		return fd;
	if (is_device_of(fd, file))
		return fd;
	close(fd);
	return -ENOENT;
}

static int open_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

/* Whether anybody has it open for writing: then no lease of reading is to be had (fcntl(2),
 * F_SETLEASE). Looking at all loop devices would cost more with each server. Who opens it at just
 * this moment makes a signal come, which must be one that is ignored. */
static bool has_writer(int dir, const char *name)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || fcntl(fd, F_SETSIG, SIGURG) < 0)
		return false;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		return errno == EAGAIN;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

static int in_use(const char *name, struct err *err)
{
	return err_set(
	    err, ERR_FAIL, 0,
	    "%s is in use: somebody has locked it, or has it open for writing, as a loop "
	    "device has (fuser and losetup -j tell)",
	    name);
}

static int attach(int dir, const char *name, int file, loop_prepare *prepare, char path[32],
		  struct err *err)
{
	_cleanup_free_ char *hint = xasprintf("%s.loop", name);
	char number[16];
	int n = -1;
	int r = prepare ? prepare(dir, name, file, err) : 0;

	if (r < 0)
		return r;
	int fd = bind_free(file, path, &n, err);
	if (fd < 0)
		return fd;
	/* In place, so that a full disk does not matter; without it others wait until we are done.
	 */
	snprintf(number, sizeof(number), "%-8d\n", n);
	(void)fd_overwrite(dir, hint, number);
	return fd;
}

int loop_open(int dir, const char *name, loop_prepare *prepare, uint64_t deadline_ms,
	      char ret_path[32], struct err *err)
{
	_cleanup_free_ char *hint = xasprintf("%s.loop", name);
	struct stat st;

	for (;;) {
		bool writer = has_writer(dir, name);
		_cleanup_close_ int file = open_file(dir, name);

		if (file == -ENOENT)
			return file;
		if (file < 0)
			return err_set(err, ERR_FAIL, -file, "cannot open %s", name);
		if (fstat(file, &st) < 0 || !S_ISREG(st.st_mode))
			return err_set(err, ERR_FAIL, 0, "%s is not a plain file", name);
		if (flock(file, LOCK_EX | LOCK_NB) == 0) {
			if (!writer)
				return attach(dir, name, file, prepare, ret_path, err);
		} else {
			int fd = open_hinted(dir, hint, &st, ret_path);
			if (fd >= 0)
				return fd;
		}
		if (clock_ms() >= deadline_ms)
			return in_use(name, err);
		usleep(LOOP_PAUSE);
	}
}

int loop_gone(int dir, const char *name, uint64_t deadline_ms)
{
	_cleanup_close_ int file = open_file(dir, name);

	while (file >= 0 && flock(file, LOCK_EX | LOCK_NB) < 0) {
		if (clock_ms() >= deadline_ms)
			return -ETIMEDOUT;
		usleep(LOOP_PAUSE);
	}
	return 0;
}

int loop_resized(int device)
{
	return ioctl(device, LOOP_SET_CAPACITY, 0) < 0 ? -errno : 0;
}
