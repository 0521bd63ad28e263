// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The limits: the options people set, and the rows that say which file of which controller each one
 * writes. A new limit is a member of struct limit_conf, an option, a row, and a paragraph of
 * croft-server(5); limit_apply.c walks the rows.
 *
 * Must stay true: the order of the rows is the order of writing in a fresh group (version 1 refuses
 * memory+swap below memory).
 */
#include "limit/limit_rows.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include "base/mem.h"
#include "base/parse.h"

#define PLACE(member) offsetof(struct limit_conf, member)

const struct opt limit_opts[] = {
	{ .name = "memory",
	  .type = &opt_size,
	  .off = PLACE(memory),
	  .flags = OPT_LIVE | OPT_UNLIMITED,
	  .def = "unlimited",
	  .metavar = "SIZE",
	  .help = "memory the server may use",
	  .min = UINT64_C(4) << 20, /* below this no init gets as far as saying why */
	  .max = UINT64_C(1) << 60 },
	{ .name = "swap",
	  .type = &opt_size,
	  .off = PLACE(swap),
	  .flags = OPT_LIVE | OPT_UNLIMITED,
	  .def = "unlimited",
	  .metavar = "SIZE",
	  .help = "swap space the server may use beyond its memory",
	  .max = UINT64_C(1) << 60 },
	{ .name = "cpus",
	  .type = &opt_milli,
	  .off = PLACE(cpus),
	  .flags = OPT_LIVE | OPT_UNLIMITED,
	  .def = "unlimited",
	  .metavar = "N",
	  .help = "CPU time the server may use, in CPUs, as in 1.5",
	  .min = 10, /* the kernel's smallest quota is 1 ms of 100 */
	  .max = 8192 * 1000 },
	{ .name = "cpu-weight",
	  .type = &opt_u64,
	  .off = PLACE(cpu_weight),
	  .flags = OPT_LIVE,
	  .def = "100",
	  .metavar = "N",
	  .help = "share of busy CPUs relative to other servers",
	  .min = 1,
	  .max = 10000 },
	{ .name = "pids",
	  .type = &opt_u64,
	  .off = PLACE(pids),
	  .flags = OPT_LIVE | OPT_UNLIMITED,
	  .def = "4096", /* a fork bomb must not take the host */
	  .metavar = "N",
	  .help = "processes and threads the server may have",
	  .min = 1,
	  .max = 4194304 }, /* PID_MAX_LIMIT */
};
const size_t limit_n_opts = ARRAY_LEN(limit_opts);

/* What is written. */

static void text_number(uint64_t v, const char *unlimited, char *out)
{
	if (v == PARSE_UNLIMITED)
		snprintf(out, LIMIT_TEXT_MAX, "%s", unlimited);
	else
		snprintf(out, LIMIT_TEXT_MAX, "%" PRIu64, v);
}

static void text_memory(const struct limit_conf *conf, bool v1, char *out)
{
	text_number(conf->memory, v1 ? "-1" : "max", out);
}

/* Version 1 limits the sum; where memory has no limit there is none to add to (limit_check). */
static void text_swap(const struct limit_conf *conf, bool v1, char *out)
{
	uint64_t v = conf->swap;

	if (v1 && v != PARSE_UNLIMITED)
		v = conf->memory == PARSE_UNLIMITED ? PARSE_UNLIMITED : conf->memory + v;
	text_number(v, v1 ? "-1" : "max", out);
}

/* Microseconds in each period of 100 ms. That period is what both versions begin with, and nobody
 * but croft writes to these groups, so version 1's cpu.cfs_period_us is left as it is. */
static void text_cpus(const struct limit_conf *conf, bool v1, char *out)
{
	uint64_t v = conf->cpus == PARSE_UNLIMITED ? PARSE_UNLIMITED : conf->cpus * 100;
	char quota[24];

	if (v1) {
		text_number(v, "-1", out);
		return;
	}
	if (v == PARSE_UNLIMITED)
		snprintf(quota, sizeof(quota), "max");
	else
		snprintf(quota, sizeof(quota), "%" PRIu64, v);
	snprintf(out, LIMIT_TEXT_MAX, "%s 100000", quota);
}

static void text_weight(const struct limit_conf *conf, bool v1, char *out)
{
	text_number(v1 ? conf->cpu_weight * 1024 / 100 : conf->cpu_weight, "", out);
}

static void text_pids(const struct limit_conf *conf, bool v1, char *out)
{
	(void)v1;
	text_number(conf->pids, "max", out);
}

const struct limit_row limit_rows[LIMIT_ROWS] = {
	{ "memory", PLACE(memory), CG_MEMORY, "memory.max", "memory.limit_in_bytes",
	  PARSE_UNLIMITED, true, text_memory },
	{ "swap", PLACE(swap), CG_MEMORY, "memory.swap.max", "memory.memsw.limit_in_bytes",
	  PARSE_UNLIMITED, true, text_swap },
	{ "cpus", PLACE(cpus), CG_CPU, "cpu.max", "cpu.cfs_quota_us", PARSE_UNLIMITED, false,
	  text_cpus },
	{ "cpu-weight", PLACE(cpu_weight), CG_CPU, "cpu.weight", "cpu.shares", 100, false,
	  text_weight },
	{ "pids", PLACE(pids), CG_PIDS, "pids.max", "pids.max", PARSE_UNLIMITED, false, text_pids },
};

uint64_t limit_value(const struct limit_row *row, const struct limit_conf *conf)
{
	return *(const uint64_t *)((const char *)conf + row->off);
}

void limit_fresh(struct limit_conf *ret)
{
	for (size_t i = 0; i < LIMIT_ROWS; i++)
		*(uint64_t *)((char *)ret + limit_rows[i].off) = limit_rows[i].fresh;
}

bool limit_row_v1(const struct cg_layout *l, const struct limit_row *row)
{
	return cg_is_v1(l, row->c);
}

const char *limit_file(const struct cg_layout *l, const struct limit_row *row)
{
	return limit_row_v1(l, row) ? row->file1 : row->file2;
}
