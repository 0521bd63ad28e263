// SPDX-License-Identifier: GPL-2.0-or-later
/* The addresses of a change: new ones are reserved before it, others given back after it. */
#include "base/mem.h"
#include "run/change.h"

int change_reserve(struct change *c, struct err *err)
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

bool change_uses_others(const struct state *s, const struct addrs *file)
{
	for (int i = 0; s && i < s->n_ip; i++)
		if (!has_addr(file->a, file->n, &s->ip[i]))
			return true;
	return false;
}

void change_release(const struct change *c, const struct addrs *from, const struct addrs *keep)
{
	_cleanup_free_ char *dir = xasprintf("%s/addr", c->h->var);
	size_t in_use = c->running ? (size_t)c->state.n_ip : 0;

	for (size_t i = 0; i < from->n; i++)
		if (!has_addr(keep->a, keep->n, &from->a[i]) &&
		    !has_addr(c->state.ip, in_use, &from->a[i]))
			net_release(dir, &from->a[i], c->new.name);
}
