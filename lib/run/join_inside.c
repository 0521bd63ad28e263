// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who this is: the child that croft exec sends into a server. Its only job is the path below, in
 * this order, once. What comes after it is the command.
 *
 * It is born with the ids of the server's root, in the server's control group and pid namespace, so
 * from its first moment processes of the server may see it and send it signals. It is not dumpable,
 * so none can trace it, open its files or reach the host through /proc/PID (CVE-2016-9962); it
 * closes what it holds of the host's before it looks at anything of the server's; and nothing of
 * the server's is executed, loaded or parsed but for two bounded files, after all the host's
 * privilege is gone.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/join_priv.h"
#include "sys/fd.h"
#include "sys/sock.h"
#include "sys/tty.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SOCK	     3 /* where the socket and the pidfd of init are once all else is closed */
#define INIT	     4

static _Noreturn void fail(int sock, int code, const struct err *err)
{
	struct join_msg m = { .kind = JOIN_MSG_FAILED, .code = code, .err = *err };

	sock_send(sock, &m, sizeof(m), NULL, 0);
	_exit(code);
}

/* Dies with croft exec. The host's side may have died before this was set: then the socket says so.
 */
static int follow_parent(int sock, int sig, struct err *err)
{
	struct pollfd p = { .fd = sock };

	if (prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_PDEATHSIG");
	if (poll(&p, 1, 0) != 0)
		return err_set(err, ERR_FAIL, ECANCELED, "croft exec has gone");
	return 0;
}

/* Raising a hard limit needs the host's CAP_SYS_RESOURCE, so this comes before the user namespace.
 * A host that does not let even root raise it leaves it as high as it is. */
static void set_limits(const struct join_child *c)
{
	for (size_t i = 0; i < c->n_limits; i++) {
		struct rlimit l = c->limits[i].value, own;
		int which = c->limits[i].resource;

		if (setrlimit(which, &l) == 0 || getrlimit(which, &own) < 0)
			continue;
		l.rlim_max = own.rlim_max;
		if (l.rlim_cur > l.rlim_max)
			l.rlim_cur = l.rlim_max;
		setrlimit(which, &l);
	}
}

/* "0" joins the writer itself: no global lock is taken, a pid would (performance 2.0). */
static int join_groups(const struct join_child *c, struct err *err)
{
	for (int i = 0; i < c->n_groups; i++)
		if (write(c->groups[i], "0", 1) < 0)
			return err_errno(err, "cannot enter a version 1 control group");
	return 0;
}

/*
 * 0, 1 and 2 as they shall be, the socket, init, and nothing else. This comes before the
 * namespaces: the server may kill this process at any time, and one that is ending has given up its
 * memory, and with it the mark that it is not dumpable, before its descriptors.
 */
static int keep_stdio(const struct join_child *c, struct err *err)
{
	int sock = fcntl(c->sock, F_DUPFD_CLOEXEC, INIT + 1);
	int init = fcntl(c->init, F_DUPFD_CLOEXEC, INIT + 1);
	int fd[3];

	if (sock < 0 || init < 0)
		return err_errno(err, "dup");
	for (int i = 0; i < 3; i++) {
		fd[i] = fcntl(c->stdio[i], F_DUPFD_CLOEXEC, INIT + 1);
		if (fd[i] < 0)
			return err_errno(err, "dup");
	}
	for (int i = 0; i < 3; i++)
		if (dup2(fd[i], i) < 0)
			return err_errno(err, "dup2");
	if (dup3(sock, SOCK, O_CLOEXEC) < 0 || dup3(init, INIT, O_CLOEXEC) < 0 ||
	    close_range(INIT + 1, ~0U, 0) < 0)
		return err_errno(err, "close_range");
	return 0;
}

/* All in one call (setns(2) on a pidfd, 5.8). A kernel without time namespaces refuses that flag.
 */
static int enter_namespaces(const struct join_child *c, struct err *err)
{
	int ns = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

	if (!c->privileged)
		ns |= CLONE_NEWUSER;
	if (setns(INIT, ns | CLONE_NEWTIME) == 0)
		return 0;
	if (errno == EINVAL && setns(INIT, ns) == 0)
		return 0;
	if (errno == ESRCH)
		return err_set(err, ERR_STATE, 0, "the server has just stopped");
	return err_errno(err, "cannot enter the server's namespaces");
}

static void default_signals(void)
{
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
}

/* A terminal of the server's own, which it may do with as it likes: what it types into it
 * (TIOCSTI) it reads itself. The master leaves for the host's side. */
static int make_pty(const struct join_child *c, const struct join_ids *ids, struct err *err)
{
	struct join_msg m = { .kind = JOIN_MSG_PTY };
	_cleanup_close_ int pts = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int master = -1, slave = -1;

	if (pts < 0)
		return err_errno(err, "cannot open the server's /dev/pts");
	int r = tty_pair(pts, &master, &slave, err);
	if (r < 0)
		return err_wrap(err, r, "no terminal can be made inside (--no-tty does without)");
	if (c->has_size)
		ioctl(slave, TIOCSWINSZ, &c->size);
	if (fchown(slave, ids->uid, (gid_t)-1) < 0)
		return err_errno(err, "cannot give the terminal to its user");
	r = sock_send(SOCK, &m, sizeof(m), &master, 1);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot hand over the terminal");
	fd_drop(&master);
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_errno(err, "TIOCSCTTY");
	for (int i = 0; i < 3; i++)
		if (dup3(slave, i, 0) < 0)
			return err_errno(err, "dup3");
	return 0;
}

/* So that /dev/stdout can be opened by name; that is all, and what is wrong with the ids is told by
 * become(). */
static void give_stdio(const struct join_child *c, const struct join_ids *ids)
{
	for (int i = 0; i < 3; i++)
		if (c->own[i] && fchown(i, ids->uid, (gid_t)-1) < 0)
			return;
}

/* The same functions as for init. They come before the ids, because a user who is not root could do
 * neither; what the ids leave of capabilities, exec(2) then takes from that user. */
static int put_under_guard(const struct join_child *c, struct err *err)
{
	int r = guard_caps_apply(c->privileged, err);

	return r == 0 ? guard_filter_load(&c->filter, err) : r;
}

static int become(const struct join_ids *ids, struct err *err)
{
	if (setgroups(ids->n_groups, ids->groups) < 0)
		return err_set(err, ERR_USAGE, errno,
			       "cannot set the groups of user %u (a server has ids 0 to 65535)",
			       ids->uid);
	if (setresgid(ids->gid, ids->gid, ids->gid) < 0)
		return err_set(err, ERR_USAGE, errno,
			       "cannot become group %u (a server has ids 0 to 65535)", ids->gid);
	if (setresuid(ids->uid, ids->uid, ids->uid) < 0)
		return err_set(err, ERR_USAGE, errno,
			       "cannot become user %u (a server has ids 0 to 65535)", ids->uid);
	/* A change of ids makes the process as dumpable as fs.suid_dumpable says. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_DUMPABLE");
	return 0;
}

/* /proc/self/fd/N and its like lead wherever the file behind them lies (CVE-2024-21626): refused,
 * and the result must have a name beneath the root. */
static int go_to(const char *dir, struct err *err)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	char here[4096];
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, dir, &how, sizeof(how));

	if (fd < 0 && errno == ELOOP)
		return err_set(err, ERR_PERM, 0,
			       "the directory %s is behind a link that is not followed", dir);
	if (fd < 0 || fchdir(fd) < 0)
		return err_errno(err, "cannot change to the directory %s", dir);
	/* The system call itself: getcwd(3) of a C library may search by other means. */
	if (syscall(SYS_getcwd, here, sizeof(here)) < 0 || here[0] != '/')
		return err_set(err, ERR_PERM, 0, "the directory %s is not within the server's root",
			       dir);
	return 0;
}

/* -- the command ---------------------------------------------------------------------------- */

/* The operator's own TERM is passed on, when it looks like one. */
static const char *term_name(const char *s)
{
	static const char ok[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-";
	size_t n = s ? strlen(s) : 0;

	return n && n <= 64 && strspn(s, ok) == n ? s : "linux";
}

static void env_set(struct strv *env, const char *text)
{
	size_t key = strcspn(text, "=") + 1;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], text, key) != 0)
			continue;
		free(env->v[i]);
		env->v[i] = xstrdup(text);
		return;
	}
	strv_add(env, text);
}

static void env_pair(struct strv *env, const char *key, const char *value)
{
	_cleanup_free_ char *text = xasprintf("%s=%s", key, value);

	env_set(env, text);
}

static void make_env(const struct join_child *c, const struct join_ids *ids, struct strv *env)
{
	env_pair(env, "PATH", DEFAULT_PATH);
	env_pair(env, "HOME", ids->home);
	if (ids->name[0]) {
		env_pair(env, "USER", ids->name);
		env_pair(env, "LOGNAME", ids->name);
	}
	env_pair(env, "SHELL", ids->shell);
	env_pair(env, "TERM", term_name(c->term));
	env_pair(env, "LANG", "C.UTF-8");
	env_pair(env, "container", "croft");
	for (size_t i = 0; i < c->q->env.n; i++)
		env_set(env, c->q->env.v[i]);
}

static const char *env_get(const struct strv *env, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], key, n) == 0 && env->v[i][n] == '=')
			return env->v[i] + n + 1;
	return "";
}

/* execvp(3) without its detours: no shell for what is no program, and the reason is kept. Returns
 * the errno that counts: that of a file which is there goes before "not found". */
static int execute(const char *name, char *const *argv, const struct strv *env)
{
	int worst = ENOENT;

	if (strchr(name, '/')) {
		execve(name, argv, env->v);
		return errno;
	}
	for (const char *p = env_get(env, "PATH"), *end; *p; p = end + (*end == ':')) {
		char path[4096];

		end = strchrnul(p, ':');
		if (*p != '/' || snprintf(path, sizeof(path), "%.*s/%s", (int)(end - p), p, name) >=
				     (int)sizeof(path))
			continue; /* no program from the working directory */
		execve(path, argv, env->v);
		if (errno != ENOENT && errno != ENOTDIR)
			worst = errno;
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			break;
	}
	return worst;
}

static _Noreturn void run_command(const struct join_child *c, const struct join_ids *ids)
{
	char login[sizeof(ids->shell) + 1], *shell_argv[] = { login, NULL };
	char *const *argv = c->q->argv ? c->q->argv : shell_argv;
	const char *name = c->q->argv ? argv[0] : ids->shell;
	struct strv env = { 0 };
	struct err err = { 0 };
	sigset_t none;

	/* "-sh" is how a shell knows that it is the login's, login(1). */
	snprintf(login, sizeof(login), "-%s", strrchr(ids->shell, '/') + 1);
	make_env(c, ids, &env);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int num = execute(name, argv, &env);
	int code = num == ENOENT || num == ENOTDIR ? JOIN_NOT_FOUND : JOIN_NOT_EXECUTABLE;
	err_set(&err, ERR_FAIL, num, "cannot run '%s' in the server", name);
	fail(SOCK, code, &err);
}

/* What needs descriptors of the host's. */
static int leave_host(const struct join_child *c, struct err *err)
{
	int r = follow_parent(c->sock, SIGKILL, err);

	if (r == 0)
		r = join_groups(c, err);
	set_limits(c);
	return r == 0 ? keep_stdio(c, err) : r;
}

/* From here nothing of the host is left but the socket, and 0 to 2 where there is no pty. */
static int settle(const struct join_child *c, struct join_ids *ids, struct err *err)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = root < 0 ? err_errno(err, "cannot open the server's root") : 0;

	if (r == 0)
		r = join_ids_find(root, &c->who, ids, err);
	setsid();
	umask(022);
	if (r == 0 && c->pty)
		r = make_pty(c, ids, err);
	if (r == 0 && ids->uid)
		give_stdio(c, ids);
	if (r == 0)
		r = put_under_guard(c, err);
	if (r == 0)
		r = become(ids, err);
	if (r == 0 && c->q->cwd)
		r = go_to(c->q->cwd, err);
	else if (r == 0 && go_to(ids->home, err) < 0)
		r = go_to("/", err);
	/* Changing ids has cleared it. A session with a terminal is hung up by the kernel when the
	 * master closes; a login shell then has time to write its history. */
	if (r == 0)
		r = follow_parent(SOCK, c->pty ? 0 : SIGKILL, err);
	return r;
}

_Noreturn void join_inside(const struct join_child *c)
{
	struct err err = { 0 };
	struct join_ids *ids;
	int r;

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	default_signals();
	r = leave_host(c, &err);
	if (r < 0)
		fail(c->sock, JOIN_FAILED, &err);
	ids = xcalloc(1, sizeof(*ids));
	r = enter_namespaces(c, &err);
	close(INIT);
	if (r == 0)
		r = settle(c, ids, &err);
	if (r < 0)
		fail(SOCK, JOIN_FAILED, &err);
	run_command(c, ids);
}
