// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The server's side of a start, in the child that becomes init: one straight path. It runs as the
 * server's root, in its namespaces, with the host's tree still in view until `pivot`. The new root
 * is hostile from the first moment (a previous run of the server wrote it): nothing in it is opened
 * by a path that could lead out, and mount points are checked directories.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "run/live.h"
#include "run/steps.h"
#include "sys/fd.h"
#include "sys/mnt.h"
#include "sys/nl.h"
#include "sys/tty.h"

/* Enter the version 1 groups by ourselves: a write of "0" takes no global lock, a pid would (an RCU
 * grace period). After that the cgroup namespace's root is right in every hierarchy. */
int step_join(struct run *r, struct err *err)
{
	struct sync_fds groups = { 0 };
	int ret = sync_hear(r->sock[1], "join", &groups, r->deadline_ms, err);

	if (ret < 0)
		return ret;
	for (int i = 0; i < groups.n; i++) {
		if (write(groups.fd[i], "0", 1) < 0)
			return err_errno(err, "cannot enter a version 1 group");
		fd_drop(&groups.fd[i]);
	}
	if (unshare(CLONE_NEWCGROUP) < 0)
		return err_errno(err, "cannot make the cgroup namespace");
	return 0;
}

/* A boot-time clock of its own, so that uptime(1) tells the server's. This process must
 * enter it as well: only since Linux 6.3 an exec does that, and before, vfork and posix_spawn fail
 * (EINVAL) in an init whose children are to have another clock. Only this clock is shifted:
 * CLOCK_MONOTONIC stays comparable with the host's. The monitor must stay outside: start times in
 * /proc/PID/stat are shifted too. */
int step_clock(struct run *r, struct err *err)
{
	struct timespec now;
	char text[64];

	(void)r;
	(void)err;
	clock_gettime(CLOCK_BOOTTIME, &now);
	if (unshare(CLONE_NEWTIME) < 0) /* CONFIG_TIME_NS is off: croft check says so */
		return 0;
	/* Changing ids made this process undumpable, and its /proc files root's. */
	prctl(PR_SET_DUMPABLE, 1);
	snprintf(text, sizeof(text), "boottime -%lld 0\n", (long long)now.tv_sec);
	(void)fd_write_file(AT_FDCWD, "/proc/self/timens_offsets", text);
	_cleanup_close_ int ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (ns >= 0)
		(void)setns(ns, CLONE_NEWTIME);
	return 0;
}

/* The host's side has nothing to do while this one puts the root together: so it sets up the
 * network inside as well, through this socket. */
int step_netlink(struct run *r, struct err *err)
{
	_cleanup_close_ int netlink = nl_socket(err);

	if (netlink < 0)
		return -EIO;
	return sync_tell(r->sock[1], "netlink", &(struct sync_fds) { { netlink }, 1 }, err);
}

int step_mapped(struct run *r, struct err *err)
{
	return sync_hear(r->mapped[1], "mapped", NULL, r->deadline_ms, err);
}

/* Puts the root together on a scratch tmpfs. Layers must be attached before overlayfs takes them,
 * and this process may write nowhere on the host: so the tmpfs covers /tmp, in this mount namespace
 * only. */
int step_root(struct run *r, struct err *err)
{
	struct stat st;

	umask(022);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_errno(err, "cannot make the mounts private");
	if (mount("croft", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=64k") < 0 ||
	    chdir("/tmp") < 0 || mkdir("root", 0755) < 0)
		return err_errno(err, "cannot mount a scratch tmpfs on /tmp");
	int ret = r->plan->store.store->assemble(&r->layers, ".", "root", err);
	if (ret < 0)
		return ret;
	r->root = open("root", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (r->root < 0 || fstat(r->root, &st) < 0)
		return err_errno(err, "cannot open the root");
	return 0;
}

/* A new file system on a directory beneath the root; the mount's own root as fd when wanted. */
static int put(struct run *r, const char *fstype, const char *const *options, uint64_t attr,
	       const char *on, int *ret_mnt, struct err *err)
{
	_cleanup_close_ int mnt = mnt_new(fstype, options, attr, err);

	if (mnt < 0)
		return mnt;
	_cleanup_close_ int point = mnt_point(r->root, on, err);
	if (point < 0)
		return point;
	int ret = mnt_attach(mnt, point, err);
	if (ret < 0)
		return ret;
	if (ret_mnt)
		*ret_mnt = STEAL_FD(mnt);
	return 0;
}

/* A mount on an empty file of our own tmpfs: nobody else has seen that, so its name will do. */
static int put_node(int dev, const char *name, mode_t mode, int mnt, struct err *err)
{
	if (mknodat(dev, name, S_IFREG | mode, 0) < 0)
		return err_errno(err, "cannot make /dev/%s", name);
	return mnt_attach_at(mnt, dev, name, err);
}

/* Binds one of the host's device nodes, checked by its numbers. */
static int bind_node(int dev, const struct guard_device *d, struct err *err)
{
	_cleanup_free_ char *host = xasprintf("/dev/%s", d->name);
	struct stat st;
	_cleanup_close_ int node = mnt_clone(AT_FDCWD, host, err);

	if (node == -ENOENT && d->feature)
		return err_set(err, ERR_HOST, 0, "the host has no %s (is its module loaded?)",
			       host);
	if (node < 0)
		return node;
	if (fstat(node, &st) < 0)
		return err_errno(err, "cannot look at %s", host);
	if (st.st_rdev != makedev(d->major, d->minor) ||
	    !(d->type == 'c' ? S_ISCHR(st.st_mode) : S_ISBLK(st.st_mode)))
		return err_set(err, ERR_HOST, 0, "%s of the host is not device %c %u:%u", host,
			       d->type, d->major, d->minor);
	const char *slash = strrchr(d->name, '/');
	if (slash) {
		_cleanup_free_ char *dir = xstrndup(d->name, (size_t)(slash - d->name));
		if (mkdirat(dev, dir, 0755) < 0 && errno != EEXIST)
			return err_errno(err, "cannot make /dev/%s", dir);
	}
	return put_node(dev, d->name, 0666, node, err);
}

/* The console is a pseudo-terminal of the server's own devpts: its ids are right and its name
 * exists inside. The master leaves at the next meeting. */
static int make_console(struct run *r, int dev, int pts, struct err *err)
{
	int ret = tty_pair(pts, &r->console_master, &r->console, err);

	if (ret < 0)
		return ret;
	ioctl(r->console, TIOCSWINSZ, &(struct winsize) { .ws_row = 24, .ws_col = 80 });
	_cleanup_close_ int mnt = mnt_clone_fd(r->console, err);
	return mnt < 0 ? mnt : put_node(dev, "console", 0600, mnt, err);
}

int step_dev(struct run *r, struct err *err)
{
	static const char *const dev_options[] = { "mode",	"0755", "size", "512k",
						   "nr_inodes", "1024", NULL };
	/* All servers share kernel.pty.max less kernel.pty.reserve, 3072 by default (devpts.rst).
	 */
	char size[24], ptys[24];
	const char *const pts_options[] = { "newinstance", NULL, "ptmxmode", "0666", "mode", "0620",
					    "gid",	   "5",	 "max",	     ptys,   NULL };
	const struct limit_conf *limit = &r->plan->limit;
	const char *const shm_options[] = { "mode", "1777",
					    live_tmpfs_size(limit, size) ? "size" : NULL, size,
					    NULL };
	static const char *const links[][2] = { { "/proc/self/fd", "fd" },
						{ "/proc/self/fd/0", "stdin" },
						{ "/proc/self/fd/1", "stdout" },
						{ "/proc/self/fd/2", "stderr" },
						{ "pts/ptmx", "ptmx" } };
	_cleanup_close_ int dev = -1, pts = -1;
	snprintf(ptys, sizeof(ptys), "%llu", (unsigned long long)limit->ptys);
	int ret = put(r, "tmpfs", dev_options, MOUNT_ATTR_NOSUID, "dev", &dev, err);

	for (size_t i = 0; ret == 0 && i < guard_n_devices; i++) {
		const struct guard_device *d = &guard_devices[i];

		if (d->node && (!d->feature || (d->feature & r->plan->features)))
			ret = bind_node(dev, d, err);
	}
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i][0], dev, links[i][1]) < 0)
			return err_errno(err, "cannot make /dev/%s", links[i][1]);
	if (mkdirat(dev, "pts", 0755) < 0 || mkdirat(dev, "shm", 01777) < 0 ||
	    mkdirat(dev, "mqueue", 0755) < 0)
		return err_errno(err, "cannot make the directories of /dev");
	ret = put(r, "devpts", pts_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, "dev/pts", &pts,
		  err);
	if (ret == 0)
		ret = put(r, "tmpfs", shm_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, "dev/shm",
			  NULL, err);
	if (ret == 0)
		ret =
		    put(r, "mqueue", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
			"dev/mqueue", NULL, err);
	if (ret == 0)
		ret = make_console(r, dev, pts, err);
	return ret;
}

/* The kernel lets those who make containers inside mount a proc and a sysfs of their own only where
 * one is in view on which nothing lies that they could not take away (mount_too_revealing()). On
 * /proc and /sys lie the files of the view: so there is a second mount of each. */
static int put_bare(struct run *r, struct err *err)
{
	static const char *const what[][2] = { { "proc", "dev/.croft/proc" },
					       { "sys", "dev/.croft/sys" } };
	_cleanup_close_ int dir = mnt_point(r->root, "dev/.croft", err);

	for (size_t i = 0; dir >= 0 && i < ARRAY_LEN(what); i++) {
		_cleanup_close_ int on = mnt_point(r->root, what[i][1], err);
		if (on < 0)
			return on;
		_cleanup_close_ int mnt = mnt_clone(r->root, what[i][0], err);
		int ret = mnt < 0 ? mnt : mnt_attach(mnt, on, err);
		if (ret < 0)
			return ret;
	}
	return dir < 0 ? dir : 0;
}

/* proc and sysfs are the server's own. /sys is read-only: that is how systemd sees that there is no
 * udev; it is a convention, not a boundary (security design 0.2). A fresh proc can only be mounted
 * while another is in view, so this comes before `pivot`. */
int step_kernfs(struct run *r, struct err *err)
{
	const uint64_t safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	char size[24];
	const char *const run_options[] = { "mode", "0755",
					    live_tmpfs_size(&r->plan->limit, size) ? "size" : NULL,
					    size, NULL };
	int ret = put(r, "proc", NULL, safe, "proc", NULL, err);

	if (ret == 0)
		ret = put(r, "sysfs", NULL, safe | MOUNT_ATTR_RDONLY, "sys", NULL, err);
	if (ret == 0)
		ret = put(r, "cgroup2", NULL, safe, "sys/fs/cgroup", NULL, err);
	if (ret == 0 && r->plan->dialect->run_tmpfs)
		ret = put(r, "tmpfs", run_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, "run",
			  NULL, err);
	if (ret == 0 && r->view)
		ret = put_bare(r, err);
	return ret;
}

/* pivot_root(".", ".") stacks the old root on the new one, and detaching it leaves only the new. */
int step_pivot(struct run *r, struct err *err)
{
	if (fchdir(r->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_errno(err, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_errno(err, "cannot detach the host's tree");
	/* Shared, as an init on bare metal would have it. */
	if (chdir("/") < 0 || mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		return err_errno(err, "cannot share the mounts");
	fd_drop(&r->root);
	return 0;
}

int step_uts(struct run *r, struct err *err)
{
	if (sethostname(r->plan->hostname, strlen(r->plan->hostname)) < 0)
		return err_errno(err, "sethostname %s", r->plan->hostname);
	return 0;
}

int step_caps(struct run *r, struct err *err)
{
	return guard_caps_apply(r->plan->privileged, err);
}

int step_seccomp(struct run *r, struct err *err)
{
	return guard_filter_load(&r->filter, err);
}

/* 0, 1 and 2 are the console; nothing else of ours stays open. The socket to the host goes with
 * exec: that is how the host learns of it. */
static int own_stdio(struct run *r, struct err *err)
{
	setsid();
	for (int i = 0; i < 3; i++)
		if (dup2(r->console, i) < 0)
			return err_errno(err, "cannot open the console");
	int sock = r->sock[1];
	if (sock > 3 && close_range(3, (unsigned)sock - 1, 0) < 0)
		return err_errno(err, "close_range");
	if (close_range((unsigned)sock + 1, ~0U, 0) < 0)
		return err_errno(err, "close_range");
	return 0;
}

static void default_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int step_exec(struct run *r, struct err *err)
{
	char uuid[64];
	const char *u = r->plan->server->uuid;
	char *env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"container=croft",
			uuid,
			"TERM=linux",
			"HOME=/",
			NULL };
	int ret = own_stdio(r, err);

	if (ret < 0)
		return ret;
	snprintf(uuid, sizeof(uuid), "container_uuid=%.8s-%.4s-%.4s-%.4s-%.12s", u, u + 8, u + 12,
		 u + 16, u + 20);
	default_signals();
	for (size_t i = 0; r->plan->init[i]; i++) {
		char *argv[] = { (char *)(uintptr_t)r->plan->init[i], NULL };

		execve(argv[0], argv, env);
		if (errno != ENOENT)
			return err_errno(err, "cannot run %s", argv[0]);
	}
	return err_set(err, ERR_FAIL, 0, "the root has no init (tried %s)", r->plan->init[0]);
}
