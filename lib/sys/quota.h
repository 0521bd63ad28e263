/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Project quotas of ext4 and xfs: quotactl(2), quotactl_fd(2) (5.14), and the attributes of
 * ioctl_xfs_fsgetxattr(2). A directory with a project's number and "inherit" hands it to everything
 * that is made in it; only the initial user namespace can change it (Linux 4.5), so a server cannot
 * leave its project.
 */
#ifndef CROFT_SYS_QUOTA_H
#define CROFT_SYS_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

#define QUOTA_NONE UINT64_MAX

struct quota {
	uint64_t space, space_soft;   /* bytes; QUOTA_NONE */
	uint64_t inodes, inodes_soft; /* the same */
	uint64_t used_space, used_inodes;
};

/* Whether the file system of an open directory enforces project quotas. */
bool quota_enforced(int dirfd);
int quota_get(int dirfd, uint32_t project, struct quota *ret, struct err *err);
/* Sets the limits, not what is used. */
int quota_set(int dirfd, uint32_t project, const struct quota *q, struct err *err);
/* The project of an open file or directory, 0 when none is inherited. Negative errno. */
int64_t quota_project(int fd);
/* Gives a project to a directory and all below it, from the top: what is made meanwhile inherits
 * it. Follows no links, crosses no mount; what is neither file nor directory has none, as with
 * xfs_quota(8). */
int quota_project_tree(int dirfd, uint32_t project, struct err *err);

#endif
