/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a server is: its configuration as one struct, with the host's as the other. */
#ifndef CROFT_SERVER_SERVER_H
#define CROFT_SERVER_SERVER_H

#include "conf/conf.h"
#include "dialect/dialect.h"
#include "guard/guard.h"
#include "limit/limit.h"
#include "net/net.h"
#include "store/store.h"

struct boot_conf {
	bool onboot;
	uint64_t boot_order; /* lower first */
	struct strv depends;
	uint64_t stop_timeout; /* milliseconds */
	char *description;
	struct strv tag;
};

/* What the server sees of its own size in /proc. */
struct view_conf {
	char *view; /* auto, none, lxcfs */
};

#define SERVER_MAX_OPTS 96

struct server {
	char name[64];
	struct store_conf store;
	struct disk_conf disk;
	struct limit_conf limit;
	struct limit_raw_conf raw;
	struct net_conf net;
	struct guard_conf guard;
	struct dialect_conf dialect;
	struct view_conf view;
	struct boot_conf boot;
	char uuid[33]; /* UUID in the file: given at create, kept */

	unsigned char origin[SERVER_MAX_OPTS];
	struct conf_file file; /* as read, for writing back */
	struct opt_set set;    /* over this struct */
};

/* Host settings and every path. One per process. */
struct host {
	struct net_host_conf net;
	char *cgroup_parent; /* CGROUP_PARENT */
	uint64_t uid_first, uid_last;
	uint64_t jobs;
	char *mirror;
	uint64_t hook_timeout; /* ms */
	uint64_t console_log;  /* bytes kept per file */
	uint64_t event_log;    /* the same of events, and of the audit log */
	char *store;	       /* STORE: where templates and servers live */

	char etc[160], var[160], run[160], log[160], share[160], libexec[160];
	unsigned char origin[SERVER_MAX_OPTS];
	struct opt_set set;
	struct conf_file file; /* croft.conf: holds defaults for servers as well */
};

/* Reads /etc/croft/croft.conf (missing: defaults). Paths come from configure, and for an ordinary
 * user from CROFT_ETC, CROFT_VAR, CROFT_RUN, CROFT_LOG, so that plans can be made and tested
 * without root; root's environment is never asked. */
int host_load(struct host *ret, struct err *err);
void host_free(struct host *h);

extern const struct opt_group server_groups[];
extern const size_t server_n_groups;
extern const struct opt_group host_groups[];
extern const size_t host_n_groups;

/* A server with the host's defaults and no file yet: for create. */
int server_init(struct server *s, const struct host *h, const char *name, struct err *err);
/* ERR_USAGE when it depends on itself; of others only the whole host can tell. */
int server_check_depends(const struct server *s, struct err *err);
/* ERR_ABSENT "no server NAME" when there is no file. */
int server_load(struct server *s, const struct host *h, const char *name, struct err *err);
/* The same from another file, which need not be there afterwards: it becomes that of the server
 * when it is saved. */
int server_load_from(struct server *s, const struct host *h, const char *name, const char *path,
		     struct err *err);
int server_save(struct server *s, const struct host *h, struct err *err);
void server_free(struct server *s);
/* Whether it has a configuration file. True where that cannot be known (EIO, EACCES): who removes
 * the files of servers that do not exist must not be told that one does not. */
bool server_exists(const struct host *h, const char *name);
/* Names of all configured servers, sorted. */
int server_list(const struct host *h, struct strv *ret, struct err *err);
char *server_conf_path(const struct host *h, const char *name); /* caller frees */

#endif
