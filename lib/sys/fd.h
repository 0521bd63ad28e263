/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files by descriptor: bounded reads, whole writes, atomic replacement, paths that stay beneath a
 * root, removal that never follows links or crosses mounts. */
#ifndef CROFT_SYS_FD_H
#define CROFT_SYS_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/err.h"

/* Reads a whole file of at most max bytes; *ret is NUL-terminated, caller frees. -EFBIG beyond max.
 * dirfd may be AT_FDCWD. Never blocks: fifos and devices are refused with -EINVAL. */
int fd_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len);
int fd_read_all(int fd, size_t max, char **ret, size_t *ret_len);
/* One write(2) of the whole text into an existing file (cgroupfs, procfs). Negative errno. */
int fd_write_file(int dirfd, const char *path, const char *text);
int fd_write_all(int fd, const void *data, size_t len);
/* Temporary file beside path, write, chmod, rename. durable adds fsync of file and directory: for
 * configuration, never for run-time state on tmpfs. On failure path is as it was, also when only
 * the sync of the directory fails, and no temporary file is left; what a killed writer left is gone
 * with the next write of that path. -EBUSY: another one writes it, for more than 5 s. */
int fd_replace(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
	       bool durable);
/* Removes what a killed writer of path left beside it. For a caller whose lock says that nobody
 * writes there now. */
void fd_replace_tidy(int dirfd, const char *path);
/* Writes over what path has, in one write(2): for what is only a hint. A reader may find the new
 * text with the end of a longer old one behind it, a crash may leave anything. It costs a tenth of
 * a replacement on a disk: ext4 flushes a file that is renamed over another. */
int fd_overwrite(int dirfd, const char *path, const char *text);
int fd_sync_dir(int dirfd, const char *path);

/* mkdir -p of an absolute path of our own (never beneath a server's root). */
int fd_mkdir_p(const char *path, mode_t mode);

/* openat2 (kernel 5.6) is there. Without it a server's files can be neither made nor removed, and
 * what a command began could not be undone. */
int fd_check(struct err *err);

/* Opens beneath a server's root with openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), kernel 5.6:
 * symbolic links resolve as they do inside. The result is never outside rootfd's tree. */
int fd_open_in(int rootfd, const char *path, int flags, mode_t mode);
/* Opens beneath dirfd following no symbolic link at all (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS). */
int fd_open_beneath(int dirfd, const char *path, int flags, mode_t mode);

/* Removes a tree. Follows no links, crosses no mount (-EXDEV), needs no stack per level. Missing is
 * success. */
int fd_remove_tree(int dirfd, const char *name);

/* Marks every descriptor from `first` up close-on-exec (close_range(2), 5.11; else a walk). */
void fd_cloexec_from(int first);
/* Makes sure 0, 1 and 2 are open (on /dev/null) so that no file of ours gets such a number. */
void fd_stdio_sane(void);

#endif
