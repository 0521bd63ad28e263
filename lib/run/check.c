// SPDX-License-Identifier: GPL-2.0-or-later
/* What this host offers, and what croft does without it. One row per thing. */
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "hook/hook.h"
#include "run/groups.h"
#include "run/run.h"
#include "run/view.h"
#include "sys/calls.h"
#include "sys/clone.h"
#include "sys/fd.h"

static int say(struct check_item *it, int result, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int say(struct check_item *it, int result, const char *fmt, ...)
{
	va_list ap;

	it->result = result;
	va_start(ap, fmt);
	vsnprintf(it->text, sizeof(it->text), fmt, ap);
	va_end(ap);
	return 0;
}

static void check_kernel(const struct host *h, struct check_item *it)
{
	_cleanup_(buf_free) struct buf lacks = { 0 };
	struct utsname u;
	int major = 0, minor = 0, oldest_major, oldest_minor;

	(void)h;
	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	sscanf(ERR_NEEDS_LINUX, "%d.%d", &oldest_major, &oldest_minor);
	if (major < oldest_major || (major == oldest_major && minor < oldest_minor))
		say(it, CHECK_MISSING, "Linux %s; croft needs Linux " ERR_NEEDS_LINUX " or newer",
		    u.release);
	else if (calls_missing(&lacks))
		say(it, CHECK_MISSING,
		    "Linux %s, but these system calls are not there: %s; croft needs "
		    "Linux " ERR_NEEDS_LINUX " or newer, and no filter that hides them",
		    u.release, lacks.s);
	else if (major == 5 && minor < 19)
		say(it, CHECK_WITHOUT,
		    "Linux %s: no overlay store before 5.19, the dir store is used", u.release);
	else
		say(it, CHECK_OK, "Linux %s", u.release);
}

/* Whether a child can be made with these namespaces. */
static bool can_clone(unsigned long flags)
{
	pid_t pid = clone_fork(flags, -1, NULL);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid > 0;
}

/* What is wrong there is wrong for every server. */
static void check_conf(const struct host *h, struct check_item *it)
{
	struct server s;
	struct err err = { 0 };

	if (server_init(&s, h, "check", &err) < 0) {
		say(it, CHECK_MISSING, "%s", err.text);
		return;
	}
	server_free(&s);
	say(it, CHECK_OK, "%s", h->file.n ? h->file.path : "the defaults: there is no croft.conf");
}

static void check_namespaces(const struct host *h, struct check_item *it)
{
	(void)h;
	if (can_clone(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		      CLONE_NEWUTS | CLONE_NEWCGROUP))
		say(it, CHECK_OK, "user mnt pid net ipc uts cgroup");
	else
		say(it, CHECK_MISSING,
		    "cannot be made (sysctl user.max_user_namespaces, kernel configuration)");
}

static void check_time(const struct host *h, struct check_item *it)
{
	struct stat st;

	(void)h;
	if (stat("/proc/self/ns/time", &st) == 0)
		say(it, CHECK_OK, "uptime inside is the server's own");
	else
		say(it, CHECK_WITHOUT, "no time namespaces: uptime inside is the host's");
}

static void check_groups(const struct host *h, struct check_item *it)
{
	struct cg_layout l;
	struct err err = { 0 };
	struct buf b = { 0 }, missing = { 0 };
	static const enum cg_controller wanted[] = { CG_CPU, CG_MEMORY, CG_PIDS, CG_IO };

	if (groups_layout(h, &l, &err) < 0) {
		say(it, CHECK_MISSING, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		const char *name = cg_controller_name(wanted[i], false);

		if (cg_has(&l, wanted[i]))
			buf_printf(&b, " %s(v%d)", name, cg_is_v1(&l, wanted[i]) ? 1 : 2);
		else
			buf_printf(&missing, " %s", name);
	}
	if (missing.len)
		say(it, CHECK_WITHOUT, "%s under %s;%s; no limit for:%s", l.v2, h->cgroup_parent,
		    str_or(b.s, ""), missing.s);
	else
		say(it, CHECK_OK, "%s under %s;%s", l.v2, h->cgroup_parent, b.s);
	buf_free(&b);
	buf_free(&missing);
}

static void check_store(const struct host *h, struct check_item *it)
{
	const struct store *s;
	struct strv why = { 0 };
	struct err err = { 0 };

	fd_mkdir_p(h->var, 0700);
	if (store_choose("auto", h->var, &s, &why, &err) < 0) {
		say(it, CHECK_MISSING, "%s", err.text);
	} else {
		_cleanup_free_ char *text = strv_join(&why, "; ");
		say(it, why.n ? CHECK_WITHOUT : CHECK_OK, "%s on %s%s%s", s->name, h->var,
		    why.n ? ", not " : "", text);
	}
	strv_free(&why);
}

static void check_filter(const struct host *h, struct check_item *it)
{
	_cleanup_free_ char *dir = xasprintf("%s/cache", h->var);
	struct guard_filter f;
	struct err err = { 0 };

	if (guard_filter_get(dir, 0, &f, &err) < 0) {
		say(it, CHECK_MISSING, "%s", err.text);
		return;
	}
	say(it, CHECK_OK, "compiled, %u instructions", f.len);
	guard_filter_free(&f);
}

static void check_nft(const struct host *h, struct check_item *it)
{
	_cleanup_free_ char *path = xasprintf("%s/.net", h->run);
	struct net_stamp stamp;
	struct err err = { 0 };

	if (net_host_rules(&h->net, path, &err) < 0)
		say(it, CHECK_WITHOUT, "%s", err.text);
	else if (net_stamp_read(path, &stamp) < 0)
		say(it, CHECK_WITHOUT, "nothing is known of it");
	else if (!stamp.source_check)
		say(it, CHECK_WITHOUT,
		    "IPv4 sources are checked by rp_filter alone, IPv6 ones are not: %s",
		    stamp.why);
	else if (stamp.nat_wanted && !stamp.nat)
		say(it, CHECK_WITHOUT, "no NAT, so private addresses do not reach the outside: %s",
		    stamp.why);
	else
		say(it, CHECK_OK, "nftables%s", stamp.nat ? " with NAT" : "");
}

static void check_monitor(const struct host *h, struct check_item *it)
{
	_cleanup_free_ char *path = xasprintf("%s/croft-monitor", h->libexec);

	if (access(path, X_OK) == 0)
		say(it, CHECK_OK, "%s", path);
	else
		say(it, CHECK_MISSING, "%s cannot be executed: install croft completely", path);
}

static bool in_path(const char *program)
{
	static const char *const dirs[] = { "/usr/bin", "/usr/sbin", "/bin", "/sbin" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dirs[i], program);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static void check_recipes(const struct host *h, struct check_item *it)
{
	(void)h;
	if (in_path("mmdebstrap") && in_path("busybox"))
		say(it, CHECK_OK, "mmdebstrap, busybox");
	else
		say(it, CHECK_WITHOUT, "%s%s: templates of that kind cannot be built here",
		    in_path("mmdebstrap") ? "" : "no mmdebstrap (package mmdebstrap) ",
		    in_path("busybox") ? "" : "no busybox (package busybox-static)");
}

static void check_hooks(const struct host *h, struct check_item *it)
{
	_cleanup_free_ char *dir = xasprintf("%s/hooks", h->etc);
	struct strv strays = { 0 };

	hook_strays(dir, &strays);
	_cleanup_free_ char *all = strv_join(&strays, " ");
	if (strays.n)
		say(it, CHECK_WITHOUT, "no event has this name, so it is never run: %s (in %s)",
		    all, dir);
	else
		say(it, CHECK_OK, "%s", dir);
	strv_free(&strays);
}

static long sysctl(const char *path)
{
	_cleanup_free_ char *text = NULL;

	return fd_read_file(AT_FDCWD, path, 64, &text, NULL) == 0 ? strtol(text, NULL, 10) : -1;
}

/* The kernel counts the pseudo-terminals of all servers together (devpts.rst), and a server can
 * mount instances of its own. Each is charged to the server's MEMORY, so a high number costs
 * nothing. */
static void check_terminals(const struct host *h, struct check_item *it)
{
	long max = sysctl("/proc/sys/kernel/pty/max"),
	     reserve = sysctl("/proc/sys/kernel/pty/reserve");

	(void)h;
	if (max < 0 || reserve < 0)
		say(it, CHECK_OK, "not counted");
	else if (max < 65536)
		say(it, CHECK_WITHOUT,
		    "%ld for all servers together, and one can take them all; "
		    "kernel.pty.max=1048576 in /etc/sysctl.d ends that",
		    max - reserve);
	else
		say(it, CHECK_OK, "%ld", max - reserve);
}

static void check_view(const struct host *h, struct check_item *it)
{
	dev_t unused;

	(void)h;
	switch (view_health(&unused)) {
	case VIEW_WORKS:
		say(it, CHECK_OK, "lxcfs on " VIEW_DIR);
		break;
	case VIEW_ABSENT:
		say(it, CHECK_WITHOUT, "%s: /proc inside shows the memory and the CPUs of the host",
		    in_path("lxcfs") ? "lxcfs does not run (systemctl enable --now lxcfs)"
				     : "no lxcfs (package lxcfs)");
		break;
	case VIEW_DEAD:
		say(it, CHECK_WITHOUT,
		    "lxcfs has ended: umount -l " VIEW_DIR ", start it again (systemctl restart "
		    "lxcfs), then croft recover");
		break;
	case VIEW_HANGS:
		say(it, CHECK_WITHOUT,
		    "lxcfs does not answer, and who reads /proc/meminfo inside waits: "
		    "systemctl restart lxcfs, then croft recover");
		break;
	}
}

static const struct {
	const char *name;
	void (*check)(const struct host *h, struct check_item *it);
} checks[] = {
	{ "kernel", check_kernel },
	{ "configuration", check_conf },
	{ "namespaces", check_namespaces },
	{ "time namespace", check_time },
	{ "control groups", check_groups },
	{ "storage", check_store },
	{ "system call filter", check_filter },
	{ "firewall", check_nft },
	{ "monitor", check_monitor },
	{ "template tools", check_recipes },
	{ "hooks", check_hooks },
	{ "terminals", check_terminals },
	{ "view inside", check_view },
};

int run_check(const struct host *h, struct check_item **ret, size_t *ret_n, struct err *err)
{
	struct check_item *items = xcalloc(ARRAY_LEN(checks), sizeof(*items));

	int r = fd_mkdir_p(h->run, 0700);
	if (r < 0) {
		free(items);
		return err_set(err, ERR_FAIL, -r, "cannot create %s", h->run);
	}
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		items[i].name = checks[i].name;
		checks[i].check(h, &items[i]);
	}
	*ret = items;
	*ret_n = ARRAY_LEN(checks);
	return 0;
}
