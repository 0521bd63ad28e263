// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor's look at the limits of its server; see monitor_watch.h and run/monitor.h.
 *
 * A counter of the kernel is read a moment after a notice, when more of the same has come, then
 * left alone for a while, so that a server that runs into a limit all the time wakes the monitor a
 * few times a second at most. What is counted meanwhile is not lost: it is in the next event.
 *
 * What must stay true: the server chooses when, and nothing else: what is written are the name that
 * croft gave, fixed words and a number. It is bounded how often (pay()). Nothing here waits for a
 * disk that is full, and no failure ends the monitor.
 */
#include "monitor_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* rename(2) */
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "run/monitor.h"

#ifndef CGROUP_SUPER_MAGIC
#define CGROUP_SUPER_MAGIC 0x27e0eb /* statfs(2) */
#endif

#define GATHER_MS 100	/* from a notice until the counter is read */
#define REST_MS	  1000	/* from then on no notice is looked at */
#define SLOW_MS	  30000 /* between two looks where the kernel may give no notice */
#define COST_MS	  (MONITOR_EVENT_S * 1000ULL)
#define DEBT_MAX  (COST_MS * (MONITOR_EVENTS - 1))

struct watch {
	int fd;	    /* the counter's file; -1: not watched */
	int notice; /* an eventfd (version 1 of memory), else -1: the file itself is polled */
	bool slow;  /* looked at while idle, too */
	enum { IDLE, GATHERING, RESTING } phase;
	uint64_t at;   /* when that phase ends; idle: when a slow one is looked at */
	uint64_t told; /* of the counter */
	uint64_t paid; /* the events so far are paid for at this time; see pay() */
};

static const struct {
	const char *key;   /* in the counter's file */
	const char *event; /* run/events.def, and what else the line has */
	bool eventfd;	   /* on version 1 */
} row[WATCH_N] = {
	{ "oom_kill", "oom-kill", true },
	{ "max", "limit\",\"resource\":\"pids", false },
};

static struct watch watch[WATCH_N];
static const char *server, *spool;
static uint64_t spool_max;

uint64_t watch_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* -- text: without stdio -------------------------------------------------------------------- */

struct text {
	size_t n;
	char s[512];
};

static void add(struct text *t, const char *s)
{
	size_t len = strlen(s);

	if (len < sizeof(t->s) - t->n) {
		memcpy(t->s + t->n, s, len);
		t->n += len;
	}
}

/* At least that many digits. */
static void add_number(struct text *t, uint64_t v, unsigned digits)
{
	char s[21] = "";
	size_t at = sizeof(s) - 1;

	while (v || sizeof(s) - 1 - at < digits) {
		s[--at] = (char)('0' + v % 10);
		v /= 10;
	}
	add(t, s + at);
}

static bool leap(uint64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Now in RFC 3339, as spool_time() has it. gmtime(3) would double the program's size. */
static void add_time(struct text *t)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	uint64_t year = 1970, month = 0, day, s;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	s = now.tv_sec > 0 ? (uint64_t)now.tv_sec : 0;
	for (day = s / 86400; day >= 365u + leap(year); year++)
		day -= 365u + leap(year);
	for (; day >= days[month] + (month == 1 && leap(year) ? 1u : 0u); month++)
		day -= days[month] + (month == 1 && leap(year) ? 1u : 0u);
	const struct {
		uint64_t v;
		const char *behind;
	} part[] = { { year, "-" },	     { month + 1, "-" },   { day + 1, "T" },
		     { s / 3600 % 24, ":" }, { s / 60 % 60, ":" }, { s % 60, "." } };
	for (int i = 0; i < 6; i++) {
		add_number(t, part[i].v, i ? 2 : 4);
		add(t, part[i].behind);
	}
	add_number(t, (uint64_t)now.tv_nsec / 1000000, 3);
	add(t, "Z");
}

/* -- the spool: the rules of sys/spool.h ---------------------------------------------------- */

static int spool_open(struct stat *st)
{
	int fd = open(spool,
		      O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
		      0600);

	if (fd >= 0 && (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void spool_rotate(int fd, const struct stat *mine)
{
	struct text old = { 0 };
	struct stat st;

	add(&old, spool);
	add(&old, ".1");
	old.s[old.n] = '\0';
	if (old.n == strlen(spool) + 2 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    stat(spool, &st) == 0 && st.st_ino == mine->st_ino && st.st_dev == mine->st_dev)
		rename(spool, old.s);
}

static void spool_append(const struct text *t)
{
	struct stat st;
	char last = '\n';
	int fd = spool_open(&st);

	if (fd >= 0 && (uint64_t)st.st_size >= spool_max) {
		spool_rotate(fd, &st);
		close(fd);
		fd = spool_open(&st);
	}
	if (fd < 0)
		return;
	if (st.st_size > 0)
		(void)!pread(fd, &last, 1, st.st_size - 1);
	/* The text begins with a newline, for where the line before has none. */
	size_t skip = last == '\n';
	(void)!write(fd, t->s + skip, t->n - skip);
	close(fd);
}

static void tell(int i, uint64_t count)
{
	struct text t = { 0 };

	add(&t, "\n{\"time\":\"");
	add_time(&t);
	add(&t, "\",\"server\":\"");
	add(&t, server);
	add(&t, "\",\"event\":\"");
	add(&t, row[i].event);
	add(&t, "\",\"count\":");
	add_number(&t, count, 1);
	add(&t, "}\n");
	spool_append(&t);
}

/* -- the counters --------------------------------------------------------------------------- */

static void drop(struct watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	if (w->notice >= 0)
		close(w->notice);
	w->fd = w->notice = -1;
}

/* The number behind a line's key. */
static bool counter(const struct watch *w, const char *key, uint64_t *ret)
{
	char text[1024];
	size_t len = strlen(key);
	ssize_t n = pread(w->fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	for (const char *p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		if (strncmp(p, key, len) != 0 || p[len] != ' ')
			continue;
		*ret = 0;
		for (p += len + 1; *p >= '0' && *p <= '9'; p++)
			*ret = *ret * 10 + (uint64_t)(*p - '0');
		return true;
	}
	return false;
}

/* memory.oom_control of version 1 cannot be polled: cgroup.event_control beside it ties it to an
 * eventfd (Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control"). */
static int tie_eventfd(const char *path, int file)
{
	const char *slash = strrchr(path, '/');
	struct text control = { 0 }, order = { 0 };
	size_t dir = (size_t)(slash - path) + 1;

	if (dir >= sizeof(control.s))
		return -1;
	memcpy(control.s, path, dir);
	control.n = dir;
	add(&control, "cgroup.event_control");
	control.s[control.n] = '\0';
	int notice = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int fd = open(control.s, O_WRONLY | O_CLOEXEC);
	add_number(&order, notice >= 0 ? (uint64_t)notice : 0, 1);
	add(&order, " ");
	add_number(&order, (uint64_t)file, 1);
	bool tied = notice >= 0 && fd >= 0 && write(fd, order.s, order.n) == (ssize_t)order.n;
	if (fd >= 0)
		close(fd);
	if (!tied && notice >= 0)
		close(notice);
	return tied ? notice : -1;
}

static void watch_file(int i, const char *path, bool quick)
{
	struct watch *w = &watch[i];
	struct statfs fs;

	*w = (struct watch) { .fd = -1, .notice = -1 };
	if (!*path)
		return;
	w->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (w->fd < 0)
		return;
	bool v1 = fstatfs(w->fd, &fs) == 0 && fs.f_type == CGROUP_SUPER_MAGIC;
	w->paid = quick ? watch_now() + DEBT_MAX + COST_MS : 0;
	/* Linux 6.11 and later give no notice of pids.events on version 1. */
	w->slow = v1 && !row[i].eventfd;
	w->at = watch_now() + SLOW_MS;
	if (v1 && row[i].eventfd) {
		w->notice = tie_eventfd(path, w->fd);
		if (w->notice < 0)
			drop(w);
	}
	/* What was counted before is another's: of a monitor that was killed, say. */
	if (w->fd >= 0 && !counter(w, row[i].key, &w->told))
		drop(w);
}

void watch_open(const char *name, const char *file, uint64_t max, const char *memory,
		const char *pids, bool quick)
{
	server = name;
	spool = file;
	spool_max = max;
	watch_file(0, memory, quick);
	watch_file(1, pids, quick);
}

/* Each event is paid for with COST_MS of time; as much may be owed as MONITOR_EVENTS cost. 0: it is
 * paid; else the milliseconds to wait until it can be. */
static uint64_t pay(struct watch *w, uint64_t now)
{
	uint64_t paid = w->paid > now ? w->paid : now;

	if (paid - now > DEBT_MAX)
		return paid - now - DEBT_MAX;
	w->paid = paid + COST_MS;
	return 0;
}

/* Whether something was told, or has to wait. */
static bool look(int i, uint64_t now)
{
	struct watch *w = &watch[i];
	uint64_t n, wait, events;

	if (w->notice >= 0)
		(void)!read(w->notice, &events, sizeof(events));
	if (!counter(w, row[i].key, &n)) { /* the group is gone */
		drop(w);
		return false;
	}
	w->at = now + REST_MS;
	if (n <= w->told)
		return false;
	wait = pay(w, now);
	if (wait > REST_MS)
		w->at = now + wait;
	if (!wait) {
		tell(i, n - w->told);
		w->told = n;
	}
	return true;
}

int watch_poll(struct pollfd *p)
{
	uint64_t now = watch_now(), next = UINT64_MAX;

	for (int i = 0; i < WATCH_N; i++) {
		const struct watch *w = &watch[i];

		p[i] = (struct pollfd) { .fd = -1 };
		if (w->fd >= 0 && (w->phase != IDLE || w->slow) && w->at < next)
			next = w->at;
		if (w->fd < 0 || w->phase != IDLE)
			continue;
		p[i].fd = w->notice >= 0 ? w->notice : w->fd;
		p[i].events = w->notice >= 0 ? POLLIN : POLLPRI;
	}
	if (next == UINT64_MAX)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

void watch_step(const struct pollfd *p)
{
	uint64_t now = watch_now();

	for (int i = 0; i < WATCH_N; i++) {
		struct watch *w = &watch[i];

		if (w->fd < 0)
			continue;
		if (w->phase == IDLE && p[i].fd >= 0 && p[i].revents) {
			w->phase = GATHERING;
			w->at = now + GATHER_MS;
		} else if ((w->phase != IDLE || w->slow) && now >= w->at) {
			/* After a rest once more: a kill is counted a moment after its notice. */
			bool rest = look(i, now) || w->phase == GATHERING;

			w->phase = rest ? RESTING : IDLE;
			if (!rest)
				w->at = now + SLOW_MS;
		}
	}
}

void watch_end(void)
{
	for (int i = 0; i < WATCH_N; i++) {
		if (watch[i].fd >= 0)
			look(i, watch_now());
		drop(&watch[i]);
	}
}
