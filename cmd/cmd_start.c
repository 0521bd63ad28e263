// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * croft start: by name at once, or (--all, --onboot) in waves by boot order and dependencies.
 *
 * What must stay true: the way from main to run_start() for one name reads croft.conf and the
 * server's file and nothing else; one failure at boot never holds back the others.
 */
#include "base/mem.h"
#include "many.h"
#include "out.h"
#include "run/run.h"

static int start_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct strv warnings = {};
	struct run_opts o = { .deadline_ms = ctx->deadline_ms,
			      .jobs_hint = 1,
			      .warnings = &warnings };
	int ret = run_start(ctx->host, name, &o, &ctx->changed, err);

	out_warn_all(ctx, name, &warnings);
	if (ret == 0 && cmd_flag(ctx, "wait"))
		ret = run_wait_ready(ctx->host, name, &o, err);
	return ret;
}

static int start_waves(struct cmd_ctx *ctx, bool onboot, struct err *err)
{
	_cleanup_(strv_free) struct strv all = {};
	struct strv *waves = NULL;
	size_t n = 0, total = 0, failed = 0;
	int ret = server_list(ctx->host, &all, err);

	if (ret < 0)
		return ret;
	run_order(ctx->host, &all, onboot, &waves, &n);
	for (size_t i = 0; i < n; i++) {
		total += waves[i].n;
		failed += cmd_each(ctx, &waves[i]);
		strv_free(&waves[i]);
	}
	free(waves);
	ctx->answered = true;
	if (onboot && !total && !ctx->json && !ctx->quiet)
		out_puts("no server has ONBOOT=yes\n");
	else
		cmd_summary(ctx, total, failed, "run");
	return 0;
}

static int start_run(struct cmd_ctx *ctx, struct err *err)
{
	bool onboot = cmd_flag(ctx, "onboot");

	if (onboot && (ctx->names.n && !ctx->all))
		return err_set(err, ERR_USAGE, 0, "--onboot and names exclude each other");
	if (onboot || ctx->all)
		return start_waves(ctx, onboot, err);
	if (!ctx->names.n)
		return err_set(err, ERR_USAGE, 0,
			       "name a server, or say --all or --onboot; see croft start --help");
	cmd_each(ctx, &ctx->names);
	return 0;
}

static const struct cmd_opt opts[] = {
	{ .name = "wait", .help = "return when it is ready, not already when its init runs" },
	{ .name = "onboot", .help = "start those with ONBOOT=yes, and what they depend on" },
};

const struct cmd cmd_start = {
	.name = "start",
	.section = "Running",
	.args = "NAME...",
	.help = "start servers",
	.more = "With --all or --onboot servers start in waves: lower BOOT_ORDER first, and none "
		"before\n"
		"those in its DEPENDS. Servers named on the command line start at once.",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_ROOT | CMD_NAMES | CMD_NO_NAMES | CMD_AUDIT,
	.one = start_one,
	.run = start_run,
	.deadline = 180,
};
