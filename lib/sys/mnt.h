/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts by descriptor (fsopen(2), open_tree(2), move_mount(2): 5.2; mount_setattr(2): 5.12). A
 * mount is made detached, and then attached to a directory that was opened beneath the server's
 * root without following links: no path of the server's is ever used twice. All return an fd or 0,
 * or a negative errno with err naming the kernel version that is needed where the call does not
 * exist.
 */
#ifndef CROFT_SYS_MNT_H
#define CROFT_SYS_MNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/types.h>
#include "base/err.h"

/* A copy of the mount at path (bind), detached. */
int mnt_clone(int dirfd, const char *path, struct err *err);
/* A copy of the mount an open file lies on, with that file as its root. */
int mnt_clone_fd(int fd, struct err *err);
/* A new file system, detached. options: key, value, key, value, ..., NULL; a value of NULL is a
 * flag. attr: MOUNT_ATTR_*. */
int mnt_new(const char *fstype, const char *const *options, uint64_t attr, struct err *err);
/* Changes options of the file system that is mounted at an absolute path, which must not be a
 * symbolic link: fspick(2), 5.2. */
int mnt_reconfigure(const char *path, const char *const *options, struct err *err);
/* Attaches a detached mount to a directory or file given by fd. */
int mnt_attach(int mnt, int target, struct err *err);
/* The same by the name of something in the directory dir, which nobody else can have changed. */
int mnt_attach_at(int mnt, int dir, const char *name, struct err *err);
/* Sets attributes of a detached mount; userns_fd >= 0 gives it that namespace's id mapping. */
int mnt_set(int mnt, uint64_t set, int userns_fd, struct err *err);

/* The same, and it leaves the peer group of what it is a copy of. */
int mnt_private(int mnt, uint64_t set, struct err *err);
/* Whether a mount has its root at this path, and the number of its file system. The file system
 * itself is not asked: statx(2) with AT_STATX_DONT_SYNC and an empty mask, 5.8. */
bool mnt_is_root(const char *path, dev_t *ret_dev);

/* A directory beneath root for a mount point: opened without following links, made when missing.
 * A link or anything else in its place is refused: the tree is hostile. Returns an O_PATH fd. */
int mnt_point(int root, const char *path, struct err *err);

#endif
