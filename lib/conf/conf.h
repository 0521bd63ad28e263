/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration files: lines KEY="value", a subset of what sh reads when it sources the file. Our
 * own strict parser does no expansion and no command substitution: an unquoted or double-quoted $
 * or ` is an error, not text. Quotes ('...', "..."), backslash escapes and comments are read as sh
 * does.
 *
 * Writing keeps comments, blank lines, order and unknown keys, and replaces the file atomically:
 * temporary file, fsync, rename, fsync of the directory.
 */
#ifndef CROFT_CONF_CONF_H
#define CROFT_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/err.h"
#include "conf/opt.h"

#define CONF_FILE_MAX (1 << 20) /* larger files are refused */

struct conf_line {
	char *raw;   /* the line as read, without its newline; NULL once changed */
	char *key;   /* NULL for comments and blank lines */
	char *value; /* unquoted */
	char *tail;  /* blanks and a comment behind the value, kept when it changes; NULL: none */
	int number;  /* from 1; 0 when added */
};

struct conf_file {
	char *path;
	struct conf_line *line;
	size_t n;
};

/* Every error names file, line and, where one was read, the key. -ENOENT passes through with class
 * ERR_ABSENT. Values with NUL or newline, keys other than [A-Z_][A-Z0-9_]*, and a key given twice
 * are refused. */
int conf_read(const char *path, struct conf_file *ret, struct err *err);
/* The same from memory; path is for messages only. The fuzzer's way in. */
int conf_parse(const char *path, const char *text, size_t len, struct conf_file *ret,
	       struct err *err);
const char *conf_get(const struct conf_file *f, const char *key, int *ret_line);
void conf_set(struct conf_file *f, const char *key, const char *value);
void conf_unset(struct conf_file *f, const char *key);
char *conf_text(const struct conf_file *f); /* what would be written; caller frees */
int conf_write(const struct conf_file *f, mode_t mode, struct err *err);
void conf_free(struct conf_file *f);

/* The names of the files DIR/NAME.conf, sorted; kind: what name_check() calls them. What is no name
 * is left out. No directory: none. */
int conf_list(const char *dir, const char *kind, struct strv *ret, struct err *err);

/* Quotes a value so that sh reads it back: always "...", with \ before " \ $ `. Caller frees. */
char *conf_quote(const char *value);

/* Assigns every known key of the file to the set; unknown keys are kept, not errors. Keys whose row
 * is OPT_SECRET or OPT_NOSAVE, and host keys in a server's file, are refused naming file and
 * line. */
int conf_apply(const struct conf_file *f, struct opt_set *set, enum opt_origin origin,
	       struct err *err);

#endif
