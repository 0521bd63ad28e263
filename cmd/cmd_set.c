// SPDX-License-Identifier: GPL-2.0-or-later
/* croft set: changes options of a server; saved, and live where that can be. */
#include "base/mem.h"
#include "change_out.h"
#include "profile.h"
#include "run/run.h"

static void warn_depends(const struct cmd_ctx *ctx, const char *name)
{
	struct err unused = {};
	struct server s;

	if (server_load(&s, ctx->host, name, &unused) < 0)
		return;
	cmd_warn_depends(ctx, &s);
	server_free(&s);
}

static int set_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	_cleanup_(strv_free) struct strv words = {}, defaults = {};
	_cleanup_free_ char *command = change_command(ctx, name);
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };
	struct set_args args = { .opt = &ctx->srv_name,
				 .text = &ctx->srv_value,
				 .defaults = &defaults,
				 .command = command };
	struct set_result res = {};
	int ret = change_mode(ctx, &args, err);

	cmd_values(ctx, "default", &words);
	for (size_t i = 0; i < words.n; i++)
		strv_split(&defaults, words.v[i], ",");
	if (ret == 0 && args.mode == SET_RUNTIME && defaults.n)
		ret = err_set(err, ERR_USAGE, 0, "--runtime and --default exclude each other");
	if (ret == 0)
		ret = run_set(ctx->host, name, &args, &o, &res, err);
	if (ret == 0 && strv_has(&ctx->srv_name, "depends"))
		warn_depends(ctx, name);
	if (ret == 0)
		change_print(ctx, name, &args, &res);
	return ret;
}

static const struct cmd_opt opts[] = {
	{ .name = "default",
	  .metavar = "OPTION,...",
	  .help = "these have the default of croft.conf again",
	  .repeat = true },
	{ .name = "runtime", .help = "change the running server only: until it stops or reboots" },
	{ .name = "save-only", .help = "change the file only: for the next start" },
	CHANGE_OPT_PLAN,
	CMD_OPT_PROFILE,
	CMD_OPT_PASSWORD_FILE,
};

const struct cmd cmd_set = {
	.name = "set",
	.section = "Changing",
	.args = "NAME... --OPTION VALUE...",
	.help = "change options of servers",
	.more =
	    "A change is saved, and applied to a running server where the option says \"live\";\n"
	    "of the others croft set says that they take effect at the next start. Nothing is\n"
	    "changed when one of the options is refused.",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_ROOT | CMD_NAMES | CMD_SERVER_OPTS | CMD_AUDIT,
	.one = set_one,
	.run = cmd_each_assigned,
	.deadline = 120,
};
