// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of storage backends, the choice among them, and what all of them share. */
#include "store/store.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/name.h"
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

int store_choose(const char *name, const char *dir, const struct store **ret, struct strv *why,
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
