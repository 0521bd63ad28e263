/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A terminal as a screen that a program redraws: the second buffer of the terminal, no echo, keys
 * one by one, no cursor. One at a time.
 *
 * What the operator had is back on every way out: tty_screen_close(), exit(3), and SIGINT, SIGTERM,
 * SIGHUP, SIGQUIT and SIGPIPE, which end the process all the same. SIGTSTP (Ctrl-Z) gives the
 * terminal back and stops; the screen comes back with the process.
 */
#ifndef CROFT_SYS_TTY_SCREEN_H
#define CROFT_SYS_TTY_SCREEN_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/* Keys are their characters, and these. */
enum tty_key {
	TTY_KEY_NONE, /* the time has come */
	TTY_KEY_UP = 256,
	TTY_KEY_DOWN,
	TTY_KEY_PAGE_UP,
	TTY_KEY_PAGE_DOWN,
	TTY_KEY_HOME,
	TTY_KEY_END,
	TTY_KEY_OTHER,	/* one without a name here */
	TTY_KEY_REDRAW, /* the size has changed, or nothing of the screen is left */
	TTY_KEY_GONE	/* the terminal was closed */
};

int tty_screen_open(int in, int out, struct err *err);
void tty_screen_close(void);
void tty_screen_size(unsigned *ret_rows, unsigned *ret_cols);
/* The next key, at latest at until_ms (CLOCK_MONOTONIC; UINT64_MAX: for ever). */
int tty_screen_key(uint64_t until_ms);
/* One write(2), if the terminal takes it. */
int tty_screen_write(const char *text, size_t n, struct err *err);

#endif
