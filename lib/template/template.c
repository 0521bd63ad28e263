// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What templates there are, and what is known of each.
 *
 * What must stay true: a name that begins with a dot is never a template; DIR/NAME exists only
 * whole, because it came there by rename(2) and goes by rename(2).
 */
#include "template/template.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/name.h"
#include "sys/fd.h"
#include "sys/json.h"
#include "template/template_stage.h"

const struct template_recipe template_recipes[] = {
	{ "busybox", "busybox", NULL, "this host's static busybox; no network, under a second" },
	{ "debian-11", "debian", "bullseye",
	  "Debian 11 (bullseye), minimal, with systemd and ssh" },
	{ "debian-12", "debian", "bookworm",
	  "Debian 12 (bookworm), minimal, with systemd and ssh" },
	{ "debian-13", "debian", "trixie", "Debian 13 (trixie), minimal, with systemd and ssh" },
	{ "debian-sid", "debian", "sid", "Debian unstable (sid), minimal, with systemd and ssh" },
};
const size_t template_n_recipes = ARRAY_LEN(template_recipes);

const struct template_recipe *template_recipe_find(const char *name)
{
	for (size_t i = 0; i < template_n_recipes; i++) {
		const struct template_recipe *r = &template_recipes[i];

		if (streq(r->name, name) || (r->release && streq(r->release, name)))
			return r;
	}
	return NULL;
}

void template_info_free(struct template_info *t)
{
	free(t->dialect);
	free(t->recipe);
	free(t->arch);
	free(t->built);
	memset(t, 0, sizeof(*t));
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static int absent(const char *name, struct err *err)
{
	if (template_recipe_find(name))
		return err_set(err, ERR_ABSENT, 0,
			       "no template %s; make it with: croft template build %s", name, name);
	return err_set(err, ERR_ABSENT, 0, "no template %s; see: croft template list", name);
}

int template_load(const char *dir, const char *name, struct template_info *ret, struct err *err)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	struct json *j;
	size_t len;
	int r = name_check("template", name, err);

	if (r < 0)
		return r;
	path = xasprintf("%s/%s/template.json", dir, name);
	r = fd_read_file(AT_FDCWD, path, 65536, &text, &len);
	if (r == -ENOENT || r == -ENOTDIR) {
		absent(name, err);
		return -ENOENT;
	}
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "template %s: %s", name, path);
	r = json_parse(text, len, &j, err);
	if (r < 0)
		return err_wrap(err, r, "template %s: %s", name, path);
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->dialect = dup_or_null(json_get_str(j, "dialect"));
	ret->recipe = dup_or_null(json_get_str(j, "recipe"));
	ret->arch = dup_or_null(json_get_str(j, "arch"));
	ret->built = dup_or_null(json_get_str(j, "built"));
	ret->bytes = (uint64_t)json_get_int(j, "bytes", 0);
	ret->inodes = (uint64_t)json_get_int(j, "inodes", 0);
	json_free(j);
	return 0;
}

int template_list(const char *dir, struct strv *ret, struct err *err)
{
	struct strv names = { 0 };
	const struct dirent *e;
	DIR *d = opendir(dir);

	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_errno(err, "%s", dir);
	while ((e = readdir(d))) {
		_cleanup_free_ char *path = xasprintf("%s/template.json", e->d_name);

		if (e->d_name[0] != '.' && faccessat(dirfd(d), path, F_OK, 0) == 0)
			strv_add(&names, e->d_name);
	}
	closedir(d);
	strv_sort(&names);
	for (size_t i = 0; i < names.n; i++)
		strv_add(ret, names.v[i]);
	strv_free(&names);
	return 0;
}

int template_remove(const char *dir, const char *name, struct err *err)
{
	_cleanup_close_ int dirfd = -1, held = -1;
	_cleanup_free_ char *away = NULL;
	int r = name_check("template", name, err);

	if (r < 0)
		return r;
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 && errno != ENOENT)
		return err_errno(err, "%s", dir);
	if (dirfd < 0) {
		absent(name, err);
		return -ENOENT;
	}
	stage_sweep(dirfd);
	held = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (held >= 0)
		flock(held, LOCK_EX | LOCK_NB); /* keeps sweepers away from what has no name */
	away = xasprintf(STAGE_OLD "%s-%d", name, (int)getpid());
	if (renameat(dirfd, name, dirfd, away) < 0) {
		if (errno == ENOENT) {
			absent(name, err);
			return -ENOENT;
		}
		return err_errno(err, "template %s", name);
	}
	r = fd_remove_tree(dirfd, away);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "template %s: removing %s/%s", name, dir, away)
		     : 0;
}
