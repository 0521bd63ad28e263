/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between seccomp_policy.c, filter_cache.c and the tests: the profile and its compilation. */
#ifndef CROFT_GUARD_POLICY_H
#define CROFT_GUARD_POLICY_H

#include "guard/guard.h"

/* One group of system calls. */
struct policy_calls {
	const char *group;
	const char *names; /* separated by blanks */
	int error;	   /* what they get; 0: allowed */
	unsigned features; /* with any of these, allowed */
};
extern const struct policy_calls policy_calls[];
extern const size_t policy_n_calls;

/* A stamp of everything that decides the program: the tables, the way they are compiled, the
 * features, the machine and the kernel's release. */
uint64_t policy_key(unsigned features);
/* Loads libseccomp and compiles; takes about ten milliseconds. */
int policy_compile(unsigned features, struct guard_filter *ret, struct err *err);

#endif
