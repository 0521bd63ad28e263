// SPDX-License-Identifier: GPL-2.0-or-later
/* croft help: the same as croft --help and croft COMMAND --help. */
#include "usage.h"

#include "getargs.h"

static int help_run(struct cmd_ctx *ctx, struct err *err)
{
	const struct cmd *cmd;

	ctx->answered = true;
	if (!ctx->n_rest) {
		usage_all();
		return 0;
	}
	if (ctx->n_rest > 1)
		return err_set(err, ERR_USAGE, 0, "one command at a time");
	cmd = cmd_find(ctx->rest[0]);
	if (!cmd)
		return err_set(err, ERR_USAGE, 0, "unknown command \"%s\"; see croft --help",
			       ctx->rest[0]);
	usage_command(cmd);
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.section = "Host",
	.args = "[COMMAND]",
	.help = "print help",
	.flags = CMD_REST | CMD_NO_HOST | CMD_NO_AUDIT,
	.run = help_run,
};
