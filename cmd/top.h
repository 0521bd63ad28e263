/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * croft top: what the running servers use, read every few seconds (top_read.c), as lines of text
 * (top_lines.c), on the screen or one table after the other (cmd_top.c).
 */
#ifndef CROFT_CMD_TOP_H
#define CROFT_CMD_TOP_H

#include <sys/stat.h>
#include "cmd.h"
#include "run/tally.h"
#include "sys/proc.h"

struct top_row {
	char name[64];
	struct timespec changed; /* of its record, which is read again when it was replaced */
	ino_t ino;
	struct state state;
	uint64_t at, before_at; /* microseconds; 0: never */
	struct limit_usage now, before;
	struct limit_pressure pressure[PRESSURES];
	/* Since the last look, below 0: not known. Percent, percent, bytes per second. */
	double cpu, throttled, reads, writes;
};

enum top_sort { TOP_CPU, TOP_MEMORY, TOP_PIDS, TOP_IO, TOP_NAME, TOP_SORTS };
extern const char *const top_sort_name[TOP_SORTS];

struct top {
	const struct cmd_ctx *ctx; /* whose rest are patterns */
	struct tally_reader groups;
	enum top_sort sort;
	bool no_pressure; /* the kernel does not tell it */
	unsigned cpus;	  /* of the host */
	struct proc_host host;
	struct top_row **row; /* sorted by name */
	struct top_row **by;  /* the same as they are shown */
	size_t n;
};

/* Looks at all servers: for each that runs the same few files, of which it keeps none open. A
 * server that is gone meanwhile is not there. */
int top_read(struct top *t, struct err *err);
void top_sort(struct top *t);
void top_free(struct top *t);

/* Texts of one line without its end, all ASCII. Caller frees. */
char *top_host_line(const struct top *t);
/* width 0: as wide as the names need; else not wider than that. */
char *top_heading(const struct top *t, size_t width);
char *top_line(const struct top *t, const struct top_row *r, size_t width);

#endif
