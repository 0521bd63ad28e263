// SPDX-License-Identifier: GPL-2.0-or-later
/* croft resume: a suspended server goes on. */
#include "cmd.h"
#include "run/run.h"

static int resume_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };

	return run_freeze(ctx->host, name, false, &o, &ctx->changed, err);
}

const struct cmd cmd_resume = {
	.name = "resume",
	.section = "Running",
	.args = "NAME...",
	.help = "let suspended servers go on",
	.flags = CMD_ROOT | CMD_NAMES | CMD_RUNNING | CMD_AUDIT,
	.one = resume_one,
	.deadline = 60,
};
