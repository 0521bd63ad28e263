// SPDX-License-Identifier: GPL-2.0-or-later
/* limit: what is refused and what is written, on layouts that this machine need not have. */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "limit/limit_slots.h"
#include "sys/cg_priv.h"

#define U PARSE_UNLIMITED

static struct cg_layout pure(void)
{
	return (struct cg_layout) { .v2 = "/sys/fs/cgroup", .v2_controllers = CG_ENABLED };
}

static struct cg_layout hybrid(void)
{
	struct cg_layout l = { .v2 = "/sys/fs/cgroup/unified" };

	strcpy(l.v1[CG_CPU], "/sys/fs/cgroup/cpu");
	strcpy(l.v1[CG_MEMORY], "/sys/fs/cgroup/memory");
	strcpy(l.v1[CG_PIDS], "/sys/fs/cgroup/pids");
	strcpy(l.v1[CG_CPUSET], "/sys/fs/cgroup/cpuset");
	strcpy(l.v1[CG_IO], "/sys/fs/cgroup/blkio");
	return l;
}

/* Without huge pages: which sizes there are is this machine's. */
static struct limit_conf defaults(void)
{
	struct limit_conf c = *limit_default();

	c.hugepages = U;
	return c;
}

static struct nums nums(const char *text)
{
	struct nums n;

	CHECK_INT(parse_nums(text, &n), 0);
	return n;
}

/* What both versions have. */
static struct limit_conf both(void)
{
	struct limit_conf c = defaults();

	c.memory = 512 << 20;
	c.swap = 64 << 20;
	c.cpus = 1500;
	c.cpu_burst = 150;
	c.cpu_weight = 250;
	c.cpu_set = nums("0");
	c.numa_set = nums("0");
	c.pids = 400;
	c.io_read_bps = 1 << 20;
	c.io_read_iops = 500;
	return c;
}

static struct limit_conf all(void)
{
	struct limit_conf c = both();

	c.memory_high = 400 << 20;
	c.memory_guarantee = 100 << 20;
	c.oom_group = true;
	c.io_weight = 300;
	c.io_write_bps = 2 << 20;
	c.io_write_iops = 600;
	return c;
}

static const struct blk_devs disks = { .dev = { { 8, 0 }, { 253, 16 } }, .n = 2 };

static void check_explain(const struct cg_layout *l, struct limit_conf conf, const char *golden)
{
	struct strv lines = { 0 };
	char *text;

	limit_explain(l, &conf, &disks, &lines);
	text = strv_join(&lines, "\n");
	CHECK_STR(text, golden);
	free(text);
	strv_free(&lines);
}

TEST(limit_explain_v2)
{
	struct cg_layout l = pure();

	check_explain(&l, all(),
		      "memory.max = 536870912\n"
		      "memory.swap.max = 67108864\n"
		      "memory.high = 419430400\n"
		      "memory.min = 104857600\n"
		      "memory.oom.group = 1\n"
		      "cpu.max = 150000 100000\n"
		      "cpu.max.burst = 150000\n"
		      "cpu.weight = 250\n"
		      "cpuset.cpus = 0\n"
		      "cpuset.mems = 0\n"
		      "pids.max = 400\n"
		      "io.weight = default 300\n"
		      "io.max 8:0 rbps = 1048576\n"
		      "io.max 253:16 rbps = 1048576\n"
		      "io.max 8:0 riops = 500\n"
		      "io.max 253:16 riops = 500\n"
		      "io.max 8:0 wbps = 2097152\n"
		      "io.max 253:16 wbps = 2097152\n"
		      "io.max 8:0 wiops = 600\n"
		      "io.max 253:16 wiops = 600");
	check_explain(&l, defaults(), "pids.max = 4096");
}

TEST(limit_explain_v1)
{
	struct cg_layout l = hybrid();

	check_explain(&l, both(),
		      "memory.limit_in_bytes = 536870912\n"
		      "memory.memsw.limit_in_bytes = 603979776\n"
		      "cpu.cfs_quota_us = 150000\n"
		      "cpu.cfs_burst_us = 150000\n"
		      "cpu.shares = 2560\n"
		      "cpuset.cpus = 0\n"
		      "cpuset.mems = 0\n"
		      "pids.max = 400\n"
		      "blkio.throttle.read_bps_device 8:0 = 1048576\n"
		      "blkio.throttle.read_bps_device 253:16 = 1048576\n"
		      "blkio.throttle.read_iops_device 8:0 = 500\n"
		      "blkio.throttle.read_iops_device 253:16 = 500");
	check_explain(&l, defaults(), "pids.max = 4096");
}

TEST(limit_explain_mixed)
{
	struct cg_layout l = hybrid();
	struct limit_conf c = defaults();

	c.memory = 512 << 20;
	c.pids = 400;
	/* pids on version 2, cpu nowhere */
	l.v1[CG_PIDS][0] = l.v1[CG_CPU][0] = '\0';
	l.v2_controllers = CG_BIT(CG_PIDS);
	c.swap = 0;
	check_explain(&l, c,
		      "memory.limit_in_bytes = 536870912\n"
		      "memory.memsw.limit_in_bytes = 536870912\n"
		      "pids.max = 400");
}

TEST(limit_extremes)
{
	struct cg_layout l1 = hybrid(), l2 = pure();
	struct limit_conf c = defaults();

	c.cpus = 10;
	c.cpu_weight = 1;
	c.pids = U;
	c.memory = UINT64_C(1) << 60;
	check_explain(&l2, c,
		      "memory.max = 1152921504606846976\ncpu.max = 1000 100000\ncpu.weight = 1");
	check_explain(&l1, c,
		      "memory.limit_in_bytes = 1152921504606846976\n"
		      "cpu.cfs_quota_us = 1000\n"
		      "cpu.shares = 10");
}

/* Another value than the ordinary one and the default. */
static void set_other(const struct limit_row *row, struct limit_conf *c)
{
	const struct opt *o = limit_option(row);
	void *place = (char *)c + o->off;

	if (o->type == &opt_bool)
		*(bool *)place = true;
	else if (o->type == &opt_nums)
		*(struct nums *)place = nums("0");
	else
		*(uint64_t *)place = 5000;
	if (streq(row->option, "cpu-burst")) {
		c->cpu_burst = 10;
		c->cpus = 1000;
	}
}

TEST(limit_refusals)
{
	struct cg_layout none = { .v2 = "/sys/fs/cgroup" }, l1 = hybrid(), l2 = pure();
	struct limit_conf c = defaults();
	struct err err;

	CHECK_INT(limit_check(&none, &c, &err), 0);
	c = all();
	CHECK_INT(limit_check(&l2, &c, &err), 0);
	CHECK(limit_check(&l1, &c, &err) < 0);
	CHECK_INT(err.class, ERR_HOST);
	c = both();
	CHECK_INT(limit_check(&l1, &c, &err), 0);

	for (size_t i = 0; i < limit_n_rows; i++) {
		const struct limit_row *row = &limit_rows[i];

		c = defaults();
		set_other(row, &c);
		err_clear(&err);
		CHECK(limit_check(&none, &c, &err) < 0);
		CHECK_INT(err.class, ERR_HOST);
		CHECK(strstr(err.text, cg_controller_name(row->c, false)) != NULL);
		if (streq(row->option, "cpu-burst") || streq(row->option, "swap"))
			continue; /* needs another, too */
		CHECK(str_starts(err.text, row->option));
		CHECK_INT(limit_check(&l2, &c, &err), 0);
		err_clear(&err);
		if (row->c == CG_HUGETLB || !row->file1) {
			CHECK(limit_check(&l1, &c, &err) < 0);
			CHECK_INT(err.class, ERR_HOST);
			CHECK(str_starts(err.text, row->option));
		} else {
			CHECK_INT(limit_check(&l1, &c, &err), 0);
		}
	}
}

TEST(limit_values_that_exclude_each_other)
{
	struct cg_layout l = pure();
	struct limit_conf c = defaults();
	struct err err;

	c.cpu_burst = 1;
	CHECK(limit_check(&l, &c, &err) < 0);
	CHECK_INT(err.class, ERR_USAGE);
	c.cpus = 10;
	CHECK_INT(limit_check(&l, &c, &err), 0);
	c.cpu_burst = 2;
	CHECK(limit_check(&l, &c, &err) < 0);
	c = defaults();
	c.memory_guarantee = 2 << 20;
	CHECK_INT(limit_check(&l, &c, &err), 0);
	c.memory = 1 << 20;
	CHECK(limit_check(&l, &c, &err) < 0);
	c = defaults();
	c.cpu_set = nums("4095");
	CHECK(limit_check(&l, &c, &err) < 0);
	CHECK_INT(err.class, ERR_HOST);
	CHECK(strstr(err.text, "no CPU 4095") != NULL);
}

/* Which of the controllers that few servers need a server joins. */
TEST(limit_groups_on_demand)
{
	struct cg_layout l1 = hybrid(), l2 = pure();
	struct limit_conf c = defaults();

	CHECK_INT(cg_extra(&l1, limit_groups(&c)), 0);
	c.cpu_set = nums("0");
	CHECK_INT(cg_extra(&l1, limit_groups(&c)), CG_BIT(CG_CPUSET));
	CHECK_INT(cg_extra(&l2, limit_groups(&c)), 0);
	c.io_read_bps = 1 << 20;
	CHECK_INT(cg_extra(&l1, limit_groups(&c)), CG_BIT(CG_CPUSET) | CG_BIT(CG_IO));
	/* on one mount point with a hierarchy that every server is in */
	strcpy(l1.v1[CG_CPUSET], l1.v1[CG_CPU]);
	CHECK_INT(cg_extra(&l1, limit_groups(&c)), CG_BIT(CG_IO));
}

TEST(limit_slots_read_as_written)
{
	static const struct {
		const char *file, *dev, *key, *want, *got;
		bool same;
	} rows[] = {
		{ "memory.max", "", NULL, "5000001", "4997120", true },
		{ "memory.max", "", NULL, "5000001", "4993024", false },
		{ "memory.max", "", NULL, "max", "9223372036854771712", true },
		{ "pids.max", "", NULL, "5000001", "4997120", false },
		{ "cpu.max", "", NULL, "150000 100000", "150000 100000", true },
		{ "cpuset.cpus", "", NULL, "0-1", "0-1", true },
		{ "cpuset.cpus", "", NULL, "0-1", "0", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct limit_slot s = { .key = NULL };

		for (size_t k = 0; k < limit_n_rows; k++)
			if (streq(limit_rows[k].file2, rows[i].file))
				s.row = &limit_rows[k];
		REQUIRE(s.row != NULL);
		CHECK(limit_slot_same(&s, rows[i].want, rows[i].got) == rows[i].same);
	}
}

TEST(limit_swap_alone)
{
	struct cg_layout l1 = hybrid(), l2 = pure();
	struct limit_conf c = defaults();
	struct err err;

	c.swap = 0;
	CHECK_INT(limit_check(&l2, &c, &err), 0);
	CHECK(limit_check(&l1, &c, &err) < 0);
	CHECK_INT(err.class, ERR_HOST);
	CHECK(strstr(err.text, "set memory too") != NULL);
}

/* Each row has its option and each option its row, or is a resource limit, or another thing;
 * defaults and bounds are parseable. */
TEST(limit_rows_match_options)
{
	struct limit_conf c;
	struct opt_group group = { "Limits", limit_opts, &limit_n_opts, 0 };
	unsigned char origin[32];
	struct opt_set set = { &group, 1, &c, origin };
	const char *option;
	struct err err;
	uint64_t value;
	int which;

	memset(&c, 0, sizeof(c));
	REQUIRE(limit_n_opts <= sizeof(origin));
	CHECK_INT(opt_defaults(&set, &err), 0);
	for (size_t i = 0; i < limit_n_rows; i++) {
		CHECK(limit_option(&limit_rows[i]) != NULL);
		CHECK(limit_same(&limit_rows[i], &c, limit_default()));
	}
	for (size_t i = 0; i < limit_n_opts; i++) {
		size_t rows = 0, rlimits = 0;

		for (size_t k = 0; k < limit_n_rows; k++)
			rows += streq(limit_rows[k].option, limit_opts[i].name);
		for (size_t k = 0; limit_rlimit(k, &c, &which, &option, &value); k++)
			if (streq(option, limit_opts[i].name)) {
				CHECK(value == *(uint64_t *)((char *)&c + limit_opts[i].off));
				rlimits++;
			}
		CHECK(rows + rlimits >= 1 || streq(limit_opts[i].name, "oom-score") ||
		      streq(limit_opts[i].name, "ptys"));
		CHECK(!(limit_opts[i].flags & OPT_LIVE) == (rlimits > 0));
	}
	CHECK_INT(opt_assign(&set, opt_find(&set, "memory"), "512M", ORIGIN_ARGS, &err), 0);
	CHECK_INT(c.memory, 512 << 20);
	CHECK(opt_assign(&set, opt_find(&set, "memory"), "3M", ORIGIN_ARGS, &err) < 0);
	CHECK_INT(opt_assign(&set, opt_find(&set, "memory"), "unlimited", ORIGIN_ARGS, &err), 0);
	CHECK_INT(opt_assign(&set, opt_find(&set, "swap"), "0", ORIGIN_ARGS, &err), 0);
	CHECK_INT(opt_assign(&set, opt_find(&set, "cpus"), "0.01", ORIGIN_ARGS, &err), 0);
	CHECK(opt_assign(&set, opt_find(&set, "cpus"), "0", ORIGIN_ARGS, &err) < 0);
	CHECK(opt_assign(&set, opt_find(&set, "cpu-weight"), "unlimited", ORIGIN_ARGS, &err) < 0);
	CHECK(opt_assign(&set, opt_find(&set, "cpu-weight"), "10001", ORIGIN_ARGS, &err) < 0);
	CHECK(opt_assign(&set, opt_find(&set, "pids"), "0", ORIGIN_ARGS, &err) < 0);
	CHECK_INT(opt_assign(&set, opt_find(&set, "cpu-set"), "0-2,7", ORIGIN_ARGS, &err), 0);
	CHECK(nums_has(&c.cpu_set, 7) && !nums_has(&c.cpu_set, 3));
	CHECK(opt_assign(&set, opt_find(&set, "cpu-set"), "0-", ORIGIN_ARGS, &err) < 0);
	CHECK(opt_assign(&set, opt_find(&set, "cpu-set"), "4096", ORIGIN_ARGS, &err) < 0);
	CHECK(opt_assign(&set, opt_find(&set, "cpu-set"), "", ORIGIN_ARGS, &err) < 0);
}

TEST(nums_print_what_they_parse)
{
	static const char *const good[] = { "all", "0", "0-3", "1,3,5", "0-1,8-63,64", "4095" };
	static const char *const bad[] = { "",	  ",", "1,",  "-1",   "1-",
					   "3-1", "a", "1 2", "1--2", "0x1" };
	struct nums n, m;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CHECK_INT(parse_nums(good[i], &n), 0);
		char *text = print_nums(&n);
		CHECK_INT(parse_nums(text, &m), 0);
		CHECK(memcmp(&n, &m, sizeof(n)) == 0);
		CHECK(i == 4 || streq(text, good[i]));
		free(text);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(parse_nums(bad[i], &n) < 0);
	CHECK_INT(parse_nums("4096", &n), -ERANGE);
	CHECK(nums_empty(&m) == false);
}
