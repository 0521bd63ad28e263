// SPDX-License-Identifier: GPL-2.0-or-later
/* Meeting points; see sync.h. */
#include "run/sync.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/lock.h"
#include "sys/sock.h"

struct message {
	char row[16];
	bool failed;
	struct err err;
};

static int wait_for(int sock, short events, uint64_t deadline_ms)
{
	for (;;) {
		uint64_t now = deadline_ms == UINT64_MAX ? 0 : clock_ms();
		int timeout = deadline_ms == UINT64_MAX ? -1
			      : now >= deadline_ms	? 0
							: (int)(deadline_ms - now);
		struct pollfd p = { .fd = sock, .events = events };
		int r = poll(&p, 1, timeout);

		if (r >= 0)
			return r;
		if (errno != EINTR)
			return -errno;
	}
}

int sync_wait(int sock, uint64_t deadline_ms)
{
	return wait_for(sock, POLLIN, deadline_ms);
}

int sync_wait_closed(int sock, uint64_t deadline_ms)
{
	return wait_for(sock, 0, deadline_ms); /* POLLHUP is told in any case */
}

/* One message; 0 bytes is end of file. */
static ssize_t receive(int sock, struct message *m, struct sync_fds *got, uint64_t deadline_ms)
{
	int r = sync_wait(sock, deadline_ms);
	int n = 0;

	if (r < 0)
		return r;
	if (r == 0)
		return -ETIMEDOUT;
	ssize_t len = 0;
	/* A peer that ends with a message of ours unread resets the connection: the kernel tells
	 * that once, and then what the peer had said before. */
	for (int i = 0; i < 2 && len == 0; i++)
		len = sock_recv(sock, m, sizeof(*m), got ? got->fd : NULL,
				got ? (int)ARRAY_LEN(got->fd) : 0, &n);
	if (got)
		got->n = n;
	m->row[sizeof(m->row) - 1] = '\0';
	m->err.text[sizeof(m->err.text) - 1] = '\0';
	return len;
}

static int failed(const struct message *m, struct err *err)
{
	*err = m->err;
	err_wrap(err, -1, "%s", m->row);
	return -EREMOTEIO;
}

static int report(ssize_t len, const struct message *m, struct err *err)
{
	if (len == -ETIMEDOUT)
		return err_set(err, ERR_BUSY, 0, "timed out");
	if (len < 0)
		return err_set(err, ERR_FAIL, (int)-len, "cannot hear of the other side");
	if (len != sizeof(*m))
		return err_set(err, ERR_FAIL, 0, "the other side of the start is gone");
	return m->failed ? failed(m, err) : 0;
}

int sync_tell(int sock, const char *row, const struct sync_fds *give, struct err *err)
{
	struct message m = { 0 };

	snprintf(m.row, sizeof(m.row), "%s", row);
	int r = sock_send(sock, &m, sizeof(m), give ? give->fd : NULL, give ? give->n : 0);
	/* A peer that failed has said so before it went: its message is still there to be read. */
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return err_set(err, ERR_FAIL, -r, "cannot tell the other side");
	return 0;
}

int sync_hear(int sock, const char *row, struct sync_fds *got, uint64_t deadline_ms,
	      struct err *err)
{
	struct message m = { 0 };
	ssize_t len = receive(sock, &m, got, deadline_ms);
	int r = report(len, &m, err);

	if (r == 0 && !streq(m.row, row))
		r = err_set(err, ERR_FAIL, 0, "the other side is at %s: this is a bug", m.row);
	return r;
}

int sync_meet(int sock, const char *row, const struct sync_fds *give, struct sync_fds *got,
	      uint64_t deadline_ms, struct err *err)
{
	int r = sync_tell(sock, row, give, err);

	return r < 0 ? r : sync_hear(sock, row, got, deadline_ms, err);
}

int sync_reason(int sock, int ret, struct err *err)
{
	struct message m = { 0 };

	/* What it handed over before it failed is still unread. */
	while (sock >= 0 && receive(sock, &m, NULL, 0) == sizeof(m))
		if (m.failed)
			return failed(&m, err);
	return ret;
}

void sync_fail(int sock, const char *row, const struct err *err)
{
	struct message m = { .failed = true, .err = *err };

	snprintf(m.row, sizeof(m.row), "%s", row);
	(void)sock_send(sock, &m, sizeof(m), NULL, 0);
}

int sync_end(int sock, uint64_t deadline_ms, struct err *err)
{
	struct message m = { 0 };
	ssize_t len = receive(sock, &m, NULL, deadline_ms);

	return len == 0 ? 0 : report(len, &m, err);
}
