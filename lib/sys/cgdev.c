// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device rules for a control group.
 *
 * Version 2 has no files for devices: a BPF_PROG_TYPE_CGROUP_DEVICE program (4.15) decides. Ours is
 * written by hand from the rules, a few instructions each, without loops and without a compiler.
 * Must stay true: what no rule names is refused, and the program lives exactly as long as the group
 * it is attached to.
 */
#include "sys/cgdev.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/mem.h"

/* Registers: the context comes in r1, the answer leaves in r0. */
enum { R_RET, R_CTX, R_TYPE, R_ACCESS, R_MAJOR, R_MINOR, R_TMP };

#define CGDEV_INSN_MAX 512

struct prog {
	struct bpf_insn *out;
	size_t n, max;
};

static void emit(struct prog *p, uint8_t code, int dst, int src, int16_t off, int32_t imm)
{
	if (p->n < p->max)
		p->out[p->n] = (struct bpf_insn) {
			.code = code,
			.dst_reg = (uint8_t)(dst & 0xf),
			.src_reg = (uint8_t)(src & 0xf),
			.off = off,
			.imm = imm,
		};
	p->n++;
}

static int access_bits(const char *access)
{
	return (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0) |
	       (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0) |
	       (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0);
}

/* The instructions of one rule. Each test that fails jumps behind the rule's last one. */
static void emit_rule(struct prog *p, const struct cgdev_rule *r)
{
	int bits = access_bits(r->access);
	int others = (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD) & ~bits;
	int left = 3; /* type, and the two that answer */

	left += others ? 3 : 0;
	left += r->major != CGDEV_ANY;
	left += r->minor != CGDEV_ANY;

#define SKIP_UNLESS(op, reg, value)                                                                \
	emit(p, BPF_JMP | (op) | BPF_K, reg, 0, (int16_t)--left, (value))
	SKIP_UNLESS(BPF_JNE, R_TYPE, r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (others) {
		/* Every access that is asked for must be in the rule. */
		emit(p, BPF_ALU64 | BPF_MOV | BPF_X, R_TMP, R_ACCESS, 0, 0);
		emit(p, BPF_ALU64 | BPF_AND | BPF_K, R_TMP, 0, 0, others);
		left -= 2;
		SKIP_UNLESS(BPF_JNE, R_TMP, 0);
	}
	if (r->major != CGDEV_ANY)
		SKIP_UNLESS(BPF_JNE, R_MAJOR, (int32_t)r->major);
	if (r->minor != CGDEV_ANY)
		SKIP_UNLESS(BPF_JNE, R_MINOR, (int32_t)r->minor);
#undef SKIP_UNLESS
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, R_RET, 0, 0, 1);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

int cgdev_program(const struct cgdev_rule *rules, size_t n, struct bpf_insn *out, size_t max)
{
	struct prog p = { .out = out, .max = max };

#define LOAD(reg, field)                                                                           \
	emit(&p, BPF_LDX | BPF_W | BPF_MEM, reg, R_CTX,                                            \
	     offsetof(struct bpf_cgroup_dev_ctx, field), 0)
	/* access_type: the access in the upper half, the type in the lower. */
	LOAD(R_TYPE, access_type);
	emit(&p, BPF_ALU64 | BPF_MOV | BPF_X, R_ACCESS, R_TYPE, 0, 0);
	emit(&p, BPF_ALU64 | BPF_AND | BPF_K, R_TYPE, 0, 0, 0xffff);
	emit(&p, BPF_ALU64 | BPF_RSH | BPF_K, R_ACCESS, 0, 0, 16);
	LOAD(R_MAJOR, major);
	LOAD(R_MINOR, minor);
#undef LOAD
	for (size_t i = 0; i < n; i++)
		emit_rule(&p, &rules[i]);
	emit(&p, BPF_ALU64 | BPF_MOV | BPF_K, R_RET, 0, 0, 0);
	emit(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return p.n > max ? -E2BIG : (int)p.n;
}

static long sys_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* No such call, no such program type, or not for us. */
static bool lacks(int num)
{
	return num == EPERM || num == ENOSYS || num == EINVAL || num == EOPNOTSUPP;
}

int cgdev_attach(int cgroup_fd, const struct cgdev_rule *rules, size_t n, struct err *err)
{
	struct bpf_insn insn[CGDEV_INSN_MAX];
	int len = cgdev_program(rules, n, insn, ARRAY_LEN(insn));
	union bpf_attr attr;
	static const char license[] = "GPL";
	_cleanup_close_ int prog = -1;

	if (len < 0)
		return err_set(err, ERR_FAIL, -len, "too many device rules");

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)insn;
	attr.insn_cnt = (uint32_t)len;
	attr.license = (uint64_t)(uintptr_t)license;
	strcpy(attr.prog_name, "croft_devices");
	prog = (int)sys_bpf(BPF_PROG_LOAD, &attr);
	if (prog < 0)
		return lacks(errno) ? -EOPNOTSUPP
				    : err_errno(err, "cannot load the device program");

	/* MULTI: whoever attaches another one below or above takes nothing away from this one. */
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup_fd;
	attr.attach_bpf_fd = (uint32_t)prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (sys_bpf(BPF_PROG_ATTACH, &attr) < 0)
		return lacks(errno) ? -EOPNOTSUPP
				    : err_errno(err, "cannot attach the device program");
	return 0;
}

static int number(char *out, size_t n, unsigned v)
{
	return v == CGDEV_ANY ? snprintf(out, n, "*") : snprintf(out, n, "%u", v);
}

int cgdev_write_v1(int dirfd, const struct cgdev_rule *rules, size_t n, struct err *err)
{
	_cleanup_close_ int deny = openat(dirfd, "devices.deny", O_WRONLY | O_CLOEXEC);
	_cleanup_close_ int allow = openat(dirfd, "devices.allow", O_WRONLY | O_CLOEXEC);

	if (deny < 0 || allow < 0)
		return err_errno(err, "cannot open devices.%s", deny < 0 ? "deny" : "allow");
	if (write(deny, "a", 1) < 0)
		return err_errno(err, "cannot write \"a\" to devices.deny");
	for (size_t i = 0; i < n; i++) {
		char text[64], major[16], minor[16];
		int len;

		number(major, sizeof(major), rules[i].major);
		number(minor, sizeof(minor), rules[i].minor);
		len = snprintf(text, sizeof(text), "%c %s:%s %s", rules[i].type, major, minor,
			       rules[i].access);
		/* EPERM: the group above does not have it either, so nor can this one. */
		if (write(allow, text, (size_t)len) < 0 && errno != EPERM)
			return err_errno(err, "cannot write \"%s\" to devices.allow", text);
	}
	return 0;
}
