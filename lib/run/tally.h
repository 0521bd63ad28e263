/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a server used over all its runs, at one moment: its record, its ledger and its control
 * groups, which are three places, read so that they belong together. No lock, and no walk of
 * processes: a bounded number of small files for each server.
 */
#ifndef CROFT_RUN_TALLY_H
#define CROFT_RUN_TALLY_H

#include "run/state.h"

/* Where the groups are, which is found once for all servers. Zeroed but for host and pressure. */
struct tally_reader {
	const struct host *host;
	bool pressure; /* of interest */
	bool tried;
	int found;
	struct nl *nl; /* for the counters of links; NULL: not open, or it cannot be */
	bool nl_tried;
	struct cg_layout layout;
	struct err why;
};
/* ERR_* when the groups of this host cannot be found. */
int tally_layout(struct tally_reader *r, struct err *err);
void tally_close(struct tally_reader *r);

struct tally {
	bool has_state; /* it has a record */
	bool runs;	/* it has groups, and `total` is up to now */
	struct state state;
	struct limit_usage total;
	int64_t since; /* of the first figure: seconds since 1970; 0: there is none */
	struct limit_pressure pressure[PRESSURES];
};

/* Writes down in its ledger what a running server has used until now. Told, never relied on: no
 * error. Lock held. */
void tally_keep(const struct host *h, const struct state *s);

/* A server whose group goes away meanwhile is one that does not run. ERR_BUSY where it starts and
 * stops all the time. */
int tally_read(struct tally_reader *r, const char *name, struct tally *ret, struct err *err);

#endif
