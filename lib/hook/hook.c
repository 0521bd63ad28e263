// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs the administrator's scripts for one event: those for every server first, then the server's
 * own, each group in the order of the names.
 *
 * What must stay true: a script sees the fixed environment below and nothing of the caller's; a
 * file or directory that others than root may write is never run; a script that hangs is killed.
 */
#include "hook/hook.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/str.h"
#include "sys/lock.h"
#include "sys/spawn.h"

/* Root, or the user we run as, who in production is root. */
static bool trusted(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* What an editor or a package manager leaves beside a script is not a script. */
static bool is_leftover(const char *name)
{
	return name[0] == '.' || str_ends(name, "~") || strstr(name, ".dpkg-") ||
	       str_ends(name, ".rpmsave") || str_ends(name, ".rpmnew");
}

static void make_env(const struct hook_env *e, struct strv *env)
{
	strv_add(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_add(env, "LANG=C");
	strv_take(env, xasprintf("CROFT_SERVER=%s", str_or(e->server, "")));
	strv_take(env, xasprintf("CROFT_EVENT=%s", str_or(e->event, "")));
	strv_take(env, xasprintf("CROFT_STATE=%s", str_or(e->state, "")));
	strv_take(env, xasprintf("CROFT_CONFIG=%s", str_or(e->config, "")));
	strv_take(env, xasprintf("CROFT_IP=%s", str_or(e->ip, "")));
	strv_take(env, xasprintf("CROFT_INIT_PID=%d", (int)e->init));
}

static int explain(const char *path, const struct spawn_result *res, int limit_ms, struct err *err)
{
	char last[200];
	const char *sep;

	spawn_last_lines(res, 1, last, sizeof(last));
	sep = *last ? ": " : "";
	if (res->interrupted)
		return err_set(err, ERR_FAIL, 0, "hook %s: interrupted by signal %d", path,
			       res->interrupted);
	if (res->overran)
		return err_set(err, ERR_FAIL, 0, "hook %s: not done after %d.%03d s, killed%s%s",
			       path, limit_ms / 1000, limit_ms % 1000, sep, last);
	if (res->code > 128)
		return err_set(err, ERR_FAIL, 0, "hook %s: killed by signal %d%s%s", path,
			       res->code - 128, sep, last);
	return err_set(err, ERR_FAIL, 0, "hook %s: exit code %d%s%s", path, res->code, sep, last);
}

static int run_one(const char *path, const struct strv *env, int limit_ms, struct err *err)
{
	const char *const argv[] = { path, NULL };
	struct spawn_job job = {
		.argv = argv,
		.env = (const char *const *)env->v,
		.log_fd = -1,
		.deadline_ms = limit_ms > 0 ? clock_ms() + (uint64_t)limit_ms : UINT64_MAX,
	};
	struct spawn_result res;
	int r = spawn_run(&job, &res, err);

	if (r < 0)
		return err_wrap(err, r, "hook %s", path);
	if (res.code != 0 || res.overran || res.interrupted)
		return explain(path, &res, limit_ms, err);
	return 0;
}

/* Names of the scripts in an open directory, sorted. dirpath is for messages. */
static int list(int dirfd, const char *dirpath, struct strv *names, struct err *err)
{
	DIR *d = fdopendir(dup(dirfd));
	const struct dirent *e;
	int r = 0;

	if (!d)
		return err_errno(err, "hooks %s", dirpath);
	while (r == 0 && (e = readdir(d))) {
		struct stat st;

		if (is_leftover(e->d_name) || fstatat(dirfd, e->d_name, &st, 0) < 0)
			continue;
		if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
			continue;
		if (!trusted(&st))
			r = err_set(err, ERR_PERM, 0,
				    "hook %s/%s: others than root may write it; chown root and "
				    "chmod go-w, or remove it",
				    dirpath, e->d_name);
		else
			strv_add(names, e->d_name);
	}
	closedir(d);
	strv_sort(names);
	return r;
}

static int run_dir(const char *path, const struct hook_env *e, int limit_ms, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct strv names = { 0 }, env = { 0 };
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "hooks %s", path);
	if (!trusted(&st))
		return err_set(err, ERR_PERM, 0,
			       "hooks %s: others than root may write it; chmod go-w it", path);
	r = list(fd, path, &names, err);
	if (r == 0 && names.n > 0)
		make_env(e, &env);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		_cleanup_free_ char *script = xasprintf("%s/%s", path, names.v[i]);

		r = run_one(script, &env, limit_ms, err);
	}
	strv_free(&names);
	strv_free(&env);
	return r;
}

int hook_run(const char *dir, const struct hook_env *env, int limit_ms, struct err *err)
{
	char path[512];
	int r;

	snprintf(path, sizeof(path), "%s/%s.d", dir, env->event);
	r = run_dir(path, env, limit_ms, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/servers/%s/%s.d", dir, env->server, env->event);
	return run_dir(path, env, limit_ms, err);
}

static bool is_event_dir(const char *name)
{
	static const char *const events[] = {
#define X(event) #event,
		HOOK_EVENTS(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		size_t n = strlen(events[i]), k = 0;

		while (k < n && name[k] == (events[i][k] == '_' ? '-' : events[i][k]))
			k++;
		if (k == n && streq(name + n, ".d"))
			return true;
	}
	return false;
}

/* prefix: what stands before the names in *ret. */
static void strays_in(const char *path, const char *prefix, struct strv *ret)
{
	DIR *d = opendir(path);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && !is_event_dir(e->d_name) &&
		    !(streq(prefix, "") && streq(e->d_name, "servers")))
			strv_take(ret, xasprintf("%s%s", prefix, e->d_name));
	if (d)
		closedir(d);
}

void hook_strays(const char *dir, struct strv *ret)
{
	_cleanup_free_ char *servers = xasprintf("%s/servers", dir);
	DIR *d = opendir(servers);
	const struct dirent *e;

	strays_in(dir, "", ret);
	while (d && (e = readdir(d))) {
		_cleanup_free_ char *path = xasprintf("%s/%s", servers, e->d_name);
		_cleanup_free_ char *prefix = xasprintf("servers/%s/", e->d_name);

		if (e->d_name[0] != '.')
			strays_in(path, prefix, ret);
	}
	if (d)
		closedir(d);
	strv_sort(ret);
}
