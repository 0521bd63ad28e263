// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The network in the words of interfaces(5), for a server whose networking is done by ifupdown.
 *
 * "static" would add addresses that are there already, and fail. So the interface is "manual", and
 * its commands are "replace": they change nothing at boot, and bring all back after an ifdown.
 */
#include "dialect/dialect_files.h"

#include <stdio.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "dialect/edit.h"

#define OWN_FILE "/etc/network/interfaces.d/croft"

static void add_gateway(struct buf *b, const struct addr *gateway, const char *link)
{
	char text[ADDR_STRLEN];

	if (gateway->family)
		buf_printf(b, "\tup ip -%d route replace default via %s dev %s onlink\n",
			   gateway->family == AF_INET6 ? 6 : 4, addr_print(gateway, false, text),
			   link);
}

static void own_text(struct buf *b, const struct dialect_job *job)
{
	char text[ADDR_STRLEN];

	buf_printf(b,
		   "# Written at each start from the server's settings: change them there.\n"
		   "auto %s\niface %s inet manual\n\tup ip link set %s up\n",
		   job->guest_if, job->guest_if, job->guest_if);
	for (int i = 0; i < job->n_ip; i++)
		buf_printf(b, "\tup ip addr replace %s dev %s\n",
			   addr_print(&job->ip[i], true, text), job->guest_if);
	add_gateway(b, &job->gateway4, job->guest_if);
	add_gateway(b, &job->gateway6, job->guest_if);
	/* resolvconf(8) takes these two, where it is installed. */
	if (job->nameserver && job->nameserver->n > 0) {
		_cleanup_free_ char *list = strv_join(job->nameserver, " ");

		buf_printf(b, "\tdns-nameservers %s\n", list);
	}
	if (job->searchdomain && job->searchdomain->n > 0) {
		_cleanup_free_ char *list = strv_join(job->searchdomain, " ");

		buf_printf(b, "\tdns-search %s\n", list);
	}
}

static bool reads_directory(const char *interfaces)
{
	return strstr(interfaces, "\nsource /etc/network/interfaces.d/") ||
	       strstr(interfaces, "\nsource-directory ") ||
	       str_starts(interfaces, "source /etc/network/interfaces.d/") ||
	       str_starts(interfaces, "source-directory ") ||
	       strstr(interfaces, "\nsource interfaces.d/");
}

int netfmt_ifupdown(int rootfd, const struct dialect_job *job, struct err *err)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	_cleanup_free_ char *main_file = NULL, *text = NULL;
	int r;

	if (!job->has_link || !edit_exists(rootfd, "/sbin/ifup", 0) ||
	    !edit_exists(rootfd, "/etc/network", S_IFDIR))
		return 0;
	r = edit_read(rootfd, "/etc/network/interfaces", EDIT_MAX, &main_file, err);
	if (r < 0)
		return r;
	if (!reads_directory(main_file)) {
		text = xasprintf("%s%s\nsource /etc/network/interfaces.d/*\n",
				 *main_file ? main_file : "auto lo\niface lo inet loopback\n",
				 *main_file && !str_ends(main_file, "\n") ? "\n" : "");
		r = edit_file(rootfd, "/etc/network/interfaces", text, 0644, err);
		if (r < 0)
			return r;
	}
	own_text(&b, job);
	return edit_file(rootfd, OWN_FILE, b.s, 0644, err);
}
