// SPDX-License-Identifier: GPL-2.0-or-later
/* limit: what is refused and what is written, on layouts that this machine need not have. */
#include "unit.h"
#include "base/parse.h"
#include "base/str.h"
#include "limit/limit_rows.h"
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
	return l;
}

static struct limit_conf defaults(void)
{
	return (struct limit_conf) {
		.memory = U, .swap = U, .cpus = U, .cpu_weight = 100, .pids = 4096
	};
}

static struct limit_conf all(void)
{
	return (struct limit_conf) {
		.memory = 512 << 20, .swap = 64 << 20, .cpus = 1500, .cpu_weight = 250, .pids = 400
	};
}

static void check_explain(const struct cg_layout *l, struct limit_conf conf, const char *golden)
{
	struct strv lines = { 0 };
	char *text;

	limit_explain(l, &conf, &lines);
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
		      "cpu.max = 150000 100000\n"
		      "cpu.weight = 250\n"
		      "pids.max = 400");
	check_explain(&l, defaults(), "pids.max = 4096");
}

TEST(limit_explain_v1)
{
	struct cg_layout l = hybrid();

	check_explain(&l, all(),
		      "memory.limit_in_bytes = 536870912\n"
		      "memory.memsw.limit_in_bytes = 603979776\n"
		      "cpu.cfs_quota_us = 150000\n"
		      "cpu.shares = 2560\n"
		      "pids.max = 400");
	check_explain(&l, defaults(), "pids.max = 4096");
}

TEST(limit_explain_mixed)
{
	struct cg_layout l = hybrid();
	struct limit_conf c = all();

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

TEST(limit_refusals)
{
	struct cg_layout none = { .v2 = "/sys/fs/cgroup" }, l1 = hybrid(), l2 = pure();
	struct limit_conf c = defaults();
	struct err err;

	CHECK_INT(limit_check(&none, &c, &err), 0);
	c = all();
	CHECK_INT(limit_check(&l1, &c, &err), 0);
	CHECK_INT(limit_check(&l2, &c, &err), 0);

	for (size_t i = 0; i < LIMIT_ROWS; i++) {
		const struct limit_row *row = &limit_rows[i];

		c = defaults();
		*(uint64_t *)((char *)&c + row->off) = 5000;
		err_clear(&err);
		CHECK(limit_check(&none, &c, &err) < 0);
		CHECK_INT(err.class, ERR_HOST);
		CHECK(str_starts(err.text, row->option));
		CHECK(strstr(err.text, cg_controller_name(row->c, false)) != NULL);
		/* what nobody limits needs no controller */
		*(uint64_t *)((char *)&c + row->off) = row->fresh;
		CHECK_INT(limit_check(&none, &c, &err), 0);
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

/* Each row has its option and each option its row; defaults and bounds are parseable. */
TEST(limit_rows_match_options)
{
	struct limit_conf c;
	struct opt_group group = { "Limits", limit_opts, &limit_n_opts, 0 };
	unsigned char origin[16];
	struct opt_set set = { &group, 1, &c, origin };
	struct limit_conf def = defaults();
	struct err err;

	memset(&c, 0, sizeof(c));
	REQUIRE(limit_n_opts <= sizeof(origin));
	CHECK_INT(opt_defaults(&set, &err), 0);
	CHECK(memcmp(&c, &def, sizeof(c)) == 0);

	for (size_t i = 0; i < limit_n_opts; i++) {
		size_t rows = 0;

		for (size_t k = 0; k < LIMIT_ROWS; k++)
			rows += streq(limit_rows[k].option, limit_opts[i].name) &&
				limit_rows[k].off == limit_opts[i].off;
		CHECK_INT(rows, 1);
		CHECK(limit_opts[i].flags & OPT_LIVE);
	}
	CHECK_INT(opt_assign(&set, &limit_opts[0], "512M", ORIGIN_ARGS, &err), 0);
	CHECK_INT(c.memory, 512 << 20);
	CHECK(opt_assign(&set, &limit_opts[0], "3M", ORIGIN_ARGS, &err) < 0);
	CHECK_INT(opt_assign(&set, &limit_opts[0], "unlimited", ORIGIN_ARGS, &err), 0);
	CHECK_INT(opt_assign(&set, &limit_opts[1], "0", ORIGIN_ARGS, &err), 0);
	CHECK_INT(opt_assign(&set, &limit_opts[2], "0.01", ORIGIN_ARGS, &err), 0);
	CHECK(opt_assign(&set, &limit_opts[2], "0", ORIGIN_ARGS, &err) < 0);
	CHECK(opt_assign(&set, &limit_opts[3], "unlimited", ORIGIN_ARGS, &err) < 0);
	CHECK(opt_assign(&set, &limit_opts[3], "10001", ORIGIN_ARGS, &err) < 0);
	CHECK(opt_assign(&set, &limit_opts[4], "0", ORIGIN_ARGS, &err) < 0);
}
