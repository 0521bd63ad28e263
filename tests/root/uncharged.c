// SPDX-License-Identifier: GPL-2.0-or-later
/* Tries to get memory of the kernel's that no control group is charged for; limits.bats looks at
 * the host meanwhile. Says "done", and keeps it for a second. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* 6 times 64 MB. */
static void rings(int option)
{
	struct tpacket_req r = { 1 << 20, 64, 2048, 64 * 512 };

	for (int i = 0; i < 6; i++) {
		int s = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), v = TPACKET_V2;

		setsockopt(s, SOL_PACKET, PACKET_VERSION, &v, sizeof(v));
		if (setsockopt(s, SOL_PACKET, option, &r, sizeof(r)) < 0)
			perror("setsockopt");
	}
}

/* About 300 MB. */
static void policies(void)
{
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_XFRM);
	struct {
		struct nlmsghdr h;
		struct xfrm_userpolicy_info p;
	} m;
	char answer[4096];

	if (s < 0)
		perror("socket");
	for (unsigned n = 0; s >= 0 && n < 300000; n++) {
		memset(&m, 0, sizeof(m));
		m.h = (struct nlmsghdr) { .nlmsg_len = sizeof(m),
					  .nlmsg_type = XFRM_MSG_NEWPOLICY,
					  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK };
		m.p.sel.family = AF_INET;
		m.p.sel.saddr.a4 = htonl(0x0b000000 + n);
		m.p.sel.daddr.a4 = htonl(0x0c000000 + n);
		m.p.sel.prefixlen_s = m.p.sel.prefixlen_d = 32;
		m.p.dir = XFRM_POLICY_OUT;
		m.p.action = XFRM_POLICY_BLOCK;
		if (send(s, &m, sizeof(m), 0) < 0 || recv(s, answer, sizeof(answer), 0) < 0)
			break;
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "xfrm") == 0)
		policies();
	else if (argc == 2)
		rings(strcmp(argv[1], "rx-ring") == 0 ? PACKET_RX_RING : PACKET_TX_RING);
	puts("done");
	fflush(stdout);
	sleep(1);
	return 0;
}
