/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings, lists of strings, and a growing buffer. Nothing here touches a kernel object. */
#ifndef CROFT_BASE_STR_H
#define CROFT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline const char *str_or(const char *s, const char *fallback)
{
	return s && *s ? s : fallback;
}

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* FNV-1a, for stamps and names, not for what an adversary may choose. Start: STR_HASH_INIT. */
#define STR_HASH_INIT 0xcbf29ce484222325ULL
uint64_t str_hash(uint64_t h, const void *data, size_t n);

/* Length of the UTF-8 character s begins with (n bytes are there), 1 to 4; 0 where it is none. */
size_t str_utf8(const char *s, size_t n);
/* UTF-8 without control characters: fit for one line of a file, a terminal and JSON. */
bool str_is_text(const char *s);
/* Control characters become '?': C0, DEL, and the C1 range as UTF-8 writes it (C2 80 to C2 9F;
 * U+009B starts an escape sequence on some terminals). */
void str_make_printable(char *s);

/* A list of strings, each owned by the list. A zeroed one is empty. */
struct strv {
	char **v; /* NULL, or n strings and a closing NULL */
	size_t n;
};
void strv_add(struct strv *l, const char *s);
void strv_take(struct strv *l, char *s); /* takes ownership */
bool strv_has(const struct strv *l, const char *s);
bool strv_equal(const struct strv *a, const struct strv *b);
void strv_split(struct strv *l, const char *s, const char *seps); /* appends the non-empty words */
char *strv_join(const struct strv *l, const char *sep);		  /* caller frees; "" when empty */
void strv_sort(struct strv *l);
void strv_free(struct strv *l); /* frees the strings and zeroes *l */

/* A growing text. A zeroed one is empty; s is always NUL-terminated once anything was added. */
struct buf {
	char *s;
	size_t len, cap;
};
void buf_add(struct buf *b, const void *data, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *buf_steal(struct buf *b); /* the text (never NULL); the buffer is empty again; caller frees */
void buf_free(struct buf *b);

#endif
