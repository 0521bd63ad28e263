// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes by pid and start time. A pid alone is never trusted: it is used again. */
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/parse.h"
#include "sys/fd.h"
#include "sys/lock.h"

#define PF_EXITING	0x4 /* linux/sched.h; the same since 2.6 */
#define PENDING_SIGKILL (1ULL << (SIGKILL - 1))

uint64_t proc_stat_parse(const char *text, bool *dying)
{
	unsigned long long flags = 0, start = 0, pending = 0;
	/* Field 2 is the command in brackets and may hold blanks and brackets: field 3, the state,
	 * follows the last one. */
	const char *p = strrchr(text, ')');

	if (!p || p[1] != ' ' || strchr("ZXx", p[2]))
		return 0;
	p += 2;
	for (int field = 4; field <= 31 && (p = strchr(p, ' ')); field++) {
		p++;
		if (field == 9)
			flags = strtoull(p, NULL, 10);
		else if (field == 22)
			start = strtoull(p, NULL, 10);
		else if (field == 31)
			pending = strtoull(p, NULL, 10);
	}
	*dying = flags & PF_EXITING || pending & PENDING_SIGKILL;
	return start;
}

/* *ret is 0 for a process that is no more; negative errno where that cannot be told. */
static int start_time_of(pid_t pid, uint64_t *ret, bool *dying)
{
	_cleanup_free_ char *text = NULL;
	char path[40];

	*ret = 0;
	if (pid <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int r = fd_read_file(AT_FDCWD, path, 4096, &text, NULL);
	if (r == 0)
		*ret = proc_stat_parse(text, dying);
	return r == -ENOENT || r == -ESRCH ? 0 : r;
}

uint64_t proc_start_time(pid_t pid)
{
	uint64_t start;
	bool unused;

	(void)start_time_of(pid, &start, &unused);
	return start;
}

int proc_look(pid_t pid, uint64_t start_time)
{
	uint64_t start;
	bool unused;
	int r = start_time_of(pid, &start, &unused);

	return r < 0 ? r : start_time && start == start_time;
}

bool proc_alive(pid_t pid, uint64_t start_time)
{
	return proc_look(pid, start_time) != 0;
}

bool proc_goes_on(pid_t pid, uint64_t start_time)
{
	bool dying = false;
	uint64_t start;
	int r = start_time_of(pid, &start, &dying);

	return r < 0 || (start_time && start == start_time && !dying);
}

int proc_pidfd_open(pid_t pid, unsigned flags)
{
	long r = syscall(SYS_pidfd_open, pid, flags);

	return r < 0 ? -errno : (int)r;
}

int proc_pidfd_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

bool proc_status_takes(const char *status, int sig)
{
	static const char *const sets[] = { "\nSigBlk:\t", "\nSigCgt:\t" };
	unsigned long long taken = 0;

	if (sig < 1 || sig > 64) /* of a record: what cannot be shifted by it */
		return false;
	for (size_t i = 0; i < 2; i++) {
		const char *p = strstr(status, sets[i]);

		if (p)
			taken |= strtoull(p + strlen(sets[i]), NULL, 16);
	}
	return taken >> (sig - 1) & 1;
}

int proc_takes_signal(pid_t pid, int sig)
{
	_cleanup_free_ char *text = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	int r = fd_read_file(AT_FDCWD, path, 16384, &text, NULL);
	return r < 0 ? r : proc_status_takes(text, sig);
}

int proc_pidfd_wait(int pidfd, int timeout_ms)
{
	uint64_t end = clock_ms() + (timeout_ms < 0 ? 0 : (uint64_t)timeout_ms);

	for (;;) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		int r = poll(&p, 1, timeout_ms);

		if (r > 0)
			return p.revents & POLLNVAL ? -EBADF : 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0)
			return -ETIMEDOUT;
		if (timeout_ms >= 0) {
			uint64_t now = clock_ms();

			timeout_ms = now < end ? (int)(end - now) : 0;
		}
	}
}

/* The beginning of a file, at most n bytes. */
static ssize_t read_start(const char *path, char *out, size_t n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -1 : read(fd, out, n);
}

uid_t proc_login_uid(void)
{
	_cleanup_free_ char *text = NULL;
	uint64_t v;

	if (fd_read_file(AT_FDCWD, "/proc/self/loginuid", 32, &text, NULL) < 0 ||
	    parse_u64(text, &v) < 0 || v >= UINT32_MAX)
		return getuid();
	return (uid_t)v;
}

void proc_command(pid_t pid, char *out, size_t n)
{
	char path[40];
	ssize_t len;

	if (!n)
		return;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	len = read_start(path, out, n - 1);
	if (len <= 0) {
		/* A zombie or a thread of the kernel has only its short name. */
		snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		len = read_start(path, out, n - 1);
	}
	while (len > 0 && (!out[len - 1] || out[len - 1] == '\n' || out[len - 1] == ' '))
		len--;
	if (len <= 0) {
		snprintf(out, n, "?");
		return;
	}
	for (ssize_t i = 0; i < len; i++) {
		if (!out[i])
			out[i] = ' ';
		else if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
			out[i] = '?';
	}
	out[len] = '\0';
}
