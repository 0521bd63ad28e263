/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What croft exec and croft enter share. */
#ifndef CROFT_CMD_ENTER_H
#define CROFT_CMD_ENTER_H

#include "cmd.h"
#include "run/run.h"

/* Completes q from the options (--user, --cwd, --env), runs it, and passes the exit code on. */
int enter_run(struct cmd_ctx *ctx, struct join_request *q, struct err *err);

#endif
