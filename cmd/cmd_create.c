// SPDX-License-Identifier: GPL-2.0-or-later
/* croft create: a server from a template and the options given; nothing is left when it fails. */
#include "base/mem.h"
#include "out.h"
#include "run/run.h"

/* An address belongs to one server, so it cannot be given to several. */
static int check_several(const struct cmd_ctx *ctx, struct err *err)
{
	if (ctx->names.n > 1 && strv_has(&ctx->srv_name, "ip"))
		return err_set(err, ERR_USAGE, 0, "--ip cannot be given to several servers");
	return 0;
}

static void tell(const struct cmd_ctx *ctx, const struct server *s)
{
	char text[ADDR_STRLEN];

	if (ctx->quiet || ctx->json)
		return;
	out_printf("%s: created from %s", s->name, str_or(s->store.template, "?"));
	for (size_t i = 0; i < s->net.ip.n; i++)
		out_printf(", %s", addr_print(&s->net.ip.a[i], false, text));
	out_puts("\n");
}

static int create_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };
	struct server s;
	bool changed;
	int ret = server_init(&s, ctx->host, name, err);

	if (ret < 0)
		return ret;
	ret = cmd_assign(ctx, &s, err);
	if (ret == 0)
		ret = run_create(ctx->host, &s, &o, err);
	if (ret == 0) {
		ctx->changed = true;
		tell(ctx, &s);
		if (s.guard.privileged)
			out_warn(
			    ctx, name,
			    "--privileged: without a user namespace its root is the host's root");
	}
	server_free(&s);
	if (ret == 0 && cmd_flag(ctx, "start")) {
		ret = run_start(ctx->host, name, &o, &changed, err);
		if (ret < 0)
			return err_wrap(err, ret, "created, but it does not start");
	}
	return ret;
}

static int create_run(struct cmd_ctx *ctx, struct err *err)
{
	int ret = check_several(ctx, err);

	if (ret == 0)
		ret = cmd_assign_check(ctx, err);
	if (ret == 0)
		cmd_each(ctx, &ctx->names);
	return ret;
}

static const struct cmd_opt opts[] = {
	{ .name = "start", .help = "start it as well" },
};

const struct cmd cmd_create = {
	.name = "create",
	.section = "Servers",
	.args = "NAME... --template TEMPLATE",
	.help = "create a server from a template",
	.more =
	    "Options that are not given have the default of croft.conf(5), else that shown here.\n"
	    "Without --ip an address of each SUBNET of croft.conf(5) is given and kept.",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_ROOT | CMD_NAMES | CMD_NEW | CMD_SERVER_OPTS,
	.one = create_one,
	.run = create_run,
	.deadline = 300,
};
