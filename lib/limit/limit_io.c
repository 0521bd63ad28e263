// SPDX-License-Identifier: GPL-2.0-or-later
/* For which block devices the I/O limits are. */
#include "limit/limit_rows.h"

#include "base/str.h"

static bool is_set(const struct limit_conf *c, unsigned flag)
{
	for (size_t i = 0; c && i < limit_n_rows; i++)
		if (limit_rows[i].flags & flag && !limit_same(&limit_rows[i], c, limit_ordinary()))
			return true;
	return false;
}

bool limit_wants_devices(const struct limit_conf *a, const struct limit_conf *b)
{
	return is_set(a, ROW_DEVICES | ROW_WEIGHT) || is_set(b, ROW_DEVICES | ROW_WEIGHT);
}

int limit_devices(const struct limit_conf *a, const struct limit_conf *b, const char *const dir[],
		  size_t n, struct blk_devs *ret, struct err *err)
{
	bool rate = is_set(a, ROW_DEVICES), weight = is_set(a, ROW_WEIGHT);
	struct blk_devs devs = { 0 };
	int r = 0;

	*ret = devs;
	if (!limit_wants_devices(a, b))
		return 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = blk_behind(dir[i], &devs, err);
	if (r == 0 && weight)
		r = blk_weighs(&devs, "/sys/fs/cgroup", err);
	if (r < 0 && !rate && !weight) { /* b was in force: what is not there needs no undoing */
		err_clear(err);
		return 0;
	}
	if (r < 0)
		return err_wrap(err, r, "%s", rate ? "the I/O limits" : "io-weight");
	*ret = devs;
	return 0;
}
