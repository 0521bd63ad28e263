/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One start, with the server's lock held by the caller. */
#ifndef CROFT_RUN_LAUNCH_H
#define CROFT_RUN_LAUNCH_H

#include "server/server.h"

/* boots: how often this server has booted since croft start, for the state. */
int launch(const struct host *h, const struct server *s, int64_t boots, uint64_t deadline_ms,
	   struct err *err);

#endif
