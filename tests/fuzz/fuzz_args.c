// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line: one word a line, the first is the command's. */
#include "fuzz.h"

#include <stdlib.h>

#include "base/mem.h"
#include "getargs.h"

/* What was taken can be written to the server's file, and is read there as the same. */
static void check_server(const struct cmd_ctx *ctx)
{
	static struct host h;
	struct server s, from_file;
	struct err err = { 0 };
	const struct opt_group *g;
	const struct opt *o;

	MUST(server_init(&s, &h, "web1", &err) == 0);
	MUST(server_init(&from_file, &h, "web1", &err) == 0);
	bool ok = cmd_assign(ctx, &s, &err) == 0;
	for (size_t i = 0; ok && opt_each(&s.set, &i, &g, &o);) {
		if (opt_origin_of(&s.set, o) != ORIGIN_ARGS || o->flags & OPT_SECRET)
			continue;
		_cleanup_free_ char *text = opt_text(&s.set, o);
		MUST(opt_assign(&from_file.set, o, text, ORIGIN_FILE, &err) == 0);
		_cleanup_free_ char *again = opt_text(&from_file.set, o);
		MUST(streq(text, again));
	}
	server_free(&s);
	server_free(&from_file);
}

void fuzz_args(char *text, size_t n)
{
	struct cmd_ctx ctx = { 0 };
	struct err err = { 0 };
	struct strv words = { 0 };
	const struct cmd *first;
	char *next;

	(void)n;
	for (char *p = text; p; p = next) {
		next = strchr(p, '\n');
		if (next)
			*next++ = '\0';
		strv_add(&words, p);
	}
	first = cmd_find(words.v[0]);
	if (!first) {
		(void)getargs_nearest(words.v[0], &words);
		first = cmd_find("create");
	}
	ctx.cmd = first;
	int r = getargs(&ctx, (int)words.n - 1, words.v + 1, &err);
	if (r == 0)
		r = getargs_check(&ctx, &err);
	MUST(r == 0 || (err.class == ERR_USAGE && *err.text));
	MUST(ctx.opt_name.n == ctx.opt_value.n && ctx.srv_name.n == ctx.srv_value.n);
	MUST(ctx.n_rest + ctx.names.n < words.n);
	if (r == 0 && first->flags & CMD_SERVER_OPTS)
		check_server(&ctx);
	getargs_free(&ctx);
	strv_free(&words);
}
