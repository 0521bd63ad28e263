/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a server may write: the options disk and inodes. What counts is what is in the server's
 * own directory; with the overlay store that is what it has changed, and never the template.
 *
 * How a limit is kept is a row of disks.def: by the file system's project quotas where it has them,
 * else by an image of its own size, which holds the directory then. A server without limits on a
 * file system without quotas has neither: its directory is a plain one.
 */
#ifndef CROFT_STORE_DISK_H
#define CROFT_STORE_DISK_H

#include "store/store.h"

struct disk {
	const char *name, *help;
	/* For a new server in an empty directory p->dir. */
	int (*create)(const struct store_plan *p, struct err *err);
	/* Whether p->disk can be had, running or not: all refusals that can be known. */
	int (*check)(const struct store_plan *p, bool running, struct err *err);
	/* Makes it what p->disk says: all of it or nothing. Does nothing where it is so. */
	int (*apply)(const struct store_plan *p, bool running, struct err *err);
	/* What apply would do, in words: for people. NULL: nothing. Caller frees. */
	char *(*explain)(const struct store_plan *p, bool running);
};
extern const struct disk *const disks[]; /* ended by NULL */

/* Creates p->dir, empty, with the limits of p->disk. */
int disk_create(const struct store_plan *p, struct err *err);
/* For a server that exists; p->disk is what shall be. These two are 0 where there is nothing to do.
 */
int disk_check(const struct store_plan *p, bool running, struct err *err);
int disk_apply(const struct store_plan *p, bool running, struct err *err);
char *disk_explain(const struct store_plan *p, bool running);
/* Bytes that a server's own files take of the host's disk, as its image or its quota tells, by the
 * path of its directory; PARSE_UNLIMITED where neither counts them. Three system calls at most. */
uint64_t disk_held(const char *dir, uint32_t project);
/* The server's own directory as a detached mount: of the plain directory, or of the image; after
 * its limit was made what p->disk says. Where that cannot be, and warning is not NULL, it says why,
 * and the directory is opened as it is. */
int disk_open(const struct store_plan *p, uint64_t attr, char warning[300], struct err *err);
/* After the last process of a server, by the path of its directory: waits, 10 s at most, until the
 * kernel has written and let go of its image. Nothing to wait for where there is none. */
void disk_settle(const char *dir);
/* What a killed change of this server's disk left beside what counts. */
void disk_tidy(const char *dir);
bool disk_is_limited(const struct disk_conf *c);

/* disk_image.c: whether the directory is in an image, and its mount. fits: it is as p->disk says.
 */
#define DISK_IMAGE	"disk.img"
#define DISK_IMAGE_NEW	"disk.img.new"
#define DISK_LIMIT_FILE "limit" /* in the image: for which limits it was made */
bool disk_has_image(const struct store_plan *p);
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
