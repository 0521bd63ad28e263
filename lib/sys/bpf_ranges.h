/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System call numbers and what they get, as a short program for seccomp(2). No kernel object and no
 * library is touched: it is arithmetic. */
#ifndef CROFT_SYS_BPF_RANGES_H
#define CROFT_SYS_BPF_RANGES_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_number {
	uint32_t nr;
	uint32_t action; /* SECCOMP_RET_* */
};

struct bpf_arch {
	uint32_t arch;		    /* AUDIT_ARCH_* */
	struct bpf_number *numbers; /* sorted by bpf_sort */
	size_t n;
};

/* Sorts by number. Of several entries for one number the first given stays. */
void bpf_sort(struct bpf_arch *a);

/* Numbers and architectures that are not listed get `other`. Every number takes about log2 of the
 * count of ranges comparisons. Returns the length; *ret: caller frees. */
size_t bpf_ranges(const struct bpf_arch *archs, size_t n_archs, uint32_t other,
		  struct sock_filter **ret);

#endif
