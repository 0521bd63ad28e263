// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guarantees of memory. The kernel protects a group as far as its parent is protected
 * (effective_protection() in mm/page_counter.c), so what servers are guaranteed must be claimed by
 * every group above them. It is their sum: more would protect servers that have no guarantee
 * (mount option memory_recursiveprot, 5.7).
 */
#include "limit/limit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/fd.h"

#define FILE_MIN "memory.min"

static uint64_t read_min(int dir, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/" FILE_MIN, name);
	_cleanup_free_ char *text = NULL;
	uint64_t v = 0;

	if (fd_read_file(dir, path, 64, &text, NULL) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return cg_parse_u64(text, &v) == 0 ? v : 0;
}

/* Takes fd. */
static int sum_of(int fd, uint64_t *ret)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	uint64_t sum = 0, v;

	if (!d) {
		close(fd);
		return -errno;
	}
	while ((e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		v = read_min(dirfd(d), e->d_name);
		sum = v > UINT64_MAX - sum ? UINT64_MAX : sum + v;
	}
	closedir(d);
	*ret = sum;
	return 0;
}

/* Without memory_recursiveprot a group does not hand its protection down. Deeper groups are the
 * server's own, and so is what they are given. */
int limit_guarantee_inside(const struct cg *cg, uint64_t bytes, struct err *err)
{
	char text[32];

	if (cg_is_v1(cg->layout, CG_MEMORY))
		return 0;
	snprintf(text, sizeof(text), "%" PRIu64, bytes);
	int r = fd_write_file(cg->inside, FILE_MIN, text);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "memory-guarantee: cannot write %s/inside/%s",
			       cg->rel, FILE_MIN)
		     : 0;
}

int limit_guarantee_sums(const struct cg_layout *l, const char *rel, struct err *err)
{
	_cleanup_free_ char *path = xstrdup(rel);
	char *slash;

	if (cg_is_v1(l, CG_MEMORY))
		return 0;
	do {
		_cleanup_free_ char *dir = xasprintf("%s/%s", l->v2, path);
		char text[32];
		uint64_t sum = 0;
		int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int r = fd < 0 ? -errno : sum_of(fd, &sum);

		_cleanup_free_ char *file = xasprintf("%s/" FILE_MIN, dir);
		snprintf(text, sizeof(text), sum == UINT64_MAX ? "max" : "%" PRIu64, sum);
		if (r == 0)
			r = fd_write_file(AT_FDCWD, file, text);
		if (r < 0)
			return err_set(err, ERR_FAIL, -r, "memory-guarantee: cannot write %s",
				       file);
		slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
	return 0;
}
