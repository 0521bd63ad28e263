/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files disk*.c share; see disk.h. */
#ifndef CROFT_STORE_DISK_PRIV_H
#define CROFT_STORE_DISK_PRIV_H

#include "store/disk.h"

/* A way to keep a limit. */
struct disk {
	/* For a new server in an empty directory p->dir. */
	int (*create)(const struct store_plan *p, struct err *err);
	/* Whether p->disk can be had, running or not: all refusals that can be known. */
	int (*check)(const struct store_plan *p, bool running, struct err *err);
	/* Makes it what p->disk says: all of it or nothing. Does nothing where it is so. */
	int (*apply)(const struct store_plan *p, bool running, struct err *err);
	/* What apply would do, in words: for people. NULL: nothing. Caller frees. */
	char *(*explain)(const struct store_plan *p, bool running);
};
extern const struct disk disk_project, disk_image;

/* disk.c: p->dir. */
int disk_dir_open(const struct store_plan *p, struct err *err);

/* disk_image.c: the mount of the image. fits: it is as p->disk says. */
#define DISK_IMAGE	"disk.img"
#define DISK_IMAGE_NEW	"disk.img.new"
#define DISK_LIMIT_FILE "limit" /* in the image: for which limits it was made */
int disk_image_open(const struct store_plan *p, uint64_t attr, bool *fits, struct err *err);
int disk_image_mount(int dir, const char *name, uint64_t attr, struct err *err);
/* disk_mend.c: looks at an image that is not mounted: whether it is one, is whole, and was left
 * clean. One that was not is given to e2fsck -p. */
int disk_image_mend(int dir, const char *name, int file, struct err *err);
/* disk_format.c: an ext4 in the file `path`, in which p->disk is free, for what it is worth on a
 * host of `all` bytes. */
int disk_format(const char *path, const struct disk_conf *c, uint64_t all, struct err *err);
/* What an ext4 of so many blocks keeps back for itself (Linux 3.10, ext4_calculate_resv_clusters).
 */
uint64_t disk_kept_back(uint64_t blocks);
#define DISK_BLOCK 4096
/* For which limits an image was made, at its root. */
int disk_limit_write(int root, const struct disk_conf *c, struct err *err);
int disk_limit_read(int root, struct disk_conf *ret);
/* disk_copy.c: the server's own directory, copied into an image of the size of p->disk, or out of
 * its image. The server must not run. The old one is there until the new one is whole. A new server
 * has none; of another that lacks it, it is lost, and nothing is made. */
int disk_copy_in(const struct store_plan *p, bool new_server, struct err *err);
int disk_copy_out(const struct store_plan *p, struct err *err);

#endif
