/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Terminals: raw mode with restoration on every way out, window size, and the pump that joins the
 * operator's terminal to a pseudo-terminal of the server. */
#ifndef CROFT_SYS_TTY_H
#define CROFT_SYS_TTY_H

#include <stdbool.h>
#include "base/err.h"

/* Allocates a pseudo-terminal in the devpts instance mounted at ptsdir (an fd of .../dev/pts), after
 * checking that it is devpts (fstatfs) and that "ptmx" is 5:2. The slave comes from TIOCGPTPEER
 * (4.13), never from a path. */
int tty_pair(int ptsdir, int *ret_master, int *ret_slave, struct err *err);

/* Copies between the operator's terminal (fds in, out) and a master until the master closes, the
 * process of pidfd (-1: none) is gone and the rest is drained, or the detach key (Ctrl-]) is typed
 * when allow_detach. Raw mode while it runs if `in` is a terminal; SIGWINCH is passed on.
 * Returns 0, or 1 when detached. */
int tty_pump(int in, int out, int master, int pidfd, bool allow_detach, struct err *err);

/* Copies pipes to the operator's stdio: used where one of 0-2 is a terminal, which the server must
 * never hold. pairs: n times {from, to}; ends when every `from` is at its end, or pidfd is gone and
 * the rest is drained. */
struct tty_copy {
	int from, to;
};
int tty_copy(struct tty_copy *pairs, size_t n, int pidfd, struct err *err);

/* Writes text to a terminal with control characters other than newline and tab made visible. */
void tty_write_clean(int fd, const char *s, size_t n, bool is_tty);

#endif
