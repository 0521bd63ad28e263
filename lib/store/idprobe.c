// SPDX-License-Identifier: GPL-2.0-or-later
/* Tries an id-mapped mount: the only sure way to know, because each file system opts in by itself.
 */
#include "store/idprobe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/mnt.h"

/* A user namespace with some mapping; the process that holds it is gone when this returns. */
static int some_userns(struct err *err)
{
	char path[64];
	int go[2], fd = -1;

	if (pipe2(go, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	pid_t pid = clone_fork(CLONE_NEWUSER, -1, NULL);
	if (pid == 0) {
		char c;

		close(go[1]);
		_exit(read(go[0], &c, 1) < 0);
	}
	close(go[0]);
	if (pid < 0) {
		close(go[1]);
		return err_set(err, ERR_HOST, -pid, "user namespaces cannot be made here");
	}
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	int r = fd_write_file(AT_FDCWD, path, "0 65536 65536\n");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	if (r == 0)
		r = fd_write_file(AT_FDCWD, path, "0 65536 65536\n");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	if (r == 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		r = -errno;
	close(go[1]);
	waitpid(pid, NULL, 0);
	return r == 0 ? fd : err_set(err, ERR_HOST, -r, "a user namespace cannot be mapped here");
}

int idprobe(const char *dir, struct err *err)
{
	_cleanup_close_ int ns = some_userns(err);

	if (ns < 0)
		return ns;
	_cleanup_close_ int mnt = mnt_clone(AT_FDCWD, dir, err);
	if (mnt < 0)
		return mnt;
	return err_wrap(err, mnt_set(mnt, 0, ns, err), "%s", dir);
}
