/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Editing beneath a root that may be hostile: what dialect files need beyond dialect.h's
 * edit_read() and edit_file(). */
#ifndef CROFT_DIALECT_EDIT_H
#define CROFT_DIALECT_EDIT_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/err.h"

#define EDIT_MAX (1 << 20) /* larger files of a server are refused, not read */

enum edit_flags {
	EDIT_NOFOLLOW = 1 << 0, /* a link in the last place is replaced, not followed */
	EDIT_DURABLE = 1 << 1,	/* fsync: what is not written again by itself at the next start */
};

/* As edit_file(), with flags; dir_mode is that of parent directories that have to be made. */
int edit_put(int rootfd, const char *path, const char *text, mode_t mode, mode_t dir_mode,
	     unsigned flags, struct err *err);

/* Whether something of that kind (S_IFREG, S_IFDIR; 0: anything) is there, links followed inside.
 */
bool edit_exists(int rootfd, const char *path, mode_t kind);
/* The target of the link itself, at most n - 1 bytes. False when it is no link. */
bool edit_link(int rootfd, const char *path, char *out, size_t n);
/* Whether two paths are the same file. */
bool edit_same(int rootfd, const char *a, const char *b);

/* Replaces the lines between "# croft: begin" and "# croft: end", or adds them at the end; text
 * without the marks. Returns the whole new content; caller frees. */
char *edit_block(const char *old, const char *text);

#endif
