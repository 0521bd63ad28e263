// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/conf: option rows and configuration files. What sh would read is asked of a real sh. */
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/opt.h"
#include "server/server.h"

/* A set of every type, in two groups at different places. */

struct part_a {
	char *text, *choice, *maybe;
	bool flag;
	uint64_t number, size;
};

struct part_b {
	uint64_t cpus, timeout;
	struct strv words;
	struct addrs ip;
	char *secret, *once, *host;
	uint64_t bare;
};

struct whole {
	int before;
	struct part_a a;
	struct part_b b;
	int after;
};

static int check_even(const struct opt *o, const void *place, struct err *err)
{
	(void)o;
	if (*(const uint64_t *)place % 2)
		return err_set(err, ERR_USAGE, 0, "must be even");
	return 0;
}

static int check_two(const struct opt *o, const void *place, struct err *err)
{
	(void)o;
	if (((const struct addrs *)place)->n > 2)
		return err_set(err, ERR_USAGE, 0, "two addresses at most");
	return 0;
}

static const struct opt rows_a[] = {
	{ .name = "text", .type = &opt_str, .off = offsetof(struct part_a, text), .def = "hello" },
	{ .name = "choice",
	  .type = &opt_choice,
	  .off = offsetof(struct part_a, choice),
	  .def = "auto",
	  .choices = "auto overlay dir" },
	{ .name = "maybe",
	  .type = &opt_choice,
	  .off = offsetof(struct part_a, maybe),
	  .choices = "one two" },
	{ .name = "flag", .type = &opt_bool, .off = offsetof(struct part_a, flag), .def = "yes" },
	{ .name = "cpu-weight",
	  .type = &opt_u64,
	  .off = offsetof(struct part_a, number),
	  .def = "100",
	  .min = 2,
	  .max = 10000,
	  .check = check_even },
	{ .name = "memory",
	  .type = &opt_size,
	  .off = offsetof(struct part_a, size),
	  .def = "512M",
	  .flags = OPT_UNLIMITED,
	  .min = 1 << 20 },
};
static const size_t n_a = ARRAY_LEN(rows_a);

static const struct opt rows_b[] = {
	{ .name = "cpus",
	  .type = &opt_milli,
	  .off = offsetof(struct part_b, cpus),
	  .def = "unlimited",
	  .flags = OPT_UNLIMITED,
	  .min = 10,
	  .max = 64000 },
	{ .name = "timeout",
	  .type = &opt_duration,
	  .off = offsetof(struct part_b, timeout),
	  .def = "60" },
	{ .name = "word", .type = &opt_words, .off = offsetof(struct part_b, words) },
	{ .name = "ip",
	  .type = &opt_addrs,
	  .off = offsetof(struct part_b, ip),
	  .check = check_two },
	{ .name = "password",
	  .type = &opt_choice,
	  .off = offsetof(struct part_b, secret),
	  .choices = "a b",
	  .flags = OPT_SECRET },
	{ .name = "once",
	  .type = &opt_str,
	  .off = offsetof(struct part_b, once),
	  .flags = OPT_NOSAVE },
	{ .name = "jobs-dir",
	  .type = &opt_str,
	  .off = offsetof(struct part_b, host),
	  .flags = OPT_HOST },
	{ .name = "bare", .type = &opt_u64, .off = offsetof(struct part_b, bare) },
};
static const size_t n_b = ARRAY_LEN(rows_b);

static const struct opt_group groups[] = {
	{ "A", rows_a, &n_a, offsetof(struct whole, a) },
	{ "B", rows_b, &n_b, offsetof(struct whole, b) },
};

struct fixture {
	struct whole w;
	unsigned char origin[32];
	struct opt_set set;
	struct err err;
};

static void setup(struct fixture *f)
{
	*f = (struct fixture) { .w = { .before = 11, .after = 22 } };
	f->set = (struct opt_set) { groups, ARRAY_LEN(groups), &f->w, f->origin };
	CHECK_INT(opt_defaults(&f->set, &f->err), 0);
}

static void teardown(struct fixture *f)
{
	opt_free_all(&f->set);
	CHECK_INT(f->w.before, 11);
	CHECK_INT(f->w.after, 22);
}

static int assign(struct fixture *f, const char *name, const char *text, enum opt_origin origin)
{
	return opt_assign(&f->set, opt_find(&f->set, name), text, origin, &f->err);
}

static void check_text(struct fixture *f, const char *name, const char *want)
{
	_cleanup_free_ char *s = opt_text(&f->set, opt_find(&f->set, name));

	CHECK_STR(s, want);
}

TEST(opt_defaults_and_walk)
{
	const struct opt_group *g;
	const struct opt *o;
	struct fixture f;
	size_t n = 0;

	setup(&f);
	CHECK_STR(f.w.a.text, "hello");
	CHECK(f.w.a.flag);
	CHECK_INT(f.w.a.size, 512 << 20);
	CHECK(f.w.b.cpus == PARSE_UNLIMITED);
	CHECK_INT(f.w.b.timeout, 60000);
	check_text(&f, "bare", "");
	check_text(&f, "maybe", "");
	check_text(&f, "timeout", "60");
	for (size_t i = 0; opt_each(&f.set, &i, &g, &o); n++) {
		CHECK(g == &groups[n >= n_a]);
		CHECK_INT(opt_origin_of(&f.set, o), ORIGIN_DEFAULT);
		CHECK(opt_find(&f.set, o->name) == o);
	}
	CHECK_INT(n, n_a + n_b);
	CHECK_INT(opt_count(groups, 2), n_a + n_b);
	CHECK_INT(opt_count(groups, 0), 0);
	teardown(&f);
	CHECK(f.w.a.text == NULL);
}

TEST(opt_names_and_keys)
{
	struct fixture f;
	char *key = opt_key("cpu-weight");

	setup(&f);
	CHECK_STR(key, "CPU_WEIGHT");
	free(key);
	CHECK(opt_find(&f.set, "cpu-weight") == &rows_a[4]);
	CHECK(opt_find(&f.set, "CPU_WEIGHT") == &rows_a[4]);
	CHECK(!opt_find(&f.set, "CPU-WEIGHT"));
	CHECK(!opt_find(&f.set, "cpu_weight"));
	CHECK(!opt_find(&f.set, "cpu"));
	CHECK(!opt_find(&f.set, "CPU_WEIGHTS"));
	CHECK(!opt_find(&f.set, ""));
	teardown(&f);
}

/* What is refused leaves the value as it was, and says what is expected. */
TEST(opt_bad_values)
{
	static const struct {
		const char *name, *text, *message;
	} t[] = {
		{ "text", "a\nb", "'a?b' is not UTF-8 text without control characters" },
		{ "text", "\x1b[2J", "'?[2J' is not UTF-8 text without control characters" },
		{ "text", "a\xff", "'a\xff' is not UTF-8 text without control characters" },
		{ "choice", "zfs", "'zfs' is not one of: auto, overlay, dir" },
		{ "choice", "", "'' is not one of: auto, overlay, dir" },
		{ "choice", "auto overlay", "'auto overlay' is not one of: auto, overlay, dir" },
		{ "flag", "maybe", "'maybe' is not yes or no" },
		{ "cpu-weight", "1", "'1' is out of range: from 2 to 10000" },
		{ "cpu-weight", "10002", "'10002' is out of range: from 2 to 10000" },
		{ "cpu-weight", "99999999999999999999",
		  "'99999999999999999999' is out of range: from 2 to 10000" },
		{ "cpu-weight", "-4", "'-4' is out of range: from 2 to 10000" },
		{ "cpu-weight", "", "'' is not a whole number" },
		{ "cpu-weight", "unlimited", "'unlimited' is not a whole number" },
		{ "cpu-weight", "51", "must be even" },
		{ "memory", "512X", "'512X' is not a size, such as 512M, 1.5G or 100kB" },
		{ "memory", "1K", "'1K' is out of range: 1M at least, or unlimited" },
		{ "memory", "18446744073709551615",
		  "'18446744073709551615' is out of range: 1M at least, or unlimited" },
		{ "cpus", "0", "'0' is out of range: from 0.01 to 64, or unlimited" },
		{ "cpus", "65", "'65' is out of range: from 0.01 to 64, or unlimited" },
		{ "cpus", "1,5", "'1,5' is not a number with at most three decimals, such as 1.5" },
		{ "timeout", "1w", "'1w' is not a time, such as 90, 1.5s, 500ms, 2m, 1h or 1d" },
		{ "timeout", "unlimited",
		  "'unlimited' is not a time, such as 90, 1.5s, 500ms, 2m, 1h or 1d" },
		{ "bare", "18446744073709551615", "'18446744073709551615' is too large" },
		{ "word", "a\rb", "'a?b' is not UTF-8 text without control characters" },
		{ "ip", "10.0.0.1 host",
		  "'host' is not an IPv4 or IPv6 address, such as 10.0.0.2 or fd00::2/64" },
		{ "ip", "10.0.0.1 fd00::1,10.0.0.1/24", "address 10.0.0.1/24 is given twice" },
		{ "ip", "10.0.0.1 10.0.0.2 10.0.0.3", "two addresses at most" },
		{ "password", "root:hunter2", "the value is not one of: a, b" },
	};
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct opt *o = opt_find(&f.set, t[i].name);
		_cleanup_free_ char *before = opt_text(&f.set, o);

		CHECK(assign(&f, t[i].name, t[i].text, ORIGIN_FILE) < 0);
		CHECK_STR(f.err.text, t[i].message);
		CHECK_INT(f.err.class, ERR_USAGE);
		check_text(&f, t[i].name, before);
		CHECK_INT(opt_origin_of(&f.set, o), ORIGIN_DEFAULT);
	}
	teardown(&f);
}

TEST(opt_long_values)
{
	char big[6000];
	struct fixture f;

	setup(&f);
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	CHECK(assign(&f, "text", big, ORIGIN_FILE) < 0);
	CHECK_STR(f.err.text, "the value is longer than 4096 bytes");
	CHECK(assign(&f, "memory", big, ORIGIN_FILE) < 0);
	CHECK(strlen(f.err.text) < 200);
	big[4096] = '\0';
	CHECK_INT(assign(&f, "text", big, ORIGIN_FILE), 0);
	check_text(&f, "text", big);
	teardown(&f);
}

/* The printed form is canonical and is read back as the same value. */
TEST(opt_print_reads_back)
{
	static const struct {
		const char *name, *text, *canonical;
	} t[] = {
		{ "text", "a \"b\" $c `d` \\e 'f' #g", "a \"b\" $c `d` \\e 'f' #g" },
		{ "text", "", "" },
		{ "choice", "dir", "dir" },
		{ "maybe", "two", "two" },
		{ "maybe", "", "" },
		{ "flag", "off", "no" },
		{ "cpu-weight", "0200", "200" },
		{ "memory", "1024M", "1G" },
		{ "memory", "unlimited", "unlimited" },
		{ "cpus", "1.500", "1.5" },
		{ "timeout", "1500ms", "1500ms" },
		{ "timeout", "2m", "120" },
		{ "word", " b  a,c ", "b a c" },
		{ "word", "", "" },
		{ "ip", "10.0.0.1,FD00::1/64", "10.0.0.1 fd00::1/64" },
		{ "ip", "10.0.0.1/32", "10.0.0.1" },
		{ "bare", "0", "0" },
	};
	struct fixture f, g;

	setup(&f);
	setup(&g);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct opt *o = opt_find(&f.set, t[i].name);
		_cleanup_free_ char *s = NULL;

		CHECK_INT(assign(&f, t[i].name, t[i].text, ORIGIN_FILE), 0);
		CHECK_INT(opt_origin_of(&f.set, o), ORIGIN_FILE);
		s = opt_text(&f.set, o);
		CHECK_STR(s, t[i].canonical);
		CHECK_INT(assign(&g, t[i].name, s, ORIGIN_FILE), 0);
		CHECK(o->type->equal(opt_place(&f.set, o), opt_place(&g.set, o)));
	}
	CHECK_INT(assign(&g, "ip", "10.0.0.1/24", ORIGIN_FILE), 0);
	CHECK(!opt_addrs.equal(&f.w.b.ip, &g.w.b.ip));
	teardown(&f);
	teardown(&g);
}

TEST(opt_lists_add_on_the_command_line_only)
{
	struct fixture f;

	setup(&f);
	assign(&f, "word", "a b", ORIGIN_FILE);
	assign(&f, "word", "c", ORIGIN_FILE);
	check_text(&f, "word", "c");
	assign(&f, "word", "d", ORIGIN_ARGS); /* replaces what the file said */
	check_text(&f, "word", "d");
	assign(&f, "word", "e,f", ORIGIN_ARGS);
	check_text(&f, "word", "d e f");
	assign(&f, "ip", "10.0.0.1", ORIGIN_ARGS);
	CHECK_INT(assign(&f, "ip", "fd00::1", ORIGIN_ARGS), 0);
	check_text(&f, "ip", "10.0.0.1 fd00::1");
	/* Repeated: the check sees the whole. */
	CHECK(assign(&f, "ip", "10.0.0.3", ORIGIN_ARGS) < 0);
	CHECK_STR(f.err.text, "two addresses at most");
	CHECK(assign(&f, "ip", "10.0.0.1", ORIGIN_ARGS) < 0);
	check_text(&f, "ip", "10.0.0.1 fd00::1");
	assign(&f, "text", "x", ORIGIN_ARGS);
	assign(&f, "text", "y", ORIGIN_ARGS);
	check_text(&f, "text", "y");
	teardown(&f);
}

TEST(opt_bad_default_is_named)
{
	static const struct opt rows[] = { { .name = "size", .type = &opt_size, .def = "1x" } };
	static const size_t n = 1;
	const struct opt_group g[] = { { "G", rows, &n, 0 } };
	unsigned char origin[1];
	uint64_t v = 0;
	struct opt_set set = { g, 1, &v, origin };
	struct err e;

	CHECK(opt_defaults(&set, &e) < 0);
	CHECK_STR(e.text, "default of size: '1x' is not a size, such as 512M, 1.5G or 100kB");
}

/* files */

static int parse(const char *text, struct conf_file *f, struct err *err)
{
	return conf_parse("/etc/t.conf", text, strlen(text), f, err);
}

TEST(conf_reads_as_sh_does)
{
	static const struct {
		const char *text, *value;
	} t[] = {
		{ "A=", "" },
		{ "A=\"\"", "" },
		{ "A=''", "" },
		{ "A=b", "b" },
		{ "  A=b", "b" },
		{ "\tA=b\t", "b" },
		{ "A=\"b c\"", "b c" },
		{ "A='b c'", "b c" },
		{ "A=b\\ c", "b c" },
		{ "A=\"b\"'c'd", "bcd" },
		{ "A=b#c", "b#c" },
		{ "A=#b", "#b" },
		{ "A=b # c", "b" },
		{ "A='\"$x`y`\\'", "\"$x`y`\\" },
		{ "A=\"\\$x \\`y\\` \\\" \\\\ \\n\"", "$x `y` \" \\ \\n" },
		{ "A=\\$x\\\"\\'\\~\\;\\&", "$x\"'~;&" },
		{ "A=*.[ch]?", "*.[ch]?" },
		{ "A={b,c}", "{b,c}" },
		{ "A=!b", "!b" },
		{ "A=b=c", "b=c" },
		{ "A=\"~\":'~'", "~:~" },
		{ "A=\"tab\there\"", "tab\there" },
		{ "A=\xc3\xa4", "\xc3\xa4" },
		{ "A=%d@^,+-./:", "%d@^,+-./:" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_(conf_free) struct conf_file f = { 0 };
		struct err e = { 0 };
		int r = parse(t[i].text, &f, &e);

		CHECK_INT(r, 0);
		CHECK_STR(e.text, "");
		CHECK_STR(conf_get(&f, "A", NULL), t[i].value);
	}
}

TEST(conf_refuses_with_place)
{
	static const struct {
		const char *text, *message;
	} t[] = {
		{ "A=$HOME", "1: A: $ is not expanded here: write \\$, or use '...'" },
		{ "A=\"$HOME\"", "1: A: $ is not expanded here: write \\$, or use '...'" },
		{ "A=$(rm -rf /)", "1: A: $ is not expanded here: write \\$, or use '...'" },
		{ "A=`id`", "1: A: ` is not expanded here: write \\`, or use '...'" },
		{ "A=\"`id`\"", "1: A: ` is not expanded here: write \\`, or use '...'" },
		{ "# c\n\nA=b; id",
		  "3: A: an unquoted ; would mean something to sh: put the value in '...'" },
		{ "A=b&",
		  "1: A: an unquoted & would mean something to sh: put the value in '...'" },
		{ "A=b|c",
		  "1: A: an unquoted | would mean something to sh: put the value in '...'" },
		{ "A=<x",
		  "1: A: an unquoted < would mean something to sh: put the value in '...'" },
		{ "A=>x",
		  "1: A: an unquoted > would mean something to sh: put the value in '...'" },
		{ "A=(b)",
		  "1: A: an unquoted ( would mean something to sh: put the value in '...'" },
		{ "A=~", "1: A: an unquoted ~ would mean something to sh: put the value in '...'" },
		{ "A=b:~/c",
		  "1: A: an unquoted ~ would mean something to sh: put the value in '...'" },
		{ "A=b c", "1: A: more than one word: put the value in \"...\"" },
		{ "A=b B=c", "1: A: more than one word: put the value in \"...\"" },
		{ "A=\"b\"# c", "1: A: more than one word: put the value in \"...\"" },
		{ "A= b", "1: A: more than one word: put the value in \"...\"" },
		{ "A=\"b", "1: A: the closing \" is missing" },
		{ "A=\"b\\\"", "1: A: the closing \" is missing" },
		{ "A=\"b\\", "1: A: the closing \" is missing" },
		{ "A='b", "1: A: the closing ' is missing" },
		{ "A=\"b\nc\"", "1: A: the closing \" is missing" },
		{ "A=b\\\nc", "1: A: a value cannot go on in the next line" },
		{ "A=b\r", "1: A: control character 0x0d; lines must end as on Unix, without "
			   "carriage return" },
		{ "A=\"b\r\"", "1: A: control character 0x0d; lines must end as on Unix, without "
			       "carriage return" },
		{ "\r",
		  "1: control character 0x0d; lines must end as on Unix, without carriage return" },
		{ "A='\x1b[2J'", "1: A: control character 0x1b" },
		{ "A=\\\x01", "1: A: control character 0x01" },
		{ "A = b", "1: no blanks around =, as in sh" },
		{ "A =b", "1: no blanks around =, as in sh" },
		{ "a=b", "1: expected KEY=\"value\" with a key of capital letters, digits and _" },
		{ "A", "1: expected KEY=\"value\" with a key of capital letters, digits and _" },
		{ "1A=b", "1: expected KEY=\"value\" with a key of capital letters, digits and _" },
		{ "A-B=c",
		  "1: expected KEY=\"value\" with a key of capital letters, digits and _" },
		{ "A+=b", "1: expected KEY=\"value\" with a key of capital letters, digits and _" },
		{ "A[0]=b",
		  "1: expected KEY=\"value\" with a key of capital letters, digits and _" },
		{ "export A=b",
		  "1: expected KEY=\"value\" with a key of capital letters, digits and _" },
		{ "=b", "1: expected KEY=\"value\" with a key of capital letters, digits and _" },
		{ ". /etc/passwd",
		  "1: expected KEY=\"value\" with a key of capital letters, digits and _" },
		{ "\xef\xbb\xbf"
		  "A=b",
		  "1: expected KEY=\"value\" with a key of capital letters, digits and _" },
		{ "A=b\nB=c\n\nA=d\n", "4: A: given twice; first in line 1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct conf_file f = { .n = 77 };
		struct err e = { 0 };

		CHECK(parse(t[i].text, &f, &e) < 0);
		CHECK(str_starts(e.text, "/etc/t.conf:"));
		CHECK_STR(e.text + strlen("/etc/t.conf:"), t[i].message);
		CHECK_INT(e.class, ERR_USAGE);
		CHECK_INT(f.n, 77);
	}
	struct conf_file f = { .n = 77 };
	struct err e;
	CHECK(conf_parse("/etc/t.conf", "A=b\0c\n", 6, &f, &e) < 0);
	CHECK_STR(e.text, "/etc/t.conf:1: a NUL byte: this is not a text file");
}

TEST(conf_edits_keep_the_rest)
{
	static const char text[] =
	    "# head\n\n  MEMORY='1G' # was 2G\nUNKNOWN=\"x\"\n\tCPUS=2\nLAST=z";
	_cleanup_(conf_free) struct conf_file f = { 0 };
	_cleanup_free_ char *out = NULL;
	struct err e;
	int line = 0;

	REQUIRE(parse(text, &f, &e) == 0);
	out = conf_text(&f);
	CHECK_STR(out, "# head\n\n  MEMORY='1G' # was 2G\nUNKNOWN=\"x\"\n\tCPUS=2\nLAST=z\n");
	conf_set(&f, "CPUS", "2"); /* no change: the line stays as it was typed */
	conf_set(&f, "MEMORY", "a\"b$c");
	conf_set(&f, "NEW", "n");
	conf_set(&f, "NEW", "m");
	conf_unset(&f, "UNKNOWN");
	conf_unset(&f, "NEVER");
	free(out);
	out = conf_text(&f);
	CHECK_STR(out, "# head\n\nMEMORY=\"a\\\"b\\$c\" # was 2G\n\tCPUS=2\nLAST=z\nNEW=\"m\"\n");
	CHECK_STR(conf_get(&f, "CPUS", &line), "2");
	CHECK_INT(line, 5);
	CHECK_STR(conf_get(&f, "UNKNOWN", NULL), NULL);
	CHECK_STR(conf_get(&f, "NEW", &line), "m");
	CHECK_INT(line, 0);
}

TEST(conf_file_on_disk)
{
	_cleanup_(conf_free) struct conf_file f = { 0 }, g = { 0 };
	const char *path = unit_path("web1.conf");
	struct stat st;
	struct err e = { 0 };
	char *longish;

	CHECK_INT(conf_read(path, &f, &e), -ENOENT);
	CHECK_INT(e.class, ERR_ABSENT);
	CHECK(str_ends(e.text, "/web1.conf: No such file or directory"));
	CHECK(f.path == NULL);

	f.path = xstrdup(path);
	conf_set(&f, "A", "one 'two' \"three\" $four `five` \\six");
	CHECK_INT(conf_write(&f, 0640, &e), 0);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0640);
	CHECK_INT(conf_read(path, &g, &e), 0);
	CHECK_STR(conf_get(&g, "A", NULL), "one 'two' \"three\" $four `five` \\six");

	/* What could not be read back is never written. */
	conf_set(&g, "B", "x\nC=\"injected\"");
	CHECK(conf_write(&g, 0600, &e) < 0);
	CHECK(str_starts(e.text, "refused to write: "));
	conf_unset(&g, "B");
	conf_set(&g, "bad key", "x");
	CHECK(conf_write(&g, 0600, &e) < 0);
	conf_unset(&g, "bad key");
	CHECK_INT(conf_write(&g, 0600, &e), 0);

	CHECK(conf_read(unit_dir(), &f, &e) < 0);
	REQUIRE(mkfifo(unit_path("fifo"), 0600) == 0);
	CHECK_INT(conf_read(unit_path("fifo"), &f, &e), -EINVAL);
	CHECK(str_ends(e.text, "/fifo: not an ordinary file"));
	longish = xmalloc(CONF_FILE_MAX + 2);
	memset(longish, '\n', CONF_FILE_MAX + 1);
	CHECK(conf_parse("/x", longish, CONF_FILE_MAX + 1, &f, &e) < 0);
	CHECK_STR(e.text, "/x: larger than 1048576 bytes");
	free(longish);
}

TEST(conf_apply_names_line_and_key)
{
	static const struct {
		const char *text, *message;
		enum opt_origin origin;
	} t[] = {
		{ "TEXT=a\nMEMORY=12x\n",
		  "/etc/t.conf:2: MEMORY: '12x' is not a size, such as 512M, 1.5G or 100kB",
		  ORIGIN_FILE },
		{ "PASSWORD=a\n",
		  "/etc/t.conf:1: PASSWORD: a secret is never kept in a file: remove the line, and "
		  "give --password",
		  ORIGIN_FILE },
		{ "ONCE=a\n",
		  "/etc/t.conf:1: ONCE: acts once and is not kept in a file: use --once",
		  ORIGIN_FILE },
		{ "JOBS_DIR=a\n",
		  "/etc/t.conf:1: JOBS_DIR: is a setting of the host: it belongs into croft.conf",
		  ORIGIN_FILE },
		{ "IP='10.0.0.1 10.0.0.2 10.0.0.3'\n", "/etc/t.conf:1: IP: two addresses at most",
		  ORIGIN_HOST },
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_(conf_free) struct conf_file c = { 0 };
		struct fixture f;

		setup(&f);
		REQUIRE(parse(t[i].text, &c, &e) == 0);
		CHECK(conf_apply(&c, &f.set, t[i].origin, &e) < 0);
		CHECK_STR(e.text, t[i].message);
		CHECK_INT(e.class, ERR_USAGE);
		teardown(&f);
	}
	_cleanup_(conf_free) struct conf_file c = { 0 };
	struct fixture f;
	setup(&f);
	REQUIRE(parse("JOBS_DIR=a\nNOT_OURS=b\nIP='10.0.0.1 fd00::1'\nMAYBE=\n", &c, &e) == 0);
	CHECK_INT(conf_apply(&c, &f.set, ORIGIN_HOST, &e), 0);
	CHECK_STR(f.w.b.host, "a");
	CHECK_INT(f.w.b.ip.n, 2);
	CHECK_INT(opt_origin_of(&f.set, opt_find(&f.set, "ip")), ORIGIN_HOST);
	CHECK_INT(opt_origin_of(&f.set, opt_find(&f.set, "text")), ORIGIN_DEFAULT);
	teardown(&f);
}

/* Agreement with a real shell. */

/* A program and its words. */
static const char *const shells[] = { "sh",	    "bash --posix", "bash", "dash",
				      "busybox sh", "mksh",	    "zsh" };

static bool have_shell(const char *shell)
{
	_cleanup_free_ char *command = xasprintf("%s -c : 2>/dev/null", shell);

	return system(command) == 0;
}

/* Sources the file in a shell, which prints its variables K0 to Kn-1, each with a NUL behind. */
static void check_against_shell(const char *shell, const char *file, const struct strv *want)
{
	/* No way to run anything the file might have smuggled in: PATH is empty, and so is HOME. */
	_cleanup_free_ char *command =
	    xasprintf("cd %s && set -- %s && p=$(command -v $1) && shift && "
		      "env -i PATH=/nowhere $p \"$@\" -c '. %s && i=0; while [ $i -lt %zu ]; do "
		      "eval v=\\\"\\$K$i\\\"; printf \"%%s\\\\0\" \"$v\"; i=$((i+1)); done' 2>&1",
		      unit_dir(), shell, file, want->n);
	_cleanup_free_ char *line = NULL;
	size_t cap = 0, n = 0;
	FILE *p = popen(command, "r");

	REQUIRE(p != NULL);
	for (; getdelim(&line, &cap, 0, p) >= 0 && n < want->n; n++)
		if (!streq(line, want->v[n])) {
			printf("# %s reads K%zu\n", shell, n);
			CHECK_STR(line, want->v[n]);
			break;
		}
	CHECK_INT(n, want->n);
	pclose(p);
}

static void write_text(const char *path, const char *text, size_t len)
{
	FILE *p = fopen(path, "w");

	CHECK(p && fwrite(text, 1, len, p) == len && fclose(p) == 0);
}

static uint32_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return (uint32_t)(*x >> 16);
}

TEST(conf_quote_round_trip_through_sh)
{
	static const char *const fixed[] = {
		"",    "a",   "a b",  "$HOME",	  "`id`", "\"",		"'",	  "\\",	   "\\\\",
		"a\\", "\\$", "~",    "#",	  " ",	  "\t",		"!",	  "*",	   "-n",
		"\\c", "%s",  "\xff", "\xc3\xa4", "a#b",  "$(touch x)", "${IFS}", "';x='", "\";x=\""
	};
	_cleanup_(conf_free) struct conf_file f = { 0 }, again = { 0 };
	_cleanup_(strv_free) struct strv want = { 0 };
	const char *path = unit_path("quoted.conf");
	uint64_t x = 88172645463325252ULL;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		strv_add(&want, fixed[i]);
	while (want.n < 400) {
		char value[24];
		size_t n = next_random(&x) % 20;

		for (size_t i = 0; i < n; i++) {
			unsigned char c = (unsigned char)next_random(&x);

			/* Half of the characters are those that matter. */
			if (next_random(&x) % 2)
				c = (unsigned char)"\"'\\$`#~ *?[]{}()!;&|<>=\t"[next_random(&x) %
										 24];
			value[i] = (char)(c < 0x20 ? '\t' : c == 0x7f ? '$' : c);
		}
		value[n] = '\0';
		strv_add(&want, value);
	}
	f.path = xstrdup(path);
	for (size_t i = 0; i < want.n; i++) {
		_cleanup_free_ char *key = xasprintf("K%zu", i);

		conf_set(&f, key, want.v[i]);
	}
	CHECK_INT(conf_write(&f, 0600, &e), 0);
	REQUIRE(conf_read(path, &again, &e) == 0);
	for (size_t i = 0; i < want.n; i++)
		CHECK_STR(again.line[i].value, want.v[i]);
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (have_shell(shells[i]))
			check_against_shell(shells[i], "./quoted.conf", &want);
}

/* Whatever of random text our parser accepts, sh reads as the same value. */
TEST(conf_accepts_nothing_that_sh_reads_otherwise)
{
	static const char alphabet[] =
	    "aA0 \"\"''\\\\$`#~=:;&|<>(){}[]*?!%-+.,/@^_\t\r\n\xc3\xa4\x01";
	_cleanup_(strv_free) struct strv want = { 0 };
	_cleanup_(buf_free) struct buf text = { 0 };
	uint64_t x = 0x9e3779b97f4a7c15ULL;
	int tries;

	for (tries = 0; tries < 400000 && want.n < 4000; tries++) {
		_cleanup_(conf_free) struct conf_file f = { 0 };
		_cleanup_free_ char *key = xasprintf("K%zu", want.n);
		_cleanup_(buf_free) struct buf line = { 0 };
		size_t n = next_random(&x) % 12;
		struct err e;

		buf_printf(&line, "%s=", key);
		for (size_t i = 0; i < n; i++)
			buf_add(&line, &alphabet[next_random(&x) % (sizeof(alphabet) - 1)], 1);
		buf_puts(&line, "\n");
		if (conf_parse("/x", line.s, line.len, &f, &e) < 0) {
			CHECK(str_starts(e.text, "/x:"));
			continue;
		}
		CHECK(conf_get(&f, key, NULL) != NULL);
		strv_add(&want, conf_get(&f, key, NULL));
		buf_add(&text, line.s, line.len);
	}
	CHECK(want.n >= 1000);
	write_text(unit_path("fuzz.conf"), text.s, text.len);
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (have_shell(shells[i]))
			check_against_shell(shells[i], "./fuzz.conf", &want);
}

/* ---- a server's file ---- */

/* One that was made by hand may lack the UUID; saving it must not write one that no load takes. */
TEST(server_without_uuid_is_saved_and_read_again)
{
	struct host h = { 0 };
	struct server s;
	struct err err = { 0 };
	FILE *f;

	snprintf(h.etc, sizeof(h.etc), "%s", unit_dir());
	REQUIRE(mkdir(unit_path("servers"), 0755) == 0);
	f = fopen(unit_path("servers/web1.conf"), "w");
	REQUIRE(f && fputs("MEMORY=\"64M\"\n", f) > 0 && fclose(f) == 0);
	REQUIRE(server_load(&s, &h, "web1", &err) == 0);
	CHECK_INT(server_save(&s, &h, &err), 0);
	server_free(&s);
	REQUIRE(server_load(&s, &h, "web1", &err) == 0);
	CHECK_STR(s.uuid, "");
	server_free(&s);
	CHECK_STR(err.text, "");
}
