// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a hook or a recipe. The parent sits in one poll loop over the program's output, its pidfd
 * and a signalfd, so that neither a silent program, nor one that leaves a child behind with its
 * output open, nor Ctrl-C can keep it.
 *
 * What must stay true: when spawn_run returns, the program is reaped, and its process group (or,
 * enclosed, everything it started) was killed if it had to be. The caller's signal mask is as it
 * was.
 */
#include "sys/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/str.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/proc.h"
#include "sys/tty.h"

#define GRACE_MS 3000 /* between SIGTERM and SIGKILL: apt and dpkg unlock their files */

/* ---- the child ---- */

/* In a mount namespace of its own a recipe's mounts never reach the host, and die with it. */
static int enclose(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	/* Its own pid namespace needs its own view of /proc; the old one stays below. */
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return -errno;
	return 0;
}

static void plain_signals(const sigset_t *mask)
{
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

static _Noreturn void child_fail(const char *what, int num)
{
	dprintf(2, "%s: %s\n", what, strerror(num));
	_exit(127);
}

/* Becomes the program. out is its output; nothing else of ours but `keep` stays open. */
static _Noreturn void child(const struct spawn_job *job, int out)
{
	sigset_t none;
	int r, null;

	/* Our death ends it. Where it leads a pid namespace, all it started dies too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	if (dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126); /* its output would be ours */
	if (job->terminal) /* its own /dev/tty: mmdebstrap asks it for the width of its progress bar
			    */
		ioctl(1, TIOCSCTTY, 0);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0)
		child_fail("/dev/null", errno);
	if (job->enclosed && (r = enclose()) < 0)
		child_fail("mount", -r);
	fd_cloexec_from(3);
	for (const int *fd = job->keep; fd && *fd >= 0; fd++)
		fcntl(*fd, F_SETFD, 0);
	umask(022);
	if (chdir("/") < 0)
		child_fail("/", errno);
	sigemptyset(&none);
	plain_signals(&none);
	execve(job->argv[0], (char *const *)job->argv, (char *const *)job->env);
	r = errno;
	dprintf(2, "%s: %s\n", job->argv[0], strerror(r));
	_exit(r == ENOENT ? 127 : 126);
}

/* ---- the parent ---- */

struct run {
	const struct spawn_job *job;
	struct spawn_result *res;
	pid_t pid;
	int pidfd, out, sigfd;
	size_t tail_len;
	uint64_t kill_at; /* when SIGTERM was not enough; UINT64_MAX: nothing was asked */
};

static void keep_tail(struct run *run, const char *data, size_t n)
{
	char *tail = run->res->tail;

	if (n >= SPAWN_TAIL) {
		memcpy(tail, data + n - SPAWN_TAIL, SPAWN_TAIL);
		run->tail_len = SPAWN_TAIL;
	} else {
		size_t over = run->tail_len + n > SPAWN_TAIL ? run->tail_len + n - SPAWN_TAIL : 0;

		memmove(tail, tail + over, run->tail_len - over);
		memcpy(tail + run->tail_len - over, data, n);
		run->tail_len += n - over;
	}
	tail[run->tail_len] = '\0';
}

/* Takes what is there. False at the end of the output. */
static bool pump(struct run *run)
{
	char data[8192];

	for (;;) {
		ssize_t n = read(run->out, data, sizeof(data));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0) /* a terminal whose other end is closed says EIO */
			return false;
		keep_tail(run, data, (size_t)n);
		/* A log that cannot be written must not stop the work. */
		if (run->job->log_fd >= 0)
			(void)fd_write_all(run->job->log_fd, data, (size_t)n);
		if (run->job->terminal)
			(void)fd_write_all(STDERR_FILENO, data, (size_t)n);
	}
}

/* The whole group: the program leads a session of its own. The first process of a pid namespace is
 * deaf to a SIGTERM it has no handler for, but not to SIGKILL. */
static void put_down(struct run *run, int sig)
{
	kill(-run->pid, sig);
	if (sig == SIGKILL)
		proc_pidfd_signal(run->pidfd, SIGKILL);
}

static void ask_to_end(struct run *run, uint64_t now)
{
	put_down(run, SIGTERM);
	run->kill_at = now + GRACE_MS;
}

static void take_signal(struct run *run)
{
	struct signalfd_siginfo si;

	if (read(run->sigfd, &si, sizeof(si)) != sizeof(si))
		return;
	if (run->res->interrupted) /* asked twice: at once */
		put_down(run, SIGKILL);
	else
		ask_to_end(run, clock_ms());
	run->res->interrupted = (int)si.ssi_signo;
}

static int time_left(const struct run *run, uint64_t now)
{
	uint64_t until = run->kill_at != UINT64_MAX ? run->kill_at : run->job->deadline_ms;

	if (until == UINT64_MAX)
		return -1;
	if (until <= now)
		return 0;
	return until - now > 3600000 ? 3600000 : (int)(until - now);
}

/* Until the program is gone. Output that comes later, from what it left behind, is not waited for.
 */
static void supervise(struct run *run)
{
	struct pollfd p[3] = { { run->out, POLLIN, 0 },
			       { run->pidfd, POLLIN, 0 },
			       { run->sigfd, POLLIN, 0 } };

	for (;;) {
		uint64_t now = clock_ms();
		int left = time_left(run, now);

		if (left == 0 && run->kill_at != UINT64_MAX) {
			put_down(run, SIGKILL);
			run->kill_at = now + GRACE_MS;
		} else if (left == 0) {
			run->res->overran = true;
			ask_to_end(run, now);
		}
		if (poll(p, 3, left == 0 ? 10 : left) < 0 && errno != EINTR)
			break;
		if (p[2].revents)
			take_signal(run);
		if (p[0].revents && !pump(run))
			p[0].fd = -1;
		if (p[1].revents)
			break;
	}
	if (run->kill_at != UINT64_MAX) /* what did not follow its leader */
		put_down(run, SIGKILL);
}

static void reap(struct run *run)
{
	int status = 0;

	while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
		;
	run->res->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	(void)pump(run);
}

/* The two ends of the program's output. */
static int open_output(bool terminal, int *ret_read, int *ret_write, struct err *err)
{
	int p[2];

	if (terminal) {
		_cleanup_close_ int pts = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct termios tio;
		struct winsize ws;
		int r;

		if (pts < 0)
			return err_errno(err, "/dev/pts");
		r = tty_pair(pts, &p[0], &p[1], err);
		if (r < 0)
			return r;
		if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0)
			ioctl(p[1], TIOCSWINSZ, &ws);
		if (tcgetattr(p[1], &tio) == 0) { /* the operator's terminal ends the lines */
			tio.c_oflag &= ~(tcflag_t)OPOST;
			tcsetattr(p[1], TCSANOW, &tio);
		}
	} else if (pipe2(p, O_CLOEXEC) < 0) {
		return err_errno(err, "pipe");
	}
	fcntl(p[0], F_SETFL, O_NONBLOCK | fcntl(p[0], F_GETFL));
	*ret_read = p[0];
	*ret_write = p[1];
	return 0;
}

static int start(struct run *run, int out_write, struct err *err)
{
	uint64_t flags = run->job->enclosed ? CLONE_NEWNS | CLONE_NEWPID : 0;

	run->pid = clone_fork(flags, -1, &run->pidfd);
	if (run->pid == 0)
		child(run->job, out_write);
	if (run->pid < 0)
		return err_set(err, ERR_FAIL, (int)-run->pid, "cannot start %s", run->job->argv[0]);
	return 0;
}

int spawn_run(const struct spawn_job *job, struct spawn_result *ret, struct err *err)
{
	_cleanup_close_ int out = -1, out_write = -1, sigfd = -1, pidfd = -1;
	struct run run = { .job = job, .res = ret, .pidfd = -1, .kill_at = UINT64_MAX };
	sigset_t mask, old;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = open_output(job->terminal, &out, &out_write, err);
	if (r < 0)
		return r;
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, &old);
	sigfd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	run.out = out;
	run.sigfd = sigfd;
	r = start(&run, out_write, err);
	fd_drop(&out_write);
	if (r == 0) {
		pidfd = run.pidfd;
		supervise(&run);
		reap(&run);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

/* ---- the text of a failure ---- */

/* One line: what stands after its last carriage return (a progress bar draws over itself), without
 * escape sequences and other control characters. */
static void clean_line(char *line)
{
	char *from, *to = line;

	for (size_t n = strlen(line); n > 0 && line[n - 1] == '\r'; n--)
		line[n - 1] = '\0'; /* a terminal ends lines with both */
	from = strrchr(line, '\r');
	from = from ? from + 1 : line;
	while (*from) {
		if (*from == 033) { /* CSI ... letter */
			from++;
			from += *from == '[';
			while (*from && !(*from >= '@' && *from <= '~'))
				from++;
			from += *from != '\0';
		} else {
			if ((unsigned char)*from >= ' ' && *from != 0177)
				*to++ = *from;
			from++;
		}
	}
	while (to > line && to[-1] == ' ')
		to--;
	*to = '\0';
}

/* The non-empty lines of the output's end. */
static void split_lines(const struct spawn_result *r, struct strv *ret)
{
	_cleanup_free_ char *copy = xstrdup(r->tail);
	char *save = NULL;

	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		clean_line(l);
		if (*l)
			strv_add(ret, l);
	}
}

const char *spawn_last_lines(const struct spawn_result *r, int n, char *out, size_t size)
{
	struct strv lines = { 0 };
	size_t first;

	split_lines(r, &lines);
	out[0] = '\0';
	first = lines.n > (size_t)n ? lines.n - (size_t)n : 0;
	for (size_t i = first, len = 0; i < lines.n && len + 1 < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i > first ? " | " : "",
					lines.v[i]);
	strv_free(&lines);
	return out;
}

bool spawn_first_line(const struct spawn_result *r, const char *prefix, char *out, size_t size)
{
	struct strv lines = { 0 };
	bool found = false;

	split_lines(r, &lines);
	for (size_t i = 0; i < lines.n && !found; i++) {
		found = str_starts(lines.v[i], prefix);
		if (found)
			snprintf(out, size, "%s", lines.v[i] + strlen(prefix));
	}
	strv_free(&lines);
	return found;
}
