// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Builds a template: runs a recipe on an empty directory and gives the result its name.
 *
 * A recipe is a script RECIPES/SCRIPT. It is called with the directory to fill as its argument, and
 * with CROFT_RELEASE, CROFT_ARCH, CROFT_MIRROR, CROFT_INCLUDE (packages, commas between) and
 * CROFT_PROGRESS ("yes" on a terminal) in its environment; empty means "as you like". It ends with
 * an exit code of croft's: 2 for what it does not understand, 8 for what the host lacks. It runs in
 * mount and pid namespaces of its own, so that nothing it starts or mounts outlives it.
 *
 * What must stay true: whatever happens, kill -9 included, the directory of templates holds whole
 * templates and staging directories only.
 */
#include "template/template.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/name.h"
#include "sys/fd.h"
#include "sys/json.h"
#include "sys/lock.h"
#include "sys/spawn.h"
#include "template/template_stage.h"

#define LOG_DIR ".log"

struct build {
	const struct template_job *job;
	const struct template_recipe *recipe;
	const char *name; /* of the template */
	int dirfd;
	struct stage stage;
	int log_fd;
	char *log; /* its path */
};

/* ---- what is asked for ---- */

static int find_recipe(const struct template_job *job, const struct template_recipe **ret,
		       struct err *err)
{
	struct strv names = { 0 };
	char *known;

	*ret = template_recipe_find(job->recipe);
	if (*ret)
		return 0;
	for (size_t i = 0; i < template_n_recipes; i++)
		strv_add(&names, template_recipes[i].name);
	known = strv_join(&names, ", ");
	err_set(err, ERR_ABSENT, 0, "no recipe %s; there are: %s", job->recipe, known);
	free(known);
	strv_free(&names);
	return -ENOENT;
}

/* Words that become arguments of a package tool: none may look like an option or hold a blank. */
static int check_words(const struct template_job *job, struct err *err)
{
	static const char ok[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-:~=/_";

	for (size_t i = 0; job->include && i < job->include->n; i++) {
		const char *w = job->include->v[i];

		if (*w == '-' || !*w || w[strspn(w, ok)])
			return err_set(err, ERR_USAGE, 0, "include: \"%s\" is no package name", w);
	}
	if (job->arch && (!*job->arch || *job->arch == '-' || job->arch[strspn(job->arch, ok)]))
		return err_set(err, ERR_USAGE, 0, "arch: \"%s\" is no architecture", job->arch);
	if (job->mirror && (*job->mirror == '-' || strpbrk(job->mirror, "\n\r")))
		return err_set(err, ERR_USAGE, 0, "mirror: \"%s\" is no address", job->mirror);
	return 0;
}

/* ---- running the recipe ---- */

/* The administrator's proxy settings are part of how the bootstrap tool is set up on this host. */
static void add_proxies(struct strv *env)
{
	static const char *const names[] = { "http_proxy", "https_proxy", "ftp_proxy", "no_proxy" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = secure_getenv(names[i]);

		if (v)
			strv_take(env, xasprintf("%s=%s", names[i], v));
	}
}

static void make_env(const struct build *b, struct strv *env)
{
	_cleanup_free_ char *include =
	    b->job->include ? strv_join(b->job->include, ",") : xstrdup("");

	strv_add(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_add(env, "LC_ALL=C.UTF-8");
	strv_add(env, "HOME=/root");
	strv_add(env, "DEBIAN_FRONTEND=noninteractive");
	if (b->job->progress)
		strv_take(env, xasprintf("TERM=%s", str_or(getenv("TERM"), "dumb")));
	strv_take(env, xasprintf("CROFT_RELEASE=%s", str_or(b->recipe->release, "")));
	strv_take(env, xasprintf("CROFT_ARCH=%s", str_or(b->job->arch, "")));
	strv_take(env, xasprintf("CROFT_MIRROR=%s", str_or(b->job->mirror, "")));
	strv_take(env, xasprintf("CROFT_INCLUDE=%s", include));
	strv_take(env, xasprintf("CROFT_PROGRESS=%s", b->job->progress ? "yes" : ""));
	add_proxies(env);
}

/* Whether the recipe failed for want of space: it says so, or there is none. */
static bool is_full(const struct build *b, const struct spawn_result *res)
{
	_cleanup_free_ char *text = NULL;
	struct statvfs vfs;
	size_t len;

	if (fstatvfs(b->dirfd, &vfs) == 0 &&
	    (vfs.f_bavail * vfs.f_frsize < 1 << 20 || (vfs.f_files > 0 && vfs.f_favail == 0)))
		return true;
	if (strstr(res->tail, "No space left on device") ||
	    strstr(res->tail, "Disk quota exceeded"))
		return true;
	if (fd_read_file(AT_FDCWD, b->log, 16 << 20, &text, &len) < 0)
		return false;
	return strstr(text, "No space left on device") ||
	       strstr(text, "not have enough free space");
}

static int explain(const struct build *b, const struct spawn_result *res, struct err *err)
{
	char why[300];

	if (res->interrupted) {
		err_set(err, ERR_FAIL, 0, "template %s: interrupted; nothing is left of it",
			b->name);
		return -EINTR;
	}
	if (res->overran)
		return err_set(err, ERR_BUSY, 0,
			       "template %s: recipe %s was not done in time and was ended; log: %s",
			       b->name, b->recipe->script, b->log);
	if (res->code == ERR_HOST || res->code == ERR_USAGE)
		return err_set(err, (enum err_class)res->code, 0, "template %s: %s", b->name,
			       spawn_last_lines(res, 1, why, sizeof(why)));
	if (is_full(b, res))
		return err_set(err, ERR_ROOM, 0, "template %s: no space left in %s; log: %s",
			       b->name, b->job->dir, b->log);
	/* apt, dpkg and mmdebstrap mark errors so; what comes after the first is its consequence.
	 */
	if (!spawn_first_line(res, "E: ", why, sizeof(why)))
		spawn_last_lines(res, 3, why, sizeof(why));
	return err_set(err, ERR_FAIL, 0,
		       "template %s: recipe %s failed with exit code %d: %s; log: %s", b->name,
		       b->recipe->script, res->code, why, b->log);
}

static int run_recipe(struct build *b, struct err *err)
{
	_cleanup_free_ char *script = xasprintf("%s/%s", b->job->recipes, b->recipe->script);
	_cleanup_free_ char *root = xasprintf("%s/%s/root", b->job->dir, b->stage.name);
	const char *const argv[] = { script, root, NULL };
	/* The recipe holds the staging lock as well: it is stale only when both are gone. */
	const int keep[] = { b->stage.fd, -1 };
	struct spawn_result res;
	struct strv env = { 0 };
	struct spawn_job job = {
		.argv = argv,
		.log_fd = b->log_fd,
		.terminal = b->job->progress,
		.enclosed = true,
		.keep = keep,
		.deadline_ms = b->job->deadline_ms ? b->job->deadline_ms : UINT64_MAX,
	};
	int r;

	if (access(script, X_OK) < 0)
		return err_set(err, ERR_HOST, errno, "recipe %s", script);
	make_env(b, &env);
	job.env = (const char *const *)env.v;
	r = spawn_run(&job, &res, err);
	strv_free(&env);
	if (r < 0)
		return err_wrap(err, r, "template %s", b->name);
	if (res.code != 0 || res.overran || res.interrupted)
		return explain(b, &res, err);
	return 0;
}

/* ---- the result ---- */

static char *now_text(void)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32];

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return xstrdup(text);
}

static const char *machine(struct utsname *u)
{
	return uname(u) == 0 ? u->machine : "unknown";
}

static int write_info(const struct build *b, struct err *err)
{
	_cleanup_free_ char *built = now_text(), *text = NULL;
	uint64_t bytes, inodes;
	struct json_out *j;
	struct utsname u;
	int r = stage_measure(b->stage.fd, "root", &bytes, &inodes);

	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "template %s: reading what was built", b->name);
	j = json_new(true);
	json_obj(j, NULL);
	json_str(j, "name", b->name);
	/* One script per family of distributions, and one dialect: they have the same name. */
	json_str(j, "dialect", b->recipe->script);
	json_str(j, "recipe", b->recipe->name);
	json_str(j, "arch", b->job->arch ? b->job->arch : machine(&u));
	json_str(j, "built", built);
	json_u64(j, "bytes", bytes);
	json_u64(j, "inodes", inodes);
	json_obj_end(j);
	text = json_done(j);
	r = fd_replace(b->stage.fd, "template.json", text, strlen(text), 0644, false);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "template %s: template.json", b->name) : 0;
}

static int check_result(const struct build *b, struct err *err)
{
	_cleanup_close_ int root =
	    fd_open_beneath(b->stage.fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	struct stat st;
	int init;

	if (root < 0 || fstat(root, &st) < 0)
		return err_set(err, ERR_FAIL, 0, "template %s: the recipe left no root", b->name);
	if (st.st_uid != 0 || (st.st_mode & 07777) != 0755)
		return err_set(
		    err, ERR_FAIL, 0,
		    "template %s: the recipe left a root that is not root's with mode 0755",
		    b->name);
	init = fd_open_in(root, "/sbin/init", O_PATH | O_CLOEXEC, 0);
	if (init < 0)
		return err_set(err, ERR_FAIL, 0, "template %s: the recipe left no /sbin/init",
			       b->name);
	close(init);
	return 0;
}

/* ---- all of it ---- */

static int prepare(struct build *b, struct err *err)
{
	_cleanup_free_ char *file = xasprintf("%s/%s.log", LOG_DIR, b->name);
	int r = stage_open(b->dirfd, b->name, &b->stage, err);

	if (r < 0)
		return r;
	/* The mode by hand: the caller's umask may be any. */
	if (mkdirat(b->stage.fd, "root", 0755) < 0 || fchmodat(b->stage.fd, "root", 0755, 0) < 0)
		return err_errno(err, "template %s: root", b->name);
	if (mkdirat(b->dirfd, LOG_DIR, 0700) < 0 && errno != EEXIST)
		return err_errno(err, "%s/%s", b->job->dir, LOG_DIR);
	b->log = xasprintf("%s/%s", b->job->dir, file);
	b->log_fd = openat(b->dirfd, file,
			   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	return b->log_fd < 0 ? err_errno(err, "%s", b->log) : 0;
}

static int build(struct build *b, struct err *err)
{
	int r = prepare(b, err);

	if (r == 0)
		r = run_recipe(b, err);
	if (r == 0)
		r = check_result(b, err);
	if (r == 0)
		r = write_info(b, err);
	if (r == 0)
		r = stage_commit(&b->stage, b->name, b->job->replace, err);
	stage_drop(&b->stage);
	fd_drop(&b->log_fd);
	/* Kept only where it is named in the message. */
	if (b->log && !(r < 0 && strstr(err->text, b->log)))
		unlink(b->log);
	free(b->log);
	return r;
}

int template_build(const struct template_job *job, struct err *err)
{
	_cleanup_close_ int dirfd = -1;
	_cleanup_free_ char *lock_path = NULL, *what = NULL;
	struct build b = { .job = job, .stage = STAGE_NONE, .log_fd = -1 };
	struct lock lock = LOCK_NONE;
	int r = find_recipe(job, &b.recipe, err);

	if (r < 0)
		return r;
	b.name = job->name ? job->name : job->recipe;
	r = name_check("template", b.name, err);
	if (r == 0)
		r = check_words(job, err);
	if (r < 0)
		return r;
	r = fd_mkdir_p(job->dir, 0700);
	dirfd = r < 0 ? -1 : open(job->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_set(err, ERR_FAIL, r < 0 ? -r : errno, "%s", job->dir);
	b.dirfd = dirfd;
	stage_sweep(dirfd);
	if (!job->replace && faccessat(dirfd, b.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, ERR_EXISTS, 0, "template %s exists; --replace makes it anew",
			       b.name);
	/* One build of a name at a time; who comes second is told who is first. */
	lock_path = xasprintf("%s/.lock-%s", job->dir, b.name);
	what = xasprintf("template %s", b.name);
	r = lock_take(lock_path, what, 0, &lock, err);
	if (r < 0)
		return r;
	r = build(&b, err);
	lock_drop_remove(&lock);
	return r;
}
