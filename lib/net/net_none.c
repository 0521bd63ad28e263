// SPDX-License-Identifier: GPL-2.0-or-later
/* Network mode "none": a network namespace with nothing but its loopback interface. */
#include "net/net.h"

static int none_plan(const struct net_conf *c, const struct net_host_conf *h, struct net_plan *p,
		     struct err *err)
{
	(void)c;
	(void)h;
	(void)p;
	(void)err;
	return 0;
}

extern const struct net_mode net_none;
const struct net_mode net_none = {
	.name = "none",
	.help = "no network but loopback",
	.plan = none_plan,
};
