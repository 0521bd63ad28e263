/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits. One row each in limits.c is all that most of them need: the option, the controller, the
 * version 2 file and the version 1 file, and how the value is written there.
 */
#ifndef CROFT_LIMIT_LIMIT_H
#define CROFT_LIMIT_LIMIT_H

#include <stdint.h>
#include "conf/opt.h"
#include "sys/blk.h"
#include "sys/cg.h"

/* PARSE_UNLIMITED: no limit. */
struct limit_conf {
	uint64_t memory;	   /* bytes */
	uint64_t memory_high;	   /* bytes; beyond them the server is slowed down */
	uint64_t memory_guarantee; /* bytes that are not reclaimed for others; 0: none */
	uint64_t swap;		   /* bytes, beyond memory; swap alone, as OpenVZ's VSwap sold it */
	bool oom_group;		   /* out of memory: all of the server is killed */
	uint64_t oom_score;	   /* 0 to 1000: how early when the host is out of memory */
	uint64_t cpus;		   /* thousandths of a CPU */
	uint64_t cpu_weight;	   /* 1 to 10000, 100 is ordinary */
	uint64_t cpu_burst;	   /* milliseconds that may be saved up beyond cpus */
	struct nums cpu_set, numa_set;
	uint64_t pids;
	uint64_t io_weight;		      /* 1 to 10000, 100 is ordinary */
	uint64_t io_read_bps, io_write_bps;   /* bytes per second */
	uint64_t io_read_iops, io_write_iops; /* operations per second */
	uint64_t ptys;			      /* pseudo-terminals */
	uint64_t hugepages;		      /* bytes, of each size of huge pages */
	/* Of each process; but nofile, of all processes together as well: setrlimit(2). */
	uint64_t nofile, nproc, memlock, msgqueue, sigpending;
};

extern const struct opt limit_opts[];
extern const size_t limit_n_opts;

/* The values that croft gives when nobody asks. */
const struct limit_conf *limit_default(void);

/* The block devices that the I/O limits are for: those behind the directories of the server's
 * storage. None, and no look at anything, when neither a nor b (may be NULL) limits I/O. ERR_HOST
 * with the reason where an I/O limit of `a` cannot bite. */
bool limit_wants_devices(const struct limit_conf *a, const struct limit_conf *b);
int limit_devices(const struct limit_conf *a, const struct limit_conf *b, const char *const dir[],
		  size_t n, struct blk_devs *ret, struct err *err);

/* Writes every limit into the server's groups and reads each back. A limit that this host cannot
 * enforce is refused (ERR_HOST, naming option and controller) unless its value is the ordinary one,
 * or the default; a value the kernel clamps is an error that names both values. `old` is what is in
 * force now (NULL: a fresh group, ordinary values need no write): only differences are written, in
 * the order that the kernel accepts; on failure what was written is undone. cg has the groups that
 * limit_groups() wants. */
int limit_apply(const struct cg *cg, const struct limit_conf *want, const struct limit_conf *old,
		const struct blk_devs *devs, struct err *err);
/* Only the refusals of limit_apply, from the layout alone: for planning. */
int limit_check(const struct cg_layout *l, const struct limit_conf *want, struct err *err);
/* The controllers (bits) that are needed beyond those which every server has. */
unsigned limit_groups(const struct limit_conf *conf);
/* What each row would write, for `croft plan`: one line "file = value" each, into out. devs may be
 * NULL. */
void limit_explain(const struct cg_layout *l, const struct limit_conf *want,
		   const struct blk_devs *devs, struct strv *out);

/* The resource limit (RLIMIT_*) of an option, and its value; false at the end of the table. */
bool limit_rlimit(size_t i, const struct limit_conf *c, int *which, const char **option,
		  uint64_t *value);

/* Tells the out-of-memory killer of the host of all processes of a running server; later ones
 * inherit it. ERR_BUSY when it forks faster than that. */
int limit_oom_score(const struct cg *cg, uint64_t score, struct err *err);

/* One line "kernel: FILE: old -> new" for each value that limit_apply() would write in a running
 * server's groups. */
int limit_explain_change(const struct cg *cg, const struct limit_conf *want,
			 const struct blk_devs *devs, struct strv *out, struct err *err);

/* memory.min protects a group only as far as those above it are protected: makes it there the sum
 * of the groups beneath, from `rel` (PARENT) up. Version 2 only. To be called when a guarantee
 * came, changed or went. */
int limit_guarantee_sums(const struct cg_layout *l, const char *rel, struct err *err);
/* The same downwards: to the group in which the processes are. */
int limit_guarantee_inside(const struct cg *cg, uint64_t bytes, struct err *err);

/* Tells cpus, rounded up, to those who look at the group in which the processes are. It limits
 * nothing, so what fails is no error. */
void limit_view(const struct cg *cg, const struct limit_conf *conf);

/* Values for files that no option has: --cgroup FILE=VALUE. */
struct limit_raw_conf {
	struct strv cgroup;
};
extern const struct opt limit_raw_opts[];
extern const size_t limit_raw_n_opts;

/* The controllers (bits) of the files. */
unsigned limit_raw_groups(const struct limit_raw_conf *conf);
/* Writes those that are not in old (NULL: all, of a fresh group). before: what they replaced, for
 * limit_raw_undo(), also after a failure: the first line of each file. */
int limit_raw_apply(const struct cg *cg, const struct limit_raw_conf *want,
		    const struct limit_raw_conf *old, struct strv *before, struct err *err);
void limit_raw_undo(const struct cg *cg, const struct limit_raw_conf *want,
		    const struct strv *before);

/* What cannot be read is PARSE_UNLIMITED. */
struct limit_usage {
	uint64_t memory, memory_peak; /* bytes */
	uint64_t memory_fail;	      /* how often it was at its limit, and had to make room */
	uint64_t memory_high;	      /* how often it was above memory-high, and was slowed down */
	uint64_t swap, swap_peak, swap_fail;
	uint64_t oom_kills;		     /* processes killed for memory */
	uint64_t cpu_usec;		     /* CPU time used */
	uint64_t throttled_usec, throttled;  /* time it had to wait for its quota, and how often */
	uint64_t periods;		     /* how often its quota began anew while it ran */
	uint64_t pids, pids_peak, pids_fail; /* forks that were refused */
	uint64_t io_read, io_written;	     /* bytes, of disks */
	uint64_t io_reads, io_writes;	     /* operations */
	/* Of no group, so run/tally.c has them. */
	uint64_t disk;			 /* bytes of its own on the host's disk */
	uint64_t net_received, net_sent; /* bytes, as its link counts them */
};

/*
 * The members of struct limit_usage, one row each: the ledger, the columns of croft list, croft
 * stats and what Prometheus is told walk them. Over several runs of a server a SUM adds up, of a
 * MAX the largest counts, and a NOW is only of the present.
 */
struct limit_figure {
	const char *key;  /* in the ledger */
	const char *name; /* "memory-used" */
	enum { FIGURE_NOW, FIGURE_MAX, FIGURE_SUM } kind;
	enum { UNIT_COUNT, UNIT_BYTES, UNIT_USEC } unit;
	size_t off;
	const char *help; /* one line, no full stop */
};
extern const struct limit_figure limit_figures[];
extern const size_t limit_n_figures;
uint64_t *limit_figure_of(struct limit_usage *u, const struct limit_figure *f);
uint64_t limit_figure_get(const struct limit_usage *u, const struct limit_figure *f);
void limit_usage_none(struct limit_usage *ret);
/* What came before, and what came after it, become one. */
void limit_usage_add(struct limit_usage *to, const struct limit_usage *more);

void limit_usage(const struct cg *cg, struct limit_usage *ret);
/* Only what is held now and what was used up until now, for who looks every second: neither peaks
 * nor what was refused. */
void limit_usage_now(const struct cg *cg, struct limit_usage *ret);

/* Pressure stall information (Documentation/accounting/psi.rst): for what part of the last ten
 * seconds some process, or all of them, had to wait, in percent; and for how long in all. */
enum { PRESSURE_CPU, PRESSURE_MEMORY, PRESSURE_IO, PRESSURES };
extern const char *const limit_pressure_name[PRESSURES];
struct limit_pressure {
	double some, full;	       /* below 0: not known */
	uint64_t some_usec, full_usec; /* PARSE_UNLIMITED: not known */
};
void limit_pressure_none(struct limit_pressure ret[PRESSURES]);
void limit_pressure(const struct cg *cg, struct limit_pressure ret[PRESSURES]);

/* The files of a server's groups from which the kernel tells, by poll(2) or an eventfd, that a
 * limit was in the way: of memory, a process was killed; of pids, a fork was refused. "" where
 * there is none. rel: PARENT/NAME; the version 2 group is there already. */
#define LIMIT_PATH 512
struct limit_notice {
	char memory[LIMIT_PATH], pids[LIMIT_PATH];
};
void limit_notice(const struct cg_layout *l, const char *rel, struct limit_notice *ret);

#endif
