/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to a server: the verbs. Each takes the server's lock, first puts right what a killed
 * command may have left (recover), does its work, and leaves one of: absent, stopped, running.
 * deadline_ms is a CLOCK_MONOTONIC time in milliseconds, UINT64_MAX for none. *changed is false
 * when there was nothing to do. All need root.
 */
#ifndef CROFT_RUN_RUN_H
#define CROFT_RUN_RUN_H

#include "run/join.h"
#include "run/plan.h"
#include "run/state.h"

struct run_opts {
	uint64_t deadline_ms;
	int jobs_hint; /* how many run beside this one */
	/* run_stop sets it to the time init had when it did not stop in it and was killed. May be
	 * NULL. */
	uint64_t *killed_after_ms;
	/* What run_start did without: lxcfs that does not work, a disk limit that its files are too
	 * large for. May be NULL. */
	struct strv *warnings;
};

/* build.c ------------------------------------------------------------------------------------- */
/* Creates a server from s (made by server_init and the command line): addresses, ids, storage,
 * dialect, password and keys, hooks; the configuration file is written last and is what makes it
 * exist. */
int run_create(const struct host *h, struct server *s, const struct run_opts *o, struct err *err);
/* ERR_STATE when it runs, unless force (then it is stopped at once first). */
int run_destroy(const struct host *h, const char *name, bool force, const struct run_opts *o,
		struct err *err);

/* launch.c ------------------------------------------------------------------------------------ */
/* Returns when init runs. Already running: success, not changed. */
int run_start(const struct host *h, const char *name, const struct run_opts *o, bool *changed,
	      struct err *err);
/* Whether this process can start servers at all: what cannot be taken back, as no_new_privs, they
 * would inherit. run_start sees to that; for a command that stops a server first. */
int run_may_start(struct err *err);
/* Until the server is ready: with systemd its boot job is done ("running"; "degraded" is ERR_FAIL
 * and names the failed units); else at once. */
int run_wait_ready(const struct host *h, const char *name, const struct run_opts *o,
		   struct err *err);

/* halt.c -------------------------------------------------------------------------------------- */
/* timeout_ms: how long init may take (-1: as configured; 0: kill at once). */
int run_stop(const struct host *h, const char *name, int64_t timeout_ms, const struct run_opts *o,
	     bool *changed, struct err *err);
/* The monitor's last act: tidies up after an init that ended by itself, and starts the server again
 * when it asked for a reboot. */
int run_ended(const struct host *h, const char *name, struct err *err);

/* freeze.c ------------------------------------------------------------------------------------ */
int run_freeze(const struct host *h, const char *name, bool frozen, const struct run_opts *o,
	       bool *changed, struct err *err);

/* change.c ------------------------------------------------------------------------------------ */
struct set_args {
	const struct strv *opt, *text; /* option names and texts as typed; NULL: none */
	const struct strv *defaults;   /* those that shall have the host's default again: their
					  lines go from the file; NULL: none */
	enum { SET_BOTH, SET_RUNTIME, SET_SAVE_ONLY } mode;
	bool plan;	     /* change nothing, say what would change */
	const char *command; /* as typed, without secrets: for the generations */
};
struct set_result {
	bool changed;
	bool mounts_silent;  /* mounts inside did not answer: their sizes are as they were */
	struct strv restart; /* names of options that take effect at the next start */
	struct strv plan;    /* lines "what: old -> new"; both freed by the caller */
};
/* Saved, and live where the server runs; all or nothing. */
int run_set(const struct host *h, const char *name, const struct set_args *args,
	    const struct run_opts *o, struct set_result *res, struct err *err);
/* Back to a generation of the configuration (0: the last); generations.h. ERR_ABSENT. */
int run_undo(const struct host *h, const char *name, unsigned generation,
	     const struct set_args *args, const struct run_opts *o, struct set_result *res,
	     struct err *err);

/* recover.c ----------------------------------------------------------------------------------- */
/* With the lock held: finishes or undoes what a killed command left of this server. */
int recover_server(const struct host *h, const char *name, struct err *err);
/* Every name that has a file, a directory, a state or a group; what: one line per repair. */
int run_recover(const struct host *h, const struct strv *names, struct strv *what,
		const struct run_opts *o, struct err *err);
/* For exec, enter, console, status: the state of a running server, without the lock. ERR_ABSENT,
 * ERR_STATE. */
int run_state(const struct host *h, const char *name, struct state *ret, struct err *err);

/* order.c ------------------------------------------------------------------------------------- */
/* Names in waves: each wave's servers may start in parallel, after the wave before. By boot-order,
 * then depends; servers whose file cannot be read come last, and those in a circle of dependencies.
 * onboot_only: those with ONBOOT=yes (and what they depend on). */
void run_order(const struct host *h, const struct strv *names, bool onboot_only,
	       struct strv **ret_waves, size_t *ret_n);

/* check.c ------------------------------------------------------------------------------------- */
struct check_item {
	/* "user namespaces" */
	const char *name;
	enum { CHECK_OK, CHECK_WITHOUT, CHECK_MISSING } result; /* WITHOUT: croft does without it */
	char text[256]; /* what was found, and what croft does without it */
};
/* What this host offers. *ret has n items, freed by the caller. */
int run_check(const struct host *h, struct check_item **ret, size_t *ret_n, struct err *err);

#endif
