// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After a change that was killed: the server becomes what its file says.
 *
 * VAR/servers/NAME/changing says that it may not be: a change is at work, or was killed. What is
 * reserved may then be more than the file's addresses. It also stays while a server runs with an
 * address that its file no longer has: nobody else may get that.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/change.h"
#include "run/generations.h"
#include "run/plan.h"
#include "run/recover.h"
#include "store/disk.h"
#include "sys/fd.h"

static char *mark_path(const struct host *h, const char *name)
{
	return xasprintf("%s/servers/%s/changing", h->var, name);
}

void change_mark(const struct host *h, const char *name, const char *mark)
{
	_cleanup_free_ char *path = mark_path(h, name);

	if (mark)
		(void)fd_replace(AT_FDCWD, path, mark, strlen(mark), 0600, false);
	else
		unlink(path);
}

static char *read_mark(const struct host *h, const char *name)
{
	_cleanup_free_ char *path = mark_path(h, name);
	char *mark = NULL;

	return fd_read_file(AT_FDCWD, path, 16, &mark, NULL) == 0 ? mark : NULL;
}

/* As the file has it, whatever of it was done. */
static void apply_again(const struct host *h, const struct server *server, struct state *s,
			bool hostname)
{
	struct change c = { .h = h, .cg = CG_NONE, .new = *server, .state = *s, .running = true };
	struct err unused = { 0 };

	c.limit = server->limit;
	c.hostname = hostname ? str_or(server->dialect.hostname, server->name) : NULL;
	if (change_open_group(h, s, &c.layout, &c.cg, &unused) < 0)
		return;
	if (groups_devices(h, server, &s->limit, &c.devs, &unused) == 0 &&
	    change_apply(&c, &unused) < 0)
		change_undo(&c);
	strv_free(&c.raw_before);
	cg_close(&c.cg);
	(void)state_load(h, s->name, s, &unused);
}

/* A stopped one's is made to fit when it starts. */
static void disk_again(const struct host *h, const struct server *server, const struct state *s)
{
	struct err unused = { 0 };
	struct plan p;

	if (plan_make(h, server, &p, &unused) < 0)
		return;
	disk_tidy(p.store.dir);
	if (s && disk_is_limited(&server->disk))
		(void)disk_apply(&p.store, true, &unused);
}

void recover_change(const struct host *h, const char *name, struct state *s)
{
	_cleanup_free_ char *path = mark_path(h, name);
	_cleanup_free_ char *mark = read_mark(h, name);
	_cleanup_free_ char *dir = xasprintf("%s/addr", h->var);
	struct addr keep[2 * NET_MAX_IP];
	struct err unused = { 0 };
	struct server server;
	size_t n = 0;

	fd_replace_tidy(AT_FDCWD, path);
	if (!mark || server_load(&server, h, name, &unused) < 0)
		return;
	if (!streq(mark, MARK_KEEPS))
		disk_again(h, &server, s);
	if (!streq(mark, MARK_KEEPS))
		generation_tidy(h, name);
	if (s && !streq(mark, MARK_KEEPS))
		apply_again(h, &server, s, streq(mark, MARK_HOSTNAME));
	for (size_t i = 0; i < server.net.ip.n && n < NET_MAX_IP; i++)
		keep[n++] = server.net.ip.a[i];
	for (int i = 0; s && i < s->n_ip; i++)
		keep[n++] = s->ip[i];
	net_release_all(dir, name, keep, n, &unused);
	change_mark(h, name, change_uses_others(s, &server.net.ip) ? MARK_KEEPS : NULL);
	server_free(&server);
}
