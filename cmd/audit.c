// SPDX-License-Identifier: GPL-2.0-or-later
/* The audit log; see audit.h. */
#include "audit.h"

#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"
#include "out.h"
#include "sys/lock.h"
#include "sys/proc.h"
#include "sys/spool.h"

#define WORD_MAX 1024 /* of a word, in the first try */
#define WORDS	 512

char *audit_path(const struct host *h)
{
	return xasprintf("%s/audit", h->var);
}

static const struct cmd_opt *row_of(const struct cmd *cmd, const char *option)
{
	for (size_t i = 0; i < cmd->n_opts; i++)
		if (streq(cmd->opts[i].name, option))
			return &cmd->opts[i];
	return NULL;
}

bool audit_secret(const struct cmd *cmd, const char *option)
{
	const struct cmd_opt *o = row_of(cmd, option);

	if (o)
		return o->secret;
	for (size_t g = 0; g < server_n_groups; g++)
		for (size_t i = 0; i < *server_groups[g].n; i++)
			if (streq(server_groups[g].rows[i].name, option))
				return server_groups[g].rows[i].flags & OPT_SECRET;
	return false;
}

static void add_options(struct strv *words, const struct cmd *cmd, const struct strv *name,
			const struct strv *value)
{
	for (size_t i = 0; i < name->n; i++) {
		strv_take(words, xasprintf("--%s", name->v[i]));
		if (audit_secret(cmd, name->v[i]))
			strv_add(words, "***");
		else if (*value->v[i])
			strv_add(words, value->v[i]);
	}
}

void audit_begin(const struct cmd_ctx *ctx, struct audit *ret)
{
	*ret = (struct audit) { .began_ms = clock_ms() };
	if (!(ctx->cmd->flags & CMD_AUDIT))
		return;
	strv_add(&ret->words, ctx->cmd->name);
	for (size_t i = 0; i < ctx->names.n; i++)
		strv_add(&ret->words, ctx->names.v[i]);
	add_options(&ret->words, ctx->cmd, &ctx->srv_name, &ctx->srv_value);
	add_options(&ret->words, ctx->cmd, &ctx->opt_name, &ctx->opt_value);
	for (size_t i = 0; i < ctx->n_rest; i++)
		strv_add(&ret->words, ctx->rest[i]);
}

/* The line, with so many words, of which each has at most so many bytes; "..." where some are left
 * out. */
static char *compose(const struct audit *a, const char *when, int code, size_t n, int max)
{
	struct json_out *j = json_new(false);
	const char *sudo = getenv("SUDO_USER");

	json_obj(j, NULL);
	json_str(j, "time", when);
	json_int(j, "uid", getuid());
	json_int(j, "login-uid", proc_login_uid());
	if (sudo) {
		_cleanup_free_ char *user = xasprintf("%.64s", sudo);

		json_str(j, "sudo-user", user);
	}
	json_int(j, "pid", getpid());
	json_list(j, "args");
	for (size_t i = 0; i < a->words.n && i < n; i++) {
		_cleanup_free_ char *word = xasprintf("%.*s", max, a->words.v[i]);

		json_str(j, NULL, word);
	}
	if (a->words.n > n)
		json_str(j, NULL, "...");
	json_list_end(j);
	json_int(j, "code", code);
	json_u64(j, "ms", clock_ms() - a->began_ms);
	json_obj_end(j);
	return json_done(j);
}

/* Whether the options say that it changes nothing. */
static bool only_looks(const struct cmd_ctx *ctx)
{
	for (size_t i = 0; i < ctx->opt_name.n; i++) {
		const struct cmd_opt *o = row_of(ctx->cmd, ctx->opt_name.v[i]);

		if (o && o->looks)
			return true;
	}
	return ctx->looked;
}

void audit_end(const struct cmd_ctx *ctx, struct audit *a, int code)
{
	int max = WORD_MAX, r = -EMSGSIZE;
	char when[SPOOL_TIME];
	size_t n = WORDS;

	if (!(ctx->cmd->flags & CMD_AUDIT) || only_looks(ctx) || geteuid() != 0)
		return;
	_cleanup_free_ char *path = audit_path(ctx->host);
	spool_time(when);
	while (r == -EMSGSIZE && max > 0) {
		_cleanup_free_ char *line = compose(a, when, code, n, max);

		r = spool_append(path, ctx->host->event_log, line, strlen(line));
		max /= 2;
		n -= n / 3;
	}
	/* A command that has failed has said what matters. */
	if (r < 0 && code == 0) {
		_cleanup_free_ char *text = xasprintf("cannot write %s: %s", path, strerror(-r));

		out_warn(ctx, NULL, text);
	}
}

void audit_free(struct audit *a)
{
	strv_free(&a->words);
}
