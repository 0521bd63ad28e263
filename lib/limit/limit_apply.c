// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Putting limits in force, in a fresh group and in a running server alike.
 *
 * Each row becomes one text that is wanted and one that is in force; the texts that differ are
 * written, and each is read back. Must stay true: a limit that cannot be enforced is an error and
 * never ignored; after a failure all that was written is as before; lowering the memory of a
 * running server never kills anything in it.
 */
#include "limit/limit_rows.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

/* Refusals, from the layout alone. */

/* Whether a value is the one that croft gives when nobody asks: then a host without the controller
 * is no reason to refuse. (`croft check` tells what such a host does not limit.) */
static bool is_default(const struct limit_row *row, uint64_t value)
{
	for (size_t i = 0; i < limit_n_opts; i++) {
		uint64_t def = 0;

		if (!streq(limit_opts[i].name, row->option))
			continue;
		return streq(limit_opts[i].def, "unlimited")
			   ? value == PARSE_UNLIMITED
			   : parse_u64(limit_opts[i].def, &def) == 0 && value == def;
	}
	return false;
}

int limit_check(const struct cg_layout *l, const struct limit_conf *want, struct err *err)
{
	for (size_t i = 0; i < LIMIT_ROWS; i++) {
		const struct limit_row *row = &limit_rows[i];
		uint64_t v = limit_value(row, want);

		if (v == row->fresh || cg_has(l, row->c) || is_default(row, v))
			continue;
		return err_set(
		    err, ERR_HOST, 0,
		    "%s: this host offers no %s controller, so the limit cannot be kept; "
		    "set %s to \"%s\" or enable the controller (cgroups(7))",
		    row->option, cg_controller_name(row->c, false), row->option,
		    row->fresh == PARSE_UNLIMITED ? "unlimited" : "100");
	}
	if (cg_is_v1(l, CG_MEMORY) && want->swap != PARSE_UNLIMITED &&
	    want->memory == PARSE_UNLIMITED)
		return err_set(err, ERR_HOST, 0,
			       "swap: this host (cgroup version 1) limits swap only together with "
			       "memory; set memory too");
	return 0;
}

void limit_explain(const struct cg_layout *l, const struct limit_conf *want, struct strv *out)
{
	char text[LIMIT_TEXT_MAX];

	for (size_t i = 0; i < LIMIT_ROWS; i++) {
		const struct limit_row *row = &limit_rows[i];

		if (!cg_has(l, row->c) || limit_value(row, want) == row->fresh)
			continue;
		row->text(want, limit_row_v1(l, row), text);
		strv_take(out, xasprintf("%s = %s", limit_file(l, row), text));
	}
}

/* Writing. */

static bool read_back_ok(const struct limit_row *row, const char *want, const char *got)
{
	uint64_t w, g;

	if (streq(want, got))
		return true;
	if (cg_parse_u64(want, &w) < 0 || cg_parse_u64(got, &g) < 0)
		return false;
	if (w == g)
		return true;
	return row->pages && w != PARSE_UNLIMITED && g <= w &&
	       w - g < (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Swap can always be "limited" where the kernel has none. */
static bool no_swap_at_all(const struct limit_row *row)
{
	return streq(row->option, "swap") && access("/proc/swaps", F_OK) < 0;
}

static int write_failed(const struct cg *cg, const struct limit_row *row, const char *text, int num,
			struct err *err)
{
	const char *file = limit_file(cg->layout, row);
	uint64_t used;

	if (num == ENOENT)
		return err_set(err, ERR_HOST, 0,
			       "%s: this host's kernel has no %s, so the limit cannot be kept%s",
			       row->option, file,
			       streq(row->option, "swap") ? " (boot it with swapaccount=1)" : "");
	if (num == EBUSY && limit_row_v1(cg->layout, row) &&
	    cg_read_u64(cg, CG_MEMORY, "memory.usage_in_bytes", &used) == 0)
		return err_set(err, ERR_BUSY, 0,
			       "%s: %s bytes are less than what is in use (%" PRIu64
			       ") and cannot be paged out",
			       row->option, text, used);
	return err_set(err, ERR_FAIL, num, "%s: cannot write \"%s\" to %s", row->option, text,
		       file);
}

static int row_write(const struct cg *cg, const struct limit_row *row, const char *text,
		     struct err *err)
{
	const char *file = limit_file(cg->layout, row);
	char back[LIMIT_TEXT_MAX * 2];
	int r = cg_write_back(cg, row->c, file, text, back, sizeof(back));

	if (r == -ENOENT && no_swap_at_all(row))
		return 0;
	if (r < 0)
		return write_failed(cg, row, text, -r, err);
	if (read_back_ok(row, text, back))
		return 0;
	return err_set(err, ERR_HOST, 0, "%s: the kernel made \"%s\" of \"%s\" in %s", row->option,
		       back, text, file);
}

/* Version 2 answers memory.max below what is in use with the OOM killer. memory.high takes pages
 * away first and kills nothing; when it does not suffice, the change is refused. */
static int memory_make_room(const struct cg *cg, uint64_t want, struct err *err)
{
	char text[LIMIT_TEXT_MAX];
	uint64_t used = PARSE_UNLIMITED;

	if (cg_read_u64(cg, CG_MEMORY, "memory.current", &used) == 0 && used <= want)
		return 0;
	snprintf(text, sizeof(text), "%" PRIu64, want);
	if (cg_write(cg, CG_MEMORY, "memory.high", text) == 0)
		cg_read_u64(cg, CG_MEMORY, "memory.current", &used);
	cg_write(cg, CG_MEMORY, "memory.high", "max");
	if (used <= want)
		return 0;
	return err_set(err, ERR_BUSY, 0,
		       "memory: %s bytes are less than what is in use (%" PRIu64
		       ") and cannot be paged out",
		       text, used);
}

/* What is in force, as text. Of a group that runs the kernel is asked, not the record: a command
 * that was killed in the middle may have written what nobody recorded. */
static void now_texts(const struct cg *cg, const struct limit_conf *old,
		      char now[LIMIT_ROWS][LIMIT_TEXT_MAX])
{
	struct limit_conf from;

	limit_fresh(&from);
	for (size_t i = 0; i < LIMIT_ROWS; i++) {
		const struct limit_row *row = &limit_rows[i];
		bool v1 = limit_row_v1(cg->layout, row);

		row->text(old ? old : &from, v1, now[i]);
		if (old && cg_has(cg->layout, row->c)) {
			char text[LIMIT_TEXT_MAX];

			if (cg_read(cg, row->c, limit_file(cg->layout, row), text, sizeof(text)) >=
			    0) {
				text[strcspn(text, "\n")] = '\0';
				snprintf(now[i], LIMIT_TEXT_MAX, "%s", text);
			}
		}
	}
}

/* The order of writing: that of the rows, but when version 1's sum of memory and swap grows, it
 * must grow before memory does. */
static void write_order(const struct cg *cg, char now[LIMIT_ROWS][LIMIT_TEXT_MAX],
			const struct limit_conf *want, size_t order[LIMIT_ROWS])
{
	char will[LIMIT_TEXT_MAX];
	uint64_t a = PARSE_UNLIMITED, b = PARSE_UNLIMITED;

	for (size_t i = 0; i < LIMIT_ROWS; i++)
		order[i] = i;
	if (!cg_is_v1(cg->layout, CG_MEMORY))
		return;
	limit_rows[1].text(want, true, will);
	cg_parse_u64(now[1], &a);
	cg_parse_u64(will, &b);
	if (b > a) {
		order[0] = 1;
		order[1] = 0;
	}
}

int limit_apply(const struct cg *cg, const struct limit_conf *want, const struct limit_conf *old,
		struct err *err)
{
	const struct cg_layout *l = cg->layout;
	char now[LIMIT_ROWS][LIMIT_TEXT_MAX], will[LIMIT_TEXT_MAX];
	bool written[LIMIT_ROWS] = { false };
	size_t order[LIMIT_ROWS], i;
	struct err ignored;
	int r = limit_check(l, want, err);

	if (r == 0 && old && !cg_is_v1(l, CG_MEMORY) && want->memory != PARSE_UNLIMITED)
		r = memory_make_room(cg, want->memory, err);
	if (r < 0)
		return r;

	now_texts(cg, old, now);
	write_order(cg, now, want, order);
	for (i = 0; r == 0 && i < LIMIT_ROWS; i++) {
		const struct limit_row *row = &limit_rows[order[i]];

		row->text(want, limit_row_v1(l, row), will);
		if (!cg_has(l, row->c) || read_back_ok(row, will, now[order[i]]))
			continue;
		written[order[i]] = true;
		r = row_write(cg, row, will, err);
	}
	/* Back, including the row that failed: the kernel may have taken another value. */
	while (r < 0 && i-- > 0)
		if (written[order[i]])
			row_write(cg, &limit_rows[order[i]], now[order[i]], &ignored);
	return r;
}
