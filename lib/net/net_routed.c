// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network mode "routed", the venet of OpenVZ in today's kernel: one veth pair per server, a host
 * route per address, no bridge. The gateway is the same link-local address for every server and
 * lives on the host end.
 *
 * What must stay true:
 * - The pair is born by one request with one end in the server's network namespace. Moving an
 *   interface between namespaces waits for an RCU grace period, 15 to 20 ms.
 * - Nothing depends on how many servers there are: no dump, no walk, no rule per server.
 * - Stopping does not touch the interface: the dying network namespace takes the pair along. So a
 *   link of the same name may still be there at the next start.
 */
#include <fcntl.h>
#include <stdio.h>
#include "base/mem.h"
#include "net/net_firewall.h"
#include "sys/fd.h"
#include "sys/nl.h"

static const struct addr gateway4 = { AF_INET, 32, { 169, 254, 0, 1 } };
/* Not /64: the routes that come with a prefix would be walked under the kernel's lock at every
 * start and stop of any server. Finding the neighbour needs none. */
static const struct addr gateway6 = { AF_INET6, 128, { 0xfe, 0x80, [15] = 1 } };

static int routed_plan(const struct net_conf *c, const struct net_host_conf *h, struct net_plan *p,
		       struct err *err)
{
	char text[ADDR_STRLEN], plain[ADDR_STRLEN];

	(void)c;
	(void)h;
	for (int i = 0; i < p->n_ip; i++) {
		const struct addr *a = &p->ip[i];

		if (a->prefix != addr_bytes(a) * 8)
			return err_set(err, ERR_USAGE, 0,
				       "%s: a routed server has single addresses: write %s",
				       addr_print(a, true, text), addr_print(a, false, plain));
		if (a->family == AF_INET)
			p->gateway4 = gateway4;
		else
			p->gateway6 = gateway6;
	}
	return 0;
}

/* What has the name of this server's host end. 1, 0 when there is none; refused when it is not
 * ours. */
static int find_stale(struct nl *nl, const struct net_plan *p, struct nl_link *ret, struct err *err)
{
	int r = nl_link_get(nl, p->host_if, ret);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot look at interface %s", p->host_if);
	if (r == 0)
		return 0;
	if (ret->group != NET_GROUP) {
		err_set(err, ERR_EXISTS, 0,
			"the host has an interface %s that is not croft's: rename or remove it",
			p->host_if);
		return -EEXIST;
	}
	/* No alias: a start was killed between its two requests. */
	if (*ret->alias && !streq(ret->alias, p->server)) {
		err_set(err, ERR_EXISTS, 0,
			"interface %s belongs to server %s: give one of the two another name",
			p->host_if, ret->alias);
		return -EEXIST;
	}
	return 1;
}

static int remove_stale(struct nl *nl, const struct net_plan *p, struct err *err)
{
	struct nl_link l;
	int r = find_stale(nl, p, &l, err);

	if (r <= 0)
		return r;
	nl_link_del(nl, p->host_if, "cannot remove the interface");
	r = nl_flush(nl, err);
	return r == -ENODEV ? 0 : err_wrap(err, r, "%s", p->host_if);
}

/* A restart is faster than the death of the network namespace, which still has a link of this name
 * and takes it along in a moment. Until then it gets another name: under 1 ms, where removing it
 * waits 20 to 50. An index has one owner, and "_" is in no server's name. */
static int retire_stale(struct nl *nl, const struct net_plan *p, struct err *err)
{
	char name[IFNAMSIZ];
	struct nl_link l;
	int r = find_stale(nl, p, &l, err);

	if (r <= 0)
		return r;
	snprintf(name, sizeof(name), "c_%x", (unsigned)l.ifindex);
	nl_link_retire(nl, l.ifindex, name, "cannot rename the interface of the last run");
	r = nl_flush(nl, err);
	if (r < 0 && r != -ENODEV)
		return remove_stale(nl, p, err);
	return 0;
}

static int make_pair(struct nl *nl, const struct net_plan *p, pid_t pid, struct err *err)
{
	const struct nl_veth v = {
		.host_name = p->host_if,
		.peer_name = p->guest_if,
		.host_mac = p->host_mac,
		.peer_mac = p->guest_mac,
		.peer_pid = pid,
		.mtu = p->mtu,
		.group = NET_GROUP,
	};
	char what[96];
	int r;

	snprintf(what, sizeof(what), "cannot make interface %s (veth)", p->host_if);
	for (int tries = 0;; tries++) {
		nl_veth_add(nl, &v, what);
		r = nl_flush(nl, err);
		if (r != -EEXIST || tries == 3)
			return r;
		r = retire_stale(nl, p, err);
		if (r < 0)
			return r;
	}
}

/* The host takes no routes from a server, and has no use for IPv6 on the link of one without. A
 * setting is missing where the kernel has no IPv6 or the administrator switched it off. */
static void guard_inet6(const struct net_plan *p)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", p->host_if,
		 p->gateway6.family ? "accept_ra" : "disable_ipv6");
	(void)fd_write_file(AT_FDCWD, path, p->gateway6.family ? "0" : "1");
}

static int routed_give(const struct net_plan *p, pid_t pid, struct err *err)
{
	char what[128], text[ADDR_STRLEN];
	struct nl *nl;
	int r, index;

	r = nl_open(&nl, err);
	if (r < 0)
		return r;
	r = make_pair(nl, p, pid, err);
	if (r < 0)
		goto out;
	index = nl_index(p->host_if);
	guard_inet6(p);
	snprintf(what, sizeof(what), "cannot set up interface %s", p->host_if);
	nl_link_guard(nl, index, p->server, p->forward, what);
	nl_link_up(nl, index, false, what);
	if (p->gateway4.family)
		nl_addr_add(nl, index, &p->gateway4, true, what);
	if (p->gateway6.family)
		nl_addr_add(nl, index, &p->gateway6, true, what);
	for (int i = 0; i < p->n_ip; i++) {
		snprintf(what, sizeof(what), "cannot route address %s to %s",
			 addr_print(&p->ip[i], false, text), p->host_if);
		nl_route_add(nl, index, &p->ip[i], NULL, what);
		nl_neigh_add(nl, index, &p->ip[i], p->guest_mac, what);
	}
	r = nl_flush(nl, err);
out:
	nl_drop(nl);
	return r;
}

static int routed_inside(const struct net_plan *p, struct nl *nl, struct err *err)
{
	char what[128], text[ADDR_STRLEN];
	int index = nl_index_at(nl, p->guest_if);

	if (!index)
		return err_set(err, ERR_FAIL, ENODEV, "no interface %s inside", p->guest_if);
	for (int i = 0; i < p->n_ip; i++) {
		snprintf(what, sizeof(what), "cannot give %s address %s", p->guest_if,
			 addr_print(&p->ip[i], false, text));
		nl_addr_add(nl, index, &p->ip[i], false, what);
	}
	snprintf(what, sizeof(what), "cannot set up %s and its gateway", p->guest_if);
	nl_link_up(nl, index, false, what);
	if (p->gateway4.family) {
		nl_route_add(nl, index, &p->gateway4, NULL, what);
		nl_route_add(nl, index, NULL, &p->gateway4, what);
	}
	if (p->gateway6.family)
		nl_route_add(nl, index, NULL, &p->gateway6, what);
	return 0;
}

static int routed_host_down(const struct net_plan *p, bool force, struct err *err)
{
	struct nl *nl;
	int r;

	/* RTM_DELLINK takes 12 to 23 ms; the namespace takes the pair along for nothing. */
	if (!force || !nl_index(p->host_if))
		return 0;
	r = nl_open(&nl, err);
	if (r < 0)
		return r;
	r = remove_stale(nl, p, err);
	nl_drop(nl);
	return r;
}

extern const struct net_mode net_routed;
const struct net_mode net_routed = {
	.name = "routed",
	.help = "one veth and a host route per address, no bridge",
	.has_link = true,
	.has_ip = true,
	.plan = routed_plan,
	.host_up = net_firewall_up,
	.give = routed_give,
	.inside = routed_inside,
	.host_down = routed_host_down,
};
