// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System call filters, with libseccomp.
 *
 * What must stay true: this is the only file that includes seccomp.h, the library is opened by
 * dlopen(3) and only in scmp_compile() and scmp_name(), and a rule that the library cannot express
 * exactly on the native architecture stops the compilation: it is never weakened silently.
 */
#include <dlfcn.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "base/mem.h"
#include "sys/bpf_ranges.h"
#include "sys/scmp.h"

#define LIBRARY "libseccomp.so.2"

#define FUNCTIONS(X)                                                                               \
	X(seccomp_init)                                                                            \
	X(seccomp_release)                                                                         \
	X(seccomp_merge)                                                                           \
	X(seccomp_arch_native)                                                                     \
	X(seccomp_arch_add)                                                                        \
	X(seccomp_arch_remove)                                                                     \
	X(seccomp_attr_set)                                                                        \
	X(seccomp_syscall_resolve_name)                                                            \
	X(seccomp_syscall_resolve_num_arch)                                                        \
	X(seccomp_syscall_resolve_name_arch)                                                       \
	X(seccomp_rule_add_exact_array)                                                            \
	X(seccomp_export_bpf)

static struct {
	void *handle;
#define X(f) typeof(f) *f; /* NOLINT(bugprone-macro-parentheses) */
	FUNCTIONS(X)
#undef X
} lib;

static int lib_open(struct err *err)
{
	void *h;

	if (lib.handle)
		return 0;
	h = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!h)
		return err_set(err, ERR_HOST, 0,
			       "cannot load " LIBRARY ": install the package libseccomp2 (%s)",
			       dlerror());
#define X(f)                                                                                       \
	lib.f = (typeof(f) *)dlsym(h, #f);                                                         \
	if (!lib.f) {                                                                              \
		dlclose(h);                                                                        \
		return err_set(err, ERR_HOST, 0,                                                   \
			       LIBRARY " has no " #f                                               \
				       ": install the package libseccomp2, 2.5 or later");         \
	}
	FUNCTIONS(X)
#undef X
	lib.handle = h;
	return 0;
}

/* The 32-bit architecture whose programs the same kernel runs, or 0. x32 is left out on purpose: no
 * distribution needs it, and its numbers have been a way around filters. */
static uint32_t compat_arch(uint32_t native)
{
	switch (native) {
	case SCMP_ARCH_X86_64:
		return SCMP_ARCH_X86;
	case SCMP_ARCH_AARCH64:
		return SCMP_ARCH_ARM;
	default:
		return 0;
	}
}

static uint32_t action(int error)
{
	return error ? SCMP_ACT_ERRNO((uint32_t)error) : SCMP_ACT_ALLOW;
}

static int add_rule(scmp_filter_ctx ctx, const struct scmp_rule *r, bool native, struct err *err)
{
	struct scmp_arg_cmp cmp[SCMP_MAX_MATCH];
	int nr = lib.seccomp_syscall_resolve_name(r->name);
	int e;

	if (nr == __NR_SCMP_ERROR)
		return 0;
	for (unsigned i = 0; i < r->n_match; i++)
		cmp[i] = (struct scmp_arg_cmp) { r->match[i].index, SCMP_CMP_MASKED_EQ,
						 r->match[i].mask, r->match[i].value };
	/* On i386 the socket calls come through socketcall(2) as well, whose arguments are in
	 * memory where no filter can see them. The inexact form of this call would refuse every
	 * socket there, and 32-bit programs would lose their network; so the rule is left out for
	 * i386. What it guards against must be refused by other means there (a kernel without the
	 * protocol, or a security module). */
	e = lib.seccomp_rule_add_exact_array(ctx, action(r->error), nr, r->n_match, cmp);
	if (e == -EINVAL && !native)
		e = 0;
	if (e < 0)
		return err_set(err, ERR_FAIL, -e, "cannot add %s to the system call filter",
			       r->name);
	return 0;
}

/* A filter of one list for one architecture. */
static int build_arch(const struct scmp_list *l, uint32_t arch, bool native, scmp_filter_ctx *ret,
		      struct err *err)
{
	scmp_filter_ctx ctx = lib.seccomp_init(action(l->other));
	int e = -ENOMEM;

	if (ctx && !native) {
		e = lib.seccomp_arch_remove(ctx, lib.seccomp_arch_native());
		if (e == 0)
			e = lib.seccomp_arch_add(ctx, arch);
	} else if (ctx) {
		e = 0;
	}
	if (e == 0)
		e = lib.seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	/* A binary tree (2.5) instead of a list. */
	if (e == 0)
		e = lib.seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (e < 0)
		e = err_set(err, ERR_FAIL, -e, "cannot begin a system call filter");
	for (size_t i = 0; e == 0 && i < l->n_rules; i++)
		if (l->rules[i].error != l->other) /* else the library says EACCES */
			e = add_rule(ctx, &l->rules[i], native, err);
	if (e < 0) {
		if (ctx)
			lib.seccomp_release(ctx);
		return e;
	}
	*ret = ctx;
	return 0;
}

static int build(const struct scmp_list *l, scmp_filter_ctx *ret, struct err *err)
{
	uint32_t native = lib.seccomp_arch_native();
	uint32_t compat = compat_arch(native);
	scmp_filter_ctx a, b;
	int r = build_arch(l, native, true, &a, err);

	if (r < 0)
		return r;
	if (compat) {
		r = build_arch(l, compat, false, &b, err);
		if (r == 0) {
			r = lib.seccomp_merge(a, b); /* on success b is part of a */
			if (r < 0) {
				lib.seccomp_release(b);
				r = err_set(err, ERR_FAIL, -r,
					    "cannot join the filters of two architectures");
			}
		}
	}
	if (r < 0) {
		lib.seccomp_release(a);
		return r;
	}
	*ret = a;
	return 0;
}

/* The program as an array. libseccomp before 2.6 writes to a descriptor only. */
static int export(scmp_filter_ctx ctx, struct sock_filter **ret, size_t *ret_n, struct err *err)
{
	_cleanup_close_ int fd = memfd_create("filter", MFD_CLOEXEC);
	_cleanup_free_ struct sock_filter *code = NULL;
	off_t size;
	int r;

	if (fd < 0)
		return err_errno(err, "memfd_create");
	r = lib.seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot compile the system call filter");
	size = lseek(fd, 0, SEEK_END);
	if (size <= 0 || size % (off_t)sizeof(*code) || size / (off_t)sizeof(*code) > BPF_MAXINSNS)
		return err_set(err, ERR_FAIL, EPROTO,
			       "the compiled system call filter has %lld bytes", (long long)size);
	code = xmalloc((size_t)size);
	if (pread(fd, code, (size_t)size, 0) != size)
		return err_set(err, ERR_FAIL, EIO, "cannot read the compiled system call filter");
	*ret_n = (size_t)size / sizeof(*code);
	*ret = STEAL_PTR(code);
	return 0;
}

/* Puts `next` behind *code: where the first program allows, the second one decides. Both begin by
 * loading what they need, so no register is handed over. */
static int fold(struct sock_filter **code, size_t *n, const struct sock_filter *next, size_t n_next,
		struct err *err)
{
	if (*n + n_next > BPF_MAXINSNS)
		return err_set(err, ERR_FAIL, E2BIG, "the system call filter is too long");
	for (size_t i = 0; i < *n; i++) {
		struct sock_filter *f = &(*code)[i];

		if (f->code == (BPF_RET | BPF_K) && f->k == SECCOMP_RET_ALLOW)
			*f = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(*n - i - 1));
	}
	*code = xrealloc(*code, *n + n_next, sizeof(**code));
	memcpy(*code + *n, next, n_next * sizeof(*next));
	*n += n_next;
	return 0;
}

/* A list that looks at arguments: libseccomp's own program. */
static int compile_arguments(const struct scmp_list *l, struct sock_filter **ret, size_t *ret_n,
			     struct err *err)
{
	scmp_filter_ctx ctx;
	int r = build(l, &ctx, err);

	if (r < 0)
		return r;
	r = export(ctx, ret, ret_n, err);
	lib.seccomp_release(ctx);
	return r;
}

static void number_add(struct bpf_arch *a, int nr, int error)
{
	a->numbers[a->n++] = (struct bpf_number) { (uint32_t)nr, action(error) };
}

/* Where calls also come through socketcall(2) or ipc(2), as on i386, the library has only a
 * stand-in number for their names (-100 to -299), but it knows the names of their numbers. */
#define MUXED(nr)  ((nr) <= -100 && (nr) > -300)
#define DIRECT_MAX 1024

static void add_direct(const struct scmp_list *l, struct bpf_arch *a)
{
	for (int nr = 0; nr < DIRECT_MAX; nr++) {
		_cleanup_free_ char *name = lib.seccomp_syscall_resolve_num_arch(a->arch, nr);

		for (size_t i = 0; name && i < l->n_rules; i++)
			if (strcmp(name, l->rules[i].name) == 0) {
				number_add(a, nr, l->rules[i].error);
				break;
			}
	}
}

/* A list of numbers: libseccomp knows the numbers, bpf_ranges.c writes the program. */
static void compile_numbers(const struct scmp_list *l, struct sock_filter **ret, size_t *ret_n)
{
	uint32_t native = lib.seccomp_arch_native();
	struct bpf_arch archs[2] = { { .arch = native }, { .arch = compat_arch(native) } };
	size_t n_archs = archs[1].arch ? 2 : 1;

	for (size_t k = 0; k < n_archs; k++) {
		struct bpf_arch *a = &archs[k];
		bool muxed = false;

		a->numbers = xcalloc(l->n_rules + DIRECT_MAX, sizeof(*a->numbers));
		for (size_t i = 0; i < l->n_rules; i++) {
			int nr = lib.seccomp_syscall_resolve_name_arch(a->arch, l->rules[i].name);

			/* Other negatives: unknown, or not a call of this architecture. */
			if (nr >= 0)
				number_add(a, nr, l->rules[i].error);
			else if (MUXED(nr))
				muxed = true;
		}
		if (muxed)
			add_direct(l, a);
		bpf_sort(a);
	}
	*ret_n = bpf_ranges(archs, n_archs, action(l->other), ret);
	for (size_t k = 0; k < n_archs; k++)
		free(archs[k].numbers);
}

int scmp_compile(const struct scmp_list *lists, size_t n_lists, struct sock_filter **ret,
		 unsigned short *ret_len, struct err *err)
{
	_cleanup_free_ struct sock_filter *all = NULL;
	size_t n = 0;
	int r = lib_open(err);

	for (size_t i = 0; r == 0 && i < n_lists; i++) {
		_cleanup_free_ struct sock_filter *one = NULL;
		size_t n_one = 0;

		if (lists[i].n_rules == 0)
			continue;
		if (lists[i].rules[0].n_match)
			r = compile_arguments(&lists[i], &one, &n_one, err);
		else
			compile_numbers(&lists[i], &one, &n_one);
		if (r == 0 && one)
			r = fold(&all, &n, one, n_one, err);
	}
	if (r < 0)
		return r;
	if (n == 0)
		return err_set(err, ERR_FAIL, EINVAL, "the system call filter is empty");
	*ret = STEAL_PTR(all);
	*ret_len = (unsigned short)n;
	return 0;
}

int scmp_load(const struct sock_filter *code, unsigned short len, struct err *err)
{
	struct sock_fprog prog = { .len = len, .filter = (struct sock_filter *)code };

	/* No flags. In particular not SECCOMP_FILTER_FLAG_SPEC_ALLOW: Linux 5.16 stopped tying the
	 * speculation mitigations to filters, and an administrator who asks for that again with
	 * spec_store_bypass_disable=seccomp shall get it. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0)
		return 0;
	if (errno == ENOSYS || errno == EINVAL)
		return err_set(
		    err, ERR_HOST, errno,
		    "the kernel does not take the system call filter (CONFIG_SECCOMP_FILTER)");
	return err_errno(err, "cannot load the system call filter");
}

char *scmp_name(int nr, struct err *err)
{
	if (lib_open(err) < 0)
		return NULL;
	return lib.seccomp_syscall_resolve_num_arch(lib.seccomp_arch_native(), nr);
}
