// SPDX-License-Identifier: GPL-2.0-or-later
/* Waiting until a server is ready. systemd is asked in the server, as anybody there could ask it.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/run.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/proc.h"

#define READY_MS  120000
#define HEARD_MAX 65536
#define ASK_MS	  8000	/* in a server that has no memory left a command may take for ever */
#define GONE_MS	  10000 /* a reboot takes that long at most until the state is there again */

/* What comes from a pipe until the child has ended: what its command left behind may hold the pipe
 * for ever. -ETIMEDOUT: the child has not ended. */
static int hear(int fd, int child, uint64_t deadline_ms, char **out)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = child, .events = POLLIN } };
	char *text = xmalloc(HEARD_MAX + 1);
	size_t n = 0;
	int r = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (;;) {
		uint64_t now = clock_ms();
		ssize_t got;

		if (now >= deadline_ms) {
			r = -ETIMEDOUT;
			break;
		}
		if (poll(p, ARRAY_LEN(p), (int)(deadline_ms - now)) <= 0)
			continue;
		if (!p[0].revents)
			break;
		got = read(fd, text + n, HEARD_MAX - n);
		n += got > 0 ? (size_t)got : 0;
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			p[0].fd = -1; /* the end, or all that we take */
	}
	text[n] = '\0';
	*out = text;
	return r;
}

/* Runs a command inside with its output in *out; the exit code, or negative. The server may be
 * hostile: nothing it does makes this last longer than to the deadline. */
static int ask(const struct host *h, const struct state *s, char *const *argv, uint64_t deadline_ms,
	       char **out, struct err *err)
{
	uint64_t end = clock_ms() + ASK_MS < deadline_ms ? clock_ms() + ASK_MS : deadline_ms;
	struct join_request q = { .argv = argv, .tty = JOIN_TTY_NO, .deadline_ms = end };
	int p[2], status;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = { 0 };
		int code, null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, 0);
		dup2(p[1], 1);
		dup2(null, 2);
		_exit(join_exec(h, s, &q, &code, &e) < 0 ? JOIN_FAILED : code);
	}
	close(p[1]);
	if (pid < 0) {
		close(p[0]);
		return err_errno(err, "fork");
	}
	_cleanup_close_ int child = proc_pidfd_open(pid, 0);
	int r = child < 0 ? child : hear(p[0], child, end, out);
	close(p[0]);
	if (r < 0)
		kill(pid, SIGKILL); /* and what it runs inside with it */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return err_set(err, ERR_BUSY, -r, "no answer from inside");
	return WIFEXITED(status) ? WEXITSTATUS(status) : JOIN_FAILED;
}

static int degraded(const struct host *h, const struct state *s, uint64_t deadline_ms,
		    struct err *err)
{
	char *const argv[] = {
		"systemctl", "list-units", "--failed", "--plain", "--no-legend", NULL
	};
	_cleanup_free_ char *out = NULL;
	struct strv lines = { 0 }, units = { 0 };

	/* What was said until time ran out counts, too. */
	(void)ask(h, s, argv, deadline_ms, &out, err);
	if (out)
		strv_split(&lines, out, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		lines.v[i][strcspn(lines.v[i], " ")] = '\0';
		strv_add(&units, lines.v[i]);
	}
	_cleanup_free_ char *text = strv_join(&units, " ");
	bool known = units.n > 0;
	strv_free(&lines);
	strv_free(&units);
	if (!known)
		return err_set(err, ERR_FAIL, 0,
			       "the server is up, but some of its units failed; systemctl --failed "
			       "in it tells which");
	return err_set(err, ERR_FAIL, 0, "the server is up, but these units failed: %s", text);
}

/* Its init is gone, and maybe its state. 0: it boots again. How this run ended is known once the
 * state is gone: undo_intent() records that first. */
static int ended(const struct host *h, const char *name, int64_t since, struct err *err)
{
	uint64_t deadline = clock_ms() + GONE_MS;
	_cleanup_free_ char *how = NULL;

	for (;; usleep(10000)) {
		struct state s;
		int64_t when = 0;
		int r = state_load(h, name, &s, err);

		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0 && (s.phase == STATE_STARTING || state_alive(&s))) {
			err_clear(err);
			return 0;
		}
		free(how);
		how = r < 0 ? state_last_end(h, name, &when) : NULL;
		if (r < 0 && (!how || when < since))
			return r;
		if ((how && !streq(how, "reboot")) || clock_ms() >= deadline)
			break;
	}
	return err_set(err, ERR_FAIL, 0, "its init ended while it booted%s%s%s; see croft logs %s",
		       how ? ": " : "", how ? how : "",
		       how && streq(how, "signal 9") ? " (out of memory?)" : "", name);
}

/* Asks its systemd. 0: ready; -EAGAIN: not yet, and *said is what it said. */
static int ask_systemd(const struct host *h, const struct state *s, uint64_t deadline_ms,
		       char **said, struct err *err)
{
	/* systemctl waits longer than we do: so that it ends by itself in a server that is not
	 * hostile. */
	char *const argv[] = { "timeout", "5", "systemctl", "is-system-running", "--wait", NULL };
	const struct dialect *d = dialect_find(s->dialect);

	if (!d || !d->systemd)
		return 0;
	_cleanup_free_ char *now = NULL;
	int r = ask(h, s, argv, deadline_ms, &now, err);
	if (now && *now) {
		free(*said);
		*said = xstrdup(now);
	}
	if (r < 0 || !now)
		return -EAGAIN;
	if (str_starts(now, "running"))
		return 0;
	if (str_starts(now, "degraded"))
		return degraded(h, s, deadline_ms, err);
	return -EAGAIN;
}

int run_wait_ready(const struct host *h, const char *name, const struct run_opts *o,
		   struct err *err)
{
	uint64_t deadline = o->deadline_ms == UINT64_MAX ? clock_ms() + READY_MS : o->deadline_ms;
	int64_t since = time(NULL) - 1; /* it may be gone already */
	_cleanup_free_ char *said = NULL;
	struct state s;

	for (unsigned pause = 20;; pause = pause < 500 ? pause * 2 : 500) {
		int r = run_state(h, name, &s, err);

		if (r == 0)
			r = ask_systemd(h, &s, deadline, &said, err);
		else if (err->class == ERR_STATE && (r = ended(h, name, since, err)) == 0)
			r = -EAGAIN;
		if (r != -EAGAIN)
			return r;
		if (clock_ms() >= deadline)
			return err_set(err, ERR_BUSY, 0, "not ready in time: systemd says '%s'",
				       said && *said ? strtok(said, "\n") : "nothing");
		usleep(pause * 1000);
	}
}
