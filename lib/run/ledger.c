// SPDX-License-Identifier: GPL-2.0-or-later
/* What a server has used in all; see ledger.h. A line for each figure: name, before, last; "-" is
 * not known. */
#include "run/ledger.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/fd.h"

#define LEDGER_MAX 16384
#define MAGIC	   "croft-ledger 1"

static char *ledger_path(const struct host *h, const char *name)
{
	return xasprintf("%s/servers/%s/ledger", h->var, name);
}

/* Where it goes when its own file cannot be written, a full disk say: until the next that can. */
static char *spare_path(const struct host *h, const char *name)
{
	return xasprintf("%s/.ledger.%s", h->run, name);
}

/* The one that was written last: who is killed while moving from one to the other leaves both. */
static char *newest_path(const struct host *h, const char *name)
{
	_cleanup_free_ char *spare = spare_path(h, name);
	char *path = ledger_path(h, name);
	struct stat a, b;

	if (lstat(spare, &a) < 0)
		return path;
	if (lstat(path, &b) == 0 &&
	    (a.st_mtim.tv_sec < b.st_mtim.tv_sec ||
	     (a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec <= b.st_mtim.tv_nsec)))
		return path;
	free(path);
	return xstrdup(spare);
}

/* A run is known by its init, and that by when it began in which boot of the host. */
static void run_word(const struct state *s, char out[80])
{
	static char boot[64]; /* it lasts longer than any process */

	if (!boot[0]) {
		_cleanup_free_ char *text = NULL;

		if (fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 63, &text, NULL) == 0)
			snprintf(boot, sizeof(boot), "%s", text);
	}
	snprintf(out, 80, "%d-%" PRIu64 "-%.36s", (int)s->init, s->init_start, boot);
}

static uint64_t number(const char *word)
{
	uint64_t v;

	return parse_u64(word, &v) == 0 ? v : PARSE_UNLIMITED;
}

static void parse_line(struct ledger *l, const char *line)
{
	char name[32], before[24], last[24];

	if (sscanf(line, "run %79s", l->run) == 1 || sscanf(line, "since %" SCNd64, &l->since) == 1)
		return;
	if (sscanf(line, "%31s %23s %23s", name, before, last) != 3)
		return;
	for (size_t i = 0; i < limit_n_figures; i++)
		if (streq(limit_figures[i].key, name)) {
			*limit_figure_of(&l->before, &limit_figures[i]) = number(before);
			*limit_figure_of(&l->last, &limit_figures[i]) = number(last);
		}
}

static void ledger_none(struct ledger *l)
{
	*l = (struct ledger) { .run = "" };
	limit_usage_none(&l->before);
	limit_usage_none(&l->last);
}

int ledger_load(const struct host *h, const char *name, struct ledger *ret, struct err *err)
{
	_cleanup_free_ char *path = newest_path(h, name);
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	int r = fd_read_file(AT_FDCWD, path, LEDGER_MAX, &text, NULL);

	ledger_none(ret);
	if (r == -ENOENT)
		return 0;
	ret->damaged = r == -EINVAL || r == -EFBIG || r == -EISDIR || r == -ELOOP ||
		       (r == 0 && !str_starts(text, MAGIC "\n"));
	if (ret->damaged)
		return 0;
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read %s", path);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		parse_line(ret, line);
	return 0;
}

static void put_number(struct buf *b, uint64_t v)
{
	if (v == PARSE_UNLIMITED)
		buf_puts(b, " -");
	else
		buf_printf(b, " %" PRIu64, v);
}

static void set_aside(const struct host *h, const char *name)
{
	_cleanup_free_ char *path = ledger_path(h, name);
	_cleanup_free_ char *bad = xasprintf("%s.bad", path);

	(void)rename(path, bad);
}

void ledger_tidy(const struct host *h, const char *name)
{
	_cleanup_free_ char *path = ledger_path(h, name);

	fd_replace_tidy(AT_FDCWD, path);
}

void ledger_forget(const struct host *h, const char *name)
{
	_cleanup_free_ char *spare = spare_path(h, name);

	fd_replace_tidy(AT_FDCWD, spare);
	unlink(spare);
}

static int save_spare(const struct host *h, const char *name, const struct buf *b)
{
	_cleanup_free_ char *spare = spare_path(h, name);

	fd_replace_tidy(AT_FDCWD, spare);
	return fd_replace(AT_FDCWD, spare, b->s, b->len, 0600, false);
}

static int ledger_save(const struct host *h, const char *name, struct ledger *l, struct err *err)
{
	_cleanup_free_ char *path = ledger_path(h, name);
	struct buf b = { 0 };

	buf_printf(&b, MAGIC "\nsince %" PRId64 "\nrun %s\n", l->since, l->run);
	for (size_t i = 0; i < limit_n_figures; i++) {
		const struct limit_figure *f = &limit_figures[i];

		if (f->kind == FIGURE_NOW)
			continue;
		buf_puts(&b, f->key);
		put_number(&b, *limit_figure_of(&l->before, f));
		put_number(&b, *limit_figure_of(&l->last, f));
		buf_puts(&b, "\n");
	}
	ledger_tidy(h, name);
	int r = fd_replace(AT_FDCWD, path, b.s, b.len, 0600, false);
	if (r == 0)
		ledger_forget(h, name);
	else if (save_spare(h, name, &b) == 0)
		r = 0;
	buf_free(&b);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot write %s", path) : 0;
}

/* The same run, read again. A counter is as high as it is now, and not the sum with what it was;
 * one that cannot be read any more stays. */
static void run_goes_on(struct limit_usage *run, const struct limit_usage *now)
{
	const struct limit_usage was = *run;

	limit_usage_add(run, now);
	for (size_t i = 0; i < limit_n_figures; i++) {
		const struct limit_figure *f = &limit_figures[i];
		uint64_t n = limit_figure_get(now, f);

		if (f->kind == FIGURE_SUM)
			*limit_figure_of(run, f) =
			    n == PARSE_UNLIMITED ? limit_figure_get(&was, f) : n;
	}
}

int ledger_keep(const struct host *h, const struct state *s, const struct limit_usage *now,
		struct err *err)
{
	struct ledger l;
	char run[80];
	int r = ledger_load(h, s->name, &l, err);

	if (r < 0)
		return r;
	run_word(s, run);
	if (!streq(run, l.run)) {
		limit_usage_add(&l.before, &l.last);
		limit_usage_none(&l.last);
		strcpy(l.run, run);
	}
	run_goes_on(&l.last, now);
	if (l.damaged)
		set_aside(h, s->name);
	if (!l.since)
		l.since = s->started ? s->started : time(NULL);
	return ledger_save(h, s->name, &l, err);
}

void ledger_total(const struct ledger *l, const struct state *s, const struct limit_usage *now,
		  struct limit_usage *ret)
{
	char run[80] = "";

	if (s)
		run_word(s, run);
	struct limit_usage last = l->last;
	bool same = s && streq(run, l->run);
	if (same && now)
		run_goes_on(&last, now);
	*ret = l->before;
	limit_usage_add(ret, &last);
	if (s && now && !same)
		limit_usage_add(ret, now);
}
