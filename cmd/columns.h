/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be said of a server in one word: the columns of croft list and the members of croft
 * status --json. Each column names its source, and only sources that a chosen column needs are
 * read: the plain list opens one file per server. Every option of a server is a column as well, and
 * so is every figure of what it uses (limit_figures[]).
 */
#ifndef CROFT_CMD_COLUMNS_H
#define CROFT_CMD_COLUMNS_H

#include "cmd.h"
#include "run/tally.h"
#include "sys/json.h"

enum column_source {
	FROM_STATE = 1 << 0, /* RUN/NAME/state.json */
	FROM_CONF = 1 << 1,  /* NAME.conf, when the server does not run */
	FROM_USAGE = 1 << 2, /* its ledger, and its control groups when it runs */
	ALWAYS_CONF = 1 << 3 /* NAME.conf, also when it runs: nothing else knows it */
};

/* A server as far as it was read. */
struct item {
	const struct host *host;
	const char *name;
	bool has_state, has_conf, has_usage;
	const char *word;    /* stopped, running, ...; "unknown": */
	struct err why;	     /* why its state cannot be read */
	struct err conf_why; /* and its file */
	struct state state;
	struct server conf;
	struct limit_usage usage; /* over all its runs */
	struct limit_pressure pressure[PRESSURES];
};

struct value {
	enum { V_NONE, V_TEXT, V_NUMBER, V_MILLI, V_BOOL, V_LIST } kind;
	char *text;	  /* for the table; NULL where unknown */
	uint64_t number;  /* V_NUMBER, V_BOOL; PARSE_UNLIMITED: no limit. V_MILLI: thousandths */
	struct strv list; /* V_LIST */
};
void value_free(struct value *v);

struct column {
	const char *name, *help;
	unsigned source;
	bool right; /* numbers stand to the right */
	void (*get)(const struct item *it, struct value *v);
	const struct limit_figure *figure; /* get NULL: a figure's column */
	const struct opt_group *group;	   /* or an option's */
	const struct opt *row;
};

/* All columns, own ones first. *ret is freed by the caller. */
size_t columns_all(struct column **ret);
const struct column *column_find(const struct column *all, size_t n, const char *name);
void column_get(const struct column *c, const struct item *it, struct value *ret);
/* One member of an object. */
void value_json(struct json_out *j, const char *name, const struct value *v);

/* Reads what `sources` ask for. One server that cannot be read is shown with what is known. */
struct item_reader {
	const struct host *host;
	unsigned sources;
	struct tally_reader tally;
};
void item_read(struct item_reader *r, const char *name, struct item *ret);
void item_free(struct item *it);

#endif
