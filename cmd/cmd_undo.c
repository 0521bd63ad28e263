// SPDX-License-Identifier: GPL-2.0-or-later
/* croft undo: back to an earlier configuration of a server. */
#include <stdlib.h>
#include "base/mem.h"
#include "base/parse.h"
#include "change_out.h"
#include "out.h"
#include "run/generations.h"

static int print_generations(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct generation *g = NULL;
	struct json_out *j = ctx->json ? json_new(false) : NULL;
	size_t n = 0;
	int ret = generation_list(ctx->host, name, &g, &n, err);

	if (ret < 0) {
		if (j)
			free(json_done(j));
		return ret;
	}
	if (j)
		json_list(j, NULL);
	for (size_t i = 0; i < n; i++) {
		if (j) {
			json_obj(j, NULL);
			json_u64(j, "generation", g[i].number);
			json_str(j, "replaced", g[i].comment);
			json_obj_end(j);
		} else {
			out_printf("%u  %s\n", g[i].number, g[i].comment);
		}
		free(g[i].comment);
	}
	free(g);
	if (j) {
		json_list_end(j);
		out_json(json_done(j));
	}
	ctx->answered = true;
	return 0;
}

static int undo_run(struct cmd_ctx *ctx, struct err *err)
{
	const char *name = ctx->names.v[0];
	_cleanup_free_ char *command = change_command(ctx, name);
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };
	struct set_args args = { .command = command };
	struct set_result res = {};
	uint64_t generation = 0;
	int ret = change_mode(ctx, &args, err);

	if (ret < 0)
		return ret;
	if (ctx->n_rest > 1 || (ctx->n_rest == 1 && (parse_u64(ctx->rest[0], &generation) < 0 ||
						     !generation || generation > 999999999)))
		return err_set(err, ERR_USAGE, 0,
			       "the number of one generation is expected; --list has them");
	if (!server_exists(ctx->host, name))
		return err_set(err, ERR_ABSENT, 0, "no such server");
	if (cmd_flag(ctx, "list"))
		return print_generations(ctx, name, err);
	ret = run_undo(ctx->host, name, (unsigned)generation, &args, &o, &res, err);
	if (ret == 0)
		change_print(ctx, name, &args, &res);
	return ret;
}

static const struct cmd_opt opts[] = {
	{ .name = "list",
	  .help = "print the generations that are kept, and what replaced each",
	  .looks = true },
	{ .name = "save-only", .help = "change the file only: for the next start" },
	CHANGE_OPT_PLAN,
};

const struct cmd cmd_undo = {
	.name = "undo",
	.section = "Changing",
	.args = "NAME [GENERATION]",
	.help = "go back to an earlier configuration of a server",
	.more = "Each change of the configuration keeps the one before it, with a number. Without "
		"one,\n"
		"croft undo goes back to the last. That is a change as well: undo it, and the "
		"server is\n"
		"as before. Passwords and files inside are not part of a configuration.",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_ROOT | CMD_NAME | CMD_REST | CMD_WORDS | CMD_AUDIT,
	.run = undo_run,
	.deadline = 120,
};
