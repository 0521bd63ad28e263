// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics for Prometheus, in its text exposition format 0.0.4: a family of metrics after the other,
 * each with its HELP and TYPE, then one sample for each server.
 *
 * What must stay true: base units, which are bytes and seconds; a counter ends in _total and goes
 * on over stop and start; what is not known has no sample, and is never 0; a server that goes away
 * or cannot be read leaves the others as they are.
 */
#include "prometheus.h"

#include "base/mem.h"
#include "base/parse.h"
#include "columns.h"
#include "figures.h"
#include "out.h"

struct sample_of {
	const char *name, *word;
	struct figure_limits limit;
	bool has_limit, up;
	int64_t started;
	struct limit_usage usage;
	struct limit_pressure pressure[PRESSURES];
	struct strv tags;
};

struct family {
	char *name;
	const char *type, *help;
	bool begun; /* one without samples is left out */
};

static void family_open(struct family *f, const char *name, const char *unit, const char *type,
			const char *help)
{
	*f = (struct family) {
		.name =
		    xasprintf("croft_%s%s%s", name, unit, streq(type, "counter") ? "_total" : ""),
		.type = type,
		.help = help,
	};
	for (char *p = f->name; *p; p++)
		if (*p == '-')
			*p = '_';
}

static void family_close(struct family *f)
{
	free(f->name);
}

static void quoted(const char *s)
{
	for (; *s; s++)
		if (*s == '\n')
			out_puts("\\n");
		else if (*s == '\\' || *s == '"')
			out_printf("\\%c", *s);
		else
			out_add(s, 1);
}

/* Everything of a line but its value. label "": only the server's. */
static void sample(struct family *f, const char *server, const char *label, const char *value)
{
	if (!f->begun)
		out_printf("# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, f->type);
	f->begun = true;
	out_printf("%s{server=\"", f->name);
	quoted(server);
	out_puts("\"");
	if (*label) {
		out_printf(",%s=\"", label);
		quoted(value);
		out_puts("\"");
	}
	out_puts("} ");
}

static void put_count(uint64_t n)
{
	out_printf("%llu\n", (unsigned long long)n);
}

static void put_usec(uint64_t n)
{
	out_printf("%llu.%06llu\n", (unsigned long long)(n / 1000000),
		   (unsigned long long)(n % 1000000));
}

static void print_state(const struct sample_of *s, size_t n)
{
	struct family f;

	family_open(&f, "up", "", "gauge", "Whether the server runs or is suspended.");
	for (size_t i = 0; i < n; i++) {
		sample(&f, s[i].name, "", "");
		put_count(s[i].up);
	}
	family_close(&f);
	family_open(&f, "state", "", "gauge", "1 for the state that the server is in.");
	for (size_t i = 0; i < n; i++) {
		sample(&f, s[i].name, "state", s[i].word);
		put_count(1);
	}
	family_close(&f);
	family_open(&f, "tag", "", "gauge", "1 for each tag of the server.");
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < s[i].tags.n; k++) {
			sample(&f, s[i].name, "tag", s[i].tags.v[k]);
			put_count(1);
		}
	family_close(&f);
	family_open(&f, "start_time", "_seconds", "gauge",
		    "When the server was started, in seconds since 1970.");
	for (size_t i = 0; i < n; i++)
		if (s[i].up) {
			sample(&f, s[i].name, "", "");
			put_count((uint64_t)s[i].started);
		}
	family_close(&f);
}

static void print_figure(const struct limit_figure *row, const struct sample_of *s, size_t n)
{
	_cleanup_free_ char *help = xasprintf("Server: %s.", row->help);
	struct family f;

	family_open(&f, row->name,
		    row->unit == UNIT_BYTES  ? "_bytes"
		    : row->unit == UNIT_USEC ? "_seconds"
					     : "",
		    row->kind == FIGURE_SUM ? "counter" : "gauge", help);
	for (size_t i = 0; i < n; i++) {
		uint64_t v = limit_figure_get(&s[i].usage, row);

		if (v == PARSE_UNLIMITED)
			continue;
		sample(&f, s[i].name, "", "");
		if (row->unit == UNIT_USEC)
			put_usec(v);
		else
			put_count(v);
	}
	family_close(&f);
}

static void print_limit(const struct resource *r, const struct sample_of *s, size_t n)
{
	const struct opt *o = resource_option(r);
	_cleanup_free_ char *name = xasprintf("%s_limit", r->name);
	_cleanup_free_ char *help = NULL;
	struct family f;

	if (!o)
		return;
	help = xasprintf("Limit of the server: %s; +Inf is none.", r->help);
	family_open(&f, name, r->unit, "gauge", help);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = NULL;
		uint64_t v = resource_limit(r, &s[i].limit);

		if (!s[i].has_limit)
			continue;
		sample(&f, s[i].name, "", "");
		text = v == PARSE_UNLIMITED    ? xstrdup("+Inf")
		       : o->type == &opt_milli ? print_milli(v)
					       : xasprintf("%llu", (unsigned long long)v);
		out_printf("%s\n", text);
	}
	family_close(&f);
}

static void print_pressure(const struct sample_of *s, size_t n, bool full)
{
	struct family f;

	family_open(&f, full ? "stalled" : "waiting", "_seconds", "counter",
		    full ? "Time for which all processes of the server waited for the resource."
			 : "Time for which some process of the server waited for the resource.");
	for (size_t i = 0; i < n; i++)
		for (int p = 0; p < PRESSURES; p++) {
			const struct limit_pressure *it = &s[i].pressure[p];
			uint64_t usec = full ? it->full_usec : it->some_usec;

			if (usec == PARSE_UNLIMITED)
				continue;
			sample(&f, s[i].name, "resource", limit_pressure_name[p]);
			put_usec(usec);
		}
	family_close(&f);
}

static void read_one(struct item_reader *r, const char *name, struct item *it,
		     struct sample_of *ret)
{
	item_read(r, name, it);
	*ret = (struct sample_of) { .name = name, .word = it->word };
	limit_usage_none(&ret->usage);
	limit_pressure_none(ret->pressure);
	ret->up = streq(it->word, "running") || streq(it->word, "suspended");
	ret->started = it->has_state ? it->state.started : 0;
	ret->has_limit = it->has_conf;
	if (ret->has_limit) {
		ret->limit =
		    (struct figure_limits) { it->has_state ? it->state.limit : it->conf.limit,
					     it->conf.disk };
		for (size_t i = 0; i < it->conf.boot.tag.n; i++) /* no sample twice */
			if (!strv_has(&ret->tags, it->conf.boot.tag.v[i]))
				strv_add(&ret->tags, it->conf.boot.tag.v[i]);
	}
	if (it->has_usage) {
		ret->usage = it->usage;
		memcpy(ret->pressure, it->pressure, sizeof(ret->pressure));
	}
	item_free(it);
}

static int names_of(const struct cmd_ctx *ctx, struct strv *ret, struct err *err)
{
	if (!ctx->names.n)
		return server_list(ctx->host, ret, err);
	for (size_t i = 0; i < ctx->names.n; i++) {
		if (!server_exists(ctx->host, ctx->names.v[i]))
			return err_set(err, ERR_ABSENT, 0, "no server %s", ctx->names.v[i]);
		strv_add(ret, ctx->names.v[i]);
	}
	return 0;
}

int prometheus_print(struct cmd_ctx *ctx, struct err *err)
{
	struct item_reader reader = { .host = ctx->host };
	_cleanup_(strv_free) struct strv names = {};
	_cleanup_free_ struct sample_of *s = NULL;
	_cleanup_free_ struct item *it = xcalloc(1, sizeof(*it));
	int r;

	if (ctx->json)
		return err_set(err, ERR_USAGE, 0, "--prometheus and --json exclude each other");
	r = names_of(ctx, &names, err);
	if (r < 0)
		return r;
	reader.sources = FROM_STATE | ALWAYS_CONF | FROM_USAGE;
	reader.tally.pressure = true;
	s = xcalloc(names.n + 1, sizeof(*s));
	for (size_t i = 0; i < names.n; i++)
		read_one(&reader, names.v[i], it, &s[i]);
	tally_close(&reader.tally);
	print_state(s, names.n);
	for (size_t i = 0; i < limit_n_figures; i++)
		print_figure(&limit_figures[i], s, names.n);
	for (size_t i = 0; i < n_resources; i++)
		print_limit(&resources[i], s, names.n);
	print_pressure(s, names.n, false);
	print_pressure(s, names.n, true);
	for (size_t i = 0; i < names.n; i++)
		strv_free(&s[i].tags);
	ctx->answered = true;
	return 0;
}
