/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the monitor tells of limits: it waits for the kernel's notices and writes events. A part of
 * croft-monitor, see run/monitor.h; nothing else includes it. */
#ifndef CROFT_CMD_MONITOR_WATCH_H
#define CROFT_CMD_MONITOR_WATCH_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define WATCH_N 2

uint64_t watch_now(void); /* CLOCK_MONOTONIC, milliseconds */

/* The paths stay the caller's, and in place. quick: it begins with no event to spend. */
void watch_open(const char *name, const char *spool, uint64_t spool_max, const char *memory,
		const char *pids, bool quick);
/* Fills WATCH_N places. Returns the milliseconds after which watch_step() must be called though
 * nothing came; -1: none. */
int watch_poll(struct pollfd *p);
void watch_step(const struct pollfd *p);
/* What was not told yet; init has ended. */
void watch_end(void);

#endif
