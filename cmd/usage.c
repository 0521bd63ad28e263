// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Help. All of it is printed from the rows of the commands and options, so it cannot lag behind
 * them.
 */
#include "usage.h"

#include <stdio.h>
#include "base/mem.h"
#include "getargs.h"
#include "out.h"

#ifndef VERSION /* configure's */
#define VERSION "unknown"
#endif

#define LEFT 29 /* columns of the left side */

void usage_version(void)
{
	out_puts("croft " VERSION "\n");
}

void usage_names(struct strv *ret)
{
	for (size_t i = 0; cmds[i]; i++)
		if (!(cmds[i]->flags & CMD_HIDDEN))
			strv_add(ret, cmds[i]->name);
}

static void section(const char *title)
{
	out_printf("\n%s:\n", title);
	for (size_t i = 0; cmds[i]; i++)
		if (!(cmds[i]->flags & CMD_HIDDEN) && streq(cmds[i]->section, title))
			out_printf("  %-12s %s\n", cmds[i]->name, cmds[i]->help);
}

void usage_all(void)
{
	_cleanup_(strv_free) struct strv seen = {};

	out_puts("Usage: croft COMMAND [NAME...] [options]\n"
		 "Virtual private servers on one Linux kernel.\n");
	for (size_t i = 0; cmds[i]; i++) {
		if ((cmds[i]->flags & CMD_HIDDEN) || strv_has(&seen, cmds[i]->section))
			continue;
		strv_add(&seen, cmds[i]->section);
		section(cmds[i]->section);
	}
	out_puts("\ncroft COMMAND --help lists the options of a command; croft --version prints "
		 "the version.\n"
		 "Manual pages: croft(8), croft-COMMAND(8), croft.conf(5), croft-server(5).\n");
}

/* "  --memory SIZE           help" */
static void option_line(const char *name, char letter, const char *metavar, const char *help,
			const char *notes)
{
	char left[128];
	int n;

	n = snprintf(left, sizeof(left), "  %s%.1s%s--%s%s%s", letter ? "-" : "",
		     letter ? &letter : "", letter ? ", " : "", name, metavar ? " " : "",
		     metavar ? metavar : "");
	out_printf("%-*s%s%s%s\n", LEFT, left, n >= LEFT ? "  " : "", help, notes);
}

static void options(const char *title, const struct cmd_opt *o, size_t n)
{
	if (n)
		out_printf("\n%s:\n", title);
	for (size_t i = 0; i < n; i++)
		option_line(o[i].name, o[i].letter, o[i].metavar, o[i].help,
			    o[i].repeat ? " (repeatable)" : "");
}

static void row_line(const struct opt *o)
{
	_cleanup_free_ char *def =
	    o->def && *o->def ? xasprintf("default: %s", o->def) : xstrdup("");
	const char *live = o->flags & OPT_LIVE	   ? "live"
			   : o->flags & OPT_CREATE ? "create only"
						   : "";
	_cleanup_free_ char *notes = NULL;

	if (*def || *live)
		notes = xasprintf(" (%s%s%s)", def, *def && *live ? "; " : "", live);
	option_line(o->name, 0, str_or(o->metavar, "VALUE"), o->help, notes ? notes : "");
}

#define WIDTH 79

/* Those of several groups that are only named, as many on a line as fit. */
static void rare_rows(const struct cmd *cmd, const struct opt_group *first,
		      const struct opt_group *end)
{
	struct strv words = { 0 };
	size_t column = WIDTH;

	for (const struct opt_group *g = first; g < end; g++)
		for (size_t i = 0; i < *g->n; i++)
			if (g->rows[i].flags & OPT_RARE && getargs_takes(cmd, &g->rows[i]))
				strv_take(&words, xasprintf("--%s %s", g->rows[i].name,
							    str_or(g->rows[i].metavar, "VALUE")));
	for (size_t i = 0; i < words.n; i++) {
		size_t n = strlen(words.v[i]) + 2;

		if (column + n > WIDTH) {
			out_puts(i ? ",\n       " : "  also ");
			column = 5;
		} else {
			out_puts(", ");
		}
		out_puts(words.v[i]);
		column += n;
	}
	if (words.n)
		out_puts("; see croft-server(5)\n");
	strv_free(&words);
}

static void usual_rows(const struct cmd *cmd, const struct opt_group *g, const char **title)
{
	for (size_t i = 0; i < *g->n; i++) {
		if (!getargs_takes(cmd, &g->rows[i]))
			continue;
		if (*title)
			out_printf("\n%s:\n", *title);
		*title = NULL;
		if (!(g->rows[i].flags & OPT_RARE))
			row_line(&g->rows[i]);
	}
}

/* Groups of one title that follow each other are one for the reader. */
static void server_options(const struct cmd *cmd)
{
	const struct opt_group *g = server_groups, *last = server_groups + server_n_groups;

	while (g < last) {
		const struct opt_group *first = g;
		const char *title = first->title;

		for (; g < last && streq(g->title, first->title); g++)
			usual_rows(cmd, g, &title);
		rare_rows(cmd, first, g);
	}
}

void usage_command(const struct cmd *cmd)
{
	size_t n;
	const struct cmd_opt *more = getargs_names_opts(cmd, &n);

	bool all = str_starts(cmd->args, "NAME...") && !(cmd->flags & CMD_NEW);

	out_printf("Usage: croft %s%s%s%s [options]\n%c%s.\n", cmd->name, *cmd->args ? " " : "",
		   all ? "{NAME... | --all}" : "", all ? cmd->args + strlen("NAME...") : cmd->args,
		   cmd->help[0] & ~0x20, cmd->help + 1);
	if (cmd->more)
		out_printf("\n%s\n", cmd->more);
	options("Options", cmd->opts, cmd->n_opts);
	server_options(cmd);
	options("Several servers", more, n);
	options("Common options", cmd_common_opts, cmd_n_common_opts);
}
