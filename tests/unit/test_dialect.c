// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lib/dialect: golden trees, run twice, and trees made by an adversary.
 *
 * tests/golden/dialect/CASE/before is what is there, CASE/after what configure() makes of it. With
 * GOLDEN_UPDATE=1 in the environment, after is written anew instead of compared.
 */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "dialect/dialect.h"
#include "dialect/edit.h"
#include "sys/crypt.h"
#include "sys/fd.h"

/* ---- trees ---- */

static void put(const char *path, const char *text)
{
	_cleanup_free_ char *dir = xstrdup(path);

	*strrchr(dir, '/') = '\0';
	CHECK_INT(fd_mkdir_p(dir, 0755), 0);
	CHECK_INT(fd_replace(AT_FDCWD, path, text, strlen(text), 0644, false), 0);
}

static char *get(const char *path)
{
	char *text = NULL;
	size_t len;

	return fd_read_file(AT_FDCWD, path, 1 << 20, &text, &len) < 0 ? xstrdup("(missing)") : text;
}

static void copy_entry(const char *from, const char *to);

static void for_each(const char *dir, void (*fn)(const char *, const char *), const char *other)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		_cleanup_free_ char *a = xasprintf("%s/%s", dir, e->d_name);
		_cleanup_free_ char *b = xasprintf("%s/%s", other, e->d_name);

		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			fn(a, b);
	}
	if (d)
		closedir(d);
}

static void copy_entry(const char *from, const char *to)
{
	char target[512];
	struct stat st;
	ssize_t n;

	if (lstat(from, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode)) {
		CHECK_INT(mkdir(to, 0755), 0);
		for_each(from, copy_entry, to);
	} else if (S_ISLNK(st.st_mode)) {
		n = readlink(from, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		CHECK_INT(symlink(target, to), 0);
	} else {
		_cleanup_free_ char *text = get(from);

		CHECK_INT(fd_replace(AT_FDCWD, to, text, strlen(text), 0644, false), 0);
	}
}

/* Everything in `from` is the same in `to`. */
static void compare_entry(const char *from, const char *to)
{
	char ta[512] = "", tb[512] = "";
	struct stat a, b;

	if (lstat(from, &a) < 0 || lstat(to, &b) < 0 ||
	    (a.st_mode & S_IFMT) != (b.st_mode & S_IFMT)) {
		CHECK_STR(from, "(a file of the same kind on the other side)");
		return;
	}
	if (S_ISDIR(a.st_mode)) {
		for_each(from, compare_entry, to);
	} else if (S_ISLNK(a.st_mode)) {
		CHECK(readlink(from, ta, sizeof(ta) - 1) > 0);
		CHECK(readlink(to, tb, sizeof(tb) - 1) > 0);
		CHECK_STR(ta, tb);
	} else {
		_cleanup_free_ char *x = get(from);
		_cleanup_free_ char *y = get(to);

		CHECK_STR(x, y);
	}
}

/* Inode and change time of every file: any write changes one of them. */
static uint64_t stamp;
static void stamp_entry(const char *path, const char *unused)
{
	struct stat st;

	(void)unused;
	if (lstat(path, &st) < 0)
		return;
	stamp = str_hash(stamp, path, strlen(path));
	stamp = str_hash(stamp, &st.st_ino, sizeof(st.st_ino));
	stamp = str_hash(stamp, &st.st_ctim, sizeof(st.st_ctim));
	if (S_ISDIR(st.st_mode))
		for_each(path, stamp_entry, "");
}

static uint64_t stamp_tree(const char *dir)
{
	stamp = STR_HASH_INIT;
	stamp_entry(dir, NULL);
	return stamp;
}

static int open_root(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* ---- jobs ---- */

static struct strv nameservers, domains;

static void make_job(struct dialect_job *job)
{
	memset(job, 0, sizeof(*job));
	if (!nameservers.n) {
		strv_add(&nameservers, "192.0.2.53");
		strv_add(&nameservers, "2001:db8::53");
		strv_add(&domains, "example.org");
		strv_add(&domains, "example.net");
	}
	job->server = "web1";
	job->hostname = "web1.example.org";
	job->uuid = "0123456789abcdef0123456789abcdef";
	job->has_link = true;
	job->guest_if = "eth0";
	addr_parse("10.77.0.10", &job->ip[0]);
	addr_parse("10.77.0.11", &job->ip[1]);
	addr_parse("fd00:77::10", &job->ip[2]);
	job->n_ip = 3;
	addr_parse("169.254.0.1", &job->gateway4);
	addr_parse("fe80::1", &job->gateway6);
	job->nameserver = &nameservers;
	job->searchdomain = &domains;
}

/* ---- golden trees ---- */

static char *golden(const char *name, const char *part)
{
	const char *src = getenv("srcdir");

	return xasprintf("%s/tests/golden/dialect/%s/%s", src ? src : ".", name, part);
}

static void run_golden(const char *name, const char *dialect, const struct dialect_job *job)
{
	_cleanup_free_ char *before = golden(name, "before"), *after = golden(name, "after");
	const char *root = unit_path("root");
	_cleanup_close_ int fd = -1;
	const struct dialect *d;
	struct err err = { 0 };
	uint64_t first;

	copy_entry(before, root);
	fd = open_root(root);
	REQUIRE(fd >= 0);
	REQUIRE(dialect_detect(fd, &d, &err) == 0);
	CHECK_STR(d->name, dialect);
	CHECK_INT(d->configure(fd, job, &err), 0);
	CHECK_STR(err.text, "");
	if (getenv("GOLDEN_UPDATE")) {
		fd_remove_tree(AT_FDCWD, after);
		copy_entry(root, after);
	}
	compare_entry(after, root);
	compare_entry(root, after);
	first = stamp_tree(root);
	CHECK_INT(d->configure(fd, job, &err), 0);
	CHECK(stamp_tree(root) == first);
}

TEST(golden_debian_networkd)
{
	struct dialect_job job;

	make_job(&job);
	run_golden("debian-networkd", "debian", &job);
}

TEST(golden_debian_ifupdown)
{
	struct dialect_job job;

	make_job(&job);
	run_golden("debian-ifupdown", "debian", &job);
}

TEST(golden_debian_resolved)
{
	struct dialect_job job;

	make_job(&job);
	job.hostname = "web1";
	job.n_ip = 1;
	job.gateway6 = (struct addr) { 0 };
	run_golden("debian-resolved", "debian", &job);
}

TEST(golden_debian_keeps_what_is_there)
{
	struct dialect_job job;

	make_job(&job);
	job.has_link = false;
	job.n_ip = 0;
	run_golden("debian-kept", "debian", &job);
}

TEST(golden_busybox)
{
	struct dialect_job job;

	make_job(&job);
	run_golden("busybox", "busybox", &job);
}

TEST(golden_generic)
{
	struct dialect_job job;

	make_job(&job);
	job.searchdomain = NULL;
	run_golden("generic", "generic", &job);
}

/* ---- rows ---- */

TEST(dialect_rows_are_whole)
{
	for (const struct dialect *const *d = dialects; *d; d++) {
		CHECK(dialect_find((*d)->name) == *d);
		CHECK((*d)->help && (*d)->takes && (*d)->configure && (*d)->init && (*d)->init[0]);
		CHECK((*d)->halt_signal > 0 && (*d)->reboot_signal > 0);
		CHECK((*d)->halt_signal != (*d)->reboot_signal);
	}
	CHECK(dialect_find("none such") == NULL);
}

TEST(dialect_stamp_covers_every_value)
{
	const struct dialect *d = dialect_find("debian");
	struct dialect_job a, b;

	make_job(&a);
	b = a;
	CHECK(dialect_stamp(d, &a) == dialect_stamp(d, &b));
	b.hostname = "web2";
	CHECK(dialect_stamp(d, &a) != dialect_stamp(d, &b));
	b = a;
	b.n_ip = 2;
	CHECK(dialect_stamp(d, &a) != dialect_stamp(d, &b));
	b = a;
	b.ip[0].prefix = 24;
	CHECK(dialect_stamp(d, &a) != dialect_stamp(d, &b));
	b = a;
	b.nameserver = &domains;
	CHECK(dialect_stamp(d, &a) != dialect_stamp(d, &b));
	b = a;
	b.gateway6.family = 0;
	CHECK(dialect_stamp(d, &a) != dialect_stamp(d, &b));
	CHECK(dialect_stamp(d, &a) != dialect_stamp(dialect_find("generic"), &a));
}

TEST(edit_block_replaces_only_its_lines)
{
	_cleanup_free_ char *a = edit_block("one", "x\n");
	_cleanup_free_ char *b = edit_block(a, "y\n");
	_cleanup_free_ char *c = edit_block("# croft: begin\nno end\n", "z\n");
	_cleanup_free_ char *d = edit_block(c, "again\n");
	_cleanup_free_ char *e = edit_block("# croft: begin\nx\n# croft: end", "y\n");

	CHECK_STR(a, "one\n# croft: begin\nx\n# croft: end\n");
	CHECK_STR(b, "one\n# croft: begin\ny\n# croft: end\n");
	CHECK_STR(c, "# croft: begin\nno end\n# croft: begin\nz\n# croft: end\n");
	CHECK_STR(d, "# croft: begin\nno end\n# croft: begin\nagain\n# croft: end\n");
	CHECK_STR(e, "# croft: begin\ny\n# croft: end\n");
}

/* ---- editing ---- */

TEST(edit_keeps_mode_and_makes_directories)
{
	const char *root = unit_path("root");
	_cleanup_close_ int fd = -1;
	struct err err = { 0 };
	struct stat st;

	put(unit_path("root/etc/file"), "old\n");
	chmod(unit_path("root/etc/file"), 0640);
	fd = open_root(root);
	CHECK_INT(edit_file(fd, "/etc/file", "new\n", 0644, &err), 0);
	CHECK(stat(unit_path("root/etc/file"), &st) == 0 && (st.st_mode & 07777) == 0640);
	CHECK_INT(edit_file(fd, "/a/b/c", "deep\n", 0600, &err), 0);
	CHECK(stat(unit_path("root/a/b/c"), &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(stat(unit_path("root/a/b"), &st) == 0 && (st.st_mode & 07777) == 0755);
	CHECK_STR(err.text, "");
}

/* ---- passwords ---- */

static void add(struct strv *l, const char *s)
{
	strv_add(l, s);
}

static int set_passwords(const char *root, const char *one, const char *two, struct err *err)
{
	_cleanup_close_ int fd = open_root(root);
	_cleanup_(strv_free) struct strv l = { 0 };

	memset(err, 0, sizeof(*err));
	add(&l, one);
	if (two)
		add(&l, two);
	return dialect_passwords(fd, &l, err);
}

static const char passwd_text[] = "root:x:0:0:root:/root:/bin/bash\n"
				  "1000:x:0:0:a name of digits:/:/bin/sh\n"
				  "open::1001:1001::/home/open:/bin/sh\n"
				  "late:x:1002:1002::/home/late:/bin/sh\n";
static const char shadow_text[] = "root:*:19000:1:99:7:::\n1000:!:19000:0:99999:7:::\n";

TEST(password_goes_to_shadow)
{
	_cleanup_free_ char *shadow = NULL, *passwd = NULL, *sshd = NULL;
	const char *root = unit_path("root");
	struct err err;
	char *hash;

	put(unit_path("root/etc/passwd"), passwd_text);
	put(unit_path("root/etc/shadow"), shadow_text);
	put(unit_path("root/etc/pam.d/common-password"), "password pam_unix.so obscure yescrypt\n");
	put(unit_path("root/etc/ssh/sshd_config.d/README"), "");
	if (crypt_hash("x", false, &hash, &err) == -EINVAL)
		SKIP("no libcrypt");
	free(hash);
	CHECK_INT(set_passwords(root, "root:se:cret", "late:!", &err), 0);
	CHECK_STR(err.text, "");
	shadow = get(unit_path("root/etc/shadow"));
	passwd = get(unit_path("root/etc/passwd"));
	sshd = get(unit_path("root/etc/ssh/sshd_config.d/50-croft.conf"));
	CHECK(strncmp(shadow, "root:$y$", 8) == 0);
	CHECK(strstr(shadow, ":1:99:7:::\n1000:!:19000:0:99999:7:::\nlate:!:") != NULL);
	CHECK_STR(passwd, passwd_text);
	CHECK(strstr(sshd, "PermitRootLogin yes\n") != NULL);
}

TEST(password_without_shadow_goes_to_passwd)
{
	_cleanup_free_ char *passwd = NULL;
	struct err err;

	put(unit_path("root/etc/passwd"), passwd_text);
	CHECK_INT(set_passwords(unit_path("root"), "open:secret", NULL, &err), 0);
	passwd = get(unit_path("root/etc/passwd"));
	CHECK(strstr(passwd, "\nopen:$6$") != NULL);
	CHECK(strstr(passwd, ":1001:1001::/home/open:/bin/sh\nlate:x:") != NULL);
	CHECK(access(unit_path("root/etc/ssh"), F_OK) < 0);
}

TEST(password_refusals_write_nothing)
{
	static const char *const bad[] = { "nobody-such:x", "root:", ":x",	 "root",
					   "roo:x",	    "0:x",   "root:a\nb" };
	const char *root = unit_path("root");
	struct err err;
	uint64_t before;

	put(unit_path("root/etc/passwd"), passwd_text);
	put(unit_path("root/etc/shadow"), shadow_text);
	before = stamp_tree(root);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK(set_passwords(root, "root:secret", bad[i], &err) < 0);
		CHECK_INT(err.class, ERR_USAGE);
		CHECK(strstr(err.text, "secret") == NULL);
	}
	CHECK(stamp_tree(root) == before);
	/* A name of digits is a name: it is the user of that name that is changed, whatever its id.
	 */
	CHECK_INT(set_passwords(root, "1000:!", NULL, &err), 0);
}

/* ---- keys ---- */

#define KEY_A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZha2VrZXlmYWtla2V5ZmFrZWtleWZha2VrZXlmYWtl a@b"
#define KEY_B "no-pty ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDfakefakefakefakefakefakefake c@d"

static int set_keys(const char *root, const char *file, struct err *err)
{
	_cleanup_close_ int fd = open_root(root);
	_cleanup_(strv_free) struct strv l = { 0 };

	memset(err, 0, sizeof(*err));
	add(&l, file);
	return dialect_ssh_keys(fd, &l, err);
}

TEST(keys_are_added_once)
{
	_cleanup_free_ char *text = NULL;
	const char *root = unit_path("root"), *file = unit_path("key.pub");
	struct err err;
	struct stat st;

	put(unit_path("root/etc/passwd"), "root:x:0:0:root:/home/admin:/bin/bash\n");
	put(unit_path("root/home/admin/.ssh/authorized_keys"), "# mine");
	put(file, "# comment\n" KEY_A "\r\n\n" KEY_B "\n" KEY_A "\n");
	CHECK_INT(set_keys(root, file, &err), 0);
	CHECK_INT(set_keys(root, file, &err), 0);
	CHECK_STR(err.text, "");
	text = get(unit_path("root/home/admin/.ssh/authorized_keys"));
	CHECK_STR(text, "# mine\n" KEY_A "\n" KEY_B "\n");
	unlink(unit_path("root/etc/passwd"));
	CHECK_INT(set_keys(root, file, &err), 0);
	CHECK(stat(unit_path("root/root/.ssh"), &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(stat(unit_path("root/root/.ssh/authorized_keys"), &st) == 0 &&
	      (st.st_mode & 07777) == 0600);
}

TEST(keys_that_are_none_are_refused)
{
	static const char *const bad[] = {
		"",
		"# only a comment\n",
		"hello\n",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n",
		KEY_A "\033[2J\n",
		"ssh-ed25519 short\n",
	};
	const char *file = unit_path("key.pub");
	struct err err;

	fd_mkdir_p(unit_path("root"), 0755);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put(file, bad[i]);
		CHECK(set_keys(unit_path("root"), file, &err) < 0);
		CHECK_INT(err.class, ERR_USAGE);
		CHECK(access(unit_path("root/root"), F_OK) < 0);
	}
	CHECK(set_keys(unit_path("root"), unit_path("none.pub"), &err) < 0);
	CHECK_INT(err.class, ERR_USAGE);
}

/* ---- an adversary's trees ---- */

static const char *const written[] = { "/etc/hostname",
				       "/etc/hosts",
				       "/etc/machine-id",
				       "/etc/resolv.conf",
				       "/etc/passwd",
				       "/etc/shadow",
				       "/etc/os-release",
				       "/root/.ssh/authorized_keys",
				       "/etc/systemd/network/10-croft.network" };

/* Does all that croft does to a tree; only bounded time and what lies outside matter. */
static void do_everything(const char *root)
{
	_cleanup_close_ int fd = open_root(root);
	const struct dialect *d = NULL;
	struct dialect_job job;
	struct err err;
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	make_job(&job);
	put(unit_path("key.pub"), KEY_A "\n");
	CHECK_INT(dialect_detect(fd, &d, &err), 0);
	for (const struct dialect *const *i = dialects; *i; i++)
		(*i)->configure(fd, &job, &err);
	set_passwords(root, "root:secret", NULL, &err);
	set_keys(root, unit_path("key.pub"), &err);
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK(b.tv_sec - a.tv_sec < 5);
}

static void hostile_start(void)
{
	put(unit_path("decoy"), "decoy\n");
	put(unit_path("root/etc/systemd/system/multi-user.target.wants/x"), "");
	symlink("/x", unit_path("root/etc/systemd/system/multi-user.target.wants/"
				"systemd-networkd.service"));
}

static void decoy_is_untouched(void)
{
	_cleanup_free_ char *text = get(unit_path("decoy"));

	CHECK_STR(text, "decoy\n");
}

TEST(hostile_links_out_of_the_tree)
{
	for (int kind = 0; kind < 4; kind++) {
		_cleanup_free_ char *up =
		    xasprintf("../../../../../../../..%s", unit_path("decoy"));
		const char *const target[] = { unit_path("decoy"), up, "/proc/self/fd/0",
					       "/proc/self/root/etc/passwd" };

		hostile_start();
		for (size_t i = 0; i < ARRAY_LEN(written); i++) {
			_cleanup_free_ char *path =
			    xasprintf("%s%s", unit_path("root"), written[i]);
			_cleanup_free_ char *dir = xstrdup(path);

			*strrchr(dir, '/') = '\0';
			fd_mkdir_p(dir, 0755);
			CHECK_INT(symlink(target[kind], path), 0);
		}
		do_everything(unit_path("root"));
		decoy_is_untouched();
		fd_remove_tree(AT_FDCWD, unit_path("root"));
	}
}

TEST(hostile_directories_are_links)
{
	fd_mkdir_p(unit_path("outside"), 0755);
	fd_mkdir_p(unit_path("root"), 0755);
	symlink(unit_path("outside"), unit_path("root/etc"));
	symlink("../outside", unit_path("root/root"));
	do_everything(unit_path("root"));
	CHECK(rmdir(unit_path("outside")) == 0); /* empty */
}

/* "/new/../x" is no file before /new is made, and /x after it. */
TEST(hostile_way_back_out_of_nothing)
{
	_cleanup_close_ int root = -1;
	struct err err = { 0 };

	put(unit_path("root/etc/hosts"), "");
	unlink(unit_path("root/etc/hosts"));
	CHECK_INT(symlink("/new/../x", unit_path("root/etc/hosts")), 0);
	root = open(unit_path("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(edit_file(root, "/etc/hosts", "text\n", 0644, &err) < 0);
	CHECK(strstr(err.text, "/etc/hosts"));
	CHECK(access(unit_path("root/new"), F_OK) < 0 && access(unit_path("root/x"), F_OK) < 0);
	err_clear(&err);
}

TEST(hostile_loops_and_fifos)
{
	hostile_start();
	symlink("loop", unit_path("root/etc/hostname"));
	symlink("hostname", unit_path("root/etc/loop"));
	CHECK_INT(mkfifo(unit_path("root/etc/hosts"), 0666), 0);
	CHECK_INT(mkfifo(unit_path("root/etc/os-release"), 0666), 0);
	CHECK_INT(mkfifo(unit_path("root/etc/passwd"), 0666), 0);
	CHECK_INT(mkdir(unit_path("root/etc/machine-id"), 0755), 0);
	CHECK_INT(mkfifo(unit_path("root/etc/resolv.conf"), 0666), 0);
	do_everything(unit_path("root"));
}

TEST(hostile_devices_and_zero)
{
	if (geteuid() != 0)
		SKIP("needs root for mknod(2)");
	hostile_start();
	fd_mkdir_p(unit_path("root/dev"), 0755);
	if (mknod(unit_path("root/dev/zero"), S_IFCHR | 0666, makedev(1, 5)) < 0)
		SKIP("mknod(2) is not permitted");
	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		_cleanup_free_ char *path = xasprintf("%s%s", unit_path("root"), written[i]);
		_cleanup_free_ char *dir = xstrdup(path);

		*strrchr(dir, '/') = '\0';
		fd_mkdir_p(dir, 0755);
		CHECK_INT(symlink("/dev/zero", path), 0);
	}
	do_everything(unit_path("root"));
}

TEST(hostile_sizes)
{
	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		_cleanup_free_ char *path = xasprintf("%s%s", unit_path("root"), written[i]);

		put(path, "");
		CHECK_INT(truncate(path, 1LL << 30), 0); /* all holes */
	}
	hostile_start();
	do_everything(unit_path("root"));
}

TEST(hostile_text)
{
	struct err err;

	hostile_start();
	put(unit_path("root/etc/os-release"),
	    "ID=\nID_LIKE\nID=\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
	put(unit_path("root/etc/passwd"), "root\n:::\nroot:x\nroot:x:0:0:root:../../../..:/bin/sh");
	put(unit_path("root/etc/shadow"), "root\nroot");
	put(unit_path("root/etc/hosts"), "# croft: end\n# croft: begin\n# croft: begin\n");
	do_everything(unit_path("root"));
	CHECK_INT(set_passwords(unit_path("root"), "root:!", NULL, &err), 0);
	CHECK(access(unit_path("root/root/.ssh/authorized_keys"), F_OK) == 0);
}
