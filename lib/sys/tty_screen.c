// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A terminal as a screen; see tty_screen.h.
 *
 * What must stay true: what a signal handler calls is safe there (signal-safety(7)); the terminal
 * is never made non-blocking, as its open file description is shared with the shell; the signals
 * that only note something are blocked outside of ppoll(2), so that none falls between the look at
 * the note and the wait.
 */
#include "sys/tty_screen.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/fd.h"
#include "sys/lock.h"

/* The other buffer, no cursor, no line that goes on in the next row; and back (xterm's control
 * sequences, which every terminal of today has). */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[2J"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

#define ESCAPE_MS 50 /* from ESC to the rest of a key's sequence */

/* Global, because signal handlers and atexit(3) have no argument. */
static struct {
	volatile sig_atomic_t on;
	int in, out;
	struct termios saved, keys;
	sigset_t mask; /* of ppoll(2) */
	unsigned char typed[64];
	size_t n;
} screen;

static volatile sig_atomic_t stale;

static void put(const char *text)
{
	const char *p = text;
	size_t n = strlen(text);

	while (n > 0) {
		ssize_t r = write(screen.out, p, n);

		if (r < 0 && errno != EINTR)
			return;
		if (r > 0) {
			p += r;
			n -= (size_t)r;
		}
	}
}

static void leave(void)
{
	if (!screen.on)
		return;
	screen.on = 0;
	put(LEAVE);
	tcsetattr(screen.in, TCSANOW, &screen.saved);
}

static void enter(void)
{
	tcsetattr(screen.in, TCSANOW, &screen.keys);
	put(ENTER);
	screen.on = 1;
}

/* Ends the process as the signal would have; SA_RESETHAND gave the signal its default action back.
 */
static void on_fatal(int sig)
{
	leave();
	raise(sig);
}

static void on_note(int sig)
{
	(void)sig;
	stale = 1;
}

/* Where a stop is pointless, as nobody could continue it (an orphaned process group), the kernel
 * passes over the second signal, and this goes on at once. */
static void on_stop(int sig)
{
	struct sigaction stop = { .sa_handler = SIG_DFL }, own;
	int saved = errno;
	sigset_t one;

	leave();
	sigaction(sig, &stop, &own);
	raise(sig);
	sigemptyset(&one);
	sigaddset(&one, sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL); /* here it stops */
	sigaction(sig, &own, NULL);
	stale = 1;
	errno = saved;
}

static void set_handlers(void)
{
	static const int fatal[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	struct sigaction die = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND };
	struct sigaction stop = { .sa_handler = on_stop }, note = { .sa_handler = on_note }, old;
	sigset_t block;

	for (size_t i = 0; i < ARRAY_LEN(fatal); i++) {
		sigaction(fatal[i], &die, &old);
		if (old.sa_handler == SIG_IGN) /* nohup(1) */
			sigaction(fatal[i], &old, NULL);
	}
	sigaction(SIGTSTP, &stop, &old);
	if (old.sa_handler == SIG_IGN)
		sigaction(SIGTSTP, &old, NULL);
	sigaction(SIGWINCH, &note, NULL);
	sigaction(SIGCONT, &note, NULL); /* of one who was stopped by SIGSTOP, too */
	sigemptyset(&block);
	sigaddset(&block, SIGWINCH);
	sigaddset(&block, SIGCONT);
	sigaddset(&block, SIGTSTP);
	sigprocmask(SIG_BLOCK, &block, &screen.mask);
	sigdelset(&screen.mask, SIGTSTP);
	sigdelset(&screen.mask, SIGWINCH);
	sigdelset(&screen.mask, SIGCONT);
}

int tty_screen_open(int in, int out, struct err *err)
{
	static bool registered;

	screen.in = in;
	screen.out = out;
	screen.n = 0;
	if (tcgetattr(in, &screen.saved) < 0)
		return err_errno(err, "standard input is not a terminal");
	screen.keys = screen.saved;
	screen.keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	screen.keys.c_cc[VMIN] = 1;
	screen.keys.c_cc[VTIME] = 0;
	if (!registered)
		atexit(leave);
	registered = true;
	set_handlers();
	enter();
	return 0;
}

void tty_screen_close(void)
{
	leave();
}

void tty_screen_size(unsigned *ret_rows, unsigned *ret_cols)
{
	struct winsize ws = { 0 };

	*ret_rows = 24;
	*ret_cols = 80;
	if (ioctl(screen.out, TIOCGWINSZ, &ws) == 0 && ws.ws_row && ws.ws_col) {
		*ret_rows = ws.ws_row;
		*ret_cols = ws.ws_col;
	}
}

int tty_screen_write(const char *text, size_t n, struct err *err)
{
	int r = fd_write_all(screen.out, text, n);

	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot write to the terminal") : 0;
}

/* -- keys ----------------------------------------------------------------------------------- */

static void forget(size_t n)
{
	screen.n -= n;
	memmove(screen.typed, screen.typed + n, screen.n);
}

/* Of a sequence ESC [ or ESC O, parameters, a letter: its length; 0: its end is not there. */
static size_t sequence(int *ret_key)
{
	static const struct {
		unsigned char end;
		const char *with; /* the parameter of ESC [ N ~ */
		int key;
	} keys[] = {
		{ 'A', "", TTY_KEY_UP },       { 'B', "", TTY_KEY_DOWN },
		{ 'H', "", TTY_KEY_HOME },     { 'F', "", TTY_KEY_END },
		{ '~', "5", TTY_KEY_PAGE_UP }, { '~', "6", TTY_KEY_PAGE_DOWN },
		{ '~', "1", TTY_KEY_HOME },    { '~', "4", TTY_KEY_END },
	};
	const unsigned char *s = screen.typed;

	*ret_key = TTY_KEY_OTHER;
	if (screen.n > 1 && s[1] != '[' && s[1] != 'O')
		return 1;
	for (size_t i = 2; i < screen.n; i++) {
		if (s[i] < 0x40 || s[i] > 0x7e)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			if (s[i] == keys[k].end && i - 2 == strlen(keys[k].with) &&
			    memcmp(s + 2, keys[k].with, i - 2) == 0)
				*ret_key = keys[k].key;
		return i + 1;
	}
	return screen.n == sizeof(screen.typed) ? screen.n : 0;
}

/* -1: none is there as a whole. */
static int take_key(bool late)
{
	int key;
	size_t n;

	if (screen.n == 0)
		return -1;
	if (screen.typed[0] != 0x1b) {
		key = screen.typed[0];
		forget(1);
		return key == 0 ? TTY_KEY_OTHER : key;
	}
	n = sequence(&key);
	if (n == 0 && !late)
		return -1;
	forget(n ? n : screen.n);
	return key;
}

/* How long may be waited; false: for ever. */
static bool patience(uint64_t until_ms, struct timespec *ret)
{
	uint64_t now = clock_ms(), ms = until_ms > now ? until_ms - now : 0;

	if (screen.n > 0 && ms > ESCAPE_MS)
		ms = ESCAPE_MS;
	else if (until_ms == UINT64_MAX)
		return false;
	*ret = (struct timespec) { .tv_sec = (time_t)(ms / 1000),
				   .tv_nsec = (long)(ms % 1000) * 1000000L };
	return true;
}

int tty_screen_key(uint64_t until_ms)
{
	for (;;) {
		struct pollfd p = { .fd = screen.in, .events = POLLIN };
		struct timespec most;
		int key = take_key(false), r;

		if (key >= 0)
			return key;
		bool bounded = patience(until_ms, &most);
		r = stale ? -1 : ppoll(&p, 1, bounded ? &most : NULL, &screen.mask);
		if (stale) {
			stale = 0;
			enter();
			return TTY_KEY_REDRAW;
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return TTY_KEY_GONE;
		if (r == 0) {
			key = take_key(true);
			return key >= 0 ? key : TTY_KEY_NONE;
		}
		ssize_t got =
		    read(screen.in, screen.typed + screen.n, sizeof(screen.typed) - screen.n);
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			return TTY_KEY_GONE;
		screen.n += got > 0 ? (size_t)got : 0;
	}
}
