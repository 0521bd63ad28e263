/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands print. Standard output is collected and written at once, so that a failing
 * write is seen (croft list >/dev/full) and a long list costs one write(2).
 */
#ifndef CROFT_CMD_OUT_H
#define CROFT_CMD_OUT_H

#include "cmd.h"
#include "sys/json.h"

void out_puts(const char *s);
void out_add(const void *data, size_t n);
void out_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints and frees what json_done() gave. */
void out_json(char *text);
/* Writes what was collected. ERR_FAIL when it, or anything before it, could not be written. */
int out_flush(struct err *err);

/* Adds text in which a server or a hook may have had a say: one line, without what a terminal takes
 * for a command, C1 control characters included; what is not UTF-8 is shown in octal. */
void out_clean(struct buf *b, const char *s);
/* One line on stderr, "croft: VERB NAME: TEXT"; both go through out_clean(). verb and name may be
 * NULL. */
void out_error(const char *verb, const char *name, const char *text);
void out_warn(const struct cmd_ctx *ctx, const char *name, const char *text);
/* Each of a list, which it empties. */
void out_warn_all(const struct cmd_ctx *ctx, const char *name, struct strv *texts);
/* The outcome for one name (NULL: of the command) on stdout, as JSON. err NULL: success. */
void out_outcome(const struct cmd_ctx *ctx, const char *name, const struct err *err);

/* A table: cells by row, columns as wide as they need; numbers to the right. */
struct out_table {
	size_t columns;
	const char **heading; /* NULL: none */
	const bool *right;    /* NULL: all to the left */
	struct strv cells;
};
void out_table_print(const struct out_table *t);

/* Words and what each means, one after the other: as a table, or as JSON with the word as `key`. */
void out_words(const struct cmd_ctx *ctx, const char *key, const struct strv *words);

/* "3d 4h", "12m 5s": seconds for people. Caller frees. */
char *out_seconds(uint64_t s);
/* "512.0M": bytes for people, one decimal; "-" when unknown, "unlimited". Caller frees. */
char *out_bytes(uint64_t n);

#endif
