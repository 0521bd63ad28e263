// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * croft list: the servers that run, or with -a all of them, one line each.
 *
 * What must stay true: one pass over the run-time directory, one file per server for the plain
 * list, no lock, no wait for a server that is stuck, one write(2).
 */
#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/name.h"
#include "columns.h"
#include "getargs.h"
#include "out.h"

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
	struct line **line;
	size_t n;
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
		       near ? "; the nearest is " : "; croft list --help names them",
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

	l->n_all = columns_all(&l->all);
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

/* Every server that has a state. */
static int running_names(const struct host *h, struct strv *ret, struct err *err)
{
	DIR *d = opendir(h->run);
	struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0 : err_errno(err, "cannot read %s", h->run);
	while ((e = readdir(d))) {
		_cleanup_free_ char *state = xasprintf("%s/state.json", e->d_name);

		if (e->d_name[0] != '.' && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) &&
		    faccessat(dirfd(d), state, F_OK, 0) == 0)
			strv_add(ret, e->d_name);
	}
	closedir(d);
	strv_sort(ret);
	return 0;
}

static bool matches(const struct cmd_ctx *ctx, const char *name)
{
	for (size_t i = 0; i < ctx->n_rest; i++)
		if (fnmatch(ctx->rest[i], name, 0) == 0)
			return true;
	return ctx->n_rest == 0;
}

/* Two sorted lists become one, each name once, as far as the patterns go. */
static void merge(const struct cmd_ctx *ctx, const struct strv *a, const struct strv *b,
		  struct strv *ret)
{
	size_t i = 0, k = 0;

	while (i < a->n || k < b->n) {
		int order = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->v[i], b->v[k]);
		const char *name = order <= 0 ? a->v[i] : b->v[k];

		if (matches(ctx, name))
			strv_add(ret, name);
		i += order <= 0;
		k += order >= 0;
	}
}

/* A word that is no pattern must name a server, which is shown whether it runs or not. */
static int check_words(const struct cmd_ctx *ctx, struct strv *named, struct err *err)
{
	for (size_t i = 0; i < ctx->n_rest; i++) {
		const char *word = ctx->rest[i];
		int ret;

		if (strpbrk(word, "*?["))
			continue;
		ret = name_check("server", word, err);
		if (ret < 0)
			return ret;
		if (!server_exists(ctx->host, word))
			return err_set(err, ERR_ABSENT, 0, "no server %s", word);
		if (!strv_has(named, word))
			strv_add(named, word);
	}
	strv_sort(named);
	return 0;
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

static void read_lines(const struct cmd_ctx *ctx, struct listing *l, struct item_reader *r,
		       const struct strv *names, bool all)
{
	_cleanup_free_ struct item *it = xcalloc(1, sizeof(*it));

	l->line = xcalloc(names->n + 1, sizeof(*l->line));
	for (size_t i = 0; i < names->n; i++) {
		item_read(r, names->v[i], it);
		if (all || is_named(ctx, names->v[i]) ||
		    !streq(it->word, "stopped")) /* else it stopped meanwhile */
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

static void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		for (size_t c = 0; c < l->n_shown; c++)
			value_free(&l->line[i]->value[c]);
		value_free(&l->line[i]->key);
		free(l->line[i]);
	}
	free(l->line);
	free(l->shown);
	free(l->all);
}

static int list_run(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_(strv_free) struct strv running = {}, named = {};
	_cleanup_(strv_free) struct strv all = {};
	_cleanup_(strv_free) struct strv names = {};
	_cleanup_(listing_free) struct listing l = {};
	struct item_reader reader = { .host = ctx->host };
	bool stopped = cmd_flag(ctx, "all");
	int ret = choose(ctx, &l, &reader.sources, err);

	if (ret == 0)
		ret = check_words(ctx, &named, err);
	if (ret == 0)
		ret = running_names(ctx->host, &running, err);
	if (ret == 0 && stopped)
		ret = server_list(ctx->host, &all, err);
	if (ret < 0)
		return ret;
	merge(ctx, &running, stopped ? &all : &named, &names);
	read_lines(ctx, &l, &reader, &names, stopped);
	if (ctx->json)
		print_json(&l);
	else
		print_table(&l, !cmd_flag(ctx, "no-header"));
	ctx->answered = true;
	return 0;
}

static const struct cmd_opt opts[] = {
	{ .name = "all", .letter = 'a', .help = "also the servers that do not run" },
	{ .name = "columns",
	  .letter = 'o',
	  .metavar = "COL,...",
	  .help = "which columns (default: " PLAIN ")" },
	{ .name = "no-header", .letter = 'H', .help = "no heading" },
	{ .name = "sort",
	  .metavar = "COL",
	  .help = "sort by a column; -COL: downwards (default: name)" },
};

const struct cmd cmd_list = {
	.name = "list",
	.section = "Looking",
	.args = "[PATTERN...]",
	.help = "list the servers that run, or all",
	.more =
	    "Columns: name state uptime memory-used memory-peak swap-used cpu-used pids-used "
	    "oom-kills\n"
	    "boots init-pid monitor-pid uid-base cgroup interface, and every option of a server.\n"
	    "Of a running server they show what is in force, of another what its file says.",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_REST,
	.run = list_run,
	.deadline = 60,
};
