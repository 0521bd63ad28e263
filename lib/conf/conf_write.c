// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing configuration files. What must stay true: lines that were not changed are written as they
 * were read, and nothing is written that conf_read() would refuse or sh would read differently.
 */
#include "conf/conf.h"

#include <fcntl.h>
#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"

char *conf_quote(const char *value)
{
	struct buf b = { 0 };

	buf_puts(&b, "\"");
	for (; *value; value++) {
		if (strchr("\"\\$`", *value))
			buf_puts(&b, "\\");
		buf_add(&b, value, 1);
	}
	buf_puts(&b, "\"");
	return buf_steal(&b);
}

static struct conf_line *find_line(const struct conf_file *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->line[i].key && streq(f->line[i].key, key))
			return &f->line[i];
	return NULL;
}

void conf_set(struct conf_file *f, const char *key, const char *value)
{
	struct conf_line *l = find_line(f, key);

	if (l && streq(l->value, value))
		return;
	if (!l) {
		f->line = xrealloc(f->line, f->n + 1, sizeof(*f->line));
		l = &f->line[f->n++];
		*l = (struct conf_line) { .key = xstrdup(key), .value = xstrdup(value) };
		return;
	}
	free(l->raw);
	l->raw = NULL;
	free(l->value);
	l->value = xstrdup(value);
}

void conf_unset(struct conf_file *f, const char *key)
{
	struct conf_line *l = find_line(f, key);

	if (!l)
		return;
	free(l->raw);
	free(l->key);
	free(l->value);
	free(l->tail);
	f->n--;
	memmove(l, l + 1, (size_t)(f->line + f->n - l) * sizeof(*l));
}

char *conf_text(const struct conf_file *f)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		const struct conf_line *l = &f->line[i];

		if (l->raw) {
			buf_puts(&b, l->raw);
		} else {
			_cleanup_free_ char *quoted = conf_quote(l->value);

			buf_printf(&b, "%s=%s%s", l->key, quoted, l->tail ? l->tail : "");
		}
		buf_puts(&b, "\n");
	}
	return buf_steal(&b);
}

/* Whether text has exactly the keys and values of f. */
static int check_reads_back(const struct conf_file *f, const char *text, struct err *err)
{
	_cleanup_(conf_free) struct conf_file again = { 0 };
	int r = conf_parse(f->path, text, strlen(text), &again, err);

	if (r < 0)
		return r;
	if (again.n != f->n)
		return err_set(err, ERR_FAIL, EINVAL, "%s: a value with a newline", f->path);
	for (size_t i = 0; i < f->n; i++) {
		const struct conf_line *a = &f->line[i], *b = &again.line[i];

		if (!a->key != !b->key ||
		    (a->key && (!streq(a->key, b->key) || !streq(a->value, b->value))))
			return err_set(err, ERR_FAIL, EINVAL, "%s: line %zu does not read back",
				       f->path, i + 1);
	}
	return 0;
}

int conf_write(const struct conf_file *f, mode_t mode, struct err *err)
{
	_cleanup_free_ char *text = conf_text(f);
	int r;

	/* Values come from many places; a file that cannot be read afterwards would make the server
	 * unusable. The check costs microseconds, the fsync below milliseconds. */
	r = check_reads_back(f, text, err);
	if (r < 0)
		return err_wrap(err, r, "refused to write");
	r = fd_replace(AT_FDCWD, f->path, text, strlen(text), mode, true);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot write %s", f->path);
	return 0;
}
