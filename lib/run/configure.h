/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a stopped server's own files (host name, network, resolver, passwords, keys) from
 * outside. */
#ifndef CROFT_RUN_CONFIGURE_H
#define CROFT_RUN_CONFIGURE_H

#include "run/plan.h"

/* Writes what the plan says, unless VAR/servers/NAME/written records that just this was written
 * before: then it costs one read. Sets passwords and keys when the plan's server has any. */
int configure_root(const struct plan *p, struct err *err);

#endif
