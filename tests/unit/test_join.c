// SPDX-License-Identifier: GPL-2.0-or-later
/* Who a command runs as inside a server: what --user means, and hostile passwd and group files. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/join_priv.h"
#include "unit.h"

static struct join_who who;
static struct join_ids ids;

static int parse(const char *s)
{
	struct err err = { 0 };

	memset(&who, 0, sizeof(who));
	return join_who_parse(s, &who, &err);
}

TEST(who_numbers)
{
	CHECK_INT(parse(NULL), 0);
	CHECK(who.by_uid && who.uid == 0 && !who.has_group);
	CHECK_INT(parse("0"), 0);
	CHECK(who.by_uid && who.uid == 0);
	CHECK_INT(parse("1"), 0);
	CHECK(who.by_uid && who.uid == 1);
	CHECK_INT(parse("4294967294"), 0);
	CHECK(who.by_uid && who.uid == 4294967294);
	CHECK_INT(parse("1:2"), 0);
	CHECK(who.by_uid && who.uid == 1 && who.has_group && who.by_gid && who.gid == 2);
}

TEST(who_names)
{
	CHECK_INT(parse("www-data"), 0);
	CHECK(!who.by_uid && !who.has_group);
	CHECK_STR(who.user, "www-data");
	CHECK_INT(parse("_apt:nogroup"), 0);
	CHECK(who.has_group && !who.by_gid);
	CHECK_STR(who.group, "nogroup");
	CHECK_INT(parse("host$"), 0);
	CHECK_INT(parse("root:0"), 0);
	CHECK(!who.by_uid && who.by_gid && who.gid == 0);
}

/* Nothing of this may become user 0 by accident (CVE-2026-30892, CVE-2024-40635). */
TEST(who_refused)
{
	static const char *const bad[] = {
		"",
		":5",
		":",
		"1:",
		"01",
		"00",
		"+1",
		"-1",
		" 1",
		"1 ",
		"0x0",
		"1.0",
		"1e3",
		"4294967295",
		"4294967296",
		"1:2:3",
		"root:",
		"ro ot",
		"root\n",
		"1000000000000000000000",
		"a/b",
		"$",
		"1a",
		"-root",
		".",
		"root:4294967296",
		"99999999999:0",
		"r\xc3\xb6t",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		unit_check(parse(bad[i]) < 0, __FILE__, __LINE__, bad[i]);
		CHECK(!who.by_uid && !who.user[0]);
	}
	char longname[200];
	memset(longname, 'a', sizeof(longname));
	longname[sizeof(longname) - 1] = '\0';
	CHECK(parse(longname) < 0);
	longname[63] = '\0';
	CHECK_INT(parse(longname), 0);
}

/* -- the files ------------------------------------------------------------------------------ */

static void put(const char *name, const char *text)
{
	mkdir(unit_path("etc"), 0755);
	int fd = open(unit_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static int find(const char *user)
{
	struct err err = { 0 };
	int root = open(unit_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = parse(user);

	memset(&ids, 0, sizeof(ids));
	if (r == 0)
		r = join_ids_find(root, &who, &ids, &err);
	close(root);
	return r;
}

TEST(ids_plain)
{
	put("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"
			  "u:x:1001:1002:A User,,,:/home/u:/bin/zsh\n");
	put("etc/group", "root:x:0:\nu:x:1002:\nadm:x:4:x,u\nsudo:x:27:u\nxu:x:28:xu,ux\n");
	CHECK_INT(find(NULL), 0);
	CHECK_INT(ids.uid, 0);
	CHECK_STR(ids.name, "root");
	CHECK_STR(ids.home, "/root");
	CHECK_STR(ids.shell, "/bin/bash");
	CHECK_INT(find("u"), 0);
	CHECK_INT(ids.uid, 1001);
	CHECK_INT(ids.gid, 1002);
	CHECK_INT(ids.n_groups, 3);
	CHECK(ids.groups[0] == 1002 && ids.groups[1] == 4 && ids.groups[2] == 27);
	CHECK_INT(find("1001"), 0); /* the same user, by number */
	CHECK_STR(ids.name, "u");
	CHECK_INT(ids.n_groups, 3);
	CHECK_INT(find("u:sudo"), 0); /* a group that is given is the only one */
	CHECK(ids.gid == 27 && ids.n_groups == 1 && ids.groups[0] == 27);
	CHECK_INT(find("1001:77"), 0);
	CHECK(ids.gid == 77 && ids.n_groups == 1 && ids.groups[0] == 77);
	CHECK(find("nobody") < 0);
	CHECK(find("u:nogroup") < 0);
}

TEST(ids_without_entry)
{
	put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
	CHECK_INT(find("1000"), 0);
	CHECK(ids.uid == 1000 && ids.gid == 1000 && ids.n_groups == 1 && ids.groups[0] == 1000);
	CHECK_STR(ids.name, "");
	CHECK_STR(ids.home, "/");
	CHECK_STR(ids.shell, "/bin/sh");
}

/* A number is never looked up as a name (CVE-2016-3697). */
TEST(ids_numeric_names)
{
	put("etc/passwd", "1000:x:0:0::/root:/bin/sh\n");
	put("etc/group", "50:x:0:\n");
	CHECK_INT(find("1000:50"), 0);
	CHECK(ids.uid == 1000 && ids.gid == 50);
	CHECK_INT(find("0"), 0); /* the entry's name is not one that is passed on */
	CHECK_STR(ids.name, "");
}

TEST(ids_broken_lines)
{
	put("etc/passwd", "short:x:0\n"
			  "big:x:4294967296:0::/:/bin/sh\n"
			  "max:x:4294967295:0::/:/bin/sh\n"
			  "neg:x:-1:0::/:/bin/sh\n"
			  "oct:x:010:0::/:/bin/sh\n"
			  "blank:x: 5:0::/:/bin/sh\n"
			  "empty:x::0::/:/bin/sh\n"
			  "many:x:5:5:a:b:c:d:e\n"
			  ":x:5:5::/:/bin/sh\n"
			  "\n"
			  "rel:x:7:8::home:sh\n"
			  "twice:x:9:9::/a:/bin/a\n"
			  "twice:x:10:10::/b:/bin/b\n"
			  "last:x:11:12::/:/bin/sh");
	static const char *const bad[] = { "short", "big",   "max",   "neg",
					   "oct",   "blank", "empty", "many" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		unit_check(find(bad[i]) < 0, __FILE__, __LINE__, bad[i]);
	CHECK_INT(find("rel"), 0);
	CHECK_STR(ids.home, "/");
	CHECK_STR(ids.shell, "/bin/sh");
	CHECK_INT(find("twice"), 0);
	CHECK_INT(ids.uid, 9);
	CHECK_INT(find("last"), 0); /* a last line without newline */
	CHECK_INT(ids.uid, 11);
}

TEST(ids_long_line)
{
	size_t n = 200000;
	_cleanup_free_ char *much = xmalloc(n + 100);

	memset(much, 'a', n);
	strcpy(much + n, ":x:5:5::/:/bin/sh\nu:x:6:6::/:/bin/sh\n");
	put("etc/passwd", much);
	CHECK_INT(find("u"), 0);
	CHECK_INT(ids.uid, 6);
}

/* No end of a file is waited for: a gigabyte of nothing takes no time. */
TEST(ids_huge_file)
{
	put("etc/passwd", "u:x:6:6::/:/bin/sh\n");
	put("etc/group", "g:x:7:u\n");
	if (truncate(unit_path("etc/group"), 1L << 30) < 0 ||
	    truncate(unit_path("etc/passwd"), 1L << 30) < 0)
		SKIP("no sparse files here");
	CHECK_INT(find("u"), 0);
	CHECK_INT(ids.n_groups, 2);
	CHECK(find("nobody") < 0);
}

TEST(ids_many_groups)
{
	struct buf b = { 0 };

	put("etc/passwd", "u:x:6:6::/:/bin/sh\n");
	for (int i = 0; i < 3000; i++)
		buf_printf(&b, "g%d:x:%d:u\n", i, 100 + i);
	put("etc/group", b.s);
	buf_free(&b);
	CHECK_INT(find("u"), 0);
	CHECK_INT(ids.n_groups, JOIN_GROUPS_MAX);
}

/* Links resolve as they do inside; what is no file is not opened for long. */
TEST(ids_hostile_files)
{
	put("etc/real", "u:x:6:6::/:/bin/sh\n");
	REQUIRE(symlink("/etc/real", unit_path("etc/passwd")) == 0);
	REQUIRE(symlink("/dev/zero", unit_path("etc/group")) == 0);
	CHECK_INT(find("u"), 0);
	CHECK_INT(ids.uid, 6);
	unlink(unit_path("etc/passwd"));
	REQUIRE(symlink("../../../../../../../../etc/passwd", unit_path("etc/passwd")) == 0);
	CHECK(find("root") < 0);
	unlink(unit_path("etc/passwd"));
	REQUIRE(symlink("/proc/self/fd/0", unit_path("etc/passwd")) == 0);
	CHECK(find("root") < 0);
	unlink(unit_path("etc/passwd"));
	REQUIRE(mkfifo(unit_path("etc/passwd"), 0600) == 0);
	CHECK(find("root") < 0);
	CHECK_INT(find("3"), 0);
	unlink(unit_path("etc/passwd"));
	REQUIRE(mkdir(unit_path("etc/passwd"), 0700) == 0);
	CHECK(find("root") < 0);
}
