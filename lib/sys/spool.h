/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of lines that many processes append to: each line is one write(2) to a descriptor opened
 * with O_APPEND, so lines do not mix, and nobody waits for anybody. A file that has grown to its
 * bound is renamed to PATH.1 by the next writer, so there are at most two. Who reads follows these
 * rules: a line is whole when its newline is there; one that cannot be read (a writer found the
 * disk full, the host lost power) is skipped. The monitor, which links nothing of croft, does the
 * same (cmd/monitor_watch.c).
 */
#ifndef CROFT_SYS_SPOOL_H
#define CROFT_SYS_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#define SPOOL_LINE_MAX 4096 /* of a line, with its newline */
#define SPOOL_TIME     32   /* of a time as text */

/* Appends a line, which ends with a newline. max: bytes from which on the file is renamed. What a
 * writer before left without a newline is ended first. Negative errno; -EMSGSIZE beyond
 * SPOOL_LINE_MAX. */
int spool_append(const char *path, uint64_t max, const char *line, size_t n);
/* Now, as RFC 3339 has it: "2026-11-23T15:00:00.123Z". Sorted as text they are sorted by time. */
void spool_time(char out[SPOOL_TIME]);
/* The same of a time in milliseconds since 1970. */
void spool_time_of(int64_t ms, char out[SPOOL_TIME]);

#endif
