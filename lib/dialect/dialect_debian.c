// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debian and what is made from it, with systemd: bullseye (systemd 247) and later.
 *
 * The network is written for whichever of systemd-networkd and ifupdown is in use; where neither
 * is, nobody inside touches what was set before init ran, and nothing needs to be written.
 */
#include "dialect/dialect.h"

#include "base/str.h"
#include "dialect/dialect_files.h"

/* systemd is built with glibc, whose first real-time signal is 34; another C library may have
 * another SIGRTMIN, so that ours does not count. */
#define GLIBC_SIGRTMIN 34

static bool takes(const struct dialect_facts *f)
{
	struct strv like = { 0 };
	bool debian;

	strv_split(&like, f->id_like, " ");
	debian = streq(f->id, "debian") || strv_has(&like, "debian");
	strv_free(&like);
	return debian && f->systemd;
}

static int configure(int rootfd, const struct dialect_job *job, struct err *err)
{
	static int (*const write[])(int, const struct dialect_job *, struct err *) = {
		dialect_write_hostname, dialect_write_hosts, dialect_write_machine_id,
		netfmt_networkd,	netfmt_ifupdown,     dialect_write_resolv,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(write) / sizeof(write[0]); i++)
		r = write[i](rootfd, job, err);
	return r;
}

static const char *const init[] = { "/sbin/init", "/lib/systemd/systemd", NULL };

extern const struct dialect dialect_debian;
const struct dialect dialect_debian = {
	.name = "debian",
	.help = "Debian with systemd, bullseye and later",
	.takes = takes,
	/* systemd(1): +4 starts poweroff.target, +5 reboot.target. */
	.halt_signal = GLIBC_SIGRTMIN + 4,
	.reboot_signal = GLIBC_SIGRTMIN + 5,
	.init = init,
	.run_tmpfs = false, /* systemd mounts it itself, with the options it wants */
	.systemd = true,
	.configure = configure,
};
