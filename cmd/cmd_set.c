// SPDX-License-Identifier: GPL-2.0-or-later
/* croft set: changes options of a server; saved, and live where that can be. */
#include "base/mem.h"
#include "out.h"
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
	_cleanup_(strv_free) struct strv restart = {}, words = {}, defaults = {};
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };
	int ret;

	cmd_values(ctx, "default", &words);
	for (size_t i = 0; i < words.n; i++)
		strv_split(&defaults, words.v[i], ",");
	ret = run_set(ctx->host, name, &ctx->srv_name, &ctx->srv_value, &defaults, &o,
		      &ctx->changed, &restart, err);
	if (ret < 0)
		return ret;
	if (strv_has(&ctx->srv_name, "depends"))
		warn_depends(ctx, name);
	if (ctx->json) {
		struct json_out *j = json_new(false);

		json_obj(j, NULL);
		json_str(j, "name", name);
		json_bool(j, "ok", true);
		json_bool(j, "changed", ctx->changed);
		json_list(j, "next-start");
		for (size_t i = 0; i < restart.n; i++)
			json_str(j, NULL, restart.v[i]);
		json_list_end(j);
		json_obj_end(j);
		out_json(json_done(j));
		ctx->answered = true;
	} else if (restart.n && !ctx->quiet) {
		_cleanup_free_ char *all = strv_join(&restart, ", ");

		out_printf("%s%stakes effect at the next start: %s\n", ctx->names.n > 1 ? name : "",
			   ctx->names.n > 1 ? ": " : "", all);
	}
	return 0;
}

static const struct cmd_opt opts[] = {
	{ .name = "default",
	  .metavar = "OPTION,...",
	  .help = "these have the default of croft.conf again",
	  .repeat = true },
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
	.flags = CMD_ROOT | CMD_NAMES | CMD_SERVER_OPTS,
	.one = set_one,
	.run = cmd_each_assigned,
	.deadline = 120,
};
