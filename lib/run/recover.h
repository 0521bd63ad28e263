/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting right what a killed command left, and removing what is left of a server that has no
 * configuration file. */
#ifndef CROFT_RUN_RECOVER_H
#define CROFT_RUN_RECOVER_H

#include "run/state.h"

/* The mark of a server that create has not made yet, or that destroy removes: a file beside where
 * its configuration file is, ETC/servers/NAME.unfinished. What has files but neither is somebody's
 * mistake (a file removed by hand, /etc/croft not mounted), and nothing of it is touched.
 * begin: the mark is there for good (synced) when it returns. */
char *recover_mark(const struct host *h, const char *name);
int recover_mark_begin(const struct host *h, const char *name, struct err *err);

/* Storage, addresses, ids, logs, and the mark at last: as long as it is there, any command on that
 * name does this again. known: its addresses (NULL: they are looked for). Lock held. */
int recover_scrap(const struct host *h, const char *name, const struct addrs *known,
		  struct err *err);

/* For a server without a (readable) state: looks for its group and its link by name, kills and
 * removes what is there. A missing record proves nothing. Lock held. */
int recover_probe(const struct host *h, const char *name, struct err *err);

/* Gives a running server whose monitor was killed a new one (adopt.c). The console is lost until
 * the next boot. The end of init is noticed, but not how it ended: after the death of its monitor,
 * a reboot inside is a power off. */
int recover_monitor(const struct host *h, struct state *s, struct err *err);

/* What a killed croft set was at: the file is what counts, and is applied again to a server that
 * runs. s: NULL when it does not. See change.c. Lock held. */
void recover_change(const struct host *h, const char *name, struct state *s);

/* recover_server for a start: a stop that was interrupted after init was asked to end is seen to
 * its end first, until deadline_ms (CLOCK_MONOTONIC). ERR_BUSY when that is too early. */
int recover_for_start(const struct host *h, const char *name, uint64_t deadline_ms,
		      struct err *err);

#endif
