// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The number of CPUs for whoever looks at the group in which the server's processes are, and not at
 * those above it: lxcfs, and run-time systems that count CPUs by their quota. Version 2 only; on
 * version 1 the processes are in the group that has the limit.
 *
 * What must stay true: it never slows the server down. The limit and its figures (cpu.stat) are
 * those of the group above; here the quota is whole CPUs, and as much may be saved up (5.14).
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"
#include "limit/limit.h"
#include "sys/fd.h"

#define PERIOD_USEC 100000

void limit_view(const struct cg *cg, const struct limit_conf *conf)
{
	char quota[48] = "max", burst[24] = "0";

	if (cg_is_v1(cg->layout, CG_CPU) || !cg_has(cg->layout, CG_CPU) || cg->inside < 0)
		return;
	if (conf->cpus != PARSE_UNLIMITED) {
		uint64_t usec = (conf->cpus + 999) / 1000 * PERIOD_USEC;

		snprintf(quota, sizeof(quota), "%" PRIu64 " %d", usec, PERIOD_USEC);
		snprintf(burst, sizeof(burst), "%" PRIu64, usec);
	}
	/* No more may be saved up than the quota is: nothing while that changes. */
	(void)fd_write_file(cg->inside, "cpu.max.burst", "0");
	(void)fd_write_file(cg->inside, "cpu.max", quota);
	(void)fd_write_file(cg->inside, "cpu.max.burst", burst);
}
