// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chaos: random croft commands on a few names, many at a time, some killed, checked against a
 * model.
 *
 *	chaos [--seed S] [--workers N] [--commands N] [--seconds N] [--names N] [--hang SEC]
 *
 * Runs in a test host; see chaos-run, which prepares it. The commands of one worker are drawn from
 * a sequence of its own: the same seed gives every worker the same commands, names and moments of
 * SIGKILL. How they interleave is a matter of timing, so a failure may need several runs to come
 * back.
 *
 * One process starts all commands and waits for them. From time to time ("epoch") it lets all end,
 * runs croft recover, and reads what is true. For each name there must be an order of its commands
 * that keeps to their times, in which every exit code is one that the model allows, and that ends
 * in what is true. What was killed has taken effect or not, at any time up to the end of the epoch.
 *
 * What must stay true: a name has at most MAX_PARTS parts of commands in an epoch, because the
 * search keeps a set of states for every subset of them (chaos_model.c).
 */
#include "chaos.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORKERS  64
#define MAX_FAILURES 10
#define EPOCH_OPS    160
#define FROZEN_US    1000000 /* a command inside that ran longer may be in a suspended server */

static uint64_t seed, began;
static int n_workers = 32, n_commands = 10000, n_seconds, hang_s = 30;
int n_names = MAX_NAMES;
int n_failures;
static int n_killed, n_started, epoch;
const char *parent_group;

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("Bail out! chaos: ", stdout);
	vprintf(fmt, ap);
	fputc('\n', stdout);
	va_end(ap);
	exit(1);
}

void failure(const char *fmt, ...)
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

uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* ---- an epoch ---- */

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
	if (op_is_kill(o)) {
		op_kill_own(o);
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
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	take_text(fd, text, sizeof(text));
	printf("#   it waits in %s\n", text);
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
		op_judge(o, out, err);
	}
	op_keep(o);
}

/* A command inside that was suspended with its server waits until somebody resumes it, who may not
 * come in this epoch. It is no failure, and is killed. One that came after the suspension must have
 * been refused. */
static bool waits_frozen(const struct op *o)
{
	struct truth t[MAX_NAMES];
	bool under_it = false;

	if (o->kind != EXEC && o->kind != REBOOT)
		return false;
	for (int i = 0; i < n_ops; i++)
		under_it |=
		    ops[i].kind == SUSPEND && ops[i].name == o->name && ops[i].end > o->start;
	if (!under_it)
		return false;
	host_read(t);
	return !strcmp(t[o->name].state, "suspended");
}

/* Microseconds until this worker wants to be looked at. */
static uint64_t worker_due(struct worker *w)
{
	uint64_t t = now_us(), ran = t - w->op.start;
	struct op *o = &w->op;

	if (ran > FROZEN_US && !o->killed && waits_frozen(o)) {
		o->killed = true;
		kill(w->pid, SIGKILL);
	}
	if (ran > (uint64_t)hang_s * 1000000) {
		char words[128];

		op_words(o, words, sizeof(words));
		failure("a command hangs: %s", words);
		say_where(w->pid);
		o->killed = o->hung = true;
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
				if (!w->drawn) {
					op_draw(&w->op, &w->random);
					w->op.worker = i;
					w->drawn = true;
				}
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

/* ---- checking an epoch ---- */

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

static int by_start(const void *a, const void *b)
{
	const struct op *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void report(const struct op *const op[], int n, uint64_t from, const struct truth *t)
{
	static const char *const said[] = { "absent", "stopped", "running", "suspended",
					    "on its way" };
	char text[1024];

	model_print(from, text, sizeof(text));
	printf("#   before:%s\n", text);
	for (int i = 0; i < n; i++) {
		op_words(op[i], text, sizeof(text));
		printf("#   worker %2d %8.2f", op[i]->worker,
		       (double)(op[i]->start - began) / 1000);
		if (op[i]->end == NEVER)
			printf(" ms %s", op_is_kill(op[i]) ? "" : "KILLED");
		else
			printf(" - %8.2f ms, code %d", (double)(op[i]->end - began) / 1000,
			       op[i]->code);
		printf(": %s", text);
		if (op[i]->outcome >= SAID_ABSENT && op[i]->outcome <= SAID_BETWEEN)
			printf(" (said %s)", said[op[i]->outcome - SAID_ABSENT]);
		printf("%s%s\n", *op[i]->said ? " -- " : "", op[i]->said);
	}
	printf("#   true: %s, pids %s\n", t->there ? t->state : "absent", t->there ? t->pids : "-");
	fflush(stdout);
}

static void check_name(int name, const struct truth *t)
{
	const struct op *op[MAX_PARTS];
	uint64_t from = known[name], like = looks_like(t), end;
	bool hung = false;
	int n = 0, before = n_failures;

	for (int i = 0; i < n_ops; i++)
		if (ops[i].name == name) {
			hung |= ops[i].hung;
			op[n++] = &ops[i];
		}
	end = model_search(from, op, n);
	known[name] = end & like;
	if (!known[name])
		failure("no order of what was done to %s explains it", name_of(name));
	if (!known[name])
		known[name] = like;
	if (!model_restless(known[name]))
		host_check_name(name_of(name), t);
	if (hung || n_failures > before)
		report(op, n, from, t);
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
		host_croft("recover", text, sizeof(text));
		settled = host_read(t);
	} while (!settled && now_us() < until && (pause_ms(20), true));
	if (!settled)
		failure("a server is neither running nor stopped after croft recover");
	qsort(ops, (size_t)n_ops, sizeof(ops[0]), by_start);
	for (int i = 0; i < n_names; i++)
		check_name(i, &t[i]);
	host_check_apart(t);
}

/* ---- beginning and end ---- */

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
	before = host_inventory();
	for (int i = 0; i < n_workers; i++) {
		workers[i].random = (seed << 16 | (uint64_t)i) * UINT64_C(0x9e3779b97f4a7c15);
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
	host_check_end(before);
	printf("%sok 1 chaos: %d commands, %d names, %d workers, %d killed, seed %llu\n",
	       n_failures ? "not " : "", n_started, n_names, n_workers, n_killed,
	       (unsigned long long)seed);
	return n_failures ? 1 : 0;
}
