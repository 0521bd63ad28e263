// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/template: building whole or not at all, staging, and what is known of a template. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "sys/fd.h"
#include "sys/lock.h"
#include "template/template.h"
#include "template/template_stage.h"

#define GOOD "mkdir \"$1/sbin\"; echo x >\"$1/sbin/init\"; ln \"$1/sbin/init\" \"$1/init\"\n"

/* Recipes run in namespaces of their own, and templates belong to root. */
static bool can_build(void)
{
	pid_t pid;
	int status;

	if (geteuid() != 0)
		return false;
	pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWNS | CLONE_NEWPID) < 0);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void recipe(const char *body)
{
	_cleanup_free_ char *text = xasprintf("#!/bin/sh\nset -e\n%s", body);

	CHECK_INT(fd_mkdir_p(unit_path("recipes"), 0755), 0);
	CHECK_INT(
	    fd_replace(AT_FDCWD, unit_path("recipes/busybox"), text, strlen(text), 0755, false), 0);
}

static struct template_job make_job(void)
{
	return (struct template_job) { .dir = unit_path("templates"),
				       .recipes = unit_path("recipes"),
				       .name = "t1",
				       .recipe = "busybox" };
}

/* Names in the directory of templates, blanks between. */
static char *names(void)
{
	_cleanup_(strv_free) struct strv l = { 0 };
	DIR *d = opendir(unit_path("templates"));
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			strv_add(&l, e->d_name);
	if (d)
		closedir(d);
	strv_sort(&l);
	return strv_join(&l, " ");
}

static void check_names(const char *expected)
{
	_cleanup_free_ char *have = names();

	CHECK_STR(have, expected);
}

TEST(template_recipes_are_whole)
{
	for (size_t i = 0; i < template_n_recipes; i++) {
		const struct template_recipe *r = &template_recipes[i];

		CHECK(r->name && r->script && r->help);
		CHECK(template_recipe_find(r->name) == r);
		CHECK(!r->release || template_recipe_find(r->release) == r);
	}
	CHECK_STR(template_recipe_find("sid")->name, "debian-sid");
	CHECK_STR(template_recipe_find("debian-12")->release, "bookworm");
	CHECK(!template_recipe_find("debian"));
}

TEST(template_that_is_not_there)
{
	struct template_info t;
	struct strv l = { 0 };
	struct err err = { 0 };

	CHECK(template_load(unit_path("templates"), "debian-12", &t, &err) == -ENOENT);
	CHECK_INT(err.class, ERR_ABSENT);
	CHECK(strstr(err.text, "croft template build debian-12") != NULL);
	CHECK(template_load(unit_path("templates"), "mine", &t, &err) == -ENOENT);
	CHECK(strstr(err.text, "croft template list") != NULL);
	CHECK(template_load(unit_path("templates"), "../x", &t, &err) < 0);
	CHECK_INT(err.class, ERR_USAGE);
	CHECK(template_remove(unit_path("templates"), "mine", &err) == -ENOENT);
	CHECK_INT(template_list(unit_path("templates"), &l, &err), 0);
	CHECK_INT(l.n, 0);
}

TEST(template_build_and_read_back)
{
	_cleanup_(template_info_free) struct template_info t = { 0 };
	_cleanup_(strv_free) struct strv l = { 0 };
	struct template_job job = make_job();
	struct err err = { 0 };
	struct stat st;

	if (!can_build())
		SKIP("needs root and namespaces");
	recipe("echo \"$CROFT_INCLUDE|$CROFT_MIRROR|$CROFT_ARCH\" >\"$1/said\"\n" GOOD);
	strv_add(&l, "one");
	strv_add(&l, "two");
	job.include = &l;
	job.mirror = "http://mirror.invalid/debian";
	umask(077);
	CHECK_INT(template_build(&job, &err), 0);
	umask(022);
	CHECK_STR(err.text, "");
	check_names(".log t1");
	CHECK(stat(unit_path("templates/t1"), &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(stat(unit_path("templates/t1/root"), &st) == 0 && (st.st_mode & 07777) == 0755);
	CHECK_INT(template_load(unit_path("templates"), "t1", &t, &err), 0);
	CHECK_STR(t.name, "t1");
	CHECK_STR(t.dialect, "busybox");
	CHECK_STR(t.recipe, "busybox");
	CHECK_INT(t.inodes, 3); /* sbin, said, and one file of two names */
	CHECK(t.bytes > 0 && t.built && strlen(t.built) == 20);
	strv_free(&l);
	CHECK_INT(template_list(unit_path("templates"), &l, &err), 0);
	CHECK(l.n == 1 && streq(l.v[0], "t1"));
}

TEST(template_exists_replace_remove)
{
	struct template_job job = make_job();
	struct err err = { 0 };

	if (!can_build())
		SKIP("needs root and namespaces");
	recipe(GOOD);
	CHECK_INT(template_build(&job, &err), 0);
	CHECK(template_build(&job, &err) < 0);
	CHECK_INT(err.class, ERR_EXISTS);
	recipe(GOOD "touch \"$1/second\"");
	job.replace = true;
	CHECK_INT(template_build(&job, &err), 0);
	CHECK(access(unit_path("templates/t1/root/second"), F_OK) == 0);
	check_names(".log t1");
	CHECK_INT(template_remove(unit_path("templates"), "t1", &err), 0);
	check_names(".log");
}

static int build_with(const char *body, struct err *err)
{
	struct template_job job = make_job();

	memset(err, 0, sizeof(*err));
	recipe(body);
	return template_build(&job, err);
}

TEST(template_failures_leave_nothing)
{
	_cleanup_free_ char *log = NULL;
	struct err err;
	size_t len;

	if (!can_build())
		SKIP("needs root and namespaces");
	CHECK(build_with("echo one; echo two; exit 5", &err) < 0);
	CHECK_INT(err.class, ERR_FAIL);
	CHECK(strstr(err.text, "exit code 5: one | two; log: ") != NULL);
	check_names(".log");
	CHECK_INT(fd_read_file(AT_FDCWD, unit_path("templates/.log/t1.log"), 4096, &log, &len), 0);
	CHECK_STR(log, "one\ntwo\n");
	CHECK(build_with("echo tool is missing; exit 8", &err) < 0);
	CHECK_INT(err.class, ERR_HOST);
	CHECK_STR(err.text, "template t1: tool is missing");
	CHECK(build_with("echo cat: write error: No space left on device; exit 1", &err) < 0);
	CHECK_INT(err.class, ERR_ROOM);
	CHECK(build_with("exit 0", &err) < 0);
	CHECK(strstr(err.text, "no /sbin/init") != NULL);
	CHECK(build_with(GOOD "chmod 0700 \"$1\"", &err) < 0);
	check_names(".log");
	CHECK(build_with("mount -t tmpfs none \"$1\"; mkdir \"$1/x\"; exit 1", &err) < 0);
	check_names(".log");
}

TEST(template_bad_words)
{
	static const char *const bad[] = { "-o", "a b", "", "x;y", "a\nb" };
	struct template_job job = make_job();
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_(strv_free) struct strv l = { 0 };

		strv_add(&l, bad[i]);
		job.include = &l;
		CHECK(template_build(&job, &err) < 0);
		CHECK_INT(err.class, ERR_USAGE);
		job.include = NULL;
		job.arch = bad[i];
		CHECK(template_build(&job, &err) < 0);
		CHECK_INT(err.class, ERR_USAGE);
		job.arch = NULL;
	}
	job.mirror = "-x";
	CHECK(template_build(&job, &err) < 0);
	job.recipe = "nosuch";
	CHECK(template_build(&job, &err) == -ENOENT);
	CHECK(strstr(err.text, "busybox, debian-11, debian-12") != NULL);
	CHECK(access(unit_path("templates"), F_OK) < 0);
}

TEST(template_deadline)
{
	struct template_job job = make_job();
	uint64_t begin = clock_ms();
	struct err err = { 0 };

	if (!can_build())
		SKIP("needs root and namespaces");
	recipe("sleep 30 & sleep 30");
	job.deadline_ms = clock_ms() + 300;
	CHECK(template_build(&job, &err) < 0);
	CHECK_INT(err.class, ERR_BUSY);
	CHECK(clock_ms() - begin < 8000);
	check_names(".log");
}

TEST(template_interrupted)
{
	pid_t self = getpid(), child;
	struct template_job job = make_job();
	struct err err = { 0 };

	if (!can_build())
		SKIP("needs root and namespaces");
	recipe("trap 'exit 9' TERM; sleep 30 & wait");
	child = fork();
	if (child == 0) {
		usleep(300000);
		kill(self, SIGINT);
		_exit(0);
	}
	CHECK_INT(template_build(&job, &err), -EINTR);
	check_names(".log");
	waitpid(child, NULL, 0);
}

/* The recipe of a command that is killed dies with it, and the next command sweeps. */
TEST(template_build_that_is_killed)
{
	struct template_job job = make_job();
	struct strv l = { 0 };
	struct err err = { 0 };
	pid_t child;
	int dirfd;

	if (!can_build())
		SKIP("needs root and namespaces");
	recipe("echo begun >\"$1/begun\"; sleep 30 & sleep 30");
	child = fork();
	if (child == 0)
		_exit(template_build(&job, &err) == 0);
	for (int i = 0; i < 300; i++) {
		_cleanup_free_ char *begun = xasprintf("%s/.new-t1-%d/root/begun", job.dir, child);

		if (access(begun, F_OK) == 0)
			break;
		usleep(10000);
	}
	/* While it works nobody sweeps it, and nobody else builds the same. */
	dirfd = open(unit_path("templates"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stage_sweep(dirfd);
	CHECK(template_build(&job, &err) < 0);
	CHECK_INT(err.class, ERR_BUSY);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	for (int i = 0; i < 100; i++) { /* its recipe is killed by the kernel a moment later */
		_cleanup_free_ char *have = NULL;

		stage_sweep(dirfd);
		have = names();
		if (!strstr(have, ".new-"))
			break;
		usleep(10000);
	}
	close(dirfd);
	CHECK_INT(template_list(unit_path("templates"), &l, &err), 0);
	CHECK_INT(l.n, 0);
	recipe(GOOD);
	CHECK_INT(template_build(&job, &err), 0);
	check_names(".log t1");
}
