/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a start will do, decided and checked before anything is touched. Every refusal that can be
 * known beforehand happens while the plan is made; making it needs no privilege. */
#ifndef CROFT_RUN_PLAN_H
#define CROFT_RUN_PLAN_H

#include <signal.h>
#include "server/server.h"
#include "template/template.h"

struct plan {
	const struct host *host;
	const struct server *server;
	char name[64];
	char hostname[65];
	struct store_plan store;
	struct net_plan net;
	const struct dialect *dialect;
	struct limit_conf limit;
	unsigned features;
	bool privileged;
	enum { PLAN_VIEW_NONE, PLAN_VIEW_AUTO, PLAN_VIEW_LXCFS } view;
	uid_t uid_base; /* first host id of the server's 65,536; 0 when privileged */
	char cgroup[192];
	char dir[256];	   /* VAR/servers/NAME */
	char run_dir[256]; /* RUN/NAME */
	char console_log[256];
	unsigned long namespaces; /* CLONE_NEW* */
	const char *init[8];	  /* programs to try, ended by NULL */
};

/* h and s must outlive the plan. */
int plan_make(const struct host *h, const struct server *s, struct plan *ret, struct err *err);
/* The start order with its values, as `croft plan` prints it: one line per step, "step: what". */
void plan_print(const struct plan *p, struct buf *out);

#define PLAN_IDS 65536

#endif
