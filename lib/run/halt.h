/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ending a run, with the server's lock held by the caller. */
#ifndef CROFT_RUN_HALT_H
#define CROFT_RUN_HALT_H

#include "run/state.h"

/* Walks back over everything the state names: kills what is left, removes groups, links, state.
 * crashed: nothing is expected to go away by itself. Returns an error only if something stayed. */
int halt_clear(const struct host *h, const struct state *s, bool crashed, struct err *err);
/* Whether the monitor noted that init ended by asking for a reboot (SIGHUP, see run/monitor.h). */
bool halt_wants_reboot(const struct host *h, const char *name);
/* RUN/NAME/stopping tells the monitor, and anyone who looks, that somebody is tidying up already:
 * with HALT_KILLING in it the time of asking is over, and recovery ends what was begun. NULL
 * removes it. A hint: the lock is held, so a full /run must not keep the administrator from
 * stopping what fills it. */
#define HALT_ASKING  ""
#define HALT_KILLING "kill\n"
void halt_mark(const struct host *h, const char *name, const char *mark);
bool halt_kills(const struct host *h, const char *name); /* whether it holds HALT_KILLING */
/* Makes the group of a server what its record says, as well as that can be done. */
void halt_freeze(const struct host *h, const struct state *s, bool frozen);
/* Signals init and waits at most timeout_ms (0: kills at once), then clears. *killed (may be NULL):
 * it did not stop in that time. */
int halt(const struct host *h, struct state *s, uint64_t timeout_ms, uint64_t deadline_ms,
	 bool *killed, struct err *err);

#endif
