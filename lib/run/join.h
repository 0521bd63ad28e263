/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running a command in a running server. Entering is as strict as starting: the same namespaces,
 * control group, ids, capabilities and system call filter as init has, in a fixed order.
 */
#ifndef CROFT_RUN_JOIN_H
#define CROFT_RUN_JOIN_H

#include "run/state.h"

struct join_request {
	char *const *argv;	/* NULL: a login shell of the user */
	const char *user;	/* NULL: root. NAME, UID, NAME:GROUP, UID:GID; strict */
	const char *cwd;	/* NULL: the user's home, else / */
	struct strv env;	/* KEY=VALUE beyond PATH, HOME, USER, LOGNAME, SHELL, TERM, LANG=C.UTF-8, container */
	enum { JOIN_TTY_AUTO, JOIN_TTY_YES, JOIN_TTY_NO } tty;
};

/* Exit codes of croft exec and croft enter that are croft's own. */
#define JOIN_FAILED	   125
#define JOIN_NOT_EXECUTABLE 126
#define JOIN_NOT_FOUND	   127

/* *ret_code: the command's exit code, or 128 + the signal that ended it, 126, 127. An error of
 * croft's own returns < 0 with err; the caller exits with 125. */
int join_exec(const struct host *h, const struct state *s, const struct join_request *q, int *ret_code,
	      struct err *err);

/* Joins the console of a running server through its monitor's socket RUN/NAME/console.sock. The
 * last output is shown first. Returns 0 when the server ended, 1 when detached. After a reboot of
 * the server it joins again by itself (deadline 10 s). */
int console_join(const struct host *h, const struct state *s, int in, int out, struct err *err);

#endif
