/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strict parsers of what people type. All return 0 or -EINVAL/-ERANGE, and never accept a sign that
 * was not asked for, leading or trailing blanks, or an empty string.
 */
#ifndef CROFT_BASE_PARSE_H
#define CROFT_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARSE_UNLIMITED UINT64_MAX

int parse_u64(const char *s, uint64_t *ret); /* decimal digits only; 1 to 20 of them */
int parse_int(const char *s, int min, int max, int *ret);

/* Bytes: digits with an optional decimal fraction and a suffix as in units(7): none or B, K M G T P
 * and Ki Mi Gi Ti Pi (with or without B), k m g t p for powers of 1024, kB MB GB TB PB for powers
 * of 1000. K, M, G, T, P alone mean powers of 1024, as vzctl(8) and systemd do. "unlimited" gives
 * PARSE_UNLIMITED. */
int parse_size(const char *s, uint64_t *ret);
char *print_size(uint64_t n); /* shortest exact form that parse_size reads back; caller frees */

/* Decimal CPUs, "1.5" -> 1500; at most three decimals; "unlimited" gives PARSE_UNLIMITED. */
int parse_milli(const char *s, uint64_t *ret);
char *print_milli(uint64_t n);

/* A set of small numbers, of processors or memory nodes, as the kernel writes it: "0-3,8"
 * (cpuset(7), "List format"). None: "all". */
#define NUMS_MAX 4096
struct nums {
	uint64_t bit[NUMS_MAX / 64];
};
int parse_nums(const char *s, struct nums *ret);
char *print_nums(const struct nums *n); /* caller frees */
bool nums_has(const struct nums *n, unsigned one);
bool nums_empty(const struct nums *n);
/* The first of `n` that `of` has not; -1 when there is none. */
int nums_beyond(const struct nums *n, const struct nums *of);

int parse_bool(const char *s, bool *ret); /* yes no true false on off 1 0 */

/* Seconds, with an optional fraction and a suffix ms, s, m, h, d. Result in milliseconds. */
int parse_duration(const char *s, uint64_t *ret_ms);

#endif
