// SPDX-License-Identifier: GPL-2.0-or-later
/* The start order. After this file the whole start is known; the bodies are in steps_host.c and
 * steps_inside.c, and walk.c walks. */
#include "run/steps.h"

#include <sched.h>

#include "base/mem.h"
#include "base/parse.h"
#include "run/view.h"

static bool want_userns(const struct plan *p)
{
	return !p->privileged;
}

static bool want_link(const struct plan *p)
{
	return p->net.mode->has_link;
}

static void say_intent(const struct plan *p, struct buf *out)
{
	buf_printf(out, "write %s/state.json, which names what follows", p->run_dir);
}

static void say_store(const struct plan *p, struct buf *out)
{
	const struct disk_conf *disk = &p->store.disk;

	buf_printf(out, "%s: %s, %s", p->store.store->name, p->store.template_root, p->store.dir);
	for (size_t i = 0; i < disk_n_opts; i++) {
		const struct opt *o = &disk_opts[i];
		_cleanup_free_ char *text = o->type->print(o, (const char *)disk + o->off);

		if (!streq(text, "unlimited"))
			buf_printf(out, " %s=%s", o->name, text);
	}
}

static void say_dialect(const struct plan *p, struct buf *out)
{
	buf_printf(out, "%s: host name %s", p->dialect->name, p->hostname);
}

static void say_cgroup(const struct plan *p, struct buf *out)
{
	buf_puts(out, p->cgroup);
}

static void say_limits(const struct plan *p, struct buf *out)
{
	const struct strv *raw = &p->server->raw.cgroup;
	size_t before = out->len;

	for (size_t i = 0; i < limit_n_opts; i++) {
		const struct opt *o = &limit_opts[i];
		const char *value = (const char *)&p->limit + o->off;

		if (o->type->equal(value, (const char *)limit_default() + o->off))
			continue;
		_cleanup_free_ char *text = o->type->print(o, value);
		buf_printf(out, "%s%s=%s", out->len > before ? " " : "", o->name, text);
	}
	for (size_t i = 0; i < raw->n; i++)
		buf_printf(out, "%s%s", out->len > before ? " " : "", raw->v[i]);
	if (out->len == before)
		buf_puts(out, "the usual ones");
}

static void say_features(const struct plan *p, struct buf *out)
{
	const struct strv *feature = &p->server->guard.feature;

	buf_puts(out, "the usual ones");
	for (size_t i = 0; i < feature->n; i++)
		buf_printf(out, "%s%s", i ? ", " : "; features: ", feature->v[i]);
}

static void say_init(const struct plan *p, struct buf *out)
{
	static const struct {
		unsigned long flag;
		const char *name;
	} ns[] = { { CLONE_NEWUSER, "user" }, { CLONE_NEWNS, "mnt" },  { CLONE_NEWPID, "pid" },
		   { CLONE_NEWNET, "net" },   { CLONE_NEWIPC, "ipc" }, { CLONE_NEWUTS, "uts" } };

	buf_puts(out, "namespaces");
	for (size_t i = 0; i < ARRAY_LEN(ns); i++)
		if (p->namespaces & ns[i].flag)
			buf_printf(out, " %s", ns[i].name);
	buf_puts(out, " cgroup time");
}

static void say_idmap(const struct plan *p, struct buf *out)
{
	buf_printf(out, "0-65535 are %u-%u on the host", p->uid_base, p->uid_base + PLAN_IDS - 1);
}

static void say_net(const struct plan *p, struct buf *out)
{
	char text[ADDR_STRLEN];

	buf_printf(out, "%s: %s, %s inside", p->net.mode->name, p->net.host_if, p->net.guest_if);
	for (int i = 0; i < p->net.n_ip; i++)
		buf_printf(out, " %s", addr_print(&p->net.ip[i], true, text));
}

static bool want_view(const struct plan *p)
{
	return p->view != PLAN_VIEW_NONE;
}

static void say_view(const struct plan *p, struct buf *out)
{
	buf_printf(out, "look for lxcfs on " VIEW_DIR "%s",
		   p->view == PLAN_VIEW_LXCFS ? ", which must be there" : "");
}

static void say_uts(const struct plan *p, struct buf *out)
{
	buf_puts(out, p->hostname);
}

static void say_caps(const struct plan *p, struct buf *out)
{
	struct strv dropped = { 0 };

	guard_caps_dropped(p->privileged, &dropped);
	_cleanup_free_ char *text = strv_join(&dropped, " ");
	buf_printf(out, "without %s", text);
	strv_free(&dropped);
}

static void say_exec(const struct plan *p, struct buf *out)
{
	for (size_t i = 0; p->init[i]; i++)
		buf_printf(out, "%s%s", i ? " or " : "", p->init[i]);
}

/* The console's master comes out. */
static void give_console(struct run *r, struct sync_fds *give)
{
	give->fd[give->n++] = r->console_master;
}

/* clang-format off */
#define HOST(n, ...)   { .name = #n, .where = STEP_HOST, .up = step_##n, __VA_ARGS__ }
#define INSIDE(n, ...) { .name = #n, .where = STEP_INSIDE, .up = step_##n, __VA_ARGS__ }
#define MONITOR(n, ...) { .name = #n, .where = STEP_MONITOR, .up = step_##n, __VA_ARGS__ }
#define MEET(n, ...)   { .name = #n, .where = STEP_MEET, __VA_ARGS__ }

const struct step steps[] = {
	HOST(intent,     .help = "", .explain = say_intent, .down = undo_intent),
	HOST(store,      .help = "", .explain = say_store, .down = undo_store),
	HOST(dialect,    .help = "", .explain = say_dialect),
	HOST(cgroup,     .help = "", .explain = say_cgroup, .down = undo_cgroup),
	HOST(view,       .help = "", .explain = say_view, .wanted = want_view),
	HOST(filter,     .help = "read the compiled system call filter"),
	HOST(pre_start,  .help = "the administrator's pre-start scripts"),
	HOST(clone,      .help = "fork the monitor-to-be, whose child init will be", .down = undo_clone),
	MONITOR(fresh,   .help = "groups, limits and priorities of a fresh boot"),
	MONITOR(init,    .help = "", .explain = say_init),
	MONITOR(idmap,   .help = "", .explain = say_idmap, .wanted = want_userns),
	HOST(groups,     .help = "delegate the group; the same one in the version 1 hierarchies"),
	HOST(limits,     .help = "", .explain = say_limits),
	HOST(devices,    .help = "", .explain = say_features),
	HOST(hand,       .help = "hand over the version 1 groups"),
	HOST(net_host,   .help = "forwarding and the nft table, once per boot", .wanted = want_link),
	HOST(born,       .help = "init is there"),
	INSIDE(join,     .help = "enter the version 1 groups"),
	INSIDE(clock,    .help = "a boot-time clock of its own"),
	INSIDE(netlink,  .help = "hand over a socket, through which the host sets up the network inside"),
	INSIDE(mapped,   .help = "wait until ids are mapped, and the layers of the root", .wanted = want_userns),
	INSIDE(root,     .help = "assemble the root"),
	INSIDE(dev,      .help = "private /dev with its own devpts and console"),
	INSIDE(kernfs,   .help = "proc, sysfs (read-only), cgroup2, tmpfs"),
	INSIDE(pivot,    .help = "make it the root and detach the old one"),
	INSIDE(uts,      .help = "", .explain = say_uts),
	HOST(net_give,   .help = "", .explain = say_net, .wanted = want_link, .down = undo_net),
	HOST(net_inside, .help = "loopback, addresses, routes inside"),
	HOST(executed,   .help = "the monitor has executed its program"),
	MEET(wired,      .help = "the network is there; the console is handed over", .give = give_console),
	HOST(view_put,   .help = "where it is, its files over those of /proc and /sys", .wanted = want_view),
	HOST(monitor,    .help = "the monitor takes the console"),
	INSIDE(caps,     .help = "", .explain = say_caps),
	INSIDE(seccomp,  .help = "load the system call filter"),
	MEET(go,         .help = "last word from the host"),
	HOST(state,      .help = "the server is recorded as running"),
	INSIDE(exec,     .help = "", .explain = say_exec),
	{ 0 },
};
/* clang-format on */
