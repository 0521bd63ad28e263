// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/hook and lib/sys/spawn: order, environment, limits, refusals. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/str.h"
#include "hook/hook.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "sys/spawn.h"

static const struct hook_env env = {
	.server = "web1",
	.event = "pre-start",
	.state = "stopped",
	.config = "/etc/croft/servers/web1.conf",
	.ip = "10.77.0.10 fd00:77::10",
	.init = 0,
};

static void script(const char *name, const char *body, mode_t mode)
{
	_cleanup_free_ char *dir = xstrdup(unit_path(name));
	_cleanup_free_ char *text = xasprintf("#!/bin/sh\n%s\n", body);

	*strrchr(dir, '/') = '\0';
	CHECK_INT(fd_mkdir_p(dir, 0755), 0);
	CHECK_INT(fd_replace(AT_FDCWD, unit_path(name), text, strlen(text), mode, false), 0);
}

static char *log_text(void)
{
	char *text = NULL;
	size_t len;

	return fd_read_file(AT_FDCWD, unit_path("log"), 65536, &text, &len) < 0 ? xstrdup("")
										: text;
}

static char *log_line(const char *words)
{
	return xasprintf("echo %s >>%s", words, unit_path("log"));
}

TEST(hook_no_directory_is_success)
{
	struct err err = { 0 };

	CHECK_INT(hook_run(unit_path("none"), &env, 1000, &err), 0);
	CHECK_STR(err.text, "");
}

TEST(hook_order_of_host_and_server)
{
	_cleanup_free_ char *log = NULL;
	struct err err = { 0 };

	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "pre-start.d/20-b", "pre-start.d/10-a",
						     "servers/web1/pre-start.d/00-c" };
		_cleanup_free_ char *body = log_line(names[i]);

		script(names[i], body, 0755);
	}
	script("pre-start.d/15-not-executable", "exit 1", 0644);
	script("pre-start.d/15-old~", "exit 1", 0755);
	script("pre-start.d/.hidden", "exit 1", 0755);
	script("pre-stop.d/10-other", "exit 1", 0755);
	script("servers/web2/pre-start.d/10-other", "exit 1", 0755);
	CHECK_INT(hook_run(unit_dir(), &env, 5000, &err), 0);
	CHECK_STR(err.text, "");
	log = log_text();
	CHECK_STR(log, "pre-start.d/10-a\npre-start.d/20-b\nservers/web1/pre-start.d/00-c\n");
}

TEST(hook_environment_is_fixed)
{
	_cleanup_free_ char *body =
	    xasprintf("env | grep -v '^\\(PWD\\|SHLVL\\|_\\)=' | sort >%s\n"
		      "pwd >>%s\numask >>%s\ncat >>%s",
		      unit_path("log"), unit_path("log"), unit_path("log"), unit_path("log"));
	_cleanup_free_ char *log = NULL;
	struct err err = { 0 };

	script("pre-start.d/a", body, 0755);
	setenv("LD_PRELOAD", "/nonexistent.so", 1);
	setenv("BASH_ENV", "/nonexistent", 1);
	CHECK_INT(hook_run(unit_dir(), &env, 5000, &err), 0);
	unsetenv("LD_PRELOAD");
	unsetenv("BASH_ENV");
	log = log_text();
	CHECK_STR(log, "CROFT_CONFIG=/etc/croft/servers/web1.conf\n"
		       "CROFT_EVENT=pre-start\n"
		       "CROFT_INIT_PID=0\n"
		       "CROFT_IP=10.77.0.10 fd00:77::10\n"
		       "CROFT_SERVER=web1\n"
		       "CROFT_STATE=stopped\n"
		       "LANG=C\n"
		       "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
		       "/\n0022\n");
}

TEST(hook_descriptors_are_closed)
{
	_cleanup_close_ int open_on_purpose = open("/dev/null", O_RDONLY);
	_cleanup_free_ char *log = NULL, *body = NULL;
	struct err err = { 0 };

	CHECK_INT(fcntl(open_on_purpose, F_SETFD, 0), 0);
	body = xasprintf("test -e /proc/self/fd/%d && echo leaked >%s\nexit 0", open_on_purpose,
			 unit_path("log"));
	script("pre-start.d/a", body, 0755);
	CHECK_INT(hook_run(unit_dir(), &env, 5000, &err), 0);
	log = log_text();
	CHECK_STR(log, "");
}

TEST(hook_failure_ends_it_and_says_why)
{
	_cleanup_free_ char *after = log_line("after"), *log = NULL;
	struct err err = { 0 };

	script("pre-start.d/10-bad", "echo first; echo the reason >&2; exit 3", 0755);
	script("pre-start.d/20-after", after, 0755);
	CHECK(hook_run(unit_dir(), &env, 5000, &err) < 0);
	CHECK_INT(err.class, ERR_FAIL);
	CHECK(strstr(err.text, "pre-start.d/10-bad: exit code 3: the reason") != NULL);
	log = log_text();
	CHECK_STR(log, "");
}

TEST(hook_overrun_is_killed_with_its_children)
{
	_cleanup_free_ char *body =
	    xasprintf("echo begun\nsleep 30 &\necho $! >%s\nwait", unit_path("pid"));
	_cleanup_free_ char *text = NULL;
	uint64_t begin = clock_ms();
	struct err err = { 0 };
	size_t len;

	script("pre-start.d/a", body, 0755);
	CHECK(hook_run(unit_dir(), &env, 300, &err) < 0);
	CHECK(clock_ms() - begin < 3000);
	CHECK(strstr(err.text, "not done after 0.300 s, killed: begun") != NULL);
	REQUIRE(fd_read_file(AT_FDCWD, unit_path("pid"), 64, &text, &len) == 0);
	/* The signal was sent to the group; whoever reaps it may still be about to. */
	for (int i = 0; i < 100 && kill(atoi(text), 0) == 0; i++) {
		_cleanup_free_ char *stat_path = xasprintf("/proc/%d/stat", atoi(text));
		_cleanup_free_ char *stat_text = NULL;

		if (fd_read_file(AT_FDCWD, stat_path, 4096, &stat_text, &len) < 0 ||
		    strstr(stat_text, ") Z "))
			return;
		usleep(10000);
	}
	CHECK(kill(atoi(text), 0) < 0);
}

TEST(hook_child_with_the_output_open_is_not_waited_for)
{
	uint64_t begin = clock_ms();
	struct err err = { 0 };

	script("pre-start.d/a", "sleep 3 & exit 0", 0755);
	CHECK_INT(hook_run(unit_dir(), &env, 20000, &err), 0);
	CHECK(clock_ms() - begin < 2000);
}

TEST(hook_that_others_may_write_is_refused)
{
	struct err err = { 0 };

	script("pre-start.d/a", "exit 0", 0775);
	CHECK(hook_run(unit_dir(), &env, 1000, &err) < 0);
	CHECK_INT(err.class, ERR_PERM);
	script("pre-start.d/a", "exit 0", 0755);
	CHECK_INT(hook_run(unit_dir(), &env, 1000, &err), 0);
	CHECK_INT(chmod(unit_path("pre-start.d"), 0777), 0);
	CHECK(hook_run(unit_dir(), &env, 1000, &err) < 0);
	CHECK_INT(err.class, ERR_PERM);
}

TEST(hook_that_cannot_be_executed)
{
	struct err err = { 0 };

	script("pre-start.d/a", "", 0755);
	CHECK_INT(
	    fd_replace(AT_FDCWD, unit_path("pre-start.d/a"), "#!/nonexistent\n", 15, 0755, false),
	    0);
	CHECK(hook_run(unit_dir(), &env, 1000, &err) < 0);
	CHECK(strstr(err.text, "exit code 127") != NULL);
}

/* ---- spawn ---- */

TEST(spawn_keeps_the_end_of_much_output)
{
	static const char *const argv[] = { "/bin/sh", "-c",
					    "i=0; while [ $i -lt 3000 ]; do echo line $i; "
					    "i=$((i+1)); done; printf '10%%\\r50%%\\r100%%\\r\\n'; "
					    "printf '\\033[31mred\\033[0m end'",
					    NULL };
	static const char *const none[] = { NULL };
	struct spawn_job job = {
		.argv = argv, .env = none, .log_fd = -1, .deadline_ms = UINT64_MAX
	};
	struct spawn_result res;
	struct err err = { 0 };
	char last[100];

	REQUIRE(spawn_run(&job, &res, &err) == 0);
	CHECK_INT(res.code, 0);
	CHECK_STR(spawn_last_lines(&res, 3, last, sizeof(last)), "line 2999 | 100% | red end");
	CHECK_STR(spawn_last_lines(&res, 1, last, 5), "red ");
	CHECK(spawn_first_line(&res, "line 29", last, sizeof(last)));
	CHECK(strlen(last) == 2);
	CHECK(!spawn_first_line(&res, "none", last, sizeof(last)));
}

TEST(spawn_ends_on_a_signal_to_us)
{
	static const char *const argv[] = { "/bin/sleep", "30", NULL };
	static const char *const none[] = { NULL };
	struct spawn_job job = {
		.argv = argv, .env = none, .log_fd = -1, .deadline_ms = UINT64_MAX
	};
	struct spawn_result res;
	struct err err = { 0 };
	pid_t self = getpid(), child = fork();
	uint64_t begin = clock_ms();
	sigset_t before, after;

	if (child == 0) {
		usleep(200000);
		kill(self, SIGTERM);
		_exit(0);
	}
	sigprocmask(SIG_BLOCK, NULL, &before);
	CHECK_INT(spawn_run(&job, &res, &err), 0);
	sigprocmask(SIG_BLOCK, NULL, &after);
	CHECK_INT(res.interrupted, SIGTERM);
	CHECK_INT(res.code, 128 + SIGTERM);
	CHECK(clock_ms() - begin < 5000);
	CHECK_INT(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
	waitpid(child, NULL, 0);
}
