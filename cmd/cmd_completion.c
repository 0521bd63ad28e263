// SPDX-License-Identifier: GPL-2.0-or-later
/* croft completion: prints what bash needs to complete croft's commands, options and values, from
 * the same rows that the commands read. */
#include "base/mem.h"
#include "columns.h"
#include "getargs.h"
#include "out.h"
#include "usage.h"

static void words(const char *indent, const char *pattern, const struct strv *l)
{
	_cleanup_free_ char *all = strv_join(l, " ");

	out_printf("%s%s) words='%s' ;;\n", indent, pattern, all);
}

static void add_opts(struct strv *l, const struct cmd_opt *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strv_take(l, xasprintf("--%s", o[i].name));
}

static void options_of(const struct cmd *cmd)
{
	_cleanup_(strv_free) struct strv l = {};
	size_t n;
	const struct cmd_opt *more = getargs_names_opts(cmd, &n);

	add_opts(&l, cmd->opts, cmd->n_opts);
	add_opts(&l, more, n);
	add_opts(&l, cmd_common_opts, cmd_n_common_opts);
	for (size_t g = 0; g < server_n_groups; g++)
		for (size_t i = 0; i < *server_groups[g].n; i++)
			if (getargs_takes(cmd, &server_groups[g].rows[i]))
				strv_take(&l, xasprintf("--%s", server_groups[g].rows[i].name));
	words("\t\t", cmd->name, &l);
}

#define NAMES	  "$(croft list -a -H -o name 2>/dev/null)"
#define TEMPLATES "$(croft template list -H 2>/dev/null | cut -d' ' -f1)"
#define FILES	  "COMPREPLY=($(compgen -f -- \"$cur\")); return"

/* What may stand behind an option that takes a value: one line of the case, each option once. */
static void value_of(struct strv *seen, const char *name, char letter, const char *words)
{
	if (strv_has(seen, name))
		return;
	strv_add(seen, name);
	out_printf("\t--%s", name);
	if (letter)
		out_printf("|-%c", letter);
	out_printf(") %s ;;\n", words);
}

static char *server_option_names(void)
{
	_cleanup_(strv_free) struct strv l = {};

	for (size_t g = 0; g < server_n_groups; g++)
		for (size_t i = 0; i < *server_groups[g].n; i++)
			if (!(server_groups[g].rows[i].flags & (OPT_CREATE | OPT_NOSAVE)))
				strv_add(&l, server_groups[g].rows[i].name);
	return strv_join(&l, " ");
}

static char *column_names(void)
{
	_cleanup_free_ struct column *all = NULL;
	_cleanup_(strv_free) struct strv l = {};
	size_t n = columns_all(&all);

	for (size_t i = 0; i < n; i++)
		strv_add(&l, all[i].name);
	return strv_join(&l, " ");
}

/* What a metavar stands for. Where nothing is known, nothing is offered. */
static char *words_for(const char *metavar)
{
	_cleanup_free_ char *names = NULL;

	if (streq(metavar, "FILE"))
		return xstrdup(FILES);
	if (str_starts(metavar, "COL"))
		names = column_names();
	else if (str_starts(metavar, "OPTION"))
		names = server_option_names();
	else
		return xstrdup("return");
	return xasprintf("words='%s'", names);
}

static void row_values(struct strv *seen, const struct opt *o)
{
	_cleanup_free_ char *words = NULL;

	if (o->type == &opt_bool || o->choices)
		words = xasprintf("words='%s'", o->type == &opt_bool ? "yes no" : o->choices);
	else if (streq(o->name, "depends"))
		words = xstrdup("words=" NAMES);
	else if (streq(o->name, "template"))
		words = xstrdup("words=" TEMPLATES);
	else
		words = words_for(str_or(o->metavar, ""));
	value_of(seen, o->name, 0, words);
}

static void opt_values(struct strv *seen, const struct cmd_opt *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *words = o[i].metavar ? words_for(o[i].metavar) : NULL;

		if (words)
			value_of(seen, o[i].name, o[i].letter, words);
	}
}

static void values(void)
{
	_cleanup_(strv_free) struct strv seen = {};
	size_t n;

	for (size_t g = 0; g < server_n_groups; g++)
		for (size_t i = 0; i < *server_groups[g].n; i++)
			row_values(&seen, &server_groups[g].rows[i]);
	for (size_t i = 0; cmds[i]; i++) {
		const struct cmd_opt *more = getargs_names_opts(cmds[i], &n);

		opt_values(&seen, cmds[i]->opts, cmds[i]->n_opts);
		opt_values(&seen, more, n);
	}
	opt_values(&seen, cmd_common_opts, cmd_n_common_opts);
}

/* A server that is to be has no name that could be offered. */
static void names_of(bool several)
{
	_cleanup_(strv_free) struct strv l = {};
	_cleanup_free_ char *pattern = NULL;
	unsigned flag = several ? CMD_NAMES : CMD_NAME;

	for (size_t i = 0; cmds[i]; i++)
		if ((cmds[i]->flags & flag) && !(cmds[i]->flags & (CMD_HIDDEN | CMD_NEW)))
			strv_add(&l, cmds[i]->name);
	if (several) { /* patterns */
		strv_add(&l, "list");
		strv_add(&l, "top");
		strv_add(&l, "events");
	}
	pattern = strv_join(&l, "|");
	out_printf("\t\t%s) %swords=" NAMES " ;;\n", pattern,
		   several ? "" : "[ \"$COMP_CWORD\" -ne 2 ] || ");
}

static void templates(void)
{
	out_puts(
	    "\t\ttemplate)\n"
	    "\t\t\tcase ${COMP_WORDS[2]} in\n"
	    "\t\t\tbuild) words=$(croft template list --recipes 2>/dev/null | cut -d' ' -f1) ;;\n"
	    "\t\t\tshow|remove) words=" TEMPLATES " ;;\n"
	    "\t\t\tesac\n"
	    "\t\t\t[ \"$COMP_CWORD\" -ne 2 ] || words='build list show remove' ;;\n");
}

static int completion_run(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_(strv_free) struct strv names = {};
	_cleanup_free_ char *all = NULL;

	if (ctx->n_rest > 1 || (ctx->n_rest && !streq(ctx->rest[0], "bash")))
		return err_set(err, ERR_USAGE, 0, "only bash is known");
	usage_names(&names);
	all = strv_join(&names, " ");
	out_puts("# bash completion for croft; made by: croft completion\n"
		 "# Exit codes:\n");
#define X(code, c_name, symbol, meaning) out_printf("#   %d %s: %s\n", code, symbol, meaning);
#include "base/exits.def"
#undef X
	out_puts("_croft() {\n"
		 "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
		 "\tCOMPREPLY=()\n");
	out_printf(
	    "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	    "\t\tCOMPREPLY=($(compgen -W '%s --help --version' -- \"$cur\"))\n\t\treturn\n\tfi\n",
	    all);
	out_puts("\tcase $prev in\n");
	values();
	out_puts("\tesac\n"
		 "\tif [ -z \"$words\" ] && [[ $cur == -* ]]; then\n"
		 "\t\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; cmds[i]; i++)
		if (!(cmds[i]->flags & CMD_HIDDEN))
			options_of(cmds[i]);
	out_puts("\t\tesac\n"
		 "\telif [ -z \"$words\" ]; then\n"
		 "\t\tcase ${COMP_WORDS[1]} in\n");
	templates();
	out_printf("\t\thelp) words='%s' ;;\n", all);
	out_puts("\t\tcompletion) words=bash ;;\n");
	names_of(true);
	names_of(false);
	out_puts("\t\tesac\n"
		 "\tfi\n"
		 "\tlocal list=\n" /* the values before in a list with commas */
		 "\t[[ $cur != *,* ]] || list=${cur%,*},\n"
		 "\tCOMPREPLY=($(compgen -P \"$list\" -W \"$words\" -- \"${cur##*,}\"))\n"
		 "}\n"
		 "complete -F _croft croft\n");
	ctx->answered = true;
	return 0;
}

const struct cmd cmd_completion = {
	.name = "completion",
	.section = "Host",
	.args = "[bash]",
	.help = "print the completion for bash",
	.more = "Put it where bash looks for it:\n"
		"    croft completion > /usr/share/bash-completion/completions/croft",
	.flags = CMD_REST | CMD_NO_HOST | CMD_NO_AUDIT,
	.run = completion_run,
};
