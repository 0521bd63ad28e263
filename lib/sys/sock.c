// SPDX-License-Identifier: GPL-2.0-or-later
/* Local sockets; see sock.h. */
#include "sys/sock.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

int sock_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0 ? -errno : 0;
}

union control {
	char buf[CMSG_SPACE(sizeof(int) * SOCK_MAX_FDS)];
	struct cmsghdr align;
};

int sock_send(int fd, const void *data, size_t len, const int *fds, int n)
{
	union control c;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > SOCK_MAX_FDS)
		return -E2BIG;
	if (n > 0) {
		memset(&c, 0, sizeof(c));
		m.msg_control = c.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n);
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
		memcpy(CMSG_DATA(h), fds, sizeof(int) * (size_t)n);
	}
	for (;;) {
		if (sendmsg(fd, &m, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* Keeps at most max descriptors of a message and closes the others. */
static int take_fds(struct msghdr *m, int *fds, int max)
{
	int n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (n < max)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

ssize_t sock_recv(int fd, void *data, size_t len, int *fds, int max, int *ret_n)
{
	union control c;
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf) };
	ssize_t r;

	do {
		r = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == ECONNRESET ? 0 : -errno;
	int n = take_fds(&m, fds, max);
	/* No room for all descriptors (RLIMIT_NOFILE), unix(7): a part of them is of no use. */
	if (max > 0 && (m.msg_flags & MSG_CTRUNC)) {
		while (n > 0)
			close(fds[--n]);
		return -EMFILE;
	}
	if (ret_n)
		*ret_n = n;
	return r;
}

int sock_listen(const char *path, struct err *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path))
		return err_set(err, ERR_FAIL, ENAMETOOLONG, "socket %s", path);
	strcpy(a.sun_path, path);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(err, "socket %s", path);
	unlink(path);
	/* fchmod before bind: the file is made with this mode, there is no moment with another. */
	if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 8) < 0)
		return err_errno(err, "socket %s", path);
	return STEAL_FD(fd);
}
