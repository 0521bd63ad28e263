/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routing netlink through libnl-3: a batch of requests goes out in one sendmsg(2) and all answers
 * are read after it. No cache, no dump: nothing here costs more when the host has more links. */
#ifndef CROFT_SYS_NL_H
#define CROFT_SYS_NL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/addr.h"
#include "base/err.h"

struct nl; /* one socket and the batch being built */

int nl_open(struct nl **ret, struct err *err); /* in the network namespace of the caller */
/* A socket for nl_use() by another process: it stays in the network namespace of who made it, and
 * the kernel asks for the rights of both (netlink_ns_capable()). Returns the descriptor. */
int nl_socket(struct err *err);
/* On a socket of nl_socket(), wherever that was made. Consumes fd, also on failure. */
int nl_use(int fd, struct nl **ret, struct err *err);
void nl_drop(struct nl *nl); /* not "close": libnl has a function of that name */

struct nl_veth {
	const char *host_name;
	const char *peer_name;
	const uint8_t *host_mac, *peer_mac;
	pid_t peer_pid; /* the peer is born in this process's network namespace */
	int mtu;	/* 0: the kernel's */
	int group;	/* of the host end: what rules match instead of names */
};

struct nl_link {
	int ifindex;
	int group;
	char alias[128];	 /* "" when it has none */
	uint64_t received, sent; /* bytes; only of nl_link_counters() */
};
/* Each adds one request; what: for the message when the kernel refuses it. */
void nl_veth_add(struct nl *nl, const struct nl_veth *v, const char *what);
void nl_link_up(struct nl *nl, int ifindex, bool no_addr_gen, const char *what);
/* Makes a link, while it is down, the host's end towards something that is not trusted: strict
 * reverse path filter, no redirects, no source routes, no proxy ARP, no IPv6 address made by the
 * kernel. These are the settings of /proc/sys/net/ipv4/conf/LINK without a file each. forward: IPv4
 * is forwarded from it. alias: shown by ip-link(8), and read back by nl_link_get(). */
void nl_link_guard(struct nl *nl, int ifindex, const char *alias, bool forward, const char *what);
/* Takes a link down and gives it another name. */
void nl_link_retire(struct nl *nl, int ifindex, const char *new_name, const char *what);
void nl_link_del(struct nl *nl, const char *name, const char *what);
/* Replaces. IPv6 without duplicate address detection; with link_scope without a prefix route. */
void nl_addr_add(struct nl *nl, int ifindex, const struct addr *a, bool link_scope,
		 const char *what);
void nl_addr_del(struct nl *nl, int ifindex, const struct addr *a, const char *what);
/* dst NULL: the default route; via NULL: on the link itself. Replaces what is there. */
void nl_route_add(struct nl *nl, int ifindex, const struct addr *dst, const struct addr *via,
		  const char *what);
/* A neighbour that is known for good: no question is asked, none is answered by somebody else, and
 * it does not count towards net.ipv4.neigh.default.gc_thresh3, which allows only 1024 (since 5.0).
 */
void nl_neigh_add(struct nl *nl, int ifindex, const struct addr *a, const uint8_t mac[6],
		  const char *what);
/* Sends the batch; the first refusal becomes err, with its `what`. The batch is empty after. */
int nl_flush(struct nl *nl, struct err *err);

/* One link by its name. 1, 0 when there is none, negative errno. The batch must be empty. */
int nl_link_get(struct nl *nl, const char *name, struct nl_link *ret);
/* The same with what has gone over it (IFLA_STATS64, rtnetlink(7)). */
int nl_link_counters(struct nl *nl, const char *name, struct nl_link *ret);
/* SIOCGIFINDEX: O(1). 0 when there is no such interface. The second looks where nl's socket is. */
int nl_index(const char *name);
int nl_index_at(const struct nl *nl, const char *name);
/* "lo" is the first interface of every network namespace (LOOPBACK_IFINDEX of the kernel). */
#define NL_LOOPBACK 1
/* Whether the host itself has this address (RTM_GETROUTE, type local). 1, 0, negative errno. */
int nl_is_local(const struct addr *a);
/* Whether nf_tables has a table of family inet and this name. 1, 0, negative errno. */
int nl_has_table(const char *name);

#endif
