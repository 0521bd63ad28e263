// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which system calls a server may make: the profile, as tables.
 *
 * What must stay true:
 * - It is a list of what is allowed. A call that is in no table, because it is newer than the table
 *   or because the kernel has removed it, gets ENOSYS: libraries take that as "not there" and fall
 *   back, while EPERM makes them fail.
 * - What is refused on purpose gets EPERM, except where programs cope better with another errno.
 * - int arguments are compared by their low 32 bits, as the kernel reads them.
 * - Every name of today's kernels is in exactly one row (a unit test walks them).
 *
 * In spirit it is the profile of systemd-nspawn: the server has its own user namespace, so the
 * kernel's own checks of capabilities do most of the work, and this list shuts the doors that those
 * checks leave open: code that is reachable without a capability, or with one of the server's own
 * user namespace, and that a server does not need.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include "base/mem.h"
#include "guard/policy.h"
#include "sys/scmp.h"

/* Raise it when the code below compiles the same tables to another program. */
#define COMPILER_VERSION 2

/* clang-format off */
const struct policy_calls policy_calls[] = {
	{ "io", /* reading, writing, waiting */
	  "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek "
	  "_llseek close close_range dup dup2 dup3 fcntl fcntl64 pipe pipe2 sendfile "
	  "sendfile64 splice tee vmsplice copy_file_range readahead fadvise64 fadvise64_64 "
	  "arm_fadvise64_64 sync_file_range sync_file_range2 arm_sync_file_range fsync "
	  "fdatasync sync syncfs msync fallocate ftruncate ftruncate64 truncate truncate64 "
	  "flock poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 "
	  "epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd "
	  "eventfd2 io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents "
	  "io_pgetevents_time64 ioctl cachestat", 0, 0 },
	{ "files",
	  "open openat openat2 creat access faccessat faccessat2 stat lstat fstat newfstatat "
	  "stat64 lstat64 fstat64 fstatat64 oldstat oldlstat oldfstat statx statfs fstatfs "
	  "statfs64 fstatfs64 ustat sysfs getdents getdents64 readdir getcwd chdir fchdir "
	  "mkdir mkdirat rmdir mknod mknodat link linkat symlink symlinkat readlink readlinkat "
	  "unlink unlinkat rename renameat renameat2 chmod fchmod fchmodat fchmodat2 chown "
	  "fchown lchown fchownat chown32 fchown32 lchown32 umask utime utimes utimensat "
	  "utimensat_time64 futimesat setxattr lsetxattr fsetxattr getxattr lgetxattr "
	  "fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr "
	  "setxattrat getxattrat listxattrat removexattrat file_getattr file_setattr "
	  "name_to_handle_at inotify_init inotify_init1 inotify_add_watch inotify_rm_watch",
	  0, 0 },
	{ "mount", /* all of it: systemd's unit settings and nested containers live on it */
	  "mount umount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen "
	  "fsconfig fsmount fspick mount_setattr statmount listmount", 0, 0 },
	{ "memory",
	  "brk mmap mmap2 munmap mprotect mremap madvise process_madvise mincore mlock mlock2 "
	  "munlock mlockall munlockall remap_file_pages memfd_create memfd_secret membarrier "
	  "pkey_alloc pkey_free pkey_mprotect mbind get_mempolicy set_mempolicy "
	  "set_mempolicy_home_node migrate_pages move_pages mseal map_shadow_stack "
	  "process_mrelease", 0, 0 },
	{ "process",
	  "fork vfork clone clone3 execve execveat exit exit_group wait4 waitid waitpid getpid "
	  "getppid gettid getpgid setpgid getpgrp getsid setsid set_tid_address "
	  "set_robust_list get_robust_list rseq rseq_slice_yield unshare setns prctl "
	  "arch_prctl personality ptrace process_vm_readv process_vm_writev kcmp pidfd_open "
	  "pidfd_getfd modify_ldt set_thread_area get_thread_area set_tls get_tls cacheflush "
	  "breakpoint usr26 usr32 riscv_flush_icache riscv_hwprobe restart_syscall reboot "
	  "uretprobe uprobe", 0, 0 },
	{ "ids",
	  "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 setuid setuid32 "
	  "setgid setgid32 setreuid setreuid32 setregid setregid32 getresuid getresuid32 "
	  "setresuid setresuid32 getresgid getresgid32 setresgid setresgid32 setfsuid "
	  "setfsuid32 setfsgid setfsgid32 getgroups getgroups32 setgroups setgroups32 capget "
	  "capset", 0, 0 },
	{ "confine", /* what programs use to confine themselves */
	  "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self "
	  "lsm_get_self_attr lsm_set_self_attr lsm_list_modules", 0, 0 },
	{ "resources",
	  "getrlimit ugetrlimit setrlimit prlimit64 getrusage getpriority setpriority nice "
	  "sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam "
	  "sched_getscheduler sched_setscheduler sched_getattr sched_setattr "
	  "sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
	  "sched_rr_get_interval_time64 ioprio_get ioprio_set getcpu", 0, 0 },
	{ "signals",
	  "kill tkill tgkill pidfd_send_signal rt_sigaction rt_sigprocmask rt_sigpending "
	  "rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
	  "rt_sigtimedwait_time64 sigaction signal sigprocmask sigpending sigreturn sigsuspend "
	  "sigaltstack sgetmask ssetmask signalfd signalfd4 pause", 0, 0 },
	/* Setting the clock is the kernel's to refuse: adjtimex(2) with mode 0 only reads. */
	{ "time",
	  "time gettimeofday settimeofday stime times adjtimex clock_adjtime clock_adjtime64 "
	  "clock_gettime clock_gettime64 clock_settime clock_settime64 clock_getres "
	  "clock_getres_time64 clock_nanosleep clock_nanosleep_time64 nanosleep alarm "
	  "getitimer setitimer timer_create timer_settime timer_settime64 timer_gettime "
	  "timer_gettime64 timer_getoverrun timer_delete timerfd_create timerfd_settime "
	  "timerfd_settime64 timerfd_gettime timerfd_gettime64", 0, 0 },
	{ "ipc",
	  "ipc shmget shmat shmdt shmctl semget semop semtimedop semtimedop_time64 semctl "
	  "msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend mq_timedsend_time64 "
	  "mq_timedreceive mq_timedreceive_time64 mq_notify mq_getsetattr futex futex_time64 "
	  "futex_waitv futex_wake futex_wait futex_requeue", 0, 0 },
	{ "network", /* families are told apart in deny_families() */
	  "socket socketpair socketcall connect accept accept4 bind listen getsockname "
	  "getpeername sendto send sendmsg sendmmsg recvfrom recv recvmsg recvmmsg "
	  "recvmmsg_time64 shutdown setsockopt getsockopt", 0, 0 },
	{ "system",
	  "uname olduname oldolduname sysinfo sethostname setdomainname getrandom vhangup",
	  0, 0 },

	{ "kernel-code",
	  "kexec_load kexec_file_load init_module finit_module delete_module", EPERM, 0 },
	{ "swap", "swapon swapoff", EPERM, 0 },
	/* None of these is bound to a namespace, and each works on the host's files or disks. */
	{ "accounting",
	  "acct quotactl quotactl_fd fanotify_init fanotify_mark lookup_dcookie", EPERM, 0 },
	/* The host's kernel log, which dmesg_restrict=0 would show to anybody. */
	{ "kernel-log", "syslog", EPERM, 0 },
	{ "raw-io",
	  "iopl ioperm vm86 vm86old pciconfig_read pciconfig_write pciconfig_iobase", EPERM, 0 },
	/* Large, often attacked parts of the kernel. */
	{ "bpf", "bpf", EPERM, 0 },
	{ "userfaultfd", "userfaultfd", EPERM, 0 },
	{ "perf", "perf_event_open", EPERM, GUARD_PERF },
	/* ENOSYS: programs look for it and have another way. */
	{ "io_uring", "io_uring_setup io_uring_enter io_uring_register", ENOSYS, GUARD_IO_URING },
	/* ENOSYS: systemd takes EPERM for a failure and ENOSYS for a kernel without keyrings. */
	{ "keyring", "keyctl add_key request_key", ENOSYS, GUARD_KEYCTL | GUARD_NESTING },
	/* Handles reach every file of the file system, also beyond the server's root. */
	{ "handles", "open_by_handle_at", ENOSYS, 0 },
	/* Removed from Linux, or never there. */
	{ "gone",
	  "_sysctl afs_syscall bdflush break create_module epoll_ctl_old epoll_wait_old ftime "
	  "get_kernel_syms getpmsg gtty idle lock mpx nfsservctl prof profil putpmsg "
	  "query_module security stty tuxcall ulimit uselib vserver", ENOSYS, 0 },
};
/* clang-format on */
const size_t policy_n_calls = ARRAY_LEN(policy_calls);

/* Socket families a server may use. All others, present and future, get EAFNOSUPPORT: the answer of
 * a kernel without them, which every program can handle. */
static const unsigned char families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };
#define FAMILY_END                                                                                 \
	128 /* a power of two well above AF_MAX (46); the kernel refuses what is beyond */

#define INT 0xffffffffULL /* the part of a register that an int argument is */

#define NETLINK(protocol)                                                                          \
	2,                                                                                         \
	{                                                                                          \
		{ 0, INT, AF_NETLINK },                                                            \
		{                                                                                  \
			2, INT, protocol                                                           \
		}                                                                                  \
	}
#define SOCKOPT(level, opt)                                                                        \
	2,                                                                                         \
	{                                                                                          \
		{ 1, INT, level },                                                                 \
		{                                                                                  \
			2, INT, opt                                                                \
		}                                                                                  \
	}
#define REQUEST(number)                                                                            \
	1,                                                                                         \
	{                                                                                          \
		{                                                                                  \
			1, INT, number                                                             \
		}                                                                                  \
	}

/* Calls that are refused for their arguments. features: one of them opens it. */
/* clang-format off */
static const struct {
	const char *what;
	unsigned features;
	struct scmp_rule rule;
} denied_arguments[] = {
	/* The audit system has no namespaces. sshd, PAM and dbus go on without it when it is
	 * "not there" and refuse to work when it is "not permitted". */
	{ "socket, netlink audit", 0, { "socket", EAFNOSUPPORT, NETLINK(NETLINK_AUDIT) } },
	/* Memory that the kernel charges to no control group (seen up to Linux 6.18): with it, one
	 * server takes the host's, whatever its limit. The error is that of a kernel without it.
	 * On x86, 32-bit programs get there by socketcall(2), whose arguments no filter sees. */
	{ "socket, netlink xfrm", GUARD_IPSEC,
	  { "socket", EPROTONOSUPPORT, NETLINK(NETLINK_XFRM) } },
	{ "socket, netlink usersock", 0,
	  { "socket", EPROTONOSUPPORT, NETLINK(NETLINK_USERSOCK) } },
	{ "setsockopt PACKET_RX_RING", GUARD_CAPTURE,
	  { "setsockopt", ENOPROTOOPT, SOCKOPT(SOL_PACKET, PACKET_RX_RING) } },
	{ "setsockopt PACKET_TX_RING", GUARD_CAPTURE,
	  { "setsockopt", ENOPROTOOPT, SOCKOPT(SOL_PACKET, PACKET_TX_RING) } },
	/* Typing into the terminal of whoever shares it. */
	{ "ioctl TIOCSTI", 0, { "ioctl", EPERM, REQUEST(TIOCSTI) } },
	{ "ioctl TIOCLINUX", 0, { "ioctl", EPERM, REQUEST(TIOCLINUX) } },
};
/* clang-format on */

struct rules {
	struct scmp_rule *r;
	size_t n, cap;
};

static void rules_add(struct rules *l, const struct scmp_rule *r)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->r = xrealloc(l->r, l->cap, sizeof(*l->r));
	}
	l->r[l->n++] = *r;
}

static bool family_between(unsigned from, unsigned to)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (families[i] >= from && families[i] < to)
			return true;
	return false;
}

/* libseccomp has no "none of these". So the families between the allowed ones are cut into the
 * largest aligned blocks, each of which is one comparison under a mask. 0 is left to the kernel. */
static void deny_families(struct rules *l, const char *call)
{
	for (unsigned f = 1, size; f < FAMILY_END; f += size) {
		size = 1;
		if (family_between(f, f + 1))
			continue;
		while (f % (2 * size) == 0 && f + 2 * size <= FAMILY_END &&
		       !family_between(f, f + 2 * size))
			size *= 2;
		rules_add(l, &(struct scmp_rule) { .name = call,
						   .error = EAFNOSUPPORT,
						   .n_match = 1,
						   .match = { { 0, INT & ~(size - 1ULL), f } } });
	}
}

static int error_of(const struct policy_calls *g, unsigned features)
{
	return g->features & features ? 0 : g->error;
}

static void add_calls(struct rules *l, struct strv *names, unsigned features)
{
	size_t done = 0;

	for (size_t i = 0; i < policy_n_calls; i++) {
		strv_split(names, policy_calls[i].names, " ");
		for (; done < names->n; done++)
			rules_add(l, &(struct scmp_rule) {
					 .name = names->v[done],
					 .error = error_of(&policy_calls[i], features) });
	}
}

int policy_compile(unsigned features, struct guard_filter *ret, struct err *err)
{
	struct rules calls = { 0 }, arguments = { 0 };
	struct strv names = { 0 };
	int r;

	/* Two lists: a refusal by argument must be asked for before the call is allowed at all. */
	for (size_t i = 0; i < ARRAY_LEN(denied_arguments); i++)
		if (!(denied_arguments[i].features & features))
			rules_add(&arguments, &denied_arguments[i].rule);
	deny_families(&arguments, "socket");
	deny_families(&arguments, "socketpair");
	add_calls(&calls, &names, features);

	const struct scmp_list lists[] = {
		{ .rules = arguments.r, .n_rules = arguments.n, .other = 0 },
		{ .rules = calls.r, .n_rules = calls.n, .other = ENOSYS },
	};
	r = scmp_compile(lists, ARRAY_LEN(lists), &ret->code, &ret->len, err);
	free(calls.r);
	free(arguments.r);
	strv_free(&names);
	return r;
}

static uint64_t hash_num(uint64_t h, uint64_t n)
{
	return str_hash(h, &n, sizeof(n));
}

static uint64_t hash_str(uint64_t h, const char *s)
{
	return str_hash(h, s, strlen(s) + 1);
}

uint64_t policy_key(unsigned features)
{
	struct utsname u;
	uint64_t h = hash_num(STR_HASH_INIT, COMPILER_VERSION);

	for (size_t i = 0; i < policy_n_calls; i++) {
		h = hash_str(h, policy_calls[i].names);
		h = hash_num(h, (uint64_t)error_of(&policy_calls[i], features));
	}
	for (size_t i = 0; i < ARRAY_LEN(denied_arguments); i++) {
		const struct scmp_rule *d = &denied_arguments[i].rule;

		if (denied_arguments[i].features & features)
			continue;
		h = hash_str(h, d->name);
		h = hash_num(h, (uint64_t)d->error);
		for (unsigned m = 0; m < d->n_match; m++) {
			h = hash_num(h, d->match[m].index);
			h = hash_num(h, d->match[m].mask);
			h = hash_num(h, d->match[m].value);
		}
	}
	h = str_hash(h, families, sizeof(families));
	/* The release stands for the version of libseccomp, which cannot be asked without loading
	 * it: a library that knows more names comes with a new system, and so does a new kernel.
	 * The size of a pointer tells a 32-bit croft from a 64-bit one on the same kernel. */
	if (uname(&u) == 0) {
		h = hash_str(h, u.machine);
		h = hash_str(h, u.release);
	}
	return hash_num(h, sizeof(void *));
}

static const char *error_name(int error)
{
	switch (error) {
	case 0:
		return "allowed";
	case EPERM:
		return "EPERM";
	case ENOSYS:
		return "ENOSYS";
	case EAFNOSUPPORT:
		return "EAFNOSUPPORT";
	case EPROTONOSUPPORT:
		return "EPROTONOSUPPORT";
	case ENOPROTOOPT:
		return "ENOPROTOOPT";
	default:
		return strerror(error);
	}
}

void guard_filter_explain(unsigned features, struct strv *out)
{
	for (size_t i = 0; i < policy_n_calls; i++) {
		const struct policy_calls *g = &policy_calls[i];
		struct strv names = { 0 };

		strv_split(&names, g->names, " ");
		if (g->error == 0)
			strv_take(out, xasprintf("%s (%zu calls): allowed", g->group, names.n));
		else if (!streq(g->group, "gone"))
			for (size_t k = 0; k < names.n; k++)
				strv_take(out, xasprintf("%s: %s", names.v[k],
							 error_name(error_of(g, features))));
		strv_free(&names);
	}
	strv_add(out, "socket, family not unix inet inet6 netlink packet: EAFNOSUPPORT");
	for (size_t i = 0; i < ARRAY_LEN(denied_arguments); i++) {
		bool open = denied_arguments[i].features & features;

		strv_take(out, xasprintf("%s: %s", denied_arguments[i].what,
					 error_name(open ? 0 : denied_arguments[i].rule.error)));
	}
	strv_add(out, "any other: ENOSYS");
}
