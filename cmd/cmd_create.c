// SPDX-License-Identifier: GPL-2.0-or-later
/* croft create: a server from a template and the options given; nothing is left when it fails. */
#include "base/mem.h"
#include "out.h"
#include "profile.h"
#include "run/run.h"

/* What tells servers apart belongs to one. */
static int check_several(const struct cmd_ctx *ctx, struct err *err)
{
	static const char *const own[] = { "ip", "hostname" };

	for (size_t i = 0; ctx->names.n > 1 && i < ARRAY_LEN(own); i++)
		if (strv_has(&ctx->srv_name, own[i]))
			return err_set(err, ERR_USAGE, 0, "--%s cannot be given to several servers",
				       own[i]);
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

static void tell_json(struct cmd_ctx *ctx, const struct server *s, bool runs)
{
	struct json_out *j = json_new(false);
	char text[ADDR_STRLEN];

	json_obj(j, NULL);
	json_str(j, "name", s->name);
	json_bool(j, "ok", true);
	json_bool(j, "changed", true);
	json_list(j, "ip");
	for (size_t i = 0; i < s->net.ip.n; i++)
		json_str(j, NULL, addr_print(&s->net.ip.a[i], false, text));
	json_list_end(j);
	json_bool(j, "running", runs);
	json_obj_end(j);
	out_json(json_done(j));
	ctx->answered = true;
}

static int created(struct cmd_ctx *ctx, const struct server *s, struct err *err)
{
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };
	bool start = cmd_flag(ctx, "start"), unused;
	int ret = 0;

	ctx->changed = true;
	tell(ctx, s);
	if (s->guard.privileged)
		out_warn(ctx, s->name,
			 "--privileged: without a user namespace its root is the host's root");
	cmd_warn_depends(ctx, s);
	if (start)
		ret = run_start(ctx->host, s->name, &o, &unused, err);
	if (ret < 0)
		return err_wrap(err, ret, "created, but it does not start");
	if (ctx->json)
		tell_json(ctx, s, start);
	return 0;
}

static int create_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };
	struct server s;
	int ret = server_init(&s, ctx->host, name, err);

	if (ret < 0)
		return ret;
	ret = cmd_assign(ctx, &s, err);
	if (ret == 0)
		ret = run_create(ctx->host, &s, &o, err);
	if (ret == 0)
		ret = created(ctx, &s, err);
	server_free(&s);
	return ret;
}

static int create_run(struct cmd_ctx *ctx, struct err *err)
{
	int ret = check_several(ctx, err);

	return ret < 0 ? ret : cmd_each_assigned(ctx, err);
}

static const struct cmd_opt opts[] = {
	{ .name = "start", .help = "start it as well" },
	CMD_OPT_PROFILE,
	CMD_OPT_PASSWORD_FILE,
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
	.flags = CMD_ROOT | CMD_NAMES | CMD_NEW | CMD_SERVER_OPTS | CMD_AUDIT,
	.one = create_one,
	.run = create_run,
	.deadline = 300,
};
