/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is true of a running server now: RUN/NAME/state.json, on tmpfs, replaced atomically. It
 * names every resource before the first one is made, so that any command can finish or undo what a
 * killed one began. list, stop, exec, set and recovery read it. */
#ifndef CROFT_RUN_STATE_H
#define CROFT_RUN_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "server/server.h"

enum state_phase { STATE_STOPPED, STATE_STARTING, STATE_RUNNING, STATE_STOPPING };

struct state {
	enum state_phase phase;
	char name[64];
	pid_t init, monitor;
	uint64_t init_start, monitor_start; /* start times: a pid alone says nothing */
	int64_t started;		    /* seconds since 1970 */
	int64_t boots;			    /* how often it has booted since croft start */
	uid_t uid_base;			    /* 0: privileged */
	unsigned features;		    /* enum guard_feature */
	unsigned groups;		    /* version 1 groups in PARENT.limited: struct cg */
	bool privileged;
	char cgroup[192];				    /* PARENT/NAME */
	char host_if[16];				    /* "" without a link */
	char net[16], store[16], dialect[16], template[64]; /* names in their tables */
	char hostname[65];
	int halt_signal, reboot_signal;
	struct addr ip[NET_MAX_IP];
	int n_ip;
	struct limit_conf limit; /* in force */
	bool frozen;		 /* by croft suspend */
	bool view;		 /* lxcfs shall lie over its /proc, where there is one */
};

/* ERR_STATE when there is none; anything that is not a state as croft writes it is an error, never
 * "repaired". */
int state_load(const struct host *h, const char *name, struct state *ret, struct err *err);
/* Removes what a killed state_save() left beside the record. Lock held. */
void state_tidy(const struct host *h, const char *name);
/* What state_load() returned tells of a file that is not a state; else of one that could not be
 * read. */
bool state_is_bad(int ret);
/* 1: there is one; 0: there is none; negative errno: it cannot be read, which is not the same. */
int state_find(const struct host *h, const char *name, struct state *ret, struct err *err);
int state_save(const struct host *h, const struct state *s, struct err *err);
/* RUN/NAME and RUN/.locks/NAME; no server's name begins with a dot. Caller frees. */
char *state_dir(const struct host *h, const char *name);
char *state_lock_path(const struct host *h, const char *name);
/* Removes RUN/NAME and everything in it. */
int state_remove(const struct host *h, const char *name, struct err *err);
/* Whether its init lives. */
bool state_alive(const struct state *s);
/* Whether it lives and is not about to end: a killed init lives on until all of the server is gone.
 */
bool state_goes_on(const struct state *s);

/* How the last run's init ended ("signal 9", "exit 1", "reboot", "poweroff"), and when; NULL when
 * that is not known. Caller frees. */
char *state_last_end(const struct host *h, const char *name, int64_t *ret_when);
/* That of what the monitor noted. A reason that reboot(2) makes is told by its name: in a pid
 * namespace the kernel ends init with SIGHUP for a reboot and SIGINT for a power off. */
const char *state_end_word(const char *how);

/* What one word says of a server: stopped, starting, running, suspended, stopping, failed. */
const char *state_word(const struct host *h, const struct state *s);

#endif
