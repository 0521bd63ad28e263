// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * croft template: what servers are made from: build, list, show, remove.
 *
 * What must stay true: a template that a server uses is neither removed nor replaced, because the
 * server's own files lie above it.
 */
#include "template/template.h"

#include <unistd.h>
#include "base/mem.h"
#include "base/name.h"
#include "out.h"
#include "run/run.h"

static char *template_dir(const struct cmd_ctx *ctx)
{
	return xasprintf("%s/templates", ctx->host->var);
}

/* ERR_STATE naming the servers that were made from it. */
static int check_unused(const struct cmd_ctx *ctx, const char *name, struct err *err)
{
	_cleanup_(strv_free) struct strv servers = {};
	_cleanup_(strv_free) struct strv users = {};
	int ret = server_list(ctx->host, &servers, err);

	for (size_t i = 0; ret == 0 && i < servers.n; i++) {
		struct server s;

		ret = server_load(&s, ctx->host, servers.v[i], err);
		if (ret == -ENOENT || (ret < 0 && err->class == ERR_ABSENT)) {
			ret = 0; /* destroyed meanwhile */
			continue;
		}
		if (ret < 0)
			return err_wrap(err, ret, "cannot tell whether server %s uses it",
					servers.v[i]);
		if (s.store.template && streq(s.store.template, name))
			strv_add(&users, servers.v[i]);
		server_free(&s);
	}
	if (ret == 0 && users.n) {
		_cleanup_free_ char *all = strv_join(&users, " ");

		return err_set(err, ERR_STATE, 0, "template %s is in use by: %s", name, all);
	}
	return ret;
}

static void include_words(const struct cmd_ctx *ctx, struct strv *ret)
{
	_cleanup_(strv_free) struct strv given = {};

	cmd_values(ctx, "include", &given);
	for (size_t i = 0; i < given.n; i++)
		strv_split(ret, given.v[i], ",");
}

static int build(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_free_ char *dir = template_dir(ctx);
	_cleanup_free_ char *recipes = xasprintf("%s/templates", ctx->host->share);
	_cleanup_(strv_free) struct strv include = {};
	const char *name = cmd_value(ctx, "name");
	const char *mirror = cmd_value(ctx, "mirror");
	struct template_job job = {
		.dir = dir,
		.recipes = recipes,
		.name = name,
		.recipe = ctx->rest[1],
		.arch = cmd_value(ctx, "arch"),
		.mirror = mirror ? mirror : ctx->host->mirror,
		.include = &include,
		.replace = cmd_flag(ctx, "replace"),
		.progress = !ctx->quiet && isatty(STDERR_FILENO),
		.deadline_ms = ctx->deadline_ms,
	};
	int ret;

	if (ctx->n_rest != 2)
		return err_set(err, ERR_USAGE, 0, "name one recipe: croft template build RECIPE");
	include_words(ctx, &include);
	ret = cmd_need_root(err);
	if (ret == 0 && name)
		ret = name_check("template", name, err);
	if (ret == 0 && job.replace)
		ret = check_unused(ctx, name ? name : job.recipe, err);
	if (ret == 0)
		ret = template_build(&job, err);
	if (ret < 0)
		return ret;
	ctx->changed = true;
	if (!ctx->quiet && !ctx->json)
		out_printf("template %s is built\n", name ? name : job.recipe);
	return 0;
}

static void info_json(struct json_out *j, const struct template_info *t)
{
	json_obj(j, NULL);
	json_str(j, "name", t->name);
	json_str(j, "recipe", t->recipe);
	json_str(j, "dialect", t->dialect);
	json_str(j, "arch", t->arch);
	json_str(j, "built", t->built);
	json_u64(j, "bytes", t->bytes);
	json_u64(j, "inodes", t->inodes);
	json_obj_end(j);
}

static void info_cells(struct strv *cells, const struct template_info *t)
{
	_cleanup_free_ char *size = out_bytes(t->bytes);

	strv_add(cells, t->name);
	strv_add(cells, str_or(t->recipe, "-"));
	strv_add(cells, str_or(t->arch, "-"));
	strv_add(cells, size);
	strv_add(cells, str_or(t->built, "-"));
}

static void print_recipes(const struct cmd_ctx *ctx)
{
	_cleanup_(strv_free) struct strv rows = {};

	for (size_t i = 0; i < template_n_recipes; i++) {
		strv_add(&rows, template_recipes[i].name);
		strv_add(&rows, template_recipes[i].help);
	}
	out_words(ctx, "name", &rows);
}

static int list(struct cmd_ctx *ctx, struct err *err)
{
	const char *heading[] = { "NAME", "RECIPE", "ARCH", "SIZE", "BUILT" };
	const bool right[] = { false, false, false, true, false };
	struct out_table t = { .columns = 5, .right = right };
	_cleanup_free_ char *dir = template_dir(ctx);
	_cleanup_(strv_free) struct strv names = {};
	struct json_out *j;
	int ret;

	if (ctx->n_rest != 1)
		return err_set(err, ERR_USAGE, 0, "unexpected word \"%s\"", ctx->rest[1]);
	if (cmd_flag(ctx, "recipes")) {
		print_recipes(ctx);
		return 0;
	}
	ret = template_list(dir, &names, err);
	if (ret < 0)
		return ret;
	if (!cmd_flag(ctx, "no-header"))
		t.heading = heading;
	j = json_new(false);
	json_list(j, NULL);
	for (size_t i = 0; i < names.n; i++) {
		struct template_info info = {};
		struct err unused = {};

		if (template_load(dir, names.v[i], &info, &unused) < 0)
			continue; /* removed meanwhile, or damaged: croft template show says */
		info_json(j, &info);
		info_cells(&t.cells, &info);
		template_info_free(&info);
	}
	json_list_end(j);
	_cleanup_free_ char *text = json_done(j);
	if (ctx->json)
		out_puts(text);
	else
		out_table_print(&t);
	strv_free(&t.cells);
	return 0;
}

static int show(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_free_ char *dir = template_dir(ctx);
	struct template_info t = {};
	struct json_out *j;
	int ret;

	if (ctx->n_rest != 2)
		return err_set(err, ERR_USAGE, 0,
			       "name one template: croft template show TEMPLATE");
	ret = template_load(dir, ctx->rest[1], &t, err);
	if (ret < 0)
		return ret;
	if (ctx->json) {
		j = json_new(false);
		info_json(j, &t);
		out_json(json_done(j));
	} else {
		_cleanup_free_ char *size = out_bytes(t.bytes);

		out_printf("name     %s\nrecipe   %s\ndialect  %s\narch     %s\nbuilt    %s\n"
			   "size     %s\nfiles    %llu\npath     %s/%s/root\n",
			   t.name, str_or(t.recipe, "-"), str_or(t.dialect, "-"),
			   str_or(t.arch, "-"), str_or(t.built, "-"), size,
			   (unsigned long long)t.inodes, dir, t.name);
	}
	template_info_free(&t);
	return 0;
}

static int remove_all(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_free_ char *dir = template_dir(ctx);
	int ret = cmd_need_root(err);

	if (ctx->n_rest < 2)
		return err_set(err, ERR_USAGE, 0,
			       "name a template: croft template remove TEMPLATE...");
	for (size_t i = 1; ret == 0 && i < ctx->n_rest; i++) {
		ret = name_check("template", ctx->rest[i], err);
		if (ret == 0)
			ret = check_unused(ctx, ctx->rest[i], err);
	}
	for (size_t i = 1; ret == 0 && i < ctx->n_rest; i++) {
		ret = template_remove(dir, ctx->rest[i], err);
		ctx->changed |= ret == 0;
	}
	return ret;
}

static const struct {
	const char *word;
	int (*run)(struct cmd_ctx *ctx, struct err *err);
	bool answers; /* prints its own JSON, and changes nothing */
} parts[] = {
	{ "build", build, false },
	{ "list", list, true },
	{ "show", show, true },
	{ "remove", remove_all, false },
};

static int template_run(struct cmd_ctx *ctx, struct err *err)
{
	ctx->looked = true;
	for (size_t i = 0; ctx->n_rest && i < ARRAY_LEN(parts); i++) {
		if (!streq(parts[i].word, ctx->rest[0]))
			continue;
		ctx->answered = ctx->looked = parts[i].answers;
		ctx->part = parts[i].word;
		return parts[i].run(ctx, err);
	}
	if (!ctx->n_rest)
		return err_set(err, ERR_USAGE, 0, "say build, list, show or remove");
	return err_set(err, ERR_USAGE, 0, "unknown word \"%s\": say build, list, show or remove",
		       ctx->rest[0]);
}

static const struct cmd_opt opts[] = {
	{ .name = "name",
	  .metavar = "NAME",
	  .help = "build: the template's name (default: the recipe's)" },
	{ .name = "include",
	  .metavar = "PKG,...",
	  .help = "build: further packages",
	  .repeat = true },
	{ .name = "arch", .metavar = "ARCH", .help = "build: architecture (default: the host's)" },
	{ .name = "mirror", .metavar = "URL", .help = "build: where packages come from" },
	{ .name = "replace", .help = "build: replace a template of that name that no server uses" },
	{ .name = "recipes", .help = "list: what can be built" },
	{ .name = "no-header", .letter = 'H', .help = "list: no heading" },
};

const struct cmd cmd_template = {
	.name = "template",
	.section = "Templates",
	.args = "build RECIPE | list | show TEMPLATE | remove TEMPLATE...",
	.help = "make, list, show and remove templates",
	.more = "build makes a template from a recipe; list --recipes names the recipes.",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_REST | CMD_AUDIT,
	.run = template_run,
	.deadline = 3600,
};
