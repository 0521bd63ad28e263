// SPDX-License-Identifier: GPL-2.0-or-later
/* croft enter: a login shell in a running server. */
#include "base/mem.h"
#include "enter.h"

static int enter_cmd(struct cmd_ctx *ctx, struct err *err)
{
	struct join_request q = { .tty = JOIN_TTY_AUTO };

	return enter_run(ctx, &q, err);
}

static const struct cmd_opt enter_opts[] = {
	{ .name = "user",
	  .letter = 'u',
	  .metavar = "USER[:GROUP]",
	  .help = "as this user of the server (names or numbers)" },
	{ .name = "cwd", .metavar = "DIR", .help = "directory inside; default: the user's home" },
	{ .name = "env",
	  .letter = 'e',
	  .metavar = "KEY=VALUE",
	  .help = "set a variable",
	  .repeat = true,
	  .secret = true },
};

const struct cmd cmd_enter = {
	.name = "enter",
	.section = "Inside",
	.args = "NAME",
	.help = "start a login shell in a running server",
	.more = "The shell is the user's in the server's /etc/passwd. Without a terminal it reads "
		"commands from\n"
		"standard input. The exit code is the shell's; 125 when croft failed.",
	.opts = enter_opts,
	.n_opts = ARRAY_LEN(enter_opts),
	.flags = CMD_ROOT | CMD_NAME | CMD_EXEC_CODES | CMD_RAW | CMD_AUDIT,
	.run = enter_cmd,
};
