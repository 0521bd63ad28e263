/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files cg*.c share, and what only their unit test may see. */
#ifndef CROFT_SYS_CG_PRIV_H
#define CROFT_SYS_CG_PRIV_H

#include "sys/cg.h"

#define CG_BIT(c) (1u << (c))

/* The version 1 hierarchies that a server joins: those that carry something croft uses. Not
 * cpuacct: cpu.stat of version 2 counts CPU time without any controller (4.15), and each hierarchy
 * more costs a start 60 us. */
#define CG_JOINED (CG_BIT(CG_CPU) | CG_BIT(CG_MEMORY) | CG_BIT(CG_PIDS) | CG_BIT(CG_DEVICES))
/* Those that it joins when one of their limits is set: PARENT.limited. */
#define CG_ON_DEMAND	  (CG_BIT(CG_CPUSET) | CG_BIT(CG_IO) | CG_BIT(CG_HUGETLB))
#define CG_LIMITED_SUFFIX ".limited"
/* The version 2 controllers that are handed down to servers. */
#define CG_ENABLED                                                                                 \
	(CG_BIT(CG_CPU) | CG_BIT(CG_MEMORY) | CG_BIT(CG_PIDS) | CG_BIT(CG_IO) |                    \
	 CG_BIT(CG_CPUSET) | CG_BIT(CG_HUGETLB))

#define CG_PATH_MAX  512
#define CG_DEPTH_MAX 64 /* of a walk; what is delegated may nest CG_PARENT_DEPTH - 2 deep */
#define CG_BOOT_LEN  36 /* a UUID as text */

/* Whether a server joins the version 1 hierarchy of c; with the group of which lower controller it
 * shares its directory (both on one mount point), else c itself. */
bool cg_joins(const struct cg_layout *l, enum cg_controller c);
enum cg_controller cg_first_on_mount(const struct cg_layout *l, enum cg_controller c);
/* Makes every level of a group beneath a hierarchy's mount point; the last one's descriptor. On
 * version 2 each hands its controllers down. */
int cg_parent_make(const char *mount, const char *parent, bool v2, struct err *err);
/* Whether the server has a version 1 directory for a controller: one of its own, or one that it
 * shares with a controller on the same mount point. */
bool cg_is_in(const struct cg *cg, enum cg_controller c);
/* The version 1 directory of a controller, made anew, to cg->v1[c]. */
int cg_make_v1(struct cg *cg, enum cg_controller c, struct err *err);
/* Its path beneath the mount point. */
const char *cg_group_rel(const struct cg *cg, enum cg_controller c, char out[CG_PATH_MAX]);
/* "PARENT.limited" of PARENT/NAME, to out; returns NAME. */
const char *cg_limited_parent(const char *rel, char out[CG_PATH_MAX]);
/* "PARENT.limited/NAME" of PARENT/NAME. */
const char *cg_limited_rel(const char *rel, char out[CG_PATH_MAX]);

/* One read(2) of a small file into out (NUL-terminated). The length, or a negative errno. */
int cg_slurp(int dirfd, const char *file, char *out, size_t n);
/* One write(2) into an existing file. */
int cg_spill(int dirfd, const char *file, const char *text);
/* The value of "key value" in a text of such lines; -ENOENT when there is none. */
int cg_text_key(const char *text, const char *key, uint64_t *ret);
/* Bits of the controllers named in "cpu io memory". */
unsigned cg_text_controllers(const char *text);
/* "key" of cgroup.events in a version 2 directory; false when it cannot be read. */
bool cg_event(int dirfd, const char *key);
/* Whether a process is listed in a group or below; true when that cannot be read. */
bool cg_has_pids(int dirfd);
/* Whom a message must name: up to five "PID (command, waits in FUNCTION)" of the group. Returns
 * out. */
char *cg_who(int dirfd, char *out, size_t n);
/* cg_kill() without cgroup.kill: freeze, kill each, thaw, until it is empty. */
int cg_kill_each(const struct cg *cg, uint64_t deadline_ms);

/* Where croft mounts a version 1 hierarchy itself, beside the cache file; its number follows. */
#define CG_OWN_V1 "/.cgroup1-"

/* cg_others.c: finds the mount points of l->other, and l->hierarchies. */
int cg_others_find(const char *cache, struct cg_layout *l, struct err *err);
/* A number that stands for the version 1 hierarchies of the host, and that of such a text. */
int cg_hierarchies(uint64_t *ret);
uint64_t cg_text_hierarchies(const char *text);
/* Whether a line of mountinfo is a whole version 1 hierarchy with this controller or "name=X"; its
 * mount point. The line is cut up. */
bool cg_mountinfo_is(char *line, const char *word, char *ret, size_t n);
/* Whether one of "a,b,c" is word. */
bool cg_list_has(const char *list, const char *word);
/* Gives an empty cpuset group what the one above it has. */
void cg_cpuset_fill(int above, int group);

/* The cache file: what was found, in which boot, for which parent. */
struct cg_cache {
	char boot[CG_BOOT_LEN + 1];
	char parent[192];
	struct cg_layout layout;
	uint64_t id2,
	    id1[CG_N]; /* statfs(2) f_fsid of each hierarchy; 0 on kernels that have none */
};
char *cg_cache_text(const struct cg_cache *c); /* caller frees */
int cg_cache_parse(const char *text, struct cg_cache *ret);

#endif
