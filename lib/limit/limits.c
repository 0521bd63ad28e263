// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The limits: the options people set, and the rows that say which file of which controller each one
 * writes. A new limit is a member of struct limit_conf, an option, a row, and a paragraph of
 * croft-server(5); limit_apply.c walks the rows.
 *
 * Must stay true: the order of the rows is the order of writing in a fresh group (version 1 refuses
 * memory+swap below memory, and both versions a burst above the quota).
 */
#include "limit/limit_rows.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

#define PLACE(member) offsetof(struct limit_conf, member)

/* blk-throttle has 32 bits for operations, of which all set mean no limit, and 64 for bytes. */
#define IO_OPTION(n, member, t, least, most, meta, what)                                           \
	{                                                                                          \
		.name = (n), .type = (t), .off = PLACE(member),                                    \
		.flags = OPT_RARE | OPT_LIVE | OPT_UNLIMITED, .def = "unlimited",                  \
		.metavar = (meta), .help = (what), .min = (least), .max = (most)                   \
	}
#define IO_BYTES(n, member, what)                                                                  \
	IO_OPTION(n, member, &opt_size, 4096, UINT64_C(1) << 60, "SIZE", what)
#define IO_OPS(n, member, what) IO_OPTION(n, member, &opt_u64, 1, UINT32_MAX - 1, "N", what)

/* The user namespace takes them for ceilings of all its users together (ucounts, 5.14). They are
 * init's at birth: not live. */
#define RLIMIT(n, member, t, least, meta, what)                                                    \
	{                                                                                          \
		.name = (n), .type = (t), .off = PLACE(member), .flags = OPT_RARE | OPT_UNLIMITED, \
		.def = "unlimited", .metavar = (meta), .help = (what), .min = (least),             \
		.max = UINT64_C(1) << 60                                                           \
	}

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
	{ .name = "memory-high",
	  .type = &opt_size,
	  .off = PLACE(memory_high),
	  .flags = OPT_RARE | OPT_LIVE | OPT_UNLIMITED,
	  .def = "unlimited",
	  .metavar = "SIZE",
	  .help = "memory beyond which the server is slowed down, and not killed",
	  .min = UINT64_C(4) << 20,
	  .max = UINT64_C(1) << 60 },
	{ .name = "memory-guarantee",
	  .type = &opt_size,
	  .off = PLACE(memory_guarantee),
	  .flags = OPT_RARE | OPT_LIVE,
	  .def = "0",
	  .metavar = "SIZE",
	  .help = "memory that is never taken from the server for others",
	  .max = UINT64_C(1) << 60 },
	{ .name = "swap",
	  .type = &opt_size,
	  .off = PLACE(swap),
	  .flags = OPT_LIVE | OPT_UNLIMITED,
	  .def = "unlimited",
	  .metavar = "SIZE",
	  .help = "swap space the server may use beyond its memory",
	  .max = UINT64_C(1) << 60 },
	{ .name = "oom-group",
	  .type = &opt_bool,
	  .off = PLACE(oom_group),
	  .flags = OPT_RARE | OPT_LIVE,
	  .def = "no",
	  .metavar = "yes|no",
	  .help = "out of memory, kill all of the server instead of one process" },
	{ .name = "oom-score",
	  .type = &opt_u64,
	  .off = PLACE(oom_score),
	  .flags = OPT_RARE | OPT_LIVE,
	  .def = "0",
	  .metavar = "N",
	  .help = "when the host is out of memory: the higher, the earlier it is killed",
	  .max = 1000 },
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
	{ .name = "cpu-burst",
	  .type = &opt_duration,
	  .off = PLACE(cpu_burst),
	  .flags = OPT_RARE | OPT_LIVE,
	  .def = "0",
	  .metavar = "SEC",
	  .help = "CPU time beyond CPUS that may be used at once when it was saved before",
	  .max = UINT64_C(8192) * 100 },
	{ .name = "cpu-set",
	  .type = &opt_nums,
	  .off = PLACE(cpu_set),
	  .flags = OPT_RARE | OPT_LIVE,
	  .def = "all",
	  .metavar = "LIST",
	  .help = "the CPUs on which the server runs, as in 0-3,8" },
	{ .name = "numa-set",
	  .type = &opt_nums,
	  .off = PLACE(numa_set),
	  .flags = OPT_RARE | OPT_LIVE,
	  .def = "all",
	  .metavar = "LIST",
	  .help = "the NUMA nodes that the server has memory of, as in 0-1" },
	{ .name = "pids",
	  .type = &opt_u64,
	  .off = PLACE(pids),
	  .flags = OPT_LIVE | OPT_UNLIMITED,
	  .def = "4096", /* a fork bomb must not take the host */
	  .metavar = "N",
	  .help = "processes and threads the server may have",
	  .min = 1,
	  .max = 4194304 }, /* PID_MAX_LIMIT */
	{ .name = "ptys",
	  .type = &opt_u64,
	  .off = PLACE(ptys),
	  .flags = OPT_RARE | OPT_LIVE,
	  .def = "256", /* all servers share kernel.pty.max, 4096 by default */
	  .metavar = "N",
	  .help = "pseudo-terminals that the server may have",
	  .min = 1,
	  .max = 1 << 20 }, /* NR_UNIX98_PTY_MAX */
	{ .name = "io-weight",
	  .type = &opt_u64,
	  .off = PLACE(io_weight),
	  .flags = OPT_RARE | OPT_LIVE,
	  .def = "100",
	  .metavar = "N",
	  .help = "share of busy disks relative to other servers",
	  .min = 1,
	  .max = 10000 },
	IO_BYTES("io-read-bps", io_read_bps, "bytes per second that are read from disk"),
	IO_BYTES("io-write-bps", io_write_bps, "bytes per second that are written to disk"),
	IO_OPS("io-read-iops", io_read_iops, "reads per second from disk"),
	IO_OPS("io-write-iops", io_write_iops, "writes per second to disk"),
	{ .name = "hugepages",
	  .type = &opt_size,
	  .off = PLACE(hugepages),
	  .flags = OPT_RARE | OPT_LIVE | OPT_UNLIMITED,
	  .def = "0",
	  .metavar = "SIZE",
	  .help = "huge pages of the host's pool that the server may use, of each size",
	  .max = UINT64_C(1) << 60 },
	{ .name = "nofile",
	  .type = &opt_u64,
	  .off = PLACE(nofile),
	  .flags = OPT_RARE,
	  .def = "1048576",
	  .metavar = "N",
	  .help = "files that a process may have open",
	  .min = 64,
	  .max = 1073741816 }, /* the largest fs.nr_open */
	RLIMIT("nproc", nproc, &opt_u64, 16, "N", "processes and threads of all users together"),
	RLIMIT("memlock", memlock, &opt_size, 0, "SIZE", "memory that may be locked in all"),
	RLIMIT("msgqueue", msgqueue, &opt_size, 0, "SIZE", "POSIX message queues in all"),
	RLIMIT("sigpending", sigpending, &opt_u64, 16, "N", "signals that may be queued in all"),
};
const size_t limit_n_opts = ARRAY_LEN(limit_opts);

bool limit_rlimit(size_t i, const struct limit_conf *c, int *which, const char **option,
		  uint64_t *value)
{
	const struct {
		int which;
		const char *option;
		uint64_t value;
	} rows[] = {
		{ RLIMIT_NOFILE, "nofile", c->nofile },
		{ RLIMIT_NPROC, "nproc", c->nproc },
		{ RLIMIT_MEMLOCK, "memlock", c->memlock },
		{ RLIMIT_MSGQUEUE, "msgqueue", c->msgqueue },
		{ RLIMIT_SIGPENDING, "sigpending", c->sigpending },
	};

	if (i >= ARRAY_LEN(rows))
		return false;
	*which = rows[i].which;
	*option = rows[i].option;
	*value = rows[i].value;
	return true;
}

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

static void text_high(const struct limit_conf *conf, bool v1, char *out)
{
	(void)v1;
	text_number(conf->memory_high, "max", out);
}

static void text_guarantee(const struct limit_conf *conf, bool v1, char *out)
{
	(void)v1;
	text_number(conf->memory_guarantee, "max", out);
}

/* Version 1 limits the sum; where memory has no limit there is none to add to (limit_check). */
static void text_swap(const struct limit_conf *conf, bool v1, char *out)
{
	uint64_t v = conf->swap;

	if (v1 && v != PARSE_UNLIMITED)
		v = conf->memory == PARSE_UNLIMITED ? PARSE_UNLIMITED : conf->memory + v;
	text_number(v, v1 ? "-1" : "max", out);
}

static void text_oom_group(const struct limit_conf *conf, bool v1, char *out)
{
	(void)v1;
	text_number(conf->oom_group, "", out);
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

static void text_burst(const struct limit_conf *conf, bool v1, char *out)
{
	(void)v1;
	text_number(conf->cpu_burst * 1000, "", out);
}

/* "": all that the group above has. */
static void text_nums(const struct nums *n, char *out)
{
	_cleanup_free_ char *text = nums_empty(n) ? xstrdup("") : print_nums(n);

	snprintf(out, LIMIT_TEXT_MAX, "%s", text);
}

static void text_cpu_set(const struct limit_conf *conf, bool v1, char *out)
{
	(void)v1;
	text_nums(&conf->cpu_set, out);
}

static void text_numa_set(const struct limit_conf *conf, bool v1, char *out)
{
	(void)v1;
	text_nums(&conf->numa_set, out);
}

static void text_pids(const struct limit_conf *conf, bool v1, char *out)
{
	(void)v1;
	text_number(conf->pids, "max", out);
}

static void text_io_weight(const struct limit_conf *conf, bool v1, char *out)
{
	snprintf(out, LIMIT_TEXT_MAX, "%s%" PRIu64, v1 ? "" : "default ", conf->io_weight);
}

/* Version 1 has 0 for no limit. */
#define TEXT_IO(member)                                                                            \
	static void text_##member(const struct limit_conf *conf, bool v1, char *out)               \
	{                                                                                          \
		text_number(conf->member, v1 ? "0" : "max", out);                                  \
	}
TEXT_IO(io_read_bps)
TEXT_IO(io_write_bps)
TEXT_IO(io_read_iops)
TEXT_IO(io_write_iops)

static void text_hugepages(const struct limit_conf *conf, bool v1, char *out)
{
	text_number(conf->hugepages, v1 ? "-1" : "max", out);
}

/* clang-format off */
const struct limit_row limit_rows[] = {
	{ "memory", CG_MEMORY, "memory.max", "memory.limit_in_bytes", ROW_PAGES, NULL, text_memory },
	{ "swap", CG_MEMORY, "memory.swap.max", "memory.memsw.limit_in_bytes", ROW_PAGES, NULL, text_swap },
	{ "memory-high", CG_MEMORY, "memory.high", NULL, ROW_PAGES, NULL, text_high },
	{ "memory-guarantee", CG_MEMORY, "memory.min", NULL, ROW_PAGES, NULL, text_guarantee },
	{ "oom-group", CG_MEMORY, "memory.oom.group", NULL, 0, NULL, text_oom_group },
	{ "cpus", CG_CPU, "cpu.max", "cpu.cfs_quota_us", 0, NULL, text_cpus },
	{ "cpu-burst", CG_CPU, "cpu.max.burst", "cpu.cfs_burst_us", 0, NULL, text_burst },
	{ "cpu-weight", CG_CPU, "cpu.weight", "cpu.shares", 0, NULL, text_weight },
	{ "cpu-set", CG_CPUSET, "cpuset.cpus", "cpuset.cpus", 0, NULL, text_cpu_set },
	{ "numa-set", CG_CPUSET, "cpuset.mems", "cpuset.mems", 0, NULL, text_numa_set },
	{ "pids", CG_PIDS, "pids.max", "pids.max", 0, NULL, text_pids },
	{ "io-weight", CG_IO, "io.weight", "blkio.bfq.weight", ROW_WEIGHT, NULL, text_io_weight },
	{ "io-read-bps", CG_IO, "io.max", "blkio.throttle.read_bps_device", ROW_DEVICES, "rbps", text_io_read_bps },
	{ "io-read-iops", CG_IO, "io.max", "blkio.throttle.read_iops_device", ROW_DEVICES, "riops", text_io_read_iops },
	/* Version 1 does not know whose a buffered write is, and limits only those that go past the
	 * page cache: that is no limit. */
	{ "io-write-bps", CG_IO, "io.max", NULL, ROW_DEVICES, "wbps", text_io_write_bps },
	{ "io-write-iops", CG_IO, "io.max", NULL, ROW_DEVICES, "wiops", text_io_write_iops },
	/* Both what is used and what is set aside by mmap(2), which others could not have either. */
	{ "hugepages", CG_HUGETLB, "hugetlb.%s.max", "hugetlb.%s.limit_in_bytes", ROW_SIZES, NULL, text_hugepages },
	{ "hugepages", CG_HUGETLB, "hugetlb.%s.rsvd.max", "hugetlb.%s.rsvd.limit_in_bytes", ROW_SIZES, NULL, text_hugepages },
};
/* clang-format on */
const size_t limit_n_rows = ARRAY_LEN(limit_rows);

const struct limit_pair limit_pairs[] = {
	{ "swap", "memory", true }, /* version 1: memory+swap */
	{ "cpus", "cpu-burst", false },
};
const size_t limit_n_pairs = ARRAY_LEN(limit_pairs);

const struct opt *limit_option(const struct limit_row *row)
{
	for (size_t i = 0; i < limit_n_opts; i++)
		if (streq(limit_opts[i].name, row->option))
			return &limit_opts[i];
	return NULL; /* no such row: the tests walk them */
}

bool limit_same(const struct limit_row *row, const struct limit_conf *a, const struct limit_conf *b)
{
	const struct opt *o = limit_option(row);

	return o->type->equal((const char *)a + o->off, (const char *)b + o->off);
}

const struct limit_conf *limit_ordinary(void)
{
	static const struct limit_conf c = {
		.memory = PARSE_UNLIMITED,
		.memory_high = PARSE_UNLIMITED,
		.swap = PARSE_UNLIMITED,
		.cpus = PARSE_UNLIMITED,
		.cpu_weight = 100,
		.pids = PARSE_UNLIMITED,
		.io_weight = 100,
		.io_read_bps = PARSE_UNLIMITED,
		.io_write_bps = PARSE_UNLIMITED,
		.io_read_iops = PARSE_UNLIMITED,
		.io_write_iops = PARSE_UNLIMITED,
		.hugepages = PARSE_UNLIMITED,
	};

	return &c;
}

const struct limit_conf *limit_default(void)
{
	static struct limit_conf c;
	static bool done;

	for (size_t i = 0; !done && i < limit_n_opts; i++) {
		const struct opt *o = &limit_opts[i];
		struct err unused = { 0 };

		(void)o->type->parse(o, o->def, (char *)&c + o->off, &unused);
	}
	done = true;
	return &c;
}

bool limit_row_v1(const struct cg_layout *l, const struct limit_row *row)
{
	return cg_is_v1(l, row->c);
}

const char *limit_file(const struct cg_layout *l, const struct limit_row *row)
{
	return limit_row_v1(l, row) ? row->file1 : row->file2;
}
