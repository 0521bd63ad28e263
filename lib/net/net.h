/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a server is connected. A mode is one file and one row of nets.def; this header is all that
 * the rest of croft knows of it.
 */
#ifndef CROFT_NET_NET_H
#define CROFT_NET_NET_H

#include <net/if.h>
#include <stdint.h>
#include <sys/types.h>
#include "conf/opt.h"
#include "sys/nl.h"

/* Settings of a server. */
struct net_conf {
	char *mode; /* a name of nets.def */
	struct addrs ip;
	struct strv nameserver; /* addresses; "inherit" */
	struct strv searchdomain;
};
extern const struct opt net_opts[];
extern const size_t net_n_opts;

/* Settings of the host (croft.conf). */
struct net_host_conf {
	struct addrs subnet; /* SUBNET: one network per family, from which addresses are given */
	bool nat;	     /* masquerade the subnet towards the outside */
	bool forward;	     /* may croft switch the host's forwarding on */
};
extern const struct opt net_host_opts[];
extern const size_t net_n_host_opts;

#define NET_MAX_IP 32
#define NET_GROUP  0x63726f66 /* interface group of every host end: static rules match it */

/* What was decided for one start. No pointers into the configuration: it is kept as a snapshot in
 * the state. */
struct net_plan {
	const struct net_mode *mode;
	char server[64];
	char host_if[IFNAMSIZ]; /* "" where the mode has none */
	char guest_if[IFNAMSIZ];
	uint8_t host_mac[6], guest_mac[6];
	int mtu;
	struct addr ip[NET_MAX_IP];
	int n_ip;
	struct addr gateway4, gateway6; /* link-local, on the host end */
	struct addr subnet[8];		/* for forwarding, NAT */
	int n_subnet;
	bool nat, forward;
};

struct net_mode {
	const char *name, *help;
	bool has_link; /* an interface inside */
	bool has_ip;   /* takes and needs addresses */
	/* Decides everything, touches nothing, needs no privilege. */
	int (*plan)(const struct net_conf *c, const struct net_host_conf *h, struct net_plan *p,
		    struct err *err);
	/* Before the child exists: what the whole host needs once (forwarding, the nft table).
	 * Cheap when it is already there. stamp: path of a file in the run-time directory that a
	 * mode may keep to know that. NULL: nothing. Negative: it failed. */
	int (*host_up)(const struct net_plan *p, const char *stamp, struct err *err);
	/* The interface is born with one end in the network namespace of pid; host ends, routes. */
	int (*give)(const struct net_plan *p, pid_t pid, struct err *err);
	/* After give(), before init: adds what the server's end needs to the batch of nl, whose
	 * socket is in the server's network namespace. */
	int (*inside)(const struct net_plan *p, struct nl *nl, struct err *err);
	/* Crash-proof tear-down, also of a half-made one; the network namespace may be gone. Must
	 * not wait: a dying namespace takes its veth along. force: remove it explicitly, and wait.
	 */
	int (*host_down)(const struct net_plan *p, bool force, struct err *err);
};

/* NULL when there is no such mode. */
const struct net_mode *net_find(const char *name);
/* The rows of nets.def, ended by NULL. */
extern const struct net_mode *const net_modes[];

/* Dispatches to the mode's plan after the checks all modes share. seed: what the MAC is derived
 * from (the server's uuid). */
int net_plan_make(const struct net_conf *c, const struct net_host_conf *h, const char *server,
		  const char *seed, struct net_plan *ret, struct err *err);
/* Loopback up, then the mode's inside. netlink: from nl_socket(), made in the server's network
 * namespace; consumed. The caller stays in its own. */
int net_inside(const struct net_plan *p, int netlink, struct err *err);

/* The name of a server's interface on the host: "c", the server's name, ".0". A name that is too
 * long for that is cut, and "_" and six characters that depend on all of it follow; "_" is in no
 * server's name, so no other server has that interface. */
void net_host_if(const char *server, char ret[IFNAMSIZ]);

/* The rules of host_up() without a server: for `croft check` and `croft recover`. 1: they were not
 * there, or others. */
int net_host_rules(const struct net_host_conf *h, const char *stamp, struct err *err);
/* What host_up() noted about this host, for `croft check`. */
struct net_stamp {
	bool source_check; /* forged source addresses are dropped by nftables, IPv6 as well */
	bool nat_wanted, nat;
	char why[300]; /* the refusal, when something is missing; else "" */
};
/* -ENOENT: nothing was set up in this network namespace since the host booted. */
int net_stamp_read(const char *stamp, struct net_stamp *ret);

/* Reservations: DIR/ADDRESS is a symbolic link to the server's name; making it is atomic, so it is
 * the lock as well. They last until destroy. */
/* ERR_EXISTS naming the owner when another server has it; reserving one's own again is success. */
int net_reserve(const char *dir, const struct addr *a, const char *server, struct err *err);
/* The next free address of a network (not its first two: network and gateway; not the broadcast;
 * none of the host's own); next fit after the one given last. ERR_ROOM when none is left. */
int net_allocate(const char *dir, const struct addr *subnet, const char *server, struct addr *ret,
		 struct err *err);
int net_release(const char *dir, const struct addr *a, const char *server);
/* All of a server's reservations but those in keep, by reading the directory: for destroy and
 * recovery. */
int net_release_all(const char *dir, const char *server, const struct addr *keep, size_t n_keep,
		    struct err *err);

#endif
