// SPDX-License-Identifier: GPL-2.0-or-later
/* croft console: the terminal that the server has as its /dev/console. */
#include <stdio.h>
#include <unistd.h>
#include "cmd.h"
#include "run/run.h"

static int console_run(struct cmd_ctx *ctx, struct err *err)
{
	const char *name = ctx->names.v[0];
	struct state state;
	int r = run_state(ctx->host, name, &state, err);

	if (r < 0)
		return r;
	if (!ctx->quiet)
		fprintf(stderr, "croft: console of %s; Ctrl-] leaves it\n", name);
	r = console_join(ctx->host, &state, STDIN_FILENO, STDOUT_FILENO, ctx->deadline_ms, err);
	if (r >= 0 && !ctx->quiet)
		fprintf(stderr, "\ncroft: %s\n",
			r == 1 ? "left the console" : "the server has ended");
	return r < 0 ? r : 0;
}

const struct cmd cmd_console = {
	.name = "console",
	.section = "Inside",
	.args = "NAME",
	.help = "join the console of a running server",
	.more =
	    "Shows its last output first. Ctrl-] leaves the console; the server does not "
	    "notice. Several may\n"
	    "look at a console at the same time. A reboot of the server is followed. Input that "
	    "is a file\n"
	    "or a pipe is typed, and when it has ended the console is left after a second "
	    "without output.",
	.flags = CMD_ROOT | CMD_NAME | CMD_RAW | CMD_AUDIT,
	.run = console_run,
};
