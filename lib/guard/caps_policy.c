// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which capabilities a server does not have.
 *
 * What must stay true: init and every process that joins the server later go through the same
 * guard_caps_apply(), so both have exactly the same sets.
 *
 * In a server with its own user namespace the kernel itself refuses what the "always" rows stand
 * for, since it asks for those capabilities in the first user namespace. They are taken away all
 * the same, because systemd's ConditionCapability= then skips the units that would fail: timesyncd,
 * chronyd, modules-load, auditd. A user namespace made inside has a full bounding set again; that
 * is harmless for the same reason.
 */
#include "base/mem.h"
#include "guard/guard.h"
#include "sys/caps.h"

struct row {
	const char *name;
	bool privileged_only; /* only a privileged server loses it */
};

static const struct row rows[] = {
	{ "cap_audit_control", false }, /* the audit system has no namespaces */
	{ "cap_audit_read", false },
	{ "cap_block_suspend", false }, /* the host's power */
	{ "cap_mac_admin", false },	/* the host's security modules */
	{ "cap_mac_override", false },
	{ "cap_sys_module", false },
	{ "cap_sys_rawio", false },  /* ports, memory; sys-kernel-debug and -tracing are skipped */
	{ "cap_sys_time", false },   /* the host's clock */
	{ "cap_syslog", false },     /* the host's kernel log */
	{ "cap_wake_alarm", false }, /* the host's power */
	/* Without a user namespace these act on the host. The system call filter refuses most of
	 * what they are for as well; two locks on one door. */
	{ "cap_bpf", true },
	{ "cap_perfmon", true },
	{ "cap_sys_pacct", true },
};

/* The names that apply; ret has room for all rows. */
static size_t dropped(bool privileged, const char **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (privileged || !rows[i].privileged_only)
			ret[n++] = rows[i].name;
	return n;
}

void guard_caps_dropped(bool privileged, struct strv *ret)
{
	const char *names[ARRAY_LEN(rows)];
	size_t n = dropped(privileged, names);

	for (size_t i = 0; i < n; i++)
		strv_add(ret, names[i]);
	strv_sort(ret);
}

int guard_caps_apply(bool privileged, struct err *err)
{
	const char *names[ARRAY_LEN(rows)];
	size_t n = dropped(privileged, names);

	return caps_drop(names, n, err);
}
