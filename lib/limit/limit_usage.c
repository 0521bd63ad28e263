// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a server uses now. Each figure is one small file; what a host does not count is
 * PARSE_UNLIMITED, never 0.
 */
#include "limit/limit.h"
#include "base/parse.h"

static uint64_t read_u64(const struct cg *cg, enum cg_controller c, const char *file)
{
	uint64_t v;

	return cg_read_u64(cg, c, file, &v) == 0 ? v : PARSE_UNLIMITED;
}

static uint64_t read_key(const struct cg *cg, enum cg_controller c, const char *file,
			 const char *key)
{
	uint64_t v;

	return cg_read_key(cg, c, file, key, &v) == 0 ? v : PARSE_UNLIMITED;
}

static void usage_memory_v1(const struct cg *cg, struct limit_usage *u)
{
	uint64_t sum = read_u64(cg, CG_MEMORY, "memory.memsw.usage_in_bytes");

	u->memory = read_u64(cg, CG_MEMORY, "memory.usage_in_bytes");
	u->memory_peak = read_u64(cg, CG_MEMORY, "memory.max_usage_in_bytes");
	/* The two are read one after the other, so the sum may be the smaller one by now. */
	if (sum != PARSE_UNLIMITED && u->memory != PARSE_UNLIMITED)
		u->swap = sum > u->memory ? sum - u->memory : 0;
	u->oom_kills = read_key(cg, CG_MEMORY, "memory.oom_control", "oom_kill"); /* 4.13 */
}

static void usage_memory_v2(const struct cg *cg, struct limit_usage *u)
{
	u->memory = read_u64(cg, CG_MEMORY, "memory.current");
	u->memory_peak = read_u64(cg, CG_MEMORY, "memory.peak"); /* 5.19 */
	u->swap = read_u64(cg, CG_MEMORY, "memory.swap.current");
	u->oom_kills = read_key(cg, CG_MEMORY, "memory.events", "oom_kill");
}

void limit_usage(const struct cg *cg, struct limit_usage *ret)
{
	*ret = (struct limit_usage) {
		.memory = PARSE_UNLIMITED,
		.memory_peak = PARSE_UNLIMITED,
		.swap = PARSE_UNLIMITED,
		.pids = PARSE_UNLIMITED,
		.oom_kills = PARSE_UNLIMITED,
	};
	if (cg_is_v1(cg->layout, CG_MEMORY))
		usage_memory_v1(cg, ret);
	else
		usage_memory_v2(cg, ret);
	ret->pids = read_u64(cg, CG_PIDS, "pids.current");
	/* Version 2 counts CPU time of every group, also where the cpu controller is elsewhere. */
	ret->cpu_usec = read_key(cg, CG_CPUACCT, "cpu.stat", "usage_usec");
}
