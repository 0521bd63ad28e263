// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The disk limits of a change. They are not state of a running server but of its files, and a copy
 * cannot be undone: so they come last, when the file has been saved, and the file is taken back
 * when they fail.
 */
#include "base/mem.h"
#include "run/change.h"
#include "run/plan.h"
#include "store/disk.h"

bool change_is_disk(const struct opt *o)
{
	for (size_t i = 0; i < disk_n_opts; i++)
		if (o == &disk_opts[i])
			return true;
	return false;
}

static bool means_disk(const struct change *c)
{
	for (size_t i = 0; i < disk_n_opts; i++)
		if (change_means(c, &disk_opts[i]))
			return true;
	return false;
}

bool change_has_disk(const struct change *c)
{
	return c->args->mode == SET_BOTH && means_disk(c);
}

/* What shall be. 1; 0: nothing of it changes. */
static int plan_disk(const struct change *c, struct plan *ret, struct err *err)
{
	if (!change_has_disk(c))
		return 0;
	int r = plan_make(c->h, &c->new, ret, err);
	return r < 0 ? r : 1;
}

/* What is only saved must be possible at the next start. */
int change_disk_check(struct change *c, struct err *err)
{
	struct plan p;

	if (!means_disk(c))
		return 0;
	int r = plan_make(c->h, &c->new, &p, err);
	return r < 0 ? r : disk_check(&p.store, c->running && change_has_disk(c), err);
}

int change_disk(struct change *c, struct err *err)
{
	struct plan p;
	int r = plan_disk(c, &p, err);

	return r <= 0 ? r : disk_apply(&p.store, c->running, err);
}

int change_disk_explain(struct change *c, struct strv *out, struct err *err)
{
	struct plan p;
	int r = plan_disk(c, &p, err);

	if (r <= 0)
		return r;
	char *text = disk_explain(&p.store, c->running);
	if (text)
		strv_take(out, text);
	return 0;
}
