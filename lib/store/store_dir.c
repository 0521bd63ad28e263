// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The dir store: a plain copy of the template, for hosts without what overlay needs. cp(1) shares
 * the blocks where the file system can (reflink). Ids on disk stay unshifted here too: the copy is
 * id-mapped for the server (Linux 5.12).
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/disk.h"
#include "store/idprobe.h"
#include "sys/fd.h"
#include "sys/mnt.h"

static int usable(const char *dir, struct err *err)
{
	return idprobe(dir, err);
}

static int copy_tree(const char *from, const char *to, struct err *err)
{
	int out[2], status;
	_cleanup_free_ char *said = NULL;
	size_t n;

	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	pid_t pid = fork();
	if (pid == 0) {
		char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };

		dup2(out[1], 2);
		execle("/bin/cp", "cp", "-a", "--reflink=auto", "--", from, to, NULL, env);
		_exit(127);
	}
	close(out[1]);
	if (pid < 0) {
		close(out[0]);
		return err_errno(err, "fork");
	}
	if (fd_read_all(out[0], 65536, &said, &n) == 0)
		said[strcspn(said, "\n")] = '\0';
	close(out[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	enum err_class class = said && strstr(said, "No space left") ? ERR_ROOM : ERR_FAIL;
	return err_set(err, class, 0, "cannot copy the template: %s", str_or(said, "cp failed"));
}

static int create(const struct store_plan *p, struct err *err)
{
	_cleanup_free_ char *root = xasprintf("%s/root", p->dir);
	struct stat st;
	int r = store_template_root(p, &st, err);

	if (r < 0)
		return r;
	r = disk_create(p, err);
	return r < 0 ? r : copy_tree(p->template_root, root, err);
}

static int open_root(const struct store_plan *p, struct err *err)
{
	_cleanup_free_ char *root = xasprintf("%s/root", p->dir);
	int mnt = mnt_clone(AT_FDCWD, root, err);

	if (mnt < 0)
		return mnt;
	int r = mnt_set(mnt, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, -1, err);
	if (r < 0) {
		close(mnt);
		return r;
	}
	return mnt;
}

static int layers(const struct store_plan *p, struct store_layers *ret, struct err *err)
{
	_cleanup_free_ char *root = xasprintf("%s/root", p->dir);
	char warning[300] = "";
	int own = disk_open(p, 0, warning, err); /* what it may write, as the file says */

	if (own < 0)
		return own;
	close(own);
	int mnt = mnt_clone(AT_FDCWD, root, err);

	if (mnt < 0)
		return mnt;
	int r = mnt_set(mnt, MOUNT_ATTR_NODEV, -1, err);
	if (r < 0) {
		close(mnt);
		return r;
	}
	*ret = (struct store_layers) { .fd = { mnt }, .n = 1 };
	memcpy(ret->warning, warning, sizeof(warning));
	return 0;
}

static int assemble(const struct store_layers *l, const char *scratch, const char *on,
		    struct err *err)
{
	(void)scratch;
	if (l->n != 1)
		return err_set(err, ERR_FAIL, 0, "dir: %d layers instead of 1", l->n);
	_cleanup_close_ int point = open(on, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (point < 0)
		return err_errno(err, "cannot open %s", on);
	return mnt_attach(l->fd[0], point, err);
}

extern const struct store store_dir;
const struct store store_dir = {
	.name = "dir",
	.help = "a copy of the template for each server",
	.usable = usable,
	.create = create,
	.open_root = open_root,
	.layers = layers,
	.assemble = assemble,
};
