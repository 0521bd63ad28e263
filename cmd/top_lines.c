// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lines of croft top. Each column is one row of a table; in 80 columns all of them have room,
 * and the name what is left. Names are those of servers, so they are ASCII.
 */
#include "top.h"

#include <stdio.h>
#include "base/mem.h"
#include "base/parse.h"

#define NAME_MIN       8
#define NAME_MAX_WIDTH 63
#define CELL	       64

struct cells {
	const struct top *t;
	const struct top_row *r;
};

/* At most four characters: "999", "9.9K", "999M". */
static void put_size(char out[CELL], double n)
{
	static const char unit[] = " KMGTPE";
	int u = 0;

	if (n < 0) {
		snprintf(out, CELL, "-");
		return;
	}
	for (; n >= 999.5 && u < 6; u++)
		n /= 1024;
	if (u == 0)
		snprintf(out, CELL, "%.0f", n);
	else
		snprintf(out, CELL, n < 9.95 ? "%.1f%c" : "%.0f%c", n, unit[u]);
}

static void put_part(char out[CELL], double percent, int decimals)
{
	if (percent < 0)
		snprintf(out, CELL, "-");
	else
		snprintf(out, CELL, "%.*f", decimals, percent);
}

static double amount(uint64_t n)
{
	return n == PARSE_UNLIMITED ? -1 : (double)n;
}

static void get_cpu(const struct top_row *r, char out[CELL])
{
	if (r->state.frozen)
		snprintf(out, CELL, "susp.");
	else
		put_part(out, r->cpu, 1);
}

#define BAR 8

/* How much of its own memory it uses; nothing where it has no limit. */
static void get_bar(const struct top_row *r, char out[CELL])
{
	uint64_t limit = r->state.limit.memory, used = r->now.memory;
	double part;

	memset(out, ' ', BAR);
	out[BAR] = '\0';
	if (limit == PARSE_UNLIMITED || limit == 0 || used == PARSE_UNLIMITED)
		return;
	part = (double)used / (double)limit * BAR;
	for (int i = 0; i < BAR; i++)
		out[i] = part >= i + 0.5 ? '#' : '.';
}

static void get_memory(const struct top_row *r, char out[CELL])
{
	char used[CELL], limit[CELL];

	put_size(used, amount(r->now.memory));
	put_size(limit, amount(r->state.limit.memory));
	snprintf(out, CELL, "%.8s/%.8s", used, limit);
}

static void get_swap(const struct top_row *r, char out[CELL])
{
	put_size(out, amount(r->now.swap));
}

static void get_pids(const struct top_row *r, char out[CELL])
{
	char used[CELL], limit[CELL];

	put_part(used, amount(r->now.pids), 0);
	put_part(limit, amount(r->state.limit.pids), 0);
	snprintf(out, CELL, "%.20s/%.20s", used, limit);
}

static void get_reads(const struct top_row *r, char out[CELL])
{
	put_size(out, r->reads);
}

static void get_writes(const struct top_row *r, char out[CELL])
{
	put_size(out, r->writes);
}

static void get_throttled(const struct top_row *r, char out[CELL])
{
	put_part(out, r->throttled, 0);
}

static void get_wait_memory(const struct top_row *r, char out[CELL])
{
	put_part(out, r->pressure[PRESSURE_MEMORY].some, 0);
}

static void get_wait_cpu(const struct top_row *r, char out[CELL])
{
	put_part(out, r->pressure[PRESSURE_CPU].some, 0);
}

static void get_wait_io(const struct top_row *r, char out[CELL])
{
	put_part(out, r->pressure[PRESSURE_IO].some, 0);
}

static const struct {
	const char *heading;
	int width;
	bool pressure;
	void (*get)(const struct top_row *r, char out[CELL]);
} cols[] = {
	{ "CPU%", 5, false, get_cpu },	      { "MEMORY  ", BAR, false, get_bar },
	{ "USED/MAX", 9, false, get_memory }, { "SWAP", 4, false, get_swap },
	{ "PIDS/MAX", 9, false, get_pids },   { "RD/s", 4, false, get_reads },
	{ "WR/s", 4, false, get_writes },     { "THR%", 4, false, get_throttled },
	{ "WM%", 3, true, get_wait_memory },  { "WC%", 3, true, get_wait_cpu },
	{ "WI%", 3, true, get_wait_io },
};

static size_t name_width(const struct top *t, size_t width)
{
	size_t longest = NAME_MIN, rest = 0;

	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->row[i]->name) > longest)
			longest = strlen(t->row[i]->name);
	for (size_t i = 0; i < ARRAY_LEN(cols); i++)
		if (!cols[i].pressure || !t->no_pressure)
			rest += (size_t)cols[i].width + 1;
	if (width && rest + longest > width)
		return width > rest + NAME_MIN ? width - rest : NAME_MIN;
	return longest;
}

/* r NULL: the heading. A name that is cut ends with a +. */
static char *line(const struct top *t, const struct top_row *r, size_t width)
{
	const char *name = r ? r->name : "NAME";
	size_t room = name_width(t, width), n = strlen(name);
	struct buf b = {};

	if (n > room)
		buf_printf(&b, "%.*s+", (int)room - 1, name);
	else
		buf_printf(&b, "%-*s", (int)room, name);
	for (size_t i = 0; i < ARRAY_LEN(cols); i++) {
		char cell[CELL];

		if (cols[i].pressure && t->no_pressure)
			continue;
		if (r)
			cols[i].get(r, cell);
		buf_printf(&b, " %*s", cols[i].width, r ? cell : cols[i].heading);
	}
	if (width && b.len > width)
		b.s[width] = '\0';
	return buf_steal(&b);
}

char *top_heading(const struct top *t, size_t width)
{
	return line(t, NULL, width);
}

char *top_line(const struct top *t, const struct top_row *r, size_t width)
{
	return line(t, r, width);
}

char *top_host_line(const struct top *t)
{
	const struct proc_host *h = &t->host;
	char used[CELL], all[CELL], swap[CELL], swap_all[CELL];

	put_size(used, h->memory == PARSE_UNLIMITED ? -1 : (double)(h->memory - h->available));
	put_size(all, amount(h->memory));
	put_size(swap, h->memory == PARSE_UNLIMITED ? -1 : (double)(h->swap - h->swap_free));
	put_size(swap_all, h->memory == PARSE_UNLIMITED ? -1 : amount(h->swap));
	return xasprintf(
	    "%zu server%s   load %.2f %.2f %.2f of %u   memory %.8s/%.8s   swap %.8s/%.8s", t->n,
	    t->n == 1 ? " runs" : "s run", h->load[0], h->load[1], h->load[2], t->cpus, used, all,
	    swap, swap_all);
}
