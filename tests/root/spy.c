// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile server's side of exec.bats: runs inside a server while croft exec enters it, and does
 *what the attacks of the past did.
 *
 *	spy trace SECONDS	tries to trace every process that still is croft, and to get at its
 *files (CVE-2016-9962, CVE-2019-5736). Last line: "tried N, got 0".
 *	spy type		types into its own terminal, and into each descriptor
 *(CVE-2016-10124)
 *
 * What must stay true: a success counts only if the process was croft before and is croft after;
 *what it is once it has executed the command is the server's own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long tried, got;

static bool is_croft(int pid)
{
	char path[64], text[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 && strcmp(text, "croft\n") == 0;
}

/* execve(2) replaces the memory first, and with it the user namespace that decides who may look,
 * then closes descriptors, and changes the name last: what has croft's name but another program is
 * the server's own already. */
static void count(int pid, bool success, const char *what)
{
	char path[64], exe[PATH_MAX] = "";

	if (!success || !is_croft(pid))
		return;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (readlink(path, exe, sizeof(exe) - 1) > 0 && !strstr(exe, "croft"))
		return;
	if (!exe[0] && !is_croft(pid)) /* it went on in between */
		return;
	printf("got %s of %d, which is '%s'\n", what, pid, exe);
	got++;
}

static void try_files(int pid)
{
	static const char *const names[] = { "cwd", "root", "exe", "mem", "maps", "environ" };
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
		int fd = open(path, i < 2 ? O_PATH : O_RDONLY);
		count(pid, fd >= 0, names[i]);
		if (fd >= 0)
			close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	int fd = open(path, O_WRONLY);
	count(pid, fd >= 0, "a writable exe");
	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *d = opendir(path);
	count(pid, d, "descriptors");
	if (d)
		closedir(d);
}

static void try_pid(int pid)
{
	if (!is_croft(pid))
		return;
	tried++;
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
		count(pid, true, "a trace");
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	try_files(pid);
}

static int trace(int seconds)
{
	time_t end = time(NULL) + seconds;
	int self = getpid();

	while (time(NULL) < end) {
		DIR *d = opendir("/proc");
		struct dirent *e;

		while (d && (e = readdir(d))) {
			int pid = atoi(e->d_name);

			if (pid > 1 && pid != self)
				try_pid(pid);
		}
		if (d)
			closedir(d);
	}
	printf("tried %ld, got %ld\n", tried, got);
	return got != 0;
}

/* The request number with a bit above 32 set is the same to the kernel; a filter must see that. */
static int type(void)
{
	static const unsigned long requests[] = { TIOCSTI, TIOCSTI | 1UL << 32, TIOCLINUX,
						  TIOCLINUX | 1UL << 32 };
	static const char text[] = "\necho typed-by-the-server\n";
	int fds[] = { 0, 1, 2, open("/dev/tty", O_RDWR) };
	int done = 0;

	for (size_t f = 0; f < sizeof(fds) / sizeof(fds[0]); f++)
		for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
			char paste = 3;
			const char *s = i < 2 ? text : &paste;

			for (size_t n = i < 2 ? strlen(text) : 1; n > 0; n--, s++)
				done += syscall(SYS_ioctl, (long)fds[f], requests[i], s) == 0;
		}
	printf("typed %d\n", done);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "trace") == 0)
		return trace(atoi(argv[2]));
	if (argc == 2 && strcmp(argv[1], "type") == 0)
		return type();
	fprintf(stderr, "usage: spy trace SECONDS | spy type\n");
	return 2;
}
