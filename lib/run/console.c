// SPDX-License-Identifier: GPL-2.0-or-later
/* A client of the monitor's console socket (run/monitor.h). A server that reboots gets a new
 * monitor, and the client follows it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "run/join.h"
#include "run/monitor.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/tty.h"

#define REJOIN_MS 10000
#define PAUSE_US  20000
/* How long a server may be gone without a word before it counts as stopped: its run directory, and
 * the word with it, is removed between the two halves of a reboot. */
#define GONE_MS 2000

char *console_log_path(const struct host *h, const char *name)
{
	return xasprintf("%s/%s.console.log", h->log, name);
}

static size_t frame(enum tty_frame kind, const void *data, size_t n, unsigned char *out)
{
	struct monitor_frame f = {
		.type = kind == TTY_FRAME_SIZE ? MONITOR_SIZE : MONITOR_DATA,
		.len = (uint16_t)n,
	};

	memcpy(out, &f, sizeof(f));
	memcpy(out + sizeof(f), data, n);
	return sizeof(f) + n;
}

/* An fd, or negative errno. */
static int connect_console(const struct host *h, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s/console.sock", h->run, name);

	if (n >= (int)sizeof(a.sun_path))
		return -ENAMETOOLONG;
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return STEAL_FD(fd);
}

enum end { END_STOPPED, END_REBOOT, END_UNKNOWN };

/* The monitor writes how init ended before it closes its clients. */
static enum end how_it_ended(const struct host *h, const char *name)
{
	_cleanup_free_ char *dir = state_dir(h, name);
	_cleanup_free_ char *path = xasprintf("%s/ended", dir);
	_cleanup_free_ char *stopping = xasprintf("%s/stopping", dir);
	_cleanup_free_ char *text = NULL;

	if (access(stopping, F_OK) == 0)
		return END_STOPPED;
	if (fd_read_file(AT_FDCWD, path, 256, &text, NULL) < 0)
		return END_UNKNOWN;
	return streq(text, "signal 1\n") ? END_REBOOT : END_STOPPED;
}

/* The console of the next boot: an fd, or -1 when there is none. */
static int rejoin(const struct host *h, const char *name, uint64_t deadline_ms)
{
	enum end end = how_it_ended(h, name);
	uint64_t deadline = clock_ms() + (end == END_REBOOT ? REJOIN_MS : GONE_MS);

	while (end != END_STOPPED && clock_ms() < deadline && clock_ms() < deadline_ms) {
		int fd = connect_console(h, name);

		if (fd >= 0)
			return fd;
		usleep(PAUSE_US);
		enum end now = how_it_ended(h, name);
		if (now == END_STOPPED)
			break;
		if (now == END_REBOOT && end != END_REBOOT) {
			end = END_REBOOT;
			deadline = clock_ms() + REJOIN_MS;
		}
	}
	return -1;
}

int console_join(const struct host *h, const struct state *s, int in, int out, uint64_t deadline_ms,
		 struct err *err)
{
	int fd = connect_console(h, s->name);

	if (fd < 0)
		return err_set(err, ERR_STATE, 0,
			       "nobody keeps the server's console (its monitor was killed); it has "
			       "one again after croft restart");
	while (fd >= 0) {
		int r = tty_pump_framed(in, out, fd, frame, deadline_ms, err);

		close(fd);
		if (r != 0)
			return r;
		fd = rejoin(h, s->name, deadline_ms);
	}
	return 0;
}
