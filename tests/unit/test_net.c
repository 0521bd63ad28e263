// SPDX-License-Identifier: GPL-2.0-or-later
/* The network: option values, plans, names of interfaces, the rules' text, and who has which
 * address. Nothing here makes an interface. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "base/mem.h"
#include "net/net.h"
#include "net/net_firewall.h"
#include "sys/fd.h"
#include "unit.h"

static struct addr addr(const char *s)
{
	struct addr a = { 0 };

	CHECK_INT(addr_parse(s, &a), 0);
	return a;
}

static const struct opt *row(const struct opt *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* Class of the error, 0 when the value is taken. */
static int try_value(const struct opt *o, const char *text)
{
	union {
		struct addrs a;
		struct strv v;
		char *s;
		bool b;
	} place = { 0 };
	struct err err = { 0 };
	int r = o->type->parse(o, text, &place, &err);

	if (r >= 0 && o->check)
		r = o->check(o, &place, &err);
	o->type->free(&place);
	return r < 0 ? (int)err.class : 0;
}

TEST(net_every_mode_is_found_and_has_a_plan)
{
	for (size_t i = 0; net_modes[i]; i++) {
		CHECK(net_find(net_modes[i]->name) == net_modes[i]);
		CHECK(net_modes[i]->plan != NULL);
		CHECK(net_modes[i]->help != NULL);
		CHECK_INT(try_value(row(net_opts, net_n_opts, "net"), net_modes[i]->name), 0);
	}
	CHECK(!net_find("bridge9"));
	CHECK_INT(try_value(row(net_opts, net_n_opts, "net"), "bridge9"), ERR_USAGE);
}

TEST(net_defaults_pass_their_own_checks)
{
	for (size_t i = 0; i < net_n_opts; i++)
		if (net_opts[i].def)
			CHECK_INT(try_value(&net_opts[i], net_opts[i].def), 0);
	for (size_t i = 0; i < net_n_host_opts; i++) {
		CHECK(net_host_opts[i].flags & OPT_HOST);
		if (net_host_opts[i].def)
			CHECK_INT(try_value(&net_host_opts[i], net_host_opts[i].def), 0);
	}
}

TEST(net_values_are_checked)
{
	const struct opt *ip = row(net_opts, net_n_opts, "ip");
	const struct opt *ns = row(net_opts, net_n_opts, "nameserver");
	const struct opt *search = row(net_opts, net_n_opts, "searchdomain");
	const struct opt *subnet = row(net_host_opts, net_n_host_opts, "subnet");

	CHECK_INT(try_value(ip, "10.77.0.10 fd77::10"), 0);
	CHECK_INT(try_value(ip, "10.77.0.10 10.77.0.10"), ERR_USAGE);
	CHECK_INT(try_value(ip, "fd77::10 fd77:0::10"), ERR_USAGE);
	CHECK_INT(try_value(ip, "127.0.0.1"), ERR_USAGE);
	CHECK_INT(try_value(ip, "169.254.0.1"), ERR_USAGE);
	CHECK_INT(try_value(ip, "fe80::2"), ERR_USAGE);
	CHECK_INT(try_value(ip, "web1"), ERR_USAGE);
	CHECK_INT(try_value(ns, "inherit"), 0);
	CHECK_INT(try_value(ns, "192.0.2.1 2001:db8::1"), 0);
	CHECK_INT(try_value(ns, "inherit 192.0.2.1"), ERR_USAGE);
	CHECK_INT(try_value(ns, "192.0.2.1/24"), ERR_USAGE);
	CHECK_INT(try_value(ns, "dns.example.org"), ERR_USAGE);
	CHECK_INT(try_value(search, "example.org corp _msdcs.example.org"), 0);
	CHECK_INT(try_value(search, "a..b"), ERR_USAGE);
	CHECK_INT(try_value(search, "a;b"), ERR_USAGE);
	CHECK_INT(try_value(subnet, "10.77.0.0/16 fd77::/64"), 0);
	CHECK_INT(try_value(subnet, "10.77.0.5/16"), ERR_USAGE);
	CHECK_INT(try_value(subnet, "10.77.0.0"), ERR_USAGE);
	CHECK_INT(try_value(subnet, "10.77.0.0/31"), ERR_USAGE);
	CHECK_INT(try_value(subnet, "10.77.0.0/24 10.78.0.0/24"), ERR_USAGE);
	CHECK_INT(try_value(subnet, "169.254.0.0/16"), ERR_USAGE);
}

TEST(net_host_interface_names_are_short_stable_and_distinct)
{
	char a[IFNAMSIZ], b[IFNAMSIZ];

	net_host_if("web1", a);
	CHECK_STR(a, "cweb1.0");
	net_host_if("twelve-chars", a);
	CHECK_STR(a, "ctwelve-chars.0");
	net_host_if("thirteen-char", a);
	CHECK_INT(strlen(a), IFNAMSIZ - 1);
	CHECK(strncmp(a, "cthirt_", 7) == 0);
	net_host_if("thirteen-char", b);
	CHECK_STR(a, b);
	net_host_if("thirteen-chas", b);
	CHECK(!streq(a, b));
	net_host_if("a-name-of-sixty-three-characters-is-the-longest-that-croft-has1", a);
	net_host_if("a-name-of-sixty-three-characters-is-the-longest-that-croft-has2", b);
	CHECK_INT(strlen(a), IFNAMSIZ - 1);
	CHECK(!streq(a, b));
}

static int plan(const char *mode, const char *ips, struct net_plan *p, struct err *err)
{
	struct addr subnet = { AF_INET, 16, { 10, 77 } };
	struct net_host_conf h = { .subnet = { &subnet, 1 }, .nat = true, .forward = true };
	struct strv words = { 0 };
	struct addr list[NET_MAX_IP + 1];
	struct net_conf c = { .mode = (char *)mode, .ip = { .a = list } };
	int r;

	strv_split(&words, ips, " ");
	for (size_t i = 0; i < words.n; i++)
		list[c.ip.n++] = addr(words.v[i]);
	strv_free(&words);
	r = net_plan_make(&c, &h, "web1", "0123456789abcdef0123456789abcdef", p, err);
	return r;
}

TEST(net_routed_plan)
{
	struct net_plan p, q;
	struct err err = { 0 };

	REQUIRE(plan("routed", "10.77.0.10 fd77::10", &p, &err) == 0);
	CHECK_STR(p.host_if, "cweb1.0");
	CHECK_STR(p.guest_if, "eth0");
	CHECK_INT(p.n_ip, 2);
	CHECK(addr_equal(&p.gateway4, &(struct addr) { AF_INET, 32, { 169, 254, 0, 1 } }));
	CHECK_INT(p.gateway6.family, AF_INET6);
	CHECK(p.nat && p.forward);
	CHECK(memcmp(p.host_mac, p.guest_mac, 6) != 0);
	CHECK_INT(p.guest_mac[0] & 3, 2);
	REQUIRE(plan("routed", "10.77.0.10", &q, &err) == 0);
	CHECK(memcmp(p.guest_mac, q.guest_mac, 6) == 0);
	CHECK_INT(q.gateway6.family, 0);
	REQUIRE(plan("routed", "fd77::10", &q, &err) == 0);
	CHECK_INT(q.gateway4.family, 0);
}

TEST(net_plan_refusals_leave_the_plan_alone)
{
	struct net_plan p = { .n_ip = 7 };
	struct err err = { 0 };

	CHECK(plan("routed", "", &p, &err) < 0);
	CHECK_INT(err.class, ERR_USAGE);
	CHECK(strstr(err.text, "--ip") != NULL);
	CHECK(plan("routed", "10.77.0.10/24", &p, &err) < 0);
	CHECK(strstr(err.text, "write 10.77.0.10") != NULL);
	CHECK(plan("routed", "127.0.0.1", &p, &err) < 0);
	CHECK(plan("nonsense", "10.77.0.10", &p, &err) < 0);
	CHECK(plan("none", "10.77.0.10", &p, &err) < 0);
	CHECK(strstr(err.text, "10.77.0.10") != NULL);
	CHECK_INT(p.n_ip, 7);
}

TEST(net_none_plan_has_no_link)
{
	struct net_plan p;
	struct err err = { 0 };

	REQUIRE(plan("none", "", &p, &err) == 0);
	CHECK_STR(p.host_if, "");
	CHECK_STR(p.guest_if, "");
	CHECK(!p.mode->has_link && !p.mode->give);
}

TEST(net_rules_are_the_same_for_every_server)
{
	_cleanup_free_ char *a = NULL, *b = NULL, *c = NULL;
	struct net_plan p, q;
	struct err err = { 0 };

	REQUIRE(plan("routed", "10.77.0.10 fd77::10", &p, &err) == 0);
	REQUIRE(plan("routed", "10.77.0.11", &q, &err) == 0);
	a = net_firewall_rules(&p, NET_RULES_SOURCE | NET_RULES_NAT);
	b = net_firewall_rules(&q, NET_RULES_SOURCE | NET_RULES_NAT);
	CHECK_STR(a, b);
	CHECK(strstr(a, "fib saddr . iif oif missing drop") != NULL);
	CHECK(strstr(a, "elements = { 10.77.0.0/16 }") != NULL);
	CHECK(strstr(a, "iifgroup 1668444006 ") != NULL);
	CHECK(strstr(a, "masquerade") != NULL);
	c = net_firewall_rules(&q, 0);
	CHECK(!strstr(c, "masquerade") && !strstr(c, "fib"));
}

TEST(net_stamp_of_another_namespace_counts_for_nothing)
{
	static const char other[] = "key=net:[1] 0\ntable=yes\nsource-check=yes\nnat=yes\nwhy=\n";
	char ns[64] = "", text[256];
	struct net_stamp s;

	CHECK_INT(net_stamp_read(unit_path("stamp"), &s), -ENOENT);
	CHECK_INT(fd_replace(AT_FDCWD, unit_path("stamp"), other, strlen(other), 0600, false), 0);
	CHECK_INT(net_stamp_read(unit_path("stamp"), &s), -ENOENT);
	REQUIRE(readlink("/proc/self/ns/net", ns, sizeof(ns) - 1) > 0);
	snprintf(text, sizeof(text),
		 "key=%s 0\ntable=yes\nsource-check=yes\nnat=no\nwhy=no such thing\n", ns);
	CHECK_INT(fd_replace(AT_FDCWD, unit_path("stamp"), text, strlen(text), 0600, false), 0);
	CHECK_INT(net_stamp_read(unit_path("stamp"), &s), 0);
	CHECK(s.source_check && s.nat_wanted && !s.nat);
	CHECK_STR(s.why, "no such thing");
}

TEST(net_reservation_has_one_owner)
{
	struct addr a = addr("10.77.0.10"), six = addr("fd77::10");
	const char *dir = unit_path("ip/deep");
	struct err err = { 0 };

	CHECK_INT(net_reserve(dir, &a, "web1", &err), 0);
	CHECK_INT(net_reserve(dir, &a, "web1", &err), 0);
	CHECK(net_reserve(dir, &a, "web2", &err) < 0);
	CHECK_INT(err.class, ERR_EXISTS);
	CHECK(strstr(err.text, "web1") && strstr(err.text, "10.77.0.10"));
	CHECK_INT(net_release(dir, &a, "web2"), 0);
	CHECK(net_reserve(dir, &a, "web2", &err) < 0);
	CHECK_INT(net_reserve(dir, &six, "web1", &err), 0);
	CHECK_INT(net_reserve(dir, &a, "web1", &err), 0);
	CHECK_INT(net_release_all(dir, "web1", &a, 1, &err), 0);
	CHECK_INT(net_reserve(dir, &six, "web2", &err), 0);
	CHECK_INT(net_release(dir, &six, "web2"), 0);
	CHECK(net_reserve(dir, &a, "web2", &err) < 0);
	CHECK_INT(net_release_all(dir, "web1", NULL, 0, &err), 0);
	CHECK_INT(net_reserve(dir, &a, "web2", &err), 0);
	CHECK_INT(net_release(dir, &a, "web2"), 0);
	CHECK_INT(net_release(dir, &a, "web2"), 0);
	CHECK_INT(net_release(unit_path("none"), &a, "web2"), 0);
	CHECK_INT(net_release_all(unit_path("none"), "web2", NULL, 0, &err), 0);
}

TEST(net_reserve_refuses_the_hosts_own)
{
	struct addr a = addr("127.0.0.9");
	struct err err = { 0 };

	CHECK(net_reserve(unit_path("ip"), &a, "web1", &err) < 0);
	CHECK_INT(err.class, ERR_EXISTS);
	CHECK(strstr(err.text, "127.0.0.9") != NULL);
	CHECK(access(unit_path("ip/127.0.0.9"), F_OK) < 0);
}

TEST(net_allocate_is_next_fit_until_full)
{
	struct addr net = addr("198.51.100.0/29"), a;
	char text[ADDR_STRLEN];
	struct err err = { 0 };

	/* .2 to .6: not the network, the gateway, the broadcast. */
	for (int i = 2; i <= 6; i++) {
		REQUIRE(net_allocate(unit_path("ip"), &net, "web1", &a, &err) == 0);
		CHECK_INT(a.b[3], i);
		CHECK_INT(a.prefix, 32);
	}
	CHECK_INT(net_allocate(unit_path("ip"), &net, "web1", &a, &err), -ENOSPC);
	CHECK_INT(err.class, ERR_ROOM);
	CHECK(strstr(err.text, "198.51.100.0/29") != NULL);
	a.b[3] = 3;
	CHECK_INT(net_release(unit_path("ip"), &a, "web1"), 0);
	a.b[3] = 5;
	CHECK_INT(net_release(unit_path("ip"), &a, "web1"), 0);
	REQUIRE(net_allocate(unit_path("ip"), &net, "web2", &a, &err) == 0);
	CHECK_STR(addr_print(&a, false, text), "198.51.100.3");
	a.b[3] = 3;
	CHECK_INT(net_release(unit_path("ip"), &a, "web2"), 0);
	REQUIRE(net_allocate(unit_path("ip"), &net, "web2", &a, &err) == 0);
	CHECK_STR(addr_print(&a, false, text), "198.51.100.5");
}

TEST(net_allocate_six_and_bad_hints)
{
	struct addr net = addr("2001:db8::/64"), small = addr("198.51.100.0/31"), a;
	char text[ADDR_STRLEN];
	struct err err = { 0 };

	REQUIRE(net_allocate(unit_path("ip"), &net, "web1", &a, &err) == 0);
	CHECK_STR(addr_print(&a, false, text), "2001:db8::2");
	CHECK_INT(
	    fd_replace(AT_FDCWD, unit_path("ip/.next-2001:db8::_64"), "rubbish", 7, 0600, false),
	    0);
	REQUIRE(net_allocate(unit_path("ip"), &net, "web1", &a, &err) == 0);
	CHECK_STR(addr_print(&a, false, text), "2001:db8::3");
	CHECK_INT(net_allocate(unit_path("ip"), &small, "web1", &a, &err), -ENOSPC);
	CHECK_INT(err.class, ERR_ROOM);
	CHECK_INT(net_release_all(unit_path("ip"), "web1", NULL, 0, &err), 0);
}
