// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * croft-monitor: the one process that stays with a running server; see run/monitor.h.
 *
 * Who it is: the parent of the server's init. Its job: keep the console and reap init. What comes
 * after it: croft monitor-ended, which it executes when init has ended.
 *
 * It also adopts a server whose monitor was killed: then there is no console, and init is not its
 * child.
 *
 * What must stay true: it holds only the descriptors in struct monitor, MONITOR_KEPT_FD and
 * /dev/null; nothing here
 * waits for a client, so that neither a client nor its absence can stop the server; the log and
 * what is kept for clients are bounded; a signal other than SIGKILL does not end it. It is small
 * because there is one per server: no stdio, no allocation, no library of croft. The log files are
 * also the buffer for clients that lag behind, so none is kept in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h> /* rename(2) */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "monitor_watch.h"
#include "run/monitor.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41) /* ioctl_tty(2), 4.13 */
#endif

/* A console is a serial line: this much in a tenth of a second, then the writer waits for the next.
 * It keeps one server from filling the host's disk queue. */
#define RATE_MS	      100
#define RATE_BYTES    (512 * 1024)
#define HUP_MS	      200	    /* until a hung-up console is opened again */
#define DRAIN_MAX     (1024 * 1024) /* read from the console after init has ended */
#define ADOPTED_MS    20	    /* between questions to the kernel how init ended */
#define ADOPTED_TRIES 100
#define UNKNOWN	      (-1)		   /* no wait status */
#define LAG_MAX	      (4 * MONITOR_REPLAY) /* a client further behind than this is dropped */

#define PATH_SIZE 280 /* what croft plans for a path, with the names that are added here */

/* Positions count the bytes of both files as one stream; base is that of a file's first byte. */
struct logfile {
	int fd;
	uint64_t base, size;
};

struct client {
	int fd;	   /* -1: free */
	bool live; /* has all that is in the log */
	uint64_t pos;
	struct monitor_frame head;
	unsigned head_n; /* bytes of head that have arrived */
	unsigned left;	 /* bytes of the frame still to come */
	unsigned at, n;	 /* input that waits for the master */
	char in[64];
};

/* All of it fits into one page. */
static struct monitor {
	const char *name, *run, *program;
	pid_t init;
	int pidfd, master, listener;
	int slave; /* keeps the master from reporting a hang-up while nobody inside has it open */
	char log[PATH_SIZE], log1[PATH_SIZE];
	uint64_t log_max;
	struct logfile cur, prev;
	bool hup;
	uint64_t window;    /* when the current tenth of a second began */
	unsigned in_window; /* bytes read in it */
	struct client client[MONITOR_CLIENTS];
	char buf[2048];
} m;

static int digits(const char *s, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*s || strlen(s) > 18)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	*ret = n;
	return 0;
}

/* dst has room for every path croft makes; a longer one is left out rather than cut. */
static bool join_path(char *dst, size_t size, const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);

	if (na + nb + 1 > size) {
		dst[0] = '\0';
		return false;
	}
	memcpy(dst, a, na);
	memcpy(dst + na, b, nb + 1);
	return true;
}

/* -- the log -------------------------------------------------------------------------------- */

static void log_open(struct logfile *f, const char *path, int flags)
{
	struct stat st;

	f->size = 0;
	f->fd =
	    m.log_max && *path ? open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600) : -1;
	if (f->fd >= 0 && fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode))
		f->size = (uint64_t)st.st_size;
}

static uint64_t log_end(void)
{
	return m.cur.base + m.cur.size;
}

static void log_start(void)
{
	log_open(&m.prev, m.log1, O_RDONLY);
	log_open(&m.cur, m.log, O_RDWR | O_APPEND | O_CREAT);
	m.cur.base = m.prev.size;
}

static void log_rotate(void)
{
	uint64_t end = log_end();

	if (m.prev.fd >= 0)
		close(m.prev.fd);
	rename(m.log, m.log1);
	m.prev = m.cur;
	log_open(&m.cur, m.log, O_RDWR | O_APPEND | O_CREAT | O_TRUNC);
	m.cur.base = end;
}

/* Whether all of it is in the log. A full disk loses log, never output to clients that keep up. */
static bool log_write(const char *s, size_t n)
{
	if (m.cur.fd < 0)
		return false;
	if (m.cur.size >= m.log_max)
		log_rotate();
	ssize_t w = write(m.cur.fd, s, n);
	if (w > 0)
		m.cur.size += (uint64_t)w;
	return w == (ssize_t)n;
}

/* -- clients -------------------------------------------------------------------------------- */

static void client_drop(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void client_accept(void)
{
	static const char full[] = "croft: this console has as many clients as it can\r\n";
	int fd = accept4(m.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < MONITOR_CLIENTS; i++) {
		struct client *c = &m.client[i];
		uint64_t end = log_end();

		if (c->fd >= 0)
			continue;
		memset(c, 0, sizeof(*c));
		c->fd = fd;
		c->pos = end - m.prev.base > MONITOR_REPLAY ? end - MONITOR_REPLAY : m.prev.base;
		c->live = m.cur.fd < 0;
		return;
	}
	send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

/* Sends from the log files what the client lacks, as far as its socket takes it. */
static void client_catch_up(struct client *c)
{
	while (c->fd >= 0 && !c->live) {
		struct logfile *f = c->pos < m.cur.base ? &m.prev : &m.cur;
		off_t off = (off_t)(c->pos - f->base);

		if (c->pos >= log_end()) {
			c->live = true;
			return;
		}
		ssize_t r = sendfile(c->fd, f->fd, &off, f->size - (uint64_t)off);
		if (r < 0 && errno == EAGAIN)
			return;
		if (r < 0)
			client_drop(c);
		else if (r == 0) /* somebody truncated the file */
			c->pos = log_end();
		else
			c->pos += (uint64_t)r;
	}
}

static void clients_show(const char *s, size_t n, bool logged)
{
	for (int i = 0; i < MONITOR_CLIENTS; i++) {
		struct client *c = &m.client[i];

		if (c->fd < 0)
			continue;
		if (c->live) {
			ssize_t w = send(c->fd, s, n, MSG_NOSIGNAL | MSG_DONTWAIT);

			if (w == (ssize_t)n)
				continue;
			if (!logged || (w < 0 && errno != EAGAIN)) {
				client_drop(c);
				continue;
			}
			c->live = false;
			c->pos = log_end() - n + (w > 0 ? (uint64_t)w : 0);
		}
		if (c->pos < m.prev.base || log_end() - c->pos > LAG_MAX)
			client_drop(c);
	}
}

/* Input that the server does not read stays here, and the client waits. */
static void client_flush(struct client *c)
{
	while (c->fd >= 0 && c->at < c->n) {
		ssize_t w = write(m.master, c->in + c->at, c->n - c->at);

		if (w <= 0)
			return;
		c->at += (unsigned)w;
	}
	c->at = c->n = 0;
}

static bool client_head(struct client *c)
{
	ssize_t r = read(c->fd, (char *)&c->head + c->head_n, sizeof(c->head) - c->head_n);

	if (r <= 0)
		return r < 0 && errno == EAGAIN;
	c->head_n += (unsigned)r;
	if (c->head_n < sizeof(c->head))
		return true;
	c->left = c->head.len;
	if (!c->left)
		c->head_n = 0;
	return c->head.type == MONITOR_DATA ||
	       (c->head.type == MONITOR_SIZE && c->head.len == sizeof(struct winsize));
}

static bool client_body(struct client *c)
{
	size_t room = sizeof(c->in) - c->n;
	ssize_t r = read(c->fd, c->in + c->n, c->left < room ? c->left : room);

	if (r <= 0)
		return r < 0 && errno == EAGAIN;
	c->n += (unsigned)r;
	c->left -= (unsigned)r;
	if (!c->left)
		c->head_n = 0;
	if (c->head.type == MONITOR_DATA) {
		client_flush(c);
	} else if (!c->left) {
		struct winsize ws;

		memcpy(&ws, c->in, sizeof(ws));
		c->n = 0;
		ioctl(m.master, TIOCSWINSZ, &ws);
	}
	return true;
}

static void client_read(struct client *c)
{
	bool ok = c->head_n < sizeof(c->head) ? client_head(c) : client_body(c);

	if (!ok)
		client_drop(c);
}

/* -- the console ---------------------------------------------------------------------------- */

/* A hang-up inside (vhangup(2), as getty does) takes our descriptor of the slave as well. */
static void console_reopen(void)
{
	if (m.slave >= 0)
		close(m.slave);
	m.slave = ioctl(m.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Bytes read; 0: nothing now; -1: hung up. */
static ssize_t console_read(void)
{
	ssize_t r = read(m.master, m.buf, sizeof(m.buf));

	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (r <= 0)
		return -1;
	clients_show(m.buf, (size_t)r, log_write(m.buf, (size_t)r));
	return r;
}

/* Milliseconds for which the console must wait, 0 for none. */
static int console_wait(void)
{
	uint64_t now = watch_now();

	if (now - m.window >= RATE_MS) {
		m.window = now;
		m.in_window = 0;
	}
	return m.in_window < RATE_BYTES ? 0 : (int)(m.window + RATE_MS - now);
}

/* -- the loop ------------------------------------------------------------------------------- */

enum {
	P_INIT,
	P_MASTER,
	P_LISTENER,
	P_WATCH,
	P_CLIENT = P_WATCH + WATCH_N,
	P_N = P_CLIENT + MONITOR_CLIENTS
};

/* The shorter of two times to wait, of which -1 is for ever. */
static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void loop_wait(struct pollfd p[P_N])
{
	int wait = console_wait();
	bool shut = wait > 0 || m.hup;

	memset(p, 0, sizeof(*p) * P_N);
	p[P_INIT] = (struct pollfd) { .fd = m.pidfd, .events = POLLIN };
	p[P_MASTER] = (struct pollfd) { .fd = shut ? -1 : m.master, .events = POLLIN };
	p[P_LISTENER] = (struct pollfd) { .fd = m.listener, .events = POLLIN };
	for (int i = 0; i < MONITOR_CLIENTS; i++) {
		struct client *c = &m.client[i];
		bool stuck = c->n > 0 && c->head.type == MONITOR_DATA;

		p[P_CLIENT + i].fd = c->fd;
		p[P_CLIENT + i].events = (short)((stuck ? 0 : POLLIN) | (c->live ? 0 : POLLOUT));
		if (c->fd >= 0 && stuck)
			p[P_MASTER].events = POLLIN | POLLOUT;
	}
	int next = watch_poll(p + P_WATCH);
	if (poll(p, P_N, sooner(m.hup ? HUP_MS : wait > 0 ? wait : -1, next)) < 0)
		memset(p, 0, sizeof(*p) * P_N);
	if (m.hup)
		console_reopen();
	m.hup = false;
}

static void loop_step(void)
{
	struct pollfd p[P_N];

	loop_wait(p);
	if (p[P_MASTER].revents & (POLLIN | POLLHUP | POLLERR)) {
		ssize_t r = console_read();

		m.hup = r < 0;
		if (r > 0)
			m.in_window += (unsigned)r;
	}
	for (int i = 0; i < MONITOR_CLIENTS; i++) {
		struct client *c = &m.client[i];

		if (p[P_MASTER].revents & POLLOUT && c->head.type == MONITOR_DATA)
			client_flush(c);
		if (c->fd < 0 || c->fd != p[P_CLIENT + i].fd)
			continue;
		if (p[P_CLIENT + i].revents & POLLIN)
			client_read(c);
		else if (p[P_CLIENT + i].revents & (POLLHUP | POLLERR))
			client_drop(c);
		client_catch_up(c);
	}
	if (p[P_LISTENER].revents)
		client_accept();
	watch_step(p + P_WATCH);
}

/* Returns init's wait status. */
static int watch(void)
{
	for (;;) {
		int status;
		pid_t r = waitpid(m.init, &status, WNOHANG);

		if (r == m.init)
			return status;
		if (r < 0 && errno == ECHILD)
			_exit(1);
		loop_step();
	}
}

/* -- beginning and end ---------------------------------------------------------------------- */

static const int ignored[] = { SIGHUP,	SIGINT,	 SIGQUIT,   SIGPIPE, SIGALRM,
			       SIGTERM, SIGUSR1, SIGUSR2,   SIGTSTP, SIGTTIN,
			       SIGTTOU, SIGIO,	 SIGVTALRM, SIGPROF, SIGXFSZ };

static void signals(void (*action)(int))
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL); /* SIGCHLD too: init must be waited for */
	for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], action);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_from(unsigned first)
{
	if (syscall(SYS_close_range, first, ~0U, 0) == 0) /* 5.9 */
		return;
	for (unsigned fd = first; fd < 1024; fd++)
		close((int)fd);
}

static void settle(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signals(SIG_IGN);
	close_from(MONITOR_KEPT_FD + 1);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
	for (int i = 0; i < MONITOR_CONTROL_FD; i++)
		if (null >= 0 && null != i)
			dup2(null, i);
	if (null >= MONITOR_CONTROL_FD)
		close(null);
	fcntl(MONITOR_CONTROL_FD, F_SETFD, FD_CLOEXEC);
	setsid();
	umask(077);
	(void)!chdir("/");
}

/* The starter's one message. Whether the server is to run. */
static bool receive_go(void)
{
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = sizeof(control.space) };
	int fds[2];
	ssize_t r;

	do {
		r = recvmsg(MONITOR_CONTROL_FD, &msg, MSG_CMSG_CLOEXEC);
	} while (r < 0 && errno == EINTR);
	struct cmsghdr *h = r == 1 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (!h || byte != MONITOR_GO || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS ||
	    h->cmsg_len != CMSG_LEN(sizeof(fds)))
		return false;
	memcpy(fds, CMSG_DATA(h), sizeof(fds));
	m.master = fds[0];
	m.listener = fds[1];
	fcntl(m.master, F_SETFL, O_RDWR | O_NONBLOCK);
	fcntl(m.listener, F_SETFL, O_RDWR | O_NONBLOCK);
	send(MONITOR_CONTROL_FD, &byte, 1, MSG_NOSIGNAL);
	close(MONITOR_CONTROL_FD);
	return true;
}

static void give_up(void)
{
	siginfo_t si;

	/* Only a child of ours: the number alone could be anybody's. */
	if (waitid(P_PID, (id_t)m.init, &si, WEXITED | WNOHANG | WNOWAIT) == 0) {
		kill(m.init, SIGKILL);
		while (waitpid(m.init, NULL, 0) < 0 && errno == EINTR)
			;
	}
	_exit(1);
}

#define PIDFD_INFO_EXIT (1ULL << 3)

/* The first version of linux/pidfd.h's struct pidfd_info; exit_code is a wait status. */
struct pidfd_info_v0 {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
#define PIDFD_GET_INFO_V0 _IOWR(0xff, 11, struct pidfd_info_v0)

/*
 * For a server whose first monitor was killed: init is the child of somebody else, who reaps it,
 * and the kernel tells its status only after that. Returns the wait status, or UNKNOWN. The kernel
 * ends init by SIGKILL when the server reboots or powers off, and tells only a parent which it was
 * (reboot(2)): that status says nothing here.
 */
static int watch_adopted(void)
{
	struct pollfd p[1 + WATCH_N] = { { .fd = m.pidfd, .events = POLLIN } };

	do {
		int next = watch_poll(p + 1);

		if (poll(p, 1 + WATCH_N, next) < 0)
			p[0].revents = p[1].revents = p[2].revents = 0;
		watch_step(p + 1);
	} while (!p[0].revents);
	for (int i = 0; i < ADOPTED_TRIES; i++) {
		struct pidfd_info_v0 info = { .mask = PIDFD_INFO_EXIT };

		if (ioctl(m.pidfd, PIDFD_GET_INFO_V0, &info) < 0)
			break;
		if (info.mask & PIDFD_INFO_EXIT)
			return info.exit_code == SIGKILL ? UNKNOWN : info.exit_code;
		poll(NULL, 0, ADOPTED_MS);
	}
	return UNKNOWN;
}

/* What init and the others printed last. They are all dead: the kernel ends a pid namespace before
 * its init can be reaped. */
static void drain(void)
{
	size_t total = 0;
	ssize_t r;

	while (total < DRAIN_MAX && (r = console_read()) > 0)
		total += (size_t)r;
	for (int i = 0; i < MONITOR_CLIENTS; i++)
		client_catch_up(&m.client[i]);
}

static void write_ended(int status)
{
	char tmp[PATH_SIZE], path[PATH_SIZE], text[32];
	bool signaled = WIFSIGNALED(status);
	int code = signaled ? WTERMSIG(status) : WEXITSTATUS(status);
	size_t n = 0;

	strcpy(text, status == UNKNOWN ? "unknown" : signaled ? "signal " : "exit ");
	n = strlen(text);
	if (status != UNKNOWN && code >= 100)
		text[n++] = (char)('0' + code / 100);
	if (status != UNKNOWN && code >= 10)
		text[n++] = (char)('0' + code / 10 % 10);
	if (status != UNKNOWN)
		text[n++] = (char)('0' + code % 10);
	text[n++] = '\n';
	if (!join_path(tmp, sizeof(tmp), m.run, "/ended.tmp") ||
	    !join_path(path, sizeof(path), m.run, "/ended"))
		return;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	bool whole = write(fd, text, n) == (ssize_t)n;
	close(fd);
	if (whole)
		rename(tmp, path);
}

static void finish(int status)
{
	static char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	char *const argv[] = { (char *)(uintptr_t)m.program, "monitor-ended",
			       (char *)(uintptr_t)m.name, NULL };
	char stopping[PATH_SIZE];

	drain();
	watch_end();
	write_ended(status);
	if (join_path(stopping, sizeof(stopping), m.run, "/stopping") &&
	    access(stopping, F_OK) == 0)
		_exit(0);
	close(MONITOR_CONTROL_FD);
	close_from(MONITOR_KEPT_FD + 1); /* now, so that clients see the end at once */
	umask(022);
	signals(SIG_DFL);
	execve(m.program, argv, env);
	_exit(1);
}

int main(int argc, char **argv)
{
	uint64_t pid, event_max;

	if (argc != 12 || digits(argv[2], &pid) < 0 || pid < 2 || pid > INT_MAX ||
	    digits(argv[5], &m.log_max) < 0 || digits(argv[8], &event_max) < 0) {
		static const char usage[] = "croft-monitor is started by croft; it is no command\n";

		(void)!write(2, usage, sizeof(usage) - 1);
		return 2;
	}
	m.name = argv[1];
	m.init = (pid_t)pid;
	m.run = argv[3];
	m.program = argv[6];
	m.master = m.slave = m.cur.fd = m.prev.fd = -1;
	for (int i = 0; i < MONITOR_CLIENTS; i++)
		m.client[i].fd = -1;
	bool adopt = fcntl(MONITOR_CONTROL_FD, F_GETFD) < 0;
	settle();
	if (!adopt && !receive_go())
		give_up();
	m.pidfd = (int)syscall(SYS_pidfd_open, m.init, 0); /* 5.3 */
	if (adopt && m.pidfd < 0)
		return 1;
	watch_open(m.name, argv[7], event_max, argv[9], argv[10], *argv[11]);
	if (adopt)
		finish(watch_adopted());
	console_reopen();
	if (!join_path(m.log, sizeof(m.log), argv[4], "") ||
	    !join_path(m.log1, sizeof(m.log1), argv[4], ".1"))
		m.log_max = 0;
	log_start();
	finish(watch());
}
