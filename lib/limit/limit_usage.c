// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a server uses now, how much it used at most, and how often a limit was in its way. Each
 * figure is one small file, read once; what a host does not count is PARSE_UNLIMITED, never 0.
 */
#include "limit/limit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

static uint64_t read_u64(const struct cg *cg, enum cg_controller c, const char *file)
{
	uint64_t v;

	return cg_read_u64(cg, c, file, &v) == 0 ? v : PARSE_UNLIMITED;
}

/* One "key value" file, for several keys. */
struct keys {
	char text[8192];
};

static void keys_read(const struct cg *cg, enum cg_controller c, const char *file, struct keys *k)
{
	if (cg_read(cg, c, file, k->text, sizeof(k->text)) < 0)
		k->text[0] = '\0';
}

static uint64_t key(const struct keys *k, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = k->text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, name, n) == 0 && p[n] == ' ')
			return strtoull(p + n + 1, NULL, 10);
	return PARSE_UNLIMITED;
}

static void held_memory_v1(const struct cg *cg, struct limit_usage *u)
{
	uint64_t sum = read_u64(cg, CG_MEMORY, "memory.memsw.usage_in_bytes");

	u->memory = read_u64(cg, CG_MEMORY, "memory.usage_in_bytes");
	/* The two are read one after the other, so the sum may be the smaller one by now. */
	if (sum != PARSE_UNLIMITED && u->memory != PARSE_UNLIMITED)
		u->swap = sum > u->memory ? sum - u->memory : 0;
}

static void held_memory(const struct cg *cg, struct limit_usage *u)
{
	if (cg_is_v1(cg->layout, CG_MEMORY)) {
		held_memory_v1(cg, u);
		return;
	}
	u->memory = read_u64(cg, CG_MEMORY, "memory.current");
	u->swap = read_u64(cg, CG_MEMORY, "memory.swap.current");
}

static void more_memory_v1(const struct cg *cg, struct limit_usage *u)
{
	struct keys k;

	u->memory_peak = read_u64(cg, CG_MEMORY, "memory.max_usage_in_bytes");
	u->memory_fail = read_u64(cg, CG_MEMORY, "memory.failcnt");
	u->swap_fail = read_u64(cg, CG_MEMORY, "memory.memsw.failcnt");
	keys_read(cg, CG_MEMORY, "memory.oom_control", &k);
	u->oom_kills = key(&k, "oom_kill"); /* 4.13 */
	/* Without swap the sum of both is what a server meets first, and Linux 6.18 does not count
	 * that: nobody is killed for memory without a failure. */
	if (u->memory_fail == 0 && u->oom_kills > 0)
		u->memory_fail = PARSE_UNLIMITED;
}

static void more_memory_v2(const struct cg *cg, struct limit_usage *u)
{
	struct keys k;

	u->memory_peak = read_u64(cg, CG_MEMORY, "memory.peak"); /* 5.19 */
	keys_read(cg, CG_MEMORY, "memory.events", &k);
	u->memory_fail = key(&k, "max");
	u->memory_high = key(&k, "high");
	u->oom_kills = key(&k, "oom_kill");
	u->swap_peak = read_u64(cg, CG_MEMORY, "memory.swap.peak"); /* 6.5 */
	keys_read(cg, CG_MEMORY, "memory.swap.events", &k);
	u->swap_fail = key(&k, "max");
}

static void usage_cpu(const struct cg *cg, struct limit_usage *u)
{
	struct keys k;

	/* Version 2 counts CPU time of every group, also where the cpu controller is elsewhere. */
	keys_read(cg, CG_CPUACCT, "cpu.stat", &k);
	u->cpu_usec = key(&k, "usage_usec");
	if (cg_is_v1(cg->layout, CG_CPU)) {
		uint64_t ns;

		keys_read(cg, CG_CPU, "cpu.stat", &k);
		ns = key(&k, "throttled_time");
		u->throttled_usec = ns == PARSE_UNLIMITED ? ns : ns / 1000;
	} else {
		u->throttled_usec = key(&k, "throttled_usec");
	}
	u->throttled = key(&k, "nr_throttled");
	u->periods = key(&k, "nr_periods");
}

static void more_pids(const struct cg *cg, struct limit_usage *u)
{
	struct keys k;

	u->pids_peak = read_u64(cg, CG_PIDS, "pids.peak"); /* 6.1 */
	keys_read(cg, CG_PIDS, "pids.events", &k);	   /* 4.9 */
	u->pids_fail = key(&k, "max");
	/* Before 6.11 a fork that is refused counts where it was tried, and not where the limit is.
	 * Those in groups that the server has made itself are not seen. */
	if (!cg_is_v1(cg->layout, CG_PIDS) && u->pids_fail == 0 &&
	    cg_read(cg, CG_PIDS, "inside/pids.events", k.text, sizeof(k.text)) > 0)
		u->pids_fail = key(&k, "max");
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" for each device. */
static void usage_io_v2(const struct cg *cg, struct limit_usage *u)
{
	static const char *const word[] = { " rbytes=", " wbytes=", " rios=", " wios=" };
	uint64_t *const sum[] = { &u->io_read, &u->io_written, &u->io_reads, &u->io_writes };
	struct keys k;

	keys_read(cg, CG_IO, "io.stat", &k);
	if (!cg_has(cg->layout, CG_IO))
		return;
	for (size_t i = 0; i < ARRAY_LEN(word); i++) {
		*sum[i] = 0;
		for (const char *p = k.text; (p = strstr(p, word[i])); p++)
			*sum[i] += strtoull(p + strlen(word[i]), NULL, 10);
	}
}

/* "8:0 Read 1" for each device. */
static void usage_io_v1(const struct cg *cg, struct limit_usage *u)
{
	static const struct {
		const char *file, *word;
		size_t off;
	} rows[] = {
		{ "blkio.throttle.io_service_bytes_recursive", " Read ",
		  offsetof(struct limit_usage, io_read) },
		{ "blkio.throttle.io_service_bytes_recursive", " Write ",
		  offsetof(struct limit_usage, io_written) },
		{ "blkio.throttle.io_serviced_recursive", " Read ",
		  offsetof(struct limit_usage, io_reads) },
		{ "blkio.throttle.io_serviced_recursive", " Write ",
		  offsetof(struct limit_usage, io_writes) },
	};
	struct keys k;

	k.text[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t *sum = (uint64_t *)((char *)u + rows[i].off);

		if (i % 2 == 0)
			keys_read(cg, CG_IO, rows[i].file, &k);
		if (!k.text[0])
			continue;
		*sum = 0;
		for (const char *p = k.text; (p = strstr(p, rows[i].word)); p++)
			*sum += strtoull(p + strlen(rows[i].word), NULL, 10);
	}
}

void limit_notice(const struct cg_layout *l, const char *rel, struct limit_notice *ret)
{
	char local[LIMIT_PATH];

	cg_file_path(l, rel, CG_MEMORY,
		     cg_is_v1(l, CG_MEMORY) ? "memory.oom_control" : "memory.events", ret->memory,
		     sizeof(ret->memory));
	/* See usage_pids(): since 6.11, which has this file, the group with the limit counts. */
	cg_file_path(l, rel, CG_PIDS, "pids.events.local", local, sizeof(local));
	bool inside = !cg_is_v1(l, CG_PIDS) && access(local, F_OK) < 0;
	cg_file_path(l, rel, CG_PIDS, inside ? "inside/pids.events" : "pids.events", ret->pids,
		     sizeof(ret->pids));
}

/* clang-format off */
#define FIGURE(kind, unit, member, name, help) \
	{ #member, name, FIGURE_##kind, UNIT_##unit, offsetof(struct limit_usage, member), help }
const struct limit_figure limit_figures[] = {
	FIGURE(NOW, BYTES, memory, "memory-used",
	       "memory in use"),
	FIGURE(MAX, BYTES, memory_peak, "memory-peak",
	       "the most memory that was in use"),
	FIGURE(SUM, COUNT, memory_fail, "memory-failures",
	       "how often memory was at its limit, and had to be reclaimed"),
	FIGURE(SUM, COUNT, memory_high, "memory-high-failures",
	       "how often it was above memory-high, and was slowed down"),
	FIGURE(NOW, BYTES, swap, "swap-used",
	       "swap space in use"),
	FIGURE(MAX, BYTES, swap_peak, "swap-peak",
	       "the most swap space that was in use"),
	FIGURE(SUM, COUNT, swap_fail, "swap-failures",
	       "how often swap was at its limit"),
	FIGURE(SUM, COUNT, oom_kills, "oom-kills",
	       "processes that the kernel killed for want of memory"),
	FIGURE(SUM, USEC, cpu_usec, "cpu-used",
	       "CPU time used"),
	FIGURE(SUM, USEC, throttled_usec, "cpu-throttled",
	       "time that its CPUs waited for the quota of cpus"),
	FIGURE(SUM, COUNT, throttled, "cpu-throttles",
	       "periods in which it used up its quota of CPU time"),
	FIGURE(SUM, COUNT, periods, "cpu-periods",
	       "periods in which it had a quota of CPU time and ran"),
	FIGURE(NOW, COUNT, pids, "pids-used",
	       "processes and threads there are"),
	FIGURE(MAX, COUNT, pids_peak, "pids-peak",
	       "the most processes and threads that there were"),
	FIGURE(SUM, COUNT, pids_fail, "pids-failures",
	       "forks that were refused"),
	FIGURE(SUM, BYTES, io_read, "io-read",
	       "bytes read from disks"),
	FIGURE(SUM, BYTES, io_written, "io-written",
	       "bytes written to disks"),
	FIGURE(SUM, COUNT, io_reads, "io-reads",
	       "operations that read from disks"),
	FIGURE(SUM, COUNT, io_writes, "io-writes",
	       "operations that wrote to disks"),
	FIGURE(SUM, BYTES, net_received, "net-received",
	       "bytes that it received over the network"),
	FIGURE(SUM, BYTES, net_sent, "net-sent",
	       "bytes that it sent over the network"),
	FIGURE(NOW, BYTES, disk, "disk-used",
	       "disk space of the host that its own files take, where that is counted"),
};
#undef FIGURE
/* clang-format on */
const size_t limit_n_figures = ARRAY_LEN(limit_figures);

uint64_t *limit_figure_of(struct limit_usage *u, const struct limit_figure *f)
{
	return (uint64_t *)((char *)u + f->off);
}

uint64_t limit_figure_get(const struct limit_usage *u, const struct limit_figure *f)
{
	return *(const uint64_t *)((const char *)u + f->off);
}

void limit_usage_none(struct limit_usage *ret)
{
	for (size_t i = 0; i < limit_n_figures; i++)
		*limit_figure_of(ret, &limit_figures[i]) = PARSE_UNLIMITED;
}

void limit_usage_add(struct limit_usage *to, const struct limit_usage *more)
{
	for (size_t i = 0; i < limit_n_figures; i++) {
		const struct limit_figure *f = &limit_figures[i];
		uint64_t *a = limit_figure_of(to, f);
		uint64_t b = limit_figure_get(more, f);

		if (b == PARSE_UNLIMITED)
			continue;
		if (f->kind == FIGURE_SUM && *a != PARSE_UNLIMITED)
			*a = b < PARSE_UNLIMITED - 1 - *a ? *a + b : PARSE_UNLIMITED - 1;
		else if (f->kind != FIGURE_MAX || *a == PARSE_UNLIMITED || b > *a)
			*a = b;
	}
}

void limit_usage_now(const struct cg *cg, struct limit_usage *ret)
{
	limit_usage_none(ret);
	held_memory(cg, ret);
	usage_cpu(cg, ret);
	ret->pids = read_u64(cg, CG_PIDS, "pids.current");
	if (cg_is_v1(cg->layout, CG_IO))
		usage_io_v1(cg, ret);
	else
		usage_io_v2(cg, ret);
}

void limit_usage(const struct cg *cg, struct limit_usage *ret)
{
	limit_usage_now(cg, ret);
	if (cg_is_v1(cg->layout, CG_MEMORY))
		more_memory_v1(cg, ret);
	else
		more_memory_v2(cg, ret);
	more_pids(cg, ret);
	/* Where the kernel keeps no peak: at least what is there now. */
	if (ret->swap_peak == PARSE_UNLIMITED)
		ret->swap_peak = ret->swap;
	if (ret->pids_peak == PARSE_UNLIMITED)
		ret->pids_peak = ret->pids;
	if (ret->memory_peak == PARSE_UNLIMITED)
		ret->memory_peak = ret->memory;
}
