// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's settings and every path. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/server.h"

/* Plain names, none of croft's own: they become part of paths below each hierarchy. */
static bool plain_path(const char *p)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@:\\-";

	for (;;) {
		size_t n = strspn(p, plain);

		if (n == 0 || *p == '.')
			return false;
		p += n;
		if (!*p)
			return true;
		if (*p++ != '/')
			return false;
	}
}

/* At most 120 characters, so that there is room behind it for the name of a server. */
static int check_parent(const struct opt *o, const void *place, struct err *err)
{
	/* systemd's own: what is in there are its units and scopes, not groups of croft's. */
	static const char *const taken[] = { "system.slice", "user.slice", "machine.slice",
					     "init.scope" };
	const char *path = *(char *const *)place;

	(void)o;
	for (size_t i = 0; path && i < ARRAY_LEN(taken); i++)
		if (streq(path, taken[i]))
			return err_set(
			    err, ERR_USAGE, 0,
			    "%s holds groups of others; name one of croft's own, such as "
			    "%s/croft.service with Delegate=yes",
			    path, i < 3 ? path : "system.slice");
	if (!path || (strlen(path) <= 120 && plain_path(path)))
		return 0;
	return err_set(err, ERR_USAGE, 0,
		       "'%.80s' is not a path such as croft or croft.slice/croft-servers.service",
		       path);
}

/* Above the range systemd gives containers (524288 to 1879048191) and below 2^31: nobody hands out
 * ids there (systemd's UIDS-GIDS document). Room for 4,095 servers. */
static const struct opt host_opts[] = {
	{ .name = "cgroup-parent",
	  .type = &opt_str,
	  .off = offsetof(struct host, cgroup_parent),
	  .check = check_parent,
	  .flags = OPT_HOST,
	  .metavar = "PATH",
	  .help =
	      "group that holds all servers (default: croft, or a delegated unit under systemd)" },
	{ .name = "uid-first",
	  .type = &opt_u64,
	  .off = offsetof(struct host, uid_first),
	  .flags = OPT_HOST,
	  .def = "1879048192",
	  .metavar = "ID",
	  .min = 65536,
	  .max = 4294901760,
	  .help = "first host id that servers may have" },
	{ .name = "uid-last",
	  .type = &opt_u64,
	  .off = offsetof(struct host, uid_last),
	  .flags = OPT_HOST,
	  .def = "2147418111",
	  .metavar = "ID",
	  .min = 131071,
	  .max = 4294967293,
	  .help = "last host id that servers may have" },
	{ .name = "jobs",
	  .type = &opt_u64,
	  .off = offsetof(struct host, jobs),
	  .flags = OPT_HOST,
	  .def = "0",
	  .metavar = "N",
	  .max = 1024,
	  .help = "servers worked on at a time; 0: twice the CPUs" },
	{ .name = "mirror",
	  .type = &opt_str,
	  .off = offsetof(struct host, mirror),
	  .flags = OPT_HOST,
	  .metavar = "URL",
	  .help = "package mirror for template build (default: the bootstrap tool's)" },
	{ .name = "hook-timeout",
	  .type = &opt_duration,
	  .off = offsetof(struct host, hook_timeout),
	  .flags = OPT_HOST,
	  .def = "30",
	  .metavar = "SEC",
	  .min = 100,
	  .help = "time a hook script may take" },
	{ .name = "console-log",
	  .type = &opt_size,
	  .off = offsetof(struct host, console_log),
	  .flags = OPT_HOST,
	  .def = "1M",
	  .metavar = "SIZE",
	  .min = 65536,
	  .max = 1ULL << 40,
	  .help = "size at which a console log is rotated; one older file is kept" },
	{ .name = "event-log",
	  .type = &opt_size,
	  .off = offsetof(struct host, event_log),
	  .flags = OPT_HOST,
	  .def = "1M",
	  .metavar = "SIZE",
	  .min = 65536,
	  .max = 1ULL << 40,
	  .help = "the same for the files of events and of the audit log" },
};

static const size_t host_n_opts = ARRAY_LEN(host_opts);

const struct opt_group host_groups[] = {
	{ "Host", host_opts, &host_n_opts, 0 },
	{ "Network of the host", net_host_opts, &net_n_host_opts, offsetof(struct host, net) },
};
const size_t host_n_groups = ARRAY_LEN(host_groups);

static void path_of(char out[160], const char *built_in, const char *variable)
{
	const char *v = geteuid() == 0 ? NULL : getenv(variable);

	snprintf(out, 160, "%s", str_or(v, built_in));
}

/* On a systemd host servers live in a unit of their own that is delegated to croft, so that neither
 * a reload of the manager nor the end of a session touches them. */
static const char *default_parent(void)
{
	struct stat st;

	return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode)
		   ? "croft.slice/croft-servers.service"
		   : "croft";
}

int host_load(struct host *ret, struct err *err)
{
	*ret = (struct host) { 0 };
	path_of(ret->etc, CROFT_ETC, "CROFT_ETC");
	path_of(ret->var, CROFT_VAR, "CROFT_VAR");
	path_of(ret->run, CROFT_RUN, "CROFT_RUN");
	path_of(ret->log, CROFT_LOG, "CROFT_LOG");
	path_of(ret->share, CROFT_SHARE, "CROFT_SHARE");
	path_of(ret->libexec, CROFT_LIBEXEC, "CROFT_LIBEXEC");
	ret->set = (struct opt_set) { host_groups, host_n_groups, ret, ret->origin };
	int r = opt_defaults(&ret->set, err);
	if (r < 0)
		return r;
	_cleanup_free_ char *path = xasprintf("%s/croft.conf", ret->etc);
	r = conf_read(path, &ret->file, err);
	if (r == -ENOENT) {
		err_clear(err);
		r = 0;
	} else if (r == 0) {
		r = conf_apply(&ret->file, &ret->set, ORIGIN_HOST, err);
	}
	if (r == 0 && ret->uid_last < ret->uid_first + 65535)
		r = err_set(err, ERR_USAGE, 0,
			    "%s: UID_FIRST and UID_LAST leave no room for a server", path);
	if (r < 0) {
		host_free(ret);
		return r;
	}
	if (!ret->cgroup_parent)
		ret->cgroup_parent = xstrdup(default_parent());
	return 0;
}

void host_free(struct host *h)
{
	if (h->set.base)
		opt_free_all(&h->set);
	conf_free(&h->file);
	*h = (struct host) { 0 };
}
