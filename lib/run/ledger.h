/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a server has used in all, over its stops, starts, reboots and the deaths of its monitor:
 * VAR/servers/NAME/ledger. It has two sets of figures: of the runs before, and of the last run that
 * was written down, with a word that says which run that was. A run that is written down again
 * replaces its own figures, and another run adds them to those before; so it makes no difference
 * how often a run is written down, and by whom.
 */
#ifndef CROFT_RUN_LEDGER_H
#define CROFT_RUN_LEDGER_H

#include "run/state.h"

struct ledger {
	char run[80];		   /* "" for none */
	struct limit_usage before; /* of the runs before that one */
	struct limit_usage last;   /* of that one */
	int64_t since;		   /* of the first figure: seconds since 1970; 0: there is none */
	bool damaged;		   /* it is empty, as what is there is no ledger */
};

/* No file: an empty ledger; so is what is no ledger. ERR_FAIL where it cannot be read. */
int ledger_load(const struct host *h, const char *name, struct ledger *ret, struct err *err);
/* Writes down what a run has used until now. What is there and is no ledger is set aside, as
 * ledger.bad. Lock held. */
int ledger_keep(const struct host *h, const struct state *s, const struct limit_usage *now,
		struct err *err);
/* The server is gone: so is what of its ledger is not in its own directory. Lock held. */
void ledger_forget(const struct host *h, const char *name);
/* Removes what a writer that was killed left beside it. Lock held. */
void ledger_tidy(const struct host *h, const char *name);
/* All that was used: by the runs before, and by this one as it is now (NULL: it does not run). */
void ledger_total(const struct ledger *l, const struct state *s, const struct limit_usage *now,
		  struct limit_usage *ret);

#endif
