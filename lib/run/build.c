// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Creating and destroying. The configuration file is what makes a server exist: create writes it
 * last, destroy removes it first. In between there is a mark (recover.h): what has it is half made,
 * and any command on that name scraps it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/groups.h"
#include "run/configure.h"
#include "run/events.h"
#include "run/halt.h"
#include "run/hooks.h"
#include "run/ids.h"
#include "run/recover.h"
#include "run/run.h"
#include "sys/fd.h"
#include "sys/lock.h"

/* 32 hex digits: the machine-id of the server, and the seed of its MAC address. */
static int make_uuid(char out[33], struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t n = 0;
	int r = fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/uuid", 64, &text, NULL);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read a random uuid");
	for (const char *c = text; *c && n < 32; c++)
		if (*c != '-' && *c != '\n')
			out[n++] = *c;
	out[n] = '\0';
	return 0;
}

/* Addresses that were given are reserved; without any, one of each of the host's subnets is. */
static int take_addresses(const struct host *h, struct server *s, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/addr", h->var);
	const struct net_mode *mode = net_find(s->net.mode);
	struct strv words = { 0 };
	char text[ADDR_STRLEN];
	int r = 0;

	if (!mode)
		return err_set(err, ERR_USAGE, 0, "no network mode '%s'", s->net.mode);
	if (!mode->has_ip)
		return 0;
	for (size_t i = 0; r == 0 && i < s->net.ip.n; i++)
		r = net_reserve(dir, &s->net.ip.a[i], s->name, err);
	if (r < 0 || s->net.ip.n)
		return r;
	for (size_t i = 0; r == 0 && i < h->net.subnet.n; i++) {
		struct addr a;

		r = net_allocate(dir, &h->net.subnet.a[i], s->name, &a, err);
		if (r == 0)
			strv_add(&words, addr_print(&a, false, text));
	}
	if (r == 0 && words.n) {
		_cleanup_free_ char *all = strv_join(&words, " ");

		r = opt_assign(&s->set, opt_find(&s->set, "ip"), all, ORIGIN_FILE, err);
	}
	strv_free(&words);
	return r;
}

static int make_root(const struct host *h, struct server *s, struct plan *p, struct err *err)
{
	const struct store *store;
	uid_t base;
	int r = store_choose(s->store.store, h->var, &store, NULL, err);

	if (r == 0)
		r = opt_assign(&s->set, opt_find(&s->set, "store"), store->name, ORIGIN_FILE, err);
	if (r == 0)
		r = ids_reserve(h, s->name, &base, err);
	if (r == 0)
		r = take_addresses(h, s, err);
	if (r == 0)
		r = plan_make(h, s, p, err);
	if (r == 0)
		r = p->store.store->create(&p->store, err);
	if (r == 0)
		r = configure_root(p, err);
	return r;
}

/* What the hooks are told of a server that does not run. */
static void stopped_state(const struct server *s, struct state *ret)
{
	*ret = (struct state) { .phase = STATE_STOPPED };
	snprintf(ret->name, sizeof(ret->name), "%s", s->name);
	for (size_t i = 0; i < s->net.ip.n && ret->n_ip < NET_MAX_IP; i++)
		ret->ip[ret->n_ip++] = s->net.ip.a[i];
}

/* Refusals that need nothing made: before the first trace of the server is on disk. */
static int check_first(const struct host *h, const struct server *s, struct err *err)
{
	_cleanup_free_ char *templates = xasprintf("%s/templates", h->var);
	_cleanup_(template_info_free) struct template_info t = { 0 };
	struct cg_layout layout;
	struct blk_devs devs;

	if (!s->store.template)
		return err_set(err, ERR_USAGE, 0, "no template is given (--template NAME)");
	int r = template_load(templates, s->store.template, &t, err);
	if (r == 0)
		r = groups_check(h, s, NULL, &layout, &devs, err);
	return r < 0 ? r : server_check_depends(s, err);
}

static int create_locked(const struct host *h, struct server *s, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/servers/%s", h->var, s->name);
	_cleanup_free_ char *parent = xasprintf("%s/servers", h->var);
	_cleanup_free_ char *mark = recover_mark(h, s->name);
	struct state hook_state;
	struct plan p;
	int r = recover_server(h, s->name, err);

	if (r < 0)
		return r;
	if (server_exists(h, s->name))
		return err_set(err, ERR_EXISTS, 0, "the server exists already");
	r = state_find(h, s->name, &hook_state, err);
	if (r < 0)
		return r;
	if (r > 0)
		return err_set(err, ERR_EXISTS, 0,
			       "it runs, but its configuration file is missing; put that back, or "
			       "remove the server: croft destroy %s --force",
			       s->name);
	r = check_first(h, s, err);
	if (r == 0)
		r = make_uuid(s->uuid, err);
	if (r == 0)
		r = recover_mark_begin(h, s->name, err);
	if (r < 0)
		return r;
	r = fd_mkdir_p(parent, 0700);
	if (r < 0 || mkdir(dir, 0700) < 0)
		r = err_set(err, ERR_FAIL, r < 0 ? -r : errno, "cannot create %s", dir);
	else
		r = make_root(h, s, &p, err);
	if (r == 0) {
		stopped_state(s, &hook_state);
		r = hooks_run(h, &hook_state, "create", err);
	}
	if (r == 0)
		r = server_save(s, h, err);
	if (r == 0 && unlink(mark) < 0) {
		r = err_errno(err, "cannot remove %s", mark);
		(void)rename(s->file.path, mark);
	}
	if (r < 0 && !server_exists(h, s->name)) {
		struct err unused = { 0 };
		recover_scrap(h, s->name, NULL, &unused);
	}
	if (r == 0)
		event_text(h, s->name, EVENT_CREATE, "template", s->store.template);
	return r;
}

int run_create(const struct host *h, struct server *s, const struct run_opts *o, struct err *err)
{
	_cleanup_free_ char *path = state_lock_path(h, s->name);
	_cleanup_free_ char *what = xasprintf("server %s", s->name);
	struct lock lock = LOCK_NONE;
	int r = lock_take(path, what, o->deadline_ms, &lock, err);

	if (r < 0)
		return r;
	r = create_locked(h, s, err);
	if (server_exists(h, s->name))
		lock_drop(&lock);
	else
		lock_drop_remove(&lock);
	return r;
}

static int destroy_locked(const struct host *h, const char *name, bool force, struct err *err)
{
	_cleanup_free_ char *conf = server_conf_path(h, name);
	_cleanup_free_ char *confs = xasprintf("%s/servers", h->etc);
	_cleanup_free_ char *mark = recover_mark(h, name);
	struct err none = { 0 };
	struct state state, hook_state;
	struct server s;
	int r = recover_server(h, name, err);

	if (r < 0)
		return r;
	r = state_find(h, name, &state, err);
	if (r < 0)
		return r;
	if (r == 0) {
		r = recover_probe(h, name, err);
		if (r < 0)
			return r;
	} else {
		if (!force)
			return err_set(err, ERR_STATE, 0,
				       "the server is %s; stop it first, or use --force",
				       state_word(h, &state));
		r = halt(h, &state, 0, UINT64_MAX, NULL, err);
		if (r < 0)
			return r;
	}
	bool loaded =
	    server_load(&s, h, name, &none) == 0; /* destroy works without a readable file */
	if (loaded) {
		stopped_state(&s, &hook_state);
		r = hooks_run(h, &hook_state, "destroy", err);
	}
	if (r == 0 && rename(conf, mark) < 0)
		r = err_errno(err, "cannot rename %s to %s", conf, mark);
	if (r == 0) {
		fd_sync_dir(AT_FDCWD, confs);
		r = recover_scrap(h, name, loaded ? &s.net.ip : NULL, err);
	}
	if (loaded)
		server_free(&s);
	return r;
}

/* One without a configuration file: what a killed create or destroy left goes, and what somebody
 * lost the file of with --force. */
static int destroy_lost(const struct host *h, const char *name, bool force, struct err *err)
{
	struct state state;
	int r = recover_server(h, name, err);
	int runs = state_find(h, name, &state, err);

	if (r == 0 && runs == 0)
		return err_set(err, ERR_ABSENT, 0, "no such server");
	if (runs < 0 || (r < 0 && err->class != ERR_STATE))
		return r < 0 ? r : runs;
	if (!force)
		return r < 0
			   ? r
			   : err_set(err, ERR_STATE, 0,
				     "it runs, but its configuration file is missing; use --force");
	err_clear(err);
	r = recover_mark_begin(h, name, err);
	if (r == 0 && runs)
		r = halt(h, &state, 0, UINT64_MAX, NULL, err);
	if (r == 0)
		r = recover_probe(h, name, err);
	return r < 0 ? r : recover_scrap(h, name, NULL, err);
}

int run_destroy(const struct host *h, const char *name, bool force, const struct run_opts *o,
		struct err *err)
{
	_cleanup_free_ char *path = state_lock_path(h, name);
	_cleanup_free_ char *what = xasprintf("server %s", name);
	struct lock lock = LOCK_NONE;
	int r = lock_take(path, what, o->deadline_ms, &lock, err);

	if (r < 0)
		return r;
	r = server_exists(h, name) ? destroy_locked(h, name, force, err)
				   : destroy_lost(h, name, force, err);
	if (r == 0)
		event_add(h, name, EVENT_DESTROY, NULL);
	if (server_exists(h, name))
		lock_drop(&lock);
	else
		lock_drop_remove(&lock);
	return r;
}
