// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The network in the words of systemd.network(5), for a networkd that runs inside.
 *
 * Addresses and routes are there before init runs. networkd takes them over when it finds the same
 * ones in its file, and with KeepConfiguration=yes (systemd 243) never takes them away. The name
 * sorts before what a template brings, because the first file that matches wins.
 */
#include "dialect/dialect_files.h"

#include <stdio.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "dialect/edit.h"

#define NETWORK_FILE "/etc/systemd/network/10-croft.network"

/* The gateway is in none of the server's networks. A route to it comes first, as net_routed.c sets
 * it; "on link" besides, because systemd 252 does not always wait for that route. */
static void add_route(struct buf *b, const struct addr *gateway)
{
	char text[ADDR_STRLEN];

	if (!gateway->family)
		return;
	addr_print(gateway, false, text);
	if (gateway->family == AF_INET)
		buf_printf(b, "\n[Route]\nDestination=%s/32\nScope=link\n", text);
	buf_printf(b, "\n[Route]\nGateway=%s\nGatewayOnLink=yes\n", text);
}

static void add_resolver(struct buf *b, const struct dialect_job *job)
{
	for (size_t i = 0; job->nameserver && i < job->nameserver->n; i++)
		buf_printf(b, "DNS=%s\n", job->nameserver->v[i]);
	if (job->searchdomain && job->searchdomain->n > 0) {
		_cleanup_free_ char *search = strv_join(job->searchdomain, " ");

		buf_printf(b, "Domains=%s\n", search);
	}
}

int netfmt_networkd(int rootfd, const struct dialect_job *job, struct err *err)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	char text[ADDR_STRLEN];

	if (!job->has_link || !dialect_unit_enabled(rootfd, "systemd-networkd.service"))
		return 0;
	buf_printf(&b,
		   "# Written at each start from the server's settings: change them there.\n"
		   "[Match]\nName=%s\n\n"
		   "[Network]\nDHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=%s\n"
		   "KeepConfiguration=yes\n",
		   job->guest_if, job->gateway6.family ? "ipv6" : "no");
	for (int i = 0; i < job->n_ip; i++)
		buf_printf(&b, "Address=%s\n", addr_print(&job->ip[i], true, text));
	add_resolver(&b, job);
	add_route(&b, &job->gateway4);
	add_route(&b, &job->gateway6);
	return edit_file(rootfd, NETWORK_FILE, b.s, 0644, err);
}
