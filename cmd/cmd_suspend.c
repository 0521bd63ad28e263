// SPDX-License-Identifier: GPL-2.0-or-later
/* croft suspend: all processes of a server stand still; memory, addresses and connections stay. */
#include "cmd.h"
#include "run/run.h"

static int suspend_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };

	return run_freeze(ctx->host, name, true, &o, &ctx->changed, err);
}

const struct cmd cmd_suspend = {
	.name = "suspend",
	.section = "Running",
	.args = "NAME...",
	.help = "halt all processes of running servers for a while",
	.flags = CMD_ROOT | CMD_NAMES | CMD_RUNNING | CMD_AUDIT,
	.one = suspend_one,
	.deadline = 60,
};
