/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How one distribution writes host name, network, resolver, passwords and keys, and which signal
 * its init takes for "halt". A dialect is one file and one row of dialects.def.
 *
 * Everything here edits files beneath a root descriptor with fd_open_in(): the tree is hostile
 * input. Nothing of it is executed, loaded, or parsed without bounds.
 */
#ifndef CROFT_DIALECT_DIALECT_H
#define CROFT_DIALECT_DIALECT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"
#include "conf/opt.h"

struct dialect_conf {
	char *hostname;	      /* NULL: the server's name */
	struct strv password; /* USER:PASSWORD; secret, never stored */
	struct strv ssh_key;  /* paths of public key files on the host; not stored */
	char *init;	      /* program to start as pid 1; NULL: as the dialect says */
};
extern const struct opt dialect_opts[];
extern const size_t dialect_n_opts;

#define DIALECT_MAX_IP 32

/* What is to be written. Plain values; the caller keeps what they point to. */
struct dialect_job {
	const char *server;   /* name */
	const char *hostname; /* short or fully qualified */
	const char *uuid;     /* 32 hex digits: machine-id at the first start */
	bool has_link;
	const char *guest_if;
	struct addr ip[DIALECT_MAX_IP];
	int n_ip;
	struct addr gateway4, gateway6; /* family 0: none */
	const struct strv *nameserver;	/* addresses, resolved ("inherit" is replaced already) */
	const struct strv *searchdomain;
};

struct dialect_facts; /* dialect_files.h: what is known of the tree */

struct dialect {
	const char *name, *help;
	bool (*takes)(const struct dialect_facts *facts); /* whether the tree is one of its kind */
	int halt_signal;	 /* to init: clean power off; real-time signals as SIGRTMIN + n */
	int reboot_signal;	 /* to init: clean reboot */
	const char *const *init; /* programs to try in order, ended by NULL */
	bool run_tmpfs;		 /* mount a tmpfs on /run before init runs */
	bool systemd;		 /* readiness can be asked of systemd */
	/* Writes host name, hosts, machine-id, network, resolver. Running it twice changes nothing.
	 */
	int (*configure)(int rootfd, const struct dialect_job *job, struct err *err);
};

/* Detects from /etc/os-release and the init programs beneath the root; never NULL on success: the
 * last row, "generic", takes everything. */
int dialect_detect(int rootfd, const struct dialect **ret, struct err *err);
const struct dialect *dialect_find(const char *name);
extern const struct dialect *const dialects[]; /* ended by NULL */

/* A number that changes whenever configure() would write something else: kept in the server's
 * directory so that a start which would write the same skips mounting and editing. */
uint64_t dialect_stamp(const struct dialect *d, const struct dialect_job *job);

/* "USER:PASSWORD" each; hashes with crypt(3) on the host and edits /etc/shadow (or /etc/passwd).
 * A password that is "!" locks the account. ERR_USAGE when there is no such user. */
int dialect_passwords(int rootfd, const struct strv *passwords, struct err *err);
/* Appends the keys of the named host files to ~root/.ssh/authorized_keys, once each. */
int dialect_ssh_keys(int rootfd, const struct strv *files, struct err *err);

/* Replaces a file beneath the root: parent directories made, links resolved as inside, mode and
 * owner of an existing file kept, only written when the content differs. */
int edit_file(int rootfd, const char *path, const char *text, unsigned mode, struct err *err);
/* Reads at most max bytes; missing gives "" and 1. Fifos, devices: refused. */
int edit_read(int rootfd, const char *path, size_t max, char **ret, struct err *err);

#endif
