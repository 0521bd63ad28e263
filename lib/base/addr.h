/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 and IPv6 addresses as equals, and MAC addresses. */
#ifndef CROFT_BASE_ADDR_H
#define CROFT_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_STRLEN 64

struct addr {
	int family; /* AF_INET or AF_INET6; 0 is "no address" */
	int prefix; /* network bits; 32 or 128 where none was given */
	uint8_t b[16];
};

/* "10.0.0.1", "10.0.0.1/24", "fd00::1/64". Only the canonical textual forms inet_pton(3) takes; no
 * zone, no host names. 0 or -EINVAL. */
int addr_parse(const char *s, struct addr *ret);
/* out has ADDR_STRLEN bytes. with_prefix adds /LEN, also where it is 32 or 128. Returns out. */
char *addr_print(const struct addr *a, bool with_prefix, char *out);
bool addr_equal(const struct addr *a, const struct addr *b); /* family and bits, not the prefix */
bool addr_in(const struct addr *a, const struct addr *net);
int addr_bytes(const struct addr *a); /* 4 or 16 */
/* The n-th address of a network; -ERANGE beyond its end. n counts from 0. */
int addr_nth(const struct addr *net, uint64_t n, struct addr *ret);
/* Why this address cannot be a server's, or NULL when it can: unspecified, loopback, multicast,
 * link-local, v4-mapped, broadcast. */
const char *addr_unfit(const struct addr *a);

/* A stable, locally administered unicast MAC derived from a seed; never random, so that a server
 * keeps it over restart, restore and move. */
void addr_mac(const char *seed, int index, uint8_t ret[6]);

#endif
