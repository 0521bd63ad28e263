// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules for names. They are tighter than what any one user of a name needs (file, cgroup,
 * interface, host name), so that a name which passes here is good for all of them. */
#include "base/name.h"

#include <stdbool.h>
#include "base/mem.h"
#include "base/str.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

/* Labels with dots between; each of the given characters and inner hyphens, 1 to 63 long. */
static bool labels_ok(const char *s, const char *chars)
{
	for (;;) {
		size_t n = strcspn(s, ".");

		if (n < 1 || n > 63 || s[0] == '-' || s[n - 1] == '-')
			return false;
		for (size_t i = 0; i < n; i++)
			if (s[i] != '-' && !strchr(chars, s[i]))
				return false;
		if (!s[n])
			return true;
		s += n + 1;
	}
}

/* Files that the kernel keeps in the directories of a cgroup, version 1 and 2: a child of that name
 * could not be made, or would hide from tools. Controllers get new files with every kernel, so
 * their whole prefix is refused, as systemd does (CGROUP_DELEGATION.md). */
static bool is_cgroup_file(const char *name)
{
	static const char *const prefixes[] = {
		"blkio.",   "cgroup.", "cpu.",	   "cpuacct.", "cpuset.", "debug.",
		"devices.", "dmem.",   "freezer.", "hugetlb.", "io.",	  "irq.",
		"memory.",  "misc.",   "pids.",	   "rdma.",
	};

	if (streq(name, "tasks"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(name, prefixes[i]))
			return true;
	return false;
}

int name_check(const char *what, const char *name, struct err *err)
{
	if (strlen(name) > NAME_MAX_LEN || !labels_ok(name, LOWER DIGIT))
		return err_set(
		    err, ERR_USAGE, 0,
		    "bad %s name '%.80s': use 1 to %d of a-z and 0-9, and inner hyphens or dots",
		    what, name, NAME_MAX_LEN);
	if (is_cgroup_file(name))
		return err_set(
		    err, ERR_USAGE, 0,
		    "bad %s name '%s': the kernel has cgroup files of such names; take another",
		    what, name);
	return 0;
}

int name_check_host(const char *name, struct err *err)
{
	if (strlen(name) > 64)
		return err_set(err, ERR_USAGE, 0,
			       "bad host name '%.80s': the kernel takes 64 characters at most",
			       name);
	if (!labels_ok(name, LOWER UPPER DIGIT))
		return err_set(err, ERR_USAGE, 0,
			       "bad host name '%.80s': use letters, digits and inner hyphens, "
			       "with dots between the parts",
			       name);
	return 0;
}
