// SPDX-License-Identifier: GPL-2.0-or-later
/* What happened to servers; see events.h. */
#include "run/events.h"

#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "sys/json.h"
#include "sys/spool.h"

#define TEXT_MAX  2048 /* of a field */
#define QUICK_ALL 8    /* quick reboots that are all written */

const struct event_row event_rows[EVENT_N] = {
#define X(constant, name, help) { name, help },
#include "run/events.def"
#undef X
};

char *event_path(const struct host *h)
{
	return xasprintf("%s/events", h->var);
}

/* One line. Texts have at most max bytes. */
static char *compose(const char *when, const char *server, enum event e,
		     const struct event_field *f, int max)
{
	struct json_out *j = json_new(false);

	json_obj(j, NULL);
	json_str(j, "time", when);
	json_str(j, "server", server);
	json_str(j, "event", event_rows[e].name);
	for (; f && f->key; f++) {
		if (!f->text) {
			json_int(j, f->key, f->number);
			continue;
		}
		_cleanup_free_ char *text = xasprintf("%.*s", max, f->text);
		json_str(j, f->key, text);
	}
	json_obj_end(j);
	return json_done(j);
}

void event_add(const struct host *h, const char *server, enum event e,
	       const struct event_field *fields)
{
	_cleanup_free_ char *path = event_path(h);
	char when[SPOOL_TIME];

	spool_time(when);
	for (int max = TEXT_MAX; max > 0; max /= 2) {
		_cleanup_free_ char *line = compose(when, server, e, fields, max);

		if (spool_append(path, h->event_log, line, strlen(line)) != -EMSGSIZE)
			return;
	}
}

void event_text(const struct host *h, const char *server, enum event e, const char *key,
		const char *text)
{
	const struct event_field f[] = { { .key = key, .text = text }, { 0 } };

	event_add(h, server, e, f);
}

bool event_is_worth(int64_t boots, bool quick)
{
	return !quick || boots <= QUICK_ALL || (boots & (boots - 1)) == 0;
}

void event_started(const struct host *h, const struct state *s, const struct state *before)
{
	const struct event_field start[] = { { .key = "init", .number = s->init }, { 0 } };
	const struct event_field reboot[] = { { .key = "init", .number = s->init },
					      { .key = "boots", .number = s->boots },
					      { 0 } };

	if (!before)
		event_add(h, s->name, EVENT_START, start);
	else if (event_is_worth(s->boots, s->started - before->started < EVENT_QUICK_S))
		event_add(h, s->name, EVENT_REBOOT, reboot);
}

void event_stopped(const struct host *h, const struct state *s, const char *how)
{
	int64_t ran = s->started ? time(NULL) - s->started : 0;
	const struct event_field f[] = {
		{ .key = "how", .text = how ? state_end_word(how) : "unknown" },
		{ .key = "by", .text = s->phase == STATE_STOPPING ? "croft" : "itself" },
		{ .key = "init", .number = s->init },
		{ .key = "seconds", .number = ran > 0 ? ran : 0 },
		{ 0 }
	};

	event_add(h, s->name, EVENT_STOP, f);
}
