/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices the processes of a group may open or make: the version 1 devices controller, and in
 * version 2 a small program of the kernel's own virtual machine. */
#ifndef CROFT_SYS_CGDEV_H
#define CROFT_SYS_CGDEV_H

#include <limits.h>
#include <stddef.h>
#include <linux/bpf.h>
#include "base/err.h"

#define CGDEV_ANY UINT_MAX

/* What is allowed; everything else is not. */
struct cgdev_rule {
	char type;	       /* c or b */
	unsigned major, minor; /* CGDEV_ANY: each */
	const char *access;    /* letters of "rwm": read, write, mknod */
};

/* The program for a list of rules: one test after another, 1 for the first that fits, else 0. The
 * number of instructions, or -E2BIG when they are more than max. Pure. */
int cgdev_program(const struct cgdev_rule *rules, size_t n, struct bpf_insn *out, size_t max);

/* Loads that program and attaches it to a version 2 group. -EOPNOTSUPP, with err untouched, where
 * kernel or privileges lack it. */
int cgdev_attach(int cgroup_fd, const struct cgdev_rule *rules, size_t n, struct err *err);

/* Writes the rules into a directory of the version 1 devices controller that has no children. */
int cgdev_write_v1(int dirfd, const struct cgdev_rule *rules, size_t n, struct err *err);

#endif
