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
	int ret = server_load(&s, ctx->host, name, err);

	if (ret < 0)
		return ret;
	if (ctx->json) {
		show_json(&s);
	} else {
		if (ctx->names.n > 1)
			out_printf("# %s\n", name);
		show_text(&s);
	}
	ctx->answered = true;
	server_free(&s);
	return 0;
}

const struct cmd cmd_show = {
	.name = "show",
	.section = "Looking",
	.args = "NAME...",
	.help = "print the configuration of servers",
	.more =
	    "Each line ends with where the value comes from: default, host (croft.conf) or file.",
	.flags = CMD_NAMES,
	.one = show_one,
	.deadline = 60,
};
