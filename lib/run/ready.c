// SPDX-License-Identifier: GPL-2.0-or-later
/* Waiting until a server is ready. systemd is asked in the server, as anybody there could ask it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/run.h"
#include "sys/fd.h"
#include "sys/lock.h"

#define READY_MS 120000

/* Runs a command inside with its output in *out; the exit code, or negative. */
static int ask(const struct host *h, const struct state *s, char *const *argv, char **out,
	       struct err *err)
{
	struct join_request q = { .argv = argv, .tty = JOIN_TTY_NO };
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
	int r = fd_read_all(p[0], 65536, out, NULL);
	close(p[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read the command's output");
	return WIFEXITED(status) ? WEXITSTATUS(status) : JOIN_FAILED;
}

static int degraded(const struct host *h, const struct state *s, struct err *err)
{
	char *const argv[] = {
		"systemctl", "list-units", "--failed", "--plain", "--no-legend", NULL
	};
	_cleanup_free_ char *out = NULL;
	struct strv lines = { 0 }, units = { 0 };

	if (ask(h, s, argv, &out, err) >= 0 && out)
		strv_split(&lines, out, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		lines.v[i][strcspn(lines.v[i], " ")] = '\0';
		strv_add(&units, lines.v[i]);
	}
	_cleanup_free_ char *text = strv_join(&units, " ");
	strv_free(&lines);
	strv_free(&units);
	return err_set(err, ERR_FAIL, 0, "the server is up, but these units failed: %s", text);
}

int run_wait_ready(const struct host *h, const char *name, const struct run_opts *o,
		   struct err *err)
{
	/* systemctl may wait longer than we do: timeout(1) of the server's own bounds it. */
	char *const argv[] = { "timeout", "5", "systemctl", "is-system-running", "--wait", NULL };
	uint64_t deadline = o->deadline_ms == UINT64_MAX ? clock_ms() + READY_MS : o->deadline_ms;
	const struct dialect *d;
	struct state s;

	for (unsigned pause = 20;; pause = pause < 500 ? pause * 2 : 500) {
		_cleanup_free_ char *out = NULL;
		int r = run_state(h, name, &s, err);

		if (r < 0)
			return r;
		d = dialect_find(s.dialect);
		if (!d || !d->systemd)
			return 0;
		r = ask(h, &s, argv, &out, err);
		if (r >= 0 && out && str_starts(out, "running"))
			return 0;
		if (r >= 0 && out && str_starts(out, "degraded"))
			return degraded(h, &s, err);
		if (clock_ms() >= deadline)
			return err_set(err, ERR_BUSY, 0, "not ready in time: systemd says '%s'",
				       out && *out ? strtok(out, "\n") : "nothing");
		usleep(pause * 1000);
	}
}
