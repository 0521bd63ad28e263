// SPDX-License-Identifier: GPL-2.0-or-later
/* croft plan: what a start would do, step by step, without doing it and without root. */
#include "base/mem.h"
#include "out.h"
#include "run/run.h"

static void plan_json(const char *name, const char *text)
{
	_cleanup_(strv_free) struct strv lines = {};
	struct json_out *j = json_new(false);

	strv_split(&lines, text, "\n");
	json_obj(j, NULL);
	json_str(j, "name", name);
	json_bool(j, "ok", true);
	json_list(j, "plan");
	for (size_t i = 0; i < lines.n; i++)
		json_str(j, NULL, lines.v[i]);
	json_list_end(j);
	json_obj_end(j);
	out_json(json_done(j));
}

static int plan_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct buf text = {};
	struct server s;
	struct plan p;
	int ret = server_load(&s, ctx->host, name, err);

	if (ret < 0)
		return ret;
	ret = plan_make(ctx->host, &s, &p, err);
	if (ret == 0) {
		plan_print(&p, &text);
		if (ctx->json)
			plan_json(name, text.s);
		else
			out_printf("%s%s%s%s", ctx->names.n > 1 ? "# " : "",
				   ctx->names.n > 1 ? name : "", ctx->names.n > 1 ? "\n" : "",
				   text.s);
		ctx->answered = true;
	}
	buf_free(&text);
	server_free(&s);
	return ret;
}

const struct cmd cmd_plan = {
	.name = "plan",
	.section = "Looking",
	.args = "NAME...",
	.help = "print what a start would do",
	.flags = CMD_NAMES | CMD_NO_AUDIT,
	.one = plan_one,
	.deadline = 60,
};
