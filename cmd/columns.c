// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The columns of croft list and the members of croft status --json, one row each.
 *
 * What must stay true: a running server is described by its state, that is by what is in force, and
 * not by what its file says by now; a server that cannot be read never stops the others from being
 * shown.
 */
#include "columns.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/parse.h"
#include "out.h"
#include "run/ids.h"
#include "run/plan.h"

static void set_text(struct value *v, const char *s)
{
	v->kind = V_TEXT;
	v->text = xstrdup(s);
}

/* Takes text. */
static void set_number(struct value *v, uint64_t n, char *text)
{
	v->kind = V_NUMBER;
	v->number = n;
	v->text = text;
}

static void set_u64(struct value *v, uint64_t n)
{
	set_number(v, n, xasprintf("%llu", (unsigned long long)n));
}

static void get_name(const struct item *it, struct value *v)
{
	set_text(v, it->name);
}

static void get_state(const struct item *it, struct value *v)
{
	set_text(v, it->word);
}

static bool lives(const struct item *it)
{
	return it->has_state && !streq(it->word, "failed");
}

/* A time, of which the table has whole seconds. */
static void set_ms(struct value *v, uint64_t ms)
{
	v->kind = V_MILLI;
	v->number = ms;
	v->text = out_seconds(ms / 1000);
}

/* From init's start time, not from a clock that may be set; a reboot inside begins anew. */
static void get_uptime(const struct item *it, struct value *v)
{
	static uint64_t now, hz;
	struct timespec ts;
	uint64_t ms;

	if (!lives(it))
		return;
	if (!hz) { /* one moment for the whole list */
		hz = (uint64_t)sysconf(_SC_CLK_TCK);
		clock_gettime(CLOCK_BOOTTIME, &ts);
		now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	}
	ms = it->state.init_start * 1000 / hz;
	set_ms(v, now > ms ? now - ms : 0);
}

static void get_boots(const struct item *it, struct value *v)
{
	if (it->has_state)
		set_u64(v, (uint64_t)it->state.boots);
}

static void get_init(const struct item *it, struct value *v)
{
	if (lives(it))
		set_u64(v, (uint64_t)it->state.init);
}

static void get_monitor(const struct item *it, struct value *v)
{
	if (lives(it))
		set_u64(v, (uint64_t)it->state.monitor);
}

static void get_uid_base(const struct item *it, struct value *v)
{
	uid_t base = 0;

	if (it->has_state)
		set_u64(v, it->state.uid_base);
	else if ((it->has_conf && it->conf.guard.privileged) ||
		 ids_of(it->host, it->name, &base) == 0)
		set_u64(v, base);
}

static void get_cgroup(const struct item *it, struct value *v)
{
	if (it->has_state)
		set_text(v, it->state.cgroup);
}

static void get_interface(const struct item *it, struct value *v)
{
	if (it->has_state && it->state.host_if[0])
		set_text(v, it->state.host_if);
}

static void get_figure(const struct limit_figure *f, const struct item *it, struct value *v)
{
	uint64_t n = limit_figure_get(&it->usage, f);

	if (!it->has_usage || n == PARSE_UNLIMITED)
		return;
	if (f->unit == UNIT_BYTES)
		set_number(v, n, out_bytes(n));
	else if (f->unit == UNIT_USEC)
		set_ms(v, n / 1000);
	else
		set_u64(v, n);
}

static const struct column own[] = {
	{ .name = "name", .get = get_name, .help = "the server's name" },
	{ .name = "state",
	  .get = get_state,
	  .source = FROM_STATE,
	  .help = "stopped, starting, running, suspended, stopping or failed" },
	{ .name = "uptime",
	  .get = get_uptime,
	  .source = FROM_STATE,
	  .right = true,
	  .help = "time since init started" },
	{ .name = "boots",
	  .get = get_boots,
	  .source = FROM_STATE,
	  .right = true,
	  .help = "how often it has booted since croft start" },
	{ .name = "init-pid",
	  .get = get_init,
	  .source = FROM_STATE,
	  .right = true,
	  .help = "pid of its init on the host" },
	{ .name = "monitor-pid",
	  .get = get_monitor,
	  .source = FROM_STATE,
	  .right = true,
	  .help = "pid of its monitor" },
	{ .name = "uid-base",
	  .get = get_uid_base,
	  .source = FROM_STATE,
	  .right = true,
	  .help = "first of its user ids on the host" },
	{ .name = "cgroup-path",
	  .get = get_cgroup,
	  .source = FROM_STATE,
	  .help = "its control group" },
	{ .name = "interface",
	  .get = get_interface,
	  .source = FROM_STATE,
	  .help = "the host's end of its link" },
};

/* Which member of the state holds the value of an option that is in force. Limits are found by
 * their place, since struct state has a whole limit_conf. */
static const struct {
	const char *option;
	size_t off;
} in_force[] = {
	{ "hostname", offsetof(struct state, hostname) },
	{ "template", offsetof(struct state, template) },
	{ "store", offsetof(struct state, store) },
	{ "net", offsetof(struct state, net) },
};

static const char *text_in_force(const struct state *s, const struct opt *o)
{
	for (size_t i = 0; i < ARRAY_LEN(in_force); i++)
		if (streq(in_force[i].option, o->name))
			return (const char *)s + in_force[i].off;
	return NULL;
}

static bool is_limit(const struct opt_group *g)
{
	return g->rows == limit_opts;
}

static bool known_by_state(const struct opt_group *g, const struct opt *o)
{
	static const struct state none;

	return is_limit(g) || streq(o->name, "ip") || text_in_force(&none, o);
}

size_t columns_all(struct column **ret)
{
	size_t n = ARRAY_LEN(own);
	size_t max = n + limit_n_figures + opt_count(server_groups, server_n_groups);
	struct column *all = xcalloc(max, sizeof(*all));

	memcpy(all, own, sizeof(own));
	for (size_t i = 0; i < limit_n_figures; i++)
		all[n++] = (struct column) {
			.name = limit_figures[i].name,
			.help = limit_figures[i].help,
			.source = FROM_STATE | FROM_USAGE,
			.right = true,
			.figure = &limit_figures[i],
		};
	for (size_t g = 0; g < server_n_groups; g++)
		for (size_t i = 0; i < *server_groups[g].n; i++) {
			const struct opt *o = &server_groups[g].rows[i];
			bool state = known_by_state(&server_groups[g], o);

			if (o->flags & (OPT_SECRET | OPT_NOSAVE))
				continue;
			all[n++] = (struct column) {
				.name = o->name,
				.help = o->help,
				.source = state ? FROM_STATE | FROM_CONF : ALWAYS_CONF,
				.right = o->type == &opt_size || o->type == &opt_u64 ||
					 o->type == &opt_milli || o->type == &opt_duration,
				.group = &server_groups[g],
				.row = o,
			};
		}
	*ret = all;
	return n;
}

const struct column *column_find(const struct column *all, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(all[i].name, name))
			return &all[i];
	return NULL;
}

static void list_of(struct value *v, const struct addr *a, size_t n)
{
	char text[ADDR_STRLEN];

	v->kind = V_LIST;
	for (size_t i = 0; i < n; i++)
		strv_add(&v->list, addr_print(&a[i], false, text));
}

/* The value at a place, as its option's type has it. */
static void from_place(const struct opt *o, const void *place, struct value *v)
{
	if (o->type == &opt_size || o->type == &opt_u64 || o->type == &opt_milli ||
	    o->type == &opt_duration) {
		v->kind = V_NUMBER;
		v->number = *(const uint64_t *)place;
	} else if (o->type == &opt_bool) {
		v->kind = V_BOOL;
		v->number = *(const bool *)place;
	} else if (o->type == &opt_addrs) {
		const struct addrs *l = place;

		list_of(v, l->a, l->n);
		return;
	} else if (o->type == &opt_words) {
		const struct strv *l = place;

		v->kind = V_LIST;
		for (size_t i = 0; i < l->n; i++)
			strv_add(&v->list, l->v[i]);
		return;
	} else {
		v->kind = V_TEXT;
	}
	v->text = o->type->print(o, place);
	if (v->kind == V_TEXT && (!v->text || !*v->text)) {
		free(v->text);
		*v = (struct value) {};
	}
}

static void get_option(const struct column *c, const struct item *it, struct value *v)
{
	const char *text = it->has_state ? text_in_force(&it->state, c->row) : NULL;

	if (text)
		set_text(v, text);
	else if (it->has_state && is_limit(c->group))
		from_place(c->row, (const char *)&it->state.limit + c->row->off, v);
	else if (it->has_state && streq(c->row->name, "ip"))
		list_of(v, it->state.ip, (size_t)it->state.n_ip);
	else if (it->has_conf)
		from_place(c->row, opt_place(&it->conf.set, c->row), v);
	if (v->kind == V_NONE && it->has_conf && streq(c->row->name, "hostname"))
		set_text(v, it->name);
}

void column_get(const struct column *c, const struct item *it, struct value *ret)
{
	*ret = (struct value) {};
	if (c->get)
		c->get(it, ret);
	else if (c->figure)
		get_figure(c->figure, it, ret);
	else
		get_option(c, it, ret);
	if (ret->kind == V_LIST && !ret->text && ret->list.n)
		ret->text = strv_join(&ret->list, ",");
}

void value_free(struct value *v)
{
	free(v->text);
	strv_free(&v->list);
	*v = (struct value) {};
}

void value_json(struct json_out *j, const char *name, const struct value *v)
{
	switch (v->kind) {
	case V_NONE:
		json_str(j, name, NULL);
		break;
	case V_TEXT:
		json_str(j, name, v->text);
		break;
	case V_NUMBER:
		json_u64(j, name, v->number);
		break;
	case V_MILLI:
		json_milli(j, name, v->number);
		break;
	case V_BOOL:
		json_bool(j, name, v->number != 0);
		break;
	case V_LIST:
		json_list(j, name);
		for (size_t i = 0; i < v->list.n; i++)
			json_str(j, NULL, v->list.v[i]);
		json_list_end(j);
		break;
	}
}

/* Whether init lives, by one lstat(2): the link /proc/PID/exe belongs to an id of the server's own
 * range, which no other process has; of a zombie, and of a process that hides its memory, it
 * belongs to root (proc(5)). A no is only a maybe. */
static bool surely_alive(const struct state *s)
{
	char path[40];
	struct stat st;

	if (s->privileged || !s->uid_base || s->init <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)s->init);
	return lstat(path, &st) == 0 && st.st_uid >= s->uid_base &&
	       st.st_uid - s->uid_base < PLAN_IDS;
}

static const char *word_of(const struct host *h, const struct state *s)
{
	if (s->phase == STATE_RUNNING && surely_alive(s))
		return s->frozen ? "suspended" : "running";
	return state_word(h, s);
}

static void read_state(struct item_reader *r, struct item *it)
{
	int ret = state_load(r->host, it->name, &it->state, &it->why);

	it->has_state = ret == 0;
	if (it->has_state)
		it->word = word_of(r->host, &it->state);
	else if (ret != -ENOENT)
		it->word = "unknown"; /* its state cannot be read */
}

/* State and usage as they belong together. */
static bool read_usage(struct item_reader *r, struct item *it)
{
	struct tally t;
	struct err unused = {};

	r->tally.host = r->host;
	if (tally_read(&r->tally, it->name, &t, &unused) < 0)
		return false;
	it->has_usage = true;
	it->usage = t.total;
	it->has_state = t.has_state;
	it->state = t.state;
	memcpy(it->pressure, t.pressure, sizeof(it->pressure));
	if (!t.has_state)
		return true;
	it->word = t.runs ? word_of(r->host, &t.state) : state_word(r->host, &t.state);
	if (!t.runs && (streq(it->word, "running") || streq(it->word, "suspended")))
		it->word = "stopped"; /* its groups went just now */
	return true;
}

void item_read(struct item_reader *r, const char *name, struct item *ret)
{
	ret->host = r->host;
	ret->name = name;
	ret->word = "stopped";
	ret->has_state = ret->has_conf = ret->has_usage = false;
	ret->why = ret->conf_why = (struct err) {};
	if (!(r->sources & FROM_USAGE) || !read_usage(r, ret))
		read_state(r, ret);
	if ((r->sources & ALWAYS_CONF) || (!ret->has_state && (r->sources & FROM_CONF)))
		ret->has_conf = server_load(&ret->conf, r->host, name, &ret->conf_why) == 0;
}

void item_free(struct item *it)
{
	if (it->has_conf)
		server_free(&it->conf);
	it->has_conf = false;
}
