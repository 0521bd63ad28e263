/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The administrator's scripts: executables in DIR/EVENT.d/ and DIR/servers/NAME/EVENT.d/, run in
 * the order of their names, outside every namespace of the server. */
#ifndef CROFT_HOOK_HOOK_H
#define CROFT_HOOK_HOOK_H

#include <stddef.h>
#include <sys/types.h>
#include "base/err.h"
#include "base/str.h"

/* The events; the order is that of a server's life. */
#define HOOK_EVENTS(X) X(create) X(pre_start) X(started) X(pre_stop) X(stopped) X(destroy)

struct hook_env {
	const char *server; /* CROFT_SERVER */
	const char *event;  /* CROFT_EVENT: "pre-start" */
	const char *state;  /* CROFT_STATE */
	const char *config; /* CROFT_CONFIG: path of the server's file */
	const char *ip;	    /* CROFT_IP: addresses, blanks between */
	pid_t init;	    /* CROFT_INIT_PID, or 0 */
};
/* Runs them one after the other with a fixed environment (PATH, LANG=C and the above), cwd /,
 * closed descriptors, /dev/null as input, each at most `limit_ms`. The first that fails, or
 * overruns, ends it: err names the script and its code, and carries the last line it printed. No
 * directory, or no scripts: success at the cost of two open(2). Files that others than root may
 * write are refused. */
int hook_run(const char *dir, const struct hook_env *env, int limit_ms, struct err *err);
/* What lies in the directory, or in those of single servers, and is no event's: it is never run. */
void hook_strays(const char *dir, struct strv *ret);

#endif
