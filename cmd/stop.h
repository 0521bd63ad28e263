/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What croft stop and croft restart share. */
#ifndef CROFT_CMD_STOP_H
#define CROFT_CMD_STOP_H

#include "cmd.h"
#include "run/run.h"
#include "sys/lock.h"

/* --timeout and --kill; -1 when neither was given: as configured. */
int stop_timeout(const struct cmd_ctx *ctx, int64_t *ret_ms, struct err *err);
/* Stops it, and warns when init had to be killed. o->deadline_ms becomes that of --deadline, else
 * the time init has and some slack, from now. */
int stop_server(struct cmd_ctx *ctx, const char *name, int64_t timeout_ms, struct run_opts *o,
		struct err *err);

#endif
