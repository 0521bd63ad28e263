// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Putting limits in force, in a fresh group and in a running server alike.
 *
 * Each value of limit_slots.c has a text that is wanted and one that is in force; those that differ
 * are written, and read back. Must stay true: a limit that cannot be enforced is an error and never
 * ignored; after a failure all that was written is as before; lowering the memory of a running
 * server never kills anything in it.
 */
#include "limit/limit_slots.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sys/fd.h"

/* Refusals, from the layout alone. */

/* Whether a value is one that nobody asked for: then a host without the controller is no reason to
 * refuse. (`croft check` tells what such a host does not limit.) */
static bool nobody_asked(const struct limit_row *row, const struct limit_conf *conf)
{
	return limit_same(row, conf, limit_ordinary()) || limit_same(row, conf, limit_default());
}

static int refuse(const struct cg_layout *l, const struct limit_row *row, struct err *err)
{
	const char *controller = cg_controller_name(row->c, false);
	const char *word = limit_option(row)->def;

	if (!cg_has(l, row->c))
		return err_set(err, ERR_HOST, 0,
			       "%s: this host offers no %s controller, so the limit cannot be "
			       "kept; set %s to \"%s\" or enable the controller (cgroups(7))",
			       row->option, controller, row->option,
			       limit_option(row)->flags & OPT_UNLIMITED ? "unlimited" : word);
	return err_set(err, ERR_HOST, 0,
		       "%s: the %s controller of this host is on version %d of control groups, "
		       "where there is no such limit; set %s to \"%s\"",
		       row->option, controller, limit_row_v1(l, row) ? 1 : 2, row->option, word);
}

/* Those of a list that the host has; where that cannot be read, all. */
static int check_nums(const struct nums *n, const char *file, const char *option, const char *what,
		      struct err *err)
{
	_cleanup_free_ char *text = NULL;
	struct nums online;
	int beyond;

	if (nums_empty(n) || fd_read_file(AT_FDCWD, file, 4096, &text, NULL) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	if (parse_nums(text, &online) < 0)
		return 0;
	beyond = nums_beyond(n, &online);
	if (beyond < 0)
		return 0;
	return err_set(err, ERR_HOST, 0, "%s: this host has no %s %d (it has %s)", option, what,
		       beyond, text);
}

/* Values that exclude each other. */
static int check_values(const struct limit_conf *want, struct err *err)
{
	uint64_t burst = want->cpu_burst;

	if (burst && want->cpus == PARSE_UNLIMITED)
		return err_set(err, ERR_USAGE, 0,
			       "cpu-burst: without cpus there is nothing to "
			       "save up");
	/* The kernel's rule: no more than the quota of one period of 100 ms. */
	if (burst && burst * 10 > want->cpus)
		return err_set(err, ERR_USAGE, 0,
			       "cpu-burst: at most a tenth of a second for each of cpus: %" PRIu64
			       "ms",
			       want->cpus / 10);
	if (want->memory_guarantee > want->memory)
		return err_set(err, ERR_USAGE, 0, "memory-guarantee: more than memory");
	return 0;
}

int limit_check(const struct cg_layout *l, const struct limit_conf *want, struct err *err)
{
	int r = check_values(want, err);

	for (size_t i = 0; r == 0 && i < limit_n_rows; i++) {
		const struct limit_row *row = &limit_rows[i];

		if (!nobody_asked(row, want) && (!cg_has(l, row->c) || !limit_file(l, row)))
			r = refuse(l, row, err);
	}
	if (r == 0)
		r = check_nums(&want->cpu_set, "/sys/devices/system/cpu/online", "cpu-set", "CPU",
			       err);
	if (r == 0)
		r = check_nums(&want->numa_set, "/sys/devices/system/node/has_memory", "numa-set",
			       "NUMA node", err);
	if (r == 0 && cg_is_v1(l, CG_MEMORY) && want->swap != PARSE_UNLIMITED &&
	    want->memory == PARSE_UNLIMITED)
		r = err_set(err, ERR_HOST, 0,
			    "swap: this host (cgroup version 1) limits swap only together with "
			    "memory; set memory too");
	return r;
}

unsigned limit_groups(const struct limit_conf *conf)
{
	unsigned bits = 0;

	for (size_t i = 0; i < limit_n_rows; i++)
		if (!nobody_asked(&limit_rows[i], conf))
			bits |= 1u << limit_rows[i].c;
	return bits;
}

void limit_explain(const struct cg_layout *l, const struct limit_conf *want,
		   const struct blk_devs *devs, struct strv *out)
{
	_cleanup_free_ struct limit_slots *slots = xmalloc(sizeof(*slots));
	struct err unused = { 0 };
	char name[128];

	limit_slots_make(l, want, devs, true, slots, &unused);
	for (size_t i = 0; i < slots->n; i++) {
		limit_slot_name(&slots->s[i], name, sizeof(name));
		strv_take(out, xasprintf("%s = %s", name, slots->s[i].will));
	}
}

/* Writing. */

/* Version 2 answers memory.max below what is in use with the OOM killer. memory.high takes pages
 * away first and kills nothing; when it does not suffice, the change is refused. */
static int memory_make_room(const struct cg *cg, uint64_t want, struct err *err)
{
	char text[32], high[64];
	uint64_t used = PARSE_UNLIMITED;

	if (cg_read_u64(cg, CG_MEMORY, "memory.current", &used) == 0 && used <= want)
		return 0;
	if (cg_read(cg, CG_MEMORY, "memory.high", high, sizeof(high)) <= 0)
		strcpy(high, "max");
	snprintf(text, sizeof(text), "%" PRIu64, want);
	if (cg_write(cg, CG_MEMORY, "memory.high", text) == 0)
		cg_read_u64(cg, CG_MEMORY, "memory.current", &used);
	cg_write(cg, CG_MEMORY, "memory.high", high);
	if (used <= want)
		return 0;
	return limit_refuse_in_use("memory", text, used, err);
}

/* Whether a server that has not asked for it is without a group of that controller (cg_extra()):
 * then there is nothing to write to. */
static bool has_no_group(const struct cg *cg, const struct limit_slot *s,
			 const struct limit_conf *want)
{
	unsigned bit = 1u << s->row->c;

	return cg_extra(cg->layout, bit) && !(cg->extra & bit) && nobody_asked(s->row, want);
}

/* What is in force. Of a group that runs the kernel is asked, not the record: a command that was
 * killed in the middle may have written what nobody recorded. */
static void fill_now(const struct cg *cg, bool fresh, struct limit_slots *slots)
{
	for (size_t i = 0; i < slots->n; i++) {
		struct limit_slot *s = &slots->s[i];

		if (fresh || limit_slot_read(cg, s) < 0)
			s->row->text(limit_ordinary(), limit_row_v1(cg->layout, s->row), s->now);
	}
}

static int find_slot(const struct limit_slots *slots, const char *option)
{
	for (size_t i = 0; i < slots->n; i++)
		if (streq(slots->s[i].row->option, option))
			return (int)i;
	return -1;
}

/* The first number of a text: "150000 100000" is a quota and its period. */
static uint64_t first_number(const char *text)
{
	uint64_t v = PARSE_UNLIMITED;
	char word[32];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, " "), text);
	(void)cg_parse_u64(word, &v);
	return v;
}

/* The order of writing: that of the rows, but of a pair the larger one first when it grows. */
static void write_order(const struct cg *cg, const struct limit_slots *slots, size_t *order)
{
	for (size_t i = 0; i < slots->n; i++)
		order[i] = i;
	for (size_t i = 0; i < limit_n_pairs; i++) {
		const struct limit_pair *p = &limit_pairs[i];
		int large = find_slot(slots, p->large), small = find_slot(slots, p->small);

		if (large < 0 || small < 0)
			continue;
		if (p->v1_only && !limit_row_v1(cg->layout, slots->s[large].row))
			continue;
		bool grows = first_number(slots->s[large].will) > first_number(slots->s[large].now);
		int first = large < small ? large : small, last = large < small ? small : large;
		order[first] = (size_t)(grows ? large : small);
		order[last] = (size_t)(grows ? small : large);
	}
}

static int write_all(const struct cg *cg, struct limit_slots *slots, const struct limit_conf *want,
		     struct err *err)
{
	size_t order[LIMIT_SLOTS_MAX] = { 0 }, i;
	struct err ignored;
	int r = 0;

	write_order(cg, slots, order);
	for (i = 0; r == 0 && i < slots->n; i++) {
		struct limit_slot *s = &slots->s[order[i]];

		if (limit_slot_same(s, s->will, s->now) || has_no_group(cg, s, want))
			continue;
		s->written = true;
		r = limit_slot_write(cg, s, s->will, err);
	}
	/* Back, including the one that failed: the kernel may have taken another value. */
	while (r < 0 && i-- > 0)
		if (slots->s[order[i]].written)
			limit_slot_write(cg, &slots->s[order[i]], slots->s[order[i]].now, &ignored);
	return r;
}

int limit_explain_change(const struct cg *cg, const struct limit_conf *want,
			 const struct blk_devs *devs, struct strv *out, struct err *err)
{
	_cleanup_free_ struct limit_slots *slots = xmalloc(sizeof(*slots));
	char name[128];
	int r = limit_slots_make(cg->layout, want, devs, false, slots, err);

	if (r < 0)
		return r;
	fill_now(cg, false, slots);
	for (size_t i = 0; i < slots->n; i++) {
		const struct limit_slot *s = &slots->s[i];

		if (limit_slot_same(s, s->will, s->now) || has_no_group(cg, s, want))
			continue;
		limit_slot_name(s, name, sizeof(name));
		strv_take(out, xasprintf("kernel: %s: %s -> %s", name, str_or(s->now, "all"),
					 str_or(s->will, "all")));
	}
	return 0;
}

int limit_apply(const struct cg *cg, const struct limit_conf *want, const struct limit_conf *old,
		const struct blk_devs *devs, struct err *err)
{
	_cleanup_free_ struct limit_slots *slots = xmalloc(sizeof(*slots));
	int r = limit_check(cg->layout, want, err);

	if (r == 0 && old && !cg_is_v1(cg->layout, CG_MEMORY) && want->memory != PARSE_UNLIMITED)
		r = memory_make_room(cg, want->memory, err);
	if (r == 0)
		r = limit_slots_make(cg->layout, want, devs, old == NULL, slots, err);
	if (r < 0)
		return r;
	fill_now(cg, old == NULL, slots);
	return write_all(cg, slots, want, err);
}
