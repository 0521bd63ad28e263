// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chaos: random croft commands on a few names, many at a time, some killed, checked against a
 *model.
 *
 *	chaos [--seed S] [--workers N] [--commands N] [--seconds N] [--names N] [--hang SEC]
 *
 * Runs in a test host; see chaos-run, which prepares it. The commands of one worker are drawn from
 *a sequence of its own: the same seed gives every worker the same commands, names and moments of
 * SIGKILL. How they interleave is a matter of timing, so a failure may need several runs to come
 *back.
 *
 * One process starts all commands and waits for them. From time to time ("epoch") it lets all end,
 * runs croft recover, and reads what is true. For each name there must be an order of its commands
 * that keeps to their times, in which every exit code is one that the model allows, and that ends
 *in what is true. What was killed has taken effect or not, at any time up to the end of the epoch.
 *
 * What must stay true: a name has at most MAX_PARTS parts of commands in an epoch, because the
 *search keeps a set of states for every subset of them (chaos_model.c).
 */
#include "chaos.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_NAMES    20
#define MAX_WORKERS  64
#define MAX_FAILURES 10
#define EPOCH_OPS    160
#define SETTLE_MS    8000

extern char **environ;

static uint64_t seed, began;
static int n_workers = 32, n_commands = 10000, n_seconds, n_names = MAX_NAMES, hang_s = 30;
static int n_failures, n_killed, n_started, epoch;
static const char *parent_group;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("Bail out! chaos: ", stdout);
	vprintf(fmt, ap);
	fputc('\n', stdout);
	va_end(ap);
	exit(1);
}

__attribute__((format(printf, 1, 2))) static void failure(const char *fmt, ...)
{
	va_list ap;

	n_failures++;
	printf("# inconsistent (seed %llu, epoch %d): ", (unsigned long long)seed, epoch);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* ---- commands ---- */

static const struct {
	int weight;
	bool locks; /* may be given a deadline, and then ends with 6 */
	const char *words;
} kinds[N_KINDS] = {
	[CREATE] = { 10, true, "create %n --template busybox --pids %p" },
	[CREATE_IP] = { 5, true, "create %n --template busybox --pids %p --ip 10.77.200.%i" },
	[START] = { 16, true, "start %n" },
	[STOP] = { 2, true, "stop %n" },
	[STOP_KILL] = { 6, true, "stop %n --kill" },
	[DESTROY] = { 6, true, "destroy %n" },
	[FORCE] = { 3, true, "destroy %n --force" },
	[SET] = { 10, true, "set %n --pids %p" },
	[EXEC] = { 10, false, "exec %n -- true" },
	[STATUS] = { 5, false, "status %n" },
	[LIST] = { 5, false, "list -a -H -o name,state" },
	[REBOOT] = { 3, false, "exec %n -- reboot -f" },
	[SUSPEND] = { 4, true, "suspend %n" },
	[RESUME] = { 6, true, "resume %n" },
	[RESTART] = { 2, true, "restart %n --kill" },
	[RECOVER] = { 3, true, "recover %n" },
	[KILL_INIT] = { 2, false, NULL },
	[KILL_MONITOR] = { 2, false, NULL },
};

struct worker {
	uint64_t random;
	struct op op;
	bool drawn, busy;
	pid_t pid;
	int pidfd, out[2];
};

static struct worker workers[MAX_WORKERS];
static struct op ops[EPOCH_OPS + MAX_WORKERS];
static int n_ops, parts_of[MAX_NAMES];
static uint64_t known[MAX_NAMES]; /* the states a name can be in when an epoch begins */

static const char *name_of(int i)
{
	static char text[4][16];
	static int n;

	n = (n + 1) % 4;
	snprintf(text[n], sizeof(text[n]), "w%02d", i);
	return text[n];
}

/* The same number of draws for every command. */
static void op_draw(struct worker *w)
{
	uint64_t kind = draw(&w->random) % 100, kill = draw(&w->random);
	struct op *o = &w->op;
	int k = 0;

	for (; kind >= (uint64_t)kinds[k].weight; k++)
		kind -= (uint64_t)kinds[k].weight;
	*o = (struct op) { .kind = (enum kind)k, .worker = (int)(w - workers), .kill_us = -1 };
	o->name = (int)(draw(&w->random) % (uint64_t)n_names);
	o->pids = (int)(draw(&w->random) % N_PIDS);
	o->ip = 1 + (int)(draw(&w->random) % 8);
	o->deadline = draw(&w->random) % 16 == 0 && kinds[k].locks;
	if (kill % 4 == 0 && kinds[k].words) /* most commands are done in a few milliseconds */
		o->kill_us = (int)((kill >> 8) % 15000) >> (kill >> 40) % 4;
	w->drawn = true;
}

static void op_words(const struct op *o, char *out, size_t size)
{
	size_t n = 0;

	if (!kinds[o->kind].words) {
		snprintf(out, size, "(kill -9 %s of %s)", o->kind == KILL_INIT ? "init" : "monitor",
			 name_of(o->name));
		return;
	}
	for (const char *p = kinds[o->kind].words; *p && n + 24 < size; p++) {
		if (*p != '%')
			out[n++] = *p;
		else if (*++p == 'n')
			n += (size_t)sprintf(out + n, "%s", name_of(o->name));
		else if (*p == 'p')
			n += (size_t)sprintf(out + n, "%s", pids_text[o->pids]);
		else
			n += (size_t)sprintf(out + n, "%d", o->ip);
	}
	out[n] = 0;
	if (o->deadline)
		snprintf(out + n, size - n, " --deadline 0.02");
}

static pid_t spawn(const char *words, int out[2])
{
	posix_spawn_file_actions_t fa;
	char text[256], *argv[16] = { "croft" }, *save;
	int n = 1;
	pid_t pid;

	snprintf(text, sizeof(text), "%s", words);
	for (char *w = strtok_r(text, " ", &save); w && n < 15; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	for (int i = 0; i < 2; i++)
		out[i] = memfd_create("said", MFD_CLOEXEC);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out[0], 1);
	posix_spawn_file_actions_adddup2(&fa, out[1], 2);
	int r = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (r)
		die("cannot start croft: %s", strerror(r));
	return pid;
}

static void take_text(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = 0;
	close(fd);
}

/* "word" of "name": in the lines of croft list, which all must have two words. */
static int said_of(const struct op *o, const char *text)
{
	char name[64], word[32];
	int outcome = SAID_ABSENT, used;

	while (*text) {
		if (o->kind == STATUS)
			strcpy(name, name_of(o->name));
		if (sscanf(text, o->kind == STATUS ? "%31s%n" : "%*s %31s%n", word, &used) != 1 ||
		    (o->kind == LIST && sscanf(text, "%63s", name) != 1) || text[used] != '\n')
			return -1;
		text += used + 1;
		int s = !strcmp(word, "stopped") || !strcmp(word, "failed")	 ? SAID_STOPPED
			: !strcmp(word, "running")				 ? SAID_RUNNING
			: !strcmp(word, "suspended")				 ? SAID_SUSPENDED
			: !strcmp(word, "starting") || !strcmp(word, "stopping") ? SAID_BETWEEN
										 : -1;
		if (s < 0)
			return -1;
		if (!strcmp(name, name_of(o->name)))
			outcome = s;
	}
	return outcome;
}

static void judge_output(struct op *o, const char *out, const char *err)
{
	const char *line = strchr(err, '\n');
	bool one = !strncmp(err, "croft: ", 7) && line && !line[1];
	bool silent = o->code >= 128 || (o->kind == STATUS && o->code == 3);

	if (o->code < 0 || (o->code && !silent && !one) || (silent && *err))
		failure("\"%s\" is not one line of an error, exit code %d", err, o->code);
	o->outcome = o->code;
	if (o->kind == LIST || (o->kind == STATUS && o->code != 4))
		o->outcome = said_of(o, out);
	else if (o->kind == STATUS)
		o->outcome = SAID_ABSENT;
	if (o->outcome < 0)
		failure("\"%s\" is not what list and status say", out);
	if (o->kind == STATUS && o->code == 0 && o->outcome != SAID_RUNNING &&
	    o->outcome != SAID_SUSPENDED)
		failure("exit code 0 of a status \"%s\"", out);
	if ((o->kind == EXEC || o->kind == REBOOT) && o->code == 125 &&
	    (strstr(err, ": the server is stopping") ||
	     strstr(err, ": the server is still starting")))
		o->outcome = EXEC_BETWEEN;
	snprintf(o->said, sizeof(o->said), "%.*s", (int)strcspn(err, "\n"), err);
}

/* -- kills of a server's own processes -- */

static long long number(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? atoll(p + strlen(key)) : 0;
}

/* Pid and start time as they are recorded: never a process that has the pid by chance. */
static void kill_own(struct op *o)
{
	const char *key = o->kind == KILL_INIT ? "\"init\":" : "\"monitor\":";
	const char *start = o->kind == KILL_INIT ? "\"init_start\":" : "\"monitor_start\":";
	char path[64], text[4096], *p;
	int fd, i;

	snprintf(path, sizeof(path), "/run/croft/%s/state.json", name_of(o->name));
	o->start = now_us();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	take_text(fd, text, sizeof(text));
	pid_t pid = (pid_t)number(text, key);
	long long since = number(text, start);
	int pidfd = pid > 1 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (pidfd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		take_text(fd, text, sizeof(text));
		p = strrchr(text, ')');
		for (i = 2; p && i < 22; i++)
			p = strchr(p + 1, ' ');
		if (p && atoll(p) == since &&
		    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0)
			o->killed = true;
	}
	close(pidfd);
}

/* -- an epoch -- */

static void op_keep(const struct op *o)
{
	ops[n_ops++] = *o;
}

static void worker_start(struct worker *w)
{
	struct op *o = &w->op;
	char words[128];

	w->drawn = false;
	n_started++;
	parts_of[o->name] += model_parts(o->kind);
	if (!kinds[o->kind].words) {
		kill_own(o);
		o->end = NEVER;
		o->outcome = KILLED;
		op_keep(o);
		return;
	}
	op_words(o, words, sizeof(words));
	o->start = now_us();
	w->pid = spawn(words, w->out);
	w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
	w->busy = true;
}

static void say_where(pid_t pid)
{
	static const char *const files[] = { "wchan", "syscall", "stack" };

	for (int i = 0; i < 3; i++) {
		char path[64], text[1024];

		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		take_text(fd, text, sizeof(text));
		printf("#   %s: %s\n", files[i], text);
	}
}

static void worker_end(struct worker *w)
{
	char out[4096], err[1024];
	struct op *o = &w->op;
	int status;

	waitpid(w->pid, &status, 0);
	o->end = now_us();
	close(w->pidfd);
	take_text(w->out[0], out, sizeof(out));
	take_text(w->out[1], err, sizeof(err));
	w->busy = false;
	o->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	o->killed = o->killed && o->code == -SIGKILL; /* it may have ended just before */
	if (o->killed) {
		o->outcome = KILLED;
		o->end = NEVER;
		n_killed++;
	} else {
		judge_output(o, out, err);
	}
	op_keep(o);
}

/* Microseconds until this worker wants to be looked at. */
static uint64_t worker_due(struct worker *w)
{
	uint64_t t = now_us(), ran = t - w->op.start;
	struct op *o = &w->op;

	if (ran > (uint64_t)hang_s * 1000000) {
		char words[128];

		op_words(o, words, sizeof(words));
		failure("a command hangs: %s", words);
		say_where(w->pid);
		o->killed = true;
		kill(w->pid, SIGKILL);
		o->start = t;
	}
	if (o->kill_us < 0 || o->killed)
		return 1000000;
	if (ran < (uint64_t)o->kill_us)
		return (uint64_t)o->kill_us - ran;
	o->killed = true;
	kill(w->pid, SIGKILL);
	return 1000000;
}

/* Whether there is more to start in this epoch. */
static bool more(uint64_t until)
{
	return n_ops < EPOCH_OPS && n_started < n_commands && now_us() < until;
}

static void run_epoch(uint64_t until)
{
	struct pollfd p[MAX_WORKERS];
	bool full = false;
	uint64_t due, d;
	int busy;

	n_ops = 0;
	memset(parts_of, 0, sizeof(parts_of));
	do {
		busy = 0;
		due = 1000000;
		for (int i = 0; i < n_workers; i++) {
			struct worker *w = &workers[i];

			if (!w->busy && !full && more(until)) {
				if (!w->drawn)
					op_draw(w);
				full = parts_of[w->op.name] + model_parts(w->op.kind) > MAX_PARTS;
				if (!full)
					worker_start(w);
			}
			p[i] = (struct pollfd) { .fd = w->busy ? w->pidfd : -1, .events = POLLIN };
			busy += w->busy;
			d = w->busy ? worker_due(w) : 1000000;
			due = d < due ? d : due;
		}
		const struct timespec wait = { 0, (long)(due < 999999 ? due : 999999) * 1000 };
		if (busy && ppoll(p, (nfds_t)n_workers, &wait, NULL) > 0)
			for (int i = 0; i < n_workers; i++)
				if (p[i].revents)
					worker_end(&workers[i]);
	} while (busy || (!full && more(until)));
}

/* ---- what is true ---- */

struct truth {
	bool there;
	char state[16], pids[16], init[16], monitor[16], base[16], ip[128], group[128];
};

static void run_words(const char *words, char *out, size_t size, int want)
{
	char err[1024];
	int fd[2], status;
	pid_t pid = spawn(words, fd);

	waitpid(pid, &status, 0);
	take_text(fd[0], out, size);
	take_text(fd[1], err, sizeof(err));
	if (want >= 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != want || *err))
		failure("croft %s: wait status 0x%x, %s", words, (unsigned)status, err);
}

static bool read_truth(struct truth t[MAX_NAMES])
{
	static char text[65536];
	bool settled = true;
	char *save;

	memset(t, 0, sizeof(t[0]) * MAX_NAMES);
	run_words("list -a -H -o name,state,pids,init-pid,monitor-pid,uid-base,ip,cgroup", text,
		  sizeof(text), 0);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct truth x = { .there = true };
		char name[64];

		if (sscanf(line, "%63s %15s %15s %15s %15s %15s %127s %127s", name, x.state, x.pids,
			   x.init, x.monitor, x.base, x.ip, x.group) != 8) {
			failure("a line of list: %s", line);
			continue;
		}
		for (int i = 0; i < n_names; i++)
			if (!strcmp(name, name_of(i)))
				t[i] = x;
		settled &= !strcmp(x.state, "running") || !strcmp(x.state, "stopped") ||
			   !strcmp(x.state, "suspended");
	}
	return settled;
}

static uint64_t looks_like(const struct truth *t)
{
	enum run run = !strcmp(t->state, "running")	? RUNNING
		       : !strcmp(t->state, "suspended") ? SUSPENDED
							: STOPPED;
	uint64_t set = 0;

	if (!t->there)
		return model_absent();
	for (int i = 0; i < N_PIDS; i++)
		if (!strcmp(t->pids, pids_text[i]))
			set |= model_like(run, i);
	return set;
}

static bool there(const char *fmt, ...)
{
	char path[256];
	struct stat st;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return lstat(path, &st) == 0;
}

/* The beginning of a file, without its line's end. */
static const char *file_text(char *text, size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*text = 0;
	if (fd >= 0)
		take_text(fd, text, size);
	return text;
}

/* Both kinds of control groups, and the mixed layout. */
static void check_groups(const char *name, const struct truth *t)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified",
					     "/sys/fs/cgroup/pids", "/sys/fs/cgroup/freezer" };
	char path[256], text[64];
	bool found = false;

	for (int i = 0; i < 4; i++) {
		if (*t->init == '-' || !t->there) {
			if (there("%s/%s/%s", roots[i], parent_group, name))
				failure("%s has a group left in %s", name, roots[i]);
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s/pids.max", roots[i], t->group);
		file_text(text, sizeof(text), path);
		text[strcspn(text, "\n")] = 0;
		found |= *text;
		if (*text && strcmp(text, t->pids))
			failure("%s: %s has %s, list says %s", name, path, text, t->pids);
	}
	if (t->there && *t->init != '-' && !found)
		failure("%s has no pids.max", name);
}

static bool has_link(const char *name)
{
	char link[IF_NAMESIZE];

	snprintf(link, sizeof(link), "c%.9s.0", name);
	return if_nametoindex(link);
}

static void check_running(const char *name, const struct truth *t)
{
	char path[64], text[4096], want[32], words[64];
	long long base = -1;

	snprintf(path, sizeof(path), "/proc/%s/uid_map", t->init);
	sscanf(file_text(text, sizeof(text), path), "%*d %lld", &base);
	if (base != atoll(t->base))
		failure("%s: uid_map has %lld, list says %s", name, base, t->base);
	snprintf(path, sizeof(path), "/etc/croft/servers/%s.conf", name);
	snprintf(want, sizeof(want), "\nPIDS=\"%s\"\n", t->pids);
	if (!strstr(file_text(text, sizeof(text), path), want))
		failure("%s: its file has other pids than %s, which are in force", name, t->pids);
	snprintf(words, sizeof(words), "exec %s -- true", name);
	if (!strcmp(t->state, "running"))
		run_words(words, text, sizeof(text), 0);
	if (!has_link(name))
		failure("%s has no link", name);
	if (!there("/proc/%s/ns", t->monitor))
		failure("%s has no monitor", name);
}

static void check_stopped(const char *name, const struct truth *t)
{
	static char mounts[1 << 18];
	char part[64];

	/* The kernel takes a link down with its network namespace, a moment later. */
	for (int i = 0; i < 200 && has_link(name); i++)
		pause_ms(10);
	snprintf(part, sizeof(part), "/%s/", name);
	if (has_link(name))
		failure("%s has a link left", name);
	if (there("/run/croft/%s", name))
		failure("%s has a record left", name);
	if (strstr(file_text(mounts, sizeof(mounts), "/proc/self/mountinfo"), part))
		failure("%s has a mount left", name);
	if (!t->there &&
	    (there("/var/lib/croft/servers/%s", name) || there("/run/croft/.locks/%s", name) ||
	     there("/var/lib/croft/trash/%s", name)))
		failure("%s is absent and has files left", name);
}

/* Every reservation is of a server that exists. */
static void check_owners(const struct truth t[], const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char owner[64];
	bool found;

	while (d && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, owner, sizeof(owner) - 1);

		if (n < 0)
			continue;
		owner[n] = 0;
		found = false;
		for (int i = 0; i < n_names; i++)
			found |= t[i].there && !strcmp(owner, name_of(i));
		if (!found)
			failure("%s/%s belongs to %s", path, e->d_name, owner);
	}
	if (d)
		closedir(d);
}

/* No address and no range of ids twice. */
static void check_apart(const struct truth t[])
{
	for (int i = 0; i < n_names; i++)
		for (int k = 0; k < i; k++) {
			char ip[128], *save;
			bool same = false;

			if (!t[i].there || !t[k].there)
				continue;
			strcpy(ip, t[i].ip);
			for (char *a = strtok_r(ip, ",", &save); a;
			     a = strtok_r(NULL, ",", &save)) {
				const char *at = strstr(t[k].ip, a);

				same |= at && (!at[strlen(a)] || at[strlen(a)] == ',') &&
					(at == t[k].ip || at[-1] == ',');
			}
			if (same || llabs(atoll(t[i].base) - atoll(t[k].base)) < 65536)
				failure("%s and %s have the same: %s %s, %s %s", name_of(i),
					name_of(k), t[i].ip, t[i].base, t[k].ip, t[k].base);
		}
	check_owners(t, "/var/lib/croft/addr");
	check_owners(t, "/var/lib/croft/ids");
}

/* ---- checking an epoch ---- */

static int by_start(const void *a, const void *b)
{
	const struct op *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void report(int name, const struct op *const op[], int n, uint64_t from,
		   const struct truth *t)
{
	char text[1024];

	failure("no order of what was done to %s explains it", name_of(name));
	model_print(from, text, sizeof(text));
	printf("#   before:%s\n", text);
	for (int i = 0; i < n; i++) {
		op_words(op[i], text, sizeof(text));
		printf("#   worker %2d %8.2f", op[i]->worker,
		       (double)(op[i]->start - began) / 1000);
		if (op[i]->end == NEVER)
			printf(" ms %s", kinds[op[i]->kind].words ? "KILLED" : "");
		else
			printf(" - %8.2f ms, code %d", (double)(op[i]->end - began) / 1000,
			       op[i]->code);
		printf(": %s", text);
		if (op[i]->kind == LIST || op[i]->kind == STATUS)
			printf(" (said %d)", op[i]->outcome - SAID_ABSENT);
		printf("%s%s\n", *op[i]->said ? " -- " : "", op[i]->said);
	}
	printf("#   true: %s, pids %s\n", t->there ? t->state : "absent", t->there ? t->pids : "-");
	fflush(stdout);
}

static void check_name(int name, const struct truth *t)
{
	const struct op *op[MAX_PARTS];
	uint64_t from = known[name], like = looks_like(t), end;
	int n = 0;

	for (int i = 0; i < n_ops; i++)
		if (ops[i].name == name)
			op[n++] = &ops[i];
	end = model_search(from, op, n);
	known[name] = end & like;
	if (!known[name]) {
		report(name, op, n, from, t);
		known[name] = like;
	}
	if (model_restless(known[name]))
		return;
	check_groups(name_of(name), t);
	if (*t->init != '-' && t->there)
		check_running(name_of(name), t);
	else
		check_stopped(name_of(name), t);
}

static void check_epoch(void)
{
	static struct truth t[MAX_NAMES];
	char text[4096];
	uint64_t until = now_us() + SETTLE_MS * 1000;
	bool killed_inside = false, settled;

	for (int i = 0; i < n_ops; i++)
		killed_inside |= ops[i].kind == REBOOT && ops[i].killed;
	if (killed_inside) /* what was started inside dies with croft exec, or just not */
		pause_ms(100);
	do {
		run_words("recover", text, sizeof(text), 0);
		settled = read_truth(t);
	} while (!settled && now_us() < until && (pause_ms(20), true));
	if (!settled)
		failure("a server is neither running nor stopped after croft recover");
	qsort(ops, (size_t)n_ops, sizeof(ops[0]), by_start);
	for (int i = 0; i < n_names; i++)
		check_name(i, &t[i]);
	check_apart(t);
}

/* ---- beginning and end ---- */

/* What tests/root/inventory prints. */
static char *inventory(void)
{
	const char *path = getenv("CROFT_CHAOS_INVENTORY");
	FILE *f = popen(path ? path : "tests/root/inventory", "re");
	char *text = NULL;
	size_t size = 0;

	if (!f || getdelim(&text, &size, 0, f) < 0 || pclose(f))
		die("cannot take the inventory");
	return text;
}

/* Lines of one that the other has not. */
static void say_lines(const char *of, const char *not_in, char sign)
{
	size_t n;

	for (const char *l = of, *at; *l; l += n + (l[n] == '\n')) {
		n = strcspn(l, "\n");
		for (at = not_in; *at && (strcspn(at, "\n") != n || memcmp(at, l, n));) {
			at += strcspn(at, "\n");
			at += *at == '\n';
		}
		if (!*at)
			printf("#   %c %.*s\n", sign, (int)n, l);
	}
}

static void check_end(const char *before)
{
	uint64_t until = now_us() + SETTLE_MS * 1000;
	char text[4096], *now = NULL;

	run_words("destroy --all --force", text, sizeof(text), 0);
	do {
		free(now);
		pause_ms(50);
		now = inventory();
	} while (strcmp(before, now) && now_us() < until);
	if (!strcmp(before, now))
		return;
	failure("the inventory is not what it was");
	say_lines(now, before, '+');
	say_lines(before, now, '-');
}

static void options(int argc, char **argv)
{
	const struct {
		const char *name;
		int *value, max;
	} known_options[] = {
		{ "--workers", &n_workers, MAX_WORKERS }, { "--commands", &n_commands, 1 << 30 },
		{ "--seconds", &n_seconds, 1 << 20 },	  { "--names", &n_names, MAX_NAMES },
		{ "--hang", &hang_s, 1 << 20 },
	};
	int i, k;

	for (i = 1; i + 1 < argc; i += 2) {
		int value = atoi(argv[i + 1]);

		for (k = 0; k < 5 && strcmp(argv[i], known_options[k].name); k++)
			;
		if (k < 5 && value > 0 && value <= known_options[k].max)
			*known_options[k].value = value;
		else if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 10);
		else
			break;
	}
	if (i != argc)
		die("not understood: %s", argv[i]);
}

int main(int argc, char **argv)
{
	uint64_t until;
	char *before;

	seed = now_us() % 1000000;
	options(argc, argv);
	parent_group = getenv("CROFT_TEST_CGROUP");
	if (!parent_group)
		die("runs in a test host: tests/root/testhost BUILD tests/fault/chaos-run");
	printf("1..1\n# seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	before = inventory();
	for (int i = 0; i < n_workers; i++) {
		workers[i].random = seed * 1000 + (uint64_t)i;
		draw(&workers[i].random);
	}
	for (int i = 0; i < n_names; i++)
		known[i] = model_absent();
	began = now_us();
	until = n_seconds ? began + (uint64_t)n_seconds * 1000000 : NEVER;
	for (epoch = 1; n_started < n_commands && now_us() < until && n_failures < MAX_FAILURES;
	     epoch++) {
		run_epoch(until);
		check_epoch();
	}
	printf("# %d epochs, %.1f s\n", epoch - 1, (double)(now_us() - began) / 1000000);
	check_end(before);
	printf("%sok 1 chaos: %d commands, %d names, %d workers, %d killed, seed %llu\n",
	       n_failures ? "not " : "", n_started, n_names, n_workers, n_killed,
	       (unsigned long long)seed);
	return n_failures ? 1 : 0;
}
