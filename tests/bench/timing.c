// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timing: runs the commands of a script again and again and prints how long each took.
 *
 *	timing [--rounds N] [--idle-ms MS] [--json] [--ref CONTENDER] SCRIPT
 *	timing --count COMMAND [ARG...]
 *
 * A script line is: CONTENDER ID[,ID2=STAMP] COMMAND [ARG...], words split at blanks. ID "-" is not
 * timed. Lines of one contender run in their order; every round shuffles the contenders, and runs
 * each once "hot" (no pause) and once "cold" (MS of idleness before every timed command), because
 * waits for an RCU grace period hide in a tight loop. With ID2=STAMP, STAMP is a file into which
 *the server's init writes CLOCK_MONOTONIC as its first act (stamp.c): ID2 is spawn to that moment.
 *
 * --count runs one command under ptrace(2) and prints its system calls and execs, per program, up
 * to the moment it returns. What runs in another pid namespace after its exec is the server's own
 * and not counted. Whatever the command left behind is let go and runs on.
 *
 * What must stay true: nothing but the spawn and the wait is between the two looks at the clock; a
 * command that fails ends the run, so that no error path is measured as a fast success.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS     60000 /* of one command */
#define MAX_LINES    64
#define MAX_ARGS     24
#define MAX_SERIES   128
#define MAX_PROCS    64
#define MAX_PROGRAMS 16

extern char **environ;

struct line {
	char *contender, *id, *stamp_id, *stamp;
	char *argv[MAX_ARGS];
};

struct series {
	const char *contender, *id;
	bool cold;
	double *us;
	size_t n;
};

static struct line lines[MAX_LINES];
static size_t n_lines;
static struct series all[MAX_SERIES];
static size_t n_all;
static int rounds = 50, idle_ms = 30;
static bool json;
static const char *ref;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("timing: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void pause_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static void say_command(char *const argv[])
{
	for (size_t i = 0; argv[i]; i++)
		fprintf(stderr, "%s%s", i ? " " : "timing: ", argv[i]);
	fputs(": ", stderr);
}

/* Spawn to reaped, in nanoseconds. */
static uint64_t run_one(char *const argv[], uint64_t *start)
{
	static posix_spawn_file_actions_t fa;
	static bool ready;
	int status;
	pid_t pid;

	if (!ready) {
		posix_spawn_file_actions_init(&fa);
		posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
		ready = true;
	}
	*start = now_ns();
	int r = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	if (r)
		die("%s: %s", argv[0], strerror(r));
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	r = poll(&p, 1, LIMIT_MS);
	uint64_t took = now_ns() - *start;
	if (r <= 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(p.fd);
	if (r <= 0 || status) {
		say_command(argv);
		die(r <= 0 ? "not done after %d ms" : "wait status 0x%x",
		    r <= 0 ? LIMIT_MS : status);
	}
	return took;
}

/* The moment the server's init wrote; it may come a little after the command returned. */
static uint64_t read_stamp(const char *path)
{
	uint64_t t;

	for (int i = 0; i < 2000; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, &t, sizeof(t));

		if (fd >= 0)
			close(fd);
		if (n == sizeof(t))
			return t;
		pause_ms(1);
	}
	die("no time stamp in %s", path);
}

static void record(const char *contender, const char *id, bool cold, uint64_t ns)
{
	struct series *s = all;

	while (s < all + n_all &&
	       (s->cold != cold || strcmp(s->id, id) || strcmp(s->contender, contender)))
		s++;
	if (s == all + n_all) {
		if (n_all++ == MAX_SERIES)
			die("too many different figures");
		*s = (struct series) { contender, id, cold,
				       calloc((size_t)rounds * MAX_LINES, sizeof(double)), 0 };
	}
	s->us[s->n++] = (double)ns / 1000;
}

static void run_line(struct line *l, bool cold)
{
	bool timed = strcmp(l->id, "-");
	uint64_t start, took;

	if (l->stamp)
		unlink(l->stamp);
	if (timed && cold)
		pause_ms(idle_ms);
	took = run_one(l->argv, &start);
	if (timed)
		record(l->contender, l->id, cold, took);
	if (l->stamp)
		record(l->contender, l->stamp_id, cold, read_stamp(l->stamp) - start);
}

static void run_contender(const char *name, bool cold)
{
	for (size_t i = 0; i < n_lines; i++)
		if (!strcmp(lines[i].contender, name))
			run_line(&lines[i], cold);
}

static size_t contenders(const char *names[])
{
	size_t n = 0, j;

	for (size_t i = 0; i < n_lines; i++) {
		for (j = 0; j < n && strcmp(names[j], lines[i].contender); j++)
			;
		if (j == n)
			names[n++] = lines[i].contender;
	}
	return n;
}

static void run_rounds(void)
{
	const char *names[MAX_LINES], *t;
	size_t n = contenders(names), j;

	srandom(1);
	for (int r = 0; r < rounds; r++)
		for (int cold = 0; cold < 2; cold++) {
			for (size_t i = n; i > 1; i--) {
				j = (size_t)random() % i;
				t = names[j];
				names[j] = names[i - 1];
				names[i - 1] = t;
			}
			for (size_t i = 0; i < n; i++)
				run_contender(names[i], cold);
		}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(const struct series *s, int p)
{
	return s->us[(s->n - 1) * (size_t)p / 100];
}

static const struct series *reference(const struct series *s)
{
	for (size_t i = 0; ref && i < n_all; i++)
		if (all[i].cold == s->cold && !strcmp(all[i].id, s->id) &&
		    !strcmp(all[i].contender, ref) && strcmp(s->contender, ref))
			return &all[i];
	return NULL;
}

static void print_series(const struct series *s)
{
	const struct series *other = reference(s);
	const char *mode = s->cold ? "cold" : "hot";

	if (json)
		printf(
		    "{\"id\":\"%s\",\"contender\":\"%s\",\"mode\":\"%s\",\"n\":%zu,\"min_us\":%.0f,"
		    "\"p50_us\":%.0f,\"p90_us\":%.0f,\"p99_us\":%.0f",
		    s->id, s->contender, mode, s->n, s->us[0], percentile(s, 50), percentile(s, 90),
		    percentile(s, 99));
	else
		printf("%-18s %-10s %-4s %9.2f %9.2f %9.2f %9.2f %5zu", s->id, s->contender, mode,
		       s->us[0] / 1000, percentile(s, 50) / 1000, percentile(s, 90) / 1000,
		       percentile(s, 99) / 1000, s->n);
	if (other)
		printf(json ? ",\"p50_of_%s\":%.3f" : "  %s x %.2f", ref,
		       percentile(s, 50) / percentile(other, 50));
	puts(json ? "}" : "");
}

/* All contenders and both modes of one figure. */
static void print_id(const char *id)
{
	const char *names[MAX_LINES];
	size_t n = contenders(names);

	for (int cold = 1; cold >= 0; cold--)
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n_all; j++)
				if (all[j].cold == cold && !strcmp(all[j].id, id) &&
				    !strcmp(all[j].contender, names[i]))
					print_series(&all[j]);
}

static void print_all(void)
{
	for (size_t i = 0; i < n_all; i++)
		qsort(all[i].us, all[i].n, sizeof(double), by_value);
	if (!json)
		printf("%-18s %-10s %-4s %9s %9s %9s %9s %5s  %s\n", "what, ms", "who", "mode",
		       "min", "p50", "p90", "p99", "n", "p50 compared");
	for (size_t i = 0; i < n_all; i++) {
		bool seen = false;

		for (size_t j = 0; j < i; j++)
			seen |= !strcmp(all[j].id, all[i].id);
		if (!seen)
			print_id(all[i].id);
	}
}

static void parse_line(char *text, int number)
{
	struct line *l = &lines[n_lines];
	char *save, *word = strtok_r(text, " \t\n", &save);
	size_t n = 0;

	if (!word || *word == '#')
		return;
	if (n_lines == MAX_LINES - 1)
		die("too many lines");
	l->contender = strdup(word);
	word = strtok_r(NULL, " \t\n", &save);
	l->id = strdup(word ? word : "");
	l->stamp_id = strchr(l->id, ',');
	if (l->stamp_id) {
		*l->stamp_id++ = 0;
		l->stamp = strchr(l->stamp_id, '=');
		if (!l->stamp)
			die("line %d: ID,ID2=FILE", number);
		*l->stamp++ = 0;
	}
	while ((word = strtok_r(NULL, " \t\n", &save)) && n < MAX_ARGS - 1)
		l->argv[n++] = strdup(word);
	if (!n || word)
		die("line %d: CONTENDER ID COMMAND [ARG...]", number);
	n_lines++;
}

static void parse_script(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!f)
		die("%s: %s", path, strerror(errno));
	for (int number = 1; getline(&text, &size, f) > 0; number++)
		parse_line(text, number);
	free(text);
	fclose(f);
}

/* ---- --count ---- */

struct proc {
	pid_t pid;
	int program;
	bool guest;
};

static struct proc procs[MAX_PROCS];
static size_t n_procs;
static struct {
	char name[64];
	unsigned long calls;
} programs[MAX_PROGRAMS];
static int n_programs;
static unsigned long execs; /* counting begins with the first */

static int program_of(pid_t pid)
{
	char link[64], path[256], *name;
	int i;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = 0;
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	for (i = 0; i < n_programs && strcmp(programs[i].name, name); i++)
		;
	if (i == n_programs && n_programs < MAX_PROGRAMS) {
		snprintf(programs[i].name, sizeof(programs[i].name), "%.63s", name);
		n_programs++;
	}
	return i < MAX_PROGRAMS ? i : 0;
}

static bool other_pid_namespace(pid_t pid)
{
	struct stat mine, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return stat("/proc/self/ns/pid", &mine) == 0 && stat(path, &its) == 0 &&
	       mine.st_ino != its.st_ino;
}

static struct proc *proc_find(pid_t pid)
{
	for (size_t i = 0; i < n_procs; i++)
		if (procs[i].pid == pid)
			return &procs[i];
	if (n_procs == MAX_PROCS)
		die("too many processes");
	procs[n_procs] = (struct proc) { .pid = pid, .program = program_of(pid) };
	return &procs[n_procs++];
}

static void on_exec(struct proc *p)
{
	execs++;
	p->program = program_of(p->pid);
	p->guest |= other_pid_namespace(p->pid);
}

static bool at_entry(pid_t pid)
{
	struct __ptrace_syscall_info info = { 0 };

	ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	return info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* Returns the signal to pass on. */
static int on_stop(pid_t pid, int status)
{
	struct proc *p = proc_find(pid);
	int sig = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_EXEC)
		on_exec(p);
	if (event)
		return 0;
	if (sig == (SIGTRAP | 0x80)) {
		if (execs && !p->guest && at_entry(pid))
			programs[p->program].calls++;
		return 0;
	}
	return sig == SIGSTOP || sig == SIGTRAP ? 0 : sig;
}

static void count_print(char *const argv[])
{
	unsigned long sum = 0;

	for (int i = 0; i < n_programs; i++)
		sum += programs[i].calls;
	if (json)
		printf("{\"id\":\"syscalls\",\"contender\":\"%s\",\"calls\":%lu,\"execs\":%lu}\n",
		       argv[0], sum, execs);
	else
		printf("%s: %lu system calls, %lu execs (", argv[0], sum, execs);
	for (int i = 0, n = 0; i < n_programs && !json; i++)
		if (programs[i].calls)
			printf("%s%s %lu", n++ ? ", " : "", programs[i].name, programs[i].calls);
	if (!json)
		puts(")");
}

static void count(char *const argv[])
{
	pid_t pid = fork(), got;
	int status;

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, 0);
		dup2(null, 1);
		raise(SIGSTOP); /* seized there, so that the first exec is seen */
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, &status, WUNTRACED);
	if (ptrace(PTRACE_SEIZE, pid, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC) < 0)
		die("cannot trace: %s", strerror(errno));
	kill(pid, SIGCONT);
	while ((got = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			ptrace(PTRACE_SYSCALL, got, 0, on_stop(got, status));
		} else if (got == pid) {
			break;
		}
	}
	if (got != pid || status) {
		say_command(argv);
		die("wait status 0x%x", status);
	}
	/* The kernel lets go of all that is still traced when this process ends. */
	count_print(argv);
}

int main(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		bool more = i + 1 < argc;

		if (!strcmp(argv[i], "--json")) {
			json = true;
		} else if (more && !strcmp(argv[i], "--rounds")) {
			rounds = atoi(argv[++i]);
		} else if (more && !strcmp(argv[i], "--idle-ms")) {
			idle_ms = atoi(argv[++i]);
		} else if (more && !strcmp(argv[i], "--ref")) {
			ref = argv[++i];
		} else if (more && !strcmp(argv[i], "--count")) {
			count(argv + i + 1);
			return 0;
		} else {
			die("unknown option %s", argv[i]);
		}
	}
	if (i != argc - 1 || rounds < 1)
		die("usage: timing [--rounds N] [--idle-ms MS] [--json] [--ref CONTENDER] SCRIPT");
	parse_script(argv[i]);
	run_rounds();
	print_all();
	return 0;
}
