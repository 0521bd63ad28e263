// SPDX-License-Identifier: GPL-2.0-or-later
/* croft check: what this host offers, and what croft does without it. */
#include "out.h"
#include "base/mem.h"
#include "run/run.h"

static const char *const result_word[] = {
	[CHECK_OK] = "ok",
	[CHECK_WITHOUT] = "without",
	[CHECK_MISSING] = "missing",
};

static void check_json(const struct check_item *it, size_t n)
{
	struct json_out *j = json_new(false);

	json_list(j, NULL);
	for (size_t i = 0; i < n; i++) {
		json_obj(j, NULL);
		json_str(j, "name", it[i].name);
		json_str(j, "result", result_word[it[i].result]);
		json_str(j, "text", it[i].text);
		json_obj_end(j);
	}
	json_list_end(j);
	out_json(json_done(j));
}

static void check_text(const struct check_item *it, size_t n, bool quiet)
{
	struct out_table t = { .columns = 3 };

	for (size_t i = 0; i < n; i++) {
		if (quiet && it[i].result == CHECK_OK)
			continue;
		strv_add(&t.cells, it[i].name);
		strv_add(&t.cells, result_word[it[i].result]);
		strv_add(&t.cells, it[i].text);
	}
	out_table_print(&t);
	strv_free(&t.cells);
}

static int check_run(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_free_ struct check_item *it = NULL;
	size_t n = 0;
	int ret = run_check(ctx->host, &it, &n, err);

	if (ret < 0)
		return ret;
	if (ctx->json)
		check_json(it, n);
	else
		check_text(it, n, ctx->quiet);
	ctx->answered = true;
	for (size_t i = 0; i < n; i++)
		if (it[i].result == CHECK_MISSING)
			cmd_exit_code(ERR_HOST);
	return 0;
}

const struct cmd cmd_check = {
	.name = "check",
	.section = "Host",
	.args = "",
	.help = "say what this host offers, and what croft does without it",
	.more = "\"without\" is something that croft does without; with \"missing\" servers cannot "
		"run as\n"
		"described in the manual, and the exit code is 8.",
	.flags = CMD_ROOT | CMD_NO_AUDIT,
	.run = check_run,
	.deadline = 60,
};
