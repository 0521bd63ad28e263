// SPDX-License-Identifier: GPL-2.0-or-later
/* croft monitor-ended: what the monitor executes when a server's init has ended by itself. It
 * tidies up, and starts the server again when it asked for a reboot. Not for people. */
#include "cmd.h"
#include "run/run.h"

static int ended_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	return run_ended(ctx->host, name, err);
}

const struct cmd cmd_monitor_ended = {
	.name = "monitor-ended",
	.section = "Host",
	.args = "NAME",
	.help = "tidy up after a server that ended by itself",
	.flags = CMD_ROOT | CMD_NAME | CMD_HIDDEN | CMD_NO_AUDIT,
	.one = ended_one,
	.deadline = 300,
};
