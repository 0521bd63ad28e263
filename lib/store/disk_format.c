// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making the file system of an image: mke2fs(8) on a sparse file, of such a size that what was sold
 * is what can be written. What ext4 needs for itself depends on its size, so it is made, measured
 * by its own superblock, and made again a little larger: 10 ms.
 */
#include "store/disk_priv.h"

#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/spawn.h"

#define FORMAT_MS 300000 /* a sparse file of many TB on a slow disk */
#define TRIES	  6
#define SPARE	  16 /* blocks: our two directories, and the first of ext4's htrees */

/* All said here, so that the host's mke2fs.conf changes nothing. */
static const char features[] =
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,"
    "large_file,huge_file,dir_nlink,extra_isize,metadata_csum";
/* The file is sparse, so all of it reads as zeros, and nothing needs to be written so (1.46.6). */
static const char extended[] = "assume_storage_prezeroed=1,nodiscard,root_owner=0:0";

uint64_t disk_kept_back(uint64_t blocks)
{
	return blocks / 50 < 4096 ? blocks / 50 : 4096;
}

static int mke2fs(const char *path, uint64_t inodes, struct err *err)
{
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	char count[32] = "16384"; /* bytes per file, as usual */
	const bool given = inodes != PARSE_UNLIMITED;
	const char *const argv[] = { "/sbin/mke2fs", "-q", "-F",     "-t",
				     "ext4",	     "-b", "4096",   "-I",
				     "256",	     "-m", "0",	     "-O",
				     features,	     "-E", extended, given ? "-N" : "-i",
				     count,	     path, NULL };
	struct spawn_job job = {
		.argv = argv, .env = env, .log_fd = -1, .deadline_ms = clock_ms() + FORMAT_MS
	};
	struct spawn_result done;
	char why[256];

	if (access(argv[0], X_OK) < 0)
		return err_set(err, ERR_HOST, 0,
			       "the disk limit needs an image here, and mke2fs is missing: install "
			       "e2fsprogs");
	if (given)
		snprintf(count, sizeof(count), "%" PRIu64, inodes);
	int r = spawn_run(&job, &done, err);
	if (r < 0)
		return err_wrap(err, r, "cannot run mke2fs");
	if (done.interrupted)
		return err_set(err, ERR_FAIL, EINTR, "interrupted while the image was made");
	if (done.code != 0) /* in English: see env */
		return err_set(err,
			       strstr(done.tail, "No space left on device") ? ERR_ROOM : ERR_FAIL,
			       0, "mke2fs: %s",
			       str_or(spawn_last_lines(&done, 2, why, sizeof(why)), "it failed"));
	return 0;
}

/* btrfs checks sums of what direct I/O may still change while it is written, and would see errors
 * (btrfs(5), "nodatasum"); and it would scatter the file. Only an empty file takes it. */
static void no_copy_on_write(int fd)
{
	struct statfs st;
	int flags;

	if (fstatfs(fd, &st) == 0 && st.f_type == BTRFS_SUPER_MAGIC &&
	    ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_NOCOW_FL;
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
}

/* Of the superblock at 1024: s_free_blocks_count_lo and _hi (Documentation/filesystems/ext4). */
static int free_blocks(int fd, uint64_t *ret)
{
	uint32_t low, high;

	if (pread(fd, &low, 4, 1024 + 0xC) != 4 || pread(fd, &high, 4, 1024 + 0x158) != 4)
		return -EIO;
	*ret = (uint64_t)le32toh(high) << 32 | le32toh(low);
	return 0;
}

int disk_format(const char *path, const struct disk_conf *c, uint64_t all, struct err *err)
{
	uint64_t bytes = c->disk == PARSE_UNLIMITED || c->disk > all ? all : c->disk;
	uint64_t want = (bytes + DISK_BLOCK - 1) / DISK_BLOCK, blocks = want;
	uint64_t has = 0;

	if (c->disk != PARSE_UNLIMITED && c->disk > all)
		return err_set(err, ERR_USAGE, 0,
			       "disk is more than the file system that holds the servers has");
	_cleanup_close_ int fd =
	    open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, "cannot create %s", path);
	no_copy_on_write(fd);
	for (int i = 0; i < TRIES; i++) {
		if (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)(blocks * DISK_BLOCK)) < 0)
			return err_errno(err, "cannot make %s so large", path);
		int r = mke2fs(path, c->inodes, err);
		if (r < 0)
			return r;
		r = free_blocks(fd, &has);
		if (r < 0)
			return err_set(err, ERR_FAIL, -r, "cannot read %s", path);
		uint64_t need = want + disk_kept_back(blocks) + SPARE;
		if (has >= need)
			return 0;
		blocks += (need - has) + (need - has) / 32 + 1;
	}
	return err_set(err, ERR_FAIL, 0, "mke2fs makes no file system with %" PRIu64 " bytes free",
		       bytes);
}
