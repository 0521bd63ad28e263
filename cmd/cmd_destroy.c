// SPDX-License-Identifier: GPL-2.0-or-later
/* croft destroy: a server, its files, its addresses and ids go. */
#include "base/mem.h"
#include "cmd.h"
#include "run/run.h"

static int destroy_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };
	int ret = run_destroy(ctx->host, name, cmd_flag(ctx, "force"), &o, err);

	ctx->changed = ret == 0;
	return ret;
}

static const struct cmd_opt opts[] = {
	{ .name = "force", .help = "kill it first if it runs" },
};

const struct cmd cmd_destroy = {
	.name = "destroy",
	.section = "Servers",
	.args = "NAME...",
	.help = "remove a stopped server and everything that is its own",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_ROOT | CMD_NAMES,
	.one = destroy_one,
	.deadline = 300,
};
