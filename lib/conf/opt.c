// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets of options: finding rows, assigning values, walking. What must stay true: a value that fails
 * to parse or to pass its check leaves the set as it was. */
#include "conf/opt.h"

#include <stdalign.h>
#include "base/mem.h"

/* Room for a value of any type, while it is parsed and checked; struct nums is the largest. */
struct scratch {
	alignas(max_align_t) unsigned char place[sizeof(struct nums)];
};

size_t opt_count(const struct opt_group *groups, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += *groups[i].n;
	return sum;
}

bool opt_each(const struct opt_set *set, size_t *i, const struct opt_group **group,
	      const struct opt **row)
{
	size_t k = *i;

	for (size_t g = 0; g < set->n_groups; g++) {
		if (k >= *set->groups[g].n) {
			k -= *set->groups[g].n;
			continue;
		}
		if (group)
			*group = &set->groups[g];
		if (row)
			*row = &set->groups[g].rows[k];
		++*i;
		return true;
	}
	return false;
}

/* Group and number of a row; false when it is not of this set. */
static bool locate(const struct opt_set *set, const struct opt *o, const struct opt_group **group,
		   size_t *ret_index)
{
	size_t before = 0;

	for (size_t g = 0; g < set->n_groups; g++) {
		const struct opt_group *grp = &set->groups[g];

		if (o >= grp->rows && o < grp->rows + *grp->n) {
			*group = grp;
			*ret_index = before + (size_t)(o - grp->rows);
			return true;
		}
		before += *grp->n;
	}
	return false;
}

static char key_char(char c)
{
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	return c == '-' ? '_' : c;
}

char *opt_key(const char *name)
{
	char *key = xstrdup(name);

	for (char *p = key; *p; p++)
		*p = key_char(*p);
	return key;
}

static bool is_key_of(const char *name, const char *key)
{
	while (*name && key_char(*name) == *key) {
		name++;
		key++;
	}
	return !*name && !*key;
}

const struct opt *opt_find(const struct opt_set *set, const char *name)
{
	const struct opt *o;

	for (size_t i = 0; opt_each(set, &i, NULL, &o);)
		if (streq(o->name, name) || is_key_of(o->name, name))
			return o;
	return NULL;
}

void *opt_place(const struct opt_set *set, const struct opt *o)
{
	const struct opt_group *group;
	size_t index;

	if (!locate(set, o, &group, &index))
		return NULL;
	return (char *)set->base + group->off + o->off;
}

enum opt_origin opt_origin_of(const struct opt_set *set, const struct opt *o)
{
	const struct opt_group *group;
	size_t index;

	if (!set->origin || !locate(set, o, &group, &index))
		return ORIGIN_DEFAULT;
	return (enum opt_origin)set->origin[index];
}

int opt_assign(struct opt_set *set, const struct opt *o, const char *text, enum opt_origin origin,
	       struct err *err)
{
	struct scratch new = { 0 };
	const struct opt_group *group;
	_cleanup_free_ char *joined = NULL;
	size_t index;
	char *place;
	int r;

	if (!locate(set, o, &group, &index))
		return err_set(err, ERR_FAIL, EINVAL, "option %s is not of this set", o->name);
	place = (char *)set->base + group->off + o->off;

	/* An empty variable of a script must not pass for a key or a password that was set. */
	if ((o->flags & OPT_NOSAVE) && !*text)
		return err_set(err, ERR_USAGE, 0, "it is empty");

	/* A list option given again adds to what the command line gave before. */
	bool again = o->type->list && origin == ORIGIN_ARGS && opt_origin_of(set, o) == ORIGIN_ARGS;

	if (again && !o->type->append) {
		_cleanup_free_ char *old = o->type->print(o, place);

		joined = xasprintf("%s %s", old, text);
		text = joined;
	}
	r = o->type->parse(o, text, new.place, err);
	if (r < 0)
		return r;
	if (again && o->type->append) {
		struct scratch more = new;

		o->type->copy(new.place, place);
		o->type->append(new.place, more.place);
		o->type->free(more.place);
	}
	if (o->check)
		r = o->check(o, new.place, err);
	if (r >= 0) {
		o->type->free(place);
		o->type->copy(place, new.place);
		if (set->origin)
			set->origin[index] = (unsigned char)origin;
		r = 0;
	}
	o->type->free(new.place);
	return r;
}

void opt_copy(struct opt_set *to, const struct opt_set *from, const struct opt *o)
{
	const struct opt_group *group;
	size_t index;

	if (!locate(to, o, &group, &index))
		return;
	o->type->free(opt_place(to, o));
	o->type->copy(opt_place(to, o), opt_place(from, o));
	if (to->origin && from->origin)
		to->origin[index] = from->origin[index];
}

char *opt_text(const struct opt_set *set, const struct opt *o)
{
	const void *place = opt_place(set, o);

	/* A number without a default that nobody gave is unset, not 0. */
	if (!place || (!o->def && opt_origin_of(set, o) == ORIGIN_DEFAULT && set->origin))
		return xstrdup("");
	return o->type->print(o, place);
}

int opt_defaults(struct opt_set *set, struct err *err)
{
	const struct opt *o;

	for (size_t i = 0; opt_each(set, &i, NULL, &o);) {
		int r;

		if (!o->def) {
			o->type->free(opt_place(set, o));
			if (set->origin)
				set->origin[i - 1] = ORIGIN_DEFAULT;
			continue;
		}
		r = opt_assign(set, o, o->def, ORIGIN_DEFAULT, err);
		if (r < 0)
			return err_wrap(err, r, "default of %s", o->name);
	}
	return 0;
}

void opt_free_all(struct opt_set *set)
{
	const struct opt *o;

	for (size_t i = 0; opt_each(set, &i, NULL, &o);) {
		o->type->free(opt_place(set, o));
		if (set->origin)
			set->origin[i - 1] = ORIGIN_DEFAULT;
	}
}
