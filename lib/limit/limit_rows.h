/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between limits.c and limit_apply.c: what each option writes, and where. */
#ifndef CROFT_LIMIT_LIMIT_ROWS_H
#define CROFT_LIMIT_LIMIT_ROWS_H

#include <stdbool.h>
#include "limit/limit.h"

/* One file that an option writes. */
struct limit_row {
	const char *option;
	size_t off; /* of the value in struct limit_conf */
	enum cg_controller c;
	const char *file2, *file1; /* version 2, version 1 */
	uint64_t fresh;		   /* what a group has that nobody wrote to */
	bool pages;		   /* the kernel rounds down to whole pages */
	/* The text for the file; out is never too small (LIMIT_TEXT_MAX). */
	void (*text)(const struct limit_conf *conf, bool v1, char *out);
};
#define LIMIT_TEXT_MAX 48
#define LIMIT_ROWS     5

extern const struct limit_row limit_rows[LIMIT_ROWS];

uint64_t limit_value(const struct limit_row *row, const struct limit_conf *conf);
/* The values of a group that nobody wrote to. */
void limit_fresh(struct limit_conf *ret);
/* Whether it is a version 1 file here; the file. */
bool limit_row_v1(const struct cg_layout *l, const struct limit_row *row);
const char *limit_file(const struct cg_layout *l, const struct limit_row *row);

#endif
