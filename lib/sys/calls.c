// SPDX-License-Identifier: GPL-2.0-or-later
/* Probing for system calls: by arguments that none takes, so that nothing is done. */
#include "sys/calls.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	long number;
	const char *name;
} calls[] = {
#define X(name)                                                                                    \
	{                                                                                          \
		SYS_##name, #name                                                                  \
	}
	X(openat2),  X(clone3),	 X(open_tree),	 X(move_mount), X(mount_setattr),     X(fsopen),
	X(fsconfig), X(fsmount), X(close_range), X(pidfd_open), X(pidfd_send_signal), X(seccomp),
#undef X
};

int calls_missing(struct buf *out)
{
	int n = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		/* No call takes these arguments: it is refused before it does anything. */
		if (syscall(calls[i].number, -1L, -1L, -1L, -1L, -1L, -1L) != -1 || errno != ENOSYS)
			continue;
		buf_printf(out, "%s%s", n++ ? ", " : "", calls[i].name);
	}
	return n;
}
