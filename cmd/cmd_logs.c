// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * croft logs: what the server printed on its console. The files hold it as it was printed, and the
 * server may be hostile: on a terminal everything that could be an order to it is made visible.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/parse.h"
#include "cmd.h"
#include "run/run.h"
#include "sys/fd.h"
#include "sys/json.h"
#include "sys/lock.h"
#include "sys/tty.h"

#define FOLLOW_US 200000

/* The two halves, the older one first; -1 where there is none. */
struct log {
	char *path[2];
	int fd[2];
	bool tty;
	const char *json; /* the server's name, where each line shall be an object */
	size_t n;	  /* what is in buf: the beginning of a line whose end has not come */
	char buf[16384];
};

static ino_t inode(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static int open_log(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

/* A rotation may fall between the two opens; then both are the same file. */
static int log_open(struct log *l, const struct host *h, const char *name, struct err *err)
{
	l->path[1] = console_log_path(h, name);
	l->path[0] = xasprintf("%s.1", l->path[1]);
	l->tty = isatty(STDOUT_FILENO);
	l->fd[1] = open_log(l->path[1]);
	if (l->fd[1] < 0 && errno != ENOENT)
		return err_errno(err, "cannot open %s", l->path[1]);
	l->fd[0] = open_log(l->path[0]);
	if (l->fd[0] >= 0 && inode(l->fd[0]) == inode(l->fd[1])) {
		fd_drop(&l->fd[1]);
		l->fd[1] = open_log(l->path[1]);
	}
	return 0;
}

static void log_close(struct log *l)
{
	fd_drop(&l->fd[0]);
	fd_drop(&l->fd[1]);
	free(l->path[0]);
	free(l->path[1]);
}

/* A line of a serial console ends with both characters. What is no text becomes U+FFFD. */
static void add_object(const struct log *l, const char *line, size_t n, struct buf *out)
{
	_cleanup_free_ char *text = xmalloc(n + 1);
	struct json_out *j = json_new(false);

	if (n && line[n - 1] == '\r')
		n--;
	for (size_t i = 0; i < n; i++)
		text[i] = line[i] ? line[i] : '\xff';
	text[n] = '\0';
	json_obj(j, NULL);
	json_str(j, "name", l->json);
	json_str(j, "line", text);
	json_obj_end(j);
	_cleanup_free_ char *object = json_done(j);
	buf_puts(out, object);
}

static int emit_json(const struct log *l, size_t n)
{
	_cleanup_(buf_free) struct buf out = { 0 };

	for (size_t at = 0; at < n;) {
		const char *nl = memchr(l->buf + at, '\n', n - at);
		size_t len = nl ? (size_t)(nl - l->buf) - at : n - at;

		add_object(l, l->buf + at, len, &out);
		at += len + (nl != NULL);
	}
	return out.len ? fd_write_all(STDOUT_FILENO, out.s, out.len) : 0;
}

/* Writes whole lines, so that no sequence of bytes is judged by its half; `all`: the rest as well.
 */
static int emit(struct log *l, bool all, struct err *err)
{
	const char *nl = memrchr(l->buf, '\n', l->n);
	size_t n = all || l->n == sizeof(l->buf) ? l->n : nl ? (size_t)(nl - l->buf) + 1 : 0;
	int r = 0;

	if (l->json)
		r = emit_json(l, n);
	else if (l->tty)
		tty_write_clean(STDOUT_FILENO, l->buf, n, true);
	else if (n)
		r = fd_write_all(STDOUT_FILENO, l->buf, n);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot write to standard output");
	memmove(l->buf, l->buf + n, l->n - n);
	l->n -= n;
	return 0;
}

/* Copies from the file's position to its end. */
static int copy(struct log *l, int fd, struct err *err)
{
	for (;;) {
		ssize_t r = fd >= 0 ? read(fd, l->buf + l->n, sizeof(l->buf) - l->n) : 0;

		if (r < 0)
			return err_errno(err, "cannot read the log");
		if (r == 0)
			return 0;
		l->n += (size_t)r;
		int ret = emit(l, false, err);
		if (ret < 0)
			return ret;
	}
}

/* Sets the file's position behind the lines-th newline from its end (the last byte's does not
 * count) and takes off what was found; at the beginning when there are fewer. */
static void seek_lines(int fd, uint64_t *lines, bool last)
{
	char buf[16384];
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0, at = end;

	while (at > 0) {
		size_t n = at > (off_t)sizeof(buf) ? sizeof(buf) : (size_t)at;

		at -= (off_t)n;
		ssize_t r = pread(fd, buf, n, at);
		for (ssize_t i = r; i-- > 0;) {
			if (buf[i] != '\n' || (last && at + i + 1 == end))
				continue;
			if (--*lines == 0) {
				lseek(fd, at + i + 1, SEEK_SET);
				return;
			}
		}
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
}

/* The halves are one text: the older one's last line may go on in the newer. */
static int last_lines(struct log *l, const char *text, struct err *err)
{
	uint64_t lines;

	if (parse_u64(text, &lines) < 0)
		return err_set(err, ERR_USAGE, 0, "--lines: '%s' is not a number", text);
	if (lines > 0)
		seek_lines(l->fd[1], &lines, true);
	else if (l->fd[1] >= 0)
		lseek(l->fd[1], 0, SEEK_END);
	if (lines > 0)
		seek_lines(l->fd[0], &lines, l->fd[1] < 0);
	else if (l->fd[0] >= 0)
		lseek(l->fd[0], 0, SEEK_END);
	return 0;
}

static int follow(struct log *l, uint64_t deadline, struct err *err)
{
	while (clock_ms() < deadline) {
		struct stat st;
		int r = copy(l, l->fd[1], err);

		if (r == 0)
			r = emit(l, true, err);
		if (r < 0)
			return r;
		if (stat(l->path[1], &st) == 0 && st.st_ino != inode(l->fd[1])) {
			r = copy(l, l->fd[1], err); /* what came before it was renamed */
			if (r < 0)
				return r;
			fd_drop(&l->fd[1]);
			l->fd[1] = open_log(l->path[1]);
			continue;
		}
		usleep(FOLLOW_US);
	}
	return 0;
}

static int logs_run(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_(log_close) struct log l = { .fd = { -1, -1 } };
	const char *name = ctx->names.v[0], *lines = cmd_value(ctx, "lines");
	int r;

	if (!server_exists(ctx->host, name))
		return err_set(err, ERR_ABSENT, 0, "no such server");
	l.json = ctx->json ? name : NULL;
	r = log_open(&l, ctx->host, name, err);
	if (r == 0 && lines)
		r = last_lines(&l, lines, err);
	if (r == 0)
		r = copy(&l, l.fd[0], err);
	if (r == 0)
		r = copy(&l, l.fd[1], err);
	if (r == 0)
		r = emit(&l, true, err);
	if (r == 0 && cmd_flag(ctx, "follow"))
		r = follow(&l, ctx->deadline_ms, err);
	return r;
}

static const struct cmd_opt logs_opts[] = {
	{ .name = "lines", .letter = 'n', .metavar = "N", .help = "only the last N lines" },
	{ .name = "follow", .letter = 'f', .help = "go on with what is printed from now" },
};

const struct cmd cmd_logs = {
	.name = "logs",
	.section = "Looking",
	.args = "NAME",
	.help = "print what a server wrote to its console",
	.more = "Works for stopped servers as well. On a terminal control characters are made "
		"visible; elsewhere\n"
		"the bytes are as the server wrote them.",
	.opts = logs_opts,
	.n_opts = ARRAY_LEN(logs_opts),
	.flags = CMD_ROOT | CMD_NAME | CMD_RAW | CMD_NO_AUDIT,
	.run = logs_run,
};
