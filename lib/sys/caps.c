// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capabilities, with libcap.
 *
 * What must stay true: this is the only file that includes sys/capability.h, and whoever may go on
 * to execute a server's program passes through caps_drop() first.
 */
#include <sys/capability.h>
#include <sys/prctl.h>
#include "base/mem.h"
#include "sys/caps.h"

static void freep(cap_t *c)
{
	if (*c)
		cap_free(*c);
}

static int drop_bound(const char *name, cap_value_t cap, struct err *err)
{
	int in = cap_get_bound(cap);

	/* EINVAL: the kernel is older than the name. Not there: nothing to do, which also saves
	 * the call for CAP_SETPCAP in a process that is already confined. */
	if (in == 0 || (in < 0 && errno == EINVAL))
		return 0;
	if (in < 0)
		return err_errno(err, "cannot tell whether %s is in the bounding set", name);
	if (cap_drop_bound(cap) < 0)
		return err_errno(err, "cannot drop %s from the bounding set", name);
	return 0;
}

int caps_drop(const char *const *names, size_t n, struct err *err)
{
	_cleanup_(freep) cap_t have = NULL;

	/* The bounding set first: dropping from it needs CAP_SETPCAP in the effective set. */
	for (size_t i = 0; i < n; i++) {
		cap_value_t cap;

		if (cap_from_name(names[i], &cap) < 0)
			continue;
		int r = drop_bound(names[i], cap, err);

		if (r < 0)
			return r;
	}
	/* Linux 4.3; EINVAL before. A stale ambient set would survive execve(2) of an ordinary
	 * user's program. Not cap_reset_ambient(), which first asks for each of them. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return err_errno(err, "cannot empty the ambient capabilities");
	have = cap_get_proc();
	if (!have || cap_clear_flag(have, CAP_INHERITABLE) < 0)
		return err_errno(err, "cannot read the capabilities");
	for (size_t i = 0; i < n; i++) {
		cap_value_t cap;

		if (cap_from_name(names[i], &cap) < 0)
			continue;
		/* EINVAL: this set has no such bit, so it is not held. */
		cap_set_flag(have, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR);
		cap_set_flag(have, CAP_PERMITTED, 1, &cap, CAP_CLEAR);
	}
	if (cap_set_proc(have) < 0)
		return err_errno(err, "cannot set the capabilities");
	return 0;
}

bool caps_have(const char *name)
{
	_cleanup_(freep) cap_t have = cap_get_proc();
	cap_flag_value_t v = CAP_CLEAR;
	cap_value_t cap;

	return have && cap_from_name(name, &cap) == 0 &&
	       cap_get_flag(have, cap, CAP_EFFECTIVE, &v) == 0 && v == CAP_SET;
}

bool caps_bounded(const char *name)
{
	cap_value_t cap;

	return cap_from_name(name, &cap) == 0 && cap_get_bound(cap) == 1;
}
