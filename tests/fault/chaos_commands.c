// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chaos, the commands: which there are and how often they come, how they are drawn and started, and
 * what their output says. A new one has a row here and rows in chaos_model.c.
 */
#include "chaos.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

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
	[SET] = { 8, true, "set %n --pids %p" },
	[SET_IP] = { 3, true, "set %n --ip 10.77.200.%i" },
	[EXEC] = { 9, false, "exec %n -- true" },
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

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

const char *name_of(int i)
{
	static char text[4][16];
	static int n;

	n = (n + 1) % 4;
	snprintf(text[n], sizeof(text[n]), "w%02d", i);
	return text[n];
}

/* The same number of draws for every command. */
void op_draw(struct op *o, uint64_t *random)
{
	uint64_t kind = draw(random) % 100, kill = draw(random);
	int k = 0;

	for (; kind >= (uint64_t)kinds[k].weight; k++)
		kind -= (uint64_t)kinds[k].weight;
	*o = (struct op) { .kind = (enum kind)k, .kill_us = -1 };
	o->name = (int)(draw(random) % (uint64_t)n_names);
	o->pids = (int)(draw(random) % N_PIDS);
	o->ip = 1 + (int)(draw(random) % 8);
	o->deadline = draw(random) % 16 == 0 && kinds[k].locks;
	if (kill % 4 == 0 && kinds[k].words) /* most commands are done in a few milliseconds */
		o->kill_us = (int)((kill >> 8) % 15000) >> (kill >> 40) % 6;
}

void op_words(const struct op *o, char *out, size_t size)
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

pid_t spawn(const char *words, int out[2])
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

void take_text(int fd, char *text, size_t size)
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

void op_judge(struct op *o, const char *out, const char *err)
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
void op_kill_own(struct op *o)
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

bool op_is_kill(const struct op *o)
{
	return !kinds[o->kind].words;
}
