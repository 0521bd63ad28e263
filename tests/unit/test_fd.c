// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/sys: files by descriptor, locks, processes. All of it as an ordinary user. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/proc.h"

static int open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
	close(fd);
}

static void check_file(const char *path, const char *want)
{
	_cleanup_free_ char *text = NULL;

	CHECK_INT(fd_read_file(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
	CHECK_STR(text, want);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* reading */

TEST(fd_read_bounds)
{
	char *text = (char *)"untouched";
	size_t len = 77;
	char big[5001];

	memset(big, 'x', 5000);
	big[5000] = '\0';
	write_text(unit_path("f"), big);
	CHECK_INT(fd_read_file(AT_FDCWD, unit_path("f"), 4999, &text, &len), -EFBIG);
	CHECK_INT(fd_read_file(AT_FDCWD, unit_path("f"), 0, &text, &len), -EFBIG);
	CHECK_INT(fd_read_file(AT_FDCWD, unit_path("none"), 1, &text, &len), -ENOENT);
	CHECK_STR(text, "untouched");
	CHECK_INT(len, 77);
	for (size_t max = 5000; max < 5003; max++) {
		CHECK_INT(fd_read_file(AT_FDCWD, unit_path("f"), max, &text, &len), 0);
		CHECK_INT(len, 5000);
		CHECK_STR(text, big);
		free(text);
	}
	write_text(unit_path("f"), "");
	CHECK_INT(fd_read_file(AT_FDCWD, unit_path("f"), 0, &text, NULL), 0);
	CHECK_STR(text, "");
	free(text);
}

TEST(fd_read_of_kernel_files)
{
	char *text;
	size_t len;

	/* Size 0 says stat(2) of these. */
	REQUIRE(fd_read_file(AT_FDCWD, "/proc/self/status", 1 << 16, &text, &len) == 0);
	CHECK(len > 100 && str_starts(text, "Name:"));
	free(text);
	CHECK_INT(fd_read_file(AT_FDCWD, "/proc/self/status", 100, &text, &len), -EFBIG);
}

TEST(fd_read_never_blocks)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char *text;
	int s;

	CHECK_INT(fd_read_file(AT_FDCWD, unit_dir(), 100, &text, NULL), -EISDIR);
	CHECK_INT(fd_read_file(AT_FDCWD, "/dev/zero", 100, &text, NULL), -EINVAL);
	CHECK_INT(fd_read_file(AT_FDCWD, "/dev/null", 100, &text, NULL), -EINVAL);
	REQUIRE(mkfifo(unit_path("fifo"), 0600) == 0);
	CHECK_INT(fd_read_file(AT_FDCWD, unit_path("fifo"), 100, &text, NULL), -EINVAL);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(sa.sun_path, unit_path("sock"));
	REQUIRE(bind(s, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	CHECK_INT(fd_read_file(AT_FDCWD, unit_path("sock"), 100, &text, NULL), -EINVAL);
	close(s);
}

TEST(fd_read_all_of_a_pipe)
{
	char *text;
	size_t len;
	int p[2];

	REQUIRE(pipe2(p, O_CLOEXEC) == 0);
	CHECK_INT(fd_write_all(p[1], "hello", 5), 0);
	close(p[1]);
	CHECK_INT(fd_read_all(p[0], 5, &text, &len), 0);
	CHECK_STR(text, "hello");
	free(text);
	close(p[0]);
	CHECK_INT(fd_read_all(p[0], 5, &text, &len), -EBADF);
}

/* writing */

TEST(fd_write_into_existing_only)
{
	CHECK_INT(fd_write_file(AT_FDCWD, unit_path("f"), "x"), -ENOENT);
	write_text(unit_path("f"), "");
	CHECK_INT(fd_write_file(AT_FDCWD, unit_path("f"), "max"), 0);
	check_file(unit_path("f"), "max");
	CHECK_INT(fd_write_file(AT_FDCWD, "/dev/full", "x"), -ENOSPC);
	CHECK_INT(fd_write_file(AT_FDCWD, unit_dir(), "x"), -EISDIR);
}

static int entries(const char *dir)
{
	_cleanup_free_ char *command = xasprintf("ls -A '%s' | wc -l", dir);
	FILE *p = popen(command, "r");
	int n = -1;

	CHECK(p && fscanf(p, "%d", &n) == 1);
	pclose(p);
	return n;
}

TEST(fd_replace_is_whole_or_not_at_all)
{
	const char *path = unit_path("f");
	_cleanup_close_ int dir = open_dir(unit_dir());
	mode_t old = umask(0077);
	struct stat st;

	CHECK_INT(fd_replace(AT_FDCWD, path, "one", 3, 0644, true), 0);
	check_file(path, "one");
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0644);
	CHECK_INT(fd_replace(dir, "f", "two", 3, 0600, false), 0);
	check_file(path, "two");
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	/* A link is replaced, not followed. */
	CHECK_INT(symlink("f", unit_path("link")), 0);
	CHECK_INT(fd_replace(dir, "link", "three", 5, 0600, false), 0);
	check_file(path, "two");
	check_file(unit_path("link"), "three");
	CHECK_INT(entries(unit_dir()), 2);
	/* Failures leave neither a temporary file nor a change. */
	CHECK_INT(mkdir(unit_path("d"), 0700), 0);
	CHECK_INT(fd_replace(dir, "d", "x", 1, 0600, false), -EISDIR);
	CHECK_INT(fd_replace(dir, "none/f", "x", 1, 0600, false), -ENOENT);
	CHECK_INT(fd_replace(dir, "f/f", "x", 1, 0600, false), -ENOTDIR);
	CHECK(fd_replace(dir, "", "x", 1, 0600, false) < 0);
	CHECK_INT(entries(unit_dir()), 3);
	umask(old);
}

TEST(fd_replace_of_the_longest_name)
{
	_cleanup_close_ int dir = open_dir(unit_dir());
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	CHECK_INT(fd_replace(dir, name, "x", 1, 0600, false), 0);
	CHECK_INT(fd_replace(dir, name, "y", 1, 0600, true), 0);
	CHECK_INT(entries(unit_dir()), 1);
}

TEST(fd_overwrite_leaves_nothing_of_the_old)
{
	_cleanup_close_ int dir = open_dir(unit_dir());
	_cleanup_free_ char *text = NULL, *shorter = NULL;

	CHECK_INT(fd_overwrite(dir, "hint", "1000\n"), 0);
	CHECK_INT(fd_read_file(dir, "hint", 64, &text, NULL), 0);
	CHECK_STR(text, "1000\n");
	CHECK_INT(fd_overwrite(dir, "hint", "2\n"), 0);
	CHECK_INT(fd_read_file(dir, "hint", 64, &shorter, NULL), 0);
	CHECK_STR(shorter, "2\n");
	CHECK_INT(entries(unit_dir()), 1);
	CHECK_INT(symlinkat("hint", dir, "link"), 0);
	CHECK_INT(fd_overwrite(dir, "link", "3\n"), -ELOOP);
	CHECK_INT(fd_overwrite(dir, ".", "3\n"), -EISDIR);
	CHECK_INT(mkfifoat(dir, "fifo", 0600), 0);
	CHECK_INT(fd_overwrite(dir, "fifo", "3\n"), -ENXIO);
}

/* Writers are killed at any moment; what is there is whole, and the next writer leaves nothing
 * else. */
TEST(fd_replace_after_killed_writers)
{
	_cleanup_close_ int dir = open_dir(unit_dir());
	char *text = xcalloc(1, 100001);

	memset(text, 'x', 100000);
	CHECK_INT(fd_replace(dir, "f", text, 100000, 0600, false), 0);
	for (int i = 0; i < 100; i++) {
		struct timespec t = { .tv_nsec = 10000L * i };
		pid_t pid = fork();
		int status;

		if (pid == 0)
			for (;;)
				fd_replace(dir, "f", text, 100000, 0600, i % 2);
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid);
	}
	CHECK_INT(fd_replace(dir, "f", text, 100000, 0600, false), 0);
	check_file(unit_path("f"), text);
	CHECK_INT(entries(unit_dir()), 1);
	write_text(unit_path(".f.tmp"), "of a killed one");
	fd_replace_tidy(dir, "f");
	CHECK_INT(entries(unit_dir()), 1);
	write_text(unit_path(".f.tmp"), "of a killed one");
	fd_replace_tidy(AT_FDCWD, unit_path("f"));
	CHECK_INT(entries(unit_dir()), 1);
	check_file(unit_path("f"), text);
	free(text);
}

TEST(fd_replace_by_many_at_once)
{
	_cleanup_close_ int dir = open_dir(unit_dir());
	char text[20000];
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			int bad = 0;

			memset(text, 'a' + i, sizeof(text));
			for (int k = 0; k < 50; k++)
				bad |= fd_replace(dir, "f", text, sizeof(text), 0600, false);
			_exit(bad != 0);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status;

		CHECK(waitpid(pid[i], &status, 0) == pid[i] && status == 0);
	}
	_cleanup_free_ char *end = NULL;
	size_t len = 0;
	CHECK_INT(fd_read_file(dir, "f", sizeof(text), &end, &len), 0);
	CHECK(len == sizeof(text) && end && strspn(end, (char[]) { end[0], '\0' }) == len);
	CHECK_INT(entries(unit_dir()), 1);
}

/* A limit on the size of files stands for a full disk. */
TEST(fd_replace_full_disk)
{
	_cleanup_close_ int dir = open_dir(unit_dir());
	int status;
	pid_t pid;

	CHECK_INT(fd_replace(dir, "f", "old", 3, 0600, false), 0);
	pid = fork();
	if (pid == 0) {
		struct rlimit rl = { 1000, 1000 };
		char *big = xcalloc(1, 5000);

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &rl);
		_exit(fd_replace(dir, "f", big, 5000, 0600, true) == -EFBIG ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	check_file(unit_path("f"), "old");
	CHECK_INT(entries(unit_dir()), 1);
}

TEST(fd_mkdir_p_modes)
{
	mode_t old = umask(0077);
	struct stat st;

	CHECK_INT(fd_mkdir_p(unit_path("a/b//c/d/"), 0711), 0);
	CHECK(stat(unit_path("a/b"), &st) == 0 && (st.st_mode & 07777) == 0711);
	CHECK(stat(unit_path("a/b/c/d"), &st) == 0 && (st.st_mode & 07777) == 0711);
	CHECK_INT(fd_mkdir_p(unit_path("a/b"), 0700), 0);
	CHECK(stat(unit_path("a/b"), &st) == 0 && (st.st_mode & 07777) == 0711);
	write_text(unit_path("f"), "");
	CHECK_INT(fd_mkdir_p(unit_path("f"), 0700), -ENOTDIR);
	CHECK_INT(fd_mkdir_p(unit_path("f/x"), 0700), -ENOTDIR);
	CHECK_INT(fd_mkdir_p("relative", 0700), -EINVAL);
	CHECK_INT(fd_mkdir_p("", 0700), -EINVAL);
	CHECK_INT(fd_mkdir_p("/", 0700), 0);
	umask(old);
}

/* hostile roots */

static void make_hostile_root(void)
{
	mkdir(unit_path("root"), 0755);
	mkdir(unit_path("root/etc"), 0755);
	write_text(unit_path("secret"), "of the host");
	write_text(unit_path("root/secret"), "of the server");
	write_text(unit_path("root/etc/hosts"), "inside");
	CHECK_INT(symlink("/etc/hosts", unit_path("root/abs")), 0);
	CHECK_INT(symlink("../../../../../../secret", unit_path("root/up")), 0);
	CHECK_INT(symlink("../../secret", unit_path("root/etc/up")), 0);
	CHECK_INT(symlink("/", unit_path("root/slash")), 0);
	CHECK_INT(symlink("loop", unit_path("root/loop")), 0);
	CHECK_INT(symlink("/proc/self/root/etc/passwd", unit_path("root/magic")), 0);
	CHECK_INT(symlink("etc", unit_path("root/dirlink")), 0);
	CHECK_INT(symlink("/nowhere", unit_path("root/dangling")), 0);
	CHECK_INT(mkfifo(unit_path("root/fifo"), 0600), 0);
}

static void check_in(int root, const char *path, const char *want)
{
	_cleanup_close_ int fd = fd_open_in(root, path, O_RDONLY, 0);
	_cleanup_free_ char *text = NULL;

	CHECK(fd >= 0);
	CHECK_INT(fd_read_all(fd, 1000, &text, NULL), 0);
	CHECK_STR(text, want);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

TEST(fd_open_in_stays_inside)
{
	_cleanup_close_ int root = -1, p = -1;
	struct stat st;
	int fd;

	make_hostile_root();
	root = open_dir(unit_path("root"));
	if (fd_open_in(root, "etc", O_PATH, 0) == -ENOSYS)
		SKIP("no openat2(2)");
	check_in(root, "etc/hosts", "inside");
	check_in(root, "/etc/hosts", "inside");
	check_in(root, "abs", "inside");
	check_in(root, "slash/slash/abs", "inside");
	check_in(root, "dirlink/hosts", "inside");
	check_in(root, "up", "of the server");
	check_in(root, "etc/up", "of the server");
	check_in(root, "../secret", "of the server");
	check_in(root, "/../../etc/../secret", "of the server");
	CHECK_INT(fd_open_in(root, "loop", O_RDONLY, 0), -ELOOP);
	CHECK_INT(fd_open_in(root, "magic", O_RDONLY, 0), -ENOENT);
	CHECK_INT(fd_open_in(root, "dangling", O_RDONLY, 0), -ENOENT);
	CHECK_INT(fd_open_in(root, "abs", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
	CHECK_INT(fd_open_in(root, "", O_RDONLY, 0), -ENOENT);
	/* A fifo neither blocks the reader nor the writer. */
	fd = fd_open_in(root, "fifo", O_RDONLY, 0);
	CHECK(fd >= 0);
	close(fd);
	CHECK_INT(fd_open_in(root, "fifo", O_WRONLY, 0), -ENXIO);
	/* Creation through a dangling link lands inside. */
	fd = fd_open_in(root, "dangling", O_WRONLY | O_CREAT, 0640);
	CHECK(fd >= 0);
	close(fd);
	CHECK(stat(unit_path("root/nowhere"), &st) == 0);
	CHECK(!exists("/nowhere"));
	p = fd_open_in(root, "abs", O_PATH | O_NOFOLLOW, 0);
	CHECK(p >= 0 && fstat(p, &st) == 0 && S_ISLNK(st.st_mode));
}

TEST(fd_open_in_refuses_magic_links)
{
	_cleanup_close_ int proc = open_dir("/proc");
	_cleanup_free_ char *path = xasprintf("%d/root", (int)getpid());

	if (fd_open_in(proc, "stat", O_PATH, 0) < 0)
		SKIP("no openat2(2) or no /proc");
	CHECK_INT(fd_open_in(proc, path, O_PATH, 0), -ELOOP);
	CHECK_INT(fd_open_in(proc, "self/fd/0", O_RDONLY, 0), -ELOOP);
}

TEST(fd_open_beneath_follows_nothing)
{
	static const struct {
		const char *path;
		int r;
	} t[] = { { "abs", -ELOOP },
		  { "up", -ELOOP },
		  { "dirlink/hosts", -ELOOP },
		  { "slash/secret", -ELOOP },
		  { "../secret", -EXDEV },
		  { "/etc/hosts", -EXDEV },
		  { "etc/../../secret", -EXDEV },
		  { "magic", -ELOOP } };
	_cleanup_close_ int root = -1;
	int fd;

	make_hostile_root();
	root = open_dir(unit_path("root"));
	if (fd_open_beneath(root, "etc", O_PATH, 0) == -ENOSYS)
		SKIP("no openat2(2)");
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		CHECK_INT(fd_open_beneath(root, t[i].path, O_RDONLY, 0), t[i].r);
	fd = fd_open_beneath(root, "etc/../etc/hosts", O_RDONLY, 0);
	CHECK(fd >= 0);
	close(fd);
	fd = fd_open_beneath(root, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK_INT(fd_open_beneath(root, "dangling", O_WRONLY | O_CREAT, 0600), -ELOOP);
}

/* removal */

TEST(fd_remove_tree_small_cases)
{
	_cleanup_close_ int dir = open_dir(unit_dir());
	int before = count_fds();

	CHECK_INT(fd_remove_tree(dir, "none"), 0);
	CHECK_INT(fd_remove_tree(dir, "none/none"), 0);
	CHECK_INT(fd_remove_tree(dir, ""), -EINVAL);
	CHECK_INT(fd_remove_tree(dir, "."), -EINVAL);
	CHECK_INT(fd_remove_tree(dir, ".."), -EINVAL);
	CHECK_INT(fd_remove_tree(dir, "x/"), -EINVAL);
	CHECK_INT(fd_remove_tree(dir, "x/.."), -EINVAL);
	write_text(unit_path("file"), "x");
	CHECK_INT(fd_remove_tree(dir, "file"), 0);
	CHECK(!exists(unit_path("file")));
	CHECK_INT(mkdir(unit_path("keep"), 0700), 0);
	write_text(unit_path("keep/me"), "x");
	CHECK_INT(symlink("keep", unit_path("link")), 0);
	CHECK_INT(fd_remove_tree(dir, "link"), 0);
	CHECK(!exists(unit_path("link")));
	CHECK_INT(fd_remove_tree(dir, "keep/.."), -EINVAL);
	check_file(unit_path("keep/me"), "x");
	CHECK_INT(fd_remove_tree(AT_FDCWD, unit_path("keep")), 0);
	CHECK(!exists(unit_path("keep")));
	CHECK_INT(count_fds(), before);
}

TEST(fd_remove_tree_odd_names_and_links)
{
	static const char *const names[] = { " ",
					     "\n",
					     "-rf",
					     "...",
					     "..a",
					     "*",
					     "\xff\xfe",
					     "\x1b[2J",
					     "~",
					     "$HOME",
					     "a'b\"c",
					     "\\",
					     ".croft-removing-0",
					     ".croft-removing-1" };
	_cleanup_close_ int dir = open_dir(unit_dir());
	char name[256];

	write_text(unit_path("outside"), "x");
	CHECK_INT(mkdir(unit_path("outdir"), 0700), 0);
	write_text(unit_path("outdir/f"), "x");
	CHECK_INT(mkdir(unit_path("t"), 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *sub = xasprintf("t/%s", names[i]),
				    *in = xasprintf("t/%s/x", names[i]);

		CHECK_INT(mkdirat(dir, sub, 0700), 0);
		CHECK_INT(mkdirat(dir, in, 0700), 0);
	}
	memset(name, 'n', 255);
	name[255] = '\0';
	{
		_cleanup_free_ char *sub = xasprintf("t/%s", name);

		CHECK_INT(mkdirat(dir, sub, 0700), 0);
	}
	CHECK_INT(symlinkat("../outdir", dir, "t/link"), 0);
	CHECK_INT(symlinkat("../outside", dir, "t/filelink"), 0);
	CHECK_INT(symlinkat("t/self", dir, "t/self"), 0);
	CHECK_INT(symlinkat("/", dir, "t/slash"), 0);
	CHECK_INT(linkat(dir, "outside", dir, "t/hard", 0), 0);
	CHECK_INT(mkfifoat(dir, "t/fifo", 0), 0);
	CHECK_INT(fd_remove_tree(dir, "t"), 0);
	CHECK(!exists(unit_path("t")));
	check_file(unit_path("outside"), "x");
	check_file(unit_path("outdir/f"), "x");
}

/* A chain of n directories under start, with a file in every tenth. */
static void make_deep(int start, int n, const char *name)
{
	int at = dup(start);

	for (int i = 0; i < n; i++) {
		int next;

		if (mkdirat(at, name, 0700) < 0)
			break;
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
		if (i % 10 == 0)
			close(openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
	CHECK(at >= 0);
	close(at);
}

TEST(fd_remove_tree_ten_thousand_levels)
{
	_cleanup_close_ int dir = open_dir(unit_dir()), top = -1;
	int before = count_fds();

	CHECK_INT(mkdir(unit_path("t"), 0700), 0);
	top = open_dir(unit_path("t"));
	make_deep(top, 10000, "d");
	/* Names that are taken already where deep directories are moved to. */
	make_deep(top, 200, ".croft-removing-0");
	make_deep(top, 200, ".croft-removing-2");
	fd_drop(&top);
	CHECK_INT(fd_remove_tree(dir, "t"), 0);
	CHECK(!exists(unit_path("t")));
	CHECK_INT(count_fds(), before);
}

TEST(fd_remove_tree_wide)
{
	_cleanup_close_ int dir = open_dir(unit_dir()), top = -1;

	CHECK_INT(mkdir(unit_path("t"), 0700), 0);
	top = open_dir(unit_path("t"));
	for (int i = 0; i < 5000; i++) {
		char name[40];

		snprintf(name, sizeof(name), "%d", i);
		if (i % 10)
			close(openat(top, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		else
			CHECK_INT(mkdirat(top, name, 0700), 0);
	}
	for (int i = 0; i < 40; i++) {
		char name[40];

		snprintf(name, sizeof(name), "deep%d", i);
		make_deep(top, 60, name);
	}
	CHECK_INT(fd_remove_tree(dir, "t"), 0);
	CHECK(!exists(unit_path("t")));
}

TEST(fd_remove_tree_reports_failure)
{
	_cleanup_close_ int dir = open_dir(unit_dir());
	int before = count_fds();

	if (geteuid() == 0)
		SKIP("root may remove anything");
	CHECK_INT(mkdir(unit_path("t"), 0700), 0);
	CHECK_INT(mkdir(unit_path("t/sub"), 0700), 0);
	write_text(unit_path("t/sub/f"), "x");
	CHECK_INT(chmod(unit_path("t/sub"), 0500), 0);
	CHECK_INT(fd_remove_tree(dir, "t"), -EACCES);
	CHECK_INT(count_fds(), before);
	CHECK_INT(chmod(unit_path("t/sub"), 0700), 0);
	CHECK_INT(fd_remove_tree(dir, "t"), 0);
}

TEST(fd_remove_tree_while_it_is_filled)
{
	_cleanup_close_ int dir = open_dir(unit_dir());
	int r = -1, status;
	pid_t pid;

	CHECK_INT(mkdir(unit_path("t"), 0700), 0);
	(void)unit_path("t/x");
	pid = fork();
	if (pid == 0) {
		int top = open_dir(unit_path("t"));

		for (int i = 0; i < 3000; i++) {
			char name[40];

			snprintf(name, sizeof(name), "d%d", i);
			mkdirat(top, name, 0700);
			snprintf(name, sizeof(name), "d%d/f", i);
			close(openat(top, name, O_WRONLY | O_CREAT, 0600));
		}
		_exit(0);
	}
	for (int i = 0; i < 100 && r < 0; i++)
		r = fd_remove_tree(dir, "t");
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_INT(fd_remove_tree(dir, "t"), 0);
	CHECK(!exists(unit_path("t")));
}

/* descriptors */

TEST(fd_cloexec_from_marks_all)
{
	int a = open("/dev/null", O_RDONLY), b = fcntl(a, F_DUPFD, 200);
	int status;
	pid_t pid;

	REQUIRE(a >= 0 && b >= 200);
	pid = fork();
	if (pid == 0) {
		fd_cloexec_from(3);
		_exit((fcntl(a, F_GETFD) & FD_CLOEXEC) && (fcntl(b, F_GETFD) & FD_CLOEXEC) &&
			      !(fcntl(2, F_GETFD) & FD_CLOEXEC)
			  ? 0
			  : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close(a);
	close(b);
}

TEST(fd_stdio_is_made_sane)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char c;
		int bad = 0, fd;

		close(0);
		close(1);
		close(2);
		fd_stdio_sane();
		bad |= read(0, &c, 1) != 0;
		bad |= (write(1, "x", 1) >= 0 || errno != EBADF) << 1; /* not silently lost */
		bad |= (write(2, "x", 1) != 1) << 2;
		fd = open("/dev/null", O_RDONLY);
		bad |= (fd <= 2) << 3;
		fd_stdio_sane();
		_exit(bad);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(WEXITSTATUS(status), 0);
}

/* locks */

TEST(lock_excludes_and_names_the_holder)
{
	struct lock l = LOCK_NONE;
	const char *path = unit_path("run/croft/web1.lock");
	_cleanup_free_ char *text = NULL,
			    *want = xasprintf("server web1 is locked by pid %d (", (int)getpid());
	struct stat st;
	int status;
	pid_t pid;

	struct err e = { 0 };
	CHECK_INT(lock_take(path, "server web1", 0, &l, &e), 0);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(stat(unit_path("run/croft"), &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(fcntl(l.fd, F_GETFD) & FD_CLOEXEC);
	CHECK_INT(fd_read_file(AT_FDCWD, path, 1000, &text, NULL), 0);
	CHECK_INT(atoi(text), getpid());
	CHECK(str_ends(text, "\n"));
	pid = fork();
	if (pid == 0) {
		struct lock m = LOCK_NONE;
		uint64_t t0 = clock_ms(), t1;

		if (lock_take(path, "server web1", 0, &m, &e) != -EBUSY || e.class != ERR_BUSY)
			_exit(1);
		if (!str_starts(e.text, want))
			_exit(2);
		t1 = clock_ms();
		if (t1 - t0 > 100)
			_exit(3);
		if (lock_take(path, "server web1", t1 + 200, &m, &e) != -EBUSY || m.fd != -1)
			_exit(4);
		if (clock_ms() - t1 < 200 || clock_ms() - t1 > 1000)
			_exit(5);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(WEXITSTATUS(status), 0);
	lock_drop(&l);
	CHECK_INT(l.fd, -1);
	lock_drop(&l);
	CHECK(exists(path));
	CHECK_INT(lock_take(path, "server web1", 0, &l, &e), 0);
	lock_drop_remove(&l);
	CHECK(!exists(path));
	lock_drop_remove(&l);
}

TEST(lock_of_the_dead_is_free)
{
	const char *path = unit_path("l");
	struct lock l = LOCK_NONE;
	struct err e;
	int p[2];
	pid_t pid;
	char c;

	REQUIRE(pipe2(p, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		struct lock m;

		if (lock_take(path, "x", 0, &m, &e) == 0 && write(p[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	CHECK(read(p[0], &c, 1) == 1);
	CHECK_INT(lock_take(path, "x", 0, &l, &e), -EBUSY);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK_INT(lock_take(path, "x", 0, &l, &e), 0);
	lock_drop(&l);
	close(p[0]);
	close(p[1]);
}

/* A child that still has the descriptor keeps no lock that was dropped. */
TEST(lock_drop_beats_an_inherited_descriptor)
{
	const char *path = unit_path("l");
	struct lock l, m = LOCK_NONE;
	struct err e;
	pid_t pid;

	REQUIRE(lock_take(path, "x", 0, &l, &e) == 0);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	lock_drop(&l);
	CHECK_INT(lock_take(path, "x", 0, &m, &e), 0);
	lock_drop(&m);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST(lock_bad_paths)
{
	struct lock l = LOCK_NONE;
	char big[400];
	struct err e;

	memset(big, 'x', sizeof(big));
	big[0] = '/';
	big[399] = '\0';
	CHECK_INT(lock_take(big, "x", 0, &l, &e), -ENAMETOOLONG);
	CHECK_INT(symlink("/etc/passwd", unit_path("l")), 0);
	CHECK_INT(lock_take(unit_path("l"), "x", 0, &l, &e), -ELOOP);
	CHECK_INT(mkdir(unit_path("d"), 0700), 0);
	CHECK_INT(lock_take(unit_path("d"), "x", 0, &l, &e), -EISDIR);
	write_text(unit_path("f"), "garbage");
	CHECK_INT(lock_take(unit_path("f/l"), "x", 0, &l, &e), -ENOTDIR);
	CHECK_INT(l.fd, -1);
	/* Whatever stands in the file is replaced. */
	CHECK_INT(lock_take(unit_path("f"), "x", 0, &l, &e), 0);
	lock_drop_remove(&l);
	/* Held by a process that wrote no line of ours. */
	write_text(unit_path("f"), "-3 \x1b[2J\n");
	int fd = open(unit_path("f"), O_RDONLY | O_CLOEXEC);
	CHECK_INT(flock(fd, LOCK_EX), 0);
	CHECK_INT(lock_take(unit_path("f"), "thing", 0, &l, &e), -EBUSY);
	CHECK_STR(e.text, "thing is locked by another process; try again later");
	write_text(unit_path("f"), "12 a\x1b[2Jb\nmore");
	CHECK_INT(lock_take(unit_path("f"), "thing", 0, &l, &e), -EBUSY);
	CHECK_STR(e.text, "thing is locked by pid 12 (a?[2Jb); try again later");
	close(fd);
}

/* Many processes take, check that they are alone, and remove the lock's file. */
TEST(lock_drop_remove_races)
{
	enum { PROCS = 8, ROUNDS = 150 };
	const char *path = unit_path("l");
	struct shared {
		int inside, taken, clashes;
	} *sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int failed = 0, status;

	REQUIRE(sh != MAP_FAILED);
	for (int p = 0; p < PROCS; p++) {
		if (fork())
			continue;
		for (int i = 0; i < ROUNDS; i++) {
			struct lock l;
			struct err e;

			if (lock_take(path, "x", clock_ms() + 30000, &l, &e) < 0)
				_exit(1);
			if (__atomic_fetch_add(&sh->inside, 1, __ATOMIC_SEQ_CST))
				__atomic_fetch_add(&sh->clashes, 1, __ATOMIC_SEQ_CST);
			__atomic_fetch_add(&sh->taken, 1, __ATOMIC_SEQ_CST);
			if (i % 7 == 0)
				usleep(200);
			__atomic_fetch_sub(&sh->inside, 1, __ATOMIC_SEQ_CST);
			if (i % 3)
				lock_drop_remove(&l);
			else
				lock_drop(&l);
		}
		_exit(0);
	}
	for (int p = 0; p < PROCS; p++)
		failed += wait(&status) < 0 || status != 0;
	CHECK_INT(failed, 0);
	CHECK_INT(sh->clashes, 0);
	CHECK_INT(sh->taken, PROCS * ROUNDS);
	munmap(sh, sizeof(*sh));
}

/* processes */

TEST(proc_identity)
{
	uint64_t mine = proc_start_time(getpid());
	int p[2], status;
	pid_t pid;

	CHECK(mine > 0);
	CHECK(proc_alive(getpid(), mine));
	CHECK(!proc_alive(getpid(), mine + 1));
	CHECK(!proc_alive(getpid(), 0));
	CHECK(proc_goes_on(getpid(), mine));
	CHECK(!proc_goes_on(getpid(), mine + 1));
	CHECK(!proc_goes_on(getpid(), 0));
	CHECK_INT(proc_start_time(0), 0);
	CHECK_INT(proc_start_time(-1), 0);
	CHECK_INT(proc_start_time(0x7fffffff), 0);
	REQUIRE(pipe2(p, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		char c;

		/* A name that imitates the fields behind it. */
		write_text("/proc/self/comm", "x) Z 1 2 (");
		close(p[1]);
		_exit(read(p[0], &c, 1) < 0);
	}
	close(p[0]);
	CHECK(proc_start_time(pid) >= mine);
	mine = proc_start_time(pid);
	CHECK(mine > 0);
	close(p[1]);
	/* Ended but not reaped: a zombie is not alive. */
	siginfo_t si;
	CHECK_INT(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	CHECK_INT(proc_start_time(pid), 0);
	CHECK(!proc_alive(pid, mine));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_INT(proc_start_time(pid), 0);
}

TEST(proc_pidfd_life)
{
	uint64_t t;
	int fd, status;
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	fd = proc_pidfd_open(pid, 0);
	if (fd == -ENOSYS) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		SKIP("no pidfd_open(2)");
	}
	CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	t = clock_ms();
	CHECK_INT(proc_pidfd_wait(fd, 0), -ETIMEDOUT);
	CHECK_INT(proc_pidfd_wait(fd, 50), -ETIMEDOUT);
	CHECK(clock_ms() - t >= 49 && clock_ms() - t < 1000);
	CHECK_INT(proc_pidfd_signal(fd, SIGTERM), 0);
	CHECK_INT(proc_pidfd_wait(fd, -1), 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	CHECK_INT(proc_pidfd_wait(fd, 0), 0);
	CHECK_INT(proc_pidfd_signal(fd, SIGTERM), -ESRCH);
	close(fd);
	CHECK_INT(proc_pidfd_open(0x7fffffff, 0), -ESRCH);
	CHECK_INT(proc_pidfd_wait(fd, 0), -EBADF);
}

TEST(proc_command_for_messages)
{
	char out[64], tiny[4];
	int status;
	pid_t pid;

	proc_command(getpid(), out, sizeof(out));
	CHECK(strlen(out) > 0 && !streq(out, "?"));
	proc_command(0x7fffffff, out, sizeof(out));
	CHECK_STR(out, "?");
	proc_command(getpid(), tiny, sizeof(tiny));
	CHECK(strlen(tiny) <= 3);
	proc_command(getpid(), tiny, 0);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "s\nh", "-c", "kill -STOP $$; exit 0", "\x1b[2J", NULL);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	proc_command(pid, out, sizeof(out));
	CHECK_STR(out, "s?h -c kill -STOP $$; exit 0 ?[2J");
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t) { 0 }, WEXITED | WNOWAIT);
	proc_command(pid, out, sizeof(out)); /* a zombie has only its short name */
	CHECK_STR(out, "sh");
	waitpid(pid, &status, 0);
}

TEST(proc_signals_that_a_process_takes)
{
	const char *status = "Name:\tx\nSigBlk:\t0000000000000004\nSigIgn:\t0000000000000002\n"
			     "SigCgt:\t8000000000000800\n";
	sigset_t set;

	CHECK(proc_status_takes(status, 3) && proc_status_takes(status, SIGUSR2));
	CHECK(proc_status_takes(status, 64));
	CHECK(!proc_status_takes(status, 2) && !proc_status_takes(status, 1));
	CHECK(!proc_status_takes("", 1));
	CHECK(!proc_status_takes(status, 0) && !proc_status_takes(status, 65));
	CHECK(proc_takes_signal(getpid(), SIGURG) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(proc_takes_signal(getpid(), SIGURG) == 1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK(proc_takes_signal(0x7fffffff, SIGURG) == -ENOENT);
}
