// SPDX-License-Identifier: GPL-2.0-or-later
/* croft recover: puts right what a killed command or a crash left. Every other command does the
 * same for its own server; this one does it for all, at once. */
#include "out.h"
#include "base/mem.h"
#include "run/run.h"

static void recover_print(const struct cmd_ctx *ctx, const struct strv *what)
{
	struct json_out *j;

	if (!ctx->json) {
		for (size_t i = 0; i < what->n && !ctx->quiet; i++)
			out_printf("%s\n", what->v[i]);
		return;
	}
	j = json_new(false);
	json_obj(j, NULL);
	json_bool(j, "ok", true);
	json_bool(j, "changed", what->n > 0);
	json_list(j, "repairs");
	for (size_t i = 0; i < what->n; i++)
		json_str(j, NULL, what->v[i]);
	json_list_end(j);
	json_obj_end(j);
	out_json(json_done(j));
}

static int recover_run(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_(strv_free) struct strv what = {};
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };
	int ret = run_recover(ctx->host, ctx->all ? NULL : &ctx->names, &what, &o, err);

	if (ret == 0 || !ctx->json)
		recover_print(ctx, &what);
	ctx->answered = true;
	ctx->looked = ret == 0 && what.n == 0;
	return ret;
}

const struct cmd cmd_recover = {
	.name = "recover",
	.section = "Host",
	.args = "[NAME...]",
	.help = "put right what killed commands left",
	.more = "Without a name everything on this host is looked at. It prints one line for each "
		"repair.",
	.flags = CMD_ROOT | CMD_NAMES | CMD_NO_NAMES | CMD_AUDIT,
	.run = recover_run,
	.deadline = 600,
};
