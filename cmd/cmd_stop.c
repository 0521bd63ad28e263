// SPDX-License-Identifier: GPL-2.0-or-later
/* croft stop: init is asked to leave, and killed with everything else when it does not. */
#include "base/mem.h"
#include "base/parse.h"
#include "out.h"
#include "run/run.h"
#include "stop.h"

/* Beyond the time init has: for a lock that another command holds, hooks, and the killing. */
#define SLACK_MS 120000

int stop_timeout(const struct cmd_ctx *ctx, int64_t *ret_ms, struct err *err)
{
	const char *text = cmd_value(ctx, "timeout");
	uint64_t ms = 0;

	*ret_ms = -1;
	if (cmd_flag(ctx, "kill"))
		*ret_ms = 0;
	if (!text)
		return 0;
	if (parse_duration(text, &ms) < 0 || ms > UINT64_C(86400000))
		return err_set(err, ERR_USAGE, 0, "--timeout %s: expected seconds, at most 86400",
			       text);
	if (cmd_flag(ctx, "kill") && ms)
		return err_set(err, ERR_USAGE, 0, "--kill and --timeout exclude each other");
	*ret_ms = (int64_t)ms;
	return 0;
}

/* Bounded also when no --deadline is given: by the time init has, and some slack. */
static uint64_t stop_deadline(const struct cmd_ctx *ctx, const char *name, int64_t timeout_ms)
{
	uint64_t ms = 60000;
	struct err unused = {};
	struct server s;

	if (ctx->deadline_ms != UINT64_MAX)
		return ctx->deadline_ms;
	if (timeout_ms >= 0) {
		ms = (uint64_t)timeout_ms;
	} else if (server_load(&s, ctx->host, name, &unused) == 0) {
		ms = s.boot.stop_timeout;
		server_free(&s);
	}
	return clock_ms() + ms + SLACK_MS;
}

int stop_server(struct cmd_ctx *ctx, const char *name, int64_t timeout, struct run_opts *o,
		struct err *err)
{
	uint64_t killed_after = 0;
	int ret;

	o->deadline_ms = stop_deadline(ctx, name, timeout);
	o->killed_after_ms = &killed_after;
	ret = run_stop(ctx->host, name, timeout, o, &ctx->changed, err);
	o->killed_after_ms = NULL;
	ctx->killed = killed_after != 0;
	if (ctx->killed) {
		_cleanup_free_ char *time = print_milli(killed_after);
		_cleanup_free_ char *text =
		    xasprintf("init did not stop in %s s and was killed", time);

		out_warn(ctx, name, text);
	}
	return ret;
}

static int stop_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct run_opts o = {};
	int64_t timeout;
	int ret = stop_timeout(ctx, &timeout, err);

	return ret < 0 ? ret : stop_server(ctx, name, timeout, &o, err);
}

static bool running(const struct cmd_ctx *ctx, const char *name)
{
	return strv_has(&ctx->names, name);
}

/* The host goes down: the waves of the start, backwards. Servers without a file are in no wave;
 * they go first. */
static int shutdown_waves(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_(strv_free) struct strv first = {};
	_cleanup_(strv_free) struct strv all = {};
	struct strv *waves = NULL;
	size_t n = 0, failed;

	if (server_list(ctx->host, &all, err) < 0) {
		cmd_each_counted(ctx, &ctx->names, "are stopped"); /* still stop them all */
		return 0;
	}
	run_order(ctx->host, &all, false, &waves, &n);
	for (size_t i = 0; i < ctx->names.n; i++) {
		bool placed = false;

		for (size_t k = 0; k < n; k++)
			placed |= strv_has(&waves[k], ctx->names.v[i]);
		if (!placed)
			strv_add(&first, ctx->names.v[i]);
	}
	failed = cmd_each(ctx, &first);
	for (size_t i = n; i > 0; i--) {
		_cleanup_(strv_free) struct strv wave = {};

		for (size_t k = 0; k < waves[i - 1].n; k++)
			if (running(ctx, waves[i - 1].v[k]))
				strv_add(&wave, waves[i - 1].v[k]);
		failed += cmd_each(ctx, &wave);
		strv_free(&waves[i - 1]);
	}
	free(waves);
	cmd_summary(ctx, ctx->names.n, failed, "are stopped");
	return 0;
}

static int stop_run(struct cmd_ctx *ctx, struct err *err)
{
	int64_t unused;
	int ret = stop_timeout(ctx, &unused, err);

	if (ret < 0)
		return ret;
	if (!cmd_flag(ctx, "shutdown")) {
		cmd_each_counted(ctx, &ctx->names, "are stopped");
		return 0;
	}
	if (!ctx->all)
		return err_set(err, ERR_USAGE, 0, "--shutdown goes with --all");
	return shutdown_waves(ctx, err);
}

static const struct cmd_opt opts[] = {
	{ .name = "timeout",
	  .metavar = "SEC",
	  .help = "time init has before it is killed (default: STOP_TIMEOUT of the server)" },
	{ .name = "kill", .help = "kill at once: --timeout 0" },
	{ .name = "shutdown", .help = "with --all: in the reverse of the boot order" },
};

const struct cmd cmd_stop = {
	.name = "stop",
	.section = "Running",
	.args = "NAME...",
	.help = "stop servers",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_ROOT | CMD_NAMES | CMD_RUNNING | CMD_AUDIT,
	.one = stop_one,
	.run = stop_run,
};
