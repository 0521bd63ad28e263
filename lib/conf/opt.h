/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options are typed rows. A part (limit, net, guard, dialect, store, server) has one struct with
 * its settings and one table of rows that say where in that struct each setting lives. Command
 * line, configuration file, --help, manual page, completion and the tests all walk the same rows.
 *
 * The long option and the key in the file are one name: --cpu-weight is CPU_WEIGHT.
 */
#ifndef CROFT_CONF_OPT_H
#define CROFT_CONF_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/str.h"

struct opt;

struct opt_type {
	const char *name; /* as croft-server(5) calls it */
	/* place: where the value lives, untouched on failure; err says what is expected. */
	int (*parse)(const struct opt *o, const char *text, void *place, struct err *err);
	char *(*print)(const struct opt *o, const void *place); /* canonical text; caller frees */
	bool (*equal)(const void *a, const void *b);
	void (*copy)(void *to, const void *from); /* to is overwritten, not freed */
	void (*free)(void *place);		  /* leaves it zeroed */
	/* A list option given again on the command line: adds `from`. NULL: both texts are parsed
	 * again as one. */
	void (*append)(void *to, const void *from);
	bool list; /* several words in the file; on the command line the option may repeat */
};

extern const struct opt_type opt_str;	   /* char *; NULL when unset */
extern const struct opt_type opt_bool;	   /* bool; yes or no */
extern const struct opt_type opt_u64;	   /* uint64_t from min to max; see OPT_UNLIMITED */
extern const struct opt_type opt_size;	   /* uint64_t bytes; parse_size() */
extern const struct opt_type opt_milli;	   /* uint64_t thousandths; parse_milli() */
extern const struct opt_type opt_duration; /* uint64_t milliseconds; plain numbers are seconds */
extern const struct opt_type opt_nums;	   /* struct nums; "all" or as in 0-3,8 */
extern const struct opt_type opt_choice;   /* char *; one of the words of .choices */
extern const struct opt_type opt_words;	   /* struct strv; words without blanks */
extern const struct opt_type opt_texts; /* struct strv; each mention is one text, blanks and all */
extern const struct opt_type opt_items; /* struct strv; in the file with a ; between them */
extern const struct opt_type opt_addrs; /* struct addrs */

struct addrs {
	struct addr *a;
	size_t n;
};

enum opt_flags {
	OPT_LIVE = 1 << 0,	/* croft set changes it in a running server */
	OPT_CREATE = 1 << 1,	/* only croft create takes it: it cannot be changed later */
	OPT_SECRET = 1 << 2,	/* never stored, never shown, never logged */
	OPT_NOSAVE = 1 << 3,	/* acts once, is not kept in the file */
	OPT_HOST = 1 << 4,	/* of the host: croft.conf only, never a server's */
	OPT_UNLIMITED = 1 << 5, /* takes the word "unlimited" */
	OPT_RARE = 1 << 6	/* --help only names it */
};

struct opt {
	const char *name; /* "cpu-weight" */
	const struct opt_type *type;
	size_t off;	     /* in the part's struct */
	unsigned flags;	     /* enum opt_flags */
	const char *def;     /* default, as one would type it; NULL: unset */
	const char *metavar; /* "SIZE" */
	const char *help;    /* one line, no full stop */
	uint64_t min, max;   /* numbers: bounds; max 0 means none */
	const char *choices; /* opt_choice: "auto overlay dir"; of others: for the completion */
	/* Optional check of one parsed value beyond its type; place as above. */
	int (*check)(const struct opt *o, const void *place, struct err *err);
};

/* The rows of one part. */
struct opt_group {
	const char *title; /* heading in --help and croft-server(5) */
	const struct opt *rows;
	const size_t *n; /* how many: a pointer, because the part that owns the rows counts them */
	size_t off;	 /* of the part's struct within the whole */
};

/* Where a value came from, weakest first. */
enum opt_origin { ORIGIN_DEFAULT, ORIGIN_HOST, ORIGIN_FILE, ORIGIN_ARGS };

/* A whole set of options: groups over one base struct. The origin array has one byte per row, in
 * the order of the groups. */
struct opt_set {
	const struct opt_group *groups;
	size_t n_groups;
	void *base;
	unsigned char *origin;
};

size_t opt_count(const struct opt_group *groups, size_t n);
/* The row of that option name ("cpu-weight") or key ("CPU_WEIGHT"), else NULL. */
const struct opt *opt_find(const struct opt_set *set, const char *name);
void *opt_place(const struct opt_set *set, const struct opt *o);
enum opt_origin opt_origin_of(const struct opt_set *set, const struct opt *o);
/* Parses, checks and stores; frees what was there. A list is replaced, unless its origin is already
 * `origin` and that is ORIGIN_ARGS: then the words are added (a repeated option). */
int opt_assign(struct opt_set *set, const struct opt *o, const char *text, enum opt_origin origin,
	       struct err *err);
/* What `from`, a set of the same groups, has: the value and where it came from. */
void opt_copy(struct opt_set *to, const struct opt_set *from, const struct opt *o);
char *opt_text(const struct opt_set *set, const struct opt *o); /* "" when unset; caller frees */
int opt_defaults(struct opt_set *set, struct err *err);
void opt_free_all(struct opt_set *set);
/* "cpu-weight" <-> "CPU_WEIGHT"; caller frees. */
char *opt_key(const char *name);

/* For loops over every row: for (i = 0; opt_each(set, &i, &group, &row); ) */
bool opt_each(const struct opt_set *set, size_t *i, const struct opt_group **group,
	      const struct opt **row);

#endif
