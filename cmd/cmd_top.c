// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * croft top: what the running servers use, on a screen that is drawn anew every few seconds, or as
 * one table after the other.
 *
 * What must stay true: the terminal is as it was before on every way out (sys/tty_screen.h); what
 * is drawn goes out in one write(2), and of it only the lines that have changed, so that nothing
 * flickers and a slow line is enough.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/parse.h"
#include "out.h"
#include "select.h"
#include "sys/lock.h"
#include "sys/tty_screen.h"
#include "top.h"

#define DELAY_DEFAULT "2"
#define DELAY_MIN     100
#define FIRST_MS      250 /* from the first look to the one that knows what was used since */

struct view {
	struct top top;
	uint64_t delay_ms, deadline_ms, looks; /* looks: 0 is without end */
	bool batch, paused;
	size_t first; /* the first server on the screen */
	size_t rows, cols;
	struct strv shown; /* the lines that are on it */
};

static int read_options(const struct cmd_ctx *ctx, struct view *v, struct err *err)
{
	const char *delay = str_or(cmd_value(ctx, "delay"), DELAY_DEFAULT);
	const char *count = cmd_value(ctx, "count"), *sort = cmd_value(ctx, "sort");
	enum top_sort i = 0;

	v->batch = cmd_flag(ctx, "batch");
	v->deadline_ms = ctx->deadline_ms;
	if (ctx->json)
		return err_set(err, ERR_USAGE, 0,
			       "croft top prints no JSON; croft list --json has the figures");
	if (parse_duration(delay, &v->delay_ms) < 0 || v->delay_ms < DELAY_MIN ||
	    v->delay_ms > UINT64_C(86400000))
		return err_set(err, ERR_USAGE, 0, "--delay %s: expected seconds, from 0.1 to 86400",
			       delay);
	if (count && (parse_u64(count, &v->looks) < 0 || !v->looks))
		return err_set(err, ERR_USAGE, 0, "--count %s: expected a number from 1", count);
	while (sort && i < TOP_SORTS && !streq(sort, top_sort_name[i]))
		i++;
	if (i == TOP_SORTS)
		return err_set(err, ERR_USAGE, 0,
			       "--sort %s: expected one of cpu, memory, pids, io, name", sort);
	v->top.sort = i;
	return 0;
}

/* -- one table after the other -------------------------------------------------------------- */

static int wait_until(const struct view *v, uint64_t ms, struct err *err)
{
	uint64_t end = ms < v->deadline_ms ? ms : v->deadline_ms, now;

	while ((now = clock_ms()) < end) {
		struct timespec ts = { .tv_sec = (time_t)((end - now) / 1000),
				       .tv_nsec = (long)((end - now) % 1000) * 1000000L };

		nanosleep(&ts, NULL);
	}
	if (end < ms)
		return err_set(err, ERR_BUSY, 0, "the deadline has passed");
	return 0;
}

static void print_line(char *text)
{
	out_puts(text);
	out_puts("\n");
	free(text);
}

static int batch(struct view *v, struct err *err)
{
	uint64_t next = clock_ms() + (v->delay_ms < FIRST_MS ? v->delay_ms : FIRST_MS);
	int r = top_read(&v->top, err);

	for (uint64_t i = 0; r == 0 && (!v->looks || i < v->looks); i++) {
		r = wait_until(v, next, err);
		if (r == 0)
			r = top_read(&v->top, err);
		if (r < 0)
			return r;
		next = clock_ms() + v->delay_ms;
		if (i)
			out_puts("\n");
		print_line(top_host_line(&v->top));
		print_line(top_heading(&v->top, 0));
		for (size_t k = 0; k < v->top.n; k++)
			print_line(top_line(&v->top, v->top.by[k], 0));
		r = out_flush(err);
	}
	return r;
}

/* -- the screen ----------------------------------------------------------------------------- */

#define HEAD_LINES 3

static size_t room(const struct view *v)
{
	return v->rows > HEAD_LINES ? v->rows - HEAD_LINES : 0;
}

static char *keys_line(const struct view *v)
{
	size_t last = v->first + room(v) < v->top.n ? v->first + room(v) : v->top.n;
	_cleanup_free_ char *part = NULL;

	if (v->first || last < v->top.n)
		part = xasprintf("   %zu-%zu of %zu", v->first + 1, last, v->top.n);
	/* What changes comes first: a narrow terminal cuts the end off. */
	return xasprintf("by %s (c m p i n)%s%s   q quits   space %s", top_sort_name[v->top.sort],
			 part ? part : "", v->paused ? "   PAUSED" : "",
			 v->paused ? "goes on" : "pauses");
}

/* A line that is on the screen already is left alone. */
static void draw_line(struct view *v, struct strv *now, char *text, struct buf *b)
{
	size_t i = now->n, n;
	bool heading = i == HEAD_LINES - 1;

	if (i >= v->rows) {
		free(text);
		return;
	}
	n = strlen(text);
	if (n > v->cols)
		text[n = v->cols] = '\0';
	if (i >= v->shown.n || !streq(v->shown.v[i], text))
		buf_printf(b, "\033[%zu;1H%s%s%*s%s", i + 1, heading ? "\033[7m" : "", text,
			   (int)(v->cols - n), "", heading ? "\033[0m" : "");
	strv_take(now, text);
}

static int draw(struct view *v, struct err *err)
{
	struct strv now = {};
	struct buf b = {};
	int r = 0;

	if (v->first + room(v) > v->top.n)
		v->first = v->top.n > room(v) ? v->top.n - room(v) : 0;
	draw_line(v, &now, top_host_line(&v->top), &b);
	draw_line(v, &now, keys_line(v), &b);
	draw_line(v, &now, top_heading(&v->top, v->cols), &b);
	for (size_t i = v->first; i < v->top.n && now.n < v->rows; i++)
		draw_line(v, &now, top_line(&v->top, v->top.by[i], v->cols), &b);
	if (now.n < v->shown.n)
		buf_printf(&b, "\033[%zu;1H\033[J", now.n + 1);
	if (b.len)
		r = tty_screen_write(b.s, b.len, err);
	buf_free(&b);
	strv_free(&v->shown);
	v->shown = now;
	return r;
}

static void take_size(struct view *v)
{
	unsigned rows, cols;

	tty_screen_size(&rows, &cols);
	v->rows = rows;
	v->cols = cols;
	strv_free(&v->shown); /* whatever was there is gone */
}

static void scroll(struct view *v, int key)
{
	size_t page = room(v) > 1 ? room(v) - 1 : 1;

	if (key == TTY_KEY_UP && v->first)
		v->first--;
	else if (key == TTY_KEY_DOWN)
		v->first++;
	else if (key == TTY_KEY_PAGE_UP)
		v->first -= v->first < page ? v->first : page;
	else if (key == TTY_KEY_PAGE_DOWN)
		v->first += page;
	else if (key == TTY_KEY_HOME)
		v->first = 0;
	else if (key == TTY_KEY_END)
		v->first = v->top.n;
}

/* False: it is to end. */
static bool on_key(struct view *v, int key)
{
	static const char sorts[TOP_SORTS + 1] = "cmpin";
	const char *sort = key > 0 && key < 128 ? strchr(sorts, key) : NULL;

	if (key == 'q' || key == TTY_KEY_GONE)
		return false;
	if (key == TTY_KEY_REDRAW || key == 'L' - '@')
		take_size(v);
	else if (key == ' ')
		v->paused = !v->paused;
	else if (sort) {
		v->top.sort = (enum top_sort)(sort - sorts);
		v->first = 0;
		top_sort(&v->top);
	} else {
		scroll(v, key);
	}
	return true;
}

static int screen(struct view *v, struct err *err)
{
	uint64_t next = clock_ms() + (v->delay_ms < FIRST_MS ? v->delay_ms : FIRST_MS);
	uint64_t done = 0;
	int r;

	take_size(v);
	r = draw(v, err);
	while (r == 0) {
		uint64_t until = v->paused ? UINT64_MAX : next;
		int key = tty_screen_key(until < v->deadline_ms ? until : v->deadline_ms);

		if (!on_key(v, key))
			return 0;
		if (clock_ms() >= v->deadline_ms)
			return err_set(err, ERR_BUSY, 0, "the deadline has passed");
		if (!v->paused && clock_ms() >= next) {
			if (v->looks && done++ == v->looks)
				return 0;
			r = top_read(&v->top, err);
			next = clock_ms() + v->delay_ms;
		}
		if (r == 0)
			r = draw(v, err);
	}
	return r;
}

static int on_screen(struct view *v, struct err *err)
{
	const char *term = getenv("TERM");
	int r;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !term || streq(term, "dumb"))
		return err_set(err, ERR_USAGE, 0,
			       "standard input and output are no terminal with a screen; "
			       "--batch needs none");
	r = top_read(&v->top, err); /* what is wrong is told on the operator's screen */
	if (r == 0)
		r = tty_screen_open(STDIN_FILENO, STDOUT_FILENO, err);
	if (r == 0)
		r = screen(v, err);
	tty_screen_close();
	return r;
}

static int top_run(struct cmd_ctx *ctx, struct err *err)
{
	struct view v = { .top = { .ctx = ctx, .groups = { .host = ctx->host } } };
	_cleanup_(strv_free) struct strv named = {};
	int r = read_options(ctx, &v, err);

	if (r == 0)
		r = select_words(ctx, &named, err);
	if (r == 0)
		r = v.batch ? batch(&v, err) : on_screen(&v, err);
	strv_free(&v.shown);
	top_free(&v.top);
	return r;
}

static const struct cmd_opt opts[] = {
	{ .name = "delay",
	  .letter = 'd',
	  .metavar = "SEC",
	  .help = "time between two looks (default: " DELAY_DEFAULT ")" },
	{ .name = "batch", .letter = 'b', .help = "print tables one after the other, no screen" },
	{ .name = "count", .letter = 'n', .metavar = "N", .help = "end after N tables" },
	{ .name = "sort",
	  .metavar = "KEY",
	  .help = "cpu, memory, pids, io (the largest first) or name (default: cpu)" },
};

const struct cmd cmd_top = {
	.name = "top",
	.section = "Looking",
	.args = "[PATTERN...]",
	.help = "watch what the running servers use",
	.more =
	    "CPU% is of the CPUs that the server may use. THR%: of the times it could have been "
	    "throttled,\n"
	    "how many it was. WM% WC% WI%: part of the last 10 s in which some of it waited for "
	    "memory, CPU,\n"
	    "disk. Keys: c m p i n sort, arrows and page keys scroll, space pauses, q quits.",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_ROOT | CMD_REST | CMD_NO_AUDIT,
	.run = top_run,
};
