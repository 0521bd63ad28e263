/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a set of limits comes to on this host: one slot for each value that the kernel keeps. */
#ifndef CROFT_LIMIT_LIMIT_SLOTS_H
#define CROFT_LIMIT_LIMIT_SLOTS_H

#include "limit/limit_rows.h"

#define LIMIT_SLOTS_MAX 64 /* rows, times devices or sizes of huge pages */

struct limit_slot {
	const struct limit_row *row;
	char file[64];
	char dev[24];	 /* "8:0" where the file has a line for each device */
	const char *key; /* and where such a line has several values; else NULL */
	char now[LIMIT_TEXT_MAX], will[LIMIT_TEXT_MAX];
	bool written;
};

struct limit_slots {
	struct limit_slot s[LIMIT_SLOTS_MAX];
	size_t n;
};

/* The slots of all rows that this host has, with the text that `want` gives each. devs may be NULL:
 * no device. `only_set`: without those that a group has by itself. */
int limit_slots_make(const struct cg_layout *l, const struct limit_conf *want,
		     const struct blk_devs *devs, bool only_set, struct limit_slots *ret,
		     struct err *err);
/* "io.max 8:0 rbps" */
void limit_slot_name(const struct limit_slot *s, char *out, size_t n);
/* What the kernel has, to s->now. -ENOENT: no such file. */
/* ERR_BUSY: a limit of memory that was asked for, in bytes, and what the server holds. */
int limit_refuse_in_use(const char *option, const char *bytes, uint64_t used, struct err *err);
int limit_slot_read(const struct cg *cg, struct limit_slot *s);
/* Writes a text and reads it back. */
int limit_slot_write(const struct cg *cg, const struct limit_slot *s, const char *text,
		     struct err *err);
/* Whether the kernel's text means the other one, as far as it can keep that. */
bool limit_slot_same(const struct limit_slot *s, const char *want, const char *got);

#endif
