// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing a stopped server's own files; see configure.h. The root is mounted detached, for this
 * process alone, and is gone when its descriptor is closed. */
#include "run/configure.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/fd.h"

#define STAMP "written"

/* The host's own resolvers, without those on loopback: inside, that would be the server itself. */
static int inherit_nameservers(struct strv *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	struct strv lines = { 0 };
	int r = fd_read_file(AT_FDCWD, "/etc/resolv.conf", 65536, &text, NULL);

	if (r == -ENOENT) /* a host without names, or a link to what is not there yet */
		return 0;
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read the host's /etc/resolv.conf");
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		struct strv words = { 0 };
		struct addr a;

		strv_split(&words, lines.v[i], " \t");
		if (words.n >= 2 && streq(words.v[0], "nameserver") &&
		    addr_parse(words.v[1], &a) == 0 && !addr_unfit(&a))
			strv_add(ret, words.v[1]);
		strv_free(&words);
	}
	strv_free(&lines);
	return 0;
}

static int resolve_nameservers(const struct plan *p, struct strv *ret, struct err *err)
{
	const struct strv *given = &p->server->net.nameserver;
	int r = given->n ? 0 : inherit_nameservers(ret, err);

	for (size_t i = 0; r == 0 && i < given->n; i++) {
		if (streq(given->v[i], "inherit"))
			r = inherit_nameservers(ret, err);
		else
			strv_add(ret, given->v[i]);
	}
	return r;
}

static void make_job(const struct plan *p, const struct strv *nameservers, struct dialect_job *job)
{
	*job = (struct dialect_job) {
		.server = p->name,
		.hostname = p->hostname,
		.uuid = p->server->uuid,
		.has_link = p->net.mode->has_link,
		.guest_if = p->net.guest_if,
		.gateway4 = p->net.gateway4,
		.gateway6 = p->net.gateway6,
		.nameserver = nameservers,
		.searchdomain = &p->server->net.searchdomain,
	};
	for (int i = 0; i < p->net.n_ip && i < DIALECT_MAX_IP; i++)
		job->ip[job->n_ip++] = p->net.ip[i];
}

static bool is_written(const struct plan *p, const char *stamp)
{
	_cleanup_free_ char *path = xasprintf("%s/" STAMP, p->dir);
	_cleanup_free_ char *text = NULL;

	return fd_read_file(AT_FDCWD, path, 64, &text, NULL) == 0 && streq(text, stamp);
}

static int write_root(const struct plan *p, const struct dialect_job *job, struct err *err)
{
	const struct dialect_conf *c = &p->server->dialect;
	_cleanup_close_ int root = p->store.store->open_root(&p->store, err);

	if (root < 0)
		return root;
	int r = p->dialect->configure(root, job, err);
	if (r == 0 && c->password.n)
		r = dialect_passwords(root, &c->password, err);
	if (r == 0 && c->ssh_key.n)
		r = dialect_ssh_keys(root, &c->ssh_key, err);
	return r;
}

int configure_root(const struct plan *p, struct err *err)
{
	const struct dialect_conf *c = &p->server->dialect;
	_cleanup_free_ char *path = xasprintf("%s/" STAMP, p->dir);
	struct strv nameservers = { 0 };
	struct dialect_job job;
	char stamp[32];
	int r = resolve_nameservers(p, &nameservers, err);

	make_job(p, &nameservers, &job);
	snprintf(stamp, sizeof(stamp), "%016llx\n",
		 (unsigned long long)dialect_stamp(p->dialect, &job));
	if (r == 0 && (c->password.n || c->ssh_key.n || !is_written(p, stamp))) {
		r = write_root(p, &job, err);
		if (r == 0)
			r = fd_replace(AT_FDCWD, path, stamp, strlen(stamp), 0600, false);
		if (r < 0 && !err->text[0])
			err_set(err, ERR_FAIL, -r, "cannot write %s", path);
	}
	strv_free(&nameservers);
	return r;
}
