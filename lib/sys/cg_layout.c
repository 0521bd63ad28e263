// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the control group hierarchies are, and the group that all servers live under.
 *
 * Finding out costs about a millisecond and is done once per boot; the answer is kept as text in a
 * file. A start pays for one read of it and one statfs(2) per hierarchy: what the file says is used
 * only when it was written in this boot, for this parent, and the parent is still there in every
 * hierarchy. Must stay true: v2_controllers holds only what really is enabled for the parent's
 * children, read from the kernel and never assumed.
 */
#include "sys/cg_priv.h"
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include "base/mem.h"
#include "base/str.h"
#include "sys/cglib.h"
#include "sys/fd.h"

static const struct {
	const char *v2, *v1;
} cg_names[CG_N] = {
	[CG_CPU] = { "cpu", "cpu" },
	[CG_CPUACCT] = { "cpuacct", "cpuacct" },
	[CG_CPUSET] = { "cpuset", "cpuset" },
	[CG_MEMORY] = { "memory", "memory" },
	[CG_PIDS] = { "pids", "pids" },
	[CG_IO] = { "io", "blkio" },
	[CG_DEVICES] = { "devices", "devices" },
	[CG_HUGETLB] = { "hugetlb", "hugetlb" },
};

const char *cg_controller_name(enum cg_controller c, bool v1)
{
	return v1 ? cg_names[c].v1 : cg_names[c].v2;
}

bool cg_is_v1(const struct cg_layout *l, enum cg_controller c)
{
	return l->v1[c][0] != '\0';
}

bool cg_has(const struct cg_layout *l, enum cg_controller c)
{
	return cg_is_v1(l, c) || (l->v2_controllers & CG_BIT(c));
}

bool cg_joins(const struct cg_layout *l, enum cg_controller c)
{
	return cg_is_v1(l, c) && (CG_JOINED & CG_BIT(c));
}

enum cg_controller cg_first_on_mount(const struct cg_layout *l, enum cg_controller c)
{
	for (enum cg_controller i = 0; i < c; i++)
		if (cg_joins(l, i) && streq(l->v1[i], l->v1[c]))
			return i;
	return c;
}

unsigned cg_text_controllers(const char *text)
{
	unsigned bits = 0;

	for (enum cg_controller c = 0; c < CG_N; c++) {
		size_t len = strlen(cg_names[c].v2);

		for (const char *p = text; (p = strstr(p, cg_names[c].v2)); p += len) {
			bool starts = p == text || p[-1] == ' ';

			if (starts && (p[len] == ' ' || p[len] == '\n' || p[len] == '\0'))
				bits |= CG_BIT(c);
		}
	}
	return bits;
}

/* The cache file as text. */

#define CACHE_MAGIC "croft-cgroups 1 "

char *cg_cache_text(const struct cg_cache *c)
{
	const struct cg_layout *l = &c->layout;
	struct buf b = { 0 };

	buf_printf(&b, CACHE_MAGIC "%s\nparent %s\ncontrollers", c->boot, c->parent);
	for (enum cg_controller i = 0; i < CG_N; i++)
		if (l->v2_controllers & CG_BIT(i))
			buf_printf(&b, " %s", cg_names[i].v2);
	buf_printf(&b, "\nv2 %" PRIx64 " %s\n", c->id2, l->v2);
	for (enum cg_controller i = 0; i < CG_N; i++)
		if (cg_is_v1(l, i))
			buf_printf(&b, "v1 %s %" PRIx64 " %s\n", cg_names[i].v1, c->id1[i],
				   l->v1[i]);
	for (int i = 0; i < l->n_others; i++)
		buf_printf(&b, "other %s\n", l->other[i]);
	buf_printf(&b, "hierarchies %" PRIx64 "\n", l->hierarchies);
	buf_puts(&b, "end\n");
	return buf_steal(&b);
}

static bool cache_copy(char *to, size_t size, const char *from, size_t len)
{
	if (len == 0 || len >= size)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

/* "v1 NAME ID PATH" and "v2 ID PATH"; line has been cut off at its newline. */
static bool cache_mount(const char *line, struct cg_cache *c)
{
	char name[16] = "";
	uint64_t id;
	int at = 0;

	if (sscanf(line, "v2 %" SCNx64 " %n", &id, &at) == 1 && at) {
		c->id2 = id;
		return cache_copy(c->layout.v2, sizeof(c->layout.v2), line + at, strlen(line + at));
	}
	if (sscanf(line, "v1 %15s %" SCNx64 " %n", name, &id, &at) != 2 || !at)
		return false;
	for (enum cg_controller i = 0; i < CG_N; i++) {
		if (!streq(name, cg_names[i].v1))
			continue;
		c->id1[i] = id;
		return cache_copy(c->layout.v1[i], sizeof(c->layout.v1[i]), line + at,
				  strlen(line + at));
	}
	return false;
}

int cg_cache_parse(const char *text, struct cg_cache *ret)
{
	struct cg_cache c = { 0 };
	char line[256];
	size_t len;
	int n = 0;

	for (; *text; text += len + 1, n++) {
		len = strcspn(text, "\n");
		if (text[len] != '\n' || len >= sizeof(line))
			return -EINVAL;
		memcpy(line, text, len);
		line[len] = '\0';

		if (n == 0) {
			if (!str_starts(line, CACHE_MAGIC) ||
			    !cache_copy(c.boot, sizeof(c.boot), line + strlen(CACHE_MAGIC),
					len - strlen(CACHE_MAGIC)))
				return -EINVAL;
		} else if (str_starts(line, "parent ")) {
			if (!cache_copy(c.parent, sizeof(c.parent), line + 7, len - 7))
				return -EINVAL;
		} else if (str_starts(line, "controllers")) {
			c.layout.v2_controllers = cg_text_controllers(line + 11);
		} else if (str_starts(line, "other ")) {
			if (c.layout.n_others == CG_OTHERS_MAX ||
			    !cache_copy(c.layout.other[c.layout.n_others++],
					sizeof(c.layout.other[0]), line + 6, len - 6))
				return -EINVAL;
		} else if (str_starts(line, "hierarchies ")) {
			if (sscanf(line + 12, "%" SCNx64, &c.layout.hierarchies) != 1)
				return -EINVAL;
		} else if (streq(line, "end") && c.parent[0] && c.layout.v2[0]) {
			c.layout.cpuacct_with_cpu =
			    c.layout.v1[CG_CPU][0] &&
			    streq(c.layout.v1[CG_CPU], c.layout.v1[CG_CPUACCT]);
			*ret = c;
			return 0;
		} else if (!cache_mount(line, &c)) {
			return -EINVAL;
		}
	}
	return -EINVAL; /* no closing line: cut off */
}

/* Reading it back. */

static int boot_id(char out[CG_BOOT_LEN + 1])
{
	char text[64];
	int r = cg_slurp(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text));

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return cache_copy(out, CG_BOOT_LEN + 1, text, strlen(text)) ? 0 : -EINVAL;
}

/* The identity of the hierarchy that has a group MOUNT/PARENT; false when it has not. */
static bool hierarchy_id(const char *mount, const char *parent, bool v1, uint64_t *ret)
{
	char path[CG_PATH_MAX];
	struct statfs fs;

	snprintf(path, sizeof(path), "%s/%s", mount, parent);
	if (statfs(path, &fs) < 0 || fs.f_type != (v1 ? CGROUP_SUPER_MAGIC : CGROUP2_SUPER_MAGIC))
		return false;
	memcpy(ret, &fs.f_fsid, sizeof(*ret));
	return true;
}

static bool cache_usable(struct cg_cache *c, const char *parent)
{
	const struct cg_layout *l = &c->layout;
	char boot[CG_BOOT_LEN + 1], path[CG_PATH_MAX], text[256];
	uint64_t id;
	unsigned now;

	/* A hierarchy may have been made since: some programs mount net_cls when they run. */
	if (cg_hierarchies(&id) < 0 || id != l->hierarchies)
		return false;
	if (!streq(c->parent, parent) || boot_id(boot) < 0 || !streq(c->boot, boot))
		return false;
	if (!hierarchy_id(l->v2, parent, false, &id) || id != c->id2)
		return false;
	for (enum cg_controller i = 0; i < CG_N; i++)
		if (cg_joins(l, i) && cg_first_on_mount(l, i) == i &&
		    (!hierarchy_id(l->v1[i], parent, true, &id) || id != c->id1[i]))
			return false;
	for (int i = 0; i < l->n_others; i++)
		if (!hierarchy_id(l->other[i], parent, true, &id))
			return false;
	if (!l->v2_controllers)
		return true;
	/* Whoever owns the host's tree may have taken controllers away since. */
	snprintf(path, sizeof(path), "%s/%s/cgroup.subtree_control", l->v2, parent);
	if (cg_slurp(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	now = cg_text_controllers(text);
	return (now & l->v2_controllers) == l->v2_controllers;
}

/* Finding out. */

static void layout_found(void *arg, const char *controller, const char *path)
{
	struct cg_layout *l = arg;
	struct statfs fs;

	/* An entry of the mount table may be hidden by a later mount: ask what is there. */
	if (strlen(path) >= sizeof(l->v2) || strchr(path, '\n') || statfs(path, &fs) < 0)
		return;
	/* A controller that the host has mounted nowhere is not there, also the next time. */
	if (strstr(path, CG_OWN_V1))
		return;
	if (fs.f_type == CGROUP2_SUPER_MAGIC && !l->v2[0])
		strcpy(l->v2, path);
	if (fs.f_type != CGROUP_SUPER_MAGIC)
		return;
	for (enum cg_controller c = 0; c < CG_N; c++)
		if (streq(controller, cg_names[c].v1) && !l->v1[c][0])
			strcpy(l->v1[c], path);
}

/* A version 2 hierarchy that libcgroup did not name, because every controller is on version 1; and
 * where the host mounts none, a mount of our own beside the cache file. */
static int layout_find_v2(const char *cache, struct cg_layout *l, struct err *err)
{
	static const char *const usual[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };
	char own[sizeof(l->v2)];
	struct statfs fs;
	const char *slash = strrchr(cache, '/');
	int len = slash ? (int)(slash - cache) : 0;

	for (size_t i = 0; !l->v2[0] && i < ARRAY_LEN(usual); i++)
		if (statfs(usual[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			strcpy(l->v2, usual[i]);
	if (l->v2[0])
		return 0;

	if (snprintf(own, sizeof(own), "%.*s/.cgroup2", len, cache) >= (int)sizeof(own))
		return err_set(err, ERR_FAIL, ENAMETOOLONG, "%s", cache);
	if (statfs(own, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC) {
		int r = fd_mkdir_p(own, 0755);

		if (r < 0)
			return err_set(err, ERR_FAIL, -r, "cannot create %s", own);
		if (mount("cgroup2", own, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
			return err_set(err, errno == ENODEV ? ERR_HOST : ERR_FAIL, errno,
				       "cannot mount cgroup2 on %s", own);
	}
	strcpy(l->v2, own);
	return 0;
}

/* Hands the controllers of a version 2 group down to its children. One by one, because the kernel
 * takes all of a line or nothing. Refusals are not errors: who needs a controller asks cg_has().
 *
 * A group other than the root that has processes is left alone: the kernel would take cpu and pids
 * there, but turn the group into one of threads, in whose children no server could be born
 * (cgroups(7), "Thread mode"). */
static void parent_enable(int dirfd)
{
	char have[256], on[256], word[32], procs[16];
	unsigned todo;

	if (cg_slurp(dirfd, "cgroup.controllers", have, sizeof(have)) < 0 ||
	    cg_slurp(dirfd, "cgroup.subtree_control", on, sizeof(on)) < 0)
		return;
	if (faccessat(dirfd, "cgroup.events", F_OK, 0) == 0 && /* the root has no such file */
	    cg_slurp(dirfd, "cgroup.procs", procs, sizeof(procs)) != 0)
		return;
	todo = cg_text_controllers(have) & ~cg_text_controllers(on) & CG_ENABLED;
	for (enum cg_controller c = 0; c < CG_N; c++) {
		if (!(todo & CG_BIT(c)))
			continue;
		snprintf(word, sizeof(word), "+%s", cg_names[c].v2);
		cg_spill(dirfd, "cgroup.subtree_control", word);
	}
}

/* How deep groups may nest below the parent: NAME, inside, and 16 levels of a server's own. */
#define CG_PARENT_DEPTH "18"

/* Makes every level of the parent beneath a hierarchy's mount point; the last one's descriptor. */
int cg_parent_make(const char *mount, const char *parent, bool v2, struct err *err)
{
	_cleanup_close_ int fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[192];

	if (fd < 0)
		return err_errno(err, "cannot open %s", mount);
	for (const char *p = parent; *p; p += *p == '/') {
		size_t len = strcspn(p, "/");
		int next;

		memcpy(name, p, len);
		name[len] = '\0';
		p += len;
		if (v2)
			parent_enable(fd);
		if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
			return err_errno(err, "cannot create the control group %.*s in %s",
					 (int)(p - parent), parent, mount);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return err_errno(err, "cannot open the control group %.*s in %s",
					 (int)(p - parent), parent, mount);
		if (!v2)
			cg_cpuset_fill(fd, next);
		fd_drop(&fd);
		fd = next;
	}
	if (v2)
		parent_enable(fd);
	return STEAL_FD(fd);
}

static int layout_parents(const char *parent, struct cg_cache *c, struct err *err)
{
	struct cg_layout *l = &c->layout;
	char text[256];
	int fd;

	for (enum cg_controller i = 0; i < CG_N; i++) {
		if (!cg_joins(l, i) || cg_first_on_mount(l, i) != i)
			continue;
		fd = cg_parent_make(l->v1[i], parent, false, err);
		if (fd < 0)
			return fd;
		close(fd);
		hierarchy_id(l->v1[i], parent, true, &c->id1[i]);
	}

	for (int i = 0; i < l->n_others; i++) {
		fd = cg_parent_make(l->other[i], parent, false, err);
		if (fd < 0)
			return fd;
		close(fd);
	}

	fd = cg_parent_make(l->v2, parent, true, err);
	if (fd < 0)
		return fd;
	if (cg_slurp(fd, "cgroup.subtree_control", text, sizeof(text)) >= 0)
		l->v2_controllers = cg_text_controllers(text);
	cg_spill(fd, "cgroup.max.depth", CG_PARENT_DEPTH); /* 4.14 */
	close(fd);
	hierarchy_id(l->v2, parent, false, &c->id2);
	return 0;
}

static int layout_discover(const char *cache, const char *parent, struct cg_cache *c,
			   struct err *err)
{
	struct cg_layout *l = &c->layout;
	int r;

	memset(c, 0, sizeof(*c));
	strcpy(c->parent, parent);
	r = boot_id(c->boot);
	if (r < 0)
		return err_set(err, ERR_HOST, -r, "cannot read /proc/sys/kernel/random/boot_id");
	r = cglib_mounts(layout_found, l, err);
	if (r < 0)
		return r;
	r = layout_find_v2(cache, l, err);
	if (r < 0)
		return r;
	l->cpuacct_with_cpu = l->v1[CG_CPU][0] && streq(l->v1[CG_CPU], l->v1[CG_CPUACCT]);
	r = cg_others_find(cache, l, err);
	if (r < 0)
		return r;
	return layout_parents(parent, c, err);
}

static bool parent_sane(const char *parent)
{
	size_t len;

	if (!*parent || strlen(parent) > 100)
		return false;
	for (const char *p = parent;; p += len + 1) {
		len = strcspn(p, "/");
		if (len == 0 || (p[0] == '.' && (len == 1 || (len == 2 && p[1] == '.'))))
			return false;
		if (!p[len])
			return strpbrk(parent, "\n ") == NULL;
	}
}

int cg_layout_get(const char *cache, const char *parent, struct cg_layout *ret, struct err *err)
{
	char text[4096];
	struct cg_cache c;
	_cleanup_free_ char *out = NULL;
	int r;

	if (!parent_sane(parent))
		return err_set(err, ERR_USAGE, 0, "\"%s\" cannot be a parent control group",
			       parent);

	if (cg_slurp(AT_FDCWD, cache, text, sizeof(text)) > 0 && cg_cache_parse(text, &c) == 0 &&
	    cache_usable(&c, parent)) {
		*ret = c.layout;
		return 0;
	}
	r = layout_discover(cache, parent, &c, err);
	if (r < 0)
		return r;
	/* Without the file the next command finds out again. That is slow, but no error. */
	out = cg_cache_text(&c);
	fd_replace(AT_FDCWD, cache, out, strlen(out), 0600, false);
	*ret = c.layout;
	return 0;
}
