/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates: an OS root file system each, in DIR/NAME/root, with DIR/NAME/template.json beside it.
 */
#ifndef CROFT_TEMPLATE_TEMPLATE_H
#define CROFT_TEMPLATE_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"
#include "base/err.h"

struct template_info {
	char name[64];
	char *dialect;		     /* name of the dialect found when it was built */
	char *recipe, *arch, *built; /* built: RFC 3339 time */
	uint64_t bytes, inodes;
};
void template_info_free(struct template_info *t);

/* ERR_ABSENT, with the command that would build it, when there is none. */
int template_load(const char *dir, const char *name, struct template_info *ret, struct err *err);
int template_list(const char *dir, struct strv *ret, struct err *err);

struct template_job {
	const char *dir;     /* /var/lib/croft/templates */
	const char *recipes; /* where the recipe scripts are: /usr/share/croft/templates */
	const char *name;    /* the template's name; NULL: as the recipe's */
	const char *recipe;  /* "busybox", "debian-12" */
	const char *arch;    /* NULL: the host's */
	const char *mirror;  /* NULL: as the bootstrap tool is set up on this host */
	const struct strv *include;
	bool replace;  /* an existing template of that name is replaced */
	bool progress; /* stderr is a terminal: let the recipe show its progress */
	uint64_t deadline_ms;
};
/* Runs the recipe in a staging directory and renames the result: a template is there whole or not
 * at all. On failure the last lines of the recipe's output are in err and its log is named. */
int template_build(const struct template_job *job, struct err *err);
/* ERR_STATE naming the servers (in_use, by the caller) is the caller's part. Renames away, then
 * removes. */
int template_remove(const char *dir, const char *name, struct err *err);

/* Recipe of a template name: "debian-12" -> script "debian", release "bookworm". ERR_ABSENT with
 * the list of known ones otherwise. The table is template_recipes. */
struct template_recipe {
	const char *name, *script, *release, *help;
};
extern const struct template_recipe template_recipes[];
extern const size_t template_n_recipes;

#endif
