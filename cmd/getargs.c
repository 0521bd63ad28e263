// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads the command line of one command: options of its row, the common ones, and, where the row
 * says so, every server option of lib/. No prefix of an option is taken for the option: a script
 * that works today must not become ambiguous when an option is added.
 *
 * What must stay true: nothing here opens a file or asks the system anything; every refusal is
 * ERR_USAGE and names the word that was typed.
 */
#include "getargs.h"

#include <stdio.h>
#include "base/mem.h"
#include "base/name.h"
#include "base/parse.h"
#include "sys/lock.h"

const struct cmd_opt cmd_common_opts[] = {
	{ .name = "json", .help = "print results as JSON" },
	{ .name = "quiet", .letter = 'q', .help = "print errors only" },
	{ .name = "deadline",
	  .metavar = "SEC",
	  .help = "give up with exit code 6 after this time" },
	{ .name = "help", .letter = 'h', .help = "print this help" },
};
const size_t cmd_n_common_opts = ARRAY_LEN(cmd_common_opts);

static const struct cmd_opt opts_all[] = {
	{ .name = "jobs", .metavar = "N", .help = "work on at most N servers at a time" },
	{ .name = "all", .help = "all servers" },
};
static const struct cmd_opt opts_running[] = {
	{ .name = "jobs", .metavar = "N", .help = "work on at most N servers at a time" },
	{ .name = "all", .help = "all servers that run" },
};

const struct cmd_opt *getargs_names_opts(const struct cmd *cmd, size_t *ret_n)
{
	*ret_n = 0;
	if (cmd->flags & CMD_NAMES)
		*ret_n = cmd->flags & CMD_NEW ? 1 : ARRAY_LEN(opts_all);
	return cmd->flags & CMD_RUNNING ? opts_running : opts_all;
}

bool getargs_takes(const struct cmd *cmd, const struct opt *row)
{
	if (!(cmd->flags & CMD_SERVER_OPTS) || (row->flags & OPT_HOST))
		return false;
	return (cmd->flags & CMD_NEW) || !(row->flags & OPT_CREATE);
}

/* Levenshtein's distance with transpositions; words are short. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t d[3][64];

	if (la > 60 || lb > 60)
		return 100;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *now = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			now[j] = best;
		}
	}
	return d[la % 3][lb];
}

const char *getargs_nearest(const char *word, const struct strv *known)
{
	const char *found = NULL;
	size_t best = strlen(word) / 2 + 1;

	if (!*word)
		return NULL;
	for (size_t i = 0; i < known->n; i++) {
		size_t d = distance(word, known->v[i]);

		if (str_starts(known->v[i], word) && d > 1)
			d = 1;
		if (d < best) {
			best = d;
			found = known->v[i];
		}
	}
	return found;
}

static const struct cmd_opt *find_in(const struct cmd_opt *o, size_t n, const char *name,
				     char letter)
{
	for (size_t i = 0; i < n; i++)
		if (letter ? o[i].letter == letter : streq(o[i].name, name))
			return &o[i];
	return NULL;
}

static const struct cmd_opt *find_opt(const struct cmd *cmd, const char *name, char letter)
{
	const struct cmd_opt *o = find_in(cmd->opts, cmd->n_opts, name, letter);
	size_t n;

	if (!o) {
		const struct cmd_opt *more = getargs_names_opts(cmd, &n);

		o = find_in(more, n, name, letter);
	}
	return o ? o : find_in(cmd_common_opts, cmd_n_common_opts, name, letter);
}

static const struct opt *find_row(const struct cmd *cmd, const char *name)
{
	if (!(cmd->flags & CMD_SERVER_OPTS))
		return NULL;
	for (size_t g = 0; g < server_n_groups; g++)
		for (size_t i = 0; i < *server_groups[g].n; i++)
			if (streq(server_groups[g].rows[i].name, name))
				return &server_groups[g].rows[i];
	return NULL;
}

static void add_names(struct strv *l, const struct cmd_opt *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strv_add(l, o[i].name);
}

static int unknown_option(const struct cmd *cmd, const char *name, struct err *err)
{
	_cleanup_(strv_free) struct strv known = {};
	size_t n;
	const struct cmd_opt *more = getargs_names_opts(cmd, &n);
	const char *near;

	add_names(&known, cmd->opts, cmd->n_opts);
	add_names(&known, cmd_common_opts, cmd_n_common_opts);
	add_names(&known, more, n);
	if (cmd->flags & CMD_SERVER_OPTS)
		for (size_t g = 0; g < server_n_groups; g++)
			for (size_t i = 0; i < *server_groups[g].n; i++)
				strv_add(&known, server_groups[g].rows[i].name);
	near = getargs_nearest(name, &known);
	if (near)
		return err_set(err, ERR_USAGE, 0, "unknown option --%s; the nearest is --%s", name,
			       near);
	return err_set(err, ERR_USAGE, 0, "unknown option --%s; see croft %s --help", name,
		       cmd->name);
}

/* Where the reader stands. */
struct reader {
	struct cmd_ctx *ctx;
	int argc, at;
	char **argv;
};

static void keep(struct strv *names, struct strv *values, const char *name, const char *value)
{
	strv_add(names, name);
	strv_add(values, value);
}

/* A flag-like server option may stand alone before another option or at the end: "--privileged" is
 * "--privileged yes". A word behind it is its value, whatever it is: "--onboot maybe" must not name
 * a server. */
static const char *bool_value(struct reader *r)
{
	if (r->at < r->argc && r->argv[r->at][0] != '-')
		return r->argv[r->at++];
	return "yes";
}

static int long_option(struct reader *r, const char *word, struct err *err)
{
	const char *eq = strchr(word, '=');
	_cleanup_free_ char *name = eq ? xstrndup(word, (size_t)(eq - word)) : xstrdup(word);
	const struct cmd_opt *o = find_opt(r->ctx->cmd, name, 0);
	const struct opt *row = o ? NULL : find_row(r->ctx->cmd, name);
	const char *value = eq ? eq + 1 : NULL;

	if (!o && !row)
		return unknown_option(r->ctx->cmd, name, err);
	if (o && !o->metavar) {
		if (value)
			return err_set(err, ERR_USAGE, 0, "option --%s takes no value", name);
		value = "";
	}
	if (!value && row && row->type == &opt_bool)
		value = bool_value(r);
	if (!value) {
		if (r->at >= r->argc)
			return err_set(err, ERR_USAGE, 0, "option --%s needs a value: %s", name,
				       o ? o->metavar : str_or(row->metavar, "VALUE"));
		value = r->argv[r->at++];
	}
	if (row)
		keep(&r->ctx->srv_name, &r->ctx->srv_value, name, value);
	else
		keep(&r->ctx->opt_name, &r->ctx->opt_value, name, value);
	return 0;
}

/* "-aH", "-oname,ip", "-o name,ip". */
static int short_options(struct reader *r, const char *word, struct err *err)
{
	for (const char *p = word; *p; p++) {
		const struct cmd_opt *o = find_opt(r->ctx->cmd, "", *p);
		const char *value = "";

		if (!o)
			return err_set(err, ERR_USAGE, 0, "unknown option -%c; see croft %s --help",
				       *p, r->ctx->cmd->name);
		if (o->metavar) {
			value = p[1] ? p + 1 : r->at < r->argc ? r->argv[r->at++] : NULL;
			if (!value)
				return err_set(err, ERR_USAGE, 0, "option -%c needs a value: %s",
					       *p, o->metavar);
			keep(&r->ctx->opt_name, &r->ctx->opt_value, o->name, value);
			return 0;
		}
		keep(&r->ctx->opt_name, &r->ctx->opt_value, o->name, value);
	}
	return 0;
}

/* True when the word and all that follow it belong to the command that runs in the server. */
static bool begins_rest(const struct cmd_ctx *ctx)
{
	unsigned flags = ctx->cmd->flags;

	return flags & CMD_REST && flags & CMD_NAME && !(flags & CMD_WORDS) && ctx->names.n == 1;
}

static int plain_word(struct reader *r, char *word, struct err *err)
{
	struct cmd_ctx *ctx = r->ctx;
	unsigned flags = ctx->cmd->flags;

	if (flags & CMD_NAMES) {
		if (!strv_has(&ctx->names, word)) /* named twice is done once */
			strv_add(&ctx->names, word);
	} else if ((flags & CMD_NAME) && ctx->names.n == 0) {
		strv_add(&ctx->names, word);
	} else if (flags & CMD_REST) {
		ctx->rest[ctx->n_rest++] = word;
	} else {
		return err_set(err, ERR_USAGE, 0, "unexpected word \"%s\"; see croft %s --help",
			       word, ctx->cmd->name);
	}
	return 0;
}

static void take_rest(struct reader *r)
{
	while (r->at < r->argc)
		r->ctx->rest[r->ctx->n_rest++] = r->argv[r->at++];
}

static int read_words(struct reader *r, struct err *err)
{
	bool only_words = false;
	int ret = 0;

	while (r->at < r->argc && ret >= 0) {
		char *word = r->argv[r->at];

		if (!only_words && streq(word, "--")) {
			r->at++;
			only_words = true;
			if (r->ctx->cmd->flags & CMD_REST &&
			    (r->ctx->cmd->flags & (CMD_NAMES | CMD_NAME)))
				take_rest(r);
			continue;
		}
		if (!only_words && word[0] == '-' && word[1]) {
			r->at++;
			ret = word[1] == '-' ? long_option(r, word + 2, err)
					     : short_options(r, word + 1, err);
			continue;
		}
		if (begins_rest(r->ctx)) {
			take_rest(r);
			break;
		}
		r->at++;
		ret = plain_word(r, word, err);
	}
	return ret;
}

/* A deadline is a point in time from here on, so that every wait of the command counts against it.
 */
static int set_deadline(struct cmd_ctx *ctx, struct err *err)
{
	const char *text = cmd_value(ctx, "deadline");
	uint64_t ms = (uint64_t)ctx->cmd->deadline * 1000;

	ctx->deadline_ms = UINT64_MAX;
	if (text && (parse_duration(text, &ms) < 0 || ms > UINT64_C(1000) * 86400 * 365))
		return err_set(err, ERR_USAGE, 0, "--deadline %s: expected seconds", text);
	if (text || ms)
		ctx->deadline_ms = clock_ms() + ms;
	return 0;
}

int getargs(struct cmd_ctx *ctx, int argc, char **argv, struct err *err)
{
	struct reader r = { .ctx = ctx, .argc = argc, .argv = argv };
	int ret;

	ctx->rest = xcalloc((size_t)argc + 1, sizeof(*ctx->rest));
	ret = read_words(&r, err);
	ctx->json = cmd_flag(ctx, "json");
	ctx->quiet = cmd_flag(ctx, "quiet");
	ctx->all = (ctx->cmd->flags & CMD_NAMES) && cmd_flag(ctx, "all");
	for (int i = 0; ret < 0 && i < argc && !streq(argv[i], "--"); i++)
		ctx->json |= streq(argv[i], "--json"); /* the error is wanted as JSON as well */
	if (ret < 0 || cmd_flag(ctx, "help"))
		return ret;
	return set_deadline(ctx, err);
}

static int check_jobs(const struct cmd_ctx *ctx, struct err *err)
{
	const char *text = cmd_value(ctx, "jobs");
	int n;

	if ((ctx->cmd->flags & CMD_NAMES) && text && parse_int(text, 1, 1024, &n) < 0)
		return err_set(err, ERR_USAGE, 0, "--jobs %s: expected a number from 1 to 1024",
			       text);
	return 0;
}

/* No name is given. An option that takes yes or no may have taken it for its value. */
static int no_name(const struct cmd_ctx *ctx, struct err *err)
{
	for (size_t i = 0; i < ctx->srv_name.n; i++) {
		const struct opt *row = find_row(ctx->cmd, ctx->srv_name.v[i]);
		bool unused;

		if (row->type == &opt_bool && parse_bool(ctx->srv_value.v[i], &unused) < 0)
			return err_set(err, ERR_USAGE, 0,
				       "--%s took \"%s\", which is not yes or no; name the server "
				       "first, or say --%s yes",
				       row->name, ctx->srv_value.v[i], row->name);
	}
	return err_set(err, ERR_USAGE, 0, "name a server%s; see croft %s --help",
		       ctx->cmd->flags & CMD_NEW ? "" : ", or say --all", ctx->cmd->name);
}

int getargs_check(struct cmd_ctx *ctx, struct err *err)
{
	unsigned flags = ctx->cmd->flags;

	for (size_t i = 0; i < ctx->names.n; i++) {
		int ret = name_check("server", ctx->names.v[i], err);

		if (ret < 0)
			return ret;
	}
	if ((flags & CMD_NAMES) && ctx->all && ctx->names.n)
		return err_set(err, ERR_USAGE, 0, "--all and names exclude each other");
	if ((flags & CMD_NAMES) && !(flags & CMD_NO_NAMES) && !ctx->all && !ctx->names.n)
		return no_name(ctx, err);
	if ((flags & CMD_NAME) && !ctx->names.n)
		return err_set(err, ERR_USAGE, 0, "name a server; see croft %s --help",
			       ctx->cmd->name);
	if ((flags & CMD_SERVER_OPTS) && !(flags & CMD_NEW) && !ctx->srv_name.n &&
	    !cmd_flag(ctx, "default") && !cmd_flag(ctx, "password-file") &&
	    !cmd_flag(ctx, "profile"))
		return err_set(err, ERR_USAGE, 0, "no option to set is given; see croft %s --help",
			       ctx->cmd->name);
	return check_jobs(ctx, err);
}

void getargs_free(struct cmd_ctx *ctx)
{
	strv_free(&ctx->names);
	strv_free(&ctx->opt_name);
	strv_free(&ctx->opt_value);
	strv_free(&ctx->srv_name);
	strv_free(&ctx->srv_value);
	free(ctx->rest);
	ctx->rest = NULL;
}

bool cmd_flag(const struct cmd_ctx *ctx, const char *option)
{
	return strv_has(&ctx->opt_name, option);
}

const char *cmd_value(const struct cmd_ctx *ctx, const char *option)
{
	for (size_t i = ctx->opt_name.n; i > 0; i--)
		if (streq(ctx->opt_name.v[i - 1], option))
			return ctx->opt_value.v[i - 1];
	return NULL;
}

void cmd_values(const struct cmd_ctx *ctx, const char *option, struct strv *ret)
{
	for (size_t i = 0; i < ctx->opt_name.n; i++)
		if (streq(ctx->opt_name.v[i], option))
			strv_add(ret, ctx->opt_value.v[i]);
}
