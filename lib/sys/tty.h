/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Terminals: raw mode with restoration on every way out, window size, and the pump that joins the
 * operator's terminal to a pseudo-terminal of the server. */
#ifndef CROFT_SYS_TTY_H
#define CROFT_SYS_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/* Allocates a pseudo-terminal in the devpts instance mounted at ptsdir (an fd of .../dev/pts),
 * after checking that it is devpts (fstatfs) and that "ptmx" is 5:2. The slave comes from
 * TIOCGPTPEER (4.13), never from a path. */
int tty_pair(int ptsdir, int *ret_master, int *ret_slave, struct err *err);

/* Copies between the operator's terminal (fds in, out) and a master until the master closes, the
 * process of pidfd (-1: none) is gone and the rest is drained, or the detach key (Ctrl-]) is typed
 * when allow_detach. Raw mode while it runs if `in` is a terminal; SIGWINCH is passed on.
 * Returns 0, or 1 when detached. */
int tty_pump(int in, int out, int master, int pidfd, bool allow_detach, struct err *err);

/* The same towards a socket whose other end holds the master. What is typed, and each window size
 * (a struct winsize), goes through frame(), which writes at most n + TTY_FRAME_ROOM bytes to out
 * and returns their number; what comes back is shown as it is. Returns 0 at the end of the socket,
 * 1 when detached, or when `in` has ended and nothing was shown for a second, or for ten seconds
 * something. deadline_ms: CLOCK_MONOTONIC; UINT64_MAX: none; ERR_BUSY when it has passed. */
enum tty_frame { TTY_FRAME_DATA, TTY_FRAME_SIZE };
#define TTY_FRAME_ROOM 16
typedef size_t tty_frame_fn(enum tty_frame kind, const void *data, size_t n, unsigned char *out);
int tty_pump_framed(int in, int out, int sock, tty_frame_fn *frame, uint64_t deadline_ms,
		    struct err *err);

/* Copies between the operator's stdio and pipes of the command's: the server must hold nothing of
 * the operator's. pairs: n (at most 3) times {from, to}; ends when every `from` is at its end, or
 * pidfd is gone and what it wrote has gone out, or a second after deadline_ms (CLOCK_MONOTONIC; 0,
 * UINT64_MAX: none). A `to` above 2 is closed and set to -1 when its `from` ends, and a `from`
 * above 2 when its `to` fails, so that the other end sees it.
 *
 * input: `to` is a non-blocking pipe that the command reads. What it has not read of a file or pipe
 * is still there for the next one; `unread`, the other end of `to`, is read for that (-1: none).
 * Of a socket or terminal a page at most is taken that it has not read. */
struct tty_copy {
	int from, to;
	bool input;
	int unread;
	uint64_t done;		     /* bytes that went to `to` */
	int read_errno, write_errno; /* what ended it early */
};
int tty_copy(struct tty_copy *pairs, size_t n, int pidfd, uint64_t deadline_ms, struct err *err);

/* Writes text to a terminal with control characters other than newline and tab made visible, as cat
 * -v does; a carriage return before a newline and colours (SGR) are left out. Valid UTF-8 stays.
 * Where is_tty is false the bytes go out as they are. */
void tty_write_clean(int fd, const char *s, size_t n, bool is_tty);

#endif
