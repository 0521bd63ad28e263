// SPDX-License-Identifier: GPL-2.0-or-later
/* croft exec: one command in a running server. Its exit code is croft's; 125 is croft's own
 * failure. */
#include "base/mem.h"
#include "cmd.h"
#include "enter.h"
#include "out.h"

int enter_run(struct cmd_ctx *ctx, struct join_request *q, struct err *err)
{
	const char *name = ctx->names.v[0];
	struct state state;
	int code = 0, r;

	q->user = cmd_value(ctx, "user");
	q->cwd = cmd_value(ctx, "cwd");
	q->deadline_ms = ctx->deadline_ms;
	cmd_values(ctx, "env", &q->env);
	r = run_state(ctx->host, name, &state, err);
	if (r == 0)
		r = join_seal(&state, err);
	if (r == 0)
		r = join_exec(ctx->host, &state, q, &code, err);
	strv_free(&q->env);
	if (r < 0)
		return r;
	if (err->text[0]) { /* not executable, not found */
		out_error(ctx->cmd->name, name, err->text);
		if (ctx->json)
			out_outcome(ctx, name, err);
	}
	cmd_exit_code(code);
	return 0;
}

static int exec_run(struct cmd_ctx *ctx, struct err *err)
{
	struct join_request q = { .argv = ctx->rest };

	if (!ctx->n_rest)
		return err_set(err, ERR_USAGE, 0,
			       "no command is given; croft enter starts a shell");
	if (cmd_flag(ctx, "tty") && cmd_flag(ctx, "no-tty"))
		return err_set(err, ERR_USAGE, 0, "--tty and --no-tty exclude each other");
	q.tty = cmd_flag(ctx, "tty")	  ? JOIN_TTY_YES
		: cmd_flag(ctx, "no-tty") ? JOIN_TTY_NO
					  : JOIN_TTY_AUTO;
	return enter_run(ctx, &q, err);
}

static const struct cmd_opt exec_opts[] = {
	{ .name = "user",
	  .letter = 'u',
	  .metavar = "USER[:GROUP]",
	  .help = "run as this user of the server (names or numbers)" },
	{ .name = "cwd", .metavar = "DIR", .help = "directory inside; default: the user's home" },
	{ .name = "env",
	  .letter = 'e',
	  .metavar = "KEY=VALUE",
	  .help = "set a variable",
	  .repeat = true,
	  .secret = true },
	{ .name = "tty", .letter = 't', .help = "give it a terminal of the server's" },
	{ .name = "no-tty", .letter = 'T', .help = "give it none, even when run from one" },
};

const struct cmd cmd_exec = {
	.name = "exec",
	.section = "Inside",
	.args = "NAME [--] COMMAND [ARGUMENT...]",
	.help = "run a command in a running server",
	.more = "The exit code is the command's, or 128 + the number of the signal that ended it; "
		"125 when\n"
		"croft failed, 126 when the command cannot be executed, 127 when it is not found.\n"
		"The command gets a terminal when both input and output are one. It ends with "
		"croft exec.\n"
		"Options stand before COMMAND; all that follows it belongs to it.",
	.opts = exec_opts,
	.n_opts = ARRAY_LEN(exec_opts),
	.flags = CMD_ROOT | CMD_NAME | CMD_REST | CMD_EXEC_CODES | CMD_RAW | CMD_AUDIT,
	.run = exec_run,
};
