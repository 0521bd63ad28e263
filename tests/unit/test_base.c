// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/base: errors, strings, parsers, names, addresses. */
#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include "base/addr.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/parse.h"
#include "base/str.h"

/* errors */

TEST(err_text_and_reason)
{
	struct err e = { 0 };

	CHECK_INT(err_set(&e, ERR_FAIL, ENOENT, "cannot open %s", "x"), -ENOENT);
	CHECK_STR(e.text, "cannot open x: No such file or directory");
	CHECK_INT(e.class, ERR_FAIL);
	CHECK_INT(e.num, ENOENT);
	CHECK_INT(err_set(&e, ERR_USAGE, 0, "bad"), -EINVAL);
	CHECK_STR(e.text, "bad");
	CHECK_INT(e.num, 0);
	CHECK_INT(err_set(NULL, ERR_FAIL, ENOSPC, "no one listens"), -ENOSPC);
	errno = EBUSY;
	CHECK_INT(err_errno(&e, "umount"), -EBUSY);
	CHECK_STR(e.text, "umount: Device or resource busy");
	err_set(&e, ERR_FAIL, ENOSYS, "openat2");
	CHECK_STR(e.text, "openat2: Function not implemented (croft needs Linux " ERR_NEEDS_LINUX
			  " or newer, and all of its system calls)");
}

TEST(err_class_is_refined)
{
	static const struct {
		enum err_class in;
		int num;
		enum err_class out;
	} t[] = {
		{ ERR_FAIL, ENOSPC, ERR_ROOM },	    { ERR_FAIL, EDQUOT, ERR_ROOM },
		{ ERR_FAIL, EPERM, ERR_PERM },	    { ERR_FAIL, EACCES, ERR_PERM },
		{ ERR_FAIL, EIO, ERR_FAIL },	    { ERR_HOST, EPERM, ERR_HOST },
		{ ERR_ABSENT, EACCES, ERR_ABSENT }, { ERR_FAIL, ENOSYS, ERR_HOST },
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		err_set(&e, t[i].in, t[i].num, "x");
		CHECK_INT(e.class, t[i].out);
	}
}

TEST(err_is_one_printable_line)
{
	struct err e;

	err_set(&e, ERR_FAIL, 0,
		"a\nb\033[2Jc\177d\xc2\x9b"
		"e\xc3\xa4");
	CHECK_STR(e.text, "a?b?[2Jc?d??e\xc3\xa4");
	err_wrap(&e, -1, "p\tq");
	CHECK_STR(e.text, "p?q: a?b?[2Jc?d??e\xc3\xa4");
}

TEST(err_too_long_keeps_the_reason)
{
	char big[2000];
	struct err e;

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	err_set(&e, ERR_FAIL, ENOENT, "%s", big);
	CHECK_INT(strlen(e.text), sizeof(e.text) - 1);
	CHECK(str_ends(e.text, ": No such file or directory"));
	err_set(&e, ERR_FAIL, ENOENT, "short");
	CHECK_INT(err_wrap(&e, -7, "%s", big), -7);
	CHECK(str_ends(e.text, "x: short: No such file or directory"));
}

TEST(err_wrap_and_own_text)
{
	struct err e = { 0 };

	err_set(&e, ERR_BUSY, 0, "locked");
	CHECK_INT(err_wrap(&e, -16, "start %s", "web1"), -16);
	CHECK_STR(e.text, "start web1: locked");
	CHECK_INT(e.class, ERR_BUSY);
	/* The text of an error as an argument of its replacement. */
	err_set(&e, ERR_FAIL, 0, "again: %s", e.text);
	CHECK_STR(e.text, "again: start web1: locked");
	err_clear(&e);
	CHECK_STR(e.text, "");
	CHECK_INT(e.class, ERR_OK);
	/* Success is not wrapped; an error without a text gets one. */
	CHECK_INT(err_wrap(&e, 0, "no"), 0);
	CHECK_STR(e.text, "");
	CHECK_INT(err_wrap(&e, -ENOENT, "net"), -ENOENT);
	CHECK_STR(e.text, "net: No such file or directory");
	CHECK_INT(e.class, ERR_FAIL);
}

TEST(err_every_class_has_words)
{
#define X(code, name, symbol, text)                                                                \
	CHECK_STR(err_symbol(ERR_##name), symbol);                                                 \
	CHECK_STR(err_meaning(ERR_##name), text);
#include "base/exits.def"
#undef X
	CHECK(err_symbol((enum err_class)99) != NULL);
	CHECK(err_meaning((enum err_class) - 1) != NULL);
}

/* strings */

TEST(str_prefix_suffix)
{
	CHECK(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("a", "ab"));
	CHECK(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("c", "bc"));
	CHECK_STR(str_or(NULL, "x"), "x");
	CHECK_STR(str_or("", "x"), "x");
	CHECK_STR(str_or("y", "x"), "y");
}

TEST(str_hash_is_fnv1a)
{
	CHECK(str_hash(STR_HASH_INIT, "", 0) == 0xcbf29ce484222325ULL);
	CHECK(str_hash(STR_HASH_INIT, "a", 1) == 0xaf63dc4c8601ec8cULL);
	CHECK(str_hash(STR_HASH_INIT, "foobar", 6) == 0x85944171f73967e8ULL);
}

TEST(str_utf8_lengths)
{
	static const struct {
		const char *s;
		size_t len;
	} t[] = {
		{ "a", 1 },
		{ "\x7f", 1 },
		{ "\xc3\xa4", 2 },
		{ "\xe2\x82\xac", 3 },
		{ "\xf0\x9f\x98\x80", 4 },
		{ "\x80", 0 },
		{ "\xc0\x80", 0 },
		{ "\xc1\xbf", 0 },
		{ "\xe0\x80\x80", 0 },
		{ "\xed\xa0\x80", 0 },
		{ "\xf0\x80\x80\x80", 0 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
		{ "\xc3", 0 },
		{ "\xe2\x82", 0 },
		{ "\xf0\x9f\x98", 0 },
		{ "\xc3(", 0 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xee\x80\x80", 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		CHECK_INT(str_utf8(t[i].s, strlen(t[i].s)), t[i].len);
	CHECK_INT(str_utf8("", 0), 0);
	CHECK(str_is_text("") && str_is_text("gr\xc3\xbc\xc3\x9f Gott"));
	CHECK(!str_is_text("a\tb") && !str_is_text("a\nb") && !str_is_text("\xc2\x85"));
	CHECK(!str_is_text("a\xff") && !str_is_text("\x7f"));
}

TEST(strv_split_join_sort)
{
	struct strv l = { 0 }, m = { 0 };
	char *s;

	s = strv_join(&l, ",");
	CHECK_STR(s, "");
	free(s);
	strv_sort(&l);
	strv_split(&l, "  c a,,b  ", " ,");
	CHECK_INT(l.n, 3);
	CHECK(l.v[3] == NULL);
	strv_split(&l, "", " ");
	strv_split(&l, "   ", " ");
	CHECK_INT(l.n, 3);
	CHECK(strv_has(&l, "a") && !strv_has(&l, "d") && !strv_has(&l, ""));
	strv_sort(&l);
	s = strv_join(&l, ", ");
	CHECK_STR(s, "a, b, c");
	free(s);
	strv_split(&m, "a b", " ");
	CHECK(!strv_equal(&l, &m));
	strv_take(&m, xstrdup("c"));
	CHECK(strv_equal(&l, &m));
	strv_free(&l);
	strv_free(&m);
	CHECK(l.v == NULL && l.n == 0);
	CHECK(strv_equal(&l, &m));
}

TEST(buf_grows)
{
	struct buf b = { 0 };
	char *s;

	s = buf_steal(&b);
	CHECK_STR(s, "");
	free(s);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	CHECK_INT(strlen(b.s), b.len);
	CHECK_INT(b.len, 10 * 2 + 90 * 3 + 900 * 4);
	CHECK(str_ends(b.s, ",998,999,"));
	buf_add(&b, NULL, 0);
	buf_add(&b, "x\0y", 3);
	CHECK_INT(b.s[b.len], 0);
	CHECK_INT(memcmp(b.s + b.len - 3, "x\0y", 3), 0);
	buf_free(&b);
	CHECK(b.s == NULL && b.len == 0);
	buf_printf(&b, "%s", "");
	CHECK_STR(b.s, "");
	buf_free(&b);
}

/* parsers */

TEST(parse_u64_strict)
{
	static const char *const wrong[] = { "",
					     " 1",
					     "1 ",
					     "+1",
					     "-1",
					     "0x1",
					     "1.0",
					     "1e3",
					     "a",
					     "18446744073709551616",
					     "1\n",
					     "--1",
					     "000000000000000000001" };
	uint64_t v = 77;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		CHECK(parse_u64(wrong[i], &v) < 0);
	CHECK_INT(v, 77);
	CHECK_INT(parse_u64("18446744073709551616", &v), -ERANGE);
	CHECK_INT(parse_u64("18446744073709551615", &v), 0);
	CHECK(v == UINT64_MAX);
	CHECK_INT(parse_u64("0", &v), 0);
	CHECK_INT(v, 0);
	CHECK_INT(parse_u64("007", &v), 0);
	CHECK_INT(v, 7);
}

TEST(parse_int_range)
{
	int v = 77;

	CHECK_INT(parse_int("-5", 0, 10, &v), -EINVAL);
	CHECK_INT(parse_int("11", 0, 10, &v), -ERANGE);
	CHECK_INT(parse_int("-6", -5, 10, &v), -ERANGE);
	CHECK_INT(parse_int("-", -5, 10, &v), -EINVAL);
	CHECK_INT(parse_int("--5", -5, 10, &v), -EINVAL);
	CHECK_INT(parse_int("4294967297", INT32_MIN, INT32_MAX, &v), -ERANGE);
	CHECK_INT(parse_int("2147483648", INT32_MIN, INT32_MAX, &v), -ERANGE);
	CHECK_INT(v, 77);
	CHECK_INT(parse_int("-5", -5, 10, &v), 0);
	CHECK_INT(v, -5);
	CHECK_INT(parse_int("-2147483648", INT32_MIN, INT32_MAX, &v), 0);
	CHECK_INT(v, INT32_MIN);
	CHECK_INT(parse_int("2147483647", INT32_MIN, INT32_MAX, &v), 0);
	CHECK_INT(v, INT32_MAX);
}

TEST(parse_size_units)
{
	static const struct {
		const char *s;
		uint64_t v;
	} t[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "512B", 512 },
		{ "1K", 1024 },
		{ "1Ki", 1024 },
		{ "1KiB", 1024 },
		{ "100k", 102400 },
		{ "512m", 512ULL << 20 },
		{ "1.5g", 3ULL << 29 },
		{ "1t", 1ULL << 40 },
		{ "1p", 1ULL << 50 },
		{ "1kB", 1000 },
		{ "2M", 2097152 },
		{ "2MiB", 2097152 },
		{ "2MB", 2000000 },
		{ "1.5G", 1610612736 },
		{ "0.5GB", 500000000 },
		{ "1T", 1ULL << 40 },
		{ "3P", 3ULL << 50 },
		{ "1PB", 1000000000000000ULL },
		{ "0.001K", 1 }, /* 1.024, rounded down */
		{ "16383P", 16383ULL << 50 },
		{ "18446744073709551614", UINT64_MAX - 1 },
		{ "unlimited", PARSE_UNLIMITED },
	};
	static const char *const wrong[] = {
		"",	     "K",	   "-1K",	    "+1K",   "1 K",    " 1K",
		"1K ",	     "1b",	   "1mb",	    "1KB",   "1kiB",   "1.K",
		".5K",	     "1.5",	   "1.5B",	    "1..5K", "1.5.5K", "1,5K",
		"1E",	     "0x10",	   "1e3",	    "1Kb",   "nan",    "inf",
		"Unlimited", "unlimited ", "1.0000000001K", "1MBB",  "1iB",    "-unlimited",
	};
	uint64_t v = 77;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		CHECK_INT(parse_size(wrong[i], &v), -EINVAL);
	CHECK_INT(parse_size("16384P", &v), -ERANGE);
	CHECK_INT(parse_size("18446744073709551615", &v), -ERANGE);
	CHECK_INT(parse_size("99999999999999999999P", &v), -ERANGE);
	CHECK_INT(v, 77);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		CHECK_INT(parse_size(t[i].s, &v), 0);
		CHECK(v == t[i].v);
	}
}

TEST(print_size_short_and_exact)
{
	static const struct {
		uint64_t v;
		const char *s;
	} t[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 1023, "1023" },
		{ 1024, "1K" },
		{ 1000, "1kB" },
		{ 1025, "1025" },
		{ 512ULL << 20, "512M" },
		{ 256ULL << 20, "256M" },
		{ 1536ULL << 20, "1.5G" },
		{ 1ULL << 30, "1G" },
		{ 100000000, "100MB" },
		{ 1ULL << 50, "1P" },
		{ (1ULL << 50) + 1, "1125899906842625" },
		{ UINT64_MAX - 1, "18446744073709551614" },
		{ PARSE_UNLIMITED, "unlimited" },
	};
	uint64_t x = 88172645463325252ULL;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_free_ char *s = print_size(t[i].v);

		CHECK_STR(s, t[i].s);
	}
	/* Whatever is printed reads back. */
	for (int i = 0; i < 200000; i++) {
		_cleanup_free_ char *s = NULL;
		uint64_t v, back;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v = x >> (i % 64);
		if (i % 3 == 0)
			v = (v >> 40) << (10 * (i % 5));
		else if (i % 3 == 1)
			v = (v >> 44) * 1000000;
		s = print_size(v);
		if (parse_size(s, &back) != 0 || back != v) {
			CHECK_STR(s, "reads back");
			break;
		}
	}
}

TEST(parse_milli_cpus)
{
	static const char *const wrong[] = { "", "1.5555", "1.", ".5", "-1", "1.5x", "1 ", "50%" };
	uint64_t v = 77;
	char *s;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		CHECK_INT(parse_milli(wrong[i], &v), -EINVAL);
	CHECK_INT(parse_milli("18446744073709552", &v), -ERANGE);
	CHECK_INT(v, 77);
	CHECK_INT(parse_milli("1.5", &v), 0);
	CHECK_INT(v, 1500);
	CHECK_INT(parse_milli("0.001", &v), 0);
	CHECK_INT(v, 1);
	CHECK_INT(parse_milli("64", &v), 0);
	CHECK_INT(v, 64000);
	CHECK_INT(parse_milli("unlimited", &v), 0);
	CHECK(v == PARSE_UNLIMITED);
	static const struct {
		uint64_t v;
		const char *s;
	} t[] = { { 1500, "1.5" },
		  { 2000, "2" },
		  { 1, "0.001" },
		  { 10, "0.01" },
		  { 1050, "1.05" },
		  { 0, "0" },
		  { PARSE_UNLIMITED, "unlimited" } };
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		s = print_milli(t[i].v);
		CHECK_STR(s, t[i].s);
		free(s);
	}
}

TEST(parse_bool_words)
{
	static const char *const wrong[] = { "", "y", "Yes", "yes ", "2", "-1", "01", "none" };
	bool v = true;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		CHECK_INT(parse_bool(wrong[i], &v), -EINVAL);
	CHECK(v);
	CHECK(parse_bool("no", &v) == 0 && !v);
	CHECK(parse_bool("on", &v) == 0 && v);
	CHECK(parse_bool("off", &v) == 0 && !v);
	CHECK(parse_bool("1", &v) == 0 && v);
	CHECK(parse_bool("0", &v) == 0 && !v);
	CHECK(parse_bool("true", &v) == 0 && v);
	CHECK(parse_bool("false", &v) == 0 && !v);
	CHECK(parse_bool("yes", &v) == 0 && v);
}

TEST(parse_duration_units)
{
	static const struct {
		const char *s;
		uint64_t ms;
	} t[] = { { "0", 0 },	   { "90", 90000 },    { "1.5", 1500 },	  { "500ms", 500 },
		  { "2s", 2000 },  { "2m", 120000 },   { "1h", 3600000 }, { "0.5h", 1800000 },
		  { "0.001s", 1 }, { "2d", 172800000 } };
	static const char *const wrong[] = {
		"",	 "s",	   "1w", "1.5.5", "-1",	       "1 s",
		"0.5ms", "0.0001", "1S", "1min",  "unlimited", "1ms2"
	};
	uint64_t v = 77;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		CHECK_INT(parse_duration(wrong[i], &v), -EINVAL);
	CHECK_INT(parse_duration("18446744073709551615h", &v), -ERANGE);
	CHECK_INT(v, 77);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		CHECK_INT(parse_duration(t[i].s, &v), 0);
		CHECK_INT(v, t[i].ms);
	}
}

/* names */

TEST(name_rules)
{
	static const char *const good[] = {
		"a",
		"web1",
		"1",
		"a-b",
		"a.b.c",
		"0-0",
		"tasks1",
		"cgroup",
		"memory",
		"example.org",
		"a23456789012345678901234567890123456789012345678901234567890123"
	};
	static const char *const wrong[] = {
		"",	     ".",
		"..",	     "-a",
		"a-",	     ".a",
		"a.",	     "a..b",
		"A",	     "a_b",
		"a b",	     "a/b",
		"../a",	     "a\n",
		"a%",	     "\xc3\xa4",
		"a*",	     "$a",
		"tasks",     "a-.b",
		"a.-b",	     "cgroup.procs",
		"cgroup.x",  "memory.max",
		"cpu.stat",  "pids.max",
		"io.weight", "a234567890123456789012345678901234567890123456789012345678901234",
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		CHECK_INT(name_check("server", good[i], &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		err_clear(&e);
		if (name_check("server", wrong[i], &e) == 0)
			CHECK_STR(wrong[i], "refused");
		CHECK_INT(e.class, ERR_USAGE);
		CHECK(str_starts(e.text, "bad server name '"));
	}
}

TEST(name_host_rules)
{
	static const char *const good[] = {
		"a",
		"Web1.Example.ORG",
		"1",
		"xn--bcher-kva.example",
		"localhost",
		"a23456789012345678901234567890123456789012345678901234567890123",
		"a2345678901234567890123456789012345678901234567890123456789012.4",
	};
	static const char *const wrong[] = {
		"",
		".",
		"a.",
		".a",
		"a..b",
		"-a",
		"a-",
		"a.-b",
		"a_b",
		"a b",
		"a\n",
		"a/b",
		"\xc3\xa4",
		"a2345678901234567890123456789012345678901234567890123456789012.45",
		"a234567890123456789012345678901234567890123456789012345678901234",
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		CHECK_INT(name_check_host(good[i], &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (name_check_host(wrong[i], &e) == 0)
			CHECK_STR(wrong[i], "refused");
}

/* addresses */

TEST(addr_parse_print)
{
	static const struct {
		const char *in, *out, *full;
	} t[] = {
		{ "10.0.0.1", "10.0.0.1", "10.0.0.1/32" },
		{ "10.0.0.1/24", "10.0.0.1", "10.0.0.1/24" },
		{ "0.0.0.0/0", "0.0.0.0", "0.0.0.0/0" },
		{ "fd00::1", "fd00::1", "fd00::1/128" },
		{ "FD00:0:0::1/64", "fd00::1", "fd00::1/64" },
		{ "::/0", "::", "::/0" },
		{ "::ffff:10.0.0.1", "::ffff:10.0.0.1", "::ffff:10.0.0.1/128" },
	};
	static const char *const wrong[] = {
		"",
		"10.0.0",
		"10.0.0.1/",
		"10.0.0.1/33",
		"10.0.0.1/-1",
		"10.0.0.1/ 8",
		"10.0.0.1/08",
		"10.0.0.01",
		"10.0.0.256",
		" 10.0.0.1",
		"10.0.0.1 ",
		"fe80::1%eth0",
		"fd00::1/129",
		"fd00:::1",
		"localhost",
		"/24",
		"10.0.0.1/24/24",
		"0x7f.1",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd",
	};
	struct addr a = { .family = 77 };
	char out[ADDR_STRLEN];

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (addr_parse(wrong[i], &a) != -EINVAL)
			CHECK_STR(wrong[i], "refused");
	CHECK_INT(a.family, 77);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		CHECK_INT(addr_parse(t[i].in, &a), 0);
		CHECK_STR(addr_print(&a, false, out), t[i].out);
		CHECK_STR(addr_print(&a, true, out), t[i].full);
	}
	a = (struct addr) { 0 };
	CHECK_STR(addr_print(&a, true, out), "none");
}

static struct addr A(const char *s) {
	struct addr a = { 0 };

	addr_parse(s, &a);
	return a;
}

TEST(addr_compare)
{
	struct addr a = A("10.0.0.1/24"), b = A("10.0.0.1"), c = A("::a00:1");

	CHECK(addr_equal(&a, &b) && !addr_equal(&a, &c));
	static const struct {
		const char *a, *net;
		bool in;
	} t[] = {
		{ "10.0.0.1", "10.0.0.0/24", true },
		{ "10.0.1.1", "10.0.0.0/24", false },
		{ "10.0.0.1", "0.0.0.0/0", true },
		{ "10.0.0.129", "10.0.0.128/25", true },
		{ "10.0.0.127", "10.0.0.128/25", false },
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.2", "10.0.0.1", false },
		{ "fd00::1", "fd00::/64", true },
		{ "fd00:0:0:1::1", "fd00::/64", false },
		{ "fd00:0:0:1::1", "fd00::/63", true },
		{ "10.0.0.1", "::/0", false },
		{ "fd00::1", "0.0.0.0/0", false },
		{ "10.0.0.1", "10.0.0.77/24", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct addr x = A(t[i].a), net = A(t[i].net);

		CHECK(addr_in(&x, &net) == t[i].in);
	}
	struct addr none = { 0 };
	CHECK(!addr_in(&none, &none));
}

TEST(addr_nth_of_network)
{
	static const struct {
		const char *net;
		uint64_t n;
		const char *want; /* NULL: beyond the end */
	} t[] = {
		{ "10.0.0.0/24", 0, "10.0.0.0/32" },
		{ "10.0.0.77/24", 10, "10.0.0.10/32" },
		{ "10.0.0.0/24", 255, "10.0.0.255/32" },
		{ "10.0.0.0/24", 256, NULL },
		{ "10.0.0.1", 0, "10.0.0.1/32" },
		{ "10.0.0.1", 1, NULL },
		{ "10.0.0.0/8", 65536, "10.1.0.0/32" },
		{ "0.0.0.0/0", 0xffffffff, "255.255.255.255/32" },
		{ "0.0.0.0/0", 0x100000000, NULL },
		{ "10.0.0.128/25", 3, "10.0.0.131/32" },
		{ "fd00::/64", UINT64_MAX, "fd00::ffff:ffff:ffff:ffff/128" },
		{ "fd00::/63", UINT64_MAX, "fd00::ffff:ffff:ffff:ffff/128" },
		{ "fd00::5/112", 65535, "fd00::ffff/128" },
		{ "fd00::/112", 65536, NULL },
		{ "::/0", 1, "::1/128" },
	};
	char out[ADDR_STRLEN];

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct addr net = A(t[i].net), a;
		int r = addr_nth(&net, t[i].n, &a);

		CHECK_INT(r, t[i].want ? 0 : -ERANGE);
		if (r == 0)
			CHECK_STR(addr_print(&a, true, out), t[i].want);
	}
}

TEST(addr_fit_for_a_server)
{
	static const char *const unfit[] = {
		"0.0.0.0",     "0.1.2.3",	  "127.0.0.1",
		"127.255.0.1", "169.254.1.1",	  "224.0.0.1",
		"239.1.1.1",   "255.255.255.255", "::",
		"::1",	       "fe80::1",	  "febf::1",
		"ff02::1",     "::ffff:10.0.0.1",
	};
	static const char *const fit[] = { "10.0.0.1", "192.168.1.1", "1.1.1.1", "223.255.255.254",
					   "fd00::1",  "2001:db8::1", "fec0::1", "::2:0:0:0:1" };
	struct addr none = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(unfit); i++) {
		struct addr a = A(unfit[i]);

		CHECK(a.family && addr_unfit(&a));
	}
	for (size_t i = 0; i < ARRAY_LEN(fit); i++) {
		struct addr a = A(fit[i]);

		CHECK(a.family);
		CHECK_STR(addr_unfit(&a), NULL);
	}
	CHECK(addr_unfit(&none) != NULL);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 6);
}

TEST(addr_mac_stable_and_spread)
{
	enum { N = 40000 };
	uint8_t(*all)[6] = xcalloc(N, 6), again[6];
	int ones[8] = { 0 };

	for (int i = 0; i < N; i++) {
		char seed[32];

		snprintf(seed, sizeof(seed), "web%d", i / 4);
		addr_mac(seed, i % 4, all[i]);
		CHECK_INT(all[i][0] & 3, 2);
		for (int b = 0; b < 8; b++)
			ones[b] += all[i][5] >> b & 1;
	}
	addr_mac("web7", 2, again);
	CHECK_INT(memcmp(again, all[7 * 4 + 2], 6), 0);
	/* This very address: it must never change between versions. */
	addr_mac("web1", 0, again);
	CHECK_INT(memcmp(again, "\xd6\xcb\xce\xc0\x39\xb0", 6), 0);
	qsort(all, N, 6, by_bytes);
	for (int i = 1; i < N; i++)
		CHECK(memcmp(all[i - 1], all[i], 6) != 0);
	for (int b = 0; b < 8; b++)
		CHECK(ones[b] > N * 48 / 100 && ones[b] < N * 52 / 100);
	free(all);
}
