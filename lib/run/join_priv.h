/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the parts of join: the host's side (join.c), the child that enters (join_inside.c), and
 * who it becomes (join_user.c). */
#ifndef CROFT_RUN_JOIN_PRIV_H
#define CROFT_RUN_JOIN_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include "guard/guard.h"
#include "run/join.h"

/* -- who ------------------------------------------------------------------------------------ */

#define JOIN_NAME_MAX 64

/* --user as it was typed: a number is never looked up as a name, and a name never taken for a
 * number. */
struct join_who {
	bool by_uid, has_group, by_gid;
	uint32_t uid, gid;
	char user[JOIN_NAME_MAX], group[JOIN_NAME_MAX];
};
/* NULL: root. */
int join_who_parse(const char *text, struct join_who *ret, struct err *err);

#define JOIN_GROUPS_MAX 1024

struct join_ids {
	uid_t uid;
	gid_t gid;
	gid_t groups[JOIN_GROUPS_MAX];
	size_t n_groups;
	char name[JOIN_NAME_MAX]; /* "" for a uid that nobody has */
	char home[256], shell[256];
};
/* Looks in etc/passwd and etc/group beneath rootfd. They are the server's: bounded reads, lines
 * that are no entries are passed over, nothing blocks. A uid without an entry gets the gid of the
 * same number, no groups, / and /bin/sh. With a group given there are no further groups. */
int join_ids_find(int rootfd, const struct join_who *who, struct join_ids *ret, struct err *err);

/* -- the child ------------------------------------------------------------------------------ */

struct join_limit {
	int resource;
	struct rlimit value;
};

struct join_child {
	const struct join_request *q;
	struct join_who who;
	const char *term;
	bool privileged, pty;
	bool has_size;
	struct winsize size;
	int init;		      /* pidfd of the server's init */
	int sock;		      /* to the host's side */
	int stdio[3];		      /* what becomes 0, 1 and 2 until there is a pty */
	bool own[3];		      /* those that are pipes of ours */
	int groups[CG_N + CG_V1_MAX]; /* version 1 "tasks" files */
	int n_groups;
	struct join_limit limits[RLIM_NLIMITS]; /* those that differ from the caller's */
	size_t n_limits;
	struct guard_filter filter;
};

/* What the child says before it executes; then the socket closes. */
struct join_msg {
	enum { JOIN_MSG_PTY, JOIN_MSG_FAILED } kind; /* PTY: the master comes with it */
	int code;				     /* JOIN_FAILED, 126, 127 */
	struct err err;
};

_Noreturn void join_inside(const struct join_child *c);

#endif
