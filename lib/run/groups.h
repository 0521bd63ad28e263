/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's control groups as croft uses them: where they are, and under which parent servers
 * live. */
#ifndef CROFT_RUN_GROUPS_H
#define CROFT_RUN_GROUPS_H

#include "server/server.h"

/* cg_layout_get() with this host's cache and parent. On a systemd host it starts
 * croft-servers.service first, when that is the parent: once per boot. */
int groups_layout(const struct host *h, struct cg_layout *ret, struct err *err);
/* limit_devices() of this server's storage. */
int groups_devices(const struct host *h, const struct server *s, const struct limit_conf *old,
		   struct blk_devs *ret, struct err *err);
/* groups_layout(), and on it limit_check() and groups_devices(). A refusal is checked again without
 * the cache: a controller may have been switched on since. old: the limits in force, or NULL. */
int groups_check(const struct host *h, const struct server *s, const struct limit_conf *old,
		 struct cg_layout *ret, struct blk_devs *ret_devs, struct err *err);

#endif
