// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changing a server. A change is checked whole, applied live, then saved; what was applied is
 * undone when a later part fails, so that file and kernel agree.
 *
 * What is in force may differ from the file: after croft set --runtime, or when somebody has edited
 * the file. So a change applies what it changes, and nothing else of the file.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "run/change.h"
#include "run/configure.h"
#include "run/generations.h"

int change_open_group(const struct host *h, const struct state *s, struct cg_layout *layout,
		      struct cg *cg, struct err *err)
{
	int r = groups_layout(h, layout, err);

	return r < 0 ? r : cg_open(layout, s->cgroup, s->groups, cg, err);
}

int change_begin(const struct host *h, const char *name, const struct run_opts *o,
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

bool change_of(const struct change *c, const struct opt *o)
{
	return !o->type->equal(opt_place(&c->old.set, o), opt_place(&c->new.set, o));
}

static int assign_all(struct change *c, struct err *err)
{
	const struct strv *opt = c->args->opt, *text = c->args->text;
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
	conf_unset(&c->new.file, key);
	return 0;
}

static int take_defaults(struct change *c, struct err *err)
{
	const struct strv *defaults = c->args->defaults, *given = c->args->opt;
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

bool change_means(const struct change *c, const struct opt *o)
{
	const struct strv *named = c->args->opt, *defaults = c->args->defaults;

	return change_of(c, o) || (named && strv_has(named, o->name)) ||
	       (defaults && strv_has(defaults, o->name));
}

/* What shall be in force: of what is, that which this change changes. */
static void want_live(struct change *c)
{
	c->limit = c->state.limit;
	for (size_t i = 0; i < limit_n_opts; i++) {
		const struct opt *o = &limit_opts[i];

		if ((c->whole || change_means(c, o)) && o->flags & OPT_LIVE)
			o->type->copy((char *)&c->limit + o->off,
				      (const char *)&c->new.limit + o->off);
	}
	if (c->whole || c->hostname_given || change_of(c, opt_find(&c->new.set, "hostname")))
		c->hostname = str_or(c->new.dialect.hostname, c->new.name);
}

static int check_runtime(const struct change *c, struct err *err)
{
	if (!c->running)
		return err_set(err, ERR_STATE, 0, "--runtime: the server is not running");
	for (size_t i = 0; i < c->args->opt->n; i++) {
		const struct opt *o = opt_find(&c->new.set, c->args->opt->v[i]);

		if (o && !change_is_in_force(o))
			return err_set(err, ERR_USAGE, 0,
				       "--runtime: --%s is of the server's file, not only of its "
				       "run; leave out --runtime",
				       o->name);
	}
	return 0;
}

/* Everything that can be refused is, before anything is touched. */
static int check_change(struct change *c, struct err *err)
{
	struct err none = { 0 };
	struct plan p;
	int r = name_check_host(str_or(c->new.dialect.hostname, c->new.name), err);

	if (r == 0 && change_means(c, opt_find(&c->new.set, "depends")))
		r = server_check_depends(&c->new, err);
	if (r == 0 && c->args->mode == SET_RUNTIME)
		r = check_runtime(c, err);
	if (r == 0)
		r = groups_check(c->h, &c->new, c->running ? &c->state.limit : NULL, &c->layout,
				 &c->devs, err);
	if (r == 0 && c->running) {
		want_live(c);
		r = limit_check(&c->layout, &c->limit, err);
	}
	if (r == 0 && c->running)
		r = cg_open(&c->layout, c->state.cgroup, c->state.groups, &c->cg, err);
	/* A server that could be started before must be after; one that could not (its template is
	 * gone, say) may still be changed. */
	if (r == 0 && plan_make(c->h, &c->old, &p, &none) == 0)
		r = plan_make(c->h, &c->new, &p, err);
	return r < 0 ? r : change_disk_check(c, err);
}

/* The file as it was before the change. */
static void take_back(struct change *c, unsigned generation)
{
	struct err unused = { 0 };

	(void)conf_write(&c->old.file, 0600, &unused);
	generation_drop(c->h, c->new.name, generation);
}

static int save_change(struct change *c, struct err *err)
{
	unsigned generation = 0;
	struct plan p;
	int r = 0;

	if (c->new.dialect.password.n || c->new.dialect.ssh_key.n) {
		r = plan_make(c->h, &c->new, &p, err);
		p.store.disk = c->old.disk; /* which changes last */
		if (r == 0)
			r = configure_root(&p, err);
	}
	if (r == 0 && c->changed)
		r = generation_keep(c->h, c->new.name, c->args->command, &generation, err);
	if (r == 0)
		r = server_save(&c->new, c->h, err);
	if (r < 0) {
		generation_drop(c->h, c->new.name, generation);
		return r;
	}
	r = change_disk(c, err);
	if (r < 0)
		take_back(c, generation);
	return r;
}

/* Saved and applied, as the mode has it; or neither. */
static int make_change(struct change *c, struct err *err)
{
	bool live = c->running && c->args->mode != SET_SAVE_ONLY;
	bool save = c->args->mode != SET_RUNTIME;
	int r = 0;

	change_mark(c->h, c->new.name, c->hostname ? MARK_HOSTNAME : MARK_LIMITS);
	if (save)
		r = change_reserve(c, err);
	if (r == 0 && live)
		r = change_apply(c, err);
	if (r == 0 && save)
		r = save_change(c, err);
	if (r < 0 && live)
		change_undo(c);
	if (r < 0 && c->reserved)
		change_release(c, &c->new.net.ip, &c->old.net.ip);
	if (r == 0 && save)
		change_release(c, &c->old.net.ip, &c->new.net.ip);
	const struct addrs *now = r < 0 || !save ? &c->old.net.ip : &c->new.net.ip;
	bool keeps = change_uses_others(c->running ? &c->state : NULL, now);
	change_mark(c->h, c->new.name, keeps ? MARK_KEEPS : NULL);
	return r;
}

/* What differs in the file, and which of it the running server has at its next start only. */
static void collect(struct change *c, struct set_result *res)
{
	const struct opt_group *g;
	const struct opt *o;
	size_t i = 0;

	while (opt_each(&c->new.set, &i, &g, &o)) {
		_cleanup_free_ char *live = change_text(c, o, true);

		res->changed = res->changed || live;
		if (c->args->mode != SET_RUNTIME && (change_of_line(c, o) || change_of(c, o)))
			c->changed = true;
		if (!change_of(c, o))
			continue;
		if (c->running &&
		    (!(o->flags & OPT_LIVE) || (c->args->mode == SET_SAVE_ONLY &&
						(change_is_in_force(o) || change_is_disk(o)))))
			strv_add(&res->restart, o->name);
	}
	res->changed = res->changed || c->changed;
}

static int explain(struct change *c, struct set_result *res, struct err *err)
{
	const struct opt_group *g;
	const struct opt *o;
	size_t i = 0;

	while (c->args->mode != SET_RUNTIME && opt_each(&c->new.set, &i, &g, &o)) {
		_cleanup_free_ char *text = change_text(c, o, false);

		bool files = o->flags & (OPT_SECRET | OPT_NOSAVE);

		if (text)
			strv_take(&res->plan, xasprintf("%s: %s", files ? "files" : "file", text));
	}
	int r = 0;
	if (c->running && c->args->mode != SET_SAVE_ONLY)
		r = change_explain(c, &res->plan, err);
	return r < 0 ? r : change_disk_explain(c, &res->plan, err);
}

static int set_locked(struct change *c, enum event e, struct set_result *res, struct err *err)
{
	int r = check_change(c, err);

	if (r < 0)
		return r;
	collect(c, res);
	if (c->args->plan)
		return explain(c, res, err);
	r = make_change(c, err);
	res->mounts_silent = c->mounts_silent;
	if (r == 0 && res->changed)
		change_tell(c, e);
	return r;
}

/* The server as it is, and as it was loaded to become something else. */
static int load_both(struct change *c, const char *name, const char *from, struct err *err)
{
	int r = state_find(c->h, name, &c->state, err);

	c->running = r > 0;
	if (r >= 0)
		r = server_load(&c->old, c->h, name, err);
	if (r < 0)
		return r;
	r = from ? server_load_from(&c->new, c->h, name, from, err)
		 : server_load(&c->new, c->h, name, err);
	if (r < 0)
		server_free(&c->old);
	return r;
}

static void change_free(struct change *c)
{
	if (c->cg.fd2 >= 0)
		cg_close(&c->cg);
	strv_free(&c->raw_before);
	server_free(&c->new);
	server_free(&c->old);
}

int run_set(const struct host *h, const char *name, const struct set_args *args,
	    const struct run_opts *o, struct set_result *res, struct err *err)
{
	struct change c = { .h = h, .args = args, .cg = CG_NONE };
	struct lock lock = LOCK_NONE;
	int r = change_begin(h, name, o, &lock, err);

	if (r < 0)
		return r;
	r = load_both(&c, name, NULL, err);
	if (r == 0) {
		r = assign_all(&c, err);
		if (r == 0)
			r = take_defaults(&c, err);
		if (r == 0)
			r = set_locked(&c, EVENT_SET, res, err);
		change_free(&c);
	}
	lock_drop(&lock);
	return r;
}

/* What cannot be changed later is as it was in every generation; a file that says otherwise is not
 * this server's. */
static int check_same_server(const struct change *c, struct err *err)
{
	const struct opt_group *g;
	const struct opt *o;
	size_t i = 0;

	if (!streq(c->old.uuid, c->new.uuid))
		return err_set(err, ERR_STATE, 0, "that generation is of another server");
	while (opt_each(&c->new.set, &i, &g, &o))
		if (o->flags & OPT_CREATE && change_of(c, o))
			return err_set(err, ERR_STATE, 0,
				       "that generation has another %s, which cannot be changed",
				       o->name);
	return 0;
}

int run_undo(const struct host *h, const char *name, unsigned generation,
	     const struct set_args *args, const struct run_opts *o, struct set_result *res,
	     struct err *err)
{
	struct change c = { .h = h, .args = args, .cg = CG_NONE };
	_cleanup_free_ char *path = NULL;
	struct lock lock = LOCK_NONE;
	int r = change_begin(h, name, o, &lock, err);

	if (r < 0)
		return r;
	r = generation_find(h, name, generation, &path, err);
	if (r == 0)
		r = load_both(&c, name, path, err);
	if (r == 0) {
		generation_strip(&c.new.file);
		c.whole = args->mode != SET_SAVE_ONLY;
		r = check_same_server(&c, err);
		if (r == 0)
			r = set_locked(&c, EVENT_UNDO, res, err);
		change_free(&c);
	}
	lock_drop(&lock);
	return r;
}
