// SPDX-License-Identifier: GPL-2.0-or-later
/* What a change is, in words: for its plan, its answer and its event. */
#include "base/mem.h"
#include "run/change.h"

/* The place of a limit that a running server has in force; NULL for everything else. */
static const void *in_force(const struct change *c, const struct limit_conf *l, const struct opt *o)
{
	if (!c->running || c->args->mode == SET_SAVE_ONLY || !(o->flags & OPT_LIVE))
		return NULL;
	for (size_t i = 0; i < limit_n_opts; i++)
		if (o == &limit_opts[i])
			return (const char *)l + o->off;
	return NULL;
}

bool change_of_line(const struct change *c, const struct opt *o)
{
	_cleanup_free_ char *key = opt_key(o->name);
	const struct strv *named = c->args->opt;

	if (o->flags & (OPT_SECRET | OPT_NOSAVE) || c->args->mode == SET_RUNTIME)
		return false;
	bool was = conf_get(&c->old.file, key, NULL), is = conf_get(&c->new.file, key, NULL);
	return was != (is || (named && strv_has(named, o->name)));
}

char *change_text(const struct change *c, const struct opt *o, bool live)
{
	const void *from = live ? in_force(c, &c->state.limit, o) : NULL;
	const void *to = from ? in_force(c, &c->limit, o) : NULL;
	bool differs = from ? !o->type->equal(from, to) : change_of(c, o);
	_cleanup_free_ char *key = opt_key(o->name);

	if (o->flags & (OPT_SECRET | OPT_NOSAVE))
		return differs ? xstrdup(live ? key : o->name) : NULL;
	_cleanup_free_ char *a = from ? o->type->print(o, from) : opt_text(&c->old.set, o);
	_cleanup_free_ char *b = from ? o->type->print(o, to) : opt_text(&c->new.set, o);
	if (differs)
		return xasprintf("%s: %s -> %s", key, a, b);
	if (!change_of_line(c, o))
		return NULL;
	/* The same as the host's default, but not any more when that changes; or the other way. */
	return xasprintf("%s: %s, %s its file", key, b,
			 conf_get(&c->old.file, key, NULL) ? "no longer in" : "now in");
}

void change_tell(const struct change *c, enum event e)
{
	static const char *const mode[] = { "both", "runtime", "save-only" };
	const struct opt_group *g;
	const struct opt *o;
	struct buf b = { 0 };
	size_t i = 0;

	while (opt_each(&c->new.set, &i, &g, &o)) {
		_cleanup_free_ char *text = change_text(c, o, true);

		if (!text && c->args->mode != SET_RUNTIME)
			text = change_text(c, o, false);
		if (text)
			buf_printf(&b, "%s%s", b.len ? "; " : "", text);
	}
	const struct event_field f[] = { { .key = "changes", .text = str_or(b.s, "") },
					 { .key = "mode", .text = mode[c->args->mode] },
					 { 0 } };
	event_add(c->h, c->new.name, e, f);
	buf_free(&b);
}
