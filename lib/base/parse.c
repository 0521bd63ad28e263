// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Strict parsers. What must stay true: nothing is accepted that a later strtol or atoi would read
 * in another way, and every print function gives a text that its parser reads back to the same
 * value.
 */
#include "base/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/str.h"

#define DIGITS "0123456789"

int parse_u64(const char *s, uint64_t *ret)
{
	size_t n = strspn(s, DIGITS);
	uint64_t v = 0;

	if (!n || s[n] || n > 20)
		return -EINVAL;
	for (; *s; s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	*ret = v;
	return 0;
}

int parse_int(const char *s, int min, int max, int *ret)
{
	bool negative = min < 0 && *s == '-';
	uint64_t u;
	int64_t v;
	int r;

	r = parse_u64(s + negative, &u);
	if (r < 0)
		return r;
	if (u > INT32_MAX + 1ULL)
		return -ERANGE;
	v = negative ? -(int64_t)u : (int64_t)u;
	if (v < min || v > max)
		return -ERANGE;
	*ret = (int)v;
	return 0;
}

/* A decimal fraction: whole + part / 10^decimals. */
struct decimal {
	uint64_t whole, part;
	uint64_t scale; /* 10^decimals; 1 where there is no point */
	size_t decimals;
};

/* Reads digits, and a point with 1 to 9 digits. *end is the rest of s. */
static int parse_decimal(const char *s, struct decimal *ret, const char **end)
{
	struct decimal d = { .scale = 1 };
	size_t n = strspn(s, DIGITS);
	char digits[24];
	int r;

	if (!n || n > 20)
		return -EINVAL;
	memcpy(digits, s, n);
	digits[n] = '\0';
	r = parse_u64(digits, &d.whole);
	if (r < 0)
		return r;
	s += n;
	if (*s == '.') {
		d.decimals = strspn(++s, DIGITS);
		if (!d.decimals || d.decimals > 9)
			return -EINVAL;
		for (n = 0; n < d.decimals; n++, s++) {
			d.part = d.part * 10 + (uint64_t)(*s - '0');
			d.scale *= 10;
		}
	}
	*ret = d;
	*end = s;
	return 0;
}

/* d times unit, rounded down. PARSE_UNLIMITED is not a number anybody can type. */
static int decimal_times(const struct decimal *d, uint64_t unit, uint64_t *ret)
{
	unsigned __int128 v = (unsigned __int128)d->whole * unit;

	v += (unsigned __int128)d->part * unit / d->scale;
	if (v >= PARSE_UNLIMITED)
		return -ERANGE;
	*ret = (uint64_t)v;
	return 0;
}

struct unit {
	char name[4];
	uint64_t bytes;
};

/* Order matters to print_size(): of two forms of the same length the first is taken. */
static const struct unit units[] = {
	{ "P", 1ULL << 50 },	    { "T", 1ULL << 40 },     { "G", 1ULL << 30 },
	{ "M", 1ULL << 20 },	    { "K", 1ULL << 10 },     { "", 1 },
	{ "PB", 1000000000000000 }, { "TB", 1000000000000 }, { "GB", 1000000000 },
	{ "MB", 1000000 },	    { "kB", 1000 },	     { "B", 1 },
	{ "Pi", 1ULL << 50 },	    { "Ti", 1ULL << 40 },    { "Gi", 1ULL << 30 },
	{ "Mi", 1ULL << 20 },	    { "Ki", 1ULL << 10 },    { "PiB", 1ULL << 50 },
	{ "TiB", 1ULL << 40 },	    { "GiB", 1ULL << 30 },   { "MiB", 1ULL << 20 },
	{ "KiB", 1ULL << 10 },	    { "k", 1ULL << 10 },     { "m", 1ULL << 20 },
	{ "g", 1ULL << 30 },	    { "t", 1ULL << 40 },     { "p", 1ULL << 50 },
};

/* The first rows are those that print_size() writes. */
#define N_BINARY  5  /* P to K */
#define N_PRINTED 11 /* and plain bytes, PB to kB */

int parse_size(const char *s, uint64_t *ret)
{
	struct decimal d;
	int r;

	if (streq(s, "unlimited")) {
		*ret = PARSE_UNLIMITED;
		return 0;
	}
	r = parse_decimal(s, &d, &s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!streq(s, units[i].name))
			continue;
		if (units[i].bytes == 1 && d.decimals)
			return -EINVAL;
		return decimal_times(&d, units[i].bytes, ret);
	}
	return -EINVAL;
}

/* v thousandths without needless zeros, then suffix. */
static void print_thousandths(char *out, size_t n, unsigned __int128 v, const char *suffix)
{
	uint64_t whole = (uint64_t)(v / 1000);
	unsigned part = (unsigned)(v % 1000);
	int width = 3;

	if (!part) {
		snprintf(out, n, "%" PRIu64 "%s", whole, suffix);
		return;
	}
	for (; part % 10 == 0; width--)
		part /= 10;
	snprintf(out, n, "%" PRIu64 ".%0*u%s", whole, width, part, suffix);
}

char *print_size(uint64_t n)
{
	char best[48], form[48];

	if (n == PARSE_UNLIMITED)
		return xstrdup("unlimited");
	snprintf(best, sizeof(best), "%" PRIu64, n);
	for (size_t i = 0; n && i < N_PRINTED; i++) {
		if (n % units[i].bytes)
			continue;
		print_thousandths(form, sizeof(form), (unsigned __int128)n / units[i].bytes * 1000,
				  units[i].name);
		if (strlen(form) < strlen(best))
			strcpy(best, form);
	}
	/* 1.5G is shorter than 1536M, and as exact. */
	for (size_t i = 0; n && i < N_BINARY; i++) {
		unsigned __int128 v = (unsigned __int128)n * 1000;

		if (n < units[i].bytes || v % units[i].bytes)
			continue;
		print_thousandths(form, sizeof(form), v / units[i].bytes, units[i].name);
		if (strlen(form) < strlen(best))
			strcpy(best, form);
	}
	return xstrdup(best);
}

int parse_milli(const char *s, uint64_t *ret)
{
	struct decimal d;
	int r;

	if (streq(s, "unlimited")) {
		*ret = PARSE_UNLIMITED;
		return 0;
	}
	r = parse_decimal(s, &d, &s);
	if (r < 0)
		return r;
	if (*s || d.decimals > 3)
		return -EINVAL;
	return decimal_times(&d, 1000, ret);
}

char *print_milli(uint64_t n)
{
	char out[48];

	if (n == PARSE_UNLIMITED)
		return xstrdup("unlimited");
	print_thousandths(out, sizeof(out), n, "");
	return xstrdup(out);
}

int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!streq(s, yes[i]) && !streq(s, no[i]))
			continue;
		*ret = streq(s, yes[i]);
		return 0;
	}
	return -EINVAL;
}

int parse_duration(const char *s, uint64_t *ret_ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} suffixes[] = {
		{ "", 1000 },	{ "ms", 1 },	  { "s", 1000 },
		{ "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};
	struct decimal d;
	int r;

	r = parse_decimal(s, &d, &s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (!streq(s, suffixes[i].name))
			continue;
		/* No rounding: 0.0001 s must not become 0, which often means "at once". */
		if (d.part * suffixes[i].ms % d.scale)
			return -EINVAL;
		return decimal_times(&d, suffixes[i].ms, ret_ms);
	}
	return -EINVAL;
}

/* One number of a list, with at most five digits. */
static int list_number(const char **p, unsigned *ret)
{
	size_t n = strspn(*p, DIGITS);
	unsigned v = 0;

	if (!n || n > 5)
		return -EINVAL;
	for (; n; n--, (*p)++)
		v = v * 10 + (unsigned)(**p - '0');
	*ret = v;
	return v < NUMS_MAX ? 0 : -ERANGE;
}

int parse_nums(const char *s, struct nums *ret)
{
	struct nums n = { 0 };
	unsigned from = 0, to = 0;

	if (streq(s, "all")) {
		*ret = n;
		return 0;
	}
	for (;; s++) {
		int r = list_number(&s, &from);

		to = from;
		if (r == 0 && *s == '-') {
			s++;
			r = list_number(&s, &to);
		}
		if (r < 0)
			return r;
		if (to < from)
			return -EINVAL;
		for (unsigned i = from; i <= to; i++)
			n.bit[i / 64] |= UINT64_C(1) << i % 64;
		if (!*s)
			break;
		if (*s != ',')
			return -EINVAL;
	}
	*ret = n;
	return 0;
}

bool nums_has(const struct nums *n, unsigned one)
{
	return one < NUMS_MAX && n->bit[one / 64] >> one % 64 & 1;
}

bool nums_empty(const struct nums *n)
{
	for (size_t i = 0; i < ARRAY_LEN(n->bit); i++)
		if (n->bit[i])
			return false;
	return true;
}

int nums_beyond(const struct nums *n, const struct nums *of)
{
	for (unsigned i = 0; i < NUMS_MAX; i++)
		if (nums_has(n, i) && !nums_has(of, i))
			return (int)i;
	return -1;
}

char *print_nums(const struct nums *n)
{
	struct buf b = { 0 };

	if (nums_empty(n))
		return xstrdup("all");
	for (unsigned i = 0, end; i < NUMS_MAX; i = end + 1) {
		end = i;
		if (!nums_has(n, i))
			continue;
		while (nums_has(n, end + 1))
			end++;
		buf_printf(&b, end > i ? "%s%u-%u" : "%s%u", b.len ? "," : "", i, end);
	}
	return buf_steal(&b);
}
