/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a change of a running server does inside it, each in a child that enters the namespaces it
 * needs: this process stays outside. */
#ifndef CROFT_RUN_LIVE_H
#define CROFT_RUN_LIVE_H

#include "run/state.h"

/* In the server's UTS namespace. */
int live_hostname(const struct state *s, const char *hostname, struct err *err);
/* What follows from limits: the size of /dev/shm and /run, the number of pseudo-terminals. With the
 * rights of the server's root only, as what is mounted there by now is that root's choice; so a
 * mount that is gone or another is no error; of one that does not answer *silent tells. */
int live_mounts(const struct state *s, const struct limit_conf *want, bool *silent,
		struct err *err);

/* The size of a tmpfs of the server: half of its memory. The kernel's default is half of the
 * host's; what is beyond the limit then belongs to no process, and all of them are killed for it.
 * False: no limit. */
bool live_tmpfs_size(const struct limit_conf *c, char text[24]);

#endif
