// SPDX-License-Identifier: GPL-2.0-or-later
/* Which figures a resource has; see figures.h. */
#include "figures.h"

#include "base/mem.h"
#include "base/parse.h"
#include "out.h"

const struct resource resources[] = {
	{ "memory", "memory", "memory-used", "memory-peak", "memory-failures", "_bytes",
	  "memory it may use" },
	{ "memory-high", "memory-high", "memory-used", "memory-peak", "memory-high-failures",
	  "_bytes", "memory beyond which it is slowed down" },
	{ "swap", "swap", "swap-used", "swap-peak", "swap-failures", "_bytes",
	  "swap space it may use" },
	{ "oom-kills", NULL, NULL, NULL, "oom-kills", NULL, NULL },
	{ "cpu", "cpus", "cpu-used", NULL, "cpu-throttled", "_cpus", "CPUs it may use" },
	{ "pids", "pids", "pids-used", "pids-peak", "pids-failures", "",
	  "processes and threads it may have" },
	{ "io-read", "io-read-bps", "io-read", NULL, NULL, "_bytes_per_second",
	  "bytes per second it may read" },
	{ "io-written", "io-write-bps", "io-written", NULL, NULL, "_bytes_per_second",
	  "bytes per second it may write" },
	{ "io-reads", "io-read-iops", "io-reads", NULL, NULL, "_per_second",
	  "operations per second that may read" },
	{ "io-writes", "io-write-iops", "io-writes", NULL, NULL, "_per_second",
	  "operations per second that may write" },
	{ "net-received", NULL, "net-received", NULL, NULL, NULL, NULL },
	{ "net-sent", NULL, "net-sent", NULL, NULL, NULL, NULL },
	{ "disk", "disk", "disk-used", NULL, NULL, "_bytes", "disk space it may use" },
};
const size_t n_resources = ARRAY_LEN(resources);

const struct limit_figure *figure_find(const char *name)
{
	for (size_t i = 0; name && i < limit_n_figures; i++)
		if (streq(limit_figures[i].name, name))
			return &limit_figures[i];
	return NULL;
}

static const struct opt *option_in(const struct opt *opts, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (streq(opts[i].name, name))
			return &opts[i];
	return NULL;
}

const struct opt *resource_option(const struct resource *r)
{
	const struct opt *o = option_in(limit_opts, limit_n_opts, r->option);

	return o ? o : option_in(disk_opts, disk_n_opts, r->option);
}

uint64_t resource_limit(const struct resource *r, const struct figure_limits *l)
{
	const struct opt *o = option_in(limit_opts, limit_n_opts, r->option);

	if (o)
		return *(const uint64_t *)((const char *)&l->limit + o->off);
	o = option_in(disk_opts, disk_n_opts, r->option);
	return o ? *(const uint64_t *)((const char *)&l->disk + o->off) : PARSE_UNLIMITED;
}

char *figure_text(const struct limit_figure *f, uint64_t n)
{
	if (!f || n == PARSE_UNLIMITED)
		return xstrdup("-");
	if (f->unit == UNIT_BYTES)
		return out_bytes(n);
	if (f->unit == UNIT_USEC)
		return xasprintf("%llu.%03llus", (unsigned long long)(n / 1000000),
				 (unsigned long long)(n / 1000 % 1000));
	return xasprintf("%llu", (unsigned long long)n);
}

char *figure_limit_text(const struct opt *o, uint64_t n)
{
	if (!o)
		return xstrdup("-");
	if (n == PARSE_UNLIMITED)
		return xstrdup("unlimited");
	return o->type == &opt_size ? out_bytes(n) : o->type->print(o, &n);
}
