// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A list of system calls as a tree of ranges.
 *
 * Why not libseccomp's own tree: that one has a leaf for each call, about a thousand instructions
 * for two architectures. The kernel checks, translates and then runs the program once for every
 * number when it is loaded (Linux 5.11), which took a third of a millisecond of every start.
 * Neighbouring calls mostly get the same answer, so ranges need a fifth of that.
 *
 * What must stay true: the program answers for every 32-bit number, whatever its upper bits (x32
 * has bit 30 set): beyond the last listed number it answers `other`.
 */
#include <linux/seccomp.h>
#include "base/mem.h"
#include "sys/bpf_ranges.h"

struct range {
	uint32_t from; /* up to the next range's from */
	uint32_t action;
};

struct program {
	struct sock_filter *code;
	size_t n, cap;
};

static int by_number(const void *a, const void *b)
{
	const struct bpf_number *x = a, *y = b;

	return x->nr < y->nr ? -1 : x->nr > y->nr;
}

void bpf_sort(struct bpf_arch *a)
{
	size_t n = 0;

	/* Insertion keeps the order of equals, which qsort(3) does not promise; hundreds only. */
	for (size_t i = 0; i < a->n; i++) {
		struct bpf_number x = a->numbers[i];
		size_t at = n;

		while (at > 0 && by_number(&a->numbers[at - 1], &x) > 0)
			at--;
		if (at > 0 && a->numbers[at - 1].nr == x.nr)
			continue;
		for (size_t k = n; k > at; k--)
			a->numbers[k] = a->numbers[k - 1];
		a->numbers[at] = x;
		n++;
	}
	a->n = n;
}

static void emit(struct program *p, struct sock_filter f)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 256;
		p->code = xrealloc(p->code, p->cap, sizeof(*p->code));
	}
	p->code[p->n++] = f;
}

static void range_add(struct range *r, size_t *n, uint32_t from, uint32_t action)
{
	if (*n > 0 && r[*n - 1].from == from)
		(*n)--; /* an empty gap */
	if (*n == 0 || r[*n - 1].action != action)
		r[(*n)++] = (struct range) { from, action };
}

/* r has room for 2 * a->n + 1. */
static size_t ranges_of(const struct bpf_arch *a, uint32_t other, struct range *r)
{
	size_t n = 0;

	range_add(r, &n, 0, other);
	for (size_t i = 0; i < a->n; i++) {
		range_add(r, &n, a->numbers[i].nr, a->numbers[i].action);
		range_add(r, &n, a->numbers[i].nr + 1, other);
	}
	return n;
}

/* Instructions of a tree over n ranges. A conditional jump reaches 255 instructions at most; a
 * longer way takes one instruction more. */
static size_t tree_size(size_t n)
{
	size_t left;

	if (n == 1)
		return 1;
	left = tree_size(n / 2);
	return 1 + (left > 255) + left + tree_size(n - n / 2);
}

static void tree(struct program *p, const struct range *r, size_t n)
{
	size_t left;

	if (n == 1) {
		emit(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, r->action));
		return;
	}
	left = tree_size(n / 2);
	if (left <= 255) {
		emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, r[n / 2].from,
						     (uint8_t)left, 0));
	} else {
		emit(p,
		     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, r[n / 2].from, 0, 1));
		emit(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)left));
	}
	tree(p, r, n / 2);
	tree(p, r + n / 2, n - n / 2);
}

size_t bpf_ranges(const struct bpf_arch *archs, size_t n_archs, uint32_t other,
		  struct sock_filter **ret)
{
	struct program p = { 0 };

	emit(&p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, arch)));
	for (size_t i = 0; i < n_archs; i++) {
		_cleanup_free_ struct range *r = xcalloc(2 * archs[i].n + 1, sizeof(*r));
		size_t n = ranges_of(&archs[i], other, r);

		/* Is it this one? Else go over its tree, with the architecture still loaded. */
		emit(&p,
		     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, archs[i].arch, 1, 0));
		emit(&p,
		     (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(1 + tree_size(n))));
		emit(&p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						      offsetof(struct seccomp_data, nr)));
		tree(&p, r, n);
	}
	emit(&p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, other));
	*ret = p.code;
	return p.n;
}
