/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One start, with the server's lock held by the caller. */
#ifndef CROFT_RUN_LAUNCH_H
#define CROFT_RUN_LAUNCH_H

#include "run/state.h"

/* before: the run that this one is the reboot of; NULL: none. warnings (may be NULL) as in struct
 * run_opts. */
int launch(const struct host *h, const struct server *s, const struct state *before,
	   uint64_t deadline_ms, struct strv *warnings, struct err *err);
/* The reboot itself: the same server, as its file says now. */
int launch_again(const struct host *h, const struct state *before, struct err *err);

#endif
