// SPDX-License-Identifier: GPL-2.0-or-later
/* Decide first, act later: what a start will do. */
#include "run/plan.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/parse.h"
#include "run/ids.h"
#include "run/steps.h"

static int plan_root(const struct host *h, const struct server *s, struct plan *p, struct err *err)
{
	_cleanup_free_ char *templates = xasprintf("%s/templates", h->var);
	_cleanup_(template_info_free) struct template_info t = { 0 };

	if (!s->store.template)
		return err_set(err, ERR_USAGE, 0, "no template is given (--template NAME)");
	int r = name_check("template", s->store.template, err);
	if (r == 0)
		r = template_load(templates, s->store.template, &t, err);
	if (r < 0)
		return r;
	p->dialect = dialect_find(t.dialect ? t.dialect : "generic");
	if (!p->dialect)
		return err_set(err, ERR_FAIL, 0, "template %s: no dialect '%s'", s->store.template,
			       t.dialect);
	p->store.store = streq(s->store.store, "auto") ? stores[0] : store_find(s->store.store);
	snprintf(p->store.template_root, sizeof(p->store.template_root), "%s/%s/root", templates,
		 s->store.template);
	snprintf(p->store.dir, sizeof(p->store.dir), "%s/servers/%s/fs", h->var, s->name);
	return 0;
}

static void plan_init(const struct server *s, struct plan *p)
{
	size_t n = 0;

	if (s->dialect.init) {
		p->init[n++] = s->dialect.init;
	} else {
		for (const char *const *i = p->dialect->init; *i && n < ARRAY_LEN(p->init) - 1; i++)
			p->init[n++] = *i;
	}
	p->init[n] = NULL;
}

int plan_make(const struct host *h, const struct server *s, struct plan *ret, struct err *err)
{
	struct plan p = { .host = h, .server = s };

	snprintf(p.name, sizeof(p.name), "%s", s->name);
	snprintf(p.hostname, sizeof(p.hostname), "%s", str_or(s->dialect.hostname, s->name));
	snprintf(p.dir, sizeof(p.dir), "%s/servers/%s", h->var, s->name);
	snprintf(p.run_dir, sizeof(p.run_dir), "%s/%s", h->run, s->name);
	snprintf(p.console_log, sizeof(p.console_log), "%s/%s.console.log", h->log, s->name);
	snprintf(p.cgroup, sizeof(p.cgroup), "%s/%s", h->cgroup_parent, s->name);
	int r = name_check_host(p.hostname, err);
	if (r == 0)
		r = plan_root(h, s, &p, err);
	if (r == 0)
		r = net_plan_make(&s->net, &h->net, s->name, s->uuid, &p.net, err);
	if (r < 0)
		return r;
	plan_init(s, &p);
	p.limit = s->limit;
	p.store.disk = s->disk;
	p.features = guard_features(&s->guard);
	p.privileged = s->guard.privileged;
	p.view = streq(s->view.view, "none")	? PLAN_VIEW_NONE
		 : streq(s->view.view, "lxcfs") ? PLAN_VIEW_LXCFS
						: PLAN_VIEW_AUTO;
	p.namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
	r = ids_of(h, s->name, &p.uid_base);
	p.store.project = r == 0 ? p.uid_base : 0;
	if (p.privileged) {
		p.uid_base = 0;
	} else {
		p.namespaces |= CLONE_NEWUSER;
		if (r == -ENOENT)
			return err_set(
			    err, ERR_FAIL, 0,
			    "%s/servers/%s.conf was not made by croft create, so it has no user "
			    "ids and no files: remove it, and use croft create %s with its options",
			    h->etc, s->name, s->name);
		if (r < 0)
			return err_set(err, ERR_FAIL, -r,
				       "its range of user ids is not recorded (%s/uids)", p.dir);
	}
	*ret = p;
	return 0;
}

void plan_print(const struct plan *p, struct buf *out)
{
	for (const struct step *s = steps; s->name; s++) {
		static const char *const where[] = { "host", "monitor", "inside", "meet" };

		buf_printf(out, "%-12s %-8s", s->name, where[s->where]);
		if (s->wanted && !s->wanted(p)) {
			buf_puts(out, "not wanted\n");
			continue;
		}
		size_t before = out->len;
		if (s->explain)
			s->explain(p, out);
		if (out->len == before)
			buf_puts(out, s->help);
		buf_puts(out, "\n");
	}
}
