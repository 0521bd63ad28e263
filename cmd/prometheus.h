/* SPDX-License-Identifier: GPL-2.0-or-later */
/* croft stats --prometheus: the figures of all servers in Prometheus' text exposition format. */
#ifndef CROFT_CMD_PROMETHEUS_H
#define CROFT_CMD_PROMETHEUS_H

#include "cmd.h"

/* Of the servers in ctx->names; all when there is none. */
int prometheus_print(struct cmd_ctx *ctx, struct err *err);

#endif
