/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running a command in a running server. Entering is as strict as starting: the same namespaces,
 * control group, ids, capabilities and system call filter as init has, in a fixed order.
 */
#ifndef CROFT_RUN_JOIN_H
#define CROFT_RUN_JOIN_H

#include "run/state.h"

struct join_request {
	char *const *argv; /* NULL: a login shell of the user */
	const char *user;  /* NULL: root. NAME, UID, NAME:GROUP, UID:GID; strict */
	const char *cwd;   /* NULL: the user's home, else / */
	/* KEY=VALUE beyond PATH, HOME, USER, LOGNAME, SHELL, TERM, LANG=C.UTF-8, container */
	struct strv env;
	enum { JOIN_TTY_AUTO, JOIN_TTY_YES, JOIN_TTY_NO } tty;
	uint64_t deadline_ms; /* CLOCK_MONOTONIC; the command is killed then. 0, UINT64_MAX: none */
};

/* Exit codes of croft exec and croft enter that are croft's own. */
#define JOIN_FAILED	    125
#define JOIN_NOT_EXECUTABLE 126
#define JOIN_NOT_FOUND	    127

/* For a privileged server: runs this process's command line again from a sealed copy of the
 * program, unless it does so already. Call it before join_exec in a process that has done nothing
 * yet. */
int join_seal(const struct state *s, struct err *err);

/* *ret_code: the command's exit code, or 128 + the signal that ended it; 126 and 127 with a text in
 * err when it could not be run. An error of croft's own returns < 0 with err; the caller exits with
 * 125. Call it once in a process, at its end: the process enters the server's pid namespace for its
 * children, leaves the session keyring, and takes on init's oom_score_adj.
 *
 * The command leads a session of its own. With a pty (JOIN_TTY_AUTO: when 0 and 1 are terminals)
 * that is its terminal, in the server's own devpts. Without one, what goes in and out at 0 to 2
 * goes through pipes (only a device that every server has, such as /dev/null, is passed as it is):
 * until the command has ended and what it wrote by then has gone out. SIGINT, SIGTERM, SIGHUP and
 * SIGQUIT are forwarded to it. It does not outlive the caller: it is killed, or its terminal is
 * hung up; what it started lives on. */
int join_exec(const struct host *h, const struct state *s, const struct join_request *q,
	      int *ret_code, struct err *err);

/* The console's log; the older half has ".1" at its end. Caller frees. */
char *console_log_path(const struct host *h, const char *name);

/* Joins the console of a running server through its monitor's socket RUN/NAME/console.sock. The
 * last output is shown first. Returns 0 when the server ended, 1 when detached, also by the end of
 * `in`; see tty_pump_framed(). After a reboot of the server it joins again by itself (deadline 10
 * s). */
int console_join(const struct host *h, const struct state *s, int in, int out, uint64_t deadline_ms,
		 struct err *err);

#endif
