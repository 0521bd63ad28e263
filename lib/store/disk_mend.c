// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An image before it is mounted. A host that ran full, or lost power, leaves one that the kernel
 * mounts with a warning in its log only, and that breaks later; so what was not left clean goes
 * through e2fsck(8) first, with what it mends without asking.
 */
#include "store/disk_priv.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/spawn.h"

/* Documentation/filesystems/ext4/super.rst; all is little-endian. */
#define SUPER		 1024
#define AT_BLOCKS	 0x4
#define AT_MAGIC	 0x38
#define AT_STATE	 0x3A
#define AT_INCOMPAT	 0x60
#define AT_BLOCKS2	 0x150
#define STATE_VALID	 1
#define STATE_ERRORS	 2
#define INCOMPAT_RECOVER 4 /* its journal has to be replayed: it was not unmounted */

/* e2fsck(8), "EXIT CODE": these bits say that all is well now. */
#define FSCK_MENDED 1

struct super {
	bool is_ext4, is_whole, is_clean;
};

static uint32_t number(const unsigned char *super, size_t at)
{
	uint32_t n;

	memcpy(&n, super + at, sizeof(n));
	return le32toh(n);
}

static int look(int file, struct super *ret)
{
	unsigned char super[1024];
	uint16_t magic, state;
	struct stat st;

	if (fstat(file, &st) < 0)
		return -errno;
	*ret = (struct super) { .is_ext4 = false };
	ssize_t n = pread(file, super, sizeof(super), SUPER);
	if (n < 0)
		return -errno;
	if (n != sizeof(super))
		return 0;
	memcpy(&magic, super + AT_MAGIC, sizeof(magic));
	memcpy(&state, super + AT_STATE, sizeof(state));
	uint64_t blocks = (uint64_t)number(super, AT_BLOCKS2) << 32 | number(super, AT_BLOCKS);
	ret->is_ext4 = le16toh(magic) == EXT4_SUPER_MAGIC;
	ret->is_whole = blocks <= (uint64_t)st.st_size / DISK_BLOCK;
	ret->is_clean = (le16toh(state) & (STATE_VALID | STATE_ERRORS)) == STATE_VALID &&
			!(number(super, AT_INCOMPAT) & INCOMPAT_RECOVER);
	return 0;
}

static int e2fsck(int dir, const char *name, struct err *err)
{
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d/%s", dir, name);
	const char *const argv[] = { "/sbin/e2fsck", "-p", path, NULL };
	const int keep[] = { dir, -1 };
	struct spawn_job job = {
		.argv = argv, .env = env, .log_fd = -1, .keep = keep, .deadline_ms = UINT64_MAX
	};
	struct spawn_result done;
	char why[256];
	int r = spawn_run(&job, &done, err);

	if (r < 0)
		return err_wrap(err, r, "cannot run e2fsck");
	if (done.interrupted)
		return err_set(err, ERR_FAIL, EINTR, "interrupted while the image was mended");
	if ((done.code & ~FSCK_MENDED) == 0)
		return 0;
	return err_set(err, ERR_FAIL, 0,
		       "%s is damaged, and e2fsck -p does not mend it: run e2fsck -f on it (%s)",
		       name, str_or(spawn_last_lines(&done, 1, why, sizeof(why)), "it failed"));
}

int disk_image_mend(int dir, const char *name, int file, struct err *err)
{
	struct super s = { .is_ext4 = false };
	int r = look(file, &s);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read %s", name);
	if (!s.is_ext4)
		return err_set(err, ERR_FAIL, 0,
			       "%s is damaged: it has no ext4 superblock (e2fsck(8), -b)", name);
	if (!s.is_whole)
		return err_set(err, ERR_FAIL, 0,
			       "%s is damaged: the file is shorter than the file system in it",
			       name);
	return s.is_clean ? 0 : e2fsck(dir, name, err);
}
