// SPDX-License-Identifier: GPL-2.0-or-later
/* How a change of a server is told; see change_out.h. */
#include "change_out.h"

#include <stdlib.h>
#include "audit.h"
#include "base/mem.h"
#include "out.h"

static void add_option(struct buf *b, const char *name, const char *value)
{
	_cleanup_free_ char *quoted = value ? conf_quote(value) : NULL;
	bool plain = value && *value && !strpbrk(value, " \"'\\$`;&|<>()*?[]#~\t");

	buf_printf(b, " --%s", name);
	if (value)
		buf_printf(b, " %s", plain ? value : quoted);
}

char *change_command(const struct cmd_ctx *ctx, const char *name)
{
	struct buf b = { 0 };

	buf_printf(&b, "croft %s %s", ctx->cmd->name, name);
	for (size_t i = 0; i < ctx->n_rest; i++)
		buf_printf(&b, " %s", ctx->rest[i]);
	for (size_t i = 0; i < ctx->srv_name.n; i++)
		add_option(&b, ctx->srv_name.v[i],
			   audit_secret(ctx->cmd, ctx->srv_name.v[i]) ? "***"
								      : ctx->srv_value.v[i]);
	for (size_t i = 0; i < ctx->opt_name.n; i++)
		add_option(&b, ctx->opt_name.v[i],
			   *ctx->opt_value.v[i] ? ctx->opt_value.v[i] : NULL);
	return buf_steal(&b);
}

int change_mode(const struct cmd_ctx *ctx, struct set_args *args, struct err *err)
{
	bool runtime = cmd_flag(ctx, "runtime"), save_only = cmd_flag(ctx, "save-only");

	if (runtime && save_only)
		return err_set(err, ERR_USAGE, 0, "--runtime and --save-only exclude each other");
	args->mode = runtime ? SET_RUNTIME : save_only ? SET_SAVE_ONLY : SET_BOTH;
	args->plan = cmd_flag(ctx, "plan");
	return 0;
}

static void print_list(struct json_out *j, const char *name, const struct strv *l)
{
	json_list(j, name);
	for (size_t i = 0; i < l->n; i++)
		json_str(j, NULL, l->v[i]);
	json_list_end(j);
}

static void print_json(const char *name, bool plan, const struct set_result *res)
{
	struct json_out *j = json_new(false);

	json_obj(j, NULL);
	json_str(j, "name", name);
	json_bool(j, "ok", true);
	json_bool(j, "changed", res->changed);
	print_list(j, "next-start", &res->restart);
	if (plan)
		print_list(j, "plan", &res->plan);
	json_obj_end(j);
	out_json(json_done(j));
}

void change_print(struct cmd_ctx *ctx, const char *name, const struct set_args *args,
		  struct set_result *res)
{
	_cleanup_free_ char *restart = strv_join(&res->restart, ", ");
	bool several = ctx->names.n > 1;
	const char *who = several ? name : "", *colon = several ? ": " : "";

	ctx->changed = res->changed && !args->plan;
	if (ctx->json) {
		print_json(name, args->plan, res);
		ctx->answered = true;
	} else {
		for (size_t i = 0; i < res->plan.n; i++)
			out_printf("%s%s%s\n", who, colon, res->plan.v[i]);
		if (res->restart.n && !ctx->quiet)
			out_printf("%s%stakes effect at the next start: %s\n", who, colon, restart);
	}
	if (res->mounts_silent)
		out_warn(ctx, name,
			 "a mount inside does not answer: the sizes of /dev/shm and /run and the "
			 "number of pseudo-terminals may be as they were until it is restarted");
	strv_free(&res->restart);
	strv_free(&res->plan);
}
