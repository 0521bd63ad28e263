// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The version 1 hierarchies in which croft limits nothing: freezer, blkio, perf_event, name=systemd
 * and whatever else the host has.
 *
 * A server's root may mount any hierarchy that exists (mount(2) of "cgroup" in its own user
 * namespace), and sees there what lies beneath the group in which its first process was when its
 * cgroup namespace was made. So that this is no group of the host's, all servers are in the group
 * PARENT of each of these hierarchies, which has nothing beneath it. What must stay true: no
 * hierarchy is left out, however it is named and wherever it is mounted.
 */
#include "sys/cg_priv.h"
#include <ctype.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"

#define OWN_CGROUP "/proc/self/cgroup"

/* One version 1 line "ID:CONTROLLERS:PATH" (cgroups(7)): its first two fields to out. Returns what
 * follows the line; NULL at the end. */
static const char *next_hierarchy(const char *text, char *out, size_t n)
{
	while (*text) {
		size_t line = strcspn(text, "\n"), id = strcspn(text, ":\n");
		size_t list = text[id] == ':' ? strcspn(text + id + 1, ":\n") : 0;
		const char *start = text;

		text += line + (text[line] == '\n');
		if (list == 0 || id + 1 + list >= n)
			continue;
		memcpy(out, start, id + 1 + list);
		out[id + 1 + list] = '\0';
		return text;
	}
	return NULL;
}

uint64_t cg_text_hierarchies(const char *text)
{
	uint64_t h = STR_HASH_INIT;
	char one[512];

	while ((text = next_hierarchy(text, one, sizeof(one))))
		h = str_hash(h, one, strlen(one) + 1);
	return h;
}

int cg_hierarchies(uint64_t *ret)
{
	char text[8192];
	int r = cg_slurp(AT_FDCWD, OWN_CGROUP, text, sizeof(text));

	if (r < 0)
		return r;
	*ret = cg_text_hierarchies(text);
	return 0;
}

/* Whether one of "a,b,c" is word. */
bool cg_list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == n && strncmp(p, word, n) == 0)
			return true;
	return false;
}

static bool is_joined(const struct cg_layout *l, const char *list)
{
	for (enum cg_controller c = 0; c < CG_N; c++)
		if (cg_joins(l, c) && cg_list_has(list, cg_controller_name(c, true)))
			return true;
	return false;
}

static bool is_v1_mount(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP_SUPER_MAGIC;
}

bool cg_mountinfo_is(char *line, const char *word, char *ret, size_t n)
{
	char *save = NULL, *field[64], *dash = NULL;
	size_t fields = 0;

	for (char *f = strtok_r(line, " \n", &save); f && fields < ARRAY_LEN(field);
	     f = strtok_r(NULL, " \n", &save)) {
		if (!dash && fields >= 6 && streq(f, "-"))
			dash = f;
		field[fields++] = f;
	}
	/* ID PARENT DEVICE ROOT POINT OPTIONS... - TYPE SOURCE OPTIONS; proc_pid_mountinfo(5) */
	if (!dash || fields < 10 || dash != field[fields - 4])
		return false;
	if (!streq(field[fields - 3], "cgroup") || !streq(field[3], "/") ||
	    !cg_list_has(field[fields - 1], word) || strchr(field[4], '\\') ||
	    strlen(field[4]) >= n)
		return false;
	strcpy(ret, field[4]);
	return true;
}

/* Where the host has it: as a whole, and not hidden by a later mount. */
static bool find_mount(const char *word, char *ret, size_t n)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	while (f && !found && getline(&line, &size, f) > 0)
		found = cg_mountinfo_is(line, word, ret, n) && is_v1_mount(ret);
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* A mount of our own beside the cache file. */
static int mount_own(const char *cache, const char *id, const char *list, char *ret, size_t n,
		     struct err *err)
{
	const char *slash = strrchr(cache, '/');
	_cleanup_free_ char *options =
	    xasprintf("%s%s", str_starts(list, "name=") ? "none," : "", list);

	if (snprintf(ret, n, "%.*s" CG_OWN_V1 "%s", slash ? (int)(slash - cache) : 0, cache, id) >=
	    (int)n)
		return err_set(err, ERR_FAIL, ENAMETOOLONG, "%s", cache);
	if (is_v1_mount(ret))
		umount2(ret, MNT_DETACH); /* numbers are used again */
	int r = fd_mkdir_p(ret, 0700);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot create %s", ret);
	if (mount("cgroup", ret, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		return err_errno(err,
				 "the host's control group hierarchy \"%s\" is mounted nowhere, "
				 "and cannot be mounted on %s",
				 list, ret);
	return 0;
}

int cg_others_find(const char *cache, struct cg_layout *l, struct err *err)
{
	char text[8192], one[512], word[512];
	int r = cg_slurp(AT_FDCWD, OWN_CGROUP, text, sizeof(text));

	if (r < 0)
		return err_set(err, ERR_HOST, -r, "cannot read " OWN_CGROUP);
	l->hierarchies = cg_text_hierarchies(text);
	for (const char *p = text; (p = next_hierarchy(p, one, sizeof(one)));) {
		char *list = strchr(one, ':');

		*list++ = '\0';
		if (is_joined(l, list))
			continue;
		if (l->n_others == CG_OTHERS_MAX)
			return err_set(err, ERR_HOST, 0,
				       "the host has more than %d version 1 control group "
				       "hierarchies that croft does not use",
				       CG_OTHERS_MAX);
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(list, ","), list);
		if (!find_mount(word, l->other[l->n_others], sizeof(l->other[0]))) {
			r = mount_own(cache, one, list, l->other[l->n_others], sizeof(l->other[0]),
				      err);
			if (r < 0)
				return r;
		}
		l->n_others++;
	}
	return 0;
}

/* The processors and memory nodes of a new cpuset group are none, and nobody can enter it:
 * cpusets.rst. */
void cg_cpuset_fill(int above, int group)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	char text[4096];

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (cg_slurp(group, files[i], text, sizeof(text)) >= 0 && text[0] == '\n' &&
		    cg_slurp(above, files[i], text, sizeof(text)) > 0)
			cg_spill(group, files[i], text);
}
