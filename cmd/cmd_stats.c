// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * croft stats: what servers use, used at most, may use, and were refused; over all their runs. No
 * lock, no walk of processes: a few small files for each server.
 */
#include "base/mem.h"
#include "base/parse.h"
#include "cmd.h"
#include "figures.h"
#include "out.h"
#include "prometheus.h"
#include "run/tally.h"

struct stats {
	const char *name, *word;
	struct tally tally;
	struct figure_limits limit;
};

static uint64_t figure(const struct stats *s, const char *name)
{
	const struct limit_figure *f = figure_find(name);

	return f ? limit_figure_get(&s->tally.total, f) : PARSE_UNLIMITED;
}

static int configured_limits(struct cmd_ctx *ctx, const char *name, struct figure_limits *ret,
			     struct err *err)
{
	struct server server;
	int r = server_load(&server, ctx->host, name, err);

	if (r < 0)
		return r;
	*ret = (struct figure_limits) { server.limit, server.disk };
	server_free(&server);
	return 0;
}

static int read_stats(struct cmd_ctx *ctx, const char *name, struct stats *s, struct err *err)
{
	struct tally_reader reader = { .host = ctx->host, .pressure = true };
	int r;

	if (!server_exists(ctx->host, name))
		return err_set(err, ERR_ABSENT, 0, "no such server");
	r = tally_read(&reader, name, &s->tally, err);
	tally_close(&reader);
	if (r < 0)
		return r;
	s->word = s->tally.has_state ? state_word(ctx->host, &s->tally.state) : "stopped";
	r = configured_limits(ctx, name, &s->limit, err);
	if (r == 0 && s->tally.runs)
		s->limit.limit = s->tally.state.limit;
	return r;
}

static char *text_of(const struct stats *s, const char *name)
{
	return figure_text(figure_find(name), figure(s, name));
}

static void print_table(const struct stats *s)
{
	static const char *heading[] = { "RESOURCE", "HELD", "MAXHELD", "LIMIT", "FAILED" };
	static const bool right[] = { false, true, true, true, true };
	struct out_table t = { .columns = 5, .heading = heading, .right = right };

	for (size_t i = 0; i < n_resources; i++) {
		const struct resource *r = &resources[i];

		strv_add(&t.cells, r->name);
		strv_take(&t.cells, text_of(s, r->used));
		strv_take(&t.cells, text_of(s, r->peak));
		strv_take(&t.cells,
			  figure_limit_text(resource_option(r), resource_limit(r, &s->limit)));
		strv_take(&t.cells, text_of(s, r->failures));
	}
	out_table_print(&t);
	strv_free(&t.cells);
	for (int i = 0; i < PRESSURES; i++) {
		const struct limit_pressure *p = &s->tally.pressure[i];

		if (p->some >= 0)
			out_printf(
			    "waits for %s: some process %.2f%% of the last 10 s, all %.2f%%\n",
			    limit_pressure_name[i], p->some, p->full > 0 ? p->full : 0);
	}
}

static void put(struct json_out *j, const char *name, uint64_t n)
{
	if (n == PARSE_UNLIMITED)
		json_str(j, name, NULL);
	else
		json_u64(j, name, n);
}

static void print_json(const struct stats *s)
{
	struct json_out *j = json_new(false);

	json_obj(j, NULL);
	json_str(j, "name", s->name);
	json_bool(j, "ok", true);
	json_str(j, "state", s->word);
	json_int(j, "since", s->tally.since);
	json_list(j, "resources");
	for (size_t i = 0; i < n_resources; i++) {
		const struct resource *r = &resources[i];

		json_obj(j, NULL);
		json_str(j, "resource", r->name);
		put(j, "held", figure(s, r->used));
		put(j, "maxheld", figure(s, r->peak));
		put(j, "limit", resource_limit(r, &s->limit));
		put(j, "failed", figure(s, r->failures));
		json_obj_end(j);
	}
	json_list_end(j);
	json_obj(j, "pressure");
	for (int i = 0; i < PRESSURES; i++) {
		const struct limit_pressure *p = &s->tally.pressure[i];

		if (p->some < 0)
			continue;
		json_obj(j, limit_pressure_name[i]);
		json_milli(j, "some", (uint64_t)(p->some * 1000));
		if (p->full >= 0)
			json_milli(j, "full", (uint64_t)(p->full * 1000));
		json_obj_end(j);
	}
	json_obj_end(j);
	json_obj_end(j);
	out_json(json_done(j));
}

static int stats_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct stats s = { .name = name };
	int r = read_stats(ctx, name, &s, err);

	if (r < 0)
		return r;
	if (ctx->json) {
		print_json(&s);
	} else {
		if (ctx->names.n > 1)
			out_printf("%s:\n", name);
		print_table(&s);
	}
	ctx->answered = true;
	return 0;
}

static int stats_run(struct cmd_ctx *ctx, struct err *err)
{
	if (cmd_flag(ctx, "prometheus"))
		return prometheus_print(ctx, err);
	if (!ctx->names.n && !ctx->all)
		return err_set(err, ERR_USAGE, 0,
			       "name a server, or say --all; see croft stats --help");
	cmd_each(ctx, &ctx->names);
	return 0;
}

static const struct cmd_opt opts[] = {
	{ .name = "prometheus",
	  .help = "print metrics of all servers, or of those named, as Prometheus reads them" },
};

const struct cmd cmd_stats = {
	.name = "stats",
	.section = "Looking",
	.args = "NAME...",
	.help = "print what servers use, used at most, and were refused",
	.more = "Over all runs of a server: its stops, starts and reboots. FAILED of memory and "
		"swap is\n"
		"how often it was at the limit, of pids the forks that were refused, of cpu the "
		"time that\n"
		"it waited for its CPUS, of memory-high how often it was slowed down.",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_ROOT | CMD_NAMES | CMD_NO_NAMES | CMD_NO_AUDIT,
	.one = stats_one,
	.run = stats_run,
	.deadline = 60,
};
