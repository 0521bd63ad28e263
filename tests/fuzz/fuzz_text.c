// SPDX-License-Identifier: GPL-2.0-or-later
/* Parsers of text in memory. Where something is printed that is parsed again, both must agree. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/parse.h"
#include "base/str.h"
#include "conf/conf.h"
#include "dialect/edit.h"
#include "net/net.h"
#include "out.h"
#include "sys/cg_priv.h"
#include "sys/fd.h"
#include "sys/json.h"
#include "sys/proc.h"
#include "sys/spawn.h"
#include "sys/tty.h"
#include "template/template.h"

static void numbers(const char *text)
{
	uint64_t v, again;
	bool b;
	int i;

	if (parse_u64(text, &v) == 0) {
		_cleanup_free_ char *s = xasprintf("%llu", (unsigned long long)v);

		MUST(parse_u64(s, &again) == 0 && again == v);
	}
	if (parse_size(text, &v) == 0) {
		_cleanup_free_ char *s = print_size(v);

		MUST(parse_size(s, &again) == 0 && again == v);
	}
	if (parse_milli(text, &v) == 0) {
		_cleanup_free_ char *s = print_milli(v);

		MUST(parse_milli(s, &again) == 0 && again == v);
	}
	if (parse_int(text, -5, 1000, &i) == 0)
		MUST(i >= -5 && i <= 1000);
	(void)parse_duration(text, &v);
	(void)parse_bool(text, &b);
}

static void address(const char *text, size_t n)
{
	struct addr a, b;
	char out[ADDR_STRLEN];
	uint8_t mac[6];

	addr_mac(text, (int)n, mac);
	MUST((mac[0] & 3) == 2);
	if (addr_parse(text, &a) < 0)
		return;
	MUST(addr_parse(addr_print(&a, true, out), &b) == 0);
	MUST(addr_equal(&a, &b) && a.prefix == b.prefix && addr_in(&a, &b));
	if (addr_nth(&a, n, &b) == 0)
		MUST(addr_in(&b, &a));
	(void)addr_unfit(&a);
}

static void names(const char *text)
{
	struct err err = { 0 };
	char link[IFNAMSIZ];

	if (name_check("server", text, &err) == 0) {
		_cleanup_free_ char *group = xasprintf("croft/%s", text);

		net_host_if(text, link);
		MUST(strlen(link) < sizeof(link) && str_starts(link, "c"));
		MUST(cg_rel_plain(group));
	}
	(void)cg_rel_plain(text);
	if (name_check_host(text, &err) == 0)
		MUST(fuzz_is_clean(text, strlen(text), "") && strlen(text) <= 64);
}

void fuzz_values(char *text, size_t n)
{
	numbers(text);
	address(text, n);
	names(text);
}

static void template(const char *text, size_t n)
{
	struct template_info t;
	struct err err = { 0 };
	static char *dir;

	if (!dir)
		dir = fuzz_subdir("t1");
	fuzz_file(dir, "template.json", text, n);
	if (template_load(fuzz_dir(), "t1", &t, &err) == 0)
		template_info_free(&t);
	else
		MUST(*err.text);
}

void fuzz_json(char *text, size_t n)
{
	struct json_out *out = json_new(n & 1);
	struct json *j;
	struct err err = { 0 };

	if (json_parse(text, n, &j, &err) == 0) {
		const struct json *l = json_at(j, "ip");

		(void)json_get_str(j, "name");
		(void)json_get_int(j, "a.b", -1);
		(void)json_get_bool(j, text, false);
		for (size_t i = 0; i < json_len(l); i++)
			(void)json_get_str(json_item(l, i), "");
		json_free(j);
		template(text, n);
	}
	json_obj(out, NULL);
	json_str(out, "text", text);
	json_obj_end(out);
	_cleanup_free_ char *s = json_done(out);
	MUST(json_parse(s, strlen(s), &j, &err) == 0);
	MUST(json_get_str(j, "text"));
	if (fuzz_is_clean(text, strlen(text), "\n\t"))
		MUST(streq(json_get_str(j, "text"), text));
	json_free(j);
}

/* An unchanged file stays as it was; a value that was set is read back. */
void fuzz_conf(char *text, size_t n)
{
	struct conf_file f = { 0 }, again = { 0 };
	struct err err = { 0 };

	if (conf_parse("fuzz.conf", text, n, &f, &err) < 0) {
		MUST(*err.text);
		return;
	}
	_cleanup_free_ char *same = conf_text(&f);
	MUST(strncmp(same, text, n) == 0);
	for (size_t i = 0; i < f.n; i++) {
		if (!f.line[i].key)
			continue;
		_cleanup_free_ char *key = xstrdup(f.line[i].key);
		_cleanup_free_ char *value = xstrdup(f.line[i].value);
		_cleanup_free_ char *longer = xasprintf("%s\\\"$`'#%s", value, value);

		conf_set(&f, key, longer);
		_cleanup_free_ char *now = conf_text(&f);
		MUST(conf_parse("fuzz.conf", now, strlen(now), &again, &err) == 0);
		MUST(streq(conf_get(&again, key, NULL), longer));
		conf_free(&again);
		conf_set(&f, key, value);
		if (i > 4)
			conf_unset(&f, key);
	}
	_cleanup_free_ char *now = conf_text(&f);
	MUST(conf_parse("fuzz.conf", now, strlen(now), &again, &err) == 0);
	conf_free(&again);
	conf_free(&f);
}

static void cgroup(const char *text)
{
	struct cg_cache c;
	uint64_t v;

	MUST(cg_text_controllers(text) < 1U << CG_N);
	(void)cg_text_hierarchies(text);
	(void)cg_text_key(text, "populated", &v);
	(void)cg_text_key(text, "oom_kill", &v);
	(void)cg_parse_u64(text, &v);
	if (cg_cache_parse(text, &c) < 0)
		return;
	_cleanup_free_ char *s = cg_cache_text(&c);
	MUST(cg_cache_parse(s, &c) == 0);
	_cleanup_free_ char *again = cg_cache_text(&c);
	MUST(streq(s, again));
}

static void mountinfo(char *text)
{
	char point[192] = "";

	if (cg_mountinfo_is(text, "freezer", point, sizeof(point)))
		MUST(*point && strlen(point) < sizeof(point) && !strpbrk(point, " \n\\"));
}

/* The name of a process is its own choice: whatever it is, its start time is found. */
static void procstat(const char *text)
{
	bool dying = false;

	(void)proc_stat_parse(text, &dying);
	_cleanup_free_ char *line = xasprintf("7 (%.15s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 "
					      "4711 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17\n",
					      text);
	MUST(proc_stat_parse(line, &dying) == 4711 && !dying);
}

void fuzz_kernel(char *text, size_t n)
{
	(void)n;
	cgroup(text);
	procstat(text);
	mountinfo(text); /* cuts it up */
}

#define BLOCK_BEGIN "# croft: begin\n"
#define BLOCK_END   "# croft: end\n"

/* What stood before our block and behind it stands there still: the two results of one text differ
 * in the block alone. */
static void check_the_rest(const char *text, const char *ours, const char *other)
{
	_cleanup_free_ char *lines =
	    xasprintf("%s%s", text, *text && !str_ends(text, "\n") ? "\n" : "");
	size_t before = 0, len = strlen(lines);

	while (ours[before] == other[before])
		before++;
	const char *behind = ours + before + strlen("ours\n" BLOCK_END);

	MUST(before >= strlen(BLOCK_BEGIN));
	before -= strlen(BLOCK_BEGIN);
	MUST(!strncmp(ours + before, BLOCK_BEGIN "ours\n" BLOCK_END,
		      strlen(BLOCK_BEGIN "ours\n" BLOCK_END)));
	MUST(before + strlen(behind) <= len && !strncmp(lines, ours, before));
	MUST(str_ends(lines, behind));
	/* What went was a block, or nothing. */
	char *old = lines + before;
	lines[len - strlen(behind)] = '\0';
	MUST(!*old || (!strncmp(old, BLOCK_BEGIN, strlen(BLOCK_BEGIN)) &&
		       str_ends(old, "\n" BLOCK_END) && !strstr(old, "\n" BLOCK_BEGIN)));
}

/* What is not ours stays, and doing it twice changes nothing. */
void fuzz_block(char *text, size_t n)
{
	_cleanup_free_ char *once = edit_block(text, "ours\n");
	_cleanup_free_ char *twice = edit_block(once, "ours\n");
	_cleanup_free_ char *other = edit_block(once, "Other\n");
	_cleanup_free_ char *back = edit_block(other, "ours\n");

	(void)n;
	MUST(streq(once, twice) && streq(once, back) && strlen(other) == strlen(once) + 1);
	check_the_rest(text, once, other);
}

static void check_terminal(const char *text, size_t n)
{
	static int fd = -1;
	_cleanup_free_ char *s = NULL;
	size_t len;

	if (fd < 0)
		fd = memfd_create("terminal", MFD_CLOEXEC);
	MUST(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	tty_write_clean(fd, text, n, true);
	MUST(lseek(fd, 0, SEEK_SET) == 0 && fd_read_all(fd, 1 << 20, &s, &len) == 0);
	MUST(fuzz_is_clean(s, len, "\n\t"));
}

/* What a server, a hook or a recipe printed, on its way to the operator's terminal. */
void fuzz_output(char *text, size_t n)
{
	struct spawn_result r = { 0 };
	struct buf b = { 0 };
	char last[200];

	check_terminal(text, n);
	out_clean(&b, text);
	MUST(fuzz_is_clean(b.s ? b.s : "", b.len, ""));
	buf_free(&b);
	snprintf(r.tail, sizeof(r.tail), "%s", text);
	for (int lines = 1; lines <= 3; lines++) {
		spawn_last_lines(&r, lines, last, sizeof(last));
		MUST(strlen(last) < sizeof(last) && !strpbrk(last, "\n\r\t\033\177"));
	}
	(void)spawn_first_line(&r, "croft:", last, sizeof(last));
}
