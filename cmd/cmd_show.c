// SPDX-License-Identifier: GPL-2.0-or-later
/* croft show: the configuration of a server, every option with where its value comes from. */
#include "base/mem.h"
#include "out.h"
#include "run/run.h"

static const char *origin_word(enum opt_origin o)
{
	static const char *const word[] = { "default", "host", "file", "args" };

	return word[o];
}

/* Lines that sh can read, the origin as a comment. */
static void show_text(struct server *s)
{
	const struct opt_group *g;
	const struct opt *o;

	if (s->uuid[0]) {
		_cleanup_free_ char *line = xasprintf("UUID=\"%s\"", s->uuid);

		out_printf("%-39s # %s\n", line, origin_word(ORIGIN_FILE));
	}
	for (size_t i = 0; opt_each(&s->set, &i, &g, &o);) {
		if (o->flags & (OPT_SECRET | OPT_NOSAVE))
			continue;
		_cleanup_free_ char *text = opt_text(&s->set, o);
		_cleanup_free_ char *quoted = conf_quote(text);
		_cleanup_free_ char *key = opt_key(o->name);
		_cleanup_free_ char *line = xasprintf("%s=%s", key, quoted);

		out_printf("%-39s # %s\n", line, origin_word(opt_origin_of(&s->set, o)));
	}
}

/* One option as sh reads it; a list is as many. */
static void export_option(struct server *s, const struct opt *o)
{
	struct strv words = {};

	if (o->type == &opt_addrs) {
		_cleanup_free_ char *text = opt_text(&s->set, o);
		strv_split(&words, text, " ");
	} else if (o->type->list) {
		const struct strv *l = opt_place(&s->set, o);
		for (size_t i = 0; i < l->n; i++)
			strv_add(&words, l->v[i]);
	}
	if (!words.n)
		strv_take(&words, opt_text(&s->set, o));
	for (size_t i = 0; i < words.n; i++) {
		_cleanup_free_ char *quoted = conf_quote(words.v[i]);
		out_printf(" \\\n\t--%s %s", o->name, quoted);
	}
	strv_free(&words);
}

/* The command that makes such a server. */
static void show_export(struct server *s)
{
	const struct opt_group *g;
	const struct opt *o;

	out_printf("croft create %s", s->name);
	for (size_t i = 0; opt_each(&s->set, &i, &g, &o);)
		if (!(o->flags & (OPT_SECRET | OPT_NOSAVE)) &&
		    opt_origin_of(&s->set, o) == ORIGIN_FILE)
			export_option(s, o);
	out_puts("\n");
}

static void show_json(struct server *s)
{
	struct json_out *j = json_new(false);
	const struct opt_group *g;
	const struct opt *o;

	json_obj(j, NULL);
	json_str(j, "name", s->name);
	json_bool(j, "ok", true);
	json_str(j, "uuid", s->uuid);
	json_obj(j, "options");
	for (size_t i = 0; opt_each(&s->set, &i, &g, &o);) {
		if (o->flags & (OPT_SECRET | OPT_NOSAVE))
			continue;
		_cleanup_free_ char *text = opt_text(&s->set, o);

		json_obj(j, o->name);
		json_str(j, "value", text);
		json_str(j, "origin", origin_word(opt_origin_of(&s->set, o)));
		json_obj_end(j);
	}
	json_obj_end(j);
	json_obj_end(j);
	out_json(json_done(j));
}

static int show_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct server s;
	int ret;

	if (ctx->json && cmd_flag(ctx, "export"))
		return err_set(err, ERR_USAGE, 0, "--export and --json exclude each other");
	ret = server_load(&s, ctx->host, name, err);
	if (ret < 0)
		return ret;
	if (ctx->json) {
		show_json(&s);
	} else if (cmd_flag(ctx, "export")) {
		show_export(&s);
	} else {
		if (ctx->names.n > 1)
			out_printf("# %s\n", name);
		show_text(&s);
	}
	ctx->answered = true;
	server_free(&s);
	return 0;
}

static const struct cmd_opt opts[] = {
	{ .name = "export", .help = "print the croft create command that makes such a server" },
};

const struct cmd cmd_show = {
	.name = "show",
	.section = "Looking",
	.args = "NAME...",
	.help = "print the configuration of servers",
	.more =
	    "Each line ends with where the value comes from: default, host (croft.conf) or file.",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_NAMES | CMD_NO_AUDIT,
	.one = show_one,
	.deadline = 60,
};
