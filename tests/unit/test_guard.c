// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard: options, capabilities, the profile of system calls, and the cache of the compiled
 * filter. The compiled program is run here by a small interpreter, for every call and family. */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "base/mem.h"
#include "guard/policy.h"
#include "sys/bpf_ranges.h"
#include "sys/caps.h"
#include "sys/scmp.h"
#include "unit.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#define NATIVE 0 /* the tests of the compiled program are left out */
#endif

#define DENY(e) (SECCOMP_RET_ERRNO | (uint32_t)(e))

/* The classic BPF that seccomp programs consist of. */
static uint32_t run(const struct sock_filter *code, size_t len, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < len; pc++) {
		const struct sock_filter *f = &code[pc];
		bool yes;

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)d + f->k, sizeof(a));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			continue;
		case BPF_JMP | BPF_JA:
			pc += f->k;
			continue;
		case BPF_RET | BPF_K:
			return f->k;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == f->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= f->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > f->k;
			break;
		default:
			return SECCOMP_RET_KILL_PROCESS;
		}
		pc += yes ? f->jt : f->jf;
	}
	return SECCOMP_RET_KILL_PROCESS;
}

static uint32_t ask(const struct guard_filter *f, uint32_t arch, int nr, uint64_t a0, uint64_t a1,
		    uint64_t a2)
{
	struct seccomp_data d = { .nr = nr, .arch = arch, .args = { a0, a1, a2 } };

	return run(f->code, f->len, &d);
}

/* Compiles; false where that cannot be done here. */
static bool compiled(unsigned features, struct guard_filter *f)
{
	struct err err = { 0 };
	int r = policy_compile(features, f, &err);

	if (r == 0)
		return true;
	if (err.class == ERR_HOST)
		unit_skip("libseccomp is not installed");
	else
		CHECK_STR(err.text, "");
	return false;
}

/* The row that names a call, or NULL. */
static const struct policy_calls *row_of(const char *name, size_t *count)
{
	const struct policy_calls *found = NULL;

	*count = 0;
	for (size_t i = 0; i < policy_n_calls; i++) {
		struct strv names = { 0 };

		strv_split(&names, policy_calls[i].names, " ");
		for (size_t k = 0; k < names.n; k++)
			if (streq(names.v[k], name)) {
				found = &policy_calls[i];
				(*count)++;
			}
		strv_free(&names);
	}
	return found;
}

static int assign(struct guard_conf *c, const char *name, const char *text, struct err *err)
{
	const struct opt_group group = { "guard", guard_opts, &guard_n_opts, 0 };
	unsigned char origin[8] = { 0 };
	struct opt_set set = { &group, 1, c, origin };

	return opt_assign(&set, opt_find(&set, name), text, ORIGIN_ARGS, err);
}

TEST(guard_feature_words)
{
	struct guard_conf c = { 0 };
	struct err err = { 0 };

	CHECK_INT(guard_features(&c), 0);
	CHECK_INT(
	    assign(&c, "feature", "nesting fuse tun io_uring perf keyctl capture ipsec", &err), 0);
	CHECK_INT(guard_features(&c), 2 * GUARD_LAST - 1);
	CHECK_INT(assign(&c, "feature", "fuse", &err), 0);
	CHECK_INT(guard_features(&c), GUARD_FUSE);
	CHECK(assign(&c, "feature", "fuse sauna", &err) < 0);
	CHECK_INT(err.class, ERR_USAGE);
	CHECK(strstr(err.text, "sauna") && strstr(err.text, "io_uring"));
	CHECK(assign(&c, "feature", "tun tun", &err) < 0);
	CHECK_INT(guard_features(&c), GUARD_FUSE);
	CHECK_INT(assign(&c, "privileged", "yes", &err), 0);
	CHECK(c.privileged);
	strv_free(&c.feature);
}

TEST(guard_caps_of_a_server)
{
	struct strv a = { 0 }, b = { 0 };
	_cleanup_free_ char *text = NULL;

	guard_caps_dropped(false, &a);
	text = strv_join(&a, " ");
	CHECK_STR(text, "cap_audit_control cap_audit_read cap_block_suspend cap_mac_admin "
			"cap_mac_override cap_sys_module cap_sys_rawio cap_sys_time cap_syslog "
			"cap_wake_alarm");
	guard_caps_dropped(true, &b);
	for (size_t i = 0; i < a.n; i++)
		CHECK(strv_has(&b, a.v[i]));
	CHECK(strv_has(&b, "cap_bpf"));
	strv_free(&a);
	strv_free(&b);
}

/* In a user namespace of our own, where an ordinary user has all capabilities. */
static void caps_child(void)
{
	struct strv gone = { 0 };
	struct err err = { 0 };

	if (unshare(CLONE_NEWUSER) < 0)
		_exit(77);
	if (guard_caps_apply(false, &err) < 0 || guard_caps_apply(false, &err) < 0)
		_exit(1);
	guard_caps_dropped(false, &gone);
	for (size_t i = 0; i < gone.n; i++)
		if (caps_have(gone.v[i]) || caps_bounded(gone.v[i]))
			_exit(2);
	if (!caps_have("cap_sys_admin") || !caps_bounded("cap_setuid") || !caps_have("cap_setpcap"))
		_exit(3);
	_exit(0);
}

TEST(guard_caps_are_dropped)
{
	pid_t pid = fork();
	int status;

	REQUIRE(pid >= 0);
	if (pid == 0)
		caps_child();
	REQUIRE(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("no user namespaces for this user");
	CHECK_INT(status, 0);
}

TEST(guard_every_call_is_in_one_row)
{
	for (size_t i = 0; i < policy_n_calls; i++) {
		struct strv names = { 0 };

		strv_split(&names, policy_calls[i].names, " ");
		for (size_t k = 0; k < names.n; k++) {
			size_t count;

			row_of(names.v[k], &count);
			if (count != 1)
				CHECK_STR(names.v[k], "in one row only");
		}
		strv_free(&names);
	}
}

/* What the library knows of this machine's calls is either allowed or refused on purpose. */
TEST(guard_no_call_is_forgotten)
{
	int known = 0;

	for (int nr = 0; nr < 600; nr++) {
		struct err err = { 0 };
		_cleanup_free_ char *name = scmp_name(nr, &err);
		size_t count;

		if (err.class == ERR_HOST)
			SKIP("libseccomp is not installed");
		if (!name)
			continue;
		known++;
		if (!row_of(name, &count))
			CHECK_STR(name, "in a row");
	}
	CHECK(known > 250);
}

static void check_numbers(unsigned features)
{
	struct guard_filter f = { 0 };

	if (!NATIVE || !compiled(features, &f))
		return;
	for (int nr = 0; nr < 4096; nr++) {
		struct err err = { 0 };
		_cleanup_free_ char *name = scmp_name(nr, &err);
		const struct policy_calls *row;
		size_t count;
		int want = ENOSYS;

		row = name ? row_of(name, &count) : NULL;
		if (row)
			want = row->features & features ? 0 : row->error;
		if (ask(&f, NATIVE, nr, AF_UNIX, 0, 0) !=
		    (want ? DENY(want) : (uint32_t)SECCOMP_RET_ALLOW))
			CHECK_STR(name, "answered as its row says");
		/* x32, and an architecture that is not loaded */
		CHECK_INT(ask(&f, NATIVE, nr | 0x40000000, AF_UNIX, 0, 0), DENY(ENOSYS));
		CHECK_INT(ask(&f, AUDIT_ARCH_PPC, nr, AF_UNIX, 0, 0), DENY(ENOSYS));
	}
	CHECK_INT(ask(&f, NATIVE, INT32_MAX, 0, 0, 0), DENY(ENOSYS));
	CHECK_INT(ask(&f, NATIVE, -1, 0, 0, 0), DENY(ENOSYS));
	guard_filter_free(&f);
}

TEST(guard_numbers_are_answered_as_the_rows_say)
{
	check_numbers(0);
	for (unsigned bit = 1; bit <= GUARD_LAST; bit <<= 1)
		check_numbers(bit);
}

TEST(guard_features_open_their_doors)
{
	struct guard_filter f = { 0 };

	if (!NATIVE || !compiled(GUARD_NESTING | GUARD_IO_URING | GUARD_PERF, &f))
		return;
	CHECK_INT(ask(&f, NATIVE, SYS_keyctl, 0, 0, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(&f, NATIVE, SYS_io_uring_setup, 0, 0, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(&f, NATIVE, SYS_perf_event_open, 0, 0, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(&f, NATIVE, SYS_bpf, 0, 0, 0), DENY(EPERM));
	guard_filter_free(&f);
}

TEST(guard_socket_families)
{
	static const uint64_t high[] = { 0, 1ULL << 32, 0xffffffffULL << 32 };
	struct guard_filter f = { 0 };

	if (!NATIVE || !compiled(0, &f))
		return;
	for (uint64_t family = 0; family < 128; family++) {
		bool ok = family == AF_UNSPEC || family == AF_UNIX || family == AF_INET ||
			  family == AF_INET6 || family == AF_NETLINK || family == AF_PACKET;
		uint32_t want = ok ? (uint32_t)SECCOMP_RET_ALLOW : DENY(EAFNOSUPPORT);

		for (size_t h = 0; h < ARRAY_LEN(high); h++) {
			CHECK_INT(ask(&f, NATIVE, SYS_socket, family | high[h], 0, 0), want);
			CHECK_INT(ask(&f, NATIVE, SYS_socketpair, family | high[h], 0, 0), want);
		}
	}
	for (uint64_t proto = 0; proto < 64; proto++)
		for (size_t h = 0; h < ARRAY_LEN(high); h++) {
			uint32_t want = proto == NETLINK_AUDIT ? DENY(EAFNOSUPPORT)
					: proto == NETLINK_XFRM || proto == NETLINK_USERSOCK
					    ? DENY(EPROTONOSUPPORT)
					    : (uint32_t)SECCOMP_RET_ALLOW;

			CHECK_INT(
			    ask(&f, NATIVE, SYS_socket, AF_NETLINK | high[h], 3, proto | high[h]),
			    want);
		}
	/* The same number is an ordinary protocol elsewhere. */
	CHECK_INT(ask(&f, NATIVE, SYS_socket, AF_INET, 0, NETLINK_AUDIT), SECCOMP_RET_ALLOW);
	guard_filter_free(&f);
}

/* Memory that no group is charged for. */
TEST(guard_packet_rings)
{
	static const uint64_t high[] = { 0, 1ULL << 32, 0xffffffffULL << 32 };
	struct guard_filter f = { 0 }, open = { 0 };

	if (!NATIVE || !compiled(0, &f) || !compiled(GUARD_CAPTURE | GUARD_IPSEC, &open))
		return;
	for (uint64_t opt = 0; opt < 64; opt++)
		for (size_t h = 0; h < ARRAY_LEN(high); h++) {
			bool ring = opt == PACKET_RX_RING || opt == PACKET_TX_RING;
			uint64_t level = SOL_PACKET | high[h];

			CHECK_INT(ask(&f, NATIVE, SYS_setsockopt, 3, level, opt | high[h]),
				  ring ? DENY(ENOPROTOOPT) : (uint32_t)SECCOMP_RET_ALLOW);
			CHECK_INT(ask(&f, NATIVE, SYS_setsockopt, 3, SOL_SOCKET, opt),
				  SECCOMP_RET_ALLOW);
			CHECK_INT(ask(&open, NATIVE, SYS_setsockopt, 3, level, opt),
				  SECCOMP_RET_ALLOW);
		}
	CHECK_INT(ask(&open, NATIVE, SYS_socket, AF_NETLINK, 3, NETLINK_XFRM), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(&open, NATIVE, SYS_socket, AF_NETLINK, 3, NETLINK_AUDIT), DENY(EAFNOSUPPORT));
	guard_filter_free(&f);
	guard_filter_free(&open);
}

TEST(guard_terminal_injection)
{
	static const uint64_t high[] = { 0, 1ULL << 32, 1ULL << 63, 0xffffffffULL << 32 };
	struct guard_filter f = { 0 };

	if (!NATIVE || !compiled(0, &f))
		return;
	for (uint64_t cmd = 0x5400; cmd < 0x5480; cmd++)
		for (size_t h = 0; h < ARRAY_LEN(high); h++) {
			bool bad = cmd == TIOCSTI || cmd == TIOCLINUX;

			CHECK_INT(ask(&f, NATIVE, SYS_ioctl, 0, cmd | high[h], 0),
				  bad ? DENY(EPERM) : (uint32_t)SECCOMP_RET_ALLOW);
		}
	guard_filter_free(&f);
}

#if defined(__x86_64__)
/* 32-bit programs: the network works, the doors are shut, the terminal is safe. */
TEST(guard_i386)
{
	struct guard_filter f = { 0 };
	const uint32_t a = AUDIT_ARCH_I386;

	if (!compiled(0, &f))
		return;
	CHECK_INT(ask(&f, a, 20, 0, 0, 0), SECCOMP_RET_ALLOW);	/* getpid */
	CHECK_INT(ask(&f, a, 7, 0, 0, 0), SECCOMP_RET_ALLOW);	/* waitpid */
	CHECK_INT(ask(&f, a, 199, 0, 0, 0), SECCOMP_RET_ALLOW); /* getuid32 */
	CHECK_INT(ask(&f, a, 403, 0, 0, 0), SECCOMP_RET_ALLOW); /* clock_gettime64 */
	CHECK_INT(ask(&f, a, 117, 0, 0, 0), SECCOMP_RET_ALLOW); /* ipc */
	for (uint64_t call = 1; call <= 20; call++)		/* socketcall */
		CHECK_INT(ask(&f, a, 102, call, 0, NETLINK_AUDIT), SECCOMP_RET_ALLOW);
	for (int nr = 359; nr <= 373; nr++) /* socket to shutdown, called directly */
		CHECK_INT(ask(&f, a, nr, AF_INET, 0, 0), SECCOMP_RET_ALLOW);
	for (int nr = 393; nr <= 402; nr++) /* semget to msgctl */
		CHECK_INT(ask(&f, a, nr, 0, 0, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(&f, a, 54, 0, TIOCSTI, 0), DENY(EPERM));
	CHECK_INT(ask(&f, a, 54, 0, TIOCGWINSZ, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(&f, a, 283, 0, 0, 0), DENY(EPERM));  /* kexec_load */
	CHECK_INT(ask(&f, a, 128, 0, 0, 0), DENY(EPERM));  /* init_module */
	CHECK_INT(ask(&f, a, 357, 0, 0, 0), DENY(EPERM));  /* bpf */
	CHECK_INT(ask(&f, a, 166, 0, 0, 0), DENY(EPERM));  /* vm86 */
	CHECK_INT(ask(&f, a, 288, 0, 0, 0), DENY(ENOSYS)); /* keyctl */
	CHECK_INT(ask(&f, a, 342, 0, 0, 0), DENY(ENOSYS)); /* open_by_handle_at */
	CHECK_INT(ask(&f, a, 425, 0, 0, 0), DENY(ENOSYS)); /* io_uring_setup */
	CHECK_INT(ask(&f, a, 10000, 0, 0, 0), DENY(ENOSYS));
	guard_filter_free(&f);
}
#endif

TEST(guard_explain_names_every_refusal)
{
	struct strv a = { 0 }, b = { 0 };

	guard_filter_explain(0, &a);
	CHECK(strv_has(&a, "kexec_load: EPERM"));
	CHECK(strv_has(&a, "keyctl: ENOSYS"));
	CHECK(strv_has(&a, "any other: ENOSYS"));
	guard_filter_explain(GUARD_KEYCTL, &b);
	CHECK(strv_has(&b, "keyctl: allowed"));
	strv_free(&a);
	strv_free(&b);
}

/* Ranges against a plain table, also where jumps are longer than 255 instructions. */
static void check_ranges(size_t n, uint32_t step)
{
	struct bpf_arch archs[2] = { { .arch = 7 }, { .arch = 9 } };
	struct sock_filter *code = NULL;
	uint32_t *want = xcalloc(n * step + 2, sizeof(*want));
	size_t len;

	for (size_t i = 0; i < 2; i++)
		archs[i].numbers = xcalloc(n, sizeof(*archs[i].numbers));
	for (size_t i = n; i-- > 0;) {
		struct bpf_number x = { (uint32_t)(i * step), (uint32_t)(i * 7 % 5) };

		want[x.nr] = x.action + 1;
		for (size_t k = 0; k < 2; k++)
			archs[k].numbers[archs[k].n++] = x;
	}
	for (size_t i = 0; i < 2; i++)
		bpf_sort(&archs[i]);
	len = bpf_ranges(archs, 2, 99, &code);
	for (uint32_t nr = 0; nr < n * step + 2; nr++)
		for (uint32_t arch = 6; arch < 10; arch++) {
			struct seccomp_data d = { .nr = (int)nr, .arch = arch };
			uint32_t expect = arch % 2 && want[nr] ? want[nr] - 1 : 99;

			if (run(code, len, &d) != expect)
				CHECK_INT(run(code, len, &d), expect);
		}
	CHECK(len > 4 && len <= 10 * n + 16);
	free(code);
	free(want);
	free(archs[0].numbers);
	free(archs[1].numbers);
}

TEST(guard_ranges)
{
	check_ranges(1, 1);
	check_ranges(2, 1);
	check_ranges(3, 2);
	check_ranges(350, 1);
	check_ranges(900, 3);
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* guard_filter_get, and was the file taken as it is? */
static bool from_cache(const char *dir, unsigned features, const char *path)
{
	struct guard_filter f = { 0 };
	struct err err = { 0 };
	ino_t before = inode_of(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC); /* keeps the inode number from being reused */
	bool same;

	CHECK_INT(guard_filter_get(dir, features, &f, &err), 0);
	CHECK(f.len > 100 && f.code);
	same = before && before == inode_of(path);
	guard_filter_free(&f);
	CHECK(!f.code);
	if (fd >= 0)
		close(fd);
	return same;
}

static void spoil(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char c = 0;

	CHECK(fd >= 0 && pread(fd, &c, 1, at) == 1);
	c ^= 1;
	CHECK(pwrite(fd, &c, 1, at) == 1);
	close(fd);
}

TEST(guard_cache)
{
	const char *dir = unit_path("cache");
	_cleanup_free_ char *path = xasprintf("%s/seccomp-%016" PRIx64 ".bpf", dir, policy_key(0));
	_cleanup_free_ char *other =
	    xasprintf("%s/seccomp-%016" PRIx64 ".bpf", dir, policy_key(GUARD_PERF));
	struct guard_filter f = { 0 };
	struct stat st;

	if (!compiled(0, &f))
		return;
	guard_filter_free(&f);
	CHECK(!from_cache(dir, 0, path));
	REQUIRE(stat(path, &st) == 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(from_cache(dir, 0, path));

	for (off_t at = 0; at < 64; at += 3) {
		spoil(path, at);
		CHECK(!from_cache(dir, 0, path));
		CHECK(from_cache(dir, 0, path));
	}
	CHECK(truncate(path, 100) == 0);
	CHECK(!from_cache(dir, 0, path));
	CHECK(truncate(path, 0) == 0);
	CHECK(!from_cache(dir, 0, path));
	CHECK(truncate(path, 1 << 20) == 0);
	CHECK(!from_cache(dir, 0, path));
	CHECK(chmod(path, 0644) == 0);
	CHECK(!from_cache(dir, 0, path));
	CHECK(chmod(path, 0400) == 0);
	CHECK(!from_cache(dir, 0, path));
	/* Another server's filter under this name, a link to a good one, a fifo. */
	CHECK(!from_cache(dir, GUARD_PERF, other));
	CHECK(rename(other, path) == 0);
	CHECK(!from_cache(dir, 0, path));
	CHECK(rename(path, other) == 0 && symlink(other, path) == 0);
	CHECK(!from_cache(dir, 0, path));
	CHECK(lstat(path, &st) == 0 && S_ISREG(st.st_mode));
	CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
	CHECK_INT(guard_filter_get(dir, 0, &f, &(struct err) { 0 }), 0);
	guard_filter_free(&f);
	CHECK(from_cache(dir, 0, path));
}

TEST(guard_cache_needs_a_safe_directory)
{
	const char *dir = unit_path("open");
	_cleanup_free_ char *path = xasprintf("%s/seccomp-%016" PRIx64 ".bpf", dir, policy_key(0));
	struct guard_filter f = { 0 };

	if (!compiled(0, &f))
		return;
	guard_filter_free(&f);
	CHECK(mkdir(dir, 0700) == 0 && chmod(dir, 0777) == 0);
	CHECK(!from_cache(dir, 0, path));
	CHECK(access(path, F_OK) < 0);
	/* A directory that cannot be made costs time and nothing else. */
	CHECK_INT(guard_filter_get("/proc/none/cache", 0, &f, &(struct err) { 0 }), 0);
	guard_filter_free(&f);
}

TEST(guard_key)
{
	CHECK(policy_key(0) == policy_key(0));
	CHECK(policy_key(0) != policy_key(GUARD_PERF));
	/* Devices are no affair of the filter; nesting and keyctl open the same call. */
	CHECK(policy_key(0) == policy_key(GUARD_FUSE | GUARD_TUN));
	CHECK(policy_key(GUARD_NESTING) == policy_key(GUARD_KEYCTL));
}

/* The kernel takes the program and answers as the interpreter did. */
static void load_child(const struct guard_filter *f)
{
	struct err err = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || guard_filter_load(f, &err) < 0)
		_exit(1);
	if (syscall(SYS_keyctl, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS)
		_exit(2);
	if (syscall(SYS_bpf, 0, NULL, 0) != -1 || errno != EPERM)
		_exit(3);
	if (socket(AF_VSOCK, SOCK_STREAM, 0) != -1 || errno != EAFNOSUPPORT)
		_exit(4);
	if (socket(AF_UNIX, SOCK_STREAM, 0) < 0 || getppid() <= 0)
		_exit(5);
	if (syscall(10000) != -1 || errno != ENOSYS)
		_exit(6);
	_exit(0);
}

TEST(guard_filter_is_loaded)
{
	struct guard_filter f = { 0 };
	int status;
	pid_t pid;

	if (!compiled(0, &f))
		return;
	pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0)
		load_child(&f);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
	guard_filter_free(&f);
}
