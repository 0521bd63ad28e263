// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses. IPv4 and IPv6 go through the same code: the family decides only how many bytes count.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

int addr_bytes(const struct addr *a)
{
	return a->family == AF_INET ? 4 : 16;
}

int addr_parse(const char *s, struct addr *ret)
{
	struct addr a = { 0 };
	char host[INET6_ADDRSTRLEN];
	size_t n = strcspn(s, "/");

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, s, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, a.b) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, host, a.b) == 1)
		a.family = AF_INET6;
	else
		return -EINVAL;
	a.prefix = addr_bytes(&a) * 8;
	if (s[n]) {
		const char *p = s + n + 1;

		if ((p[0] == '0' && p[1]) || parse_int(p, 0, a.prefix, &a.prefix) < 0)
			return -EINVAL;
	}
	*ret = a;
	return 0;
}

char *addr_print(const struct addr *a, bool with_prefix, char *out)
{
	char host[INET6_ADDRSTRLEN];

	if (!a->family || !inet_ntop(a->family, a->b, host, sizeof(host)))
		strcpy(host, "none");
	if (with_prefix && a->family)
		snprintf(out, ADDR_STRLEN, "%s/%d", host, a->prefix);
	else
		snprintf(out, ADDR_STRLEN, "%s", host);
	return out;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, (size_t)addr_bytes(a)) == 0;
}

/* Whether the first n bits are the same. */
static bool same_bits(const uint8_t *a, const uint8_t *b, int n)
{
	int bytes = n / 8, bits = n % 8;

	if (memcmp(a, b, (size_t)bytes))
		return false;
	return !bits || !((a[bytes] ^ b[bytes]) >> (8 - bits));
}

bool addr_in(const struct addr *a, const struct addr *net)
{
	return a->family && a->family == net->family && same_bits(a->b, net->b, net->prefix);
}

/* The result is a single address: its prefix is 32 or 128. */
int addr_nth(const struct addr *net, uint64_t n, struct addr *ret)
{
	int bytes = addr_bytes(net), host_bits = bytes * 8 - net->prefix;
	struct addr a = *net;

	if (host_bits < 64 && n >> host_bits)
		return -ERANGE;
	for (int i = 0; i < bytes; i++) {
		int keep = net->prefix - i * 8;

		if (keep <= 0)
			a.b[i] = 0;
		else if (keep < 8)
			a.b[i] &= (uint8_t)(0xff << (8 - keep));
	}
	/* The host bits are zero now and n fits into them: no carry reaches the network's bits. */
	for (int i = bytes - 1; n; i--, n >>= 8)
		a.b[i] |= (uint8_t)n;
	a.prefix = bytes * 8;
	*ret = a;
	return 0;
}

const char *addr_unfit(const struct addr *a)
{
	/* Order matters: the first network that holds the address gives the word. */
	static const struct {
		const char *net, *word;
	} nets[] = {
		{ "0.0.0.0/8", "an unspecified address" },
		{ "127.0.0.0/8", "a loopback address" },
		{ "169.254.0.0/16", "a link-local address" },
		{ "224.0.0.0/4", "a multicast address" },
		{ "255.255.255.255", "the broadcast address" },
		{ "::", "the unspecified address" },
		{ "::1", "the loopback address" },
		{ "fe80::/10", "a link-local address" },
		{ "ff00::/8", "a multicast address" },
		{ "::ffff:0:0/96", "an IPv4 address mapped into IPv6" },
	};
	struct addr net;

	if (!a->family)
		return "not an address";
	for (size_t i = 0; i < ARRAY_LEN(nets); i++)
		if (addr_parse(nets[i].net, &net) == 0 && addr_in(a, &net))
			return nets[i].word;
	return NULL;
}

/* Little-endian bytes of v, so that a server keeps its MAC when it moves to another architecture.
 */
static uint64_t hash_number(uint64_t h, uint64_t v)
{
	uint8_t b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	return str_hash(h, b, sizeof(b));
}

void addr_mac(const char *seed, int index, uint8_t ret[6])
{
	uint64_t h = str_hash(STR_HASH_INIT, seed, strlen(seed));

	/* The second round spreads what the last bytes of the first one changed over all bits. */
	h = hash_number(h, (uint64_t)index);
	h = hash_number(h, h);
	for (int i = 0; i < 6; i++)
		ret[i] = (uint8_t)(h >> (8 * i + 16));
	/* Locally administered, unicast (IEEE 802, section 8.2). */
	ret[0] = (uint8_t)((ret[0] & 0xfc) | 0x02);
}
