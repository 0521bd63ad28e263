// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routing netlink through libnl-3: the only file that includes its headers.
 *
 * What must stay true: a batch is one sendmsg(2). The kernel works through all of it before that
 * call returns (rtnetlink(7) is synchronous), so only the last request asks for an acknowledgement;
 * a refusal is answered in any case, netlink(7). There is no dump and no cache. Every request is
 * built by libnl with its bounds checks; a request that does not fit fails the batch.
 */
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include "base/mem.h"
#include "base/str.h"
#include "sys/nl.h"

#define BATCH_MAX   128	 /* requests; a server's 32 addresses need two each and a few more */
#define REQUEST_MAX 1024 /* bytes; the largest, a veth pair, has about 250 */

/* Small on purpose: in a process just forked every page that is touched first costs a fault. */
struct nl {
	struct nl_sock *sk;
	uint32_t seq;	 /* of the request added last */
	uint32_t n;	 /* requests in the batch: their numbers end with seq */
	struct buf out;	 /* the requests, one after the other */
	struct buf what; /* the words for each, each with its NUL */
	size_t last;	 /* where in out the last one starts */
	bool broken;	 /* a request did not fit */
};

static void nl_dropp(struct nl **nl)
{
	nl_drop(*nl);
}

static void msg_freep(struct nl_msg **m)
{
	nlmsg_free(*m);
}

static void attr_str(struct nl *nl, struct nl_msg *m, int type, const char *s)
{
	if (nla_put(m, type, (int)strlen(s) + 1, s) < 0)
		nl->broken = true;
}

static void attr_u32(struct nl *nl, struct nl_msg *m, int type, uint32_t v)
{
	if (nla_put(m, type, sizeof(v), &v) < 0)
		nl->broken = true;
}

static void attr_data(struct nl *nl, struct nl_msg *m, int type, const void *data, int len)
{
	if (nla_put(m, type, len, data) < 0)
		nl->broken = true;
}

static struct nlattr *nest(struct nl *nl, struct nl_msg *m, int type)
{
	struct nlattr *a = nla_nest_start(m, type);

	if (!a)
		nl->broken = true;
	return a;
}

static void nest_end(struct nl_msg *m, struct nlattr *a)
{
	if (a)
		nla_nest_end(m, a);
}

static void header(struct nl *nl, struct nl_msg *m, const void *data, size_t len)
{
	if (nlmsg_append(m, (void *)data, len, NLMSG_ALIGNTO) < 0)
		nl->broken = true;
}

static struct nl_msg *request(int type, int flags)
{
	struct nl_msg *m = nlmsg_alloc_size(REQUEST_MAX);

	if (!m || !nlmsg_put(m, NL_AUTO_PORT, 0, type, 0, flags | NLM_F_REQUEST))
		abort(); /* no memory for a kilobyte */
	return m;
}

/* Takes the request into the batch. */
static void queue(struct nl *nl, struct nl_msg *m, const char *what)
{
	_cleanup_(msg_freep) struct nl_msg *own = m;
	struct nlmsghdr *h = nlmsg_hdr(own);
	static const char pad[NLMSG_ALIGNTO];

	if (nl->n == BATCH_MAX) {
		nl->broken = true;
		return;
	}
	h->nlmsg_seq = ++nl->seq;
	nl->last = nl->out.len;
	buf_add(&nl->out, h, h->nlmsg_len);
	buf_add(&nl->out, pad, NLMSG_ALIGN(h->nlmsg_len) - h->nlmsg_len);
	buf_add(&nl->what, what, strlen(what) + 1);
	nl->n++;
}

/* fd: a socket that is there already, or -1. Consumes it. */
static int open_protocol(struct nl **ret, int protocol, int fd)
{
	_cleanup_close_ int own = fd;
	_cleanup_(nl_dropp) struct nl *nl = xcalloc(1, sizeof(*nl));
	int on = 1, r;

	nl->sk = nl_socket_alloc();
	if (!nl->sk)
		return -ENOMEM;
	nl_socket_disable_msg_peek(nl->sk); /* answers are small: one recvmsg(2) each, not two */
	r = fd < 0 ? nl_connect(nl->sk, protocol) : nl_socket_set_fd(nl->sk, protocol, fd);
	if (r < 0) {
		int e = errno;

		return e > 0 ? -e : -EPROTO;
	}
	own = -1;
	/* 4.12. Both only make the kernel's refusals short and readable: an older one does without.
	 */
	(void)setsockopt(nl_socket_get_fd(nl->sk), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(nl_socket_get_fd(nl->sk), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	*ret = STEAL_PTR(nl);
	return 0;
}

int nl_open(struct nl **ret, struct err *err)
{
	int r = open_protocol(ret, NETLINK_ROUTE, -1);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot open a routing netlink socket");
	return 0;
}

int nl_socket(struct err *err)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	/* Bound, so that its port is the kernel's choice in that namespace. */
	if (fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0)
		return fd;
	err_errno(err, "cannot open a routing netlink socket inside");
	if (fd >= 0)
		close(fd);
	return -1;
}

int nl_use(int fd, struct nl **ret, struct err *err)
{
	int r = open_protocol(ret, NETLINK_ROUTE, fd);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot use the server's routing netlink socket");
	return 0;
}

void nl_drop(struct nl *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sk);
	buf_free(&nl->out);
	buf_free(&nl->what);
	free(nl);
}

void nl_veth_add(struct nl *nl, const struct nl_veth *v, const char *what)
{
	struct nl_msg *m = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlattr *info, *data, *peer;

	header(nl, m, &ifi, sizeof(ifi));
	attr_str(nl, m, IFLA_IFNAME, v->host_name);
	attr_data(nl, m, IFLA_ADDRESS, v->host_mac, 6);
	attr_u32(nl, m, IFLA_GROUP, (uint32_t)v->group);
	attr_u32(nl, m, IFLA_NUM_TX_QUEUES, 1);
	attr_u32(nl, m, IFLA_NUM_RX_QUEUES, 1);
	if (v->mtu)
		attr_u32(nl, m, IFLA_MTU, (uint32_t)v->mtu);
	info = nest(nl, m, IFLA_LINKINFO);
	attr_str(nl, m, IFLA_INFO_KIND, "veth");
	data = nest(nl, m, IFLA_INFO_DATA);
	/* The peer cannot be born up: veth_open() refuses (ENOTCONN) while it has no other end. */
	peer = nest(nl, m, VETH_INFO_PEER);
	header(nl, m, &ifi, sizeof(ifi));
	attr_str(nl, m, IFLA_IFNAME, v->peer_name);
	attr_data(nl, m, IFLA_ADDRESS, v->peer_mac, 6);
	attr_u32(nl, m, IFLA_NET_NS_PID, (uint32_t)v->peer_pid);
	attr_u32(nl, m, IFLA_NUM_TX_QUEUES, 1);
	attr_u32(nl, m, IFLA_NUM_RX_QUEUES, 1);
	if (v->mtu)
		attr_u32(nl, m, IFLA_MTU, (uint32_t)v->mtu);
	nest_end(m, peer);
	nest_end(m, data);
	nest_end(m, info);
	queue(nl, m, what);
}

static bool kernel_has_inet6(void)
{
	return access("/proc/sys/net/ipv6", F_OK) == 0;
}

static void attr_inet6_no_addr_gen(struct nl *nl, struct nl_msg *m)
{
	uint8_t none = IN6_ADDR_GEN_MODE_NONE;
	struct nlattr *inet6;

	if (!kernel_has_inet6())
		return;
	inet6 = nest(nl, m, AF_INET6);
	attr_data(nl, m, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
	nest_end(m, inet6);
}

void nl_link_guard(struct nl *nl, int ifindex, const char *alias, bool forward, const char *what)
{
	struct nl_msg *m = request(RTM_NEWLINK, 0);
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nlattr *spec, *inet, *conf;

	header(nl, m, &ifi, sizeof(ifi));
	attr_data(nl, m, IFLA_IFALIAS, alias, (int)strlen(alias)); /* text without its NUL */
	spec = nest(nl, m, IFLA_AF_SPEC);
	inet = nest(nl, m, AF_INET);
	conf = nest(nl, m, IFLA_INET_CONF);
	attr_u32(nl, m, IPV4_DEVCONF_RP_FILTER, 1);
	attr_u32(nl, m, IPV4_DEVCONF_ACCEPT_REDIRECTS, 0);
	attr_u32(nl, m, IPV4_DEVCONF_SEND_REDIRECTS, 0);
	attr_u32(nl, m, IPV4_DEVCONF_ACCEPT_SOURCE_ROUTE, 0);
	attr_u32(nl, m, IPV4_DEVCONF_PROXY_ARP, 0);
	attr_u32(nl, m, IPV4_DEVCONF_ACCEPT_LOCAL, 0);
	attr_u32(nl, m, IPV4_DEVCONF_ROUTE_LOCALNET, 0);
	if (forward)
		attr_u32(nl, m, IPV4_DEVCONF_FORWARDING, 1);
	nest_end(m, conf);
	nest_end(m, inet);
	attr_inet6_no_addr_gen(nl, m);
	nest_end(m, spec);
	queue(nl, m, what);
}

void nl_link_up(struct nl *nl, int ifindex, bool no_addr_gen, const char *what)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nl_msg *m;

	/* A request of its own, before: within one the kernel sets the flags first, and the address
	 * would be there already (do_setlink() in net/core/rtnetlink.c). */
	if (no_addr_gen && kernel_has_inet6()) {
		struct nlattr *spec;

		m = request(RTM_NEWLINK, 0);
		header(nl, m, &ifi, sizeof(ifi));
		spec = nest(nl, m, IFLA_AF_SPEC);
		attr_inet6_no_addr_gen(nl, m);
		nest_end(m, spec);
		queue(nl, m, what);
	}
	m = request(RTM_NEWLINK, 0);
	ifi.ifi_flags = IFF_UP;
	ifi.ifi_change = IFF_UP;
	header(nl, m, &ifi, sizeof(ifi));
	queue(nl, m, what);
}

void nl_link_retire(struct nl *nl, int ifindex, const char *new_name, const char *what)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nl_msg *m = request(RTM_NEWLINK, 0);

	/* Down first: before 6.2 a link that is up keeps its name (EBUSY). */
	ifi.ifi_change = IFF_UP;
	header(nl, m, &ifi, sizeof(ifi));
	queue(nl, m, what);
	m = request(RTM_NEWLINK, 0);
	ifi.ifi_change = 0;
	header(nl, m, &ifi, sizeof(ifi));
	attr_str(nl, m, IFLA_IFNAME, new_name);
	queue(nl, m, what);
}

void nl_link_del(struct nl *nl, const char *name, const char *what)
{
	struct nl_msg *m = request(RTM_DELLINK, 0);
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };

	header(nl, m, &ifi, sizeof(ifi));
	attr_str(nl, m, IFLA_IFNAME, name);
	queue(nl, m, what);
}

static void addr_request(struct nl *nl, int type, int flags, int ifindex, const struct addr *a,
			 bool link_scope, const char *what)
{
	struct nl_msg *m = request(type, flags);
	struct ifaddrmsg ifa = {
		.ifa_family = (uint8_t)a->family,
		.ifa_prefixlen = (uint8_t)a->prefix,
		.ifa_scope = link_scope ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.ifa_index = (uint32_t)ifindex,
	};

	header(nl, m, &ifa, sizeof(ifa));
	attr_data(nl, m, IFA_LOCAL, a->b, addr_bytes(a));
	attr_data(nl, m, IFA_ADDRESS, a->b, addr_bytes(a));
	/* Nobody else can be on a link with two ends, and waiting for that proof takes a second. */
	if (a->family == AF_INET6)
		attr_u32(nl, m, IFA_FLAGS, IFA_F_NODAD | (link_scope ? IFA_F_NOPREFIXROUTE : 0));
	queue(nl, m, what);
}

void nl_addr_add(struct nl *nl, int ifindex, const struct addr *a, bool link_scope,
		 const char *what)
{
	addr_request(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, ifindex, a, link_scope, what);
}

void nl_addr_del(struct nl *nl, int ifindex, const struct addr *a, const char *what)
{
	addr_request(nl, RTM_DELADDR, 0, ifindex, a, false, what);
}

void nl_route_add(struct nl *nl, int ifindex, const struct addr *dst, const struct addr *via,
		  const char *what)
{
	struct nl_msg *m = request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg rt = {
		.rtm_family = (uint8_t)(dst   ? dst->family
					: via ? via->family
					      : AF_UNSPEC),
		.rtm_dst_len = (uint8_t)(dst ? dst->prefix : 0),
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST,
		/* The gateway is on the link whatever other routes say; networkd of the guest marks
		 * its routes so (GatewayOnLink=), and finds them the same only then. */
		.rtm_flags = via ? RTNH_F_ONLINK : 0,
	};

	header(nl, m, &rt, sizeof(rt));
	if (dst)
		attr_data(nl, m, RTA_DST, dst->b, addr_bytes(dst));
	if (via)
		attr_data(nl, m, RTA_GATEWAY, via->b, addr_bytes(via));
	attr_u32(nl, m, RTA_OIF, (uint32_t)ifindex);
	queue(nl, m, what);
}

void nl_neigh_add(struct nl *nl, int ifindex, const struct addr *a, const uint8_t mac[6],
		  const char *what)
{
	struct nl_msg *m = request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg nd = {
		.ndm_family = (uint8_t)a->family,
		.ndm_ifindex = ifindex,
		.ndm_state = NUD_PERMANENT,
	};

	header(nl, m, &nd, sizeof(nd));
	attr_data(nl, m, NDA_DST, a->b, addr_bytes(a));
	attr_data(nl, m, NDA_LLADDR, mac, 6);
	queue(nl, m, what);
}

/* The kernel's own words on a refusal (NETLINK_EXT_ACK, 4.12), "" when it has none. */
static void kernel_words(const struct nlmsghdr *h, char *out, size_t n)
{
	const struct nlmsgerr *e = nlmsg_data(h);
	int head = NLMSG_HDRLEN + (int)sizeof(*e);
	struct nlattr *words;

	*out = 0;
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		head += (int)NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (head >= (int)h->nlmsg_len)
		return;
	words = nla_find((const struct nlattr *)((const char *)h + head), (int)h->nlmsg_len - head,
			 NLMSGERR_ATTR_MSG);
	if (words)
		nla_strlcpy(out, words, n);
}

static int refusal(const struct nl *nl, const struct nlmsghdr *h, int num, struct err *err)
{
	enum err_class class = ERR_FAIL;
	const char *what = nl->what.s;
	char words[160], *p;

	for (uint32_t i = nl->seq - nl->n + 1; i != nl->seq && i != h->nlmsg_seq; i++)
		what += strlen(what) + 1;
	kernel_words(h, words, sizeof(words));
	for (p = words; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	if (num == EOPNOTSUPP || num == EAFNOSUPPORT || num == EPROTONOSUPPORT)
		class = ERR_HOST;
	if (*words)
		return err_set(err, class, num, "%s: %s", what, words);
	return err_set(err, class, num, "%s", what);
}

/* Reads answers until the one to the last request. reply: called with every answer that is no
 * acknowledgement; NULL: there are none. The first refusal is kept. */
static int read_answers(struct nl *nl, void (*reply)(struct nlmsghdr *h, void *arg), void *arg,
			struct err *err)
{
	struct sockaddr_nl from;
	bool done = false;
	int first = 0;

	while (!done) {
		_cleanup_free_ unsigned char *answer = NULL;
		int left = nl_recv(nl->sk, &from, &answer, NULL);

		if (left <= 0)
			return err_set(err, ERR_FAIL, left < 0 && errno ? errno : EPROTO,
				       "no answer from the kernel over netlink");
		for (struct nlmsghdr *h = (struct nlmsghdr *)answer; nlmsg_ok(h, left);
		     h = nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = nlmsg_data(h);

			if (h->nlmsg_type != NLMSG_ERROR) {
				if (reply)
					reply(h, arg);
				continue;
			}
			if (nlmsg_datalen(h) < (int)sizeof(*e))
				continue;
			if (e->error && !first)
				first = refusal(nl, h, -e->error, err);
			if (h->nlmsg_seq == nl->seq)
				done = true;
		}
	}
	return first;
}

static int exchange(struct nl *nl, void (*reply)(struct nlmsghdr *h, void *arg), void *arg,
		    struct err *err)
{
	struct nlmsghdr *h;
	int r = 0;

	if (nl->broken) {
		r = err_set(err, ERR_FAIL, EMSGSIZE, "too much for one netlink message");
	} else if (nl->n) {
		h = (struct nlmsghdr *)(nl->out.s + nl->last);
		h->nlmsg_flags |= NLM_F_ACK;
		if (nl_sendto(nl->sk, nl->out.s, nl->out.len) < 0)
			r = err_set(err, ERR_FAIL, errno ? errno : EPROTO,
				    "%s: cannot ask the kernel", nl->what.s);
		else
			r = read_answers(nl, reply, arg, err);
	}
	nl->out.len = 0;
	nl->what.len = 0;
	nl->n = 0;
	nl->broken = false;
	return r;
}

int nl_flush(struct nl *nl, struct err *err)
{
	return exchange(nl, NULL, NULL, err);
}

static void link_reply(struct nlmsghdr *h, void *arg)
{
	struct nlattr *tb[IFLA_MAX + 1];
	struct nl_link *l = arg;

	if (h->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(h, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0)
		return;
	l->ifindex = ((struct ifinfomsg *)nlmsg_data(h))->ifi_index;
	if (tb[IFLA_GROUP] && nla_len(tb[IFLA_GROUP]) >= 4)
		l->group = (int)nla_get_u32(tb[IFLA_GROUP]);
	if (tb[IFLA_IFALIAS])
		nla_strlcpy(l->alias, tb[IFLA_IFALIAS], sizeof(l->alias));
	/* Later kernels append members to the struct; its first ones are what they were. */
	if (tb[IFLA_STATS64] &&
	    nla_len(tb[IFLA_STATS64]) >= (int)offsetof(struct rtnl_link_stats64, rx_errors)) {
		struct rtnl_link_stats64 s = { 0 };

		nla_memcpy(&s, tb[IFLA_STATS64], sizeof(s));
		l->received = s.rx_bytes;
		l->sent = s.tx_bytes;
	}
}

static int link_get(struct nl *nl, const char *name, bool counters, struct nl_link *ret)
{
	struct nl_msg *m = request(RTM_GETLINK, 0);
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_link l = { 0 };
	struct err err;
	int r;

	header(nl, m, &ifi, sizeof(ifi));
	attr_str(nl, m, IFLA_IFNAME, name);
	if (!counters)
		attr_u32(nl, m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	queue(nl, m, name);
	r = exchange(nl, link_reply, &l, &err);
	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return r;
	*ret = l;
	return l.ifindex != 0;
}

int nl_link_get(struct nl *nl, const char *name, struct nl_link *ret)
{
	return link_get(nl, name, false, ret);
}

int nl_link_counters(struct nl *nl, const char *name, struct nl_link *ret)
{
	return link_get(nl, name, true, ret);
}

static int index_on(int sock, const char *name)
{
	struct ifreq req = { 0 };

	if (strlen(name) >= sizeof(req.ifr_name))
		return 0;
	strcpy(req.ifr_name, name);
	return ioctl(sock, SIOCGIFINDEX, &req) < 0 ? 0 : req.ifr_ifindex;
}

int nl_index(const char *name)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? 0 : index_on(fd, name);
}

int nl_index_at(const struct nl *nl, const char *name)
{
	return index_on(nl_socket_get_fd(nl->sk), name);
}

static void route_reply(struct nlmsghdr *h, void *arg)
{
	if (h->nlmsg_type == RTM_NEWROUTE && nlmsg_datalen(h) >= (int)sizeof(struct rtmsg))
		*(int *)arg = ((struct rtmsg *)nlmsg_data(h))->rtm_type;
}

int nl_is_local(const struct addr *a)
{
	_cleanup_(nl_dropp) struct nl *nl = NULL;
	struct rtmsg rt = { .rtm_family = (uint8_t)a->family,
			    .rtm_dst_len = (uint8_t)(addr_bytes(a) * 8) };
	struct nl_msg *m;
	struct err err;
	int r, type = 0;

	r = open_protocol(&nl, NETLINK_ROUTE, -1);
	if (!nl)
		return r;
	m = request(RTM_GETROUTE, 0);
	header(nl, m, &rt, sizeof(rt));
	attr_data(nl, m, RTA_DST, a->b, addr_bytes(a));
	queue(nl, m, "route");
	r = exchange(nl, route_reply, &type, &err);
	/* Refused: nothing leads there, so it is nobody's here; also where the family is missing.
	 */
	if (r == -EMSGSIZE || r == -EPROTO || r == -ENOBUFS)
		return r;
	return type == RTN_LOCAL;
}

int nl_has_table(const char *name)
{
	_cleanup_(nl_dropp) struct nl *nl = NULL;
	struct nfgenmsg gen = { .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };
	struct nl_msg *m;
	struct err err;
	int r;

	r = open_protocol(&nl, NETLINK_NETFILTER, -1);
	if (r < 0 || !nl)
		return r;
	m = request((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE, 0);
	header(nl, m, &gen, sizeof(gen));
	attr_str(nl, m, NFTA_TABLE_NAME, name);
	queue(nl, m, name);
	r = exchange(nl, NULL, NULL, &err);
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}
