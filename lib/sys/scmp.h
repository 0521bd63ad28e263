/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System call filters. The one file with libseccomp, which is loaded only when a filter must be
 * compiled: a start that finds its filter in the cache never pays for it.
 */
#ifndef CROFT_SYS_SCMP_H
#define CROFT_SYS_SCMP_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/* True when (argument number `index` & mask) == value. Masks are how an int argument is compared:
 * the kernel ignores the upper half of the register, so a filter must ignore it too. */
struct scmp_match {
	unsigned index;
	uint64_t mask, value;
};

#define SCMP_MAX_MATCH 2

struct scmp_rule {
	const char *name; /* a system call; one that the library does not know is passed over */
	int error;	  /* the errno it gets; 0: allowed */
	unsigned n_match; /* all must be true; 0: whatever the arguments are */
	struct scmp_match match[SCMP_MAX_MATCH];
};

/* Either all rules of a list look at arguments, or none does. */
struct scmp_list {
	const struct scmp_rule *rules;
	size_t n_rules;
	int other; /* what a call without a rule gets: an errno, or 0: allowed */
};

/* Compiles the lists into one program for the native architecture and the 32-bit one beside it. The
 * lists are asked in turn: a call passes when all allow it, else the first refusal counts. Calls of
 * any other architecture, x32 among them, get ENOSYS. *ret: caller frees. */
int scmp_compile(const struct scmp_list *lists, size_t n_lists, struct sock_filter **ret,
		 unsigned short *ret_len, struct err *err);

/* seccomp(2), Linux 3.17, on the calling thread; it does not set no_new_privs. Needs no library. */
int scmp_load(const struct sock_filter *code, unsigned short len, struct err *err);

/* The name of a native system call number, or NULL; caller frees. For the tests. */
char *scmp_name(int nr, struct err *err);

#endif
