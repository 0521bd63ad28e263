/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start order, once. Two processes read the same rows: the host side runs HOST rows, the child
 * runs INSIDE rows, and at MEET rows they wait for each other. Between two meetings the two sides
 * work at the same time. A failed start walks back from the last row done; stop and recovery walk
 * back over all rows, from the recorded state.
 */
#ifndef CROFT_RUN_STEPS_H
#define CROFT_RUN_STEPS_H

#include "run/plan.h"
#include "run/state.h"
#include "run/sync.h"

/* One start, stop or recovery under way; lives on the caller's stack. */
struct run {
	const struct host *host;
	const struct plan *plan; /* NULL when walking back from a recorded state */
	uint64_t deadline_ms;
	struct state state; /* what is written to RUN/NAME/state.json */
	struct cg_layout layout;
	struct cg cg;
	struct store_layers layers;
	struct guard_filter filter;
	struct net_plan net;		   /* from the plan, or what the state records of it */
	int cg_monitor;			   /* the group monitors live in */
	int join[CG_N], n_join;		   /* version 1 tasks files */
	int parents[CG_V1_MAX], n_parents; /* of the groups that all servers and monitors are in */
	int sock[2];			   /* [0] host side, [1] inside */
	int control[2];			   /* [0] ours, [1] the monitor's */
	int pidfd;			   /* of init */
	int console;			   /* host side: pty master; inside: its slave */
	int console_master;		   /* inside only, until it is given away */
	int root;			   /* inside only: the new root */
	bool force;		  /* walking back after a crash: nothing goes away by itself */
	struct sync_fds got;	  /* descriptors of the meeting just held */
	bool born, enter_monitor; /* the shared-memory child ran; it has to move itself */
	int clone_errno;	  /* what the shared-memory child met */
	const char *clone_what;	  /* where; NULL at the exec of the monitor */
	size_t done;		  /* rows done by the host side */
};

enum step_where { STEP_HOST, STEP_INSIDE, STEP_MEET };

struct step {
	const char *name;
	enum step_where where;
	const char *help; /* one line for croft plan */
	bool (*wanted)(const struct plan *p);
	int (*up)(struct run *r, struct err *err);
	void (*down)(struct run *r); /* undoes it whole or half done; must not fail for good */
	void (*explain)(const struct plan *p, struct buf *out); /* the values, for croft plan */
	/* MEET: what each side hands over. */
	void (*give_host)(struct run *r, struct sync_fds *give);
	void (*give_inside)(struct run *r, struct sync_fds *give);
};

extern const struct step steps[]; /* ended by a row without a name */

/* walk.c */
void run_init(struct run *r, const struct host *h, uint64_t deadline_ms);
/* A run that only walks back: from a recorded state. */
int run_from_state(struct run *r, const struct host *h, const struct state *s, struct err *err);
void run_close(struct run *r);
int walk_host(struct run *r, struct err *err);
_Noreturn void walk_inside(struct run *r);
void walk_back(struct run *r); /* from r->done */

/* Bodies, in steps_host.c and steps_inside.c: STEP(name) declares them for the table. */
/* clang-format off */
#define STEP_BODIES(X) \
	X(intent) X(store) X(dialect) X(cgroup) X(limits) X(devices) X(filter) X(net_host) \
	X(pre_start) X(clone) X(idmap) X(net_give) X(monitor) X(state) \
	X(join) X(clock) X(root) X(dev) X(kernfs) X(pivot) X(uts) X(net_inside) \
	X(caps) X(seccomp) X(exec)
/* clang-format on */
#define X(name) int step_##name(struct run *r, struct err *err);
STEP_BODIES(X)
#undef X
void undo_intent(struct run *r);
void undo_store(struct run *r);
void undo_cgroup(struct run *r);
void undo_net(struct run *r);
void undo_clone(struct run *r);

#endif
