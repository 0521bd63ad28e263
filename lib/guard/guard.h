/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a server may not do: capabilities, system calls, devices. The policy is security design 2.5,
 * one table per kind; libcap and libseccomp write it, and the compiled system call filter is
 * cached, because compiling it takes longer than the whole rest of a start.
 */
#ifndef CROFT_GUARD_GUARD_H
#define CROFT_GUARD_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/filter.h>
#include "conf/opt.h"
#include "sys/cg.h"

struct guard_conf {
	bool privileged;     /* no user namespace: for trusted servers only */
	struct strv feature; /* guard.c has the words: what is shut otherwise */
};
extern const struct opt guard_opts[];
extern const size_t guard_n_opts;

/* Bits of the features; guard_features() turns words into bits. */
enum guard_feature {
	GUARD_NESTING = 1 << 0,
	GUARD_FUSE = 1 << 1,
	GUARD_TUN = 1 << 2,
	GUARD_IO_URING = 1 << 3,
	GUARD_PERF = 1 << 4,
	GUARD_KEYCTL = 1 << 5,
	GUARD_CAPTURE = 1 << 6,
	GUARD_IPSEC = 1 << 7,
	GUARD_LAST = GUARD_IPSEC,
};
unsigned guard_features(const struct guard_conf *c);

/* The capabilities that are taken away, for the plan: names, sorted, "cap_sys_module ...". */
void guard_caps_dropped(bool privileged, struct strv *ret);
/* Drops the bounding set, inheritable and ambient sets of the calling process, as init or as an
 * exec'ed process. Exactly the same call for both. */
int guard_caps_apply(bool privileged, struct err *err);

/* A compiled filter, mapped or read; freed by guard_filter_free. */
struct guard_filter {
	struct sock_filter *code;
	unsigned short len;
};
/* Reads dir/seccomp-KEY.bpf, where KEY covers the profile's text, the features and the machine, or
 * compiles and writes it there first (libseccomp is loaded only then). */
int guard_filter_get(const char *dir, unsigned features, struct guard_filter *ret, struct err *err);
void guard_filter_free(struct guard_filter *f);
/* seccomp(2) on the calling process; needs CAP_SYS_ADMIN in its user namespace, so that
 * no_new_privs stays off and set-uid programs work inside. */
int guard_filter_load(const struct guard_filter *f, struct err *err);
/* Lines "name: action" for croft plan and the manual page. */
void guard_filter_explain(unsigned features, struct strv *out);

/* The device nodes of /dev. */
struct guard_device {
	const char *name; /* beneath /dev */
	char type;	  /* c or b */
	unsigned major, minor;
	const char *access; /* "rwm" */
	unsigned feature;   /* 0: always; else only with this feature bit */
	bool node;	    /* bind it into /dev; else it is only allowed (pts) */
};
extern const struct guard_device guard_devices[];
extern const size_t guard_n_devices;
/* The second layer: version 1 devices controller, or a BPF_PROG_TYPE_CGROUP_DEVICE program. Where
 * the host has neither, *ret_active is false and the start goes on (croft check says so). */
int guard_devices_apply(const struct cg *cg, unsigned features, bool *ret_active, struct err *err);

#endif
