// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values for files of control groups that no option has, as the administrator wrote them:
 * --cgroup FILE=VALUE. What must stay true: only files of controllers, and none that an option
 * writes, can be named; what a failed change wrote is put back.
 */
#include "limit/limit_slots.h"

#include <errno.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const struct {
	const char *prefix;
	enum cg_controller c;
} controllers[] = {
	{ "cpu.", CG_CPU },	    { "cpuset.", CG_CPUSET }, { "memory.", CG_MEMORY },
	{ "pids.", CG_PIDS },	    { "io.", CG_IO },	      { "blkio.", CG_IO },
	{ "hugetlb.", CG_HUGETLB },
};

/* Also the option that writes a file; NULL: none. */
static const char *option_of(const char *file)
{
	for (size_t i = 0; i < limit_n_rows; i++) {
		const char *both[] = { limit_rows[i].file1, limit_rows[i].file2 };

		for (size_t k = 0; k < 2; k++) {
			_cleanup_free_ char *pattern = both[k] ? xstrdup(both[k]) : NULL;
			char *size = pattern ? strstr(pattern, "%s") : NULL;

			if (size) /* hugetlb.%s.max */
				size[0] = size[1] = '*';
			if (pattern && fnmatch(pattern, file, 0) == 0)
				return limit_rows[i].option;
		}
	}
	return streq(file, "io.bfq.weight") ? "io-weight" : NULL;
}

/* "FILE=VALUE": the file to file, its controller to c; the value, or NULL. */
static const char *split(const char *item, char file[64], enum cg_controller *c)
{
	const char *equals = strchr(item, '=');
	size_t n = equals ? (size_t)(equals - item) : 0;

	if (!n || n >= 64 || !equals[1])
		return NULL;
	memcpy(file, item, n);
	file[n] = '\0';
	if (strspn(file, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") != n ||
	    strstr(file, ".."))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
		if (str_starts(file, controllers[i].prefix)) {
			*c = controllers[i].c;
			return equals + 1;
		}
	return NULL;
}

static int check_raw(const struct opt *o, const void *place, struct err *err)
{
	const struct strv *l = place;

	(void)o;
	for (size_t i = 0; i < l->n; i++) {
		enum cg_controller c;
		const char *option;
		char file[64];

		if (!split(l->v[i], file, &c))
			return err_set(err, ERR_USAGE, 0,
				       "'%.80s' is not FILE=VALUE with a file of the controllers "
				       "cpu, cpuset, memory, pids, io, blkio or hugetlb",
				       l->v[i]);
		option = option_of(file);
		if (option)
			return err_set(err, ERR_USAGE, 0, "%s has an option: --%s", file, option);
	}
	return 0;
}

const struct opt limit_raw_opts[] = {
	{ .name = "cgroup",
	  .type = &opt_items,
	  .off = offsetof(struct limit_raw_conf, cgroup),
	  .flags = OPT_LIVE | OPT_RARE,
	  .check = check_raw,
	  .metavar = "FILE=VALUE",
	  .help = "a value for a file of the server's control group that no option has" },
};
const size_t limit_raw_n_opts = ARRAY_LEN(limit_raw_opts);

unsigned limit_raw_groups(const struct limit_raw_conf *conf)
{
	unsigned bits = 0;

	for (size_t i = 0; i < conf->cgroup.n; i++) {
		enum cg_controller c;
		char file[64];

		if (split(conf->cgroup.v[i], file, &c))
			bits |= 1u << c;
	}
	return bits;
}

void limit_raw_undo(const struct cg *cg, const struct limit_raw_conf *want,
		    const struct strv *before)
{
	for (size_t n = before->n; n-- > 0;) {
		enum cg_controller c;
		char file[64];

		if (split(want->cgroup.v[n], file, &c) && *before->v[n])
			cg_write(cg, c, file, before->v[n]);
	}
}

int limit_raw_apply(const struct cg *cg, const struct limit_raw_conf *want,
		    const struct limit_raw_conf *old, struct strv *before, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < want->cgroup.n; i++) {
		const char *item = want->cgroup.v[i], *value;
		enum cg_controller c;
		char file[64], text[4096] = "";

		value = split(item, file, &c);
		if (!value || (old && strv_has(&old->cgroup, item))) {
			strv_add(before, "");
			continue;
		}
		if (old && cg_read(cg, c, file, text, sizeof(text)) > 0)
			text[strcspn(text, "\n")] = '\0';
		strv_add(before, text);
		r = cg_write(cg, c, file, value);
		if (r == -ENOENT || r == -EACCES)
			r = err_set(err, ERR_HOST, 0,
				    "cgroup: this host has no file %s that can be written", file);
		else if (r < 0)
			r = err_set(err, ERR_FAIL, -r, "cgroup: cannot write \"%s\" to %s", value,
				    file);
	}
	return r;
}
