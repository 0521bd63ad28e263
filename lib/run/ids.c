// SPDX-License-Identifier: GPL-2.0-or-later
/* Ranges of host ids; see ids.h. */
#include "run/ids.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "run/plan.h"
#include "sys/fd.h"

int ids_of(const struct host *h, const char *name, uid_t *ret)
{
	_cleanup_free_ char *path = xasprintf("%s/servers/%s/uids", h->var, name);
	char text[32];
	uint64_t base;
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	if (parse_u64(text, &base) < 0 || base > UINT32_MAX - PLAN_IDS)
		return -EINVAL;
	*ret = (uid_t)base;
	return 0;
}

/* Takes BASE for the server: 0, -EEXIST when somebody has it. */
static int take(int dir, uid_t base, const char *name)
{
	char text[32];

	snprintf(text, sizeof(text), "%u", base);
	return symlinkat(name, dir, text) < 0 ? -errno : 0;
}

static uint64_t hint(int dir)
{
	_cleanup_free_ char *text = NULL;
	uint64_t n = 0;

	if (fd_read_file(dir, ".next", 32, &text, NULL) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, &n) < 0 ? 0 : n;
}

static void set_hint(int dir, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)n);
	(void)fd_overwrite(dir, ".next", text); /* only a hint */
}

int ids_reserve(const struct host *h, const char *name, uid_t *ret, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/ids", h->var);
	_cleanup_free_ char *back = xasprintf("%s/servers/%s/uids", h->var, name);
	uint64_t count = (h->uid_last - h->uid_first + 1) / PLAN_IDS;
	char text[32];

	if (ids_of(h, name, ret) == 0)
		return 0;
	int r = fd_mkdir_p(path, 0700);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot create %s", path);
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, "cannot open %s", path);
	uint64_t start = hint(dir) % count;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t slot = (start + i) % count;
		uid_t base = (uid_t)(h->uid_first + slot * PLAN_IDS);

		r = take(dir, base, name);
		if (r == -EEXIST)
			continue;
		if (r < 0)
			return err_set(err, ERR_FAIL, -r, "cannot reserve user ids in %s", path);
		set_hint(dir, slot + 1);
		snprintf(text, sizeof(text), "%u", base);
		if (symlink(text, back) < 0)
			return err_errno(err, "cannot record the user ids in %s", back);
		*ret = base;
		return 0;
	}
	return err_set(err, ERR_ROOM, 0,
		       "no range of user ids is free: %llu servers have one (UID_FIRST, UID_LAST "
		       "in croft.conf)",
		       (unsigned long long)count);
}

/* The one that the server's directory records, if the record back agrees. */
static bool release_known(const struct host *h, const char *name)
{
	char owner[128];
	uid_t base = 0;

	if (ids_of(h, name, &base) < 0)
		return false;
	_cleanup_free_ char *path = xasprintf("%s/ids/%u", h->var, base);
	ssize_t n = readlink(path, owner, sizeof(owner) - 1);
	if (n < 0)
		return false;
	owner[n] = '\0';
	return streq(owner, name) && unlink(path) == 0;
}

int ids_release(const struct host *h, const char *name, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/ids", h->var);
	struct dirent *e;
	int r = 0;

	if (release_known(h, name))
		return 0;
	DIR *d = opendir(path);

	if (!d)
		return errno == ENOENT ? 0 : err_errno(err, "cannot read %s", path);
	while ((e = readdir(d))) {
		char owner[128];
		ssize_t n = readlinkat(dirfd(d), e->d_name, owner, sizeof(owner) - 1);

		if (n < 0)
			continue;
		owner[n] = '\0';
		if (streq(owner, name) && unlinkat(dirfd(d), e->d_name, 0) < 0 && errno != ENOENT)
			r = err_errno(err, "cannot release the user ids %s/%s", path, e->d_name);
	}
	closedir(d);
	return r;
}
