/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control groups on every layout: pure version 2, version 1, and the hybrid of both.
 *
 * Each server has one directory PARENT/NAME in the version 2 hierarchy and, where a controller that
 * croft uses is bound to version 1, the same path there. In version 2 the directory has two levels:
 *
 *     PARENT/NAME            limits; owned by the host; nothing runs in it
 *     PARENT/NAME/inside     delegated to the server's root: its cgroup namespace starts here
 *     PARENT/.monitor        all monitors, beside the servers and outside their limits
 *
 * In the version 1 hierarchies in which croft limits nothing, all servers are in PARENT itself, so
 * that their cgroup namespaces begin there: what a server's root mounts shows no group of the
 * host's. The monitors are in PARENT of every version 1 hierarchy, too.
 *
 * There are controllers that few servers need (cpuset, blkio, hugetlb). On version 1 a server with
 * such a limit, and only that, has a group PARENT.limited/NAME in their hierarchies: not beneath
 * PARENT, where the other servers would see it.
 *
 * Nobody is ever moved into a group by pid: a write to cgroup.procs waits for an RCU grace period
 * (10 to 20 ms). Processes are born in the version 2 group (CLONE_INTO_CGROUP, 5.7), and join
 * version 1 groups by writing 0 to "tasks" themselves.
 */
#ifndef CROFT_SYS_CG_H
#define CROFT_SYS_CG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/err.h"

enum cg_controller {
	CG_CPU,
	CG_CPUACCT,
	CG_CPUSET,
	CG_MEMORY,
	CG_PIDS,
	CG_IO,
	CG_DEVICES,
	CG_HUGETLB,
	CG_N
};

/* Version 1 hierarchies in which croft limits nothing. */
#define CG_OTHERS_MAX 16
/* Version 1 hierarchies in all. */
#define CG_V1_MAX (CG_N + CG_OTHERS_MAX)

/* Where the hierarchies are. Found once per boot with libcgroup, kept as text in a cache file on
 * the run-time directory, and checked by statfs(2) on use. */
struct cg_layout {
	char v2[192];		 /* mount point of version 2, or of one of our own */
	unsigned v2_controllers; /* bits 1 << enum cg_controller: controllers bound to version 2 */
	char v1[CG_N][192];	 /* mount point per version 1 controller, else "" */
	bool cpuacct_with_cpu;	 /* both on one mount point */
	int n_others;
	char other[CG_OTHERS_MAX][192]; /* mount points of the other version 1 hierarchies */
	uint64_t hierarchies;		/* stands for all that there were */
};

/* cache: path of the cache file. parent: the group all servers live under, relative to the root of
 * each hierarchy ("croft", or on a systemd host "croft.slice/croft-servers.service"). Creates the
 * parent where it is missing and enables the controllers in it (once, not per server). */
int cg_layout_get(const char *cache, const char *parent, struct cg_layout *ret, struct err *err);
const char *cg_controller_name(enum cg_controller c, bool v1);
/* Whether a controller can be used at all. */
bool cg_has(const struct cg_layout *l, enum cg_controller c);
bool cg_is_v1(const struct cg_layout *l, enum cg_controller c);

/* Whether it is names with one slash between them; none is empty or begins with a dot, so it is
 * neither the root of a hierarchy nor above it. What takes a `rel` refuses any other. */
bool cg_rel_plain(const char *rel);

/* A server's group, open. */
struct cg {
	const struct cg_layout *layout;
	char rel[192];	/* PARENT/NAME */
	unsigned extra; /* bits of the controllers in whose hierarchies it is in PARENT.limited */
	int fd2;	/* version 2 directory PARENT/NAME */
	int inside;	/* PARENT/NAME/inside */
	int v1[CG_N];	/* version 1 directories, -1 where there is none; cpuacct may share cpu's */
};
/* clang-format off */
#define CG_NONE { .fd2 = -1, .inside = -1 }
/* clang-format on */

/* Creates the version 2 directories. Existing ones are replaced, but only when no process is in
 * them: else -EBUSY with ERR_STATE, naming the processes. Undone by itself on failure. */
int cg_make(const struct cg_layout *l, const char *rel, struct cg *ret, struct err *err);
/* The rest, after that: delegates "inside" to owner (uid and gid; 0 leaves it with root), and
 * creates the version 1 directories, replaced in the same way; those of PARENT.limited for the
 * controllers in extra (see cg_extra()). Apart, because init can be born in the version 2 group
 * meanwhile. On failure cg_remove() undoes both. */
int cg_finish(struct cg *cg, uid_t owner, unsigned extra, struct err *err);
/* Opens what exists. -ENOENT with ERR_STATE when the version 2 group is not there. */
int cg_open(const struct cg_layout *l, const char *rel, unsigned extra, struct cg *ret,
	    struct err *err);
/* Which of these controllers (bits) need a group in PARENT.limited on this host. */
unsigned cg_extra(const struct cg_layout *l, unsigned controllers);
/* Gives a running server a group in PARENT.limited: makes it, and moves all processes there, which
 * takes the kernel 10 to 20 ms for each (see above). What has been forked meanwhile is moved as
 * well: -EBUSY when that does not end. Adds to cg->extra. */
int cg_extend(struct cg *cg, unsigned extra, struct err *err);
void cg_close(struct cg *cg);
/* Opens (creating it when needed) PARENT/.monitor, for CLONE_INTO_CGROUP. One for all monitors: a
 * monitor tidies up after its server itself, and could not remove a group that it is in. Returns
 * the fd. */
int cg_monitor_open(const struct cg_layout *l, const char *parent, struct err *err);
/* The same; when nobody is in it, one that was never killed takes its place (see cg_kill()). */
int cg_monitor_renew(const struct cg_layout *l, const char *parent, struct err *err);

/* Descriptors of the version 1 "tasks" files, opened by host root, through which a child joins by
 * writing "0": the kernel checks the credentials of who opened the file. Returns their number;
 * caller closes each. ret has CG_N places. */
int cg_join_fds(const struct cg *cg, int ret[CG_N], struct err *err);
/* The same for PARENT: in the hierarchies in which croft limits nothing, and in the others as well
 * when `all` is set. ret has CG_V1_MAX places. */
int cg_parent_fds(const struct cg_layout *l, const char *parent, bool all, int ret[CG_V1_MAX],
		  struct err *err);

/* One file of a controller's directory, wherever that controller lives. Negative errno. */
int cg_write(const struct cg *cg, enum cg_controller c, const char *file, const char *text);
int cg_read(const struct cg *cg, enum cg_controller c, const char *file, char *out, size_t n);
/* A file of the version 2 group, which is there on every layout. */
int cg_read_v2(const struct cg *cg, const char *file, char *out, size_t n);
/* Writes and reads back on one descriptor; back is without its newline. */
int cg_write_back(const struct cg *cg, enum cg_controller c, const char *file, const char *text,
		  char *back, size_t n);
/* A number, PARSE_UNLIMITED for "max" and for the huge values version 1 prints. */
int cg_read_u64(const struct cg *cg, enum cg_controller c, const char *file, uint64_t *ret);
int cg_parse_u64(const char *text, uint64_t *ret); /* the same of a text without newline */
/* "key value" lines as in memory.events, cpu.stat. */
int cg_read_key(const struct cg *cg, enum cg_controller c, const char *file, const char *key,
		uint64_t *ret);

/* The path of such a file, for one who has no struct cg; "" where the controller is not there. */
void cg_file_path(const struct cg_layout *l, const char *rel, enum cg_controller c,
		  const char *file, char *out, size_t n);

/* Whether a version 2 group can be a server's: it has "inside", or nothing and nobody is in it,
 * because a start was killed before it made that. */
bool cg_is_server(int parent, const char *name);
bool cg_populated(const struct cg *cg);
/* Kills everything in it: cgroup.kill (5.14), else freeze and kill. Waits at most timeout_ms until
 * it is empty; on -ETIMEDOUT err names the pids left and what they wait for (wchan). The root of a
 * hierarchy is refused.
 *
 * The group is spent by it. Kernels with kill_seq (6.18; of the stable ones 6.1.176) count how
 * often a group was killed, compare the count of the caller's group of clone3(2) with that of the
 * target of CLONE_INTO_CGROUP, and kill the child at birth when they differ. cg_make() makes the
 * group anew. */
int cg_kill(const struct cg *cg, int timeout_ms, struct err *err);
int cg_freeze(const struct cg *cg, bool frozen, int timeout_ms, struct err *err);
bool cg_frozen(const struct cg *cg);
/* Removes the server's directories, depth first, the guest's own ones below "inside" too. Missing
 * is success; a populated group is -EBUSY. */
int cg_remove(const struct cg_layout *l, const char *rel, struct err *err);
/* PIDs in the whole subtree; one that moves meanwhile may be there twice. *ret is freed by the
 * caller. */
int cg_pids(const struct cg *cg, pid_t **ret, size_t *ret_n);

/* The version 2 directory in which a process of the server is now (init's own group: a leaf, so
 * that a child can be born there), opened for CLONE_INTO_CGROUP; verified to lie beneath
 * cg->inside. */
int cg_open_of(const struct cg *cg, pid_t pid);

#endif
