// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of network modes, and what they share. Modes are compared nowhere else: what differs
 * between them is in struct net_mode.
 */
#include <stdio.h>
#include "base/mem.h"
#include "net/net.h"
#include "sys/nl.h"

#define NET(x) extern const struct net_mode net_##x;
#include "net/nets.def"
#undef NET

const struct net_mode *const net_modes[] = {
#define NET(x) &net_##x,
#include "net/nets.def"
#undef NET
	NULL,
};

const struct net_mode *net_find(const char *name)
{
	for (size_t i = 0; net_modes[i]; i++)
		if (streq(net_modes[i]->name, name))
			return net_modes[i];
	return NULL;
}

#define HOST_IF_CUT  5
#define HOST_IF_HASH 6

void net_host_if(const char *server, char ret[IFNAMSIZ])
{
	static const char digit[] = "0123456789abcdefghijklmnopqrstuv";
	char hash[HOST_IF_HASH + 1] = "";
	size_t n = strlen(server);
	uint64_t h;

	if (n + strlen("c.0") < IFNAMSIZ) {
		snprintf(ret, IFNAMSIZ, "c%.12s.0", server);
		return;
	}
	h = str_hash(STR_HASH_INIT, server, n);
	h ^= h >> 32; /* all of it counts in the low bits that are used */
	for (int i = 0; i < HOST_IF_HASH; i++, h >>= 5)
		hash[i] = digit[h & 31];
	snprintf(ret, IFNAMSIZ, "c%.*s_%s.0", HOST_IF_CUT, server, hash);
}

static int plan_addresses(const struct net_conf *c, const struct net_host_conf *h,
			  struct net_plan *p, struct err *err)
{
	char text[ADDR_STRLEN];

	if (!p->mode->has_ip) {
		if (!c->ip.n)
			return 0;
		return err_set(err, ERR_USAGE, 0,
			       "network mode %s takes no address, but %s is given: remove it "
			       "with --ip '', or choose another --net",
			       p->mode->name, addr_print(&c->ip.a[0], false, text));
	}
	if (!c->ip.n && h->subnet.n)
		return err_set(err, ERR_USAGE, 0,
			       "no address: give one with --ip, say a free one of %s",
			       addr_print(&h->subnet.a[0], true, text));
	if (!c->ip.n)
		return err_set(err, ERR_USAGE, 0,
			       "no address: give one with --ip, or set SUBNET in croft.conf");
	if (c->ip.n > NET_MAX_IP)
		return err_set(err, ERR_USAGE, 0, "%zu addresses; a server takes at most %d",
			       c->ip.n, NET_MAX_IP);
	for (size_t i = 0; i < c->ip.n; i++) {
		const char *unfit = addr_unfit(&c->ip.a[i]);

		if (unfit)
			return err_set(err, ERR_USAGE, 0, "%s is %s: a server cannot have it",
				       addr_print(&c->ip.a[i], false, text), unfit);
		p->ip[p->n_ip++] = c->ip.a[i];
	}
	return 0;
}

static int plan_host(const struct net_host_conf *h, struct net_plan *p, struct err *err)
{
	if (h->subnet.n > ARRAY_LEN(p->subnet))
		return err_set(err, ERR_USAGE, 0, "SUBNET has %zu networks; at most %zu are taken",
			       h->subnet.n, ARRAY_LEN(p->subnet));
	for (size_t i = 0; i < h->subnet.n; i++)
		p->subnet[p->n_subnet++] = h->subnet.a[i];
	p->nat = h->nat && p->n_subnet;
	p->forward = h->forward;
	return 0;
}

int net_plan_make(const struct net_conf *c, const struct net_host_conf *h, const char *server,
		  const char *seed, struct net_plan *ret, struct err *err)
{
	struct net_plan p = { .mode = net_find(str_or(c->mode, net_modes[0]->name)) };
	int r;

	if (!p.mode)
		return err_set(err, ERR_USAGE, 0, "no network mode %.40s: see --net", c->mode);
	snprintf(p.server, sizeof(p.server), "%s", server);
	r = plan_addresses(c, h, &p, err);
	if (r >= 0 && p.mode->has_link) {
		net_host_if(server, p.host_if);
		strcpy(p.guest_if, "eth0");
		addr_mac(seed, 0, p.guest_mac);
		addr_mac(seed, 1, p.host_mac);
		r = plan_host(h, &p, err);
	}
	if (r >= 0)
		r = p.mode->plan(c, h, &p, err);
	if (r < 0)
		return r;
	*ret = p;
	return 0;
}

int net_inside(const struct net_plan *p, int netlink, struct err *err)
{
	struct nl *nl;
	int r = nl_use(netlink, &nl, err);

	if (r < 0)
		return r;
	nl_link_up(nl, NL_LOOPBACK, false, "cannot bring up the loopback interface");
	if (p->mode->inside)
		r = p->mode->inside(p, nl, err);
	if (r == 0)
		r = nl_flush(nl, err);
	nl_drop(nl);
	return r;
}
