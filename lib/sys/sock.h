/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local sockets: whole messages with descriptors, unix(7) and cmsg(3). */
#ifndef CROFT_SYS_SOCK_H
#define CROFT_SYS_SOCK_H

#include <stddef.h>
#include <sys/types.h>
#include "base/err.h"

#define SOCK_MAX_FDS 8

/* A SEQPACKET pair, close-on-exec. Negative errno. */
int sock_pair(int ret[2]);
/* One message with n descriptors. Negative errno; a lost peer is -EPIPE, never a signal. */
int sock_send(int fd, const void *data, size_t len, const int *fds, int n);
/* One message; descriptors are close-on-exec, at most max, the rest is closed (-EMFILE: there was
 * no room for all of them). Returns its length, 0 at end of file (a reset counts as that), negative
 * errno otherwise. *ret_n: descriptors received. */
ssize_t sock_recv(int fd, void *data, size_t len, int *fds, int max, int *ret_n);
/* A listening SOCK_STREAM socket at path, mode 0600; what lay there is removed first. */
int sock_listen(const char *path, struct err *err);

#endif
