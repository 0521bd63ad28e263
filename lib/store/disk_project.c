// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits by the project quotas of ext4 and xfs: immediate in both directions, kept by the file
 * system, and what df shows inside. A server is in a project from its creation, with limits or
 * without, so that a later limit costs one system call.
 */
#include "store/disk_priv.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/quota.h"

_Static_assert(PARSE_UNLIMITED == QUOTA_NONE, "the same word for none");

static void wanted(const struct disk_conf *c, struct quota *ret)
{
	*ret = (struct quota) { .space = c->disk,
				.space_soft = c->disk_soft,
				.inodes = c->inodes,
				.inodes_soft = c->inodes_soft };
}

/* Blocks of the kernel's are 1 KiB. */
static bool same(const struct quota *a, const struct quota *b)
{
	return a->space / 1024 == b->space / 1024 && a->space_soft / 1024 == b->space_soft / 1024 &&
	       a->inodes == b->inodes && a->inodes_soft == b->inodes_soft;
}

static int create(const struct store_plan *p, struct err *err)
{
	_cleanup_close_ int dir = disk_dir_open(p, err);
	struct quota q;

	if (dir < 0)
		return dir;
	wanted(&p->disk, &q);
	int r = quota_set(dir, p->project, &q, err); /* the last one of this number had others */
	return r < 0 ? r : quota_project_tree(dir, p->project, err);
}

static int check(const struct store_plan *p, bool running, struct err *err)
{
	(void)p, (void)running, (void)err;
	return 0;
}

static int apply(const struct store_plan *p, bool running, struct err *err)
{
	_cleanup_close_ int dir = disk_dir_open(p, err);
	struct quota old, q;

	(void)running;
	if (dir < 0)
		return dir;
	wanted(&p->disk, &q);
	bool joined = quota_project(dir) == p->project;
	if (!joined && !disk_is_limited(&p->disk))
		return 0; /* made before there were quotas, and nothing is asked of it */
	int r = quota_get(dir, p->project, &old, err);
	if (r < 0 || (joined && same(&old, &q)))
		return r;
	r = quota_set(dir, p->project, &q, err);
	if (r == 0 && !joined) {
		struct err unused = { 0 };

		r = quota_project_tree(dir, p->project, err);
		if (r < 0)
			quota_set(dir, p->project, &old, &unused);
	}
	return r;
}

static char *explain(const struct store_plan *p, bool running)
{
	struct err unused = { 0 };
	_cleanup_close_ int dir = disk_dir_open(p, &unused);
	struct quota old, q;

	(void)running;
	wanted(&p->disk, &q);
	if (dir < 0 || quota_get(dir, p->project, &old, &unused) < 0)
		return NULL;
	if (quota_project(dir) != p->project)
		return xasprintf("disk: its files become project %u, with a quota", p->project);
	return same(&old, &q) ? NULL : xasprintf("disk: quota of project %u", p->project);
}

const struct disk disk_project = {
	.create = create,
	.check = check,
	.apply = apply,
	.explain = explain,
};
