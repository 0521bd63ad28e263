// SPDX-License-Identifier: GPL-2.0-or-later
/* croft status: one word for the state of a server, and an exit code that says the same: 0 running
 * or suspended, 3 not running, 4 no such server. No lock, so it never waits. */
#include "base/mem.h"
#include "columns.h"
#include "out.h"
#include "run/run.h"

static void last_end(const struct host *h, const char *name, struct json_out *j)
{
	int64_t when = 0;
	_cleanup_free_ char *reason = state_last_end(h, name, &when);

	json_str(j, "last-end", reason);
	if (reason)
		json_int(j, "last-end-at", when);
}

static void status_json(const struct cmd_ctx *ctx, const struct item *it)
{
	_cleanup_free_ struct column *all = NULL;
	size_t n = columns_all(&all);
	struct json_out *j = json_new(false);

	json_obj(j, NULL);
	for (size_t i = 0; i < n; i++) {
		struct value v;

		column_get(&all[i], it, &v);
		value_json(j, all[i].name, &v);
		value_free(&v);
	}
	last_end(ctx->host, it->name, j);
	json_bool(j, "ok", true);
	json_obj_end(j);
	out_json(json_done(j));
}

static bool is_up(const char *word)
{
	return streq(word, "running") || streq(word, "suspended");
}

static int status_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct item_reader r = { .host = ctx->host };
	struct item it = {};

	if (!server_exists(ctx->host, name))
		return err_set(err, ERR_ABSENT, 0, "no such server");
	if (ctx->json)
		r.sources = FROM_STATE | FROM_CONF | FROM_USAGE | ALWAYS_CONF;
	item_read(&r, name, &it);
	tally_close(&r.tally);
	if (streq(it.word, "unknown") && it.why.class == ERR_PERM) {
		item_free(&it);
		*err = it.why;
		return -EACCES;
	}
	if (ctx->json)
		status_json(ctx, &it);
	else if (!ctx->quiet)
		out_printf("%s%s%s\n", ctx->names.n > 1 ? name : "", ctx->names.n > 1 ? ": " : "",
			   it.word);
	ctx->answered = true;
	if (!is_up(it.word))
		cmd_exit_code(ERR_STATE);
	item_free(&it);
	return 0;
}

const struct cmd cmd_status = {
	.name = "status",
	.section = "Looking",
	.args = "NAME...",
	.help = "print the state of servers",
	.more =
	    "stopped, starting, running, suspended, stopping or failed. The exit code is 0 when "
	    "the\n"
	    "server runs or is suspended, 3 when it does not, 4 when there is none of that name, 9 "
	    "when\n"
	    "you may not know.",
	.flags = CMD_NAMES | CMD_NO_AUDIT,
	.one = status_one,
	.deadline = 60,
};
