/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a server has received and sent: the counters of its link, which the kernel keeps for as long
 * as the server's network namespace lives. Left alone that ends with the server's last process, and
 * nobody could read them after. So somebody holds the namespace: the monitor while the server runs,
 * until its ledger is written; and whoever stops the server.
 */
#ifndef CROFT_RUN_TRAFFIC_H
#define CROFT_RUN_TRAFFIC_H

#include "net/net.h"
#include "run/state.h"

/* The network namespace of a process, held until the descriptor is closed; -1: it has none any
 * more. */
int traffic_hold(pid_t pid);
/* The same for a server's init, while that lives. */
int traffic_hold_init(const struct state *s);
/* Before a process executes croft-monitor: gives it what traffic_hold() returned (-1: nothing), and
 * control as MONITOR_CONTROL_FD (-1: nothing). Both stay open over exec. */
void traffic_hand(int held, int control);
/* What a monitor has handed to the command that it has become; -1: nothing. Closed by exec. */
int traffic_handed(void);

/* Into the two figures of the network. 1; 0: there is no such link, and nothing is changed;
 * negative errno. nl: in the host's network namespace. */
int traffic_read(struct nl *nl, const struct state *s, struct limit_usage *u);
/* The same with a socket of its own; what cannot be read is left as it is. */
void traffic_read_once(const struct state *s, struct limit_usage *u);

#endif
