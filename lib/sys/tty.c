// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Terminals; see tty.h.
 *
 * What must stay true: the operator's terminal leaves raw mode on every way out, a signal included;
 * it is never made non-blocking, because its open file description is shared with the shell; a
 * write to the server's side never blocks, so that a server which does not read cannot stop what it
 * prints.
 */
#include "sys/tty.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/lock.h"

#define DETACH_KEY  0x1d /* Ctrl-] */
#define HUP_RETRY   50	 /* ms until a hung-up pseudo-terminal is looked at again */
#define EOF_QUIET   150	 /* ms without output before the end of the input is typed */
#define EOF_TIMES   40
#define LEAVE_QUIET 1000  /* ms without output, then a console is left whose input has ended */
#define LEAVE_MAX   10000 /* ms until it is left although there is output still */
#define REST_READS  64 /* reads after the command ended: what it left behind may print for ever */

/* -- pairs ---------------------------------------------------------------------------------- */

/* A devpts instance holds only its ptmx and slaves, and openat2(2), 5.6, with RESOLVE_NO_XDEV finds
 * no file that was mounted over them. */
static int open_ptmx(int ptsdir)
{
	struct open_how how = {
		.flags = O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	return (int)syscall(SYS_openat2, ptsdir, "ptmx", &how, sizeof(how));
}

static bool is_devpts(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC;
}

int tty_pair(int ptsdir, int *ret_master, int *ret_slave, struct err *err)
{
	struct stat st;
	int unlock = 0;

	if (!is_devpts(ptsdir))
		return err_set(err, ERR_FAIL, ENOTTY, "/dev/pts is not a devpts file system");
	_cleanup_close_ int master = open_ptmx(ptsdir);
	if (master < 0)
		return err_errno(err, "cannot open /dev/pts/ptmx");
	if (fstat(master, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) ||
	    !is_devpts(master))
		return err_set(err, ERR_FAIL, ENOTTY,
			       "/dev/pts/ptmx is not a terminal multiplexer");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_errno(err, "cannot unlock a pseudo-terminal");
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_errno(err, "cannot open a pseudo-terminal (TIOCGPTPEER, Linux 4.13)");
	*ret_master = STEAL_FD(master);
	*ret_slave = slave;
	return 0;
}

/* -- raw mode ------------------------------------------------------------------------------- */

/* Global, because signal handlers and atexit(3) have no argument. */
static struct {
	volatile sig_atomic_t on;
	int fd;
	struct termios saved, raw;
} raw_mode;

static volatile sig_atomic_t resized, continued;

static void raw_off(void)
{
	if (!raw_mode.on)
		return;
	raw_mode.on = 0;
	tcsetattr(raw_mode.fd, TCSADRAIN, &raw_mode.saved);
}

static int raw_on(int fd)
{
	static bool registered;

	if (tcgetattr(fd, &raw_mode.saved) < 0)
		return -errno;
	raw_mode.raw = raw_mode.saved;
	cfmakeraw(&raw_mode.raw);
	raw_mode.fd = fd;
	if (!registered)
		atexit(raw_off);
	registered = true;
	raw_mode.on = 1;
	if (tcsetattr(fd, TCSADRAIN, &raw_mode.raw) < 0) {
		raw_mode.on = 0;
		return -errno;
	}
	return 0;
}

/* Ends the process as the signal would have, but with the terminal put right; SA_RESETHAND gave the
 * signal its default action back. */
static void on_fatal(int sig)
{
	raw_off();
	raise(sig);
}

static void on_note(int sig)
{
	if (sig == SIGWINCH)
		resized = 1;
	else
		continued = 1;
}

static const int fatal_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
static const int note_signals[] = { SIGWINCH, SIGCONT };

struct handlers {
	struct sigaction fatal[ARRAY_LEN(fatal_signals)], note[ARRAY_LEN(note_signals)];
	sigset_t mask;
};

/* The notes stay blocked outside of ppoll(2): none can fall between the look at the flag and the
 * wait. */
static void handlers_set(struct handlers *h)
{
	struct sigaction fatal = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND };
	struct sigaction note = { .sa_handler = on_note };
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < ARRAY_LEN(note_signals); i++)
		sigaddset(&block, note_signals[i]);
	sigprocmask(SIG_BLOCK, &block, &h->mask);
	for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++) {
		sigaction(fatal_signals[i], &fatal, &h->fatal[i]);
		if (h->fatal[i].sa_handler == SIG_IGN) /* nohup(1) */
			sigaction(fatal_signals[i], &h->fatal[i], NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(note_signals); i++)
		sigaction(note_signals[i], &note, &h->note[i]);
}

static void handlers_unset(const struct handlers *h)
{
	for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
		sigaction(fatal_signals[i], &h->fatal[i], NULL);
	for (size_t i = 0; i < ARRAY_LEN(note_signals); i++)
		sigaction(note_signals[i], &h->note[i], NULL);
	sigprocmask(SIG_SETMASK, &h->mask, NULL);
}

/* -- writing -------------------------------------------------------------------------------- */

static int write_whole(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t r = write(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN) {
			/* Somebody else made the operator's end non-blocking. */
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };
			poll(&pfd, 1, -1);
			continue;
		}
		if (r < 0)
			return -errno;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

static void set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* -- the pump ------------------------------------------------------------------------------- */

#define PUMP_IN	 1024
#define PUMP_OUT 16384

struct pump {
	int in, out, peer, pidfd;
	bool detach;	     /* the detach key works */
	tty_frame_fn *frame; /* NULL: the peer is a master */
	bool hup;	     /* the peer was hung up; it may come back */
	int eof;	     /* how often a master is still told that `in` has ended */
	uint64_t deadline;   /* clock_ms(); UINT64_MAX: none */
	uint64_t leave_at;   /* 0, or when a console is left whose input has ended */
	uint64_t leave_max;
	size_t pend_at, pend_n;
	unsigned char pend[PUMP_IN + 3 * TTY_FRAME_ROOM + sizeof(struct winsize)];
	char buf[PUMP_OUT];
};

static void pend_add(struct pump *p, enum tty_frame kind, const void *data, size_t n)
{
	if (p->pend_n + n + TTY_FRAME_ROOM > sizeof(p->pend))
		return;
	if (p->frame) {
		p->pend_n += p->frame(kind, data, n, p->pend + p->pend_n);
	} else {
		memcpy(p->pend + p->pend_n, data, n);
		p->pend_n += n;
	}
}

static void send_size(struct pump *p)
{
	struct winsize ws;

	if (ioctl(p->in, TIOCGWINSZ, &ws) < 0 && ioctl(p->out, TIOCGWINSZ, &ws) < 0)
		return;
	if (p->frame)
		pend_add(p, TTY_FRAME_SIZE, &ws, sizeof(ws));
	else
		ioctl(p->peer, TIOCSWINSZ, &ws);
}

static void flush_pend(struct pump *p)
{
	if (p->pend_at >= p->pend_n)
		return;
	ssize_t r = p->frame ? send(p->peer, p->pend + p->pend_at, p->pend_n - p->pend_at,
				    MSG_NOSIGNAL | MSG_DONTWAIT)
			     : write(p->peer, p->pend + p->pend_at, p->pend_n - p->pend_at);
	if (r > 0)
		p->pend_at += (size_t)r;
	/* Lost on a peer that is gone; its end is seen by reading. */
	if (p->pend_at == p->pend_n || (r < 0 && errno != EAGAIN && errno != EINTR))
		p->pend_at = p->pend_n = 0;
}

static void leave_later(struct pump *p)
{
	uint64_t quiet = clock_ms() + LEAVE_QUIET;

	p->leave_at = quiet < p->leave_max ? quiet : p->leave_max;
}

/* 1: the peer gave all it had for now; 0: shown; -EPIPE: its end; else an error of `out`. */
static int pump_output(struct pump *p)
{
	ssize_t r = read(p->peer, p->buf, sizeof(p->buf));

	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (r <= 0)
		return -EPIPE;
	p->hup = false;
	if (p->leave_at)
		leave_later(p);
	int w = write_whole(p->out, p->buf, (size_t)r);
	return w == -EPIPE ? -EIO : w;
}

/*
 * The end of a file or pipe is typed as a terminal's user would: Ctrl-D, when all was quiet for a
 * moment, and again for a while: the end of a file stays, one key may be lost to a program that
 * changes the terminal's mode just then. A line editor may have taken that one for a letter, and
 * leaves only at an empty line: there Ctrl-U comes first.
 */
static void type_eof(struct pump *p)
{
	struct termios t;
	bool known = tcgetattr(p->peer, &t) == 0;
	char keys[2];
	size_t n = 0;

	if (known && !(t.c_lflag & ICANON))
		keys[n++] = (char)t.c_cc[VKILL];
	keys[n++] = known && t.c_cc[VEOF] ? (char)t.c_cc[VEOF] : 4;
	pend_add(p, TTY_FRAME_DATA, keys, n);
	p->eof--;
}

/* 1: detached. What comes before the detach key is still sent. */
static int pump_input(struct pump *p, struct err *err)
{
	unsigned char data[PUMP_IN];
	ssize_t r = read(p->in, data, sizeof(data));

	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (r < 0)
		return err_errno(err, "cannot read from the terminal");
	if (r == 0) {
		p->in = -1;
		p->eof = p->frame ? 0 : EOF_TIMES;
		if (p->frame) { /* its program goes on, and no key of ours tells it to end */
			p->leave_max = clock_ms() + LEAVE_MAX;
			leave_later(p);
		}
		return 0;
	}
	unsigned char *key = p->detach ? memchr(data, DETACH_KEY, (size_t)r) : NULL;
	size_t n = key ? (size_t)(key - data) : (size_t)r;
	if (n > 0)
		pend_add(p, TTY_FRAME_DATA, data, n);
	flush_pend(p);
	return key ? 1 : 0;
}

static void pump_notes(struct pump *p)
{
	if (continued && raw_mode.on)
		tcsetattr(raw_mode.fd, TCSADRAIN, &raw_mode.raw);
	if (resized || continued)
		send_size(p);
	resized = continued = 0;
}

enum { PUMP_PEER, PUMP_STDIN, PUMP_PIDFD, PUMP_N };

/* How long may be waited at most; false: for ever. */
static bool pump_patience(const struct pump *p, struct timespec *ret)
{
	uint64_t end = p->leave_at && p->leave_at < p->deadline ? p->leave_at : p->deadline;
	uint64_t ms = UINT64_MAX, now;

	if (p->hup || p->eof)
		ms = p->hup ? HUP_RETRY : EOF_QUIET;
	if (end != UINT64_MAX) {
		now = clock_ms();
		now = end > now ? end - now : 0;
		ms = now < ms ? now : ms;
	}
	if (ms == UINT64_MAX)
		return false;
	*ret = (struct timespec) { .tv_sec = (time_t)(ms / 1000),
				   .tv_nsec = (long)(ms % 1000) * 1000000L };
	return true;
}

static void pump_wait(struct pump *p, const sigset_t *mask, struct pollfd pfd[PUMP_N])
{
	struct timespec most;
	bool bounded = pump_patience(p, &most);
	bool pending = p->pend_n > 0;

	pfd[PUMP_PEER] = (struct pollfd) { .fd = p->hup ? -1 : p->peer,
					   .events = (short)(POLLIN | (pending ? POLLOUT : 0)) };
	pfd[PUMP_STDIN] = (struct pollfd) { .fd = pending ? -1 : p->in, .events = POLLIN };
	pfd[PUMP_PIDFD] = (struct pollfd) { .fd = p->pidfd, .events = POLLIN };
	int n = ppoll(pfd, PUMP_N, bounded ? &most : NULL, mask);
	if (n < 0)
		for (int i = 0; i < PUMP_N; i++)
			pfd[i].revents = 0;
	if (n == 0 && p->eof && !p->hup && !pending)
		type_eof(p);
	if (p->hup)
		pfd[PUMP_PEER].revents = POLLIN;
}

/* 1: it is left; negative: the deadline has passed. */
static int pump_over(const struct pump *p, struct err *err)
{
	uint64_t now = p->leave_at || p->deadline != UINT64_MAX ? clock_ms() : 0;

	if (now >= p->deadline)
		return err_set(err, ERR_BUSY, 0, "the deadline has passed");
	return p->leave_at && now >= p->leave_at;
}

/* A program may hang up its terminal and open it again (login(1) does), so while the process of
 * pidfd lives the end of the master is not the end. */
static int pump_run(struct pump *p, const sigset_t *mask, struct err *err)
{
	struct pollfd pfd[PUMP_N];
	int rest = REST_READS;

	for (;;) {
		pump_notes(p);
		flush_pend(p);
		pump_wait(p, mask, pfd);
		bool gone = pfd[PUMP_PIDFD].revents != 0;
		int r = pump_over(p, err);
		if (r != 0)
			return r;
		r = pfd[PUMP_PEER].revents & (POLLIN | POLLHUP | POLLERR) || gone ? pump_output(p)
										  : 1;
		if (r == -EPIPE && (p->pidfd < 0 || gone))
			return 0;
		if (r == -EPIPE)
			p->hup = true;
		else if (r < 0)
			return err_set(err, ERR_FAIL, -r, "cannot write to the terminal");
		if (gone && (r == 1 || rest-- == 0))
			return 0;
		if (!gone && pfd[PUMP_STDIN].revents) {
			r = pump_input(p, err);
			if (r != 0)
				return r;
		}
	}
}

static int pump_start(struct pump *p, struct err *err)
{
	struct handlers h;
	bool raw = isatty(p->in);

	set_nonblock(p->peer);
	resized = continued = 0;
	handlers_set(&h);
	int r = raw ? raw_on(p->in) : 0;
	if (r < 0) {
		err_set(err, ERR_FAIL, -r, "cannot set the terminal to raw mode");
	} else {
		send_size(p);
		r = pump_run(p, &h.mask, err);
	}
	raw_off();
	handlers_unset(&h);
	return r;
}

int tty_pump(int in, int out, int master, int pidfd, bool allow_detach, struct err *err)
{
	struct pump p = {
		.in = in,
		.out = out,
		.peer = master,
		.pidfd = pidfd,
		.detach = allow_detach,
		.deadline = UINT64_MAX,
	};

	return pump_start(&p, err);
}

int tty_pump_framed(int in, int out, int sock, tty_frame_fn *frame, uint64_t deadline_ms,
		    struct err *err)
{
	struct pump p = {
		.in = in,
		.out = out,
		.peer = sock,
		.pidfd = -1,
		.detach = true,
		.frame = frame,
		.deadline = deadline_ms,
	};

	return pump_start(&p, err);
}

/* -- clean output --------------------------------------------------------------------------- */

/* The length of a valid UTF-8 sequence of more than one byte that is no control character (U+0080
 * to U+009F are: terminals take them as escape sequences), else 0. Bounds as in RFC 3629. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
	size_t len = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
		     : (s[0] & 0xf0) == 0xe0	    ? 3
		     : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
						    : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
	    (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/* The length of ESC [ digits and semicolons m, else 0. */
static size_t sgr_len(const unsigned char *s, size_t n)
{
	if (n < 3 || s[0] != 0x1b || s[1] != '[')
		return 0;
	for (size_t i = 2; i < n && i < 32; i++) {
		if (s[i] == 'm')
			return i + 1;
		if (s[i] != ';' && (s[i] < '0' || s[i] > '9'))
			return 0;
	}
	return 0;
}

/* One byte as cat -v shows it; at most 4 characters. */
static size_t show_byte(unsigned char c, char *out)
{
	size_t n = 0;

	if (c >= 0x80) {
		out[n++] = 'M';
		out[n++] = '-';
		c &= 0x7f;
	}
	if (c < 0x20 || c == 0x7f) {
		out[n++] = '^';
		c ^= 0x40;
	}
	out[n++] = (char)c;
	return n;
}

void tty_write_clean(int fd, const char *text, size_t n, bool is_tty)
{
	const unsigned char *s = (const unsigned char *)text;
	char out[4096];
	size_t o = 0, step;

	if (!is_tty) {
		write_whole(fd, text, n);
		return;
	}
	for (size_t i = 0; i < n; i += step) {
		if (o + 8 > sizeof(out)) {
			if (write_whole(fd, out, o) < 0)
				return;
			o = 0;
		}
		step = 1;
		size_t u = utf8_len(s + i, n - i), sgr = sgr_len(s + i, n - i);
		if (u || s[i] == '\n' || s[i] == '\t' || (s[i] >= 0x20 && s[i] < 0x7f)) {
			step = u ? u : 1;
			memcpy(out + o, s + i, step);
			o += step;
		} else if (sgr) {
			step = sgr;
		} else if (s[i] != '\r' || i + 1 >= n || s[i + 1] != '\n') {
			o += show_byte(s[i], out + o);
		}
	}
	write_whole(fd, out, o);
}
