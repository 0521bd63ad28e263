// SPDX-License-Identifier: GPL-2.0-or-later
/* The counters of a server's link; see traffic.h. */
#include "run/traffic.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/monitor.h"
#include "sys/nl.h"
#include "sys/proc.h"

int traffic_hold(pid_t pid)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int traffic_hold_init(const struct state *s)
{
	if (s->init <= 0 || !s->host_if[0])
		return -1;
	int fd = traffic_hold(s->init);

	/* Looked at after: the number may have become another's before. */
	if (fd >= 0 && proc_look(s->init, s->init_start) != 1)
		fd_drop(&fd);
	return fd;
}

void traffic_hand(int held, int control)
{
	/* Out of the way of the two numbers first: one may have the other's. */
	int safe = held >= 0 ? fcntl(held, F_DUPFD_CLOEXEC, MONITOR_KEPT_FD + 1) : -1;

	if (control == MONITOR_CONTROL_FD)
		fcntl(control, F_SETFD, 0);
	else if (control >= 0)
		dup2(control, MONITOR_CONTROL_FD);
	else
		close(MONITOR_CONTROL_FD);
	close(MONITOR_KEPT_FD);
	if (safe >= 0)
		dup2(safe, MONITOR_KEPT_FD);
}

int traffic_handed(void)
{
	/* The command may have been called by somebody else: then it is any descriptor. */
	if (ioctl(MONITOR_KEPT_FD, NS_GET_NSTYPE) != CLONE_NEWNET) /* ioctl_ns(2), 4.11 */
		return -1;
	fcntl(MONITOR_KEPT_FD, F_SETFD, FD_CLOEXEC);
	return MONITOR_KEPT_FD;
}

int traffic_read(struct nl *nl, const struct state *s, struct limit_usage *u)
{
	struct nl_link l;

	if (!s->host_if[0])
		return 0;
	int r = nl_link_counters(nl, s->host_if, &l);
	if (r <= 0)
		return r;
	if (l.group != NET_GROUP || strcmp(l.alias, s->name) != 0)
		return 0;
	/* The host's end receives what the server sends. */
	u->net_received = l.sent;
	u->net_sent = l.received;
	return 1;
}

void traffic_read_once(const struct state *s, struct limit_usage *u)
{
	struct err unused = { 0 };
	struct nl *nl;

	if (!s->host_if[0] || nl_open(&nl, &unused) < 0)
		return;
	(void)traffic_read(nl, s, u);
	nl_drop(nl);
}
