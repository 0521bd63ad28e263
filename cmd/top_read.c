// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the running servers use now, and since the last look.
 *
 * What must stay true: the cost is the same for each server, whatever runs in it: one stat(2) of
 * its record, which is read again only when it was replaced, and its own control group files;
 * nothing of /proc but the host's load and memory.
 */
#include "top.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/name.h"
#include "base/parse.h"
#include "select.h"

const char *const top_sort_name[TOP_SORTS] = { "cpu", "memory", "pids", "io", "name" };

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Per microsecond; below 0 when it is not known. */
static double rate(uint64_t now, uint64_t before, uint64_t us)
{
	if (!us || now == PARSE_UNLIMITED || before == PARSE_UNLIMITED || now < before)
		return -1;
	return (double)(now - before) / (double)us;
}

static void compare(const struct top *t, struct top_row *r)
{
	const struct limit_usage *a = &r->before, *b = &r->now;
	uint64_t us = r->before_at ? r->at - r->before_at : 0, cap = r->state.limit.cpus;
	double periods = rate(b->periods, a->periods, us);
	double hits = rate(b->throttled, a->throttled, us);

	if (cap == PARSE_UNLIMITED || cap == 0)
		cap = (uint64_t)t->cpus * 1000;
	r->cpu = rate(b->cpu_usec, a->cpu_usec, us);
	r->cpu = r->cpu < 0 ? -1 : r->cpu * 100 * 1000 / (double)cap;
	r->throttled = periods < 0 || hits < 0 ? -1 : periods > 0 ? hits / periods * 100 : 0;
	r->reads = rate(b->io_read, a->io_read, us);
	r->writes = rate(b->io_written, a->io_written, us);
	r->reads = r->reads < 0 ? -1 : r->reads * 1e6;
	r->writes = r->writes < 0 ? -1 : r->writes * 1e6;
}

/* Its record, when it was replaced since the last look. False: there is none that can be read. */
static bool read_record(const struct top *t, int run, struct top_row *r)
{
	_cleanup_free_ char *path = xasprintf("%s/state.json", r->name);
	struct err unused = {};
	struct state s;
	struct stat st;

	if (fstatat(run, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (r->ino == st.st_ino && r->changed.tv_sec == st.st_ctim.tv_sec &&
	    r->changed.tv_nsec == st.st_ctim.tv_nsec)
		return true;
	if (state_load(t->ctx->host, r->name, &s, &unused) < 0)
		return false;
	if (s.init_start != r->state.init_start) /* another run, which counts anew */
		r->at = 0;
	r->state = s;
	r->ino = st.st_ino;
	r->changed = st.st_ctim;
	return true;
}

/* False: it does not run. */
static bool read_row(struct top *t, int run, struct top_row *r)
{
	struct err unused = {};
	struct cg cg;
	bool pressure = false;

	if (!read_record(t, run, r) || r->state.init <= 0 ||
	    cg_open(&t->groups.layout, r->state.cgroup, r->state.groups, &cg, &unused) < 0)
		return false;
	r->before = r->now;
	r->before_at = r->at;
	r->at = now_us();
	limit_usage_now(&cg, &r->now);
	limit_pressure_none(r->pressure);
	if (!t->no_pressure)
		limit_pressure(&cg, r->pressure);
	cg_close(&cg);
	for (int i = 0; i < PRESSURES; i++)
		pressure = pressure || r->pressure[i].some >= 0;
	if (r->now.cpu_usec == PARSE_UNLIMITED && r->now.pids == PARSE_UNLIMITED)
		return false; /* its groups went just now */
	t->no_pressure = !pressure && access("/proc/pressure/cpu", F_OK) < 0;
	compare(t, r);
	return true;
}

static int names_in(const struct top *t, DIR *d, struct strv *ret)
{
	struct dirent *e;
	struct err unused = {};

	errno = 0;
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.' && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) &&
		    name_check("server", e->d_name, &unused) == 0 &&
		    select_matches(t->ctx, e->d_name))
			strv_add(ret, e->d_name);
		errno = 0;
	}
	strv_sort(ret);
	return -errno;
}

/* The row of a name from the last look, which is taken out, or a new one. Both lists are sorted. */
static struct top_row *row_for(struct top_row **old, size_t n, size_t *at, const char *name)
{
	struct top_row *r;
	int order = -1;

	while (*at < n && (order = strcmp(old[*at]->name, name)) < 0)
		free(old[(*at)++]);
	if (*at < n && order == 0)
		return old[(*at)++];
	r = xcalloc(1, sizeof(*r));
	strncpy(r->name, name, sizeof(r->name) - 1);
	return r;
}

static void read_rows(struct top *t, int run, const struct strv *names)
{
	struct top_row **old = t->row;
	size_t n_old = t->n, at = 0;

	t->row = xcalloc(names->n + 1, sizeof(struct top_row *));
	t->n = 0;
	for (size_t i = 0; i < names->n; i++) {
		struct top_row *r = row_for(old, n_old, &at, names->v[i]);

		if (read_row(t, run, r))
			t->row[t->n++] = r;
		else
			free(r);
	}
	while (at < n_old)
		free(old[at++]);
	free(old);
}

int top_read(struct top *t, struct err *err)
{
	const char *dir = t->ctx->host->run;
	_cleanup_(strv_free) struct strv names = {};
	DIR *d = opendir(dir);
	int r;

	if (!t->cpus) {
		long n = sysconf(_SC_NPROCESSORS_ONLN);

		t->cpus = n > 0 ? (unsigned)n : 1;
	}
	proc_host(&t->host);
	if (!d && errno != ENOENT)
		return err_errno(err, "cannot read %s", dir);
	r = d ? names_in(t, d, &names) : 0;
	if (r == 0 && names.n)
		r = tally_layout(&t->groups, err);
	else if (r < 0)
		err_set(err, ERR_FAIL, -r, "cannot read %s", dir);
	if (r == 0) {
		read_rows(t, d ? dirfd(d) : -1, &names);
		top_sort(t);
	}
	if (d)
		closedir(d);
	return r;
}

static double known(uint64_t n)
{
	return n == PARSE_UNLIMITED ? -1 : (double)n;
}

static double key_of(const struct top_row *r, enum top_sort sort)
{
	switch (sort) {
	case TOP_CPU:
		return r->cpu;
	case TOP_MEMORY:
		return known(r->now.memory);
	case TOP_PIDS:
		return known(r->now.pids);
	case TOP_IO:
		return r->reads + r->writes;
	case TOP_NAME:
	case TOP_SORTS:
		break;
	}
	return 0;
}

static enum top_sort sorting; /* qsort(3) passes nothing on */

/* The largest first; names upwards. */
static int by_sort(const void *pa, const void *pb)
{
	const struct top_row *a = *(struct top_row *const *)pa, *b = *(struct top_row *const *)pb;
	double ka = key_of(a, sorting), kb = key_of(b, sorting);

	return ka > kb ? -1 : ka < kb ? 1 : strcmp(a->name, b->name);
}

void top_sort(struct top *t)
{
	free(t->by);
	t->by = xcalloc(t->n + 1, sizeof(struct top_row *));
	if (t->n)
		memcpy(t->by, t->row, t->n * sizeof(struct top_row *));
	sorting = t->sort;
	qsort(t->by, t->n, sizeof(struct top_row *), by_sort);
}

void top_free(struct top *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->row[i]);
	free(t->row);
	free(t->by);
}
