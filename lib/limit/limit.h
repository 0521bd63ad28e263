/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits. One row each in limits.c is all that most of them need: the option, the controller, the
 * version 2 file and the version 1 file, and how the value is written there.
 */
#ifndef CROFT_LIMIT_LIMIT_H
#define CROFT_LIMIT_LIMIT_H

#include <stdint.h>
#include "conf/opt.h"
#include "sys/cg.h"

/* PARSE_UNLIMITED: no limit. */
struct limit_conf {
	uint64_t memory;     /* bytes */
	uint64_t swap;	     /* bytes, beyond memory; swap alone, as OpenVZ's VSwap sold it */
	uint64_t cpus;	     /* thousandths of a CPU */
	uint64_t cpu_weight; /* 1 to 10000, 100 is ordinary */
	uint64_t pids;
};

extern const struct opt limit_opts[];
extern const size_t limit_n_opts;

/* Writes every limit into the server's groups and reads each back. A limit that this host cannot
 * enforce is refused (ERR_HOST, naming option and controller) unless its value is "unlimited" or
 * the ordinary one; a value the kernel clamps is an error that names both values. `old` is what is
 * in force now (NULL: a fresh group, ordinary values need no write): only differences are written,
 * in the order that keeps version 1's memory <= memory+swap; on failure what was written is undone.
 */
int limit_apply(const struct cg *cg, const struct limit_conf *want, const struct limit_conf *old,
		struct err *err);
/* Only the refusals of limit_apply, from the layout alone: for planning. */
int limit_check(const struct cg_layout *l, const struct limit_conf *want, struct err *err);
/* What each row would write, for `croft plan`: one line "file = value" each, into out. */
void limit_explain(const struct cg_layout *l, const struct limit_conf *want, struct strv *out);

struct limit_usage {
	uint64_t memory, memory_peak, swap; /* bytes */
	uint64_t cpu_usec;		    /* CPU time used */
	uint64_t pids;
	uint64_t oom_kills;
};
/* What cannot be read is PARSE_UNLIMITED. */
void limit_usage(const struct cg *cg, struct limit_usage *ret);

#endif
