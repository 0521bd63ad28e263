/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a server's root comes from. A backend is one file and one row of stores.def; names are
 * never compared outside the table.
 */
#ifndef CROFT_STORE_STORE_H
#define CROFT_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "conf/opt.h"

struct store_conf {
	char *store;	/* auto, or a name of stores.def */
	char *template; /* name of a template */
};
extern const struct opt store_opts[];
extern const size_t store_n_opts;

/* PARSE_UNLIMITED where nothing is given; see disk.h. */
struct disk_conf {
	uint64_t disk, disk_soft; /* bytes */
	uint64_t inodes, inodes_soft;
};
extern const struct opt disk_opts[];
extern const size_t disk_n_opts;

/* Absolute paths of one server's storage. */
struct store_plan {
	const struct store *store;
	char template_root[256]; /* /var/lib/croft/templates/T/root */
	char dir[256];		 /* /var/lib/croft/servers/NAME/fs, the backend's own */
	struct disk_conf disk;	 /* what shall be */
	uint32_t project;	 /* for quotas: the first of its user ids; 0: none */
};

#define STORE_MAX_LAYERS 4
/* The root on its way from host to server: detached mounts which the host side makes and idmaps,
 * and which the server's side puts together in its own mount namespace. */
struct store_layers {
	int fd[STORE_MAX_LAYERS]; /* detached mounts, open_tree(2) */
	int n;
	char warning[300]; /* what it does without; "" */
};

struct store {
	const char *name, *help;
	bool images; /* its own directory may lie in an image, see disk.h */
	/* Whether it works here: 0, or ERR_HOST saying what is missing. dir: a directory on the
	 * file system in question. */
	int (*usable)(const char *dir, struct err *err);
	/* Makes the empty storage of a new server; constant time where the backend can. */
	int (*create)(const struct store_plan *p, struct err *err);
	/* The root as the host sees it, ids unshifted, as a detached mount or directory: to edit it
	 * while the server is stopped. Returns an fd for fd_open_in(); closing it is all that is
	 * needed. */
	int (*open_root)(const struct store_plan *p, struct err *err);
	/* Host side of a start, before the child exists. */
	int (*layers)(const struct store_plan *p, struct store_layers *ret, struct err *err);
	/* Server's side, in its user and mount namespace: mounts the root on the directory `on`,
	 * using scratch (an empty tmpfs directory) for what lies beneath. */
	int (*assemble)(const struct store_layers *l, const char *scratch, const char *on,
			struct err *err);
	/* After the server's directory is removed there is nothing left to do for these two. */
};

const struct store *store_find(const char *name);
extern const struct store *const stores[]; /* ended by NULL; in order of preference */
/* Resolves "auto" to the first usable one; with another name only checks it. why (may be NULL)
 * collects one line for each backend that was passed over. */
int store_choose(const char *name, const char *dir, const struct store **ret, struct strv *why,
		 struct err *err);
/* For backends: the template's root, which must be a directory itself and not a link to one. */
struct stat;
int store_template_root(const struct store_plan *p, struct stat *ret, struct err *err);
/* Gives every layer the id mapping of a user namespace (mount_setattr(2), 5.12). */
int store_idmap(struct store_layers *l, int userns_fd, struct err *err);
void store_layers_close(struct store_layers *l);

#endif
