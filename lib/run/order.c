// SPDX-License-Identifier: GPL-2.0-or-later
/* The order in which servers start at boot: waves, by boot order and dependencies. */
#include <stdlib.h>

#include "base/mem.h"
#include "run/run.h"

struct item {
	char *name;
	uint64_t order;
	struct strv depends;
	bool broken; /* its file cannot be read */
	bool placed;
};

struct items {
	struct item *v;
	size_t n;
};

static struct item *item_find(const struct items *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (streq(l->v[i].name, name))
			return &l->v[i];
	return NULL;
}

static struct item *item_new(struct items *l, const char *name, uint64_t order)
{
	struct item *it;

	l->v = xrealloc(l->v, l->n + 1, sizeof(*l->v));
	it = &l->v[l->n++];
	*it = (struct item) { .name = xstrdup(name), .order = order };
	return it;
}

/* Of a file with a fault somewhere else: whether it says ONBOOT=no, or says nothing and that is the
 * host's default. Where that cannot be known either, the server is wanted. */
static bool not_onboot(const struct host *h, const char *name)
{
	_cleanup_free_ char *path = server_conf_path(h, name);
	struct err unused = { 0 };
	struct server s;

	if (server_init(&s, h, name, &unused) < 0)
		return false;
	int r = conf_read(path, &s.file, &unused);
	const char *text = r == 0 ? conf_get(&s.file, "ONBOOT", NULL) : NULL;
	if (text)
		r = opt_assign(&s.set, opt_find(&s.set, "onboot"), text, ORIGIN_FILE, &unused);
	bool no = r == 0 && !s.boot.onboot;
	server_free(&s);
	return no;
}

/* What cannot be read has no order and depends on nothing: it comes last, so that its start fails
 * and is told of. */
static void item_add(struct items *l, const struct host *h, const char *name, bool only_onboot)
{
	struct err err = { 0 };
	struct server s;

	if (item_find(l, name))
		return;
	if (server_load(&s, h, name, &err) < 0) {
		if (err.class != ERR_ABSENT && !(only_onboot && not_onboot(h, name)))
			item_new(l, name, UINT64_MAX)->broken = true;
		return;
	}
	if (!only_onboot || s.boot.onboot) {
		struct item *it = item_new(l, name, s.boot.boot_order);

		for (size_t i = 0; i < s.boot.depends.n; i++)
			strv_add(&it->depends, s.boot.depends.v[i]);
	}
	server_free(&s);
}

static bool ready(const struct items *l, const struct item *it)
{
	for (size_t i = 0; i < it->depends.n; i++) {
		const struct item *d = item_find(l, it->depends.v[i]);

		if (d && !d->placed && !d->broken)
			return false;
	}
	return true;
}

/* The next wave: of all servers whose dependencies are placed, those with the lowest order. */
static void next_wave(struct items *l, struct strv *wave)
{
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].placed && ready(l, &l->v[i]) && l->v[i].order < lowest)
			lowest = l->v[i].order;
	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].placed && l->v[i].order == lowest && ready(l, &l->v[i]))
			strv_add(wave, l->v[i].name);
	for (size_t i = 0; i < wave->n; i++)
		item_find(l, wave->v[i])->placed = true;
}

/* Servers that depend on each other in a circle, and those behind them, come last, in no order: one
 * slip in a file must not keep a server down after a reboot of the host. */
static void last_wave(struct items *l, struct strv *wave)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].placed)
			strv_add(wave, l->v[i].name);
}

void run_order(const struct host *h, const struct strv *names, bool onboot_only,
	       struct strv **ret_waves, size_t *ret_n)
{
	struct items l = { 0 };
	struct strv *waves = NULL;
	size_t n = 0, placed = 0;

	for (size_t i = 0; i < names->n; i++)
		item_add(&l, h, names->v[i], onboot_only);
	for (size_t i = 0; onboot_only && i < l.n; i++) /* l grows while this runs */
		for (size_t k = 0; k < l.v[i].depends.n; k++)
			item_add(&l, h, l.v[i].depends.v[k], false);
	while (placed < l.n) {
		waves = xrealloc(waves, n + 1, sizeof(*waves));
		waves[n] = (struct strv) { 0 };
		next_wave(&l, &waves[n]);
		if (!waves[n].n)
			last_wave(&l, &waves[n]);
		placed += waves[n++].n;
	}
	for (size_t i = 0; i < l.n; i++) {
		free(l.v[i].name);
		strv_free(&l.v[i].depends);
	}
	free(l.v);
	*ret_waves = waves;
	*ret_n = n;
}
