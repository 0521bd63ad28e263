/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The administrator's scripts, with what they are told of a server. */
#ifndef CROFT_RUN_HOOKS_H
#define CROFT_RUN_HOOKS_H

#include "run/state.h"

/* event: create, pre-start, started, pre-stop, stopped, destroy. Runs those of the host, then those
 * of the server. */
int hooks_run(const struct host *h, const struct state *s, const char *event, struct err *err);

#endif
