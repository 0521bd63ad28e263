// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/sys/spool and lib/run/events: lines stay whole, files stay bounded. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/events.h"
#include "sys/fd.h"
#include "sys/json.h"
#include "sys/spool.h"

static char *text_of(const char *path)
{
	char *text = NULL;

	return fd_read_file(AT_FDCWD, path, 1 << 20, &text, NULL) < 0 ? xstrdup("(none)") : text;
}

static int append(const char *path, uint64_t max, const char *line)
{
	return spool_append(path, max, line, strlen(line));
}

TEST(spool_appends_lines)
{
	const char *path = unit_path("spool");
	struct stat st;

	CHECK_INT(append(path, 65536, "one\n"), 0);
	CHECK_INT(append(path, 65536, "two\n"), 0);
	_cleanup_free_ char *text = text_of(path);
	CHECK_STR(text, "one\ntwo\n");
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
}

TEST(spool_ends_a_line_that_was_cut)
{
	const char *path = unit_path("spool");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(write(fd, "one\nhal", 7) == 7);
	close(fd);
	CHECK_INT(append(path, 65536, "two\n"), 0);
	_cleanup_free_ char *text = text_of(path);
	CHECK_STR(text, "one\nhal\ntwo\n");
}

TEST(spool_rotates)
{
	const char *path = unit_path("spool"), *old = unit_path("spool.1");

	CHECK_INT(append(path, 8, "one\n"), 0);
	CHECK_INT(append(path, 8, "two\n"), 0);
	CHECK_INT(append(path, 8, "three\n"), 0);
	_cleanup_free_ char *a = text_of(old), *b = text_of(path);
	CHECK_STR(a, "one\ntwo\n");
	CHECK_STR(b, "three\n");
	CHECK_INT(append(path, 4, "four\n"), 0);
	_cleanup_free_ char *c = text_of(old), *d = text_of(path);
	CHECK_STR(c, "three\n");
	CHECK_STR(d, "four\n");
}

TEST(spool_refuses_what_is_no_line_and_no_file)
{
	char line[SPOOL_LINE_MAX + 1];

	memset(line, 'x', sizeof(line));
	CHECK_INT(spool_append(unit_path("spool"), 65536, line, sizeof(line)), -EMSGSIZE);
	CHECK_INT(append(unit_path("no/spool"), 65536, "x\n"), -ENOENT);
	CHECK_INT(symlink("target", unit_path("link")), 0);
	CHECK_INT(append(unit_path("link"), 65536, "x\n"), -ELOOP);
	CHECK_INT(mkfifo(unit_path("fifo"), 0600), 0);
	CHECK_INT(append(unit_path("fifo"), 65536, "x\n"), -EINVAL);
}

/* Many at once, and rotations in between: no line is lost or mixed with another. */
TEST(spool_several_writers)
{
	const char *path = unit_path("spool"), *old = unit_path("spool.1");
	size_t lines = 0, bad = 0;

	for (int w = 0; w < 4; w++) {
		if (fork() != 0)
			continue;
		for (int i = 0; i < 250; i++) {
			char line[64];
			int n = snprintf(line, sizeof(line), "<%d:%03d:%030d>\n", w, i, i);

			if (spool_append(path, 30000, line, (size_t)n) < 0)
				_exit(1);
		}
		_exit(0);
	}
	for (int w = 0, status; w < 4; w++) {
		CHECK(wait(&status) > 0);
		CHECK_INT(status, 0);
	}
	_cleanup_free_ char *a = text_of(old), *b = text_of(path);
	_cleanup_free_ char *all = xasprintf("%s%s", a, b);
	char *save = NULL;
	for (char *l = strtok_r(all, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		lines++;
		bad += strlen(l) != 38 || l[0] != '<' || l[37] != '>';
	}
	CHECK_INT(lines, 1000);
	CHECK_INT(bad, 0);
}

TEST(spool_times_sort_as_text)
{
	char a[SPOOL_TIME], b[SPOOL_TIME];

	spool_time_of(INT64_C(1763910000123), a);
	CHECK_STR(a, "2025-11-23T15:00:00.123Z");
	spool_time_of(INT64_C(951782400007), a);
	CHECK_STR(a, "2000-02-29T00:00:00.007Z");
	spool_time(a);
	spool_time(b);
	CHECK(strcmp(a, b) <= 0);
}

/* Whatever the texts are, the line is an object, and not too long. */
TEST(event_lines_are_bounded)
{
	struct host h = { .event_log = 1 << 20 };
	_cleanup_free_ char *text = NULL;
	struct json *j = NULL;
	struct err err = { 0 };
	char wild[8000];

	snprintf(h.var, sizeof(h.var), "%s", unit_dir());
	for (size_t i = 0; i < sizeof(wild) - 1; i++)
		wild[i] = i % 3 ? '\x01' : '\xc3';
	wild[sizeof(wild) - 1] = '\0';
	event_text(&h, "web1", EVENT_RECOVER, "what", wild);
	_cleanup_free_ char *path = event_path(&h);
	text = text_of(path);
	CHECK(strlen(text) > 1000 && strlen(text) <= SPOOL_LINE_MAX);
	CHECK(strchr(text, '\n') == text + strlen(text) - 1);
	REQUIRE(json_parse(text, strlen(text), &j, &err) == 0);
	CHECK_STR(json_get_str(j, "server"), "web1");
	CHECK_STR(json_get_str(j, "event"), "recover");
	json_free(j);
}

TEST(event_reboots_in_a_circle_are_few)
{
	int n = 0;

	for (int boots = 2; boots <= 100000; boots++)
		n += event_is_worth(boots, true);
	CHECK(n < 24);
	CHECK(event_is_worth(1000, false));
}
