// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copying between the operator's stdio and a command's pipes; see tty.h.
 *
 * What must stay true: the flags of the operator's descriptions stay as they are; no write to the
 * command's side blocks; what the command does to its pipes, which are its own, moves no offset of
 * the operator's beyond what it was given.
 */
#include "sys/tty.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/lock.h"

#define COPY_MAX  3
#define COPY_LAG  1 /* ms until the command's pipe is looked at again, doubled up to COPY_SLOW */
#define COPY_SLOW 64
#define COPY_LATE 1000	/* ms after the deadline: what was killed needs a moment */
#define PIPE_FULL 65536 /* a pipe's capacity, pipe(7) */

struct copy {
	bool open;     /* `from` has not ended */
	bool spare;    /* `from` is read only when the command has read what it was given */
	bool tee;      /* it is a pipe, and keeps what the command has not read */
	bool given;    /* the command was given something */
	bool slow;     /* it reads that in pieces */
	bool watch;    /* that nobody reads the output any more is seen at once */
	int out;       /* `to`, or a description of our own of it */
	int lag;       /* ms; not 0: the command's pipe has room but is not empty */
	int size;      /* of the command's pipe */
	off_t start;   /* where an input file was, or < 0 */
	size_t held;   /* bytes that both pipes hold */
	uint64_t rest; /* what the command had written when it ended */
	size_t at, n, most;
	char buf[PIPE_FULL];
};

static bool is_fifo(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static int unread_in(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? n : 0;
}

static void copy_close(struct tty_copy *pair, struct copy *c)
{
	c->open = false;
	c->n = c->at = 0;
	if (c->out != pair->to)
		fd_drop(&c->out);
	if (pair->to > 2)
		fd_drop(&pair->to);
	c->out = pair->to;
}

/* Nobody takes what comes: who writes it gets SIGPIPE. */
static void copy_refuse(struct tty_copy *pair, struct copy *c, int num)
{
	pair->write_errno = num;
	copy_close(pair, c);
	if (pair->from > 2)
		fd_drop(&pair->from);
}

/* A pipe of one page has room when it is empty, and only then: poll(2) tells that the command wants
 * more. A large one only where much waits and the command takes it as a whole. */
static void copy_size(const struct tty_copy *pair, struct copy *c, int size)
{
	if (c->size != size && fcntl(pair->to, F_SETPIPE_SZ, size) >= 0)
		c->size = size;
}

/* The operator's pipe must not be made non-blocking: others share its description. A description of
 * our own may be. */
static int open_own(int fd)
{
	char path[32];
	int flags = fcntl(fd, F_GETFL), own;

	if (flags < 0 || (flags & O_NONBLOCK) || (flags & O_ACCMODE) == O_RDONLY || !is_fifo(fd))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return own >= 0 ? own : fd;
}

/* A file can be set back, so it is read ahead; of anything else as little is taken as can be. The
 * rest of a message of a socket's would be lost. */
static void copy_start_input(struct tty_copy *pair, struct copy *c)
{
	int type = SOCK_STREAM;
	socklen_t len = sizeof(type);

	c->start = lseek(pair->from, 0, SEEK_CUR);
	if (c->start >= 0)
		return;
	c->spare = true;
	c->tee = is_fifo(pair->from);
	copy_size(pair, c, (int)sysconf(_SC_PAGESIZE));
	(void)getsockopt(pair->from, SOL_SOCKET, SO_TYPE, &type, &len);
	if (type == SOCK_STREAM)
		c->most = (size_t)sysconf(_SC_PAGESIZE);
}

static void copy_start(struct tty_copy *pair, struct copy *c)
{
	int flags = fcntl(pair->from, F_GETFL);

	c->open = true;
	c->start = -1;
	c->rest = UINT64_MAX;
	c->most = PIPE_FULL;
	c->out = pair->to;
	if (pair->input) {
		copy_start_input(pair, c);
	} else {
		c->out = open_own(pair->to);
		c->watch = is_fifo(pair->to);
	}
	if (flags >= 0 && (flags & O_ACCMODE) == O_WRONLY) { /* poll(2) would wait for ever */
		pair->read_errno = EBADF;
		copy_close(pair, c);
	}
}

/* Sockets do not block either. */
static ssize_t copy_write(int fd, const char *buf, size_t n)
{
	ssize_t w = send(fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	return w < 0 && errno == ENOTSOCK ? write(fd, buf, n) : w;
}

static void copy_out(struct tty_copy *pair, struct copy *c)
{
	while (c->at < c->n) {
		ssize_t w = copy_write(c->out, c->buf + c->at, c->n - c->at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN)
			return;
		if (w < 0) {
			copy_refuse(pair, c, errno);
			return;
		}
		c->at += (size_t)w;
		pair->done += (size_t)w;
	}
	c->at = c->n = 0;
	c->given = c->spare;
}

/* tee(2) shows the command what the operator's pipe holds, and takes nothing from it. False: it
 * cannot. */
static bool copy_tee(struct tty_copy *pair, struct copy *c)
{
	bool much = !c->slow && unread_in(pair->from) >= PIPE_FULL;

	copy_size(pair, c, much ? PIPE_FULL : (int)c->most);
	ssize_t r = tee(pair->from, pair->to, PIPE_FULL, SPLICE_F_NONBLOCK);
	if (r == 0)
		copy_close(pair, c);
	else if (r < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	c->held = r > 0 ? (size_t)r : 0;
	c->given = r != 0;
	return true;
}

static void copy_in(struct tty_copy *pair, struct copy *c)
{
	if (c->tee && copy_tee(pair, c))
		return;
	c->tee = false;
	ssize_t r = read(pair->from, c->buf, c->rest < c->most ? (size_t)c->rest : c->most);
	if (r < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (r <= 0) {
		pair->read_errno = r < 0 ? errno : 0;
		copy_close(pair, c);
		return;
	}
	c->n = (size_t)r;
	c->rest -= c->rest == UINT64_MAX ? 0 : (uint64_t)r;
	copy_out(pair, c);
}

/* Takes n bytes, which the command has read, from the operator's pipe. Somebody else may have
 * emptied that. */
static void copy_take(struct tty_copy *pair, struct copy *c, size_t n, int null)
{
	c->held = 0;
	while (n > 0) {
		ssize_t r = splice(pair->from, NULL, null, NULL, n, SPLICE_F_NONBLOCK);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return;
		n -= (size_t)r;
		pair->done += (size_t)r;
	}
}

/* The command's pipe has room. Anybody inside may have made it larger, or written to it. */
static void copy_taken(struct tty_copy *pair, struct copy *c, int null)
{
	if (unread_in(pair->to) == 0) {
		copy_take(pair, c, c->held, null);
		c->given = false;
		c->lag = 0;
		return;
	}
	c->slow = true;
	c->lag = c->lag == 0 ? COPY_LAG : c->lag < COPY_SLOW ? c->lag * 2 : COPY_SLOW;
}

/* Input that the command has not read stays the operator's: the next command of a script goes on
 * from there. Anybody inside can add to that pipe, so no more than was given is believed. */
static void copy_give_back(struct tty_copy *pair, struct copy *c, int null)
{
	uint64_t most = c->tee ? c->held : pair->done, left = most;
	ssize_t n = 1;

	if (pair->to > 2)
		fd_drop(&pair->to);
	if (pair->unread < 0 || (!c->tee && c->start < 0))
		return;
	fcntl(pair->unread, F_SETFL, O_NONBLOCK);
	while (left > 0 && n > 0) {
		n = read(pair->unread, c->buf, left < PIPE_FULL ? (size_t)left : PIPE_FULL);
		left -= n > 0 ? (uint64_t)n : 0;
	}
	if (c->tee)
		copy_take(pair, c, (size_t)left, null);
	else
		(void)lseek(pair->from, c->start + (off_t)left, SEEK_SET);
}

struct copying {
	struct tty_copy *pairs;
	struct copy *c;
	size_t n;
	int null;
	bool gone;     /* the process has ended */
	uint64_t ends; /* CLOCK_MONOTONIC ms; UINT64_MAX: never */
};

/* How long may be waited: for ever, until something is looked at again, or for those who read the
 * output. */
static int copy_patience(const struct copying *a)
{
	uint64_t ms = UINT64_MAX;
	bool pending = false;

	for (size_t i = 0; i < a->n; i++) {
		pending = pending || (a->c[i].open && a->c[i].n > 0);
		if (a->c[i].open && a->c[i].lag > 0 && (uint64_t)a->c[i].lag < ms)
			ms = (uint64_t)a->c[i].lag;
	}
	if (a->gone && !pending)
		return 0;
	if (a->ends != UINT64_MAX) {
		uint64_t now = clock_ms(), left = a->ends > now ? a->ends - now : 0;

		ms = left < ms ? left : ms;
	}
	return ms == UINT64_MAX ? -1 : ms > INT_MAX ? INT_MAX : (int)ms;
}

static void copy_poll(const struct tty_copy *pair, const struct copy *c, struct pollfd pfd[2])
{
	bool full = c->n > 0 || c->given;

	pfd[0] = (struct pollfd) { .fd = !c->open || c->lag > 0 ? -1
					 : full			? c->out
								: pair->from,
				   .events = full ? POLLOUT : POLLIN };
	pfd[1] = (struct pollfd) { .fd = c->open && c->watch && !full ? c->out : -1 };
}

static void copy_move(struct copying *a, size_t i, const struct pollfd pfd[2])
{
	struct copy *c = &a->c[i];

	if (c->lag > 0 || (pfd[0].revents && c->n == 0 && c->given))
		copy_taken(&a->pairs[i], c, a->null);
	else if (pfd[0].revents && c->n > 0)
		copy_out(&a->pairs[i], c);
	else if (pfd[0].revents)
		copy_in(&a->pairs[i], c);
	else if (pfd[1].revents & POLLERR)
		copy_refuse(&a->pairs[i], c, EPIPE);
}

/* What it has written goes out; what it left behind may go on writing for ever. */
static void copy_gone(struct copying *a)
{
	a->gone = true;
	for (size_t i = 0; i < a->n; i++) {
		if (a->pairs[i].input)
			a->c[i].open = false;
		else if (a->c[i].open)
			a->c[i].rest = (uint64_t)unread_in(a->pairs[i].from);
	}
}

/* Waits for one event and handles it. False: it is over. */
static bool copy_step(struct copying *a, int pidfd)
{
	struct pollfd pfd[2 * COPY_MAX + 1];
	bool open = pidfd >= 0 && !a->gone;

	for (size_t i = 0; i < a->n; i++) {
		struct copy *c = &a->c[i];

		if (c->open && c->rest == 0 && c->n == 0)
			copy_close(&a->pairs[i], c);
		copy_poll(&a->pairs[i], c, &pfd[2 * i]);
		open = open || c->open;
	}
	if (!open)
		return false;
	pfd[2 * a->n] = (struct pollfd) { .fd = a->gone ? -1 : pidfd, .events = POLLIN };
	int r = poll(pfd, 2 * a->n + 1, copy_patience(a));
	if (r < 0)
		return errno == EINTR;
	if (r == 0 && (a->gone || (a->ends != UINT64_MAX && clock_ms() >= a->ends)))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->c[i].open)
			copy_move(a, i, &pfd[2 * i]);
	if (pfd[2 * a->n].fd >= 0 && pfd[2 * a->n].revents)
		copy_gone(a);
	return true;
}

int tty_copy(struct tty_copy *pairs, size_t n, int pidfd, uint64_t deadline_ms, struct err *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	_cleanup_free_ struct copy *c = NULL;
	_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (n > COPY_MAX)
		return err_set(err, ERR_FAIL, E2BIG, "too many streams");
	if (null < 0)
		return err_errno(err, "cannot open /dev/null");
	c = xcalloc(n, sizeof(*c)); /* a caller's stack may be small */
	struct copying a = { pairs, c, n, null, false, UINT64_MAX };
	if (deadline_ms > 0 && deadline_ms < UINT64_MAX - COPY_LATE)
		a.ends = deadline_ms + COPY_LATE;
	sigaction(SIGPIPE, &ignore, &old);
	for (size_t i = 0; i < n; i++)
		copy_start(&pairs[i], &c[i]);
	while (copy_step(&a, pidfd))
		;
	for (size_t i = 0; i < n; i++) {
		if (pairs[i].input)
			copy_give_back(&pairs[i], &c[i], null);
		if (c[i].out != pairs[i].to)
			fd_drop(&c[i].out);
	}
	sigaction(SIGPIPE, &old, NULL);
	return 0;
}
