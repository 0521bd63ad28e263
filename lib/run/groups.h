/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's control groups as croft uses them: where they are, and under which parent servers
 * live. */
#ifndef CROFT_RUN_GROUPS_H
#define CROFT_RUN_GROUPS_H

#include "server/server.h"

/* cg_layout_get() with this host's cache and parent. On a systemd host it starts
 * croft-servers.service first, when that is the parent: once per boot. */
int groups_layout(const struct host *h, struct cg_layout *ret, struct err *err);
/* groups_layout(), and limit_check() on it. A refusal is checked again without the cache: a
 * controller may have been switched on since. */
int groups_check(const struct host *h, const struct limit_conf *limit, struct cg_layout *ret,
		 struct err *err);

#endif
