// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The classic ways out of a root directory, tried inside a server by its root. Prints "device inode"
 * of what each way finds as the top of its tree; all lines must be those of the server's own root.
 *
 *	gcc -static -O2 -o escape escape.c; croft exec web1 -- /escape
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *way)
{
	struct stat st;

	if (stat(".", &st) == 0)
		printf("%s %lx %lu\n", way, (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	else
		perror(way);
}

static void climb(void)
{
	for (int i = 0; i < 1000; i++)
		if (chdir("..") < 0)
			break;
}

/* A directory held open from before a second chroot is outside of that one. */
static void double_chroot(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	mkdir("/escape.d", 0700);
	if (fd < 0 || chroot("/escape.d") < 0 || fchdir(fd) < 0)
		perror("double-chroot");
	climb();
	tell("double-chroot");
}

static void through_proc(const char *way, const char *path)
{
	if (chdir(path) < 0) {
		perror(way);
		return;
	}
	climb();
	tell(way);
}

static void root_of_1(void)
{
	through_proc("proc-1-root", "/proc/1/root");
}

static void cwd_of_1(void)
{
	through_proc("proc-1-cwd", "/proc/1/cwd");
}

/* The mount beneath the root, were there one. */
static void beneath(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		perror("beneath");
	climb();
	tell("beneath");
}

/* The namespaces of process 1 are the server's. */
static void mount_ns_of_1(void)
{
	int fd = open("/proc/1/ns/mnt", O_RDONLY);

	if (fd < 0 || setns(fd, CLONE_NEWNS) < 0)
		perror("mount-ns-of-1");
	climb();
	tell("mount-ns-of-1");
}

int main(void)
{
	void (*const ways[])(void) = { double_chroot, root_of_1, cwd_of_1, beneath, mount_ns_of_1 };

	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			ways[i]();
			fflush(stdout);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	rmdir("/escape.d");
	return 0;
}
