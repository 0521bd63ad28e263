// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * croft list: the servers that run, or with -a all of them, one line each.
 *
 * What must stay true: one pass over the run-time directory, one file per server for the plain
 * list, no lock, no wait for a server that is stuck, one write(2).
 */
#include <stdlib.h>
#include "base/mem.h"
#include "columns.h"
#include "getargs.h"
#include "out.h"
#include "select.h"

#define PLAIN "name,state,ip,memory,uptime"

struct line {
	const char *name;
	struct value key;     /* of --sort */
	struct value value[]; /* of the columns shown */
};

struct listing {
	struct column *all;
	size_t n_all;
	const struct column **shown;
	size_t n_shown;
	const struct column *sort;
	bool reverse;
	struct strv tags;
	struct line **line;
	size_t n;
	char *bad; /* the first server whose file cannot be read, and why */
	size_t n_bad;
};

static int pick(const struct listing *l, const char *name, const struct column **ret,
		struct err *err)
{
	_cleanup_(strv_free) struct strv known = {};
	const char *near;

	*ret = column_find(l->all, l->n_all, name);
	if (*ret)
		return 0;
	for (size_t i = 0; i < l->n_all; i++)
		strv_add(&known, l->all[i].name);
	near = getargs_nearest(name, &known);
	return err_set(err, ERR_USAGE, 0, "unknown column \"%s\"%s%s", name,
		       near ? "; the nearest is " : "; croft list -o help names them",
		       near ? near : "");
}

/* Which columns, and from where they come. */
static int choose(const struct cmd_ctx *ctx, struct listing *l, unsigned *ret_sources,
		  struct err *err)
{
	_cleanup_(strv_free) struct strv words = {};
	const char *given = cmd_value(ctx, "columns");
	const char *sort = cmd_value(ctx, "sort");
	int ret = 0;

	cmd_values(ctx, "tag", &l->tags);
	if (l->tags.n)
		*ret_sources |= ALWAYS_CONF;
	if (!given && ctx->json)
		for (size_t i = 0; i < l->n_all; i++)
			strv_add(&words, l->all[i].name);
	else
		strv_split(&words, given ? given : PLAIN, ",");
	if (!words.n)
		return err_set(err, ERR_USAGE, 0, "no column is named");
	l->shown = xcalloc(words.n, sizeof(*l->shown));
	for (size_t i = 0; ret == 0 && i < words.n; i++) {
		ret = pick(l, words.v[i], &l->shown[i], err);
		if (ret == 0)
			*ret_sources |= l->shown[i]->source;
	}
	l->n_shown = words.n;
	if (ret == 0 && sort) {
		l->reverse = *sort == '-';
		ret = pick(l, sort + l->reverse, &l->sort, err);
		if (ret == 0)
			*ret_sources |= l->sort->source;
	}
	return ret;
}

/* Two sorted lists become one, each name once, as far as the patterns go. */
static void merge(const struct cmd_ctx *ctx, const struct strv *a, const struct strv *b,
		  struct strv *ret)
{
	size_t i = 0, k = 0;

	while (i < a->n || k < b->n) {
		int order = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->v[i], b->v[k]);
		const char *name = order <= 0 ? a->v[i] : b->v[k];

		if (select_matches(ctx, name))
			strv_add(ret, name);
		i += order <= 0;
		k += order >= 0;
	}
}

static const struct listing *sorting; /* qsort(3) passes nothing on */

static int by_key(const void *pa, const void *pb)
{
	const struct line *a = *(struct line *const *)pa, *b = *(struct line *const *)pb;
	int order = 0;

	/* What is not known comes last, either way. */
	if (!a->key.kind || !b->key.kind)
		return a->key.kind ? -1 : b->key.kind ? 1 : strcmp(a->name, b->name);
	if (a->key.kind == V_NUMBER || a->key.kind == V_MILLI)
		order = a->key.number < b->key.number ? -1 : a->key.number > b->key.number;
	else
		order = strcmp(str_or(a->key.text, ""), str_or(b->key.text, ""));
	if (sorting->reverse)
		order = -order;
	return order ? order : strcmp(a->name, b->name);
}

static void add_line(struct listing *l, const struct item *it)
{
	struct line *line = xmalloc(sizeof(*line) + l->n_shown * sizeof(line->value[0]));

	*line = (struct line) { .name = it->name };
	for (size_t c = 0; c < l->n_shown; c++)
		column_get(l->shown[c], it, &line->value[c]);
	if (l->sort)
		column_get(l->sort, it, &line->key);
	l->line[l->n++] = line;
}

static bool is_named(const struct cmd_ctx *ctx, const char *name)
{
	for (size_t i = 0; i < ctx->n_rest; i++)
		if (streq(ctx->rest[i], name))
			return true;
	return false;
}

static bool has_tags(const struct listing *l, const struct item *it)
{
	return !l->tags.n || (it->has_conf && select_tagged(&it->conf, &l->tags));
}

static void read_lines(const struct cmd_ctx *ctx, struct listing *l, struct item_reader *r,
		       const struct strv *names, bool all)
{
	_cleanup_free_ struct item *it = xcalloc(1, sizeof(*it));

	l->line = xcalloc(names->n + 1, sizeof(*l->line));
	for (size_t i = 0; i < names->n; i++) {
		item_read(r, names->v[i], it);
		if (it->conf_why.text[0] && l->n_bad++ == 0)
			l->bad = xasprintf("the configuration of %s cannot be read: %s", it->name,
					   it->conf_why.text);
		if ((all || is_named(ctx, names->v[i]) ||
		     !streq(it->word, "stopped")) && /* else it stopped meanwhile */
		    has_tags(l, it))
			add_line(l, it);
		item_free(it);
	}
	if (l->sort) {
		sorting = l;
		qsort(l->line, l->n, sizeof(*l->line), by_key);
	}
}

static void print_json(const struct listing *l)
{
	struct json_out *j = json_new(false);

	json_list(j, NULL);
	for (size_t i = 0; i < l->n; i++) {
		json_obj(j, NULL);
		for (size_t c = 0; c < l->n_shown; c++)
			value_json(j, l->shown[c]->name, &l->line[i]->value[c]);
		json_obj_end(j);
	}
	json_list_end(j);
	out_json(json_done(j));
}

static char *upper(const char *s)
{
	char *u = xstrdup(s);

	for (char *p = u; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p -= 'a' - 'A';
	return u;
}

static void print_table(const struct listing *l, bool header)
{
	_cleanup_free_ const char **heading = xcalloc(l->n_shown, sizeof(*heading));
	_cleanup_free_ bool *right = xcalloc(l->n_shown, sizeof(*right));
	struct out_table t = { .columns = l->n_shown, .right = right };

	for (size_t c = 0; c < l->n_shown; c++) {
		heading[c] = upper(l->shown[c]->name);
		right[c] = l->shown[c]->right;
	}
	if (header)
		t.heading = heading;
	for (size_t i = 0; i < l->n; i++)
		for (size_t c = 0; c < l->n_shown; c++)
			strv_add(&t.cells, str_or(l->line[i]->value[c].text, "-"));
	out_table_print(&t);
	strv_free(&t.cells);
	for (size_t c = 0; c < l->n_shown; c++)
		free((char *)heading[c]);
}

/* -o help: what the columns are. */
static void explain(struct cmd_ctx *ctx, const struct listing *l)
{
	static const char *heading[] = { "COLUMN", "MEANING" };
	struct out_table t = { .columns = 2 };
	struct json_out *j;

	if (ctx->json) {
		j = json_new(false);
		json_obj(j, NULL);
		for (size_t i = 0; i < l->n_all; i++)
			json_str(j, l->all[i].name, l->all[i].help);
		json_obj_end(j);
		out_json(json_done(j));
		ctx->answered = true;
		return;
	}
	if (!cmd_flag(ctx, "no-header"))
		t.heading = heading;
	for (size_t i = 0; i < l->n_all; i++) {
		strv_add(&t.cells, l->all[i].name);
		strv_add(&t.cells, l->all[i].help);
	}
	out_table_print(&t);
	strv_free(&t.cells);
}

static void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		for (size_t c = 0; c < l->n_shown; c++)
			value_free(&l->line[i]->value[c]);
		value_free(&l->line[i]->key);
		free(l->line[i]);
	}
	strv_free(&l->tags);
	free(l->bad);
	free(l->line);
	free(l->shown);
	free(l->all);
}

/* One broken croft.conf makes all of them unreadable: one line of it. */
static void warn_bad(const struct cmd_ctx *ctx, const struct listing *l)
{
	_cleanup_free_ char *text = NULL;

	if (!l->bad)
		return;
	text =
	    l->n_bad == 1 ? xstrdup(l->bad) : xasprintf("%s; and %zu more", l->bad, l->n_bad - 1);
	out_warn(ctx, NULL, text);
}

static int list_run(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_(strv_free) struct strv running = {}, named = {};
	_cleanup_(strv_free) struct strv all = {};
	_cleanup_(strv_free) struct strv names = {};
	_cleanup_(listing_free) struct listing l = {};
	struct item_reader reader = { .host = ctx->host };
	bool stopped = cmd_flag(ctx, "all");
	int ret, absent = 0;

	l.n_all = columns_all(&l.all);
	if (streq(str_or(cmd_value(ctx, "columns"), ""), "help")) {
		explain(ctx, &l);
		return 0;
	}
	ret = choose(ctx, &l, &reader.sources, err);
	if (ret == 0)
		ret = absent = select_words(ctx, &named, err);
	if (ret < 0 && err->class == ERR_ABSENT)
		ret = 0; /* the others are listed */
	if (ret == 0)
		ret = select_running(ctx->host, &running, err);
	if (ret == 0 && stopped)
		ret = server_list(ctx->host, &all, err);
	if (ret < 0)
		return ret;
	merge(ctx, &running, stopped ? &all : &named, &names);
	read_lines(ctx, &l, &reader, &names, stopped);
	tally_close(&reader.tally);
	if (absent < 0 && !l.n)
		return absent;
	if (ctx->json)
		print_json(&l);
	else
		print_table(&l, !cmd_flag(ctx, "no-header"));
	warn_bad(ctx, &l);
	ctx->answered = true;
	return absent;
}

static const struct cmd_opt opts[] = {
	{ .name = "all", .letter = 'a', .help = "also the servers that do not run" },
	{ .name = "columns",
	  .letter = 'o',
	  .metavar = "COL,...",
	  .help = "which columns (default: " PLAIN "); help: what there are" },
	{ .name = "no-header", .letter = 'H', .help = "no heading" },
	{ .name = "sort",
	  .metavar = "COL",
	  .help = "sort by a column; -COL: downwards (default: name)" },
	{ .name = "tag",
	  .metavar = "TAG",
	  .help = "only those with this tag; given again: and with that one",
	  .repeat = true },
};

const struct cmd cmd_list = {
	.name = "list",
	.section = "Looking",
	.args = "[PATTERN...]",
	.help = "list the servers that run, or all",
	.more =
	    "Columns: name, state, uptime, figures of what is used, as memory-used and cpu-used, "
	    "and "
	    "every\n"
	    "option of a server; -o help has them all. Of a running server they show what is in "
	    "force, of\n"
	    "another what its file says.",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_REST | CMD_NO_AUDIT,
	.run = list_run,
	.deadline = 60,
};
