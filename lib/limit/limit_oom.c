// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How early a server is killed when the host is out of memory: oom_score_adj of its processes
 * (proc_pid_oom_score_adj(5)). It is no file of a control group, but inherited: init begins with
 * it. Only positive values, so that no server can be kept while the host dies. Where croft has
 * CAP_SYS_RESOURCE, root inside cannot lower it.
 */
#include "limit/limit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sys/fd.h"

#define PASSES 16

/* How many were changed, or a negative errno. */
static int score_all(const struct cg *cg, const char *score)
{
	_cleanup_free_ pid_t *all = NULL;
	int changed = 0;
	size_t n = 0;
	int r = cg_pids(cg, &all, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		_cleanup_free_ char *path = xasprintf("/proc/%d/oom_score_adj", (int)all[i]);
		_cleanup_free_ char *now = NULL;

		if (fd_read_file(AT_FDCWD, path, 16, &now, NULL) < 0 || atoi(now) == atoi(score))
			continue; /* gone, or done */
		r = fd_write_file(AT_FDCWD, path, score);
		if (r == -ESRCH || r == -ENOENT)
			r = 0;
		changed++;
	}
	return r < 0 ? r : changed;
}

int limit_oom_score(const struct cg *cg, uint64_t score, struct err *err)
{
	char text[24];
	int changed = 1;

	snprintf(text, sizeof(text), "%" PRIu64, score);
	for (int i = 0; i < PASSES && changed > 0; i++)
		changed = score_all(cg, text);
	if (changed < 0)
		return err_set(err, ERR_FAIL, -changed, "oom-score: cannot be written");
	return changed == 0 ? 0
			    : err_set(err, ERR_BUSY, 0,
				      "oom-score: the server forks faster than its processes can "
				      "be told; suspend it first");
}
