// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a server's root can do. Runs inside a server, tries each door once, and prints one line for
 * each: the probe's name and "ok" or the name of the errno. The output is compared with
 *probe.golden:
 *
 *	gcc -static -O2 -o probe probe.c; croft exec web1 -- /probe | diff tests/root/probe.golden -
 *
 * What must stay true: nothing here does harm where a door is open, not even as root of the host:
 * arguments are such that the kernel refuses them after its check of rights, or that what is done
 *is what was there before. Each probe runs in a child of its own. No library beyond libc, and no
 * kernel header younger than Linux 5.10.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <unistd.h>

#ifndef AF_VSOCK
#define AF_VSOCK 40
#endif
#ifndef AF_XDP
#define AF_XDP 44
#endif
#define BAD ((void *)1) /* no address */

/* Calls by number where the C library may not know them; these are the same everywhere. */
#define NR_clone3	 435
#define NR_close_range	 436
#define NR_openat2	 437
#define NR_faccessat2	 439
#define NR_quotactl_fd	 443
#define NR_io_uring	 425
#define NR_fsopen	 430
#define NR_open_tree	 428
#define NR_pidfd_open	 434
#define NR_mount_setattr 442

static const char *error_name(int e)
{
	static const struct {
		int e;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" },
		{ ENOENT, "ENOENT" },
		{ EBADF, "EBADF" },
		{ EAGAIN, "EAGAIN" },
		{ EACCES, "EACCES" },
		{ EFAULT, "EFAULT" },
		{ EBUSY, "EBUSY" },
		{ EEXIST, "EEXIST" },
		{ ENODEV, "ENODEV" },
		{ EINVAL, "EINVAL" },
		{ ENOTTY, "ENOTTY" },
		{ ENOSPC, "ENOSPC" },
		{ EROFS, "EROFS" },
		{ ENOSYS, "ENOSYS" },
		{ ENXIO, "ENXIO" },
		{ ESRCH, "ESRCH" },
		{ ENOEXEC, "ENOEXEC" },
		{ ENOTDIR, "ENOTDIR" },
		{ E2BIG, "E2BIG" },
		{ ENOMEM, "ENOMEM" },
		{ EOPNOTSUPP, "EOPNOTSUPP" },
		{ EOVERFLOW, "EOVERFLOW" },
		{ EAFNOSUPPORT, "EAFNOSUPPORT" },
		{ EPROTONOSUPPORT, "EPROTONOSUPPORT" },
		{ ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT" },
		{ EKEYREJECTED, "EKEYREJECTED" },
		{ ENOKEY, "ENOKEY" },
		{ ESTALE, "ESTALE" },
		{ EXDEV, "EXDEV" },
	};
	static char number[32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].e == e)
			return names[i].name;
	snprintf(number, sizeof(number), "errno-%d", e);
	return number;
}

/* A scratch directory on a tmpfs where there is one; removed by main. */
static char scratch[32];

/* --- the kernel's own code and the host's state ----------------------------------------------- */

static long kexec_load(void)
{
	return syscall(SYS_kexec_load, 0, 0, NULL, ~0UL); /* no such flags */
}

static long kexec_file_load(void)
{
	return syscall(SYS_kexec_file_load, -1, -1, 0, NULL, ~0UL);
}

static long init_module(void)
{
	return syscall(SYS_init_module, BAD, 0, "");
}

static long finit_module(void)
{
	return syscall(SYS_finit_module, -1, "", 0);
}

static long delete_module(void)
{
	return syscall(SYS_delete_module, "no_such_module", O_NONBLOCK);
}

static long swapon(void)
{
	return syscall(SYS_swapon, "/nonexistent", 0);
}

static long swapoff(void)
{
	return syscall(SYS_swapoff, "/nonexistent");
}

static long acct_(void)
{
	return syscall(SYS_acct, "/nonexistent");
}

static long quotactl_sync(void)
{
	return syscall(SYS_quotactl, 0x800001U << 8, NULL, 0, NULL); /* Q_SYNC of everything */
}

static long quotactl_fd(void)
{
	return syscall(NR_quotactl_fd, -1, 0, 0, NULL);
}

static long fanotify_init_(void)
{
	return syscall(SYS_fanotify_init, 0, O_RDONLY);
}

static long syslog_read(void)
{
	char text[16];

	return syscall(SYS_syslog, 3, text, (int)sizeof(text));
}

static long adjtimex_set(void)
{
	struct timex t = { .modes = ADJ_SETOFFSET }; /* by nothing */

	return adjtimex(&t);
}

static long adjtimex_read(void)
{
	struct timex t = { .modes = 0 };

	return adjtimex(&t);
}

#ifdef SYS_iopl
static long iopl_(void)
{
	return syscall(SYS_iopl, 0);
}

static long ioperm_(void)
{
	return syscall(SYS_ioperm, 0x80, 1, 1);
}
#endif

#ifdef SYS_lookup_dcookie
static long lookup_dcookie(void)
{
	return syscall(SYS_lookup_dcookie, 0, 0, NULL, 0);
}
#endif

/* --- parts of the kernel that are often attacked ---------------------------------------------- */

static long bpf(void)
{
	char attr[128] = { 0 };

	return syscall(SYS_bpf, 0, attr, sizeof(attr));
}

static long perf_event_open(void)
{
	char attr[128] = { 0 };

	return syscall(SYS_perf_event_open, attr, 0, -1, -1, 0);
}

static long userfaultfd(void)
{
	return syscall(SYS_userfaultfd, 1 | O_CLOEXEC); /* UFFD_USER_MODE_ONLY */
}

static long io_uring_setup(void)
{
	char params[120] = { 0 };

	return syscall(NR_io_uring, 1, params);
}

static long keyctl_get(void)
{
	return syscall(SYS_keyctl, 0, -3, 0, 0, 0); /* KEYCTL_GET_KEYRING_ID of the session */
}

static long add_key(void)
{
	return syscall(SYS_add_key, "user", "croft-probe", "x", 1, -1 /* thread keyring */);
}

static long request_key(void)
{
	return syscall(SYS_request_key, "user", "croft-probe", NULL, 0);
}

static long open_by_handle_at_(void)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char f[8];
	} h = { 8, 1, { 2 } };

	return syscall(SYS_open_by_handle_at, AT_FDCWD, &h, O_RDONLY);
}

static long unknown_call(void)
{
	return syscall(10000);
}

/* --- sockets ---------------------------------------------------------------------------------- */

#define SOCKET(name, family, type, proto)                                                          \
	static long name(void)                                                                     \
	{                                                                                          \
		return socket(family, type, proto);                                                \
	}
SOCKET(af_unix, AF_UNIX, SOCK_STREAM, 0)
SOCKET(af_inet, AF_INET, SOCK_STREAM, 0)
SOCKET(af_inet6, AF_INET6, SOCK_STREAM, 0)
SOCKET(af_inet_raw, AF_INET, SOCK_RAW, 1)
SOCKET(af_packet, AF_PACKET, SOCK_RAW, 0)
SOCKET(af_netlink_route, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
SOCKET(af_netlink_uevent, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT)
SOCKET(af_netlink_audit, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)
SOCKET(af_alg, AF_ALG, SOCK_SEQPACKET, 0)
SOCKET(af_vsock, AF_VSOCK, SOCK_STREAM, 0)
SOCKET(af_key, AF_KEY, SOCK_RAW, 2)
SOCKET(af_xdp, AF_XDP, SOCK_RAW, 0)
SOCKET(af_bluetooth, AF_BLUETOOTH, SOCK_RAW, 1)
SOCKET(af_can, AF_CAN, SOCK_RAW, 1)
SOCKET(af_tipc, AF_TIPC, SOCK_SEQPACKET, 0)

static long af_alg_high_bits(void)
{
	return syscall(SYS_socket, (1ULL << 32) | AF_ALG, SOCK_SEQPACKET, 0);
}

static long af_netlink_audit_high_bits(void)
{
	return syscall(SYS_socket, (1ULL << 40) | AF_NETLINK, SOCK_RAW,
		       (1ULL << 32) | NETLINK_AUDIT);
}

static long socketpair_unix(void)
{
	int fd[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
}

static long socketpair_tipc(void)
{
	int fd[2];

	return socketpair(AF_TIPC, SOCK_SEQPACKET, 0, fd);
}

/* --- terminals: /dev/null answers ENOTTY where the filter lets a request pass ------------------
 */

static long null_ioctl(unsigned long request)
{
	static char byte = 'x';
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return syscall(SYS_ioctl, fd, request, &byte);
}

static long tiocsti(void)
{
	return null_ioctl(TIOCSTI);
}

static long tiocsti_high_bits(void)
{
	return null_ioctl(1UL << 32 | TIOCSTI);
}

static long tiocsti_all_high_bits(void)
{
	return null_ioctl(0xffffffffUL << 32 | TIOCSTI);
}

static long tioclinux(void)
{
	return null_ioctl(TIOCLINUX);
}

static long tioclinux_high_bits(void)
{
	return null_ioctl(1UL << 63 | TIOCLINUX);
}

static long tiocgwinsz(void)
{
	return null_ioctl(TIOCGWINSZ);
}

/* --- namespaces and mounts: a server may have all of them ------------------------------------- */

static long clone_newuser(void)
{
	int status;
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, &status, 0);
	return pid;
}

#define UNSHARE(name, flags)                                                                       \
	static long name(void)                                                                     \
	{                                                                                          \
		return unshare(flags);                                                             \
	}
UNSHARE(unshare_user, CLONE_NEWUSER)
UNSHARE(unshare_mount, CLONE_NEWNS)
UNSHARE(unshare_pid, CLONE_NEWPID)
UNSHARE(unshare_net, CLONE_NEWNET)
UNSHARE(unshare_ipc, CLONE_NEWIPC)
UNSHARE(unshare_uts, CLONE_NEWUTS)
UNSHARE(unshare_cgroup, CLONE_NEWCGROUP)

static long setns_self(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : setns(fd, CLONE_NEWUTS);
}

static long mount_in_private(const char *type)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mount(type, scratch, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

#define MOUNT(name, type)                                                                          \
	static long name(void)                                                                     \
	{                                                                                          \
		return mount_in_private(type);                                                     \
	}
MOUNT(mount_proc, "proc")
MOUNT(mount_tmpfs, "tmpfs")
MOUNT(mount_mqueue, "mqueue")
MOUNT(mount_cgroup2, "cgroup2")
MOUNT(mount_cgroup1, "cgroup")
MOUNT(mount_debugfs, "debugfs")
MOUNT(mount_securityfs, "securityfs")

/* Read-only: /sys of a server is, and the kernel gives no more than what there is. */
static long mount_sysfs_ro(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mount("sysfs", scratch, "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

/* What a nested container does: a fresh proc in namespaces of its own. */
static long nested_proc(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) < 0 ||
	    write_text("/proc/self/setgroups", "deny") < 0 ||
	    write_text("/proc/self/uid_map", "0 0 1") < 0 ||
	    write_text("/proc/self/gid_map", "0 0 1") < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		_exit(mount("proc", scratch, "proc", 0, NULL) < 0 ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static long chroot_(void)
{
	return chroot("/");
}

static long pivot_root_(void)
{
	return syscall(SYS_pivot_root, "/nonexistent", "/nonexistent");
}

static long umount_force(void)
{
	return umount2("/nonexistent", MNT_FORCE);
}

static long fsopen_proc(void)
{
	return syscall(NR_fsopen, "proc", 1);
}

static long open_tree_clone(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return -1;
	return syscall(NR_open_tree, AT_FDCWD, "/proc", 1 | O_CLOEXEC);
}

static long mount_setattr_(void)
{
	return syscall(NR_mount_setattr, -1, "", 0, NULL, 0);
}

/* --- ids, files, devices ---------------------------------------------------------------------- */

static int file_make(const char *name)
{
	if (chdir(scratch) < 0)
		return -1;
	return open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static long chown_file(void)
{
	return file_make("a") < 0 ? -1 : chown("a", 1000, 1000);
}

static long chown_beyond_range(void)
{
	return file_make("b") < 0 ? -1 : chown("b", 65536 * 2, (gid_t)-1);
}

static long chmod_setuid(void)
{
	return file_make("c") < 0 ? -1 : chmod("c", 04755);
}

static long node(const char *name, mode_t mode, dev_t dev)
{
	return chdir(scratch) < 0 ? -1 : mknod(name, mode, dev);
}

static long mknod_null(void)
{
	return node("null", S_IFCHR | 0666, makedev(1, 3));
}

static long mknod_mem(void)
{
	return node("mem", S_IFCHR | 0600, makedev(1, 1));
}

static long mknod_disk(void)
{
	return node("disk", S_IFBLK | 0600, makedev(8, 0));
}

static long mknod_fifo(void)
{
	return node("fifo", S_IFIFO | 0600, 0);
}

static long mknod_whiteout(void)
{
	return node("gone", S_IFCHR | 0600, 0);
}

static long setuid_(void)
{
	return setuid(1000);
}

static long setgroups_(void)
{
	gid_t g = 1000;

	return setgroups(1, &g);
}

static long setuid_beyond_range(void)
{
	return setuid(65536 * 2);
}

static long sethostname_(void)
{
	char name[65] = "";

	return gethostname(name, sizeof(name) - 1) < 0 ? -1 : sethostname(name, strlen(name));
}

static long open_kcore(void)
{
	return open("/proc/kcore", O_RDONLY | O_CLOEXEC);
}

static long open_kmsg(void)
{
	return open("/proc/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static long open_core_pattern(void)
{
	return open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC);
}

static long open_sysrq_trigger(void)
{
	return open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
}

/* --- what every program needs ------------------------------------------------------------------
 */

static long clone3_(void)
{
	return syscall(NR_clone3, NULL, 0);
}

static long openat2_(void)
{
	uint64_t how[3] = { O_RDONLY | O_CLOEXEC, 0, 0 };

	return syscall(NR_openat2, AT_FDCWD, "/", how, sizeof(how));
}

static long faccessat2_(void)
{
	return syscall(NR_faccessat2, AT_FDCWD, "/", R_OK, 0);
}

static long close_range_(void)
{
	return syscall(NR_close_range, 1000, ~0U, 0);
}

static long pidfd_open_(void)
{
	return syscall(NR_pidfd_open, getpid(), 0);
}

static long ptrace_child(void)
{
	return syscall(SYS_ptrace, 0 /* PTRACE_TRACEME */, 0, 0, 0);
}

/* sshd and systemd put filters of their own on top. */
static long seccomp_nested(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

static long no_new_privs(void)
{
	int on = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);

	if (on == 0)
		return 0;
	errno = EBUSY; /* set-uid programs would not work */
	return -1;
}

/* --- other ways into the kernel of the same machine --------------------------------------------
 */

#if defined(__x86_64__) && !defined(__ILP32__)
/* Linux takes the lower halves of the registers, so no pointer may be passed but NULL. */
static long i386(long nr, long a, long b, long c)
{
	long r;

	/* int 0x80 may spoil r8 to r11 before Linux 4.17. */
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(0L), "D"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	r = (int)r;
	if (r < 0 && r > -4096) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

#define I386(name, nr, a, b, c)                                                                    \
	static long name(void)                                                                     \
	{                                                                                          \
		return i386(nr, a, b, c);                                                          \
	}
I386(i386_getpid, 20, 0, 0, 0)
I386(i386_kexec_load, 283, 0, 0, 0)
I386(i386_init_module, 128, 0, 0, 0)
I386(i386_bpf, 357, 0, 0, 0)
I386(i386_perf_event_open, 336, 0, 0, -1)
I386(i386_userfaultfd, 374, 1, 0, 0)
I386(i386_keyctl, 288, 0, -3, 0)
I386(i386_add_key, 286, 0, 0, 0)
I386(i386_io_uring_setup, 425, 1, 0, 0)
I386(i386_open_by_handle_at, 342, -1, 0, 0)
I386(i386_swapon, 87, 0, 0, 0)
I386(i386_iopl, 110, 0, 0, 0)
I386(i386_vm86, 166, 0, 0, 0)
I386(i386_ioctl_tiocsti, 54, 0, TIOCSTI, 0)
I386(i386_socket_inet, 359, AF_INET, SOCK_STREAM, 0)
I386(i386_unknown_call, 10000, 0, 0, 0)

static long x32_getpid(void)
{
	return syscall(0x40000000 | SYS_getpid);
}
#endif

#define P(f)                                                                                       \
	{                                                                                          \
#f, f                                                                              \
	}
static const struct probe {
	const char *name;
	long (*run)(void);
} probes[] = {
	P(kexec_load),
	P(kexec_file_load),
	P(init_module),
	P(finit_module),
	P(delete_module),
	P(swapon),
	P(swapoff),
	{ "acct", acct_ },
	{ "quotactl", quotactl_sync },
	P(quotactl_fd),
	{ "fanotify_init", fanotify_init_ },
	P(syslog_read),
	P(adjtimex_set),
	P(adjtimex_read),
	P(bpf),
	P(perf_event_open),
	P(userfaultfd),
	P(io_uring_setup),
	P(keyctl_get),
	P(add_key),
	P(request_key),
	{ "open_by_handle_at", open_by_handle_at_ },
	P(unknown_call),
	P(af_unix),
	P(af_inet),
	P(af_inet6),
	P(af_inet_raw),
	P(af_packet),
	P(af_netlink_route),
	P(af_netlink_uevent),
	P(af_netlink_audit),
	P(af_netlink_audit_high_bits),
	P(af_alg),
	P(af_alg_high_bits),
	P(af_vsock),
	P(af_key),
	P(af_xdp),
	P(af_bluetooth),
	P(af_can),
	P(af_tipc),
	P(socketpair_unix),
	P(socketpair_tipc),
	P(tiocsti),
	P(tiocsti_high_bits),
	P(tiocsti_all_high_bits),
	P(tioclinux),
	P(tioclinux_high_bits),
	P(tiocgwinsz),
	P(clone_newuser),
	P(unshare_user),
	P(unshare_mount),
	P(unshare_pid),
	P(unshare_net),
	P(unshare_ipc),
	P(unshare_uts),
	P(unshare_cgroup),
	{ "setns", setns_self },
	P(mount_proc),
	P(mount_sysfs_ro),
	P(mount_tmpfs),
	P(mount_mqueue),
	P(mount_cgroup2),
	P(mount_cgroup1),
	P(mount_debugfs),
	P(mount_securityfs),
	P(nested_proc),
	{ "chroot", chroot_ },
	{ "pivot_root", pivot_root_ },
	P(umount_force),
	P(fsopen_proc),
	P(open_tree_clone),
	{ "mount_setattr", mount_setattr_ },
	P(chown_file),
	P(chown_beyond_range),
	P(chmod_setuid),
	P(mknod_null),
	P(mknod_mem),
	P(mknod_disk),
	P(mknod_fifo),
	P(mknod_whiteout),
	{ "setuid", setuid_ },
	P(setuid_beyond_range),
	{ "setgroups", setgroups_ },
	{ "sethostname", sethostname_ },
	P(open_kcore),
	P(open_kmsg),
	P(open_core_pattern),
	P(open_sysrq_trigger),
	{ "clone3", clone3_ },
	{ "openat2", openat2_ },
	{ "faccessat2", faccessat2_ },
	{ "close_range", close_range_ },
	{ "pidfd_open", pidfd_open_ },
	P(ptrace_child),
	P(seccomp_nested),
	P(no_new_privs),
#ifdef SYS_iopl
	{ "iopl", iopl_ },
	{ "ioperm", ioperm_ },
#endif
#ifdef SYS_lookup_dcookie
	P(lookup_dcookie),
#endif
#if defined(__x86_64__) && !defined(__ILP32__)
	P(x32_getpid),
	P(i386_getpid), /* the first of these: "signal-11" is a kernel that runs no 32-bit programs
			 */
	P(i386_kexec_load),
	P(i386_init_module),
	P(i386_bpf),
	P(i386_perf_event_open),
	P(i386_userfaultfd),
	P(i386_keyctl),
	P(i386_add_key),
	P(i386_io_uring_setup),
	P(i386_open_by_handle_at),
	P(i386_swapon),
	P(i386_iopl),
	P(i386_vm86),
	P(i386_ioctl_tiocsti),
	P(i386_socket_inet),
	P(i386_unknown_call),
#endif
};

static void run(const struct probe *p)
{
	int fd[2], status, e = 0;
	pid_t pid;

	fflush(stdout);
	if (pipe(fd) < 0 || (pid = fork()) < 0) {
		printf("%s cannot-fork\n", p->name);
		return;
	}
	if (pid == 0) {
		errno = 0;
		e = p->run() < 0 ? errno : 0;
		_exit(write(fd[1], &e, sizeof(e)) != sizeof(e));
	}
	close(fd[1]);
	if (read(fd[0], &e, sizeof(e)) == sizeof(e))
		printf("%s %s\n", p->name, e ? error_name(e) : "ok");
	else if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
		printf("%s signal-%d\n", p->name, WTERMSIG(status));
	else
		printf("%s no-answer\n", p->name);
	close(fd[0]);
	/* A traced child stops when it ends. */
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void scratch_remove(void)
{
	static const char *const made[] = { "a",    "b",    "c",    "null", "mem",
					    "disk", "fifo", "gone", NULL };

	if (chdir(scratch) == 0)
		for (size_t i = 0; made[i]; i++)
			unlink(made[i]);
	if (chdir("/") == 0)
		rmdir(scratch);
}

int main(int argc, char **argv)
{
	/* `probe NAME...` runs those only. */
	strcpy(scratch, "/run/probe.XXXXXX");
	if (!mkdtemp(scratch)) {
		strcpy(scratch, "/tmp/probe.XXXXXX");
		if (!mkdtemp(scratch)) {
			perror("probe: no scratch directory in /run or /tmp");
			return 1;
		}
	}
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		int wanted = argc == 1;

		for (int k = 1; k < argc; k++)
			wanted |= strcmp(argv[k], probes[i].name) == 0;
		if (wanted)
			run(&probes[i]);
	}
	scratch_remove();
	return 0;
}
