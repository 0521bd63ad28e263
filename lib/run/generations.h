/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configurations that a server has had: VAR/servers/NAME/history/N.conf, N from 1. Each is the
 * file as it was before a change, and begins with a comment that says when, by whom and by which
 * command it was replaced. */
#ifndef CROFT_RUN_GENERATIONS_H
#define CROFT_RUN_GENERATIONS_H

#include "server/server.h"

#define GENERATIONS_MAX 100 /* the oldest go */

/* Keeps the file as it is now. command: what is about to replace it. *ret is its number, which was
 * never used before for this server. Lock held. */
int generation_keep(const struct host *h, const char *name, const char *command, unsigned *ret,
		    struct err *err);
/* Takes that back, whether it went well or not (n is 0). */
void generation_drop(const struct host *h, const char *name, unsigned n);
/* After a change that was killed: the newest goes where it is the file as it still is, for nothing
 * replaced it. Lock held. */
void generation_tidy(const struct host *h, const char *name);
/* The path of a generation (0: the newest); ERR_ABSENT. Caller frees. */
int generation_find(const struct host *h, const char *name, unsigned n, char **ret,
		    struct err *err);

/* Takes the comment off a generation that was read. */
void generation_strip(struct conf_file *f);

struct generation {
	unsigned number;
	char *comment; /* "2026-11-23T15:00:00Z uid 0: croft set web1 --memory 1G" */
};
/* Oldest first; caller frees the array and each comment. */
int generation_list(const struct host *h, const char *name, struct generation **ret, size_t *ret_n,
		    struct err *err);

#endif
