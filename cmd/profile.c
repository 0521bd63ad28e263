// SPDX-License-Identifier: GPL-2.0-or-later
/* Profiles; see profile.h. */
#include "profile.h"

#include <errno.h>
#include "base/mem.h"
#include "base/name.h"

static char *profile_path(const struct host *h, const char *name)
{
	return xasprintf("%s/profiles/%s.conf", h->etc, name);
}

/* Every key is an option that a server can have, and its value is one. */
static int check(const struct host *h, const struct conf_file *f, struct err *err)
{
	struct server s;
	int r = server_init(&s, h, "profile", err);

	for (size_t i = 0; r == 0 && i < f->n; i++) {
		const struct opt *o = f->line[i].key ? opt_find(&s.set, f->line[i].key) : NULL;

		if (f->line[i].key && !o)
			r = err_set(err, ERR_USAGE, 0, "%s:%d: there is no option %s", f->path,
				    f->line[i].number, f->line[i].key);
	}
	if (r == 0)
		r = conf_apply(f, &s.set, ORIGIN_ARGS, err);
	server_free(&s);
	return r;
}

int profile_read(const struct host *h, const char *name, struct conf_file *ret, struct err *err)
{
	_cleanup_free_ char *path = profile_path(h, name);
	int r = name_check("profile", name, err);

	if (r == 0)
		r = conf_read(path, ret, err);
	if (r == -ENOENT)
		return err_set(err, ERR_ABSENT, 0, "no profile %s (%s)", name, path);
	if (r < 0)
		return r;
	r = check(h, ret, err);
	if (r < 0)
		conf_free(ret);
	return r;
}

int profile_take(struct cmd_ctx *ctx, struct err *err)
{
	const char *name = cmd_value(ctx, "profile");
	struct strv names = {}, values = {};
	struct conf_file f = {};
	struct server s = {};
	int r = name ? profile_read(ctx->host, name, &f, err) : 0;

	if (!name || r < 0)
		return r;
	s.set = (struct opt_set) { server_groups, server_n_groups, &s, s.origin };
	for (size_t i = 0; i < f.n; i++) {
		const struct opt *o = f.line[i].key ? opt_find(&s.set, f.line[i].key) : NULL;

		if (!o || strv_has(&ctx->srv_name, o->name) ||
		    (o->flags & OPT_CREATE && !(ctx->cmd->flags & CMD_NEW)))
			continue;
		strv_add(&names, o->name);
		strv_add(&values, f.line[i].value);
	}
	for (size_t i = 0; i < ctx->srv_name.n; i++) {
		strv_add(&names, ctx->srv_name.v[i]);
		strv_add(&values, ctx->srv_value.v[i]);
	}
	strv_free(&ctx->srv_name);
	strv_free(&ctx->srv_value);
	ctx->srv_name = names;
	ctx->srv_value = values;
	conf_free(&f);
	return 0;
}

int profile_list(const struct host *h, struct strv *ret, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/profiles", h->etc);

	return conf_list(dir, "profile", ret, err);
}
