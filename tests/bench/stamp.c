// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stamp: an init that does one thing: it writes CLOCK_MONOTONIC, in nanoseconds, to /stamp. The
 * bench reads it from outside: the clock is the same in every time namespace whose offset is zero.
 * Static, so that its own exec is short. As any other process it only exits: the floor of what a
 * spawn costs here.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (getpid() != 1)
		return 0;
	uint64_t ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	int fd = open("/stamp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, &ns, sizeof(ns)) != sizeof(ns))
		return 1;
	close(fd);
	for (;;) {
		while (waitpid(-1, 0, WNOHANG) > 0)
			;
		pause();
	}
}
