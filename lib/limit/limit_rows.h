/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between limits.c and limit_apply.c: what each option writes, and where. */
#ifndef CROFT_LIMIT_LIMIT_ROWS_H
#define CROFT_LIMIT_LIMIT_ROWS_H

#include <stdbool.h>
#include "limit/limit.h"

enum limit_row_flags {
	ROW_PAGES = 1,	 /* the kernel rounds down to whole pages */
	ROW_DEVICES = 2, /* a line "MAJOR:MINOR VALUE" for each block device */
	ROW_SIZES = 4,	 /* a file for each size of huge pages, whose name is the file's %s */
	ROW_WEIGHT = 8,	 /* of I/O: BFQ has a file of its own */
};

/* One file that an option writes; with ROW_DEVICES and ROW_SIZES several. */
struct limit_row {
	const char *option;
	enum cg_controller c;
	const char *file2, *file1; /* version 2, version 1; NULL: it cannot be limited there */
	unsigned flags;
	const char *key; /* of version 2's lines "MAJOR:MINOR KEY=VALUE" */
	/* The text for the file; out is never too small (LIMIT_TEXT_MAX). */
	void (*text)(const struct limit_conf *conf, bool v1, char *out);
};
#define LIMIT_TEXT_MAX 512

extern const struct limit_row limit_rows[];
extern const size_t limit_n_rows;

/* Of two values that are bounds of each other the smaller must never be above the larger one: when
 * the larger one grows it is written first, else last. */
struct limit_pair {
	const char *large, *small;
	bool v1_only;
};
extern const struct limit_pair limit_pairs[];
extern const size_t limit_n_pairs;

/* The option of a row. */
const struct opt *limit_option(const struct limit_row *row);
bool limit_same(const struct limit_row *row, const struct limit_conf *a,
		const struct limit_conf *b);
/* The values of a group that nobody wrote to. */
const struct limit_conf *limit_ordinary(void);
/* Whether it is a version 1 file here; the file, NULL when there is none. */
bool limit_row_v1(const struct cg_layout *l, const struct limit_row *row);
const char *limit_file(const struct cg_layout *l, const struct limit_row *row);

#endif
