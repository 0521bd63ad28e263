/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start order, once. Three processes read the same rows: the host side runs HOST rows, the
 * monitor-to-be MONITOR rows, the child that becomes init INSIDE rows, and at MEET rows host and
 * child wait for each other. Else they work at the same time, and tell each other by messages
 * (sync.h). A failed start walks back from the last HOST row done; stop and recovery walk back over
 * all rows, from the recorded state.
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
	int held;			   /* walking back: the network namespace, see traffic.h */
	int cg_monitor;			   /* the group monitors live in */
	int parents[CG_V1_MAX], n_parents; /* of the groups that all servers and monitors are in */
	int sock[2];			   /* [0] host side, [1] inside */
	int control[2];			   /* [0] ours, [1] the monitor's */
	int mapped[2];	      /* [0] the monitor-to-be until its exec, [1] inside, and ours */
	int pidfd;	      /* of init */
	int console;	      /* host side: pty master; inside: its slave */
	int console_master;   /* inside only, until it is given away */
	int root;	      /* inside only: the new root */
	bool view;	      /* lxcfs is there, and wanted */
	struct strv warnings; /* what the start does without */
	bool force;	      /* walking back after a crash: nothing goes away by itself */
	bool again;	      /* walking back for a reboot: it is starting, never stopped */
	bool quick;	      /* a reboot after a run that was short */
	struct sync_fds got;  /* descriptors of the meeting just held, until a step takes them */
	bool lived;	      /* the monitor-to-be was not killed at birth */
	int born_again;	      /* how often it was cloned anew: then it moves to its group itself */
	size_t done;	      /* rows done by the host side */
};

enum step_where { STEP_HOST, STEP_MONITOR, STEP_INSIDE, STEP_MEET };

struct step {
	const char *name;
	enum step_where where;
	const char *help; /* one line for croft plan */
	bool (*wanted)(const struct plan *p);
	int (*up)(struct run *r, struct err *err);
	/* Undoes it whole or half done; done already: success. */
	int (*down)(struct run *r, struct err *err);
	void (*explain)(const struct plan *p, struct buf *out); /* the values, for croft plan */
	/* MEET: what the server's side hands over. */
	void (*give)(struct run *r, struct sync_fds *give);
};

extern const struct step steps[]; /* ended by a row without a name */

/* walk.c */
void run_init(struct run *r, const struct host *h, uint64_t deadline_ms);
/* A run that only walks back: from a recorded state. */
int run_from_state(struct run *r, const struct host *h, const struct state *s, struct err *err);
void run_close(struct run *r);
int walk_host(struct run *r, struct err *err);
int walk_monitor(struct run *r, struct err *err); /* the error carries its row */
_Noreturn void walk_inside(struct run *r);
/* From r->done, over every row whatever fails; the first error is returned. When there is one, the
 * first row, which is the record of what there may be, is left for the next command. */
int walk_back(struct run *r, struct err *err);

/* Bodies, in steps_host.c, birth.c and steps_inside.c: STEP_BODIES declares them for the table. */
/* clang-format off */
#define STEP_BODIES(X) \
	X(intent) X(store) X(dialect) X(cgroup) X(view) X(filter) X(pre_start) X(clone) X(groups) \
	X(limits) X(devices) X(hand) X(net_host) X(born) X(net_give) X(net_inside) X(executed) X(view_put) X(monitor) X(state) \
	X(fresh) X(init) X(idmap) \
	X(join) X(clock) X(netlink) X(mapped) X(root) X(dev) X(kernfs) X(pivot) X(uts) \
	X(caps) X(seccomp) X(exec)
/* clang-format on */
#define X(name) int step_##name(struct run *r, struct err *err);
STEP_BODIES(X)
#undef X
int undo_intent(struct run *r, struct err *err);
int undo_store(struct run *r, struct err *err);
int undo_cgroup(struct run *r, struct err *err);
int undo_net(struct run *r, struct err *err);
int undo_clone(struct run *r, struct err *err);

#endif
