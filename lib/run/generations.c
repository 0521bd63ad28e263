// SPDX-License-Identifier: GPL-2.0-or-later
/* The configurations that a server has had; see generations.h. */
#include "run/generations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/fd.h"
#include "sys/proc.h"

#define COMMENT_MAX 8192
#define NUMBER_MAX  999999999u /* of nine digits */

static char *history_dir(const struct host *h, const char *name)
{
	return xasprintf("%s/servers/%s/history", h->var, name);
}

static int by_number(const void *a, const void *b)
{
	const unsigned *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Their numbers, in order; *ret is freed by the caller. No directory: none. */
static int numbers(const char *dir, unsigned **ret, size_t *ret_n)
{
	DIR *d = opendir(dir);
	unsigned *n = NULL;
	struct dirent *e;
	size_t count = 0;

	*ret = NULL;
	*ret_n = 0;
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((e = readdir(d))) {
		unsigned number = 0;
		char own[24];

		/* What somebody else put there does not count: -1.conf, 007.conf. */
		(void)sscanf(e->d_name, "%9u", &number);
		snprintf(own, sizeof(own), "%u.conf", number);
		if (!number || !streq(e->d_name, own) ||
		    (e->d_type != DT_REG && e->d_type != DT_UNKNOWN))
			continue;
		n = xrealloc(n, count + 1, sizeof(*n));
		n[count++] = number;
	}
	closedir(d);
	if (count)
		qsort(n, count, sizeof(*n), by_number);
	*ret = n;
	*ret_n = count;
	return 0;
}

static char *path_of(const char *dir, unsigned n)
{
	return xasprintf("%s/%u.conf", dir, n);
}

static char *comment(const char *command)
{
	time_t now = time(NULL);
	char when[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	char *line = xasprintf("# %s uid %u: %s", when, proc_login_uid(), command);
	str_make_printable(
	    line); /* a file's name may have newlines; what follows one is no comment */
	return line;
}

int generation_keep(const struct host *h, const char *name, const char *command, unsigned *ret,
		    struct err *err)
{
	_cleanup_free_ char *dir = history_dir(h, name);
	_cleanup_free_ char *conf = server_conf_path(h, name);
	_cleanup_free_ char *text = NULL, *path = NULL;
	_cleanup_free_ unsigned *n = NULL;
	struct buf b = { 0 };
	size_t count = 0;
	int r = fd_read_file(AT_FDCWD, conf, CONF_FILE_MAX, &text, NULL);

	if (r == 0)
		r = fd_mkdir_p(dir, 0700);
	if (r == 0)
		r = numbers(dir, &n, &count);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot keep the configuration in %s", dir);
	if (count && n[count - 1] >= NUMBER_MAX)
		return err_set(err, ERR_STATE, 0, "%s: no number is left after %u.conf; remove it",
			       dir, n[count - 1]);
	_cleanup_free_ char *first = comment(command);
	unsigned number = count ? n[count - 1] + 1 : 1;
	path = path_of(dir, number);
	buf_printf(&b, "%s\n%s", first, text);
	fd_replace_tidy(AT_FDCWD, path); /* of one who was killed */
	r = fd_replace(AT_FDCWD, path, b.s, b.len, 0600, true);
	buf_free(&b);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot keep the configuration in %s", path);
	for (size_t i = 0; i + GENERATIONS_MAX <= count; i++) {
		_cleanup_free_ char *old = path_of(dir, n[i]);
		unlink(old);
	}
	*ret = number;
	return 0;
}

void generation_drop(const struct host *h, const char *name, unsigned n)
{
	_cleanup_free_ char *dir = history_dir(h, name);
	_cleanup_free_ char *path = path_of(dir, n);

	if (n)
		unlink(path);
	rmdir(dir); /* where it was the first */
}

void generation_tidy(const struct host *h, const char *name)
{
	_cleanup_free_ char *dir = history_dir(h, name);
	_cleanup_free_ char *conf = server_conf_path(h, name);
	_cleanup_free_ char *kept = NULL, *text = NULL, *newest = NULL, *next = NULL;
	_cleanup_free_ unsigned *n = NULL;
	size_t count = 0;

	if (numbers(dir, &n, &count) < 0)
		return;
	next = path_of(dir, count ? n[count - 1] + 1 : 1);
	fd_replace_tidy(AT_FDCWD, next);
	if (!count)
		return;
	newest = path_of(dir, n[count - 1]);
	if (fd_read_file(AT_FDCWD, newest, CONF_FILE_MAX + COMMENT_MAX, &kept, NULL) < 0 ||
	    fd_read_file(AT_FDCWD, conf, CONF_FILE_MAX, &text, NULL) < 0)
		return;
	const char *end = str_starts(kept, "# ") ? strchr(kept, '\n') : NULL;
	if (end && streq(end + 1, text))
		generation_drop(h, name, n[count - 1]);
}

int generation_find(const struct host *h, const char *name, unsigned n, char **ret, struct err *err)
{
	_cleanup_free_ char *dir = history_dir(h, name);
	_cleanup_free_ unsigned *all = NULL;
	size_t count = 0;
	int r = numbers(dir, &all, &count);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read %s", dir);
	if (!count)
		return err_set(err, ERR_ABSENT, 0, "there is no earlier configuration");
	for (size_t i = count; i-- > 0;)
		if (n == 0 || all[i] == n) {
			*ret = path_of(dir, all[i]);
			return 0;
		}
	return err_set(err, ERR_ABSENT, 0, "there is no generation %u, but %u to %u", n, all[0],
		       all[count - 1]);
}

void generation_strip(struct conf_file *f)
{
	if (!f->n || f->line[0].key || !str_starts(str_or(f->line[0].raw, ""), "# "))
		return;
	free(f->line[0].raw);
	free(f->line[0].tail);
	f->n--;
	memmove(f->line, f->line + 1, f->n * sizeof(*f->line));
}

int generation_list(const struct host *h, const char *name, struct generation **ret, size_t *ret_n,
		    struct err *err)
{
	_cleanup_free_ char *dir = history_dir(h, name);
	_cleanup_free_ unsigned *all = NULL;
	struct generation *list;
	size_t count = 0;
	int r = numbers(dir, &all, &count);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read %s", dir);
	list = xcalloc(count + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *path = path_of(dir, all[i]);
		_cleanup_free_ char *text = NULL;

		list[i].number = all[i];
		if (fd_read_file(AT_FDCWD, path, CONF_FILE_MAX + COMMENT_MAX, &text, NULL) == 0 &&
		    str_starts(text, "# "))
			list[i].comment = xstrndup(text + 2, strcspn(text + 2, "\n"));
		else
			list[i].comment = xstrdup("");
		str_make_printable(list[i].comment); /* whoever wrote it */
	}
	*ret = list;
	*ret_n = count;
	return 0;
}
