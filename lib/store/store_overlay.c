// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The overlay store: the template below, shared by all its servers in disk and page cache; the
 * server's own directory above. Creating a server makes three directories.
 *
 * Ids on disk are never shifted. Both layers are id-mapped for the server, and the overlay is
 * mounted by the server's side, inside its user namespace (Linux 5.19 for id-mapped layers): an
 * overlay that the host mounts over id-mapped layers has a root without a mapping and is read-only.
 * "userxattr" because trusted.* attributes cannot be written there.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/idprobe.h"
#include "sys/fd.h"
#include "sys/mnt.h"

static int usable(const char *dir, struct err *err)
{
	struct utsname u;
	int major = 0, minor = 0;

	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	if (major < 5 || (major == 5 && minor < 19))
		return err_set(err, ERR_HOST, 0,
			       "overlay over id-mapped layers needs Linux 5.19; this is %s",
			       u.release);
	_cleanup_close_ int fs = fsopen("overlay", FSOPEN_CLOEXEC); /* loads the module */
	if (fs < 0)
		return err_set(err, ERR_HOST, 0, "the kernel has no overlay file system");
	return idprobe(dir, err);
}

static int create(const struct store_plan *p, struct err *err)
{
	struct stat st;
	int r = store_template_root(p, &st, err);

	if (r < 0)
		return r;
	if (mkdir(p->dir, 0755) < 0)
		return err_errno(err, "cannot create %s", p->dir);
	_cleanup_close_ int dir = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, "cannot open %s", p->dir);
	/* The upper directory's mode and owner are those of / inside. */
	if (mkdirat(dir, "upper", 0755) < 0 || mkdirat(dir, "work", 0700) < 0 ||
	    fchmodat(dir, "upper", st.st_mode & 07777, 0) < 0 ||
	    fchownat(dir, "upper", st.st_uid, st.st_gid, 0) < 0)
		return err_errno(err, "cannot create the layers in %s", p->dir);
	return 0;
}

/* overlayfs mounts read-only, with a word in the kernel's log only, when it cannot make its work
 * directory. got: what statvfs(3) or fstatvfs(3) returned for it, and into root; own: what holds
 * the upper layer. */
static int check_writable(int got, const struct statvfs *root, const char *own, struct err *err)
{
	struct statvfs st;

	if (got < 0)
		return err_errno(err, "cannot look at the overlay");
	if (!(root->f_flag & ST_RDONLY))
		return 0;
	if (statvfs(own, &st) == 0 && !(st.f_flag & ST_RDONLY))
		return err_set(err, ERR_ROOM, ENOSPC, "cannot write to the overlay");
	return err_set(err, ERR_FAIL, EROFS, "cannot write to the overlay");
}

/* Both layers unmapped: as host root sees them, ids on disk are ids inside. */
static int open_root(const struct store_plan *p, struct err *err)
{
	_cleanup_free_ char *upper = xasprintf("%s/upper", p->dir);
	_cleanup_free_ char *work = xasprintf("%s/work", p->dir);
	const char *const options[] = { "lowerdir", p->template_root, "upperdir", upper, "workdir",
					work,	    "userxattr",      NULL,	  NULL };
	struct statvfs st;

	int root = mnt_new("overlay", options,
			   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	if (root < 0)
		return root;
	int r = check_writable(fstatvfs(root, &st), &st, p->dir, err);
	if (r < 0)
		close(root);
	return r < 0 ? r : root;
}

static int layers(const struct store_plan *p, struct store_layers *ret, struct err *err)
{
	int lower = mnt_clone(AT_FDCWD, p->template_root, err);

	if (lower < 0)
		return lower;
	int upper = mnt_clone(AT_FDCWD, p->dir, err);
	if (upper < 0) {
		close(lower);
		return upper;
	}
	*ret = (struct store_layers) { .fd = { lower, upper }, .n = 2 };
	return 0;
}

/* overlayfs takes only layers that are attached to the mounter's namespace (until Linux 6.15), so
 * both get a place in scratch first. */
static int assemble(const struct store_layers *l, const char *scratch, const char *on,
		    struct err *err)
{
	static const char *const name[] = { "lower", "own" };
	char options[512];
	struct statvfs st;

	if (l->n != 2)
		return err_set(err, ERR_FAIL, 0, "overlay: %d layers instead of 2", l->n);
	_cleanup_close_ int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, "cannot open %s", scratch);
	for (int i = 0; i < 2; i++) {
		_cleanup_close_ int point = mnt_point(dir, name[i], err);
		if (point < 0)
			return point;
		int r = mnt_attach(l->fd[i], point, err);
		if (r < 0)
			return r;
	}
	snprintf(options, sizeof(options),
		 "lowerdir=%s/lower,upperdir=%s/own/upper,workdir=%s/own/work,userxattr", scratch,
		 scratch, scratch);
	if (mount("overlay", on, "overlay", MS_NODEV, options) < 0)
		return err_errno(err, "cannot mount the overlay");
	snprintf(options, sizeof(options), "%s/own", scratch);
	return check_writable(statvfs(on, &st), &st, options, err);
}

extern const struct store store_overlay;
const struct store store_overlay = {
	.name = "overlay",
	.help = "template shared, own changes above it; creation takes constant time",
	.usable = usable,
	.create = create,
	.open_root = open_root,
	.layers = layers,
	.assemble = assemble,
};
