// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nosys: runs a command on a kernel that seems to lack system calls: they fail with ENOSYS, for it
 * and for all that it starts.
 *
 *	nosys NAME[,NAME...] COMMAND [ARG...]
 *
 * A filter as in seccomp(2). Unlike enosys(1) of util-linux 2.39 and later it is there on
 *Debian 12.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0) : -ENOMEM;

	if (argc < 3 || r < 0) {
		fprintf(stderr, "usage: nosys NAME[,NAME...] COMMAND [ARG...]\n");
		return 2;
	}
	for (char *name = strtok(argv[1], ","); name && r >= 0; name = strtok(NULL, ",")) {
		int nr = seccomp_syscall_resolve_name(name);
		if (nr < 0) {
			fprintf(stderr, "nosys: no system call is called %s\n", name);
			return 2;
		}
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
	}
	if (r >= 0)
		r = seccomp_load(ctx);
	if (r < 0) {
		fprintf(stderr, "nosys: %s\n", strerror(-r));
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror("nosys");
	return 127;
}
