// SPDX-License-Identifier: GPL-2.0-or-later
/* The options for disk space, and which way of keeping them a server has; see disk.h. */
#include "store/disk_priv.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/mnt.h"
#include "sys/quota.h"

#define PLACE(member) offsetof(struct disk_conf, member)

const struct opt disk_opts[] = {
	{ .name = "disk",
	  .type = &opt_size,
	  .off = PLACE(disk),
	  .flags = OPT_LIVE | OPT_UNLIMITED,
	  .def = "unlimited",
	  .metavar = "SIZE",
	  .help = "disk space for what the server writes; its template does not count",
	  .min = UINT64_C(16) << 20, /* an ext4 of less has hardly room for its journal */
	  .max = UINT64_C(1) << 50 },
	{ .name = "disk-soft",
	  .type = &opt_size,
	  .off = PLACE(disk_soft),
	  .flags = OPT_RARE | OPT_LIVE | OPT_UNLIMITED,
	  .def = "unlimited",
	  .metavar = "SIZE",
	  .help = "disk space it may have beyond the time of grace",
	  .min = 4096,
	  .max = UINT64_C(1) << 50 },
	{ .name = "inodes",
	  .type = &opt_u64,
	  .off = PLACE(inodes),
	  .flags = OPT_RARE | OPT_LIVE | OPT_UNLIMITED,
	  .def = "unlimited",
	  .metavar = "N",
	  .help = "files and directories it may have of its own",
	  .min = 1024,
	  .max = UINT64_C(1) << 32 },
	{ .name = "inodes-soft",
	  .type = &opt_u64,
	  .off = PLACE(inodes_soft),
	  .flags = OPT_RARE | OPT_LIVE | OPT_UNLIMITED,
	  .def = "unlimited",
	  .metavar = "N",
	  .help = "files it may have beyond the time of grace",
	  .min = 1,
	  .max = UINT64_C(1) << 32 },
};
const size_t disk_n_opts = ARRAY_LEN(disk_opts);

bool disk_is_limited(const struct disk_conf *c)
{
	return c->disk != PARSE_UNLIMITED || c->inodes != PARSE_UNLIMITED ||
	       c->disk_soft != PARSE_UNLIMITED || c->inodes_soft != PARSE_UNLIMITED;
}

static int open_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_errno(err, "cannot open %s", path) : fd;
}

int disk_dir_open(const struct store_plan *p, struct err *err)
{
	return open_dir(p->dir, err);
}

/* NULL in *ret: nothing is limited, and nothing needs to be. */
static int find(const struct store_plan *p, const struct disk **ret, struct err *err)
{
	*ret = NULL;
	if (disk_has_image(p)) {
		*ret = &disk_image;
		return 0;
	}
	_cleanup_close_ int dir = disk_dir_open(p, err);
	if (dir < 0)
		return dir;
	if (p->project && quota_enforced(dir))
		*ret = &disk_project;
	else if (disk_is_limited(&p->disk))
		*ret = &disk_image;
	return 0;
}

static int check_conf(const struct disk_conf *c, struct err *err)
{
	if (c->disk_soft != PARSE_UNLIMITED && c->disk_soft > c->disk)
		return err_set(err, ERR_USAGE, 0, "disk-soft is above disk");
	if (c->inodes_soft != PARSE_UNLIMITED && c->inodes_soft > c->inodes)
		return err_set(err, ERR_USAGE, 0, "inodes-soft is above inodes");
	return 0;
}

int disk_create(const struct store_plan *p, struct err *err)
{
	const struct disk *d = NULL;

	if (mkdir(p->dir, 0755) < 0)
		return err_errno(err, "cannot create %s", p->dir);
	int r = check_conf(&p->disk, err);
	if (r == 0)
		r = find(p, &d, err);
	if (r < 0 || !d)
		return r;
	r = d->check(p, false, err);
	return r < 0 ? r : d->create(p, err);
}

int disk_check(const struct store_plan *p, bool running, struct err *err)
{
	const struct disk *d = NULL;
	int r = check_conf(&p->disk, err);

	if (r == 0)
		r = find(p, &d, err);
	return r < 0 || !d ? r : d->check(p, running, err);
}

int disk_apply(const struct store_plan *p, bool running, struct err *err)
{
	const struct disk *d = NULL;
	int r = find(p, &d, err);

	return r < 0 || !d ? r : d->apply(p, running, err);
}

char *disk_explain(const struct store_plan *p, bool running)
{
	struct err unused = { 0 };
	const struct disk *d = NULL;

	return find(p, &d, &unused) < 0 || !d ? NULL : d->explain(p, running);
}

uint64_t disk_held(const char *path, uint32_t project)
{
	_cleanup_free_ char *image = xasprintf("%s/" DISK_IMAGE, path);
	struct err unused = { 0 };
	struct quota q;
	struct stat st;

	if (lstat(image, &st) == 0)
		return (uint64_t)st.st_blocks * 512; /* stat(2): of any file system */
	_cleanup_close_ int dir = project ? open_dir(path, &unused) : -1;
	if (dir < 0 || quota_project(dir) != project || quota_get(dir, project, &q, &unused) < 0)
		return PARSE_UNLIMITED;
	return q.used_space;
}

/* A file that was edited by hand, or a host that was changed: as the file says from here on. The
 * image is mounted anyway, so looking costs nothing; and where nothing was ever limited there is
 * nothing to look at. What cannot be done (its files do not fit) must not keep a server down: it
 * has its old limit, and that is told. */
int disk_open(const struct store_plan *p, uint64_t attr, char warning[300], struct err *err)
{
	bool image = disk_has_image(p), fits = false;
	struct err why = { 0 };
	int mnt = -1, r;

	if (image) {
		mnt = disk_image_open(p, attr, &fits, err);
		if (mnt < 0 || fits)
			return mnt;
		close(mnt);
	}
	if (image || disk_is_limited(&p->disk)) {
		if (disk_apply(p, false, &why) < 0) {
			if (!warning || why.num == ENOENT) { /* its files are lost */
				*err = why;
				return -(why.num ? why.num : EINVAL);
			}
			snprintf(warning, 300, "its disk limit is not what its file says: %.250s",
				 why.text);
		}
		image = disk_has_image(p);
	}
	if (image)
		return disk_image_open(p, attr, &fits, err);
	mnt = mnt_clone(AT_FDCWD, p->dir, err);
	if (mnt < 0 || !attr)
		return mnt;
	r = mnt_set(mnt, attr, -1, err);
	if (r < 0)
		close(mnt);
	return r < 0 ? r : mnt;
}
