// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * croft: find the command's row, prepare what its flags ask for, run it, print the error, exit.
 *
 * What must stay true: whatever the caller left behind (closed descriptors, an odd umask, ignored
 * signals) is put right before anything else; usage errors come before every other one; the exit
 * code is the class of the error (base/exits.def), or 125 for commands that pass another's on.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "audit.h"
#include "base/mem.h"
#include "getargs.h"
#include "many.h"
#include "out.h"
#include "sys/fd.h"
#include "usage.h"

const struct cmd *const cmds[] = {
#define X(name) &cmd_##name,
#include "commands.def"
#undef X
	NULL
};

static int exit_code;

void cmd_exit_code(int code)
{
	exit_code = code;
}

int cmd_exit_code_now(void)
{
	return exit_code;
}

const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; cmds[i]; i++)
		if (streq(cmds[i]->name, name))
			return cmds[i];
	return NULL;
}

int cmd_need_root(struct err *err)
{
	if (geteuid() == 0)
		return 0;
	return err_set(err, ERR_PERM, 0, "not permitted: run it as root");
}

/* What a caller may have left us with must not reach the work, nor a server. */
static void prepare(void)
{
	struct rlimit files, size = { RLIM_INFINITY, RLIM_INFINITY };
	bool no_stdout = fcntl(STDOUT_FILENO, F_GETFD) < 0;
	sigset_t none;

	fd_stdio_sane();
	if (no_stdout) { /* writing shall fail, as it does for every program: a /dev/null that
			    cannot be written */
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0)
			close(fd);
	}
	fd_cloexec_from(3);
	umask(022);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Without CAP_SYS_RESOURCE the hard limit is as far as it goes. */
	if (setrlimit(RLIMIT_FSIZE, &size) < 0 && getrlimit(RLIMIT_FSIZE, &size) == 0) {
		size.rlim_cur = size.rlim_max;
		(void)setrlimit(RLIMIT_FSIZE, &size);
	}
	signal(SIGXFSZ, SIG_IGN); /* write(2) says EFBIG then */
	/* A start holds a descriptor of every control group hierarchy, of which a host may have 15.
	 */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 256) {
		files.rlim_cur = files.rlim_max < 256 ? files.rlim_max : 256;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* --all becomes names. */
static int resolve_all(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_(strv_free) struct strv found = {};
	int ret;

	if (!ctx->all)
		return 0;
	ret = server_list(ctx->host, &found, err);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < found.n; i++) {
		_cleanup_free_ char *state =
		    xasprintf("%s/%s/state.json", ctx->host->run, found.v[i]);

		if (!(ctx->cmd->flags & CMD_RUNNING) || access(state, F_OK) == 0)
			strv_add(&ctx->names, found.v[i]);
	}
	return 0;
}

/* Everything between the command line and the command's own code. */
static int prepare_command(struct cmd_ctx *ctx, struct host *host, struct err *err)
{
	int ret = getargs_check(ctx, err);

	if (ret == 0 && (ctx->cmd->flags & CMD_ROOT))
		ret = cmd_need_root(err);
	if (ret == 0 && !(ctx->cmd->flags & CMD_NO_HOST)) {
		ret = host_load(host, err);
		if (ret == 0)
			ctx->host = host;
	}
	return ret < 0 ? ret : resolve_all(ctx, err);
}

static int call(struct cmd_ctx *ctx, struct err *err)
{
	if (ctx->cmd->run)
		return ctx->cmd->run(ctx, err);
	cmd_each(ctx, &ctx->names);
	return 0;
}

static int fail(const struct cmd_ctx *ctx, const struct err *err)
{
	const char *name = ctx->names.n == 1 && !ctx->all ? ctx->names.v[0] : NULL;

	out_error(ctx->cmd->name, name ? name : ctx->part, err->text);
	if (ctx->json)
		out_outcome(ctx, name, err);
	return cmd_code(ctx->cmd, err);
}

static int run_command(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_ctx ctx = { .cmd = cmd };
	struct host host = {};
	struct audit audit = {};
	struct err err = {};
	int ret, code;

	ret = getargs(&ctx, argc, argv, &err);
	if (ret == 0 && cmd_flag(&ctx, "help")) {
		usage_command(cmd);
		getargs_free(&ctx);
		return 0;
	}
	if (ret == 0) {
		audit_begin(&ctx, &audit);
		ret = prepare_command(&ctx, &host, &err);
	}
	bool begun = ret == 0;
	if (ret == 0)
		ret = call(&ctx, &err);
	code = ret < 0 ? fail(&ctx, &err) : exit_code;
	if (begun)
		audit_end(&ctx, &audit, code);
	audit_free(&audit);
	if (ret == 0 && ctx.json && !ctx.answered && !(cmd->flags & CMD_RAW))
		out_outcome(&ctx, ctx.names.n == 1 ? ctx.names.v[0] : NULL, NULL);
	getargs_free(&ctx);
	if (ctx.host)
		host_free(&host);
	return code;
}

static int no_command(const char *text, int argc, char **argv)
{
	struct cmd_ctx none = {};
	struct err err = {};

	out_error(NULL, NULL, text);
	err_set(&err, ERR_USAGE, 0, "%s", text);
	for (int i = 2; i < argc && !streq(argv[i], "--"); i++)
		if (streq(argv[i], "--json")) {
			out_outcome(&none, NULL, &err);
			break;
		}
	return ERR_USAGE;
}

static int unknown_command(const char *word, int argc, char **argv)
{
	_cleanup_(strv_free) struct strv known = {};
	_cleanup_free_ char *text = NULL;
	const char *near;

	usage_names(&known);
	near = getargs_nearest(word, &known);
	if (word[0] == '-')
		text = xasprintf(
		    "unknown option %s; options come after the command: see croft --help", word);
	else if (near)
		text = xasprintf("unknown command \"%s\"; the nearest is \"%s\"", word, near);
	else
		text = xasprintf("unknown command \"%s\"; see croft --help", word);
	return no_command(text, argc, argv);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct cmd *cmd = word ? cmd_find(word) : NULL;
	struct err err = {};
	int code = 0;

	prepare();
	if (cmd) {
		code = run_command(cmd, argc - 2, argv + 2);
	} else if (!word) {
		code = no_command("no command given; see croft --help", argc, argv);
	} else if (streq(word, "--help") || streq(word, "-h")) {
		usage_all();
	} else if (streq(word, "--version") || streq(word, "-V")) {
		usage_version();
	} else {
		code = unknown_command(word, argc, argv);
	}
	if (out_flush(&err) < 0) {
		out_error(NULL, NULL, err.text);
		code = code ? code : ERR_FAIL;
	}
	return code;
}
