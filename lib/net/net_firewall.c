// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the whole host needs once per boot for routed servers: forwarding, and one nftables table.
 *
 * What must stay true: no rule is per server. The rules know servers by the interface group of
 * their host ends and by the configured networks, so that a start or a stop changes nothing here
 * and a packet passes the same few rules with one server as with a thousand. A start that finds all
 * done costs a few system calls: the stamp file says what was installed in which network namespace,
 * and one netlink request tells whether the table is still there (a reload of the administrator's
 * own nftables.conf begins with "flush ruleset").
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include "base/mem.h"
#include "net/net_firewall.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/nft.h"
#include "sys/nl.h"

#define TABLE	     "croft"
#define STAMP_MAX    1024
#define LOCK_WAIT_MS 20000

/* A file of one digit. -1 where there is no such file. */
static int read_flag(const char *path)
{
	_cleanup_free_ char *text = NULL;

	if (fd_read_file(AT_FDCWD, path, 16, &text, NULL) < 0)
		return -1;
	return *text - '0';
}

static int write_flag(const char *path, const char *value, struct err *err)
{
	int r = fd_write_file(AT_FDCWD, path, value);

	if (r == -ENOENT)
		return err_set(err, ERR_HOST, 0, "this kernel has no %s", path);
	if (r < 0)
		return err_set(
		    err, ERR_HOST, -r,
		    "cannot write %s to %s: set it yourself, with FORWARD=no in croft.conf", value,
		    path);
	return 0;
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* A host that forwards takes no router advertisements (accept_ra 1), and drops the routes it learnt
 * from them, unless told to all the same (2): kernel's ip-sysctl.rst. Its own uplinks must keep
 * theirs; what comes up later is for its administrator. */
static void keep_advertised_routes(void)
{
	_cleanup_(dir_closep) DIR *d = opendir("/proc/sys/net/ipv6/conf");
	const struct dirent *e;
	char path[320];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || streq(e->d_name, "all") || streq(e->d_name, "default") ||
		    streq(e->d_name, "lo"))
			continue;
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", e->d_name);
		if (read_flag(path) == 1)
			(void)fd_write_file(AT_FDCWD, path, "2");
	}
}

static bool has_family(const struct addr *a, int n, int family)
{
	for (int i = 0; i < n; i++)
		if (a[i].family == family)
			return true;
	return false;
}

static int forwarding_up(const struct net_plan *p, struct err *err)
{
	static const char v4[] = "/proc/sys/net/ipv4/ip_forward";
	static const char v6[] = "/proc/sys/net/ipv6/conf/all/forwarding";
	int r;

	if (has_family(p->ip, p->n_ip, AF_INET) && read_flag(v4) != 1) {
		r = write_flag(v4, "1", err);
		if (r < 0)
			return r;
	}
	if (has_family(p->ip, p->n_ip, AF_INET6) && read_flag(v6) != 1) {
		keep_advertised_routes();
		r = write_flag(v6, "1", err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void add_set(struct buf *b, const struct net_plan *p, int family)
{
	const char *sep = "elements = { ";
	char text[ADDR_STRLEN];
	bool any = false;

	buf_printf(b, "\tset subnet%d {\n\t\ttype %s\n\t\tflags interval\n\t\t",
		   family == AF_INET ? 4 : 6, family == AF_INET ? "ipv4_addr" : "ipv6_addr");
	for (int i = 0; i < p->n_subnet; i++) {
		if (p->subnet[i].family != family)
			continue;
		buf_printf(b, "%s%s", sep, addr_print(&p->subnet[i], true, text));
		sep = ", ";
		any = true;
	}
	buf_puts(b, any ? " }\n\t}\n" : "\n\t}\n");
}

/* From a server come only packets with a source address that is routed to it: the host route is the
 * permission. Link-local IPv6 addresses have no such route; they may find the gateway and
 * no more: each multicast packet that is not stopped here costs the host a walk over all links. The
 * host takes no routes from a server (CVE-2020-13401), and a server does not reach what clouds
 * answer on link-local addresses, such as the host's credentials, but for name servers there. */
static const char source_rule[] = "\t\tfib saddr . iif oif missing drop\n";
static const char guard_rules[] =
    "\tchain prerouting {\n"
    "\t\ttype filter hook prerouting priority raw; policy accept;\n"
    "\t\tiifgroup %d jump server\n"
    "\t}\n"
    "\tchain server {\n"
    "\t\ticmpv6 type { nd-router-solicit, nd-router-advert, nd-redirect } drop\n"
    "\t\ticmp type redirect drop\n"
    "\t\tip6 saddr { ::, fe80::/10 } jump neighbour\n"
    "%s"
    "\t\tip daddr 169.254.0.0/16 jump link_local\n"
    "\t\tip6 daddr fd00:ec2::254 drop\n"
    "\t}\n"
    "\tchain neighbour {\n"
    "\t\tip6 hoplimit 255 ip6 daddr { fe80::1, ff02::1:ff00:1 } icmpv6 type nd-neighbor-solicit "
    "accept\n"
    "\t\tip6 hoplimit 255 ip6 daddr fe80::1 icmpv6 type nd-neighbor-advert accept\n"
    "\t\tdrop\n"
    "\t}\n"
    "\tchain link_local {\n"
    "\t\tip daddr 169.254.0.1 return\n"
    "\t\tudp dport 53 return\n"
    "\t\ttcp dport 53 return\n"
    "\t\tdrop\n"
    "\t}\n";
static const char nat_rules[] = "\tchain postrouting {\n"
				"\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
				"\t\tip saddr @subnet4 ip daddr != @subnet4 masquerade\n"
				"\t\tip6 saddr @subnet6 ip6 daddr != @subnet6 masquerade\n"
				"\t}\n";

char *net_firewall_rules(const struct net_plan *p, unsigned rules)
{
	struct buf b = { 0 };

	/* Declared before it is deleted: so deleting is no error where it is not there. */
	buf_puts(&b, "table inet " TABLE "\ndelete table inet " TABLE "\ntable inet " TABLE " {\n");
	add_set(&b, p, AF_INET);
	add_set(&b, p, AF_INET6);
	buf_printf(&b, guard_rules, NET_GROUP, rules & NET_RULES_SOURCE ? source_rule : "");
	if (rules & NET_RULES_NAT)
		buf_puts(&b, nat_rules);
	buf_puts(&b, "}\n");
	return buf_steal(&b);
}

/* The first line of the stamp: which rules, in which network namespace. */
static int stamp_key(const struct net_plan *p, unsigned wanted, char *ret, size_t n,
		     struct err *err)
{
	_cleanup_free_ char *rules = net_firewall_rules(p, wanted);
	char ns[64];
	ssize_t len = readlink("/proc/self/ns/net", ns, sizeof(ns) - 1);

	if (len < 0)
		return err_errno(err, "cannot read /proc/self/ns/net");
	ns[len] = 0;
	snprintf(ret, n, "key=%s %016" PRIx64 "\n", ns,
		 str_hash(STR_HASH_INIT, rules, strlen(rules)));
	return 0;
}

/* Whether the stamp says that all of it is done, and the table is where the stamp says it is. */
static bool is_done(const char *stamp, const char *key)
{
	_cleanup_free_ char *text = NULL;

	if (fd_read_file(AT_FDCWD, stamp, STAMP_MAX, &text, NULL) < 0 || !str_starts(text, key))
		return false;
	return !strstr(text, "\ntable=yes\n") || nl_has_table(TABLE) == 1;
}

static void stamp_write(const char *stamp, const char *key, unsigned wanted, int installed,
			const struct err *why)
{
	struct buf b = { 0 };

	buf_puts(&b, key);
	buf_printf(&b, "table=%s\nsource-check=%s\nnat=%s\n", installed >= 0 ? "yes" : "no",
		   installed > 0 && installed & NET_RULES_SOURCE ? "yes" : "no",
		   !(wanted & NET_RULES_NAT)			? "off"
		   : installed > 0 && installed & NET_RULES_NAT ? "yes"
								: "no");
	buf_printf(&b, "why=%.290s\n", installed == (int)wanted ? "" : why->text);
	/* Run-time state: without it the next start does the same again. */
	(void)fd_replace(AT_FDCWD, stamp, b.s, b.len, 0644, false);
	buf_free(&b);
}

/* The most that this kernel takes. Its refusal does not say which part it lacks: so one after the
 * other is left out. Returns what was installed (enum net_rules), or negative: nothing was. */
static int install(const struct net_plan *p, unsigned wanted, struct err *first)
{
	const unsigned without[] = { 0, NET_RULES_NAT, NET_RULES_SOURCE,
				     NET_RULES_NAT | NET_RULES_SOURCE };
	struct err err;
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		unsigned now = wanted & ~without[i];
		_cleanup_free_ char *rules = NULL;

		if (without[i] & ~wanted)
			continue; /* tried already: the same rules */
		rules = net_firewall_rules(p, now);
		r = nft_run(rules, i ? &err : first);
		if (r >= 0)
			return (int)now;
		if (r == -ELIBACC)
			break;
	}
	return r;
}

int net_firewall_up(const struct net_plan *p, const char *stamp, struct err *err)
{
	unsigned wanted = NET_RULES_SOURCE | (p->nat ? NET_RULES_NAT : 0);
	_cleanup_free_ char *lock_path = NULL;
	struct lock lock = LOCK_NONE;
	struct err why = { 0 };
	char key[128];
	int r = 0;

	if (p->forward)
		r = forwarding_up(p, err);
	if (r >= 0)
		r = stamp_key(p, wanted, key, sizeof(key), err);
	if (r < 0)
		return r;
	if (is_done(stamp, key))
		return 0;
	/* Starts in parallel at boot: one of them does it. */
	lock_path = xasprintf("%s.lock", stamp);
	r = lock_take(lock_path, "the network rules", clock_ms() + LOCK_WAIT_MS, &lock, err);
	if (r < 0)
		return r;
	bool wanting = !is_done(stamp, key);
	if (wanting) {
		r = install(p, wanted, &why);
		/* The library may be installed while servers run: a key that fits none asks again.
		 */
		if (r == -ELIBACC)
			strcpy(strchr(key, ' '), " 0\n");
		stamp_write(stamp, key, wanted, r, &why);
	}
	lock_drop(&lock);
	return wanting;
}

int net_host_rules(const struct net_host_conf *h, const char *stamp, struct err *err)
{
	struct net_plan p = { .nat = h->nat };

	for (size_t i = 0; i < h->subnet.n && p.n_subnet < (int)ARRAY_LEN(p.subnet); i++)
		p.subnet[p.n_subnet++] = h->subnet.a[i];
	return net_firewall_up(&p, stamp, err);
}

static bool stamp_says(const char *text, const char *line)
{
	return strstr(text, line) != NULL;
}

int net_stamp_read(const char *stamp, struct net_stamp *ret)
{
	_cleanup_free_ char *text = NULL;
	struct net_stamp s = { 0 };
	char ns[64] = "", key[80];
	const char *why;
	int r;

	r = fd_read_file(AT_FDCWD, stamp, STAMP_MAX, &text, NULL);
	if (r < 0)
		return r;
	if (readlink("/proc/self/ns/net", ns, sizeof(ns) - 1) < 0)
		return -errno;
	snprintf(key, sizeof(key), "key=%s ", ns);
	if (!str_starts(text, key))
		return -ENOENT;
	s.source_check = stamp_says(text, "\nsource-check=yes\n");
	s.nat_wanted = !stamp_says(text, "\nnat=off\n");
	s.nat = stamp_says(text, "\nnat=yes\n");
	why = strstr(text, "\nwhy=");
	if (why)
		snprintf(s.why, sizeof(s.why), "%.*s", (int)strcspn(why + 5, "\n"), why + 5);
	*ret = s;
	return 0;
}
