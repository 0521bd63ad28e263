// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading configuration files. What must stay true: every file accepted here gives the same values
 * when sh sources it. So whatever sh would expand, continue on another line or run is refused, and
 * never taken as plain text.
 */
#include "conf/conf.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "base/name.h"
#include "base/str.h"
#include "sys/fd.h"

#define BLANK "\t "
/* What ends a word, expands or starts something in sh when it is not quoted. Tilde: at the start of
 * a value and after a colon; for simplicity nowhere. */
#define SPECIAL "|&;<>()~"

/* Where we are, for messages. */
struct reader {
	const char *path;
	int number;
	const char *key; /* NULL: none was read yet */
	struct err *err;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct reader *rd, const char *fmt,
							...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (rd->key)
		return err_set(rd->err, ERR_USAGE, 0, "%s:%d: %.64s: %s", rd->path, rd->number,
			       rd->key, text);
	return err_set(rd->err, ERR_USAGE, 0, "%s:%d: %s", rd->path, rd->number, text);
}

static int refuse_char(const struct reader *rd, char c)
{
	if ((unsigned char)c < 0x20 || c == 0x7f)
		return refuse(rd, "control character 0x%02x%s", (unsigned char)c,
			      c == '\r' ? "; lines must end as on Unix, without carriage return"
					: "");
	return refuse(rd, "an unquoted %c would mean something to sh: put the value in '...'", c);
}

/* Characters that are refused in every kind of quotes. Tab is an ordinary blank. */
static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static int read_single(const struct reader *rd, const char **s, struct buf *out)
{
	for (++*s; **s != '\''; ++*s) {
		if (!**s)
			return refuse(rd, "the closing ' is missing");
		if (is_control(**s))
			return refuse_char(rd, **s);
		buf_add(out, *s, 1);
	}
	++*s;
	return 0;
}

static int read_double(const struct reader *rd, const char **s, struct buf *out)
{
	for (++*s; **s != '"'; ++*s) {
		if (!**s)
			return refuse(rd, "the closing \" is missing");
		if (is_control(**s))
			return refuse_char(rd, **s);
		if (**s == '$' || **s == '`')
			return refuse(rd, "%c is not expanded here: write \\%c, or use '...'", **s,
				      **s);
		/* Within "..." a backslash quotes only these, and is itself before others. */
		if (**s == '\\' && !(*s)[1])
			return refuse(rd, "the closing \" is missing");
		if (**s == '\\' && strchr("\"\\$`", (*s)[1]))
			++*s;
		buf_add(out, *s, 1);
	}
	++*s;
	return 0;
}

static int read_plain(const struct reader *rd, const char **s, struct buf *out)
{
	char c = **s;

	if (c == '$' || c == '`')
		return refuse(rd, "%c is not expanded here: write \\%c, or use '...'", c, c);
	if (strchr(SPECIAL, c) || is_control(c))
		return refuse_char(rd, c);
	if (c == '\\') {
		c = *++*s;
		if (!c)
			return refuse(rd, "a value cannot go on in the next line");
		if (is_control(c))
			return refuse_char(rd, c);
	}
	buf_add(out, &c, 1);
	++*s;
	return 0;
}

/* One word as sh forms it: quoted and unquoted pieces side by side. */
static int read_word(const struct reader *rd, const char **s, struct buf *out)
{
	int r = 0;

	while (r == 0 && **s && !strchr(BLANK, **s)) {
		if (**s == '\'')
			r = read_single(rd, s, out);
		else if (**s == '"')
			r = read_double(rd, s, out);
		else
			r = read_plain(rd, s, out);
	}
	return r;
}

static size_t key_length(const char *s)
{
	size_t n;

	if (*s != '_' && (*s < 'A' || *s > 'Z'))
		return 0;
	for (n = 1; s[n] == '_' || (s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= '0' && s[n] <= '9');)
		n++;
	return n;
}

/* Fills key, value and tail of l from l->raw. */
static int read_line(struct reader *rd, struct conf_line *l)
{
	_cleanup_(buf_free) struct buf value = { 0 };
	const char *s = l->raw + strspn(l->raw, BLANK), *tail;
	size_t n;
	int r;

	if (!*s || *s == '#')
		return 0;
	n = key_length(s);
	if (!n || s[n] != '=') {
		if (n && (s[n] == ' ' || s[n] == '\t') && s[n + strspn(s + n, BLANK)] == '=')
			return refuse(rd, "no blanks around =, as in sh");
		if (*s == '\r')
			return refuse_char(rd, *s);
		return refuse(rd,
			      "expected KEY=\"value\" with a key of capital letters, digits and _");
	}
	l->key = xstrndup(s, n);
	rd->key = l->key;
	s += n + 1;
	r = read_word(rd, &s, &value);
	if (r < 0)
		return r;
	tail = s;
	s += strspn(s, BLANK);
	if (*s && *s != '#')
		return refuse(rd, "more than one word: put the value in \"...\"");
	l->value = buf_steal(&value);
	if (*s)
		l->tail = xstrdup(tail);
	return 0;
}

static const struct conf_line *find_key(const struct conf_file *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->line[i].key && streq(f->line[i].key, key))
			return &f->line[i];
	return NULL;
}

/* The line just read is the last of f. */
static int refuse_twice(const struct reader *rd, const struct conf_file *f)
{
	const struct conf_line *last = &f->line[f->n - 1], *first;

	if (!last->key)
		return 0;
	first = find_key(f, last->key);
	if (first == last)
		return 0;
	return refuse(rd, "given twice; first in line %d", first->number);
}

int conf_parse(const char *path, const char *text, size_t len, struct conf_file *ret,
	       struct err *err)
{
	_cleanup_(conf_free) struct conf_file f = { .path = xstrdup(path) };
	struct reader rd = { .path = f.path, .err = err };
	const char *end = text + len;
	size_t cap = 0;

	if (len > CONF_FILE_MAX)
		return err_set(err, ERR_USAGE, 0, "%s: larger than %d bytes", path, CONF_FILE_MAX);
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);
		int r;

		rd.number++;
		rd.key = NULL;
		if (memchr(text, '\0', n))
			return refuse(&rd, "a NUL byte: this is not a text file");
		if (f.n == cap) {
			cap = cap ? cap * 2 : 32;
			f.line = xrealloc(f.line, cap, sizeof(*f.line));
		}
		f.line[f.n++] =
		    (struct conf_line) { .raw = xstrndup(text, n), .number = rd.number };
		r = read_line(&rd, &f.line[f.n - 1]);
		if (r == 0)
			r = refuse_twice(&rd, &f);
		if (r < 0)
			return r;
		text += n + 1;
	}
	*ret = f;
	f = (struct conf_file) { 0 };
	return 0;
}

int conf_read(const char *path, struct conf_file *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	r = fd_read_file(AT_FDCWD, path, CONF_FILE_MAX, &text, &len);
	if (r == -ENOENT)
		return err_set(err, ERR_ABSENT, ENOENT, "%s", path);
	if (r == -EFBIG)
		return err_set(err, ERR_USAGE, 0, "%s: larger than %d bytes", path, CONF_FILE_MAX);
	if (r == -EINVAL)
		return err_set(err, ERR_USAGE, 0, "%s: not an ordinary file", path);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read %s", path);
	return conf_parse(path, text, len, ret, err);
}

const char *conf_get(const struct conf_file *f, const char *key, int *ret_line)
{
	const struct conf_line *l = find_key(f, key);

	if (l && ret_line)
		*ret_line = l->number;
	return l ? l->value : NULL;
}

static int apply_line(const struct conf_line *l, struct opt_set *set, enum opt_origin origin,
		      struct err *err)
{
	const struct opt *o = opt_find(set, l->key);

	/* opt_find() takes option names as well; a key is never one, it has no small letters. */
	if (!o)
		return 0;
	if (o->flags & OPT_SECRET)
		return err_set(err, ERR_USAGE, 0,
			       "a secret is never kept in a file: remove the line, and give --%s",
			       o->name);
	if (o->flags & OPT_NOSAVE)
		return err_set(err, ERR_USAGE, 0, "acts once and is not kept in a file: use --%s",
			       o->name);
	if ((o->flags & OPT_HOST) && origin == ORIGIN_FILE)
		return err_set(err, ERR_USAGE, 0,
			       "is a setting of the host: it belongs into croft.conf");
	return opt_assign(set, o, l->value, origin, err);
}

int conf_apply(const struct conf_file *f, struct opt_set *set, enum opt_origin origin,
	       struct err *err)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct conf_line *l = &f->line[i];
		int r;

		if (!l->key)
			continue;
		r = apply_line(l, set, origin, err);
		if (r < 0 && l->number)
			return err_wrap(err, r, "%s:%d: %s", f->path, l->number, l->key);
		if (r < 0)
			return err_wrap(err, r, "%s: %s", f->path, l->key);
	}
	return 0;
}

void conf_free(struct conf_file *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->line[i].raw);
		free(f->line[i].key);
		free(f->line[i].value);
		free(f->line[i].tail);
	}
	free(f->line);
	free(f->path);
	*f = (struct conf_file) { 0 };
}

int conf_list(const char *dir, const char *kind, struct strv *ret, struct err *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0 : err_errno(err, "cannot read %s", dir);
	while ((e = readdir(d))) {
		struct err unused = { 0 };

		if (!str_ends(e->d_name, ".conf") || e->d_name[0] == '.')
			continue;
		char *name = xstrndup(e->d_name, strlen(e->d_name) - strlen(".conf"));
		if (name_check(kind, name, &unused) == 0)
			strv_take(ret, name);
		else
			free(name);
	}
	closedir(d);
	strv_sort(ret);
	return 0;
}
