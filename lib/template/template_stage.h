/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Staging directories: DIR/.new-NAME-PID while a template is being built, DIR/.old-NAME-PID while
 * one is being removed. Whoever works in one holds flock(2) on it; one that nobody holds was left
 * behind by a command that was killed, and the next command removes it.
 */
#ifndef CROFT_TEMPLATE_TEMPLATE_STAGE_H
#define CROFT_TEMPLATE_TEMPLATE_STAGE_H

#include <stdint.h>
#include "base/err.h"
#include "template/template.h"

#define STAGE_NEW ".new-"
#define STAGE_OLD ".old-"

struct stage {
	int dirfd;     /* DIR, not owned */
	int fd;	       /* the staging directory, locked */
	char name[96]; /* its name in DIR */
};
/* clang-format off */
#define STAGE_NONE { .dirfd = -1, .fd = -1 }
/* clang-format on */

int stage_open(int dirfd, const char *template, struct stage *ret, struct err *err);
/* Makes it DIR/template, durably. With replace, what was there is removed after. */
int stage_commit(struct stage *s, const char *template, bool replace, struct err *err);
/* Removes what was not committed. A zeroed or STAGE_NONE one is fine. */
void stage_drop(struct stage *s);
/* Removes what dead commands left. Failure is not reported: the next command tries again. */
void stage_sweep(int dirfd);

/* Adds up a tree: bytes on disk, each file once, and inodes. Follows no links. */
int stage_measure(int dirfd, const char *name, uint64_t *ret_bytes, uint64_t *ret_inodes);

/* By name or release; NULL. */
const struct template_recipe *template_recipe_find(const char *name);

#endif
