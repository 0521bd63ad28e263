// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The version 1 controllers that few servers need: cpuset, blkio, hugetlb. A server that has one of
 * their limits is in a group PARENT.limited/NAME of their hierarchies, all others in PARENT. What
 * must stay true: PARENT has nothing beneath it there, as every server sees that (cg_others.c).
 */
#include "sys/cg_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "base/str.h"

const char *cg_limited_parent(const char *rel, char out[CG_PATH_MAX])
{
	const char *slash = strrchr(rel, '/');
	int n = slash ? (int)(slash - rel) : 0;

	snprintf(out, CG_PATH_MAX, "%.*s" CG_LIMITED_SUFFIX, n, rel);
	return slash ? slash + 1 : rel;
}

const char *cg_limited_rel(const char *rel, char out[CG_PATH_MAX])
{
	const char *name = cg_limited_parent(rel, out);
	size_t n = strlen(out);

	snprintf(out + n, CG_PATH_MAX - n, "/%s", name);
	return out;
}

unsigned cg_extra(const struct cg_layout *l, unsigned controllers)
{
	unsigned extra = 0;

	for (enum cg_controller c = 0; c < CG_N; c++) {
		bool shared = false;

		if (!(controllers & CG_ON_DEMAND & CG_BIT(c)) || !cg_is_v1(l, c))
			continue;
		for (enum cg_controller i = 0; i < CG_N; i++)
			shared = shared || (cg_joins(l, i) && streq(l->v1[i], l->v1[c]));
		if (!shared)
			extra |= CG_BIT(c);
	}
	return extra;
}

/* Whether the process is in this group of the controller's version 1 hierarchy, or is gone. */
static bool is_there(pid_t pid, enum cg_controller c, const char *rel)
{
	char path[64], text[8192], *save = NULL;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (cg_slurp(AT_FDCWD, path, text, sizeof(text)) < 0)
		return true;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;

		if (!group)
			continue;
		*list++ = *group++ = '\0';
		if (cg_list_has(list, cg_controller_name(c, true)))
			return streq(group + 1, rel);
	}
	return true;
}

/* Moves each process of the server that is not in the group: how many, or a negative errno. */
static int move_all(const struct cg *cg, enum cg_controller c)
{
	_cleanup_free_ pid_t *all = NULL;
	int moved = 0;
	size_t n = 0;
	int r = cg_pids(cg, &all, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		char rel[CG_PATH_MAX], pid[16];

		if (is_there(all[i], c, cg_group_rel(cg, c, rel)))
			continue;
		snprintf(pid, sizeof(pid), "%d", (int)all[i]);
		r = cg_spill(cg->v1[c], "cgroup.procs", pid);
		if (r == -ESRCH)
			r = 0;
		moved++;
	}
	return r < 0 ? r : moved;
}

#define MOVE_PASSES 64

int cg_extend(struct cg *cg, unsigned extra, struct err *err)
{
	char path[CG_PATH_MAX], rel[CG_PATH_MAX];

	for (enum cg_controller c = 0; c < CG_N; c++) {
		int moved = 1, r;

		if (!(extra & ~cg->extra & CG_BIT(c)))
			continue;
		cg->extra |= CG_BIT(c);
		r = cg_make_v1(cg, c, err);
		for (int i = 0; r == 0 && i < MOVE_PASSES && moved > 0; i++)
			moved = move_all(cg, c);
		if (r < 0)
			return r;
		snprintf(path, sizeof(path), "%s/%s", cg->layout->v1[c], cg_group_rel(cg, c, rel));
		if (moved < 0)
			return err_set(err, ERR_FAIL, -moved,
				       "cannot move the server's processes to %s", path);
		if (moved > 0)
			return err_set(err, ERR_BUSY, 0,
				       "the server forks faster than its processes can be moved "
				       "to %s; suspend it first",
				       path);
	}
	return 0;
}
