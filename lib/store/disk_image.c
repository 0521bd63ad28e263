// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits by an image: the server's own directory is an ext4 of just that size in a sparse file,
 * DIR/disk.img. The template stays outside, shared by all. The image is mounted detached, through a
 * loop device that goes with its last mount: a server that dies leaves neither.
 *
 * A mounted ext4 can grow (EXT4_IOC_RESIZE_FS, 3.3), which needs CAP_SYS_RESOURCE, and cannot
 * shrink; nor can it get another number of inodes. For these the server must be stopped, and its
 * files are copied into a new image.
 */
#include "store/disk_priv.h"

#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sys/caps.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/loop.h"
#include "sys/mnt.h"

#ifndef EXT4_IOC_RESIZE_FS
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t) /* linux/ext4.h has it since 6.0 */
#endif

#define WAIT_MS	   10000
#define GROW_TRIES 6

bool disk_has_image(const struct store_plan *p)
{
	char path[sizeof(p->dir) + sizeof("/" DISK_IMAGE)];
	struct stat st;

	snprintf(path, sizeof(path), "%s/" DISK_IMAGE, p->dir);
	return lstat(path, &st) == 0;
}

int disk_limit_write(int root, const struct disk_conf *c, struct err *err)
{
	char text[64];

	/* In place, and as long as ever: the server may have taken the last block and inode. */
	snprintf(text, sizeof(text), "%20" PRIu64 " %20" PRIu64 "\n", c->disk, c->inodes);
	int r = fd_overwrite(root, DISK_LIMIT_FILE, text);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot write the limit into the image") : 0;
}

int disk_limit_read(int root, struct disk_conf *ret)
{
	_cleanup_free_ char *text = NULL;
	struct disk_conf c = { .disk_soft = PARSE_UNLIMITED, .inodes_soft = PARSE_UNLIMITED };
	int r = fd_read_file(root, DISK_LIMIT_FILE, 64, &text, NULL);

	if (r < 0)
		return r;
	if (sscanf(text, "%" SCNu64 " %" SCNu64, &c.disk, &c.inodes) != 2)
		return -EINVAL;
	*ret = c;
	return 0;
}

/* Deleted blocks become holes again: discard. */
int disk_image_mount(int dir, const char *name, uint64_t attr, struct err *err)
{
	char device[32];
	const char *const options[] = { "source",  device, "errors", "remount-ro",
					"discard", NULL,   NULL };
	_cleanup_close_ int loop =
	    loop_open(dir, name, disk_image_mend, clock_ms() + WAIT_MS, device, err);

	if (loop == -ENOENT && !err->text[0])
		return err_set(err, ERR_FAIL, ENOENT, "%s", name);
	return loop < 0 ? loop : mnt_new("ext4", options, attr, err);
}

static bool same(const struct disk_conf *a, const struct disk_conf *b)
{
	return a->disk == b->disk && a->inodes == b->inodes;
}

int disk_image_open(const struct store_plan *p, uint64_t attr, bool *fits, struct err *err)
{
	_cleanup_close_ int dir = disk_dir_open(p, err);
	struct disk_conf now;

	if (dir < 0)
		return dir;
	int mnt = disk_image_mount(dir, DISK_IMAGE, attr, err);
	if (mnt < 0)
		return err_wrap(err, mnt, "%s", p->dir);
	*fits = disk_limit_read(mnt, &now) == 0 && same(&now, &p->disk);
	return mnt;
}

void disk_settle(const char *path)
{
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0)
		(void)loop_gone(dir, DISK_IMAGE, clock_ms() + WAIT_MS);
}

/* ---- growing ---- */

struct image {
	int dir, loop, mnt; /* -1: not open */
	int root;	    /* the mount's, open for reading: fsmount(2) gives an O_PATH */
	char device[32];
	struct disk_conf now;
};
#define IMAGE_NONE                                                                                 \
	{                                                                                          \
		.dir = -1, .loop = -1, .mnt = -1, .root = -1                                       \
	}

static void image_close(struct image *i)
{
	int *const fd[] = { &i->root, &i->mnt, &i->loop, &i->dir };

	for (size_t n = 0; n < ARRAY_LEN(fd); n++)
		if (*fd[n] >= 0)
			close(*fd[n]);
}

/* Mounts it once more: the same file system as the one a running server has mounted. */
static int image_open(const struct store_plan *p, struct image *i, struct err *err)
{
	i->dir = disk_dir_open(p, err);
	if (i->dir < 0)
		return i->dir;
	i->mnt = disk_image_mount(i->dir, DISK_IMAGE, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, err);
	if (i->mnt < 0)
		return i->mnt;
	i->loop = loop_open(i->dir, DISK_IMAGE, NULL, clock_ms() + WAIT_MS, i->device, err);
	if (i->loop < 0)
		return i->loop;
	i->root = openat(i->mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (i->root < 0)
		return err_errno(err, "cannot open the image in %s", p->dir);
	if (disk_limit_read(i->root, &i->now) < 0)
		i->now = (struct disk_conf) { .disk = 0 };
	return 0;
}

static int set_size(const struct image *i, uint64_t bytes, struct err *err)
{
	_cleanup_close_ int file = openat(i->dir, DISK_IMAGE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (file < 0 || ftruncate(file, (off_t)bytes) < 0)
		return err_errno(err, "cannot make the image larger");
	int r = loop_resized(i->loop);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "%s does not grow", i->device) : 0;
}

/* Blocks of the whole file system, as its superblock has it: s_blocks_count_lo and _hi. */
static int all_blocks(const struct image *i, uint64_t *ret)
{
	uint32_t low, high;

	/* Through the device's cache, which is where the mounted file system writes it. */
	_cleanup_close_ int device = open(i->device, O_RDONLY | O_CLOEXEC);
	if (device < 0 || pread(device, &low, 4, 1024 + 0x4) != 4 ||
	    pread(device, &high, 4, 1024 + 0x150) != 4)
		return -EIO;
	*ret = (uint64_t)le32toh(high) << 32 | le32toh(low);
	return 0;
}

/* Until df's total has room for what was asked for: each part of the new space takes its own
 * overhead away, as in disk_format(). */
static int grow(const struct image *i, uint64_t bytes, struct err *err)
{
	uint64_t want = (bytes + DISK_BLOCK - 1) / DISK_BLOCK, blocks, before;
	struct statvfs st;
	int r = all_blocks(i, &blocks);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read %s", i->device);
	before = blocks;
	for (int n = 0; n < GROW_TRIES; n++) {
		if (fstatvfs(i->root, &st) < 0)
			return err_errno(err, "cannot look at the image");
		uint64_t need = want + disk_kept_back(blocks);
		if (st.f_blocks >= need)
			return 0;
		blocks += (need - st.f_blocks) + (need - st.f_blocks) / 32 + 1;
		r = set_size(i, blocks * DISK_BLOCK, err);
		if (r == 0 && ioctl(i->root, EXT4_IOC_RESIZE_FS, &blocks) < 0)
			r = err_errno(err, "the image does not grow");
		if (r < 0) {
			struct err unused = { 0 };
			uint64_t now;

			/* It may have grown by a part of that (the kernel adds one group of blocks
			 * after the other), which may be in use. */
			if (all_blocks(i, &now) == 0 && now >= before)
				set_size(i, now * DISK_BLOCK, &unused);
			return r;
		}
	}
	return err_set(err, ERR_FAIL, 0, "the image does not become as large as was asked for");
}

/* ---- the row ---- */

static int soft_refused(const struct disk_conf *c, struct err *err)
{
	if (c->disk_soft == PARSE_UNLIMITED && c->inodes_soft == PARSE_UNLIMITED)
		return 0;
	return err_set(
	    err, ERR_HOST, 0,
	    "%s needs project quotas (ext4 with the project feature and the mount option "
	    "prjquota, or xfs with pquota); this server's files are not on such a file "
	    "system",
	    c->disk_soft != PARSE_UNLIMITED ? "disk-soft" : "inodes-soft");
}

static bool can_grow(const struct disk_conf *from, const struct disk_conf *to)
{
	return from->inodes == to->inodes && from->disk < to->disk && to->disk != PARSE_UNLIMITED &&
	       caps_have("cap_sys_resource");
}

/* Why it cannot be done while the server runs. now: of its image, NULL where there is none. */
static int check_running(const struct store_plan *p, const struct disk_conf *now, struct err *err)
{
	const struct disk_conf *want = &p->disk;
	const char *why;

	if (now && (same(now, want) || can_grow(now, want)))
		return 0;
	if (!now)
		why = "the server's files have no image yet";
	else if (now->inodes != want->inodes)
		why = "the number of inodes of an image is fixed";
	else if (want->disk < now->disk || want->disk == PARSE_UNLIMITED)
		why = "an image does not shrink, nor go, while it is mounted";
	else
		why =
		    "growing a mounted ext4 needs CAP_SYS_RESOURCE, which croft does not have here";
	return err_set(err, ERR_STATE, 0,
		       "disk limits: %s; stop the server, then its files are copied to a new one",
		       why);
}

/* An ext4 has some inodes in each of its groups, so one that is large has many: what was asked for
 * would be no limit. */
#define GROUP_BYTES                                                                                \
	(UINT64_C(8) * DISK_BLOCK * DISK_BLOCK) /* as many blocks as a bitmap has bits */
#define GROUP_INODES 16				/* a block of them */

static int check_size(const struct store_plan *p, struct err *err)
{
	struct statvfs st;

	if (statvfs(p->dir, &st) < 0)
		return err_errno(err, "cannot look at the file system of %s", p->dir);
	const struct disk_conf *c = &p->disk;
	uint64_t all = (uint64_t)st.f_blocks * st.f_frsize;
	uint64_t size = c->disk == PARSE_UNLIMITED ? all : c->disk;
	uint64_t least = (size / GROUP_BYTES + 1) * GROUP_INODES;
	if (size > all)
		return err_set(err, ERR_USAGE, 0,
			       "disk: the file system of %s is smaller than that", p->dir);
	if (c->inodes != PARSE_UNLIMITED && least > c->inodes)
		return err_set(err, ERR_USAGE, 0,
			       "inodes: an image of %s has %" PRIu64 " at least; ask for more, "
			       "or for %s disk",
			       c->disk == PARSE_UNLIMITED ? "the host's size" : "that size", least,
			       c->disk == PARSE_UNLIMITED ? "a limit of" : "less");
	return 0;
}

static int check(const struct store_plan *p, bool running, struct err *err)
{
	struct image i = IMAGE_NONE;
	int r = soft_refused(&p->disk, err);

	if (r < 0)
		return r;
	if (!p->store->images)
		return err_set(err, ERR_HOST, 0,
			       "disk limits of the store %s need project quotas, and the file "
			       "system of %s has none; the store overlay works without",
			       p->store->name, p->dir);
	r = check_size(p, err);
	if (r < 0 || !running)
		return r;
	if (!disk_has_image(p))
		return check_running(p, NULL, err);
	r = image_open(p, &i, err);
	if (r == 0)
		r = check_running(p, &i.now, err);
	image_close(&i);
	return r;
}

static int apply(const struct store_plan *p, bool running, struct err *err)
{
	struct image i = IMAGE_NONE;
	int r;

	if (!disk_has_image(p))
		return running ? check_running(p, NULL, err) : disk_copy_in(p, false, err);
	if (p->disk.disk == PARSE_UNLIMITED && p->disk.inodes == PARSE_UNLIMITED && !running)
		return disk_copy_out(p, err);
	r = image_open(p, &i, err);
	bool grows = r == 0 && can_grow(&i.now, &p->disk), fits = r == 0 && same(&i.now, &p->disk);
	if (grows) {
		r = grow(&i, p->disk.disk, err);
		if (r == 0)
			r = disk_limit_write(i.root, &p->disk, err);
	} else if (r == 0 && running) {
		r = check_running(p, &i.now, err);
	}
	image_close(&i);
	return r < 0 || grows || fits ? r : disk_copy_in(p, false, err);
}

static char *explain(const struct store_plan *p, bool running)
{
	struct image i = IMAGE_NONE;
	struct err unused = { 0 };
	char *text = NULL;

	(void)running;
	if (!disk_has_image(p))
		return xstrdup("disk: its files are copied into an image");
	if (p->disk.disk == PARSE_UNLIMITED && p->disk.inodes == PARSE_UNLIMITED)
		return xstrdup("disk: its files are copied out of their image");
	if (image_open(p, &i, &unused) == 0 && !same(&i.now, &p->disk))
		text = xstrdup(can_grow(&i.now, &p->disk)
				   ? "disk: its image grows"
				   : "disk: its files are copied into a new image");
	image_close(&i);
	return text;
}

static int create(const struct store_plan *p, struct err *err)
{
	return disk_copy_in(p, true, err);
}

const struct disk disk_image = {
	.create = create,
	.check = check,
	.apply = apply,
	.explain = explain,
};
