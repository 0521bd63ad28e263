/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Meeting points between the two sides of a start have names. Each side sends one message and waits
 * for the other's; another name is a bug and ends the start. Losing the peer is an error at every
 * meeting. Descriptors travel with the message. */
#ifndef CROFT_RUN_SYNC_H
#define CROFT_RUN_SYNC_H

#include <stdint.h>
#include "base/err.h"
#include "sys/sock.h"

struct sync_fds {
	int fd[SOCK_MAX_FDS];
	int n;
};

/* give: descriptors for the other side (NULL: none); got: those it gave (NULL: none are expected).
 * deadline_ms on CLOCK_MONOTONIC. -EREMOTEIO: the other side failed, and err is its error with the
 * name of its row; all other errors are this side's, and have no row yet. */
int sync_meet(int sock, const char *row, const struct sync_fds *give, struct sync_fds *got,
	      uint64_t deadline_ms, struct err *err);
/* One message in one direction: the side that tells does not wait. */
int sync_tell(int sock, const char *row, const struct sync_fds *give, struct err *err);
int sync_hear(int sock, const char *row, struct sync_fds *got, uint64_t deadline_ms,
	      struct err *err);
/* Until there is something to read, or the end of file: 1; 0: the deadline has passed. Negative
 * errno. */
int sync_wait(int sock, uint64_t deadline_ms);
/* The same until nobody has the other end open any more; messages stay unread. */
int sync_wait_closed(int sock, uint64_t deadline_ms);
/* After a failure of this side: when the other side has failed first, and said so, that is the
 * cause (its processes are gone, say): err becomes its error, and the result is -EREMOTEIO, else
 * ret. Does not wait. */
int sync_reason(int sock, int ret, struct err *err);
/* The last message of a side that failed. */
void sync_fail(int sock, const char *row, const struct err *err);
/* Waits for the end of file that exec(2) of init causes; a message instead is its failure. */
int sync_end(int sock, uint64_t deadline_ms, struct err *err);

#endif
