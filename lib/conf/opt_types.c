// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The types of options. What must stay true of each: parse(print(x)) is x, what is printed fits on
 * one line of a configuration file, and a message never shows the value of a secret.
 */
#include "conf/opt.h"

#include <inttypes.h>
#include <stdio.h>
#include "base/mem.h"
#include "base/parse.h"

#define TEXT_MAX 4096 /* longest value of one option */
#define SEPS	 " \t,"

/* The value as a message may show it. out has 100 bytes. */
static const char *shown(const struct opt *o, const char *text, char out[100])
{
	if (o->flags & OPT_SECRET)
		return "the value";
	snprintf(out, 100, strlen(text) > 80 ? "'%.80s...'" : "'%.80s'", text);
	return out;
}

static int bad(const struct opt *o, const char *text, struct err *err, const char *expected)
{
	char out[100];

	return err_set(err, ERR_USAGE, 0, "%s is not %s", shown(o, text, out), expected);
}

/* What no value of any type may hold. */
static int check_text(const struct opt *o, const char *text, struct err *err)
{
	if (strlen(text) > TEXT_MAX)
		return err_set(err, ERR_USAGE, 0, "the value is longer than %d bytes", TEXT_MAX);
	if (!str_is_text(text))
		return bad(o, text, err, "UTF-8 text without control characters");
	return 0;
}

/* char * */

static int str_parse(const struct opt *o, const char *text, void *place, struct err *err)
{
	int r = check_text(o, text, err);

	if (r < 0)
		return r;
	*(char **)place = *text ? xstrdup(text) : NULL;
	return 0;
}

static char *str_print(const struct opt *o, const void *place)
{
	const char *s = *(char *const *)place;

	(void)o;
	return xstrdup(s ? s : "");
}

static bool str_equal(const void *a, const void *b)
{
	const char *s = *(char *const *)a, *t = *(char *const *)b;

	return streq(s ? s : "", t ? t : "");
}

static void str_copy(void *to, const void *from)
{
	const char *s = *(char *const *)from;

	*(char **)to = s ? xstrdup(s) : NULL;
}

static void str_free(void *place)
{
	free(*(char **)place);
	*(char **)place = NULL;
}

const struct opt_type opt_str = {
	.name = "text",
	.parse = str_parse,
	.print = str_print,
	.equal = str_equal,
	.copy = str_copy,
	.free = str_free,
};

static int choice_parse(const struct opt *o, const char *text, void *place, struct err *err)
{
	_cleanup_(strv_free) struct strv words = { 0 };
	_cleanup_free_ char *list = NULL;
	char out[100];

	strv_split(&words, str_or(o->choices, ""), " ");
	if (strv_has(&words, text) || (!*text && !o->def)) {
		*(char **)place = *text ? xstrdup(text) : NULL;
		return 0;
	}
	list = strv_join(&words, ", ");
	return err_set(err, ERR_USAGE, 0, "%s is not one of: %s", shown(o, text, out), list);
}

const struct opt_type opt_choice = {
	.name = "word",
	.parse = choice_parse,
	.print = str_print,
	.equal = str_equal,
	.copy = str_copy,
	.free = str_free,
};

/* bool */

static int bool_parse(const struct opt *o, const char *text, void *place, struct err *err)
{
	if (parse_bool(text, place) < 0)
		return bad(o, text, err, "yes or no");
	return 0;
}

static char *bool_print(const struct opt *o, const void *place)
{
	(void)o;
	return xstrdup(*(const bool *)place ? "yes" : "no");
}

static bool bool_equal(const void *a, const void *b)
{
	return *(const bool *)a == *(const bool *)b;
}

static void bool_copy(void *to, const void *from)
{
	*(bool *)to = *(const bool *)from;
}

static void bool_free(void *place)
{
	*(bool *)place = false;
}

const struct opt_type opt_bool = {
	.name = "yes|no",
	.parse = bool_parse,
	.print = bool_print,
	.equal = bool_equal,
	.copy = bool_copy,
	.free = bool_free,
};

/* uint64_t: four ways to write a number, one way to hold it. */

static char *print_plain(uint64_t n)
{
	return n == PARSE_UNLIMITED ? xstrdup("unlimited") : xasprintf("%" PRIu64, n);
}

static char *print_duration(uint64_t ms)
{
	if (ms == PARSE_UNLIMITED)
		return xstrdup("unlimited");
	return ms % 1000 ? xasprintf("%" PRIu64 "ms", ms) : xasprintf("%" PRIu64, ms / 1000);
}

static int range_error(const struct opt *o, const char *text, char *(*print)(uint64_t),
		       struct err *err)
{
	_cleanup_free_ char *min = print(o->min), *max = print(o->max);
	const char *or_more = o->flags & OPT_UNLIMITED ? ", or unlimited" : "";
	char out[100];

	if (o->max)
		return err_set(err, ERR_USAGE, 0, "%s is out of range: from %s to %s%s",
			       shown(o, text, out), min, max, or_more);
	if (o->min)
		return err_set(err, ERR_USAGE, 0, "%s is out of range: %s at least%s",
			       shown(o, text, out), min, or_more);
	return err_set(err, ERR_USAGE, 0, "%s is %s", shown(o, text, out),
		       *text == '-' ? "less than 0" : "too large");
}

static int number_parse(const struct opt *o, const char *text, void *place, struct err *err,
			int (*parse)(const char *, uint64_t *), char *(*print)(uint64_t),
			const char *expected)
{
	uint64_t v;
	int r;

	if (streq(text, "unlimited")) {
		if (!(o->flags & OPT_UNLIMITED))
			return bad(o, text, err, expected);
		*(uint64_t *)place = PARSE_UNLIMITED;
		return 0;
	}
	r = parse(text, &v);
	if (r == -EINVAL && *text == '-' && parse(text + 1, &v) == 0 && v)
		r = -ERANGE;
	if (r == 0 && (v == PARSE_UNLIMITED || v < o->min || (o->max && v > o->max)))
		r = -ERANGE;
	if (r == -ERANGE)
		return range_error(o, text, print, err);
	if (r < 0)
		return bad(o, text, err, expected);
	*(uint64_t *)place = v;
	return 0;
}

static bool number_equal(const void *a, const void *b)
{
	return *(const uint64_t *)a == *(const uint64_t *)b;
}

static void number_copy(void *to, const void *from)
{
	*(uint64_t *)to = *(const uint64_t *)from;
}

static void number_free(void *place)
{
	*(uint64_t *)place = 0;
}

#define NUMBER_TYPE(id, type_name, parser, printer, expected)                                      \
	static int id##_parse(const struct opt *o, const char *text, void *place, struct err *err) \
	{                                                                                          \
		return number_parse(o, text, place, err, parser, printer, expected);               \
	}                                                                                          \
	static char *id##_print(const struct opt *o, const void *place)                            \
	{                                                                                          \
		(void)o;                                                                           \
		return printer(*(const uint64_t *)place);                                          \
	}                                                                                          \
	const struct opt_type opt_##id = { .name = (type_name),                                    \
					   .parse = id##_parse,                                    \
					   .print = id##_print,                                    \
					   .equal = number_equal,                                  \
					   .copy = number_copy,                                    \
					   .free = number_free }

NUMBER_TYPE(u64, "number", parse_u64, print_plain, "a whole number");
NUMBER_TYPE(size, "size", parse_size, print_size, "a size, such as 512M, 1.5G or 100kB");
NUMBER_TYPE(milli, "decimal", parse_milli, print_milli,
	    "a number with at most three decimals, such as 1.5");
NUMBER_TYPE(duration, "duration", parse_duration, print_duration,
	    "a time, such as 90, 1.5s, 500ms, 2m, 1h or 1d");

/* struct nums */

static int nums_parse(const struct opt *o, const char *text, void *place, struct err *err)
{
	int r = parse_nums(text, place);

	if (r == -ERANGE)
		return err_set(err, ERR_USAGE, 0, "'%.80s' has a number above %d", text,
			       NUMS_MAX - 1);
	return r < 0 ? bad(o, text, err, "a list of numbers, such as 0-3,8, or all") : 0;
}

static char *nums_print(const struct opt *o, const void *place)
{
	(void)o;
	return print_nums(place);
}

static bool nums_equal(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct nums)) == 0;
}

static void nums_copy(void *to, const void *from)
{
	memcpy(to, from, sizeof(struct nums));
}

static void nums_free(void *place)
{
	memset(place, 0, sizeof(struct nums));
}

const struct opt_type opt_nums = {
	.name = "numbers",
	.parse = nums_parse,
	.print = nums_print,
	.equal = nums_equal,
	.copy = nums_copy,
	.free = nums_free,
};

/* struct strv */

static int words_parse(const struct opt *o, const char *text, void *place, struct err *err)
{
	int r = check_text(o, text, err);

	if (r < 0)
		return r;
	*(struct strv *)place = (struct strv) { 0 };
	strv_split(place, text, SEPS);
	return 0;
}

static char *words_print(const struct opt *o, const void *place)
{
	(void)o;
	return strv_join(place, " ");
}

static bool words_equal(const void *a, const void *b)
{
	return strv_equal(a, b);
}

static void words_copy(void *to, const void *from)
{
	const struct strv *l = from;
	struct strv new = { 0 };

	for (size_t i = 0; i < l->n; i++)
		strv_add(&new, l->v[i]);
	*(struct strv *)to = new;
}

static void words_free(void *place)
{
	strv_free(place);
}

static void words_append(void *to, const void *from)
{
	const struct strv *l = from;

	for (size_t i = 0; i < l->n; i++)
		strv_add(to, l->v[i]);
}

static int texts_parse(const struct opt *o, const char *text, void *place, struct err *err)
{
	int r = check_text(o, text, err);

	if (r < 0)
		return r;
	*(struct strv *)place = (struct strv) { 0 };
	if (*text)
		strv_add(place, text);
	return 0;
}

const struct opt_type opt_texts = {
	.name = "texts",
	.parse = texts_parse,
	.print = words_print,
	.equal = words_equal,
	.copy = words_copy,
	.free = words_free,
	.append = words_append,
	.list = true,
};

/* Texts that may have blanks and commas, but no semicolon. */
static int items_parse(const struct opt *o, const char *text, void *place, struct err *err)
{
	struct strv l = { 0 };
	int r = check_text(o, text, err);

	if (r < 0)
		return r;
	while (*text) {
		size_t n = strcspn(text, ";"), from = strspn(text, " "), to = n;

		while (to > from && text[to - 1] == ' ')
			to--;
		if (to > from)
			strv_take(&l, xstrndup(text + from, to - from));
		text += n + (text[n] == ';');
	}
	*(struct strv *)place = l;
	return 0;
}

static char *items_print(const struct opt *o, const void *place)
{
	(void)o;
	return strv_join(place, "; ");
}

const struct opt_type opt_items = {
	.name = "items",
	.parse = items_parse,
	.print = items_print,
	.equal = words_equal,
	.copy = words_copy,
	.free = words_free,
	.append = words_append,
	.list = true,
};

const struct opt_type opt_words = {
	.name = "words",
	.parse = words_parse,
	.print = words_print,
	.equal = words_equal,
	.copy = words_copy,
	.free = words_free,
	.append = words_append,
	.list = true,
};

/* struct addrs */

static void addrs_free(void *place)
{
	struct addrs *l = place;

	free(l->a);
	*l = (struct addrs) { 0 };
}

static int addrs_parse(const struct opt *o, const char *text, void *place, struct err *err)
{
	_cleanup_(strv_free) struct strv words = { 0 };
	_cleanup_(addrs_free) struct addrs l = { 0 };

	strv_split(&words, text, SEPS);
	l.a = xcalloc(words.n, sizeof(*l.a));
	for (; l.n < words.n; l.n++) {
		if (addr_parse(words.v[l.n], &l.a[l.n]) < 0)
			return bad(o, words.v[l.n], err,
				   "an IPv4 or IPv6 address, such as 10.0.0.2 or fd00::2/64");
		for (size_t i = 0; i < l.n; i++)
			if (addr_equal(&l.a[i], &l.a[l.n]))
				return err_set(err, ERR_USAGE, 0, "address %.80s is given twice",
					       words.v[l.n]);
	}
	*(struct addrs *)place = l;
	l = (struct addrs) { 0 };
	return 0;
}

static char *addrs_print(const struct opt *o, const void *place)
{
	const struct addrs *l = place;
	struct buf b = { 0 };
	char out[ADDR_STRLEN];

	(void)o;
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			buf_puts(&b, " ");
		buf_puts(&b, addr_print(&l->a[i], l->a[i].prefix != addr_bytes(&l->a[i]) * 8, out));
	}
	return buf_steal(&b);
}

static bool addrs_equal(const void *a, const void *b)
{
	const struct addrs *l = a, *m = b;

	if (l->n != m->n)
		return false;
	for (size_t i = 0; i < l->n; i++)
		if (!addr_equal(&l->a[i], &m->a[i]) || l->a[i].prefix != m->a[i].prefix)
			return false;
	return true;
}

static void addrs_copy(void *to, const void *from)
{
	const struct addrs *l = from;
	struct addrs new = { .a = xcalloc(l->n, sizeof(*l->a)), .n = l->n };

	if (l->n)
		memcpy(new.a, l->a, l->n * sizeof(*l->a));
	*(struct addrs *)to = new;
}

const struct opt_type opt_addrs = {
	.name = "addresses",
	.parse = addrs_parse,
	.print = addrs_print,
	.equal = addrs_equal,
	.copy = addrs_copy,
	.free = addrs_free,
	.list = true,
};
