/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened to servers: VAR/events, an object of JSON in each line (sys/spool.h). An event is
 * written by who holds the server's lock, where the change has become true: the record is written,
 * or gone. So it is there once, whoever noticed; one who is killed in between leaves it out, and
 * nobody writes it twice. Events are told, never relied on: that one cannot be written is no error.
 */
#ifndef CROFT_RUN_EVENTS_H
#define CROFT_RUN_EVENTS_H

#include "run/state.h"

enum event {
#define X(constant, name, help) EVENT_##constant,
#include "run/events.def"
#undef X
	EVENT_N
};

struct event_row {
	const char *name, *help;
};
extern const struct event_row event_rows[EVENT_N];

struct event_field {
	const char *key;
	const char *text; /* NULL: number */
	int64_t number;
};

/* VAR/events; caller frees. The size at which it is renamed is h->event_log. */
char *event_path(const struct host *h);
/* fields: ended by one without a key. Texts are cut where the line would be too long. */
void event_add(const struct host *h, const char *server, enum event e,
	       const struct event_field *fields);
/* The same with one text; key may be NULL. */
void event_text(const struct host *h, const char *server, enum event e, const char *key,
		const char *text);
/* A start, or where there was a run before, a reboot. A server that does nothing but reboot must
 * not fill the file: see event_is_worth(). */
void event_started(const struct host *h, const struct state *s, const struct state *before);
/* The run that s records is over. how: as the monitor noted it, NULL where that is not known. */
void event_stopped(const struct host *h, const struct state *s, const char *how);

/* A run that lasted less is a quick one, when it ends by a reboot. */
#define EVENT_QUICK_S 60
/* Whether the start of that number, after a quick run or not, is written: of those after a quick
 * run the first few, and then the second, fourth, eighth: each line has the number. */
bool event_is_worth(int64_t boots, bool quick);

#endif
