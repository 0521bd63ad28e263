// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who a command runs as inside a server. The files are the server's own, so they are read here,
 * line by line and within bounds, not by nss(5): libc would load libraries of the server's choice.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "run/join_priv.h"
#include "sys/fd.h"

#define FILE_MAX     (8 * 1024 * 1024) /* what lies beyond is not looked at */
#define LINE_MAX_LEN 65536	       /* a longer line is passed over */

/* -- what was typed ------------------------------------------------------------------------- */

static bool all_digits(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* An id as the kernel has them: 4294967295 means "none". No leading zero: that could be octal. */
static int parse_id(const char *s, uint32_t *ret)
{
	uint64_t n;

	if (!all_digits(s) || (s[0] == '0' && s[1]) || parse_u64(s, &n) < 0 || n >= UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)n;
	return 0;
}

/* The names useradd(8) and systemd take: a letter or underscore first. */
static bool name_ok(const char *s)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char later[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-.";
	size_t n = strlen(s);

	if (!n || n >= JOIN_NAME_MAX || !strchr(first, s[0]))
		return false;
	size_t ok = strspn(s, later);
	return ok == n || (ok == n - 1 && s[ok] == '$');
}

static int parse_half(const char *what, const char *s, bool *by_id, uint32_t *id,
		      char name[JOIN_NAME_MAX], struct err *err)
{
	if (parse_id(s, id) == 0) {
		*by_id = true;
		return 0;
	}
	if (!name_ok(s))
		return err_set(err, ERR_USAGE, 0,
			       "'%s' is neither a %s name nor a number from 0 to 4294967294", s,
			       what);
	snprintf(name, JOIN_NAME_MAX, "%s", s);
	return 0;
}

int join_who_parse(const char *text, struct join_who *ret, struct err *err)
{
	struct join_who w = { 0 };
	_cleanup_free_ char *user = xstrdup(text ? text : "0");
	char *group = strchr(user, ':');

	if (group)
		*group++ = '\0';
	int r = parse_half("user", user, &w.by_uid, &w.uid, w.user, err);
	if (r == 0 && group) {
		w.has_group = true;
		r = parse_half("group", group, &w.by_gid, &w.gid, w.group, err);
	}
	if (r == 0)
		*ret = w;
	return r;
}

/* -- the files ------------------------------------------------------------------------------ */

struct lines {
	int fd;
	size_t total; /* bytes read so far */
	size_t at, n; /* what is left in buf */
	bool skip;    /* within a line that is too long */
	char buf[LINE_MAX_LEN + 1];
};

static int lines_open(struct lines *l, int rootfd, const char *path)
{
	struct stat st;

	*l = (struct lines) { .fd = fd_open_in(rootfd, path,
					       O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0) };
	if (l->fd < 0)
		return l->fd;
	if (fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	fd_drop(&l->fd);
	return -EINVAL;
}

/* Makes room and reads on. False at the end, or at the bound. */
static bool lines_fill(struct lines *l)
{
	memmove(l->buf, l->buf + l->at, l->n);
	l->at = 0;
	if (l->n == LINE_MAX_LEN) {
		l->skip = true;
		l->n = 0;
	}
	ssize_t r = l->total < FILE_MAX ? read(l->fd, l->buf + l->n, LINE_MAX_LEN - l->n) : 0;
	if (r <= 0)
		return false;
	l->total += (size_t)r;
	l->n += (size_t)r;
	return true;
}

/* The next line without its newline, NULL at the end. One with a NUL in it ends there, as it would
 * for the C library. */
static char *lines_next(struct lines *l)
{
	for (;;) {
		char *start = l->buf + l->at;
		char *nl = memchr(start, '\n', l->n);

		if (!nl && lines_fill(l))
			continue;
		if (!nl && !l->n)
			return NULL;
		size_t len = nl ? (size_t)(nl - (l->buf + l->at)) : l->n;
		start = l->buf + l->at;
		start[len] = '\0';
		l->at += len + (nl ? 1 : 0);
		l->n -= len + (nl ? 1 : 0);
		if (!l->skip)
			return start;
		l->skip = false;
	}
}

/* Cuts a line at its colons. Returns how many fields there are; only the first n are kept. */
static size_t split(char *line, char **field, size_t n)
{
	size_t count = 0;

	for (char *s = line; s; count++) {
		char *colon = strchr(s, ':');

		if (count < n)
			field[count] = s;
		if (colon)
			*colon++ = '\0';
		s = colon;
	}
	return count;
}

/* passwd(5): name:password:uid:gid:comment:home:shell */
struct entry {
	char *name, *home, *shell;
	uint32_t uid, gid;
};

static bool passwd_entry(char *line, struct entry *ret)
{
	char *f[7];

	if (split(line, f, 7) != 7 || !*f[0] || parse_id(f[2], &ret->uid) < 0 ||
	    parse_id(f[3], &ret->gid) < 0)
		return false;
	ret->name = f[0];
	ret->home = f[5];
	ret->shell = f[6];
	return true;
}

static void copy_path(char *dst, size_t size, const char *s, const char *fallback)
{
	snprintf(dst, size, "%s", s[0] == '/' && strlen(s) < size ? s : fallback);
}

/* 0 found, -ENOENT not. The first entry counts, as for getpwnam(3). */
static int find_user(int rootfd, const struct join_who *w, struct join_ids *ids)
{
	_cleanup_free_ struct lines *l = xmalloc(sizeof(*l));
	int r = lines_open(l, rootfd, "/etc/passwd");
	struct entry e;

	if (r < 0)
		return r;
	r = -ENOENT;
	for (char *line; r != 0 && (line = lines_next(l));) {
		if (!passwd_entry(line, &e) ||
		    (w->by_uid ? e.uid != w->uid : !streq(e.name, w->user)))
			continue;
		r = 0;
		ids->uid = e.uid;
		ids->gid = e.gid;
		snprintf(ids->name, sizeof(ids->name), "%s", name_ok(e.name) ? e.name : "");
		copy_path(ids->home, sizeof(ids->home), e.home, "/");
		copy_path(ids->shell, sizeof(ids->shell), e.shell, "/bin/sh");
	}
	fd_drop(&l->fd);
	return r;
}

static bool is_member(char *members, const char *name)
{
	for (char *save, *m = strtok_r(members, ",", &save); m; m = strtok_r(NULL, ",", &save))
		if (streq(m, name))
			return true;
	return false;
}

static void add_group(struct join_ids *ids, gid_t gid)
{
	for (size_t i = 0; i < ids->n_groups; i++)
		if (ids->groups[i] == gid)
			return;
	if (ids->n_groups < JOIN_GROUPS_MAX)
		ids->groups[ids->n_groups++] = gid;
}

/* group(5): name:password:gid:members. Looks up the group that was named, or else collects those
 * the user is in. */
static int find_groups(int rootfd, const struct join_who *w, struct join_ids *ids)
{
	_cleanup_free_ struct lines *l = xmalloc(sizeof(*l));
	bool named = w->has_group;
	int r = lines_open(l, rootfd, "/etc/group");
	char *f[4];
	uint32_t gid;

	if (r < 0)
		return r;
	r = -ENOENT;
	for (char *line; r != 0 && (line = lines_next(l));) {
		if (split(line, f, 4) != 4 || parse_id(f[2], &gid) < 0)
			continue;
		if (named && streq(f[0], w->group)) {
			ids->gid = gid;
			r = 0;
		} else if (!named && ids->name[0] && is_member(f[3], ids->name)) {
			add_group(ids, gid);
		}
	}
	fd_drop(&l->fd);
	return r;
}

int join_ids_find(int rootfd, const struct join_who *w, struct join_ids *ret, struct err *err)
{
	_cleanup_free_ struct join_ids *ids = xcalloc(1, sizeof(*ids));
	int r = find_user(rootfd, w, ids);

	if (r < 0 && !w->by_uid)
		return err_set(err, ERR_ABSENT, r == -ENOENT ? 0 : -r,
			       "no user '%s' in the server's /etc/passwd", w->user);
	if (r < 0) {
		ids->uid = w->uid;
		ids->gid = w->uid;
		strcpy(ids->home, "/");
		strcpy(ids->shell, "/bin/sh");
	}
	if (w->has_group && w->by_gid) {
		ids->gid = w->gid;
	} else {
		add_group(ids, ids->gid);
		r = find_groups(rootfd, w, ids);
		if (w->has_group && r < 0)
			return err_set(err, ERR_ABSENT, r == -ENOENT ? 0 : -r,
				       "no group '%s' in the server's /etc/group", w->group);
	}
	if (w->has_group) {
		ids->n_groups = 0;
		add_group(ids, ids->gid);
	}
	*ret = *ids;
	return 0;
}
