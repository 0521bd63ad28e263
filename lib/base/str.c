// SPDX-License-Identifier: GPL-2.0-or-later
/* Strings, lists of strings and a growing buffer. Nothing here fails: memory is always there
 * (mem.h) and nothing depends on the locale. */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

uint64_t str_hash(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n--) {
		h ^= *p++;
		h *= 0x100000001b3ULL;
	}
	return h;
}

size_t str_utf8(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t len;

	if (!n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	c = p[0] & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

void str_make_printable(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			p[0] = p[1] = '?';
	}
}

bool str_is_text(const char *s)
{
	size_t n = strlen(s), len;

	for (; n; s += len, n -= len) {
		len = str_utf8(s, n);
		if (!len)
			return false;
		if (len == 1 && ((unsigned char)*s < 0x20 || *s == 0x7f))
			return false;
		if (len == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0)
			return false;
	}
	return true;
}

void strv_take(struct strv *l, char *s)
{
	l->v = xrealloc(l->v, l->n + 2, sizeof(*l->v));
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void strv_add(struct strv *l, const char *s)
{
	strv_take(l, xstrdup(s));
}

bool strv_has(const struct strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (streq(l->v[i], s))
			return true;
	return false;
}

bool strv_equal(const struct strv *a, const struct strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!streq(a->v[i], b->v[i]))
			return false;
	return true;
}

void strv_split(struct strv *l, const char *s, const char *seps)
{
	for (;;) {
		size_t n;

		s += strspn(s, seps);
		n = strcspn(s, seps);
		if (!n)
			return;
		strv_take(l, xstrndup(s, n));
		s += n;
	}
}

char *strv_join(const struct strv *l, const char *sep)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		if (i)
			buf_puts(&b, sep);
		buf_puts(&b, l->v[i]);
	}
	return buf_steal(&b);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), compare);
}

void strv_free(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strv) { 0 };
}

/* Room for n more bytes and the closing NUL. */
static void buf_grow(struct buf *b, size_t n)
{
	size_t need;

	/* An impossible size goes to xrealloc, which ends the process. */
	if (__builtin_add_overflow(b->len, n, &need) || __builtin_add_overflow(need, 1, &need))
		need = SIZE_MAX;
	if (b->s && need <= b->cap)
		return;
	if (need < SIZE_MAX / 2 && need < b->cap * 2)
		need = b->cap * 2;
	if (need < 64)
		need = 64;
	b->s = xrealloc(b->s, need, 1);
	b->cap = need;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
	buf_grow(b, n);
	if (n)
		memcpy(b->s + b->len, data, n);
	b->len += n;
	b->s[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	buf_grow(b, (size_t)n);
	b->s[b->len] = '\0';
	va_start(ap, fmt);
	if (vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap) == n)
		b->len += (size_t)n;
	va_end(ap);
	b->s[b->len] = '\0';
}

char *buf_steal(struct buf *b)
{
	char *s = b->s ? b->s : xstrdup("");

	*b = (struct buf) { 0 };
	return s;
}

void buf_free(struct buf *b)
{
	free(b->s);
	*b = (struct buf) { 0 };
}
