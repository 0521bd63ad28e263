// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every other tree: the files that all have in common, and the network where a program is found
 * that would undo what was set before init ran.
 */
#include "dialect/dialect.h"

#include <signal.h>
#include "dialect/dialect_files.h"

static bool takes(const struct dialect_facts *f)
{
	(void)f;
	return true;
}

static int configure(int rootfd, const struct dialect_job *job, struct err *err)
{
	int r = dialect_write_hostname(rootfd, job, err);

	if (r == 0)
		r = dialect_write_hosts(rootfd, job, err);
	if (r == 0)
		r = netfmt_networkd(rootfd, job, err);
	if (r == 0)
		r = netfmt_ifupdown(rootfd, job, err);
	if (r == 0)
		r = dialect_write_resolv(rootfd, job, err);
	return r;
}

static const char *const init[] = { "/sbin/init", "/etc/init", "/bin/init", "/bin/sh", NULL };

extern const struct dialect dialect_generic;
const struct dialect dialect_generic = {
	.name = "generic",
	.help = "any other tree with an init program",
	.takes = takes,
	/* sysvinit's init(8): SIGPWR is a power failure, for which inittab(5) shuts down; SIGINT is
	 * Ctrl-Alt-Del, for which it reboots. systemd(1) reboots on SIGINT as well. */
	.halt_signal = SIGPWR,
	.reboot_signal = SIGINT,
	.init = init,
	.run_tmpfs = true,
	.systemd = false,
	.configure = configure,
};
