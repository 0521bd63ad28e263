/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules for names of servers and templates, and for host names. Checked at the edge, before
 * anything is created: such a name is a file, a cgroup and a part of an interface's name. */
#ifndef CROFT_BASE_NAME_H
#define CROFT_BASE_NAME_H

#include "base/err.h"

#define NAME_MAX_LEN 63

/* 1 to 63 of a-z 0-9 and inner hyphens or dots, no two dots in a row; not a file that cgroupfs
 * keeps in every directory (cgroup.procs, tasks and their kin: systemd's CGROUP_DELEGATION.md). */
int name_check(const char *what, const char *name, struct err *err);

/* A host name as hostname(7) has it: labels of letters, digits and inner hyphens, 1 to 63 each,
 * with dots between; 64 characters in all, the kernel's limit (sethostname(2)). */
int name_check_host(const char *name, struct err *err);

#endif
