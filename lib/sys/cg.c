// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The groups of one server: make, open, read, write, remove.
 *
 * This is on the way of every start, so it is counted in system calls: paths once, then *at() calls
 * beneath the open directories, and one write per value. Must stay true: no process is ever moved
 * by its pid (see cg.h), limits stand one level above what the server's root owns, and what is
 * below "inside" has been made by the server: its names are opened without following links, its
 * depth is bounded.
 */
#include "sys/cg_priv.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sys/fd.h"

/* Groups that a server may make beneath its own: each one pins kernel memory that no limit of the
 * server's counts on version 1. A file of "inside" itself, so only the host writes it. How deep
 * they may be is said once, in the parent of all servers (cg_layout.c). */
#define CG_INSIDE_GROUPS "1024"

/* Files. */

int cg_slurp(int dirfd, const char *file, char *out, size_t n)
{
	int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC);
	ssize_t len;
	int saved;

	out[0] = '\0';
	if (fd < 0)
		return -errno;
	len = read(fd, out, n - 1);
	saved = errno;
	close(fd);
	if (len < 0)
		return -saved;
	out[len] = '\0';
	return (int)len;
}

int cg_spill(int dirfd, const char *file, const char *text)
{
	size_t len = strlen(text);
	int fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC);
	ssize_t done;
	int saved;

	if (fd < 0)
		return -errno;
	done = write(fd, text, len);
	saved = errno;
	close(fd);
	if (done < 0)
		return -saved;
	return (size_t)done == len ? 0 : -EIO;
}

int cg_text_key(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key), digits;
	char number[24];

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, len) != 0 || p[len] != ' ')
			continue;
		p += len + 1;
		digits = strspn(p, "0123456789");
		if (digits == 0 || digits >= sizeof(number))
			return -EINVAL;
		memcpy(number, p, digits);
		number[digits] = '\0';
		return parse_u64(number, ret);
	}
	return -ENOENT;
}

bool cg_is_in(const struct cg *cg, enum cg_controller c)
{
	return cg_joins(cg->layout, c) || cg->extra & CG_BIT(c);
}

/* The lowest controller whose directory it is. */
static enum cg_controller cg_home(const struct cg *cg, enum cg_controller c)
{
	for (enum cg_controller i = 0; i < CG_N; i++)
		if (i != c && cg_is_in(cg, i) && streq(cg->layout->v1[i], cg->layout->v1[c]) &&
		    (i < c || !cg_is_in(cg, c)))
			return i;
	return c;
}

/* The directory in which the files of a controller are; -1 when there is none. */
static int cg_dir(const struct cg *cg, enum cg_controller c)
{
	if (!cg_is_v1(cg->layout, c) || c == CG_CPUACCT)
		return cg->fd2;
	c = cg_home(cg, c);
	return cg_is_in(cg, c) ? cg->v1[c] : -1;
}

int cg_write(const struct cg *cg, enum cg_controller c, const char *file, const char *text)
{
	int dir = cg_dir(cg, c);

	return dir < 0 ? -ENOENT : cg_spill(dir, file, text);
}

int cg_read(const struct cg *cg, enum cg_controller c, const char *file, char *out, size_t n)
{
	int dir = cg_dir(cg, c);

	return dir < 0 ? -ENOENT : cg_slurp(dir, file, out, n);
}

int cg_read_v2(const struct cg *cg, const char *file, char *out, size_t n)
{
	return cg_slurp(cg->fd2, file, out, n);
}

int cg_write_back(const struct cg *cg, enum cg_controller c, const char *file, const char *text,
		  char *back, size_t n)
{
	int dir = cg_dir(cg, c);
	_cleanup_close_ int fd = -1;
	ssize_t len;

	if (dir < 0)
		return -ENOENT;
	fd = openat(dir, file, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		return -errno;
	len = pread(fd, back, n - 1, 0);
	if (len < 0)
		return -errno;
	back[len] = '\0';
	back[strcspn(back, "\n")] = '\0';
	return 0;
}

void cg_file_path(const struct cg_layout *l, const char *rel, enum cg_controller c,
		  const char *file, char *out, size_t n)
{
	const char *mount = cg_is_v1(l, c) ? l->v1[c] : cg_has(l, c) ? l->v2 : "";
	int len = *mount ? snprintf(out, n, "%s/%s/%s", mount, rel, file) : -1;

	if (len < 0 || (size_t)len >= n)
		out[0] = '\0';
}

int cg_parse_u64(const char *text, uint64_t *ret)
{
	/* What version 1 prints for "no limit": the largest number of pages that its counters take,
	 * in bytes; pages have 4 to 64 KiB. */
	const uint64_t huge = INT64_MAX - UINT64_C(0xffff);
	uint64_t value;
	int r;

	if (streq(text, "max") || streq(text, "-1")) {
		*ret = PARSE_UNLIMITED;
		return 0;
	}
	r = parse_u64(text, &value);
	if (r < 0)
		return r;
	*ret = value >= huge ? PARSE_UNLIMITED : value;
	return 0;
}

int cg_read_u64(const struct cg *cg, enum cg_controller c, const char *file, uint64_t *ret)
{
	char text[64];
	int r = cg_read(cg, c, file, text, sizeof(text));

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return cg_parse_u64(text, ret);
}

int cg_read_key(const struct cg *cg, enum cg_controller c, const char *file, const char *key,
		uint64_t *ret)
{
	char text[8192];
	int r = cg_read(cg, c, file, text, sizeof(text));

	return r < 0 ? r : cg_text_key(text, key, ret);
}

/* Directories. */

static const char *group_path(char out[CG_PATH_MAX], const char *mount, const char *rel)
{
	snprintf(out, CG_PATH_MAX, "%s/%s", mount, rel);
	return out;
}

static int group_open(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int group_remove(int at, const char *path, int depth);

/* Removes the groups beneath an open one. Consumes fd. */
static int group_remove_children(int fd, int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(dir)))
		if (e->d_type == DT_DIR && !streq(e->d_name, ".") && !streq(e->d_name, ".."))
			r = group_remove(dirfd(dir), e->d_name, depth + 1);
	closedir(dir);
	return r;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec) { .tv_nsec = ms * 1000000 }, NULL);
}

/* A version 2 group counts as populated for a moment after its last process has been waited for,
 * until that one has left its CPU. Then nobody is listed in it. */
static bool group_in_use(int fd)
{
	for (long ms = 1; ms <= 32; ms *= 2) {
		if (!cg_event(fd, "populated"))
			return false;
		if (cg_has_pids(fd))
			return true;
		sleep_ms(ms);
	}
	return cg_event(fd, "populated");
}

/* Removes a group with all that are beneath it, the deepest first; missing is success. Nothing is
 * removed from a version 2 group that has a process anywhere. */
static int group_remove(int at, const char *path, int depth)
{
	int fd, r;

	if (unlinkat(at, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	if (depth >= CG_DEPTH_MAX)
		return -ELOOP;
	fd = group_open(at, path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (group_in_use(fd)) {
		close(fd);
		return -EBUSY;
	}
	r = group_remove_children(fd, depth);
	if (r < 0)
		return r;

	/* The last process may still be on its way out of the kernel: 31 ms in all. */
	for (long ms = 1; ms <= 16; ms *= 2) {
		if (unlinkat(at, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -errno;
		sleep_ms(ms);
	}
	return unlinkat(at, path, AT_REMOVEDIR) == 0 ? 0 : -errno;
}

static int group_busy(const char *path, struct err *err)
{
	_cleanup_close_ int fd = group_open(AT_FDCWD, path);
	char who[256];

	err_set(err, ERR_STATE, 0, "the control group %s has processes: %s", path,
		fd < 0 ? "?" : cg_who(fd, who, sizeof(who)));
	return -EBUSY;
}

/* A new, empty group. What a start that was killed has left is removed first, so that no old limit
 * stays in force. */
static int group_make(const char *path, struct err *err)
{
	int r, fd;

	if (mkdir(path, 0755) < 0) {
		if (errno != EEXIST)
			return err_errno(err, "cannot create the control group %s", path);
		r = group_remove(AT_FDCWD, path, 0);
		if (r == -EBUSY)
			return group_busy(path, err);
		if (r < 0)
			return err_set(err, ERR_FAIL, -r, "cannot replace the control group %s",
				       path);
		if (mkdir(path, 0755) < 0)
			return err_errno(err, "cannot create the control group %s", path);
	}
	fd = group_open(AT_FDCWD, path);
	return fd < 0 ? err_set(err, ERR_FAIL, -fd, "cannot open the control group %s", path) : fd;
}

/* Bounds "inside", and hands it to the server's root: the directory and the files that the kernel
 * says may be delegated (/sys/kernel/cgroup/delegate, cgroups(7)), and no file that limits
 * anything. */
static int inside_delegate(const struct cg *cg, uid_t owner, struct err *err)
{
	static const struct {
		const char *file;
		unsigned needs;
	} files[] = {
		{ "cgroup.procs", 0 },
		{ "cgroup.threads", 0 },
		{ "cgroup.subtree_control", 0 },
		{ "memory.oom.group", CG_BIT(CG_MEMORY) }, /* 4.19 */
		{ "memory.reclaim", CG_BIT(CG_MEMORY) },   /* 5.19 */
	};

	int r = cg_spill(cg->inside, "cgroup.max.descendants", CG_INSIDE_GROUPS); /* 4.14 */

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot bound the groups beneath %s/inside",
			       cg->rel);
	if (owner == 0)
		return 0;
	if (fchown(cg->inside, owner, owner) < 0)
		return err_errno(err, "cannot delegate the control group %s/inside", cg->rel);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if ((files[i].needs & cg->layout->v2_controllers) != files[i].needs)
			continue;
		if (fchownat(cg->inside, files[i].file, owner, owner, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT)
			return err_errno(err, "cannot delegate %s/inside/%s", cg->rel,
					 files[i].file);
	}
	return 0;
}

static int make_v2(struct cg *cg, struct err *err)
{
	const struct cg_layout *l = cg->layout;
	char path[CG_PATH_MAX], words[128] = "";
	int r;

	cg->fd2 = group_make(group_path(path, l->v2, cg->rel), err);
	if (cg->fd2 < 0)
		return cg->fd2;

	/* Not hugetlb: enabling it for each start costs more than a server's own groups gain by it.
	 */
	for (enum cg_controller c = 0; c < CG_N; c++)
		if (l->v2_controllers & CG_ENABLED & ~CG_BIT(CG_HUGETLB) & CG_BIT(c))
			snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s+%s",
				 words[0] ? " " : "", cg_controller_name(c, false));
	r = words[0] ? cg_spill(cg->fd2, "cgroup.subtree_control", words) : 0;
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot enable \"%s\" in the control group %s",
			       words, path);

	if (mkdirat(cg->fd2, "inside", 0755) < 0)
		return err_errno(err, "cannot create the control group %s/inside", path);
	cg->inside = group_open(cg->fd2, "inside");
	if (cg->inside < 0)
		return err_set(err, ERR_FAIL, -cg->inside,
			       "cannot open the control group %s/inside", path);
	return 0;
}

static void cg_empty(struct cg *cg, const struct cg_layout *l, const char *rel)
{
	*cg = (struct cg)CG_NONE;
	cg->layout = l;
	snprintf(cg->rel, sizeof(cg->rel), "%s", rel);
	for (enum cg_controller c = 0; c < CG_N; c++)
		cg->v1[c] = -1;
}

bool cg_rel_plain(const char *rel)
{
	for (;;) {
		size_t n = strcspn(rel, "/");

		if (n == 0 || *rel == '.')
			return false;
		if (!rel[n])
			return true;
		rel += n + 1;
	}
}

static int rel_check(const char *rel, struct err *err)
{
	if (!cg_rel_plain(rel))
		return err_set(err, ERR_USAGE, 0, "'%s' is no path of a control group", rel);
	if (strlen(rel) < sizeof(((struct cg *)0)->rel) - sizeof("/inside"))
		return 0;
	return err_set(err, ERR_USAGE, ENAMETOOLONG, "control group %s", rel);
}

int cg_make(const struct cg_layout *l, const char *rel, struct cg *ret, struct err *err)
{
	struct cg cg;
	int r = rel_check(rel, err);

	if (r < 0)
		return r;
	cg_empty(&cg, l, rel);
	r = make_v2(&cg, err);
	if (r == -EBUSY && cg.fd2 < 0)
		return r; /* somebody's: nothing was made, nothing may be removed */
	if (r < 0) {
		struct err ignored;

		cg_close(&cg);
		cg_remove(l, rel, &ignored);
		return r;
	}
	*ret = cg;
	return 0;
}

const char *cg_group_rel(const struct cg *cg, enum cg_controller c, char out[CG_PATH_MAX])
{
	return cg_joins(cg->layout, c) ? cg->rel : cg_limited_rel(cg->rel, out);
}

int cg_make_v1(struct cg *cg, enum cg_controller c, struct err *err)
{
	const char *mount = cg->layout->v1[c];
	char path[CG_PATH_MAX], rel[CG_PATH_MAX];
	bool limited = !cg_joins(cg->layout, c);
	_cleanup_close_ int above = -1;

	if (cg_home(cg, c) != c) {
		cg->v1[c] = cg->v1[cg_home(cg, c)];
		return 0;
	}
	if (limited) {
		cg_limited_parent(cg->rel, rel);
		above = cg_parent_make(mount, rel, false, err);
		if (above < 0)
			return above;
	}
	int fd = group_make(group_path(path, mount, cg_group_rel(cg, c, rel)), err);
	if (fd < 0)
		return fd;
	if (limited)
		cg_cpuset_fill(above, fd);
	cg->v1[c] = fd;
	return 0;
}

int cg_finish(struct cg *cg, uid_t owner, unsigned extra, struct err *err)
{
	int r = inside_delegate(cg, owner, err);

	cg->extra = extra;
	for (enum cg_controller c = 0; r == 0 && c < CG_N; c++)
		if (cg_is_in(cg, c))
			r = cg_make_v1(cg, c, err);
	return r;
}

int cg_open(const struct cg_layout *l, const char *rel, unsigned extra, struct cg *ret,
	    struct err *err)
{
	char path[CG_PATH_MAX], own[CG_PATH_MAX];
	struct cg cg;
	int r = rel_check(rel, err);

	if (r < 0)
		return r;
	cg_empty(&cg, l, rel);
	cg.extra = extra;
	r = group_open(AT_FDCWD, group_path(path, l->v2, rel));
	if (r < 0) {
		err_set(err, r == -ENOENT ? ERR_STATE : ERR_FAIL, -r, "control group %s", path);
		return r;
	}
	cg.fd2 = r;
	/* Those below are missing where a start was killed before it had made them. */
	r = group_open(cg.fd2, "inside");
	cg.inside = r < 0 ? -1 : r;
	for (enum cg_controller c = 0; (r >= 0 || r == -ENOENT) && c < CG_N; c++) {
		if (!cg_is_in(&cg, c))
			continue;
		if (cg_home(&cg, c) != c) {
			cg.v1[c] = cg.v1[cg_home(&cg, c)];
			continue;
		}
		r = group_open(AT_FDCWD, group_path(path, l->v1[c], cg_group_rel(&cg, c, own)));
		cg.v1[c] = r < 0 ? -1 : r;
	}
	if (r < 0 && r != -ENOENT) {
		cg_close(&cg);
		return err_set(err, ERR_FAIL, -r, "control group %s", rel);
	}
	*ret = cg;
	return 0;
}

void cg_close(struct cg *cg)
{
	fd_drop(&cg->fd2);
	fd_drop(&cg->inside);
	for (enum cg_controller c = CG_N; cg->layout && c-- > 0;) {
		if (cg_home(cg, c) == c)
			fd_drop(&cg->v1[c]);
		cg->v1[c] = -1;
	}
	cg->layout = NULL;
}

int cg_monitor_open(const struct cg_layout *l, const char *parent, struct err *err)
{
	char path[CG_PATH_MAX];
	int fd = -ENOENT;

	snprintf(path, sizeof(path), "%s/%s/.monitor", l->v2, parent);
	/* Somebody may just be making it anew. */
	for (int tries = 0; fd == -ENOENT && tries < 8; tries++) {
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_errno(err, "cannot create the control group %s", path);
		fd = group_open(AT_FDCWD, path);
	}
	return fd < 0 ? err_set(err, ERR_FAIL, -fd, "cannot open the control group %s", path) : fd;
}

int cg_monitor_renew(const struct cg_layout *l, const char *parent, struct err *err)
{
	char path[CG_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/.monitor", l->v2, parent);
	rmdir(path);
	return cg_monitor_open(l, parent, err);
}

int cg_join_fds(const struct cg *cg, int ret[CG_N], struct err *err)
{
	int fd[CG_N], n = 0;

	for (enum cg_controller c = 0; c < CG_N; c++) {
		if (!cg_is_in(cg, c) || cg_home(cg, c) != c)
			continue;
		fd[n] = cg->v1[c] < 0 ? -1 : openat(cg->v1[c], "tasks", O_WRONLY | O_CLOEXEC);
		if (fd[n] < 0) {
			int r = err_set(err, ERR_FAIL, cg->v1[c] < 0 ? ENOENT : errno,
					"cannot open %s/%s/tasks", cg->layout->v1[c], cg->rel);

			while (n-- > 0)
				close(fd[n]);
			return r;
		}
		n++;
	}
	memcpy(ret, fd, sizeof(fd[0]) * (size_t)n);
	return n;
}

int cg_parent_fds(const struct cg_layout *l, const char *parent, bool all, int ret[CG_V1_MAX],
		  struct err *err)
{
	const char *mount[CG_V1_MAX];
	char path[CG_PATH_MAX];
	int fd[CG_V1_MAX], n = 0;

	for (enum cg_controller c = 0; all && c < CG_N; c++)
		if (cg_joins(l, c) && cg_first_on_mount(l, c) == c)
			mount[n++] = l->v1[c];
	for (int i = 0; i < l->n_others; i++)
		mount[n++] = l->other[i];
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s/tasks", mount[i], parent);
		fd[i] = open(path, O_WRONLY | O_CLOEXEC);
		if (fd[i] >= 0)
			continue;
		int r = err_errno(err, "cannot open %s", path);
		while (i-- > 0)
			close(fd[i]);
		return r;
	}
	if (n)
		memcpy(ret, fd, sizeof(fd[0]) * (size_t)n);
	return n;
}

int cg_remove(const struct cg_layout *l, const char *rel, struct err *err)
{
	char path[CG_PATH_MAX], own[CG_PATH_MAX];
	int r = rel_check(rel, err);

	if (r < 0)
		return r;
	/* "inside" first, because that is all there is in most servers: no reading of directories.
	 */
	snprintf(path, sizeof(path), "%s/%s/inside", l->v2, rel);
	unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
	r = group_remove(AT_FDCWD, group_path(path, l->v2, rel), 0);
	for (enum cg_controller c = 0; r == 0 && c < CG_N; c++)
		if (cg_joins(l, c) && cg_first_on_mount(l, c) == c)
			r = group_remove(AT_FDCWD, group_path(path, l->v1[c], rel), 0);
	/* Whatever the record says: it may be of before the group was made. */
	for (enum cg_controller c = 0; r == 0 && c < CG_N; c++)
		if (cg_extra(l, CG_BIT(c)))
			r = group_remove(AT_FDCWD,
					 group_path(path, l->v1[c], cg_limited_rel(rel, own)), 0);
	if (r == -EBUSY)
		return group_busy(path, err);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot remove the control group %s", path);
	return 0;
}

int cg_open_of(const struct cg *cg, pid_t pid)
{
	char file[64], text[8192], prefix[256];
	const char *line;
	size_t len;
	int r;

	/* Version 2 is the hierarchy with the number 0 (cgroups(7)); the kernel allows no newline
	 * in the name of a group. */
	snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	r = cg_slurp(AT_FDCWD, file, text, sizeof(text));
	if (r < 0)
		return r;
	line = str_starts(text, "0::") ? text : strstr(text, "\n0::");
	if (!line || !strchr(line + 1, '\n'))
		return -ENOENT;
	line += *line == '\n';
	text[line - text + strcspn(line, "\n")] = '\0';
	line += strlen("0::");

	len = (size_t)snprintf(prefix, sizeof(prefix), "/%s/inside", cg->rel);
	if (strncmp(line, prefix, len) != 0 || (line[len] != '/' && line[len] != '\0'))
		return -EXDEV;
	line += len + (line[len] == '/');
	/* The name is the server's choice: whatever it says, the result lies beneath "inside". */
	return fd_open_beneath(cg->inside, *line ? line : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC,
			       0);
}
