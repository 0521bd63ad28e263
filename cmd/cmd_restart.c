// SPDX-License-Identifier: GPL-2.0-or-later
/* croft restart: stop and start; a stopped server is started. */
#include "base/mem.h"
#include "out.h"
#include "run/run.h"
#include "stop.h"

static int restart_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct strv warnings = {};
	struct run_opts o = { .warnings = &warnings };
	int64_t timeout;
	int ret = stop_timeout(ctx, &timeout, err);

	if (ret == 0)
		ret = run_may_start(err);
	if (ret == 0)
		ret = stop_server(ctx, name, timeout, &o, err);
	if (ret == 0)
		ret = run_start(ctx->host, name, &o, &ctx->changed, err);
	out_warn_all(ctx, name, &warnings);
	if (ret == 0 && cmd_flag(ctx, "wait"))
		ret = run_wait_ready(ctx->host, name, &o, err);
	return ret;
}

static int restart_run(struct cmd_ctx *ctx, struct err *err)
{
	int64_t unused;
	int ret = stop_timeout(ctx, &unused, err);

	if (ret == 0)
		cmd_each_counted(ctx, &ctx->names, "run");
	return ret;
}

static const struct cmd_opt opts[] = {
	{ .name = "timeout",
	  .metavar = "SEC",
	  .help = "time init has before it is killed (default: STOP_TIMEOUT of the server)" },
	{ .name = "kill", .help = "kill at once: --timeout 0" },
	{ .name = "wait", .help = "return when it is ready, not already when its init runs" },
};

const struct cmd cmd_restart = {
	.name = "restart",
	.section = "Running",
	.args = "NAME...",
	.help = "stop servers and start them again",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_ROOT | CMD_NAMES | CMD_RUNNING | CMD_AUDIT,
	.one = restart_one,
	.run = restart_run,
};
