/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a server may write: the options disk and inodes. What counts is what is in the server's
 * own directory; with the overlay store that is what it has changed, and never the template.
 *
 * How a limit is kept is a matter of the host: by the file system's project quotas where it has
 * them, else by an image of its own size, which holds the directory then. A server without limits
 * on a file system without quotas has neither: its directory is a plain one.
 */
#ifndef CROFT_STORE_DISK_H
#define CROFT_STORE_DISK_H

#include "store/store.h"

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
bool disk_has_image(const struct store_plan *p); /* whether the directory is in an image */

#endif
