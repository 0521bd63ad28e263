// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The devices of a server: what is in its /dev, and what its control group lets it open.
 *
 * The first layer is the root file system, mounted without devices, and /dev with a few bound
 * nodes; this is the second, for the day when a node of another device gets inside. Must stay true:
 * making nodes is allowed, as archives and package managers do it; opening what is not in the table
 * is not.
 */
#include "guard/guard.h"
#include "base/mem.h"
#include "sys/cgdev.h"

#define ANY CGDEV_ANY

/* Numbers: Documentation/admin-guide/devices.txt of the kernel. */
const struct guard_device guard_devices[] = {
	{ "null", 'c', 1, 3, "rwm", 0, true },
	{ "zero", 'c', 1, 5, "rwm", 0, true },
	{ "full", 'c', 1, 7, "rwm", 0, true },
	{ "random", 'c', 1, 8, "rwm", 0, true },
	{ "urandom", 'c', 1, 9, "rwm", 0, true },
	{ "tty", 'c', 5, 0, "rwm", 0, true },
	{ "console", 'c', 5, 1, "rwm", 0, false }, /* a pseudo-terminal of ours is bound there */
	{ "ptmx", 'c', 5, 2, "rwm", 0, false },	   /* of its own devpts */
	{ "pts/*", 'c', 136, ANY, "rwm", 0, false },
	{ "fuse", 'c', 10, 229, "rwm", GUARD_FUSE, true },
	{ "net/tun", 'c', 10, 200, "rwm", GUARD_TUN, true },
	{ "*", 'c', ANY, ANY, "m", 0, false },
	{ "*", 'b', ANY, ANY, "m", 0, false },
};
const size_t guard_n_devices = ARRAY_LEN(guard_devices);

int guard_devices_apply(const struct cg *cg, unsigned features, bool *ret_active, struct err *err)
{
	struct cgdev_rule rules[ARRAY_LEN(guard_devices)];
	size_t n = 0;
	int r;

	for (size_t i = 0; i < guard_n_devices; i++) {
		const struct guard_device *d = &guard_devices[i];

		if (d->feature && !(d->feature & features))
			continue;
		rules[n++] = (struct cgdev_rule) { d->type, d->major, d->minor, d->access };
	}
	if (cg_is_v1(cg->layout, CG_DEVICES) && cg->v1[CG_DEVICES] >= 0)
		r = cgdev_write_v1(cg->v1[CG_DEVICES], rules, n, err);
	else
		r = cgdev_attach(cg->fd2, rules, n, err);
	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	*ret_active = r == 0;
	return 0;
}
