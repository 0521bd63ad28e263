// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tree whose init is busybox. Addresses and routes are set before init runs, and nothing inside
 * changes them: only names and the resolver are written.
 */
#include "dialect/dialect.h"

#include <signal.h>
#include "dialect/dialect_files.h"

static bool takes(const struct dialect_facts *f)
{
	return f->busybox;
}

static int configure(int rootfd, const struct dialect_job *job, struct err *err)
{
	int r = dialect_write_hostname(rootfd, job, err);

	if (r == 0)
		r = dialect_write_hosts(rootfd, job, err);
	if (r == 0)
		r = dialect_write_resolv(rootfd, job, err);
	return r;
}

static const char *const init[] = { "/sbin/init", "/bin/init", "/init", NULL };

extern const struct dialect dialect_busybox;
const struct dialect dialect_busybox = {
	.name = "busybox",
	.help = "busybox as init and as every program",
	.takes = takes,
	/* init/init.c of busybox: SIGUSR1 halts, SIGUSR2 powers off, SIGTERM reboots. */
	.halt_signal = SIGUSR2,
	.reboot_signal = SIGTERM,
	.init = init,
	.run_tmpfs = true,
	.systemd = false,
	.configure = configure,
};
