/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that most distributions write alike, for the dialects to choose from. */
#ifndef CROFT_DIALECT_DIALECT_FILES_H
#define CROFT_DIALECT_DIALECT_FILES_H

#include "dialect/dialect.h"

/* What is known of a tree before a dialect is chosen. */
struct dialect_facts {
	char id[64];	   /* ID of os-release; "" when there is none */
	char id_like[128]; /* ID_LIKE */
	bool systemd;	   /* /sbin/init is systemd, or systemd is there and no other init is */
	bool busybox;	   /* /sbin/init is busybox */
};

int dialect_write_hostname(int rootfd, const struct dialect_job *job, struct err *err);
int dialect_write_hosts(int rootfd, const struct dialect_job *job, struct err *err);
/* Only where the file is missing, empty, or says "uninitialized": machine-id(5). */
int dialect_write_machine_id(int rootfd, const struct dialect_job *job, struct err *err);
/* Leaves a link alone that a resolver of the server's own keeps up to date. */
int dialect_write_resolv(int rootfd, const struct dialect_job *job, struct err *err);
/* Whether a unit is enabled: a link in one of the .wants directories of /etc. */
bool dialect_unit_enabled(int rootfd, const char *unit);

/* netfmt_networkd.c, netfmt_ifupdown.c: the addresses that are set before init runs, once more in
 * the words of the program that would otherwise remove them. Each does nothing, and returns 0,
 * where its program is not in use. */
int netfmt_networkd(int rootfd, const struct dialect_job *job, struct err *err);
int netfmt_ifupdown(int rootfd, const struct dialect_job *job, struct err *err);

#endif
