/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routing netlink through libnl-3: a batch of requests goes out in one sendmsg(2) and all answers are
 * read after it. No cache, no dump: nothing here costs more when the host has more links. */
#ifndef CROFT_SYS_NL_H
#define CROFT_SYS_NL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/addr.h"
#include "base/err.h"

struct nl; /* one socket and the batch being built */

int nl_open(struct nl **ret, struct err *err); /* in the network namespace of the caller */
void nl_close(struct nl *nl);

struct nl_veth {
	const char *host_name;
	const char *peer_name;
	const uint8_t *host_mac, *peer_mac;
	pid_t peer_pid; /* the peer is born in this process's network namespace */
	int mtu;	/* 0: the kernel's */
	int group;	/* of the host end: what rules match instead of names */
};
/* Each adds one request; what: for the message when the kernel refuses it. */
void nl_veth_add(struct nl *nl, const struct nl_veth *v, const char *what);
void nl_link_up(struct nl *nl, int ifindex, bool no_addr_gen, const char *what);
void nl_link_del(struct nl *nl, const char *name, const char *what);
void nl_addr_add(struct nl *nl, int ifindex, const struct addr *a, bool link_scope, const char *what);
void nl_addr_del(struct nl *nl, int ifindex, const struct addr *a, const char *what);
/* dst NULL: the default route; via NULL: on the link itself. Replaces what is there. */
void nl_route_add(struct nl *nl, int ifindex, const struct addr *dst, const struct addr *via,
		  const char *what);
/* Sends the batch; the first refusal becomes err, with its `what`. The batch is empty after. */
int nl_flush(struct nl *nl, struct err *err);

/* SIOCGIFINDEX: O(1). 0 when there is no such interface. */
int nl_index(const char *name);
/* Whether the host itself has this address (RTM_GETROUTE, type local). 1, 0, negative errno. */
int nl_is_local(const struct addr *a);

#endif
