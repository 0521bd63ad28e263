// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of storage backends, the choice among them, and what all of them share. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/mem.h"
#include "base/name.h"
#include "sys/fd.h"
#include "sys/mnt.h"

#define X(name) extern const struct store store_##name;
#include "store/stores.def"
#undef X

const struct store *const stores[] = {
#define X(name) &store_##name,
#include "store/stores.def"
#undef X
	NULL,
};

static int check_template(const struct opt *o, const void *place, struct err *err)
{
	const char *name = *(char *const *)place;

	(void)o;
	return name ? name_check("template", name, err) : 0;
}

const struct opt store_opts[] = {
	{ .name = "store",
	  .type = &opt_choice,
	  .off = offsetof(struct store_conf, store),
	  .flags = OPT_CREATE,
	  .def = "auto",
	  .metavar = "KIND",
	  .choices = "auto"
#define X(name) " " #name
#include "store/stores.def"
#undef X
	  ,
	  .help = "how the root is stored: overlay shares the template, dir copies it" },
	{ .name = "template",
	  .type = &opt_str,
	  .off = offsetof(struct store_conf, template),
	  .check = check_template,
	  .flags = OPT_CREATE,
	  .metavar = "NAME",
	  .help = "template the root is made from" },
};
const size_t store_n_opts = ARRAY_LEN(store_opts);

const struct store *store_find(const char *name)
{
	for (const struct store *const *s = stores; *s; s++)
		if (streq((*s)->name, name))
			return *s;
	return NULL;
}

int store_template_root(const struct store_plan *p, struct stat *ret, struct err *err)
{
	struct stat st;

	if (lstat(p->template_root, &st) < 0)
		return err_errno(err, "template root %s", p->template_root);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_FAIL, 0, "template root %s is not a directory",
			       p->template_root);
	*ret = st;
	return 0;
}

/* What was found usable is remembered until the next boot: finding out takes a process and a user
 * namespace. Only a yes is kept, so a host that has been put right is seen at once.
 */
static char *memo(const char *dir, const char *name)
{
	_cleanup_free_ char *boot = NULL;
	struct stat st;

	if (stat(dir, &st) < 0 ||
	    fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot, NULL) < 0)
		return NULL;
	return xasprintf("%s %u:%u %s", name, major(st.st_dev), minor(st.st_dev), boot);
}

static const struct store *remembered(const char *dir, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/cache/store", dir);
	_cleanup_free_ char *text = NULL;
	const struct store *s;

	if (fd_read_file(AT_FDCWD, path, 256, &text, NULL) < 0)
		return NULL;
	_cleanup_free_ char *word = xstrndup(text, strcspn(text, " "));
	s = store_find(word);
	/* "auto" is the first of the table; a later one is taken only while that does not work. */
	if (!s || (streq(name, "auto") ? s != stores[0] : !streq(name, word)))
		return NULL;
	_cleanup_free_ char *now = memo(dir, word);
	return now && streq(now, text) ? s : NULL;
}

static void remember(const char *dir, const struct store *s)
{
	_cleanup_free_ char *cache = xasprintf("%s/cache", dir);
	_cleanup_free_ char *path = xasprintf("%s/store", cache);
	_cleanup_free_ char *text = memo(dir, s->name);

	if (text && fd_mkdir_p(cache, 0700) == 0)
		(void)fd_overwrite(AT_FDCWD, path, text);
}

static int choose(const char *name, const char *dir, const struct store **ret, struct strv *why,
		  struct err *err)
{
	const struct store *s;

	if (!streq(name, "auto")) {
		s = store_find(name);
		if (!s)
			return err_set(err, ERR_USAGE, 0, "no store '%s'", name);
		int r = s->usable(dir, err);
		if (r < 0)
			return err_wrap(err, r, "store %s", name);
		*ret = s;
		return 0;
	}
	for (size_t i = 0; (s = stores[i]); i++) {
		struct err e = { 0 };

		if (s->usable(dir, &e) == 0) {
			*ret = s;
			return 0;
		}
		if (why)
			strv_take(why, xasprintf("%s: %s", s->name, e.text));
		err_set(err, ERR_HOST, 0, "no store works on %s: %s: %s", dir, s->name, e.text);
	}
	return -EOPNOTSUPP;
}

int store_choose(const char *name, const char *dir, const struct store **ret, struct strv *why,
		 struct err *err)
{
	*ret = why ? NULL : remembered(dir, name); /* who wants to know why wants it tried */
	if (*ret)
		return 0;
	int r = choose(name, dir, ret, why, err);
	if (r == 0 && *ret)
		remember(dir, *ret);
	return r;
}

int store_idmap(struct store_layers *l, int userns_fd, struct err *err)
{
	for (int i = 0; i < l->n; i++) {
		int r = mnt_set(l->fd[i], 0, userns_fd, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void store_layers_close(struct store_layers *l)
{
	for (int i = 0; i < l->n; i++)
		fd_drop(&l->fd[i]);
	l->n = 0;
}
