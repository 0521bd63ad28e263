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
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/disk.h"
#include "store/idprobe.h"
#include "sys/mnt.h"
#include "sys/sock.h"

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

	if (r == 0)
		r = disk_create(p, err);
	if (r < 0)
		return r;
	_cleanup_close_ int dir = disk_open(p, 0, NULL, err);
	if (dir < 0)
		return dir;
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
	if (statvfs(own, &st) == 0 && !(st.f_flag & ST_RDONLY) &&
	    (st.f_bavail == 0 || (st.f_files > 0 && st.f_favail == 0)))
		return err_set(err, ERR_ROOM, ENOSPC, "cannot write to the overlay");
	return err_set(err, ERR_FAIL, EROFS,
		       "cannot write to the overlay; the kernel's log may say why");
}

static int mount_unmapped(const struct store_plan *p, struct err *err)
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

/* In a child with a mount namespace of its own, which ends with it: there the image is attached to
 * the server's own directory. The overlay keeps what it needs of that. */
static int mount_attached(const struct store_plan *p, int own, struct err *err)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_errno(err, "cannot make a mount namespace");
	_cleanup_close_ int inside = open(p->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (inside < 0)
		return err_errno(err, "cannot open %s", p->dir);
	int r = mnt_attach(own, inside, err);
	return r < 0 ? r : mount_unmapped(p, err);
}

static int open_in_image(const struct store_plan *p, struct err *err)
{
	_cleanup_close_ int own = disk_open(p, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, NULL, err);
	struct err said = { 0 };
	int pair[2], root = -1, n = 0;

	if (own < 0)
		return own;
	int r = sock_pair(pair);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "socketpair");
	pid_t pid = fork();
	if (pid == 0) {
		root = mount_attached(p, own, &said);
		_exit(sock_send(pair[1], &said, sizeof(said), &root, root < 0 ? 0 : 1) < 0);
	}
	if (pid < 0)
		err_errno(err, "fork");
	close(pair[1]);
	ssize_t got = pid < 0 ? -1 : sock_recv(pair[0], &said, sizeof(said), &root, 1, &n);
	close(pair[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (got == sizeof(said) && n == 1)
		return root;
	if (got == sizeof(said))
		*err = said;
	else if (pid > 0)
		err_set(err, ERR_FAIL, 0, "the child that mounts the image has died");
	return err->num ? -err->num : -EIO;
}

/* Both layers unmapped: as host root sees them, ids on disk are ids inside. */
static int open_root(const struct store_plan *p, struct err *err)
{
	return disk_has_image(p) ? open_in_image(p, err) : mount_unmapped(p, err);
}

static int layers(const struct store_plan *p, struct store_layers *ret, struct err *err)
{
	int lower = mnt_clone(AT_FDCWD, p->template_root, err);

	if (lower < 0)
		return lower;
	char warning[300] = "";
	int upper = disk_open(p, 0, warning, err);
	if (upper < 0) {
		close(lower);
		return upper;
	}
	*ret = (struct store_layers) { .fd = { lower, upper }, .n = 2 };
	memcpy(ret->warning, warning, sizeof(warning));
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
	.images = true,
	.usable = usable,
	.create = create,
	.open_root = open_root,
	.layers = layers,
	.assemble = assemble,
};
