// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Host name, hosts, machine-id and resolver: the same files on nearly every distribution.
 *
 * What must stay true: writing twice changes nothing, and what the server's administrator added to
 * /etc/hosts stays.
 */
#include "dialect/dialect_files.h"

#include <stdio.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "dialect/edit.h"

int dialect_write_hostname(int rootfd, const struct dialect_job *job, struct err *err)
{
	_cleanup_free_ char *text = xasprintf("%s\n", job->hostname);

	return edit_file(rootfd, "/etc/hostname", text, 0644, err);
}

/* ---- /etc/hosts ---- */

static void hosts_line(struct buf *b, const char *addr, const char *hostname)
{
	const char *dot = strchr(hostname, '.');

	buf_printf(b, "%s %s", addr, hostname);
	if (dot)
		buf_printf(b, " %.*s", (int)(dot - hostname), hostname);
	buf_puts(b, "\n");
}

static const struct addr *first_ip(const struct dialect_job *job, int family)
{
	for (int i = 0; i < job->n_ip; i++)
		if (job->ip[i].family == family)
			return &job->ip[i];
	return NULL;
}

int dialect_write_hosts(int rootfd, const struct dialect_job *job, struct err *err)
{
	_cleanup_(buf_free) struct buf own = { 0 };
	_cleanup_free_ char *old = NULL, *text = NULL;
	static const int families[] = { AF_INET, AF_INET6 };
	char addr[ADDR_STRLEN];
	int r = edit_read(rootfd, "/etc/hosts", EDIT_MAX, &old, err);

	if (r < 0)
		return r;
	if (!*old) {
		free(old);
		old = xstrdup("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
	}
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const struct addr *a = first_ip(job, families[i]);

		if (a)
			hosts_line(&own, addr_print(a, false, addr), job->hostname);
	}
	if (!own.len) /* Debian policy's address for a host without a fixed one */
		hosts_line(&own, "127.0.1.1", job->hostname);
	text = edit_block(old, own.s);
	return edit_file(rootfd, "/etc/hosts", text, 0644, err);
}

/* ---- /etc/machine-id ---- */

int dialect_write_machine_id(int rootfd, const struct dialect_job *job, struct err *err)
{
	_cleanup_free_ char *old = NULL, *text = NULL;
	int r;

	if (!job->uuid || strlen(job->uuid) != 32)
		return 0;
	r = edit_read(rootfd, "/etc/machine-id", 4096, &old, err);
	if (r < 0)
		return r;
	if (*old && *old != '\n' && strncmp(old, "uninitialized", 13) != 0)
		return 0;
	text = xasprintf("%s\n", job->uuid);
	return edit_file(rootfd, "/etc/machine-id", text, 0444, err);
}

/* ---- /etc/resolv.conf ---- */

bool dialect_unit_enabled(int rootfd, const char *unit)
{
	static const char *const wants[] = { "multi-user.target.wants", "sysinit.target.wants",
					     "network-online.target.wants",
					     "sockets.target.wants" };

	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		_cleanup_free_ char *path = xasprintf("/etc/systemd/system/%s/%s", wants[i], unit);
		char target[256];

		if (edit_link(rootfd, path, target, sizeof(target)) && !streq(target, "/dev/null"))
			return true;
	}
	return false;
}

/* What /etc/resolv.conf is, when it is a link. Before init runs a link into /run always dangles, so
 * that only the presence of the program that would fill it tells whether one will. */
enum resolv_kind { RESOLV_PLAIN, RESOLV_MANAGED, RESOLV_DANGLING };

static enum resolv_kind resolv_kind(int rootfd)
{
	char target[256];
	bool managed = false;

	if (!edit_link(rootfd, "/etc/resolv.conf", target, sizeof(target)))
		return RESOLV_PLAIN;
	if (strstr(target, "run/systemd/resolve/"))
		managed = dialect_unit_enabled(rootfd, "systemd-resolved.service");
	else if (strstr(target, "run/resolvconf/"))
		managed = edit_exists(rootfd, "/sbin/resolvconf", 0);
	else if (strstr(target, "run/NetworkManager/"))
		managed = dialect_unit_enabled(rootfd, "NetworkManager.service");
	else if (edit_exists(rootfd, "/etc/resolv.conf", S_IFREG))
		return RESOLV_PLAIN; /* an administrator's own arrangement: written through the link
				      */
	return managed ? RESOLV_MANAGED : RESOLV_DANGLING;
}

int dialect_write_resolv(int rootfd, const struct dialect_job *job, struct err *err)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	_cleanup_free_ char *search = NULL;
	enum resolv_kind kind;

	if (!job->nameserver || job->nameserver->n == 0)
		return 0;
	kind = resolv_kind(rootfd);
	if (kind == RESOLV_MANAGED)
		return 0;
	if (job->searchdomain && job->searchdomain->n > 0) {
		search = strv_join(job->searchdomain, " ");
		buf_printf(&b, "search %s\n", search);
	}
	for (size_t i = 0; i < job->nameserver->n; i++)
		buf_printf(&b, "nameserver %s\n", job->nameserver->v[i]);
	return edit_put(rootfd, "/etc/resolv.conf", b.s, 0644, 0755,
			kind == RESOLV_DANGLING ? EDIT_NOFOLLOW : 0, err);
}
