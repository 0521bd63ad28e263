/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the whole host needs once per boot for routed servers. Private to lib/net. */
#ifndef CROFT_NET_NET_FIREWALL_H
#define CROFT_NET_NET_FIREWALL_H

#include "net/net.h"

/* Forwarding, IPv6 forwarding where the server has IPv6, and the nftables table. 1: the table had
 * to be installed. */
int net_firewall_up(const struct net_plan *p, const char *stamp, struct err *err);

enum net_rules { NET_RULES_SOURCE = 1, NET_RULES_NAT = 2 };
/* The table in nft(8) syntax, replacing an older one in the same transaction. Caller frees. */
char *net_firewall_rules(const struct net_plan *p, unsigned rules);

#endif
