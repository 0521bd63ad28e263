// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * croft events: what happened to servers, and with --audit who did what. Both are files of lines
 * (sys/spool.h), each an object of JSON, and are printed as they are; a line that is none is left
 * out. The older half is read first.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "audit.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/parse.h"
#include "out.h"
#include "run/events.h"
#include "select.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/spool.h"
#include "sys/tty.h"

#define TICK_MS	  1000 /* also without a notice: a file may be another's than who notices */
#define LINES_MAX 1000000

struct source {
	int fd;
	bool skip; /* in the middle of a line that is too long to be one */
	size_t n;  /* what is in buf: the beginning of a line whose end has not come */
	char buf[2 * SPOOL_LINE_MAX];
};

struct events {
	const struct cmd_ctx *ctx;
	char *path[2]; /* the older half, the newer */
	struct source of[2];
	char since[SPOOL_TIME]; /* "": all */
	bool audit, tty;
	char **last; /* a ring of so many lines, until all that is there was read; NULL: none */
	size_t n_last, seen;
	struct buf out;
};

/* -- which lines ---------------------------------------------------------------------------- */

static bool matches(const struct cmd_ctx *ctx, const char *word)
{
	return ctx->n_rest == 0 || (word && select_matches(ctx, word));
}

static bool is_wanted(const struct events *e, const char *line, size_t n)
{
	struct json *j = NULL;
	struct err unused = {};
	bool wanted;

	if (!n || json_parse(line, n, &j, &unused) < 0)
		return false;
	const char *when = json_get_str(j, "time");
	const struct json *args = json_at(j, "args");
	wanted = when && strcmp(when, e->since) >= 0;
	if (wanted && !e->audit)
		wanted = matches(e->ctx, json_get_str(j, "server"));
	bool named = e->ctx->n_rest == 0;
	for (size_t i = 0; e->audit && i < json_len(args); i++)
		named |= matches(e->ctx, json_get_str(json_item(args, i), ""));
	json_free(j);
	return wanted && (named || !e->audit);
}

static void take_line(struct events *e, const char *line, size_t n)
{
	if (!is_wanted(e, line, n))
		return;
	if (e->last) {
		char **place = &e->last[e->seen++ % e->n_last];

		free(*place);
		*place = xstrndup(line, n);
		return;
	}
	buf_add(&e->out, line, n);
	buf_puts(&e->out, "\n");
}

/* -- reading -------------------------------------------------------------------------------- */

static int flush(struct events *e, struct err *err)
{
	int r = 0;

	if (e->tty && e->out.len)
		tty_write_clean(STDOUT_FILENO, e->out.s, e->out.len, true);
	else if (e->out.len)
		r = fd_write_all(STDOUT_FILENO, e->out.s, e->out.len);
	e->out.len = 0;
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot write to standard output") : 0;
}

static void take_lines(struct events *e, struct source *s)
{
	size_t at = 0;
	char *nl;

	while ((nl = memchr(s->buf + at, '\n', s->n - at))) {
		size_t len = (size_t)(nl - s->buf) - at;

		if (!s->skip)
			take_line(e, s->buf + at, len);
		s->skip = false;
		at += len + 1;
	}
	memmove(s->buf, s->buf + at, s->n - at);
	s->n -= at;
	if (s->n == sizeof(s->buf)) {
		s->skip = true;
		s->n = 0;
	}
}

/* From the file's position to its end. */
static int drain(struct events *e, struct source *s, struct err *err)
{
	for (;;) {
		ssize_t r = s->fd < 0 ? 0 : read(s->fd, s->buf + s->n, sizeof(s->buf) - s->n);

		if (r < 0)
			return err_errno(err, "cannot read %s", e->path[1]);
		if (r == 0)
			return flush(e, err);
		s->n += (size_t)r;
		take_lines(e, s);
		if (e->out.len > SPOOL_LINE_MAX * 4 && flush(e, err) < 0)
			return -EIO;
	}
}

static ino_t inode(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* As who writes it: sys/spool.h. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

/* A rotation may fall between the two opens; then both are the same file. */
static int events_open(struct events *e, struct err *err)
{
	e->path[1] = e->audit ? audit_path(e->ctx->host) : event_path(e->ctx->host);
	e->path[0] = xasprintf("%s.1", e->path[1]);
	e->tty = isatty(STDOUT_FILENO);
	e->of[1].fd = open_file(e->path[1]);
	if (e->of[1].fd < 0 && errno != ENOENT)
		return err_errno(err, "cannot open %s", e->path[1]);
	e->of[0].fd = open_file(e->path[0]);
	if (e->of[0].fd >= 0 && inode(e->of[0].fd) == inode(e->of[1].fd)) {
		fd_drop(&e->of[1].fd);
		e->of[1].fd = open_file(e->path[1]);
	}
	return 0;
}

static void events_close(struct events *e)
{
	for (int i = 0; i < 2; i++) {
		fd_drop(&e->of[i].fd);
		free(e->path[i]);
	}
	for (size_t i = 0; e->last && i < e->n_last; i++)
		free(e->last[i]);
	free(e->last);
	buf_free(&e->out);
}

/* -- following ------------------------------------------------------------------------------ */

/* The file has another name now. What a late writer adds to it is still read. */
static void change_over(struct events *e)
{
	struct stat st;

	if (stat(e->path[1], &st) < 0 || st.st_ino == inode(e->of[1].fd))
		return;
	fd_drop(&e->of[0].fd);
	e->of[0] = e->of[1];
	e->of[1] = (struct source) { .fd = open_file(e->path[1]) };
}

/* Waits until a file may have grown. False: nobody reads what is printed any more. */
static bool await(int notify, uint64_t deadline)
{
	struct pollfd p[] = { { .fd = notify, .events = POLLIN }, { .fd = STDOUT_FILENO } };
	uint64_t now = clock_ms();
	uint64_t ms = deadline <= now ? 0 : deadline - now;
	char events[4096];

	if (poll(p, 2, ms < TICK_MS ? (int)ms : notify < 0 ? 200 : TICK_MS) > 0 && p[0].revents)
		while (read(notify, events, sizeof(events)) > 0)
			;
	return !(p[1].revents & (POLLERR | POLLHUP));
}

static int follow(struct events *e, int notify, struct err *err)
{
	uint64_t deadline = e->ctx->deadline_ms;
	int r = 0;

	while (r == 0 && clock_ms() < deadline && await(notify, deadline)) {
		r = drain(e, &e->of[0], err);
		if (r == 0)
			r = drain(e, &e->of[1], err);
		change_over(e);
	}
	return r;
}

/* Without a watch the files are looked at from time to time. */
static int watch(const struct host *h)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, h->var, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		fd_drop(&fd);
	return fd;
}

/* -- the command ---------------------------------------------------------------------------- */

/* A time as it is in the lines, as far as it is given, or how long ago. */
static int parse_since(const char *text, char out[SPOOL_TIME], struct err *err)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.ddd";
	size_t n = strlen(text);
	struct timespec now;
	uint64_t ago;

	if (parse_duration(text, &ago) == 0 && ago < UINT64_C(1000) * 86400 * 365 * 50) {
		clock_gettime(CLOCK_REALTIME, &now);
		int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - (int64_t)ago;
		spool_time_of(ms > 0 ? ms : 0, out);
		return 0;
	}
	n -= n && text[n - 1] == 'Z'; /* the lines may go on with a fraction */
	bool good = n == 10 || n == 16 || n == 19 || n == 23;
	for (size_t i = 0; good && i < n; i++)
		good = form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i];
	struct tm tm = {}, t;
	if (good) { /* timegm(3) makes the 31st of a shorter month a day of the next */
		sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		       &tm.tm_hour, &tm.tm_min, &tm.tm_sec);
		tm.tm_year -= 1900, tm.tm_mon--;
		t = tm;
		timegm(&t);
		good = t.tm_mon == tm.tm_mon && t.tm_mday == tm.tm_mday &&
		       t.tm_hour == tm.tm_hour && t.tm_min == tm.tm_min && t.tm_sec == tm.tm_sec;
	}
	if (!good)
		return err_set(err, ERR_USAGE, 0,
			       "--since: '%.40s' is neither a time as 2026-11-23T15:00 (UTC) nor "
			       "how long ago, as 90, 10m, 2h",
			       text);
	snprintf(out, SPOOL_TIME, "%.*s", (int)n, text);
	return 0;
}

static int parse_args(struct events *e, struct err *err)
{
	const char *since = cmd_value(e->ctx, "since"), *lines = cmd_value(e->ctx, "lines");
	int n = 0, r = 0;

	for (size_t i = 0; r == 0 && i < e->ctx->n_rest; i++)
		if (!strpbrk(e->ctx->rest[i], "*?["))
			r = name_check("server", e->ctx->rest[i], err);
	if (r == 0 && since)
		r = parse_since(since, e->since, err);
	if (r < 0 || !lines)
		return r;
	if (parse_int(lines, 0, LINES_MAX, &n) < 0)
		return err_set(err, ERR_USAGE, 0, "--lines: '%.40s' is no number from 0 to %d",
			       lines, LINES_MAX);
	e->n_last = n ? (size_t)n : 1;
	e->last = xcalloc(e->n_last, sizeof(*e->last));
	return 0;
}

/* Prints the ring, and gives it up. */
static int print_last(struct events *e, struct err *err)
{
	bool none = streq(str_or(cmd_value(e->ctx, "lines"), ""), "0");
	size_t first = e->seen > e->n_last ? e->seen - e->n_last : 0;

	for (size_t i = first; e->last && i < e->seen; i++) {
		char **line = &e->last[i % e->n_last];

		if (!none) {
			buf_puts(&e->out, *line);
			buf_puts(&e->out, "\n");
		}
		free(*line);
		*line = NULL;
	}
	free(e->last);
	e->last = NULL;
	return flush(e, err);
}

static void print_names(const struct cmd_ctx *ctx)
{
	_cleanup_(strv_free) struct strv rows = {};

	for (size_t i = 0; i < EVENT_N; i++) {
		strv_add(&rows, event_rows[i].name);
		strv_add(&rows, event_rows[i].help);
	}
	out_words(ctx, "event", &rows);
}

static int events_run(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_(events_close) struct events e = { .ctx = ctx, .audit = cmd_flag(ctx, "audit") };
	_cleanup_close_ int notify = -1;
	bool goes_on = cmd_flag(ctx, "follow");
	int r;

	e.of[0].fd = e.of[1].fd = -1;
	if (cmd_flag(ctx, "names")) {
		print_names(ctx);
		return 0;
	}
	r = parse_args(&e, err);
	if (r == 0)
		r = cmd_need_root(err);
	if (r < 0)
		return r;
	if (goes_on)
		notify = watch(ctx->host);
	r = events_open(&e, err);
	for (int i = 0; r == 0 && i < 2; i++)
		r = drain(&e, &e.of[i], err);
	if (r == 0)
		r = print_last(&e, err);
	return r == 0 && goes_on ? follow(&e, notify, err) : r;
}

static const struct cmd_opt events_opts[] = {
	{ .name = "lines", .letter = 'n', .metavar = "N", .help = "only the last N" },
	{ .name = "since",
	  .metavar = "WHEN",
	  .help = "only those since 2026-11-23T15:00 (UTC), or since 10m, 2h ago" },
	{ .name = "follow", .letter = 'f', .help = "go on with what happens from now" },
	{ .name = "audit", .help = "the audit log: which commands were run, by whom" },
	{ .name = "names", .help = "print the names of events, and what each means" },
};

const struct cmd cmd_events = {
	.name = "events",
	.section = "Looking",
	.args = "[PATTERN...]",
	.help = "print what happened to servers, or who did what",
	.more = "One line for each, an object of JSON. A pattern is a name, or as in \"web*\"; of "
		"servers\n"
		"that are no more there are events as well.",
	.opts = events_opts,
	.n_opts = ARRAY_LEN(events_opts),
	.flags = CMD_REST | CMD_RAW | CMD_NO_AUDIT,
	.run = events_run,
};
