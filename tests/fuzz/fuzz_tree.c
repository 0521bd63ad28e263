// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What croft reads and edits below a server's root. The input describes the tree: a line "@KL"
 * begins an entry, K is its kind (f file, l link to what follows, d directory, p fifo), L a letter
 * of paths[]; what follows is its text.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "dialect/dialect.h"
#include "run/join_priv.h"
#include "sys/fd.h"

static const char *const paths[] = {
	/* a */ "etc/passwd",
	/* b */ "etc/group",
	/* c */ "etc/shadow",
	/* d */ "etc/os-release",
	/* e */ "usr/lib/os-release",
	/* f */ "etc/hosts",
	/* g */ "etc/hostname",
	/* h */ "etc/machine-id",
	/* i */ "etc/resolv.conf",
	/* j */ "etc/network/interfaces",
	/* k */ "etc/network/interfaces.d/croft",
	/* l */ "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
	/* m */ "etc/systemd/system/multi-user.target.wants/systemd-resolved.service",
	/* n */ "etc/systemd/network/10-croft.network",
	/* o */ "etc/pam.d/common-password",
	/* p */ "etc/ssh/sshd_config.d",
	/* q */ "root/.ssh/authorized_keys",
	/* r */ "root",
	/* s */ "sbin/init",
	/* t */ "bin/busybox",
	/* u */ "lib/systemd/systemd",
	/* v */ "sbin/ifup",
	/* w */ "sbin/resolvconf",
	/* x */ "etc",
	/* y */ "root/.ssh",
	/* z */ "run/systemd/resolve/stub-resolv.conf",
};

static char *root, *outside;

/* Never through a link: what is above it is made of directories, or the entry is left out. */
static void make_entry(int top, char kind, const char *path, const char *text)
{
	_cleanup_free_ char *dir = xstrdup(path);
	_cleanup_close_ int parent = -1;

	for (char *p = dir; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdirat(top, dir, 0755);
		if (parent >= 0)
			close(parent);
		parent = fd_open_beneath(top, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
		if (parent < 0)
			return;
	}
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	int at = parent < 0 ? top : parent;
	if (kind == 'l' && *text)
		(void)!symlinkat(text, at, name);
	else if (kind == 'd')
		(void)!mkdirat(at, name, 0755);
	else if (kind == 'p')
		(void)!mkfifoat(at, name, 0644);
	else if (kind == 'f') {
		_cleanup_close_ int fd =
		    openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd >= 0)
			MUST(fd_write_all(fd, text, strlen(text)) == 0);
	}
}

/* Returns the root's descriptor. Beside it there is a directory that nothing inside leads to. */
static int make_tree(char *text)
{
	if (!root) {
		outside = fuzz_subdir("outside");
		root = xasprintf("%s/root", fuzz_dir());
	}
	MUST(fd_remove_tree(AT_FDCWD, root) == 0 && mkdir(root, 0755) == 0);
	int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	MUST(top >= 0);
	for (char *p = *text == '@' ? text : strstr(text, "\n@"), *next; p; p = next) {
		p += *p == '\n';
		next = strstr(p, "\n@");
		if (next)
			next[0] = '\0';
		if (p[1] && p[2] >= 'a' && p[2] <= 'z') {
			const char *body = p + 3 + (p[3] == '\n');
			size_t n = strlen(body);

			if (next && p[1] == 'f') { /* its last line is whole */
				_cleanup_free_ char *lines = xasprintf("%s%s", body, n ? "\n" : "");
				make_entry(top, p[1], paths[p[2] - 'a'], lines);
			} else {
				make_entry(top, p[1], paths[p[2] - 'a'], body);
			}
		}
		if (next)
			next[0] = '\n';
	}
	return top;
}

/* -- what a tree is ---- */

static uint64_t hash;

static int add_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	_cleanup_free_ char *text = NULL;
	char target[4097] = "";
	size_t n = 0;

	(void)type;
	(void)ftw;
	if (S_ISLNK(st->st_mode))
		MUST(readlink(path, target, sizeof(target) - 1) > 0);
	else if (S_ISREG(st->st_mode))
		MUST(fd_read_file(AT_FDCWD, path, 1 << 22, &text, &n) == 0);
	/* Each entry by itself: the order of a directory is not fixed. */
	uint64_t h = str_hash(STR_HASH_INIT, path, strlen(path));
	h = str_hash(h, &st->st_mode, sizeof(st->st_mode));
	h = str_hash(h, target, strlen(target) + 1);
	hash += str_hash(h, text ? text : "", n);
	return 0;
}

static uint64_t tree_hash(void)
{
	hash = 0;
	MUST(nftw(root, add_entry, 16, FTW_PHYS) == 0);
	return hash;
}

static void check_outside(void)
{
	MUST(rmdir(outside) == 0 && mkdir(outside, 0755) == 0);
}

/* -- the targets ---- */

static void make_job(struct dialect_job *job)
{
	static struct strv nameservers, domains;

	if (!nameservers.n) {
		strv_add(&nameservers, "192.0.2.53");
		strv_add(&domains, "example.org");
	}
	*job = (struct dialect_job) {
		.server = "web1",
		.hostname = "web1.example.org",
		.uuid = "0123456789abcdef0123456789abcdef",
		.has_link = true,
		.guest_if = "eth0",
		.n_ip = 1,
		.nameserver = &nameservers,
		.searchdomain = &domains,
	};
	MUST(addr_parse("10.77.0.10", &job->ip[0]) == 0);
	MUST(addr_parse("169.254.0.1", &job->gateway4) == 0);
}

/* What a start does with a tree, twice: the second time changes nothing. */
void fuzz_tree(char *text, size_t n)
{
	const struct dialect *d = NULL;
	struct dialect_job job;
	struct err err = { 0 };

	(void)n;
	_cleanup_close_ int top = make_tree(text);
	MUST(dialect_detect(top, &d, &err) == 0 && d);
	make_job(&job);
	if (d->configure(top, &job, &err) == 0) {
		uint64_t before = tree_hash();

		MUST(d->configure(top, &job, &err) == 0);
		MUST(tree_hash() == before);
	} else {
		MUST(*err.text);
	}
	check_outside();
}

/* Passwords and keys; "!" locks an account and costs no time. */
void fuzz_accounts(char *text, size_t n)
{
	static const char key[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Kkx1b2x root@host\n";
	struct strv users = { 0 }, keys = { 0 };
	struct err err = { 0 };

	(void)n;
	_cleanup_close_ int top = make_tree(text);
	strv_add(&users, "root:!");
	strv_add(&users, "ann:!");
	strv_take(&keys, xasprintf("%s/key.pub", fuzz_dir()));
	fuzz_file(fuzz_dir(), "key.pub", key, sizeof(key) - 1);
	bool ok = dialect_passwords(top, &users, &err) == 0;
	ok = dialect_ssh_keys(top, &keys, &err) == 0 && ok;
	if (ok) {
		uint64_t before = tree_hash();

		MUST(dialect_passwords(top, &users, &err) == 0);
		MUST(dialect_ssh_keys(top, &keys, &err) == 0);
		MUST(tree_hash() == before);
	} else {
		MUST(*err.text);
	}
	/* The text as a file of keys of the host's. */
	fuzz_file(fuzz_dir(), "key.pub", text, n);
	(void)dialect_ssh_keys(top, &keys, &err);
	check_outside();
	strv_free(&users);
	strv_free(&keys);
}

/* One file of a tree that stays. */
static int file_of(const char *dir, const char *name, const void *data, size_t n)
{
	static int top = -1;

	if (top < 0) {
		root = fuzz_subdir("root");
		free(fuzz_subdir("root/etc"));
		top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	_cleanup_free_ char *path = xasprintf("%s/%s", root, dir);
	fuzz_file(path, name, data, n);
	return top;
}

void fuzz_osrelease(char *text, size_t n)
{
	const struct dialect *d = NULL;
	struct err err = { 0 };

	MUST(dialect_detect(file_of("etc", "os-release", text, n), &d, &err) == 0 && d);
}

/* The first line is what --user was given; /etc/passwd follows, and behind a line "--" /etc/group.
 */
void fuzz_users(char *text, size_t n)
{
	struct join_who who;
	struct err err = { 0 };
	static struct join_ids ids;
	char *passwd = memchr(text, '\n', n), *group;

	if (!passwd)
		return;
	*passwd++ = '\0';
	n -= (size_t)(passwd - text);
	group = memmem(passwd, n, "\n--\n", 4);
	size_t len = group ? (size_t)(group - passwd) + 1 : n;
	if (join_who_parse(text, &who, &err) < 0)
		return;
	file_of("etc", "passwd", passwd, len);
	int top = file_of("etc", "group", passwd + len, n - len);
	if (join_ids_find(top, &who, &ids, &err) < 0) {
		MUST(*err.text);
		return;
	}
	MUST(ids.home[0] == '/' && ids.shell[0] == '/' && ids.n_groups <= JOIN_GROUPS_MAX);
	MUST(memchr(ids.name, 0, sizeof(ids.name)) && memchr(ids.home, 0, sizeof(ids.home)));
	MUST(!who.by_uid || ids.uid == who.uid);
	MUST(!who.by_gid || ids.gid == who.gid);
	MUST(ids.uid != (uid_t)-1 && ids.gid != (gid_t)-1);
}
