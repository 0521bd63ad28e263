// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Putting right what a killed command left. Recovery reads what is recorded, but probes what is
 * there: a missing record proves nothing. With the lock held, no other command works on the server,
 * so a state that says "starting" or "stopping" is a dead command's.
 */
#include "run/recover.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/name.h"
#include "run/events.h"
#include "run/groups.h"
#include "run/halt.h"
#include "run/ids.h"
#include "run/launch.h"
#include "run/ledger.h"
#include "run/run.h"
#include "run/view.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/proc.h"

/* How long the kernel may take to end a pid namespace, and the monitor to note it. */
#define DYING_MS 10000
#define NOTED_MS 1000

/* Moves a tree out of the way at once, and removes it after. Where a full disk has no room for
 * that, it is removed in place: destroying is how one makes room. */
static int trash(const struct host *h, const char *name, const char *dir, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/trash", h->var);
	_cleanup_free_ char *to = xasprintf("%s/%s", path, name);
	int r = 0;

	if (fd_mkdir_p(path, 0700) == 0) {
		_cleanup_close_ int t = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (t < 0)
			return err_errno(err, "cannot open %s", path);
		r = fd_remove_tree(t, name); /* of an earlier attempt */
		if (r == 0 && rename(dir, to) == 0)
			r = fd_remove_tree(t, name);
	}
	if (r == 0)
		r = fd_remove_tree(AT_FDCWD, dir);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot remove %s", dir) : 0;
}

/* A log that stays would be shown to the owner of the next server of that name. */
static int remove_logs(const struct host *h, const char *name, struct err *err)
{
	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *log =
		    xasprintf("%s/%s.console.log%s", h->log, name, i ? ".1" : "");

		if (unlink(log) == 0 || errno == ENOENT || errno == ENOTDIR)
			continue;
		/* unlink(2) says EROFS of a file that is not there, too. */
		if (errno != EROFS || access(log, F_OK) == 0)
			return err_errno(err, "cannot remove %s", log);
	}
	return 0;
}

char *recover_mark(const struct host *h, const char *name)
{
	return xasprintf("%s/servers/%s.unfinished", h->etc, name);
}

int recover_mark_begin(const struct host *h, const char *name, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/servers", h->etc);
	_cleanup_free_ char *mark = recover_mark(h, name);
	_cleanup_close_ int fd = -1;
	int r = fd_mkdir_p(dir, 0755);

	if (r == 0)
		fd = open(mark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (r == 0)
		r = fd < 0 ? -errno : fd_sync_dir(AT_FDCWD, dir);
	if (r < 0) {
		unlink(mark);
		return err_set(err, ERR_FAIL, -r, "cannot create %s", mark);
	}
	return 0;
}

/* What is there of a server without a configuration file goes, if it is known to be half made.
 * nothing: also where there are no files at all; there may be reservations. */
static int scrap_unfinished(const struct host *h, const char *name, bool nothing, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/servers/%s", h->var, name);
	_cleanup_free_ char *mark = recover_mark(h, name);
	struct stat st;
	bool marked = lstat(mark, &st) == 0;

	if (!marked) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_errno(err, "cannot read %s", mark);
		if (lstat(dir, &st) == 0)
			return err_set(err, ERR_STATE, 0,
				       "there are files in %s, but no %s/servers/%s.conf; put that "
				       "back, or remove them: croft destroy %s --force",
				       dir, h->etc, name, name);
		if (errno != ENOENT && errno != ENOTDIR)
			return err_errno(err, "cannot read %s", dir);
		if (!nothing)
			return 0;
	}
	int r = recover_scrap(h, name, NULL, err);
	if (r == 0 && marked)
		event_text(h, name, EVENT_RECOVER, "what",
			   "what is left of a create or destroy that was interrupted is removed");
	return r;
}

int recover_scrap(const struct host *h, const char *name, const struct addrs *known,
		  struct err *err)
{
	_cleanup_free_ char *servers = xasprintf("%s/servers", h->var);
	_cleanup_free_ char *fs = xasprintf("%s/%s/fs", servers, name);
	_cleanup_free_ char *addr = xasprintf("%s/addr", h->var);
	_cleanup_free_ char *mark = recover_mark(h, name);

	_cleanup_close_ int dir = open(servers, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 && errno != ENOENT)
		return err_errno(err, "cannot open %s", servers);
	int r = trash(h, name, fs, err);
	for (size_t i = 0; r == 0 && known && i < known->n; i++) {
		r = net_release(addr, &known->a[i], name);
		if (r < 0)
			return err_set(err, ERR_FAIL, -r, "cannot release its addresses in %s",
				       addr);
	}
	if (r == 0 && !known)
		r = net_release_all(addr, name, NULL, 0, err);
	if (r == 0)
		r = ids_release(h, name, err);
	if (r == 0)
		r = remove_logs(h, name, err);
	if (r < 0)
		return r;
	r = dir < 0 ? 0 : fd_remove_tree(dir, name);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot remove %s/%s", servers, name);
	ledger_forget(h, name);
	if (unlink(mark) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove %s", mark);
	return 0;
}

/* The run is over and nobody tidied up. */
static int recover_dead(const struct host *h, const struct state *s, struct err *err)
{
	bool reboot = s->phase == STATE_RUNNING && halt_wants_reboot(h, s->name);
	int r = halt_clear(h, s, true, err);

	if (r == 0 && s->phase != STATE_RUNNING)
		event_text(h, s->name, EVENT_RECOVER, "what",
			   s->phase == STATE_STARTING ? "a start that was interrupted is undone"
						      : "a stop that was interrupted is done");
	return r < 0 || !reboot ? r : launch_again(h, s, err);
}

/* Init was killed, or ends: waits until it is gone and its monitor has noted how, because that
 * tells a reboot from an end. */
static void await_end(const struct host *h, const struct state *s)
{
	_cleanup_free_ char *ended = xasprintf("%s/%s/ended", h->run, s->name);
	_cleanup_close_ int fd = proc_pidfd_open(s->init, 0);

	if (fd >= 0 && state_alive(s))
		proc_pidfd_wait(fd, DYING_MS);
	for (int i = 0; i < NOTED_MS && proc_alive(s->monitor, s->monitor_start); i++) {
		if (access(ended, F_OK) == 0)
			break;
		usleep(1000);
	}
}

/* A stop was interrupted while init was to end by itself. That init was asked cannot be taken back:
 * a start first sees the stop to its end. For any other command the server goes on, for as long as
 * it does. */
static int recover_stopping(const struct host *h, struct state *s, bool start, uint64_t deadline_ms,
			    struct err *err)
{
	struct server server;

	if (start) {
		int r = server_load(&server, h, s->name, err);

		if (r < 0)
			return r;
		r = halt(h, s, server.boot.stop_timeout, deadline_ms, NULL, err);
		server_free(&server);
		return r;
	}
	if (s->frozen) /* a stop begins with that */
		halt_freeze(h, s, false);
	s->frozen = false;
	halt_mark(h, s->name, NULL);
	s->phase = STATE_RUNNING;
	return state_save(h, s, err);
}

/* It goes on. A stop may have been killed before it was recorded, a suspend or resume before all of
 * it was done. */
static int recover_running(const struct host *h, struct state *s, struct err *err)
{
	state_tidy(h, s->name);
	halt_mark(h, s->name, NULL);
	if (s->frozen)
		halt_freeze(h, s, true);
	recover_change(h, s->name, s);
	return recover_monitor(h, s, err);
}

int recover_probe(const struct host *h, const char *name, struct err *err)
{
	struct state probe = { .phase = STATE_STARTING };

	snprintf(probe.name, sizeof(probe.name), "%s", name);
	snprintf(probe.cgroup, sizeof(probe.cgroup), "%s/%s", h->cgroup_parent, name);
	snprintf(probe.net, sizeof(probe.net), "routed");
	net_host_if(name, probe.host_if);
	return halt_clear(h, &probe, true, err);
}

static int recover(const struct host *h, const char *name, bool start, uint64_t deadline_ms,
		   struct err *err)
{
	_cleanup_free_ char *conf = server_conf_path(h, name);
	_cleanup_free_ char *mark = recover_mark(h, name);
	struct err none = { 0 };
	struct state s;
	int r = fd_check(err);

	if (r < 0)
		return r;
	r = state_load(h, name, &s, &none);
	fd_replace_tidy(AT_FDCWD, conf);
	ledger_tidy(h, name);
	if (r == -ENOENT) {
		if (!server_exists(h, name))
			return scrap_unfinished(h, name, false, err);
		unlink(mark); /* create was killed after its last step but one */
		recover_change(h, name, NULL);
		return 0;
	}
	if (r < 0) {
		*err = none;
		if (!state_is_bad(r))
			return r;
		snprintf(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text),
			 "; croft recover %s puts it right", name);
		return r;
	}
	if (s.phase == STATE_RUNNING && !state_goes_on(&s))
		await_end(h, &s);
	/* A stop that had begun to kill is not taken back: init may only look alive. */
	if (!state_goes_on(&s) || s.phase == STATE_STARTING ||
	    (s.phase == STATE_STOPPING && halt_kills(h, name)))
		r = recover_dead(h, &s, err);
	else if (s.phase == STATE_STOPPING)
		r = recover_stopping(h, &s, start, deadline_ms, err);
	else
		return recover_running(h, &s, err);
	return r < 0 ? err_wrap(err, r, "recovery") : 0;
}

int recover_server(const struct host *h, const char *name, struct err *err)
{
	return recover(h, name, false, 0, err);
}

int recover_for_start(const struct host *h, const char *name, uint64_t deadline_ms, struct err *err)
{
	return recover(h, name, true, deadline_ms, err);
}

int run_state(const struct host *h, const char *name, struct state *ret, struct err *err)
{
	if (!server_exists(h, name))
		return err_set(err, ERR_ABSENT, 0, "no such server");
	int r = state_load(h, name, ret, err);
	if (r < 0)
		return r;
	if (ret->phase == STATE_STARTING || !state_alive(ret))
		return err_set(err, ERR_STATE, 0, "the server is %s", state_word(h, ret));
	return 0;
}

/* Adds every entry of a directory that can be a server's name; links: their targets instead. */
static void collect(struct strv *names, const char *dir, const char *suffix, bool links)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct err unused = { 0 };
		char target[128];
		const char *name = e->d_name;

		if (links) {
			ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
			if (n < 0)
				continue;
			target[n] = '\0';
			name = target;
		}
		if (suffix && !str_ends(name, suffix))
			continue;
		char *copy = xstrndup(name, strlen(name) - (suffix ? strlen(suffix) : 0));
		if (name_check("server", copy, &unused) == 0 && !strv_has(names, copy))
			strv_take(names, copy);
		else
			free(copy);
	}
	if (d)
		closedir(d);
}

/* Groups. CGROUP_PARENT may hold those of others, too. */
static void collect_dirs(struct strv *names, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct err unused = { 0 };

		if (e->d_type == DT_DIR && name_check("server", e->d_name, &unused) == 0 &&
		    !strv_has(names, e->d_name) && cg_is_server(dirfd(d), e->d_name))
			strv_add(names, e->d_name);
	}
	if (d)
		closedir(d);
}

static void all_names(const struct host *h, struct strv *ret)
{
	struct cg_layout layout;
	struct err unused = { 0 };

	if (groups_layout(h, &layout, &unused) == 0) {
		_cleanup_free_ char *groups = xasprintf("%s/%s", layout.v2, h->cgroup_parent);

		collect_dirs(ret, groups);
	}
	const struct {
		const char *base, *sub, *suffix;
		bool links;
	} where[] = {
		{ h->etc, "servers", ".conf", false }, { h->etc, "servers", ".unfinished", false },
		{ h->var, "servers", NULL, false },    { h->run, ".", NULL, false },
		{ h->run, ".locks", NULL, false },     { h->var, "ids", NULL, true },
		{ h->var, "addr", NULL, true },	       { h->var, "trash", NULL, false }
	};

	for (size_t i = 0; i < ARRAY_LEN(where); i++) {
		_cleanup_free_ char *dir = xasprintf("%s/%s", where[i].base, where[i].sub);

		collect(ret, dir, where[i].suffix, where[i].links);
	}
	strv_sort(ret);
}

/* What all servers of one recovery go by: the daemon is asked once. */
struct view_now {
	enum view_health health;
	dev_t dev;
};

static int recover_view(const struct host *h, const struct state *s, const struct view_now *v,
			struct strv *what, struct err *err)
{
	int r = view_recover(h, s, v->health, v->dev, err);

	if (r > 0)
		strv_take(what,
			  xasprintf("%s: its view of /proc %s", s->name,
				    v->health == VIEW_WORKS ? "is that of lxcfs again"
							    : "is the host's: lxcfs has ended"));
	return r < 0 ? err_wrap(err, r, "view") : 0;
}

/* Beyond recover_server: reservations whose server is gone altogether. */
static int recover_one(const struct host *h, const char *name, const struct run_opts *o,
		       const struct view_now *view, struct strv *what, struct err *err)
{
	_cleanup_free_ char *path = state_lock_path(h, name);
	_cleanup_free_ char *label = xasprintf("server %s", name);
	struct lock lock = LOCK_NONE;
	struct err none = { 0 };
	struct state before, after;
	int r = lock_take(path, label, o->deadline_ms, &lock, err);

	if (r < 0)
		return r;
	r = state_load(h, name, &before, &none);
	bool had = r == 0;
	if (r < 0 && r != -ENOENT && !state_is_bad(r)) {
		lock_drop(&lock);
		*err = none;
		return r;
	}
	if (state_is_bad(r)) { /* worth as little as none */
		strv_take(what, xasprintf("%s: its state could not be read", name));
		state_remove(h, name, err);
	}
	r = recover_server(h, name, err);
	bool has = state_load(h, name, &after, &none) == 0;
	if (r == 0 && !had)
		r = recover_probe(h, name, err);
	if (r == 0 && had &&
	    (!has || before.phase != after.phase || before.monitor != after.monitor))
		strv_take(what, xasprintf("%s: was %s, is %s", name,
					  before.phase == STATE_RUNNING ? "failed" : "half done",
					  has ? state_word(h, &after) : "stopped"));
	if (r == 0 && has)
		r = recover_view(h, &after, view, what, err);
	if (server_exists(h, name)) {
		lock_drop(&lock);
		return r;
	}
	if (r == 0)
		r = scrap_unfinished(h, name, true, err);
	lock_drop_remove(&lock);
	return r;
}

/* What a reload of the administrator's own rules took away: they begin with "flush ruleset". Only
 * where there were any since the host booted. */
static int recover_rules(const struct host *h, struct strv *what, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/.net", h->run);
	struct net_stamp stamp;

	if (net_stamp_read(path, &stamp) < 0)
		return 0;
	int r = net_host_rules(&h->net, path, err);
	if (r > 0)
		strv_take(what, xasprintf("the host's network rules: installed again"));
	return r < 0 ? r : 0;
}

int run_recover(const struct host *h, const struct strv *names, struct strv *what,
		const struct run_opts *o, struct err *err)
{
	struct strv all = { 0 };
	struct view_now view = { 0 };
	int worst = 0;

	if (names && names->n) {
		for (size_t i = 0; i < names->n; i++)
			strv_add(&all, names->v[i]);
	} else {
		all_names(h, &all);
		worst = recover_rules(h, what, err);
	}
	view.health = view_health(&view.dev);
	for (size_t i = 0; i < all.n; i++) {
		struct err e = { 0 };
		int r = recover_one(h, all.v[i], o, &view, what, &e);

		if (r < 0 && worst == 0) {
			worst = err_wrap(&e, r, "%s", all.v[i]);
			*err = e;
		}
	}
	strv_free(&all);
	return worst;
}
