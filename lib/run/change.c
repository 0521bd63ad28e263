// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changing a server: suspend, resume, set. A change is checked whole, applied live, then saved;
 * what was applied is undone when a later part fails, so that file and kernel agree.
 *
 * VAR/servers/NAME/changing says that they may not: a set is at work, or was killed. What is
 * reserved may then be more than the file's addresses. It also stays while a server runs with an
 * address that its file no longer has: nobody else may get that.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/name.h"
#include "run/groups.h"
#include "run/configure.h"
#include "run/recover.h"
#include "run/run.h"
#include "sys/fd.h"
#include "sys/lock.h"

static int open_group(const struct host *h, const struct state *s, struct cg_layout *layout,
		      struct cg *cg, struct err *err)
{
	int r = groups_layout(h, layout, err);

	return r < 0 ? r : cg_open(layout, s->cgroup, cg, err);
}

/* Lock, recovery, existence: what every change begins with. */
static int begin(const struct host *h, const char *name, const struct run_opts *o,
		 struct lock *lock, struct err *err)
{
	_cleanup_free_ char *path = state_lock_path(h, name);
	_cleanup_free_ char *what = xasprintf("server %s", name);

	if (!server_exists(h, name))
		return err_set(err, ERR_ABSENT, 0, "no such server");
	int r = lock_take(path, what, o->deadline_ms, lock, err);
	if (r == 0)
		r = recover_server(h, name, err);
	if (r < 0)
		lock_drop(lock);
	return r;
}

static int record_frozen(const struct host *h, struct state *s, bool frozen, struct err *err)
{
	s->frozen = frozen;
	return state_save(h, s, err);
}

/* It is recorded as suspended for as long as a part of it may be: from before it is frozen until
 * after it is thawed. What was killed in between, recovery freezes again. */
static int freeze_locked(const struct host *h, const char *name, bool frozen, bool *changed,
			 struct err *err)
{
	struct err unused = { 0 };
	struct cg_layout layout;
	struct state s;
	struct cg cg;
	int r = state_load(h, name, &s, err);

	if (r < 0)
		return r;
	r = open_group(h, &s, &layout, &cg, err);
	if (r < 0)
		return r;
	*changed = s.frozen != frozen;
	r = *changed && frozen ? record_frozen(h, &s, true, err) : 0;
	if (r == 0)
		r = cg_freeze(&cg, frozen, 10000, err);
	if (*changed && frozen && r < 0)
		record_frozen(h, &s, false, &unused);
	if (*changed && !frozen && r == 0) {
		r = record_frozen(h, &s, false, err);
		if (r < 0) /* what is recorded and what is must agree */
			cg_freeze(&cg, true, 10000, &unused);
	}
	cg_close(&cg);
	return r;
}

int run_freeze(const struct host *h, const char *name, bool frozen, const struct run_opts *o,
	       bool *changed, struct err *err)
{
	struct lock lock = LOCK_NONE;
	int r = begin(h, name, o, &lock, err);

	*changed = false;
	if (r < 0)
		return r;
	r = freeze_locked(h, name, frozen, changed, err);
	lock_drop(&lock);
	return r;
}

/* Sets the host name in the server's UTS namespace, from a child: this process stays outside. */
static int live_hostname(const struct state *s, const char *hostname, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/ns/uts", s->init);
	_cleanup_close_ int ns = open(path, O_RDONLY | O_CLOEXEC);
	int status = 0;

	if (ns < 0 || !state_alive(s))
		return err_set(err, ERR_FAIL, ESRCH, "cannot open the server's namespaces");
	pid_t pid = fork();
	if (pid == 0)
		_exit(setns(ns, CLONE_NEWUTS) < 0 || sethostname(hostname, strlen(hostname)) < 0
			  ? errno
			  : 0);
	if (pid < 0)
		return err_errno(err, "fork");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(err, ERR_FAIL, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
			       "cannot set the host name");
	return 0;
}

/* One change under way: what the server was, what it becomes, and what is applied so far. */
struct change {
	const struct host *h;
	struct server old, new;
	struct state state;
	bool running;
	struct cg_layout layout;
	struct cg cg;
	bool limits_done, hostname_done, reserved;
	bool line_gone;	     /* from the file: a change even where the default says the same */
	bool hostname_given; /* then it is set even if the record says it is so already */
};

static bool option_changed(const struct change *c, const struct opt *o)
{
	return !o->type->equal(opt_place(&c->old.set, o), opt_place(&c->new.set, o));
}

static int assign_all(struct change *c, const struct strv *opt, const struct strv *text,
		      struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < opt->n; i++) {
		const struct opt *o = opt_find(&c->new.set, opt->v[i]);

		c->hostname_given = c->hostname_given || streq(opt->v[i], "hostname");
		if (!o)
			r = err_set(err, ERR_USAGE, 0, "no option --%s", opt->v[i]);
		else if (o->flags & OPT_CREATE)
			r = err_set(err, ERR_USAGE, 0, "--%s cannot be changed after create",
				    o->name);
		else if (c->running && (o->flags & OPT_NOSAVE))
			r = err_set(
			    err, ERR_STATE, 0,
			    "--%s writes into the server's files: stop it first, or do it inside",
			    o->name);
		else /* a repeated option adds to its first mention, which replaces what was there
		      */
			r = err_wrap(err, opt_assign(&c->new.set, o, text->v[i], ORIGIN_ARGS, err),
				     "--%s", o->name);
	}
	return r;
}

static int take_default(struct change *c, const struct server *fresh, const char *name,
			const struct strv *given, struct err *err)
{
	const struct opt *o = opt_find(&c->new.set, name);
	_cleanup_free_ char *key = opt_key(name);

	if (!o || (o->flags & OPT_NOSAVE))
		return err_set(err, ERR_USAGE, 0, "no option --%s that has a default", name);
	if (o->flags & OPT_CREATE)
		return err_set(err, ERR_USAGE, 0, "--%s cannot be changed after create", o->name);
	if (strv_has(given, o->name))
		return err_set(err, ERR_USAGE, 0, "--%s and its default exclude each other",
			       o->name);
	opt_copy(&c->new.set, &fresh->set, o);
	c->line_gone = c->line_gone || conf_get(&c->new.file, key, NULL);
	conf_unset(&c->new.file, key);
	return 0;
}

static int take_defaults(struct change *c, const struct strv *defaults, const struct strv *given,
			 struct err *err)
{
	struct server fresh;
	int r = 0;

	if (!defaults->n)
		return 0;
	r = server_init(&fresh, c->h, c->new.name, err);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < defaults->n; i++)
		r = take_default(c, &fresh, defaults->v[i], given, err);
	server_free(&fresh);
	return r;
}

/* Reserves addresses that are new. */
static int reserve_new(struct change *c, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/addr", c->h->var);
	int r = 0;

	c->reserved = true;
	for (size_t i = 0; r == 0 && i < c->new.net.ip.n; i++)
		r = net_reserve(dir, &c->new.net.ip.a[i], c->new.name, err);
	return r;
}

static bool has_addr(const struct addr *a, size_t n, const struct addr *one)
{
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&a[i], one))
			return true;
	return false;
}

/* Whether a server runs with an address that its file does not have. NULL: it does not run. */
static bool uses_others(const struct state *s, const struct addrs *file)
{
	for (int i = 0; s && i < s->n_ip; i++)
		if (!has_addr(file->a, file->n, &s->ip[i]))
			return true;
	return false;
}

/* Gives back those of `from` that are neither in `keep` nor in use. */
static void release_others(const struct change *c, const struct addrs *from,
			   const struct addrs *keep)
{
	_cleanup_free_ char *dir = xasprintf("%s/addr", c->h->var);
	size_t in_use = c->running ? (size_t)c->state.n_ip : 0;

	for (size_t i = 0; i < from->n; i++)
		if (!has_addr(keep->a, keep->n, &from->a[i]) &&
		    !has_addr(c->state.ip, in_use, &from->a[i]))
			net_release(dir, &from->a[i], c->new.name);
}

/* What is changed: an empty mark, limits, or HOSTNAME, limits and host name. KEEPS: nothing any
 * more. NULL removes it. A hint, as that of halt.h. */
#define MARK_LIMITS   ""
#define MARK_HOSTNAME "hostname\n"
#define MARK_KEEPS    "keeps\n"

static char *mark_path(const struct host *h, const char *name)
{
	return xasprintf("%s/servers/%s/changing", h->var, name);
}

static void mark_change(const struct host *h, const char *name, const char *mark)
{
	_cleanup_free_ char *path = mark_path(h, name);

	if (mark)
		(void)fd_replace(AT_FDCWD, path, mark, strlen(mark), 0600, false);
	else
		unlink(path);
}

static char *change_mark(const struct host *h, const char *name)
{
	_cleanup_free_ char *path = mark_path(h, name);
	char *mark = NULL;

	return fd_read_file(AT_FDCWD, path, 16, &mark, NULL) == 0 ? mark : NULL;
}

static bool sets_hostname(const struct change *c)
{
	return c->hostname_given ||
	       !streq(str_or(c->new.dialect.hostname, c->new.name), c->state.hostname);
}

static int apply_live(struct change *c, struct err *err)
{
	const char *hostname = str_or(c->new.dialect.hostname, c->new.name);
	int r = limit_apply(&c->cg, &c->new.limit, &c->state.limit, err);

	if (r < 0)
		return r;
	c->limits_done = true;
	if (sets_hostname(c)) {
		c->hostname_done = true; /* whoever sets it may be killed when that is done */
		r = live_hostname(&c->state, hostname, err);
		if (r < 0)
			return r;
	}
	struct state s = c->state;
	s.limit = c->new.limit;
	snprintf(s.hostname, sizeof(s.hostname), "%s", hostname);
	return state_save(c->h, &s, err);
}

static void undo_live(struct change *c)
{
	struct err unused = { 0 };

	if (c->limits_done)
		limit_apply(&c->cg, &c->state.limit, &c->new.limit, &unused);
	if (c->hostname_done)
		live_hostname(&c->state, c->state.hostname, &unused);
	if (c->running)
		state_save(c->h, &c->state, &unused);
	if (c->reserved)
		release_others(c, &c->new.net.ip, &c->old.net.ip);
}

/* Everything that can be refused is, before anything is touched. */
static int check_change(struct change *c, struct err *err)
{
	struct err none = { 0 };
	struct plan p;
	int r = name_check_host(str_or(c->new.dialect.hostname, c->new.name), err);

	if (r == 0)
		r = groups_check(c->h, &c->new.limit, &c->layout, err);
	if (r == 0 && c->running)
		r = cg_open(&c->layout, c->state.cgroup, &c->cg, err);
	/* A server that could be started before must be after; one that could not (its template is
	 * gone, say) may still be changed. */
	if (r == 0 && plan_make(c->h, &c->old, &p, &none) == 0)
		r = plan_make(c->h, &c->new, &p, err);
	return r;
}

static int save_change(struct change *c, struct err *err)
{
	struct plan p;
	int r = 0;

	if (c->new.dialect.password.n || c->new.dialect.ssh_key.n) {
		r = plan_make(c->h, &c->new, &p, err);
		if (r == 0)
			r = configure_root(&p, err);
	}
	return r < 0 ? r : server_save(&c->new, c->h, err);
}

static int set_locked(struct change *c, bool *changed, struct strv *restart, struct err *err)
{
	const struct opt_group *g;
	const struct opt *o;
	size_t i = 0;
	int r = check_change(c, err);

	if (r == 0) {
		mark_change(c->h, c->new.name, sets_hostname(c) ? MARK_HOSTNAME : MARK_LIMITS);
		r = reserve_new(c, err);
	}
	if (r == 0 && c->running)
		r = apply_live(c, err);
	if (r == 0)
		r = save_change(c, err);
	if (r < 0)
		undo_live(c);
	else
		release_others(c, &c->old.net.ip, &c->new.net.ip);
	bool keeps =
	    uses_others(c->running ? &c->state : NULL, r < 0 ? &c->old.net.ip : &c->new.net.ip);
	mark_change(c->h, c->new.name, keeps ? MARK_KEEPS : NULL);
	if (r < 0)
		return r;
	*changed = c->line_gone;
	while (opt_each(&c->new.set, &i, &g, &o)) {
		if (!option_changed(c, o))
			continue;
		*changed = true;
		if (c->running && !(o->flags & OPT_LIVE))
			strv_add(restart, o->name);
	}
	return 0;
}

int run_set(const struct host *h, const char *name, const struct strv *opt, const struct strv *text,
	    const struct strv *defaults, const struct run_opts *o, bool *changed,
	    struct strv *restart, struct err *err)
{
	struct change c = { .h = h, .cg = CG_NONE };
	struct lock lock = LOCK_NONE;
	int r = begin(h, name, o, &lock, err);

	*changed = false;
	if (r < 0)
		return r;
	r = state_find(h, name, &c.state, err);
	c.running = r > 0;
	if (r >= 0)
		r = server_load(&c.old, h, name, err);
	if (r == 0) {
		r = server_load(&c.new, h, name, err);
		if (r == 0)
			r = assign_all(&c, opt, text, err);
		if (r == 0)
			r = take_defaults(&c, defaults, opt, err);
		if (r == 0)
			r = set_locked(&c, changed, restart, err);
		if (c.cg.fd2 >= 0)
			cg_close(&c.cg);
		server_free(&c.new);
		server_free(&c.old);
	}
	lock_drop(&lock);
	return r;
}

/* As the file has it, whatever of it was done. */
static void apply_again(const struct host *h, const struct server *server, struct state *s,
			bool hostname)
{
	struct err unused = { 0 };
	struct cg_layout layout;
	struct cg cg;

	if (open_group(h, s, &layout, &cg, &unused) < 0)
		return;
	if (limit_apply(&cg, &server->limit, &s->limit, &unused) == 0)
		s->limit = server->limit;
	cg_close(&cg);
	if (hostname) {
		snprintf(s->hostname, sizeof(s->hostname), "%s",
			 str_or(server->dialect.hostname, server->name));
		live_hostname(s, s->hostname, &unused);
	}
	state_save(h, s, &unused);
}

void recover_change(const struct host *h, const char *name, struct state *s)
{
	_cleanup_free_ char *path = mark_path(h, name);
	_cleanup_free_ char *mark = change_mark(h, name);
	_cleanup_free_ char *dir = xasprintf("%s/addr", h->var);
	struct addr keep[2 * NET_MAX_IP];
	struct err unused = { 0 };
	struct server server;
	size_t n = 0;

	fd_replace_tidy(AT_FDCWD, path);
	if (!mark || server_load(&server, h, name, &unused) < 0)
		return;
	if (s && !streq(mark, MARK_KEEPS))
		apply_again(h, &server, s, streq(mark, MARK_HOSTNAME));
	for (size_t i = 0; i < server.net.ip.n && n < NET_MAX_IP; i++)
		keep[n++] = server.net.ip.a[i];
	for (int i = 0; s && i < s->n_ip; i++)
		keep[n++] = s->ip[i];
	net_release_all(dir, name, keep, n, &unused);
	mark_change(h, name, uses_others(s, &server.net.ip) ? MARK_KEEPS : NULL);
	server_free(&server);
}
