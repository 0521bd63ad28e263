// SPDX-License-Identifier: GPL-2.0-or-later
/* The option rows of the network, of servers and of the host, and what a value must be beyond its
 * type. What a mode cannot use is refused by its plan(), not here: options are read one by one. */
#include <ctype.h>
#include "base/mem.h"
#include "net/net.h"

static int check_ip(const struct opt *o, const void *place, struct err *err)
{
	const struct addrs *l = place;
	char text[ADDR_STRLEN];
	const char *unfit;

	if (l->n > NET_MAX_IP)
		return err_set(err, ERR_USAGE, 0, "%zu addresses; a server takes at most %d", l->n,
			       NET_MAX_IP);
	for (size_t i = 0; i < l->n; i++) {
		addr_print(&l->a[i], false, text);
		unfit = addr_unfit(&l->a[i]);
		if (unfit)
			return err_set(err, ERR_USAGE, 0, "%s is %s: a server cannot have it", text,
				       unfit);
		for (size_t k = 0; k < i; k++)
			if (addr_equal(&l->a[i], &l->a[k]))
				return err_set(err, ERR_USAGE, 0, "%s is given twice with --%s",
					       text, o->name);
	}
	return 0;
}

static int check_nameserver(const struct opt *o, const void *place, struct err *err)
{
	const struct strv *l = place;
	struct addr a;

	for (size_t i = 0; i < l->n; i++) {
		if (streq(l->v[i], "inherit")) {
			if (l->n > 1)
				return err_set(err, ERR_USAGE, 0,
					       "\"inherit\" stands alone with --%s", o->name);
			continue;
		}
		if (strchr(l->v[i], '/') || addr_parse(l->v[i], &a) < 0)
			return err_set(err, ERR_USAGE, 0,
				       "%.80s is not the address of a name server", l->v[i]);
	}
	return 0;
}

/* Labels of letters, digits, hyphens and underscores, 1 to 63 each; RFC 1035, 2.3.4. */
static bool domain_fits(const char *s)
{
	size_t n = strlen(s), label = 0;

	if (!n || n > 253)
		return false;
	for (; *s; s++) {
		if (*s == '.') {
			if (!label)
				return false;
			label = 0;
			continue;
		}
		if (!isascii(*s) || !(isalnum(*s) || *s == '-' || *s == '_') || ++label > 63 ||
		    (*s == '-' && (label == 1 || s[1] == '.' || !s[1])))
			return false;
	}
	return true;
}

static int check_domain(const struct opt *o, const void *place, struct err *err)
{
	const struct strv *l = place;

	(void)o;
	for (size_t i = 0; i < l->n; i++)
		if (!domain_fits(l->v[i]))
			return err_set(err, ERR_USAGE, 0, "%.80s is not a domain", l->v[i]);
	return 0;
}

static int check_subnet(const struct opt *o, const void *place, struct err *err)
{
	const struct addrs *l = place;
	char text[ADDR_STRLEN], want[ADDR_STRLEN];
	struct addr base;
	const char *unfit;

	(void)o;
	for (size_t i = 0; i < l->n; i++) {
		const struct addr *a = &l->a[i];

		addr_print(a, true, text);
		if (addr_nth(a, 0, &base) < 0 || addr_bytes(a) * 8 - a->prefix < 2)
			return err_set(err, ERR_USAGE, 0,
				       "%s has no room for servers: a network such as 10.77.0.0/16 "
				       "is needed",
				       text);
		base.prefix = a->prefix;
		if (!addr_equal(a, &base))
			return err_set(err, ERR_USAGE, 0,
				       "%s is not the start of a network: write %s", text,
				       addr_print(&base, true, want));
		unfit = addr_unfit(a);
		if (unfit)
			return err_set(err, ERR_USAGE, 0, "%s is %s: servers cannot have these",
				       text, unfit);
		for (size_t k = 0; k < i; k++)
			if (l->a[k].family == a->family)
				return err_set(err, ERR_USAGE, 0,
					       "%s is a second network of its family", text);
	}
	return 0;
}

#define NET(x) #x " "
static const char modes[] =
#include "net/nets.def"
    ;
#undef NET

const struct opt net_opts[] = {
	{
	    .name = "net",
	    .type = &opt_choice,
	    .off = offsetof(struct net_conf, mode),
	    .def = "routed",
	    .metavar = "MODE",
	    .choices = modes,
	    .help = "how the server is connected",
	},
	{
	    .name = "ip",
	    .type = &opt_addrs,
	    .off = offsetof(struct net_conf, ip),
	    .metavar = "ADDRESS",
	    .check = check_ip,
	    .help = "an address of the server; without one the next free of SUBNET is taken",
	},
	{
	    .name = "nameserver",
	    .type = &opt_words,
	    .off = offsetof(struct net_conf, nameserver),
	    .def = "inherit",
	    .metavar = "ADDRESS",
	    .check = check_nameserver,
	    .help = "a name server; \"inherit\" takes those of the host",
	},
	{
	    .name = "searchdomain",
	    .type = &opt_words,
	    .off = offsetof(struct net_conf, searchdomain),
	    .metavar = "DOMAIN",
	    .check = check_domain,
	    .help = "a domain in which short names are looked up",
	},
};
const size_t net_n_opts = ARRAY_LEN(net_opts);

const struct opt net_host_opts[] = {
	{
	    .name = "subnet",
	    .type = &opt_addrs,
	    .off = offsetof(struct net_host_conf, subnet),
	    .flags = OPT_HOST,
	    .def = "10.77.0.0/16",
	    .metavar = "NETWORK",
	    .check = check_subnet,
	    .help = "the networks, one per family, from which servers get addresses",
	},
	{
	    .name = "nat",
	    .type = &opt_bool,
	    .off = offsetof(struct net_host_conf, nat),
	    .flags = OPT_HOST,
	    .def = "yes",
	    .metavar = "BOOL",
	    .help = "translate the addresses of SUBNET towards the outside",
	},
	{
	    .name = "forward",
	    .type = &opt_bool,
	    .off = offsetof(struct net_host_conf, forward),
	    .flags = OPT_HOST,
	    .def = "yes",
	    .metavar = "BOOL",
	    .help = "let croft switch on forwarding of packets on this host",
	},
};
const size_t net_n_host_opts = ARRAY_LEN(net_host_opts);
