// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several names: one process for each, at most --jobs at a time.
 *
 * A worker runs the command's `one` for its name as if it were alone; what it prints goes into two
 * memory files (memfd_create(2), Linux 3.17), which the parent prints whole, in the order in which
 * the names were given. Memory files and not pipes: nobody has to read while the worker writes, and
 * a process that keeps a copy of the descriptor cannot hold up the parent.
 *
 * What must stay true: one name does not fork; a worker that dies is reported; the parent holds
 * descriptors of running workers only, so a thousand names need no more than --jobs of them.
 */
#include "many.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/parse.h"
#include "out.h"
#include "profile.h"
#include "run/join.h"
#include "sys/fd.h"

#define OUTPUT_MAX    (64 << 20) /* of one worker, into memory */
#define PASSWORDS_MAX (1 << 20)

struct worker {
	pid_t pid; /* 0: not started, or ended */
	bool done;
	int fd[2];
	char *text[2];
	size_t len[2];
};

size_t cmd_jobs(const struct cmd_ctx *ctx)
{
	const char *text = cmd_value(ctx, "jobs");
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int n = 0;

	if (text && parse_int(text, 1, 1024, &n) == 0)
		return (size_t)n;
	if (ctx->host && ctx->host->jobs && ctx->host->jobs <= 1024)
		return ctx->host->jobs;
	return cpus > 0 ? (size_t)cpus * 2 : 2;
}

static void report(struct cmd_ctx *ctx, const char *name, const struct err *err)
{
	if (err)
		out_error(ctx->cmd->name, name, err->text);
	if (!ctx->json || (!err && (ctx->answered || (ctx->cmd->flags & CMD_RAW))))
		return;
	out_outcome(ctx, name, err);
}

int cmd_code(const struct cmd *cmd, const struct err *err)
{
	if (cmd->flags & CMD_EXEC_CODES)
		return JOIN_FAILED;
	return err->class ? (int)err->class : ERR_FAIL;
}

int many_one(struct cmd_ctx *ctx, const char *name)
{
	struct err err = {};
	int ret;

	ctx->changed = ctx->killed = ctx->answered = false;
	ret = ctx->cmd->one(ctx, name, &err);
	report(ctx, name, ret < 0 ? &err : NULL);
	if (ret < 0)
		return cmd_code(ctx->cmd, &err);
	return cmd_exit_code_now();
}

static void worker_main(struct cmd_ctx *ctx, const char *name, const struct worker *w)
{
	struct err err = {};
	int code;

	if (dup2(w->fd[0], STDOUT_FILENO) < 0 || dup2(w->fd[1], STDERR_FILENO) < 0)
		_exit(ERR_FAIL);
	cmd_exit_code(0);
	code = many_one(ctx, name);
	if (out_flush(&err) < 0 && code == 0)
		code = ERR_FAIL;
	_exit(code);
}

static int worker_start(struct cmd_ctx *ctx, const char *name, struct worker *w, struct err *err)
{
	w->fd[0] = memfd_create("stdout", MFD_CLOEXEC);
	w->fd[1] = memfd_create("stderr", MFD_CLOEXEC);
	if (w->fd[0] < 0 || w->fd[1] < 0)
		return err_errno(err, "cannot hold a worker's output");
	w->pid = fork();
	if (w->pid < 0) {
		w->pid = 0;
		return err_errno(err, "cannot start a worker");
	}
	if (w->pid == 0)
		worker_main(ctx, name, w);
	return 0;
}

/* Takes the worker's output out of its memory files, so that the descriptors are free again. */
static void collect(struct worker *w)
{
	for (int i = 0; i < 2; i++) {
		if (w->fd[i] < 0)
			continue;
		if (lseek(w->fd[i], 0, SEEK_SET) == 0)
			(void)fd_read_all(w->fd[i], OUTPUT_MAX, &w->text[i], &w->len[i]);
		fd_drop(&w->fd[i]);
	}
	w->done = true;
}

static void print(struct worker *w)
{
	if (w->len[1]) /* where stderr cannot be written, the exit code is all there is */
		(void)fd_write_all(STDERR_FILENO, w->text[1], w->len[1]);
	if (w->len[0])
		out_add(w->text[0], w->len[0]);
	for (int i = 0; i < 2; i++) {
		free(w->text[i]);
		w->text[i] = NULL;
	}
}

static int code_of(const struct cmd_ctx *ctx, const char *name, int status)
{
	struct err err = {};

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	err_set(&err, ERR_FAIL, 0, "the worker was ended by signal %d; run: croft recover %s",
		WTERMSIG(status), name);
	out_error(ctx->cmd->name, name, err.text);
	if (ctx->json)
		out_outcome(ctx, name, &err);
	return ERR_FAIL;
}

/* Waits for one of the workers; returns its index, with its exit status. */
static size_t wait_one(struct worker *w, size_t n, int *ret_status)
{
	for (;;) {
		pid_t pid = waitpid(-1, ret_status, 0);

		if (pid < 0 && errno != EINTR)
			return n;
		for (size_t i = 0; pid > 0 && i < n; i++)
			if (w[i].pid == pid)
				return i;
	}
}

static void start_failed(struct cmd_ctx *ctx, const char *name, struct worker *w, struct err *err)
{
	collect(w);
	out_error(ctx->cmd->name, name, err->text);
	if (ctx->json)
		out_outcome(ctx, name, err);
}

void many_run(struct cmd_ctx *ctx, const struct strv *names, size_t jobs, int *ret_codes)
{
	_cleanup_free_ struct worker *w = xcalloc(names->n, sizeof(*w));
	size_t started = 0, running = 0, printed = 0;
	struct err err = {};

	for (size_t i = 0; i < names->n; i++)
		w[i].fd[0] = w[i].fd[1] = -1;
	(void)out_flush(&err); /* a fork must not carry it along */
	while (printed < names->n) {
		if (started < names->n && running < jobs) {
			size_t i = started++;

			if (worker_start(ctx, names->v[i], &w[i], &err) == 0) {
				running++;
			} else {
				start_failed(ctx, names->v[i], &w[i], &err);
				ret_codes[i] = err.class;
			}
		} else {
			int status = 0;
			size_t i = wait_one(w, names->n, &status);

			if (i == names->n)
				break;
			running--;
			w[i].pid = 0;
			collect(&w[i]);
			ret_codes[i] = code_of(ctx, names->v[i], status);
		}
		while (printed < names->n && w[printed].done)
			print(&w[printed++]);
		(void)out_flush(&err); /* main sees a failure as well */
	}
}

int cmd_assign(const struct cmd_ctx *ctx, struct server *s, struct err *err)
{
	for (size_t i = 0; i < ctx->srv_name.n; i++) {
		const struct opt *o = opt_find(&s->set, ctx->srv_name.v[i]);
		int ret = opt_assign(&s->set, o, ctx->srv_value.v[i], ORIGIN_ARGS, err);

		if (ret < 0)
			return err_wrap(err, ret, "--%s", o->name);
	}
	return 0;
}

void cmd_warn_depends(const struct cmd_ctx *ctx, const struct server *s)
{
	for (size_t i = 0; i < s->boot.depends.n; i++) {
		const char *name = s->boot.depends.v[i];

		/* All those of one croft create come to be in parallel. */
		if (server_exists(ctx->host, name) || strv_has(&ctx->names, name))
			continue;
		_cleanup_free_ char *text =
		    xasprintf("it depends on %s, and there is no such server", name);
		out_warn(ctx, s->name, text);
	}
}

static int password_file(struct cmd_ctx *ctx, struct err *err)
{
	const char *path = cmd_value(ctx, "password-file");
	_cleanup_(strv_free) struct strv lines = {};
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t n = 0;
	int ret;

	if (!path)
		return 0;
	/* The operator's own: it may be a pipe. */
	fd = streq(path, "-") ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	ret = fd < 0 ? -errno : fd_read_all(fd, PASSWORDS_MAX, &text, &n);
	if (ret < 0)
		return err_set(err, ERR_FAIL, -ret, "--password-file %s", path);
	strv_split(&lines, text ? text : "", "\r\n");
	if (text)
		explicit_bzero(text, n);
	if (!lines.n)
		return err_set(err, ERR_USAGE, 0, "--password-file %s: it has no line", path);
	for (size_t i = 0; i < lines.n; i++) {
		strv_add(&ctx->srv_name, "password");
		strv_add(&ctx->srv_value, lines.v[i]);
		explicit_bzero(lines.v[i], strlen(lines.v[i]));
	}
	return 0;
}

static int assign_check(const struct cmd_ctx *ctx, struct err *err)
{
	struct server s;
	int ret;

	if (ctx->names.n < 2)
		return 0;
	ret = server_init(&s, ctx->host, ctx->names.v[0], err);
	if (ret < 0)
		return ret;
	ret = cmd_assign(ctx, &s, err);
	server_free(&s);
	return ret;
}

int cmd_each_assigned(struct cmd_ctx *ctx, struct err *err)
{
	int ret = profile_take(ctx, err);

	if (ret == 0)
		ret = password_file(ctx, err);
	if (ret == 0)
		ret = assign_check(ctx, err);
	if (ret == 0)
		cmd_each(ctx, &ctx->names);
	return ret;
}

void cmd_summary(const struct cmd_ctx *ctx, size_t n, size_t failed, const char *what)
{
	if (ctx->json || ctx->quiet)
		return;
	if (n)
		out_printf("%zu of %zu servers %s\n", n - failed, n, what);
	else if (ctx->cmd->flags & CMD_RUNNING)
		out_puts("no server runs\n");
	else
		out_puts("there is no server\n");
}

void cmd_each_counted(struct cmd_ctx *ctx, const struct strv *names, const char *what)
{
	size_t failed = cmd_each(ctx, names);

	if (ctx->all)
		cmd_summary(ctx, names->n, failed, what);
}

size_t cmd_each(struct cmd_ctx *ctx, const struct strv *names)
{
	_cleanup_free_ int *codes = xcalloc(names->n + 1, sizeof(*codes));
	int worst = 0;
	size_t failed = 0;

	if (names->n == 1)
		codes[0] = many_one(ctx, names->v[0]);
	else if (names->n)
		many_run(ctx, names, cmd_jobs(ctx), codes);
	for (size_t i = 0; i < names->n; i++) {
		failed += codes[i] != 0;
		if (codes[i] > worst)
			worst = codes[i];
	}
	if (worst > cmd_exit_code_now())
		cmd_exit_code(worst);
	ctx->answered = true;
	return failed;
}
