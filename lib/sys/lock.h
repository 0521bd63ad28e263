/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One lock per server, held on a descriptor (flock(2)), so that death releases it. The file holds
 * pid and command of the holder for messages; it says nothing about whether the lock is held. */
#ifndef CROFT_SYS_LOCK_H
#define CROFT_SYS_LOCK_H

#include <stdint.h>
#include "base/err.h"

struct lock {
	int fd;
	char path[256];
};
/* clang-format off */
#define LOCK_NONE { .fd = -1 }
/* clang-format on */

/* Waits until deadline_ms (CLOCK_MONOTONIC milliseconds; 0: do not wait; UINT64_MAX: for ever).
 * ERR_BUSY names pid and command of the holder. what is for the message: "server web1". */
int lock_take(const char *path, const char *what, uint64_t deadline_ms, struct lock *ret,
	      struct err *err);
void lock_drop(struct lock *l);
/* Removes the lock's file while holding it, then releases; a waiter sees that and starts over. */
void lock_drop_remove(struct lock *l);

uint64_t clock_ms(void); /* CLOCK_MONOTONIC */

#endif
