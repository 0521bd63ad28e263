// SPDX-License-Identifier: GPL-2.0-or-later
/* croft completion: prints what bash needs to complete croft's commands, options and values, from
 * the same rows that the commands read. */
#include "base/mem.h"
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

/* Values of options that have a few fixed ones. */
static void values(void)
{
	for (size_t g = 0; g < server_n_groups; g++)
		for (size_t i = 0; i < *server_groups[g].n; i++) {
			const struct opt *o = &server_groups[g].rows[i];
			const char *v = o->type == &opt_bool ? "yes no" : o->choices;

			if (v)
				out_printf("\t--%s) words='%s' ;;\n", o->name, v);
		}
	out_puts("\t--template) words=$(croft template list -H 2>/dev/null | cut -d' ' -f1) ;;\n"
		 "\t--ssh-key) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n");
}

static void names_of(unsigned flag, const char *what)
{
	_cleanup_(strv_free) struct strv l = {};
	_cleanup_free_ char *pattern = NULL;

	for (size_t i = 0; cmds[i]; i++)
		if ((cmds[i]->flags & flag) && !(cmds[i]->flags & CMD_HIDDEN))
			strv_add(&l, cmds[i]->name);
	pattern = strv_join(&l, "|");
	out_printf("\t\t%s) words=$(%s 2>/dev/null) ;;\n", pattern, what);
}

static void recipes(void)
{
	out_puts(
	    "\t\ttemplate)\n"
	    "\t\t\tcase ${COMP_WORDS[2]} in\n"
	    "\t\t\tbuild) words=$(croft template list --recipes 2>/dev/null | cut -d' ' -f1) ;;\n"
	    "\t\t\tshow|remove) words=$(croft template list -H 2>/dev/null | cut -d' ' -f1) ;;\n"
	    "\t\t\tesac\n"
	    "\t\t\t[ \"$COMP_CWORD\" -eq 2 ] && words='build list show remove' ;;\n");
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
	recipes();
	out_printf("\t\thelp) words='%s' ;;\n", all);
	names_of(CMD_NAMES | CMD_NAME, "croft list -a -H -o name");
	out_puts("\t\tesac\n"
		 "\tfi\n"
		 "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
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
	.flags = CMD_REST | CMD_NO_HOST,
	.run = completion_run,
};
