// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's control groups; see groups.h. systemd owns the tree of groups: one made behind its
 * back would lose its controllers at the next reload (systemd's CGROUP_DELEGATION document). */
#include "run/groups.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/lock.h"
#include "sys/spawn.h"

#define UNIT "croft-servers.service"

/* The delegated unit, once per boot: after that one access(2). */
static int ensure_unit(const struct host *h, const char *cache, struct err *err)
{
	static const char *const argv[] = { "/bin/systemctl", "start", UNIT, NULL };
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	struct spawn_job job = {
		.argv = argv, .env = env, .log_fd = -1, .deadline_ms = clock_ms() + 30000
	};
	struct spawn_result done;
	char why[256];
	struct stat st;

	if (!str_ends(h->cgroup_parent, "/" UNIT) || access(cache, F_OK) == 0 ||
	    lstat("/run/systemd/system", &st) < 0)
		return 0;
	int r = spawn_run(&job, &done, err);
	if (r < 0)
		return err_wrap(err, r, "cannot start " UNIT);
	if (done.code != 0)
		return err_set(err, ERR_HOST, 0, "systemd cannot start " UNIT ": %s",
			       spawn_last_lines(&done, 1, why, sizeof(why)));
	return 0;
}

int groups_layout(const struct host *h, struct cg_layout *ret, struct err *err)
{
	_cleanup_free_ char *cache = xasprintf("%s/.cgroups", h->run);
	int r = ensure_unit(h, cache, err);

	return r < 0 ? r : cg_layout_get(cache, h->cgroup_parent, ret, err);
}

int groups_devices(const struct host *h, const struct server *s, const struct limit_conf *old,
		   struct blk_devs *ret, struct err *err)
{
	if (!limit_wants_devices(&s->limit, old)) { /* as nearly always */
		*ret = (struct blk_devs) { 0 };
		return 0;
	}
	_cleanup_free_ char *servers = xasprintf("%s/servers", h->var);
	const char *own =
	    access(servers, F_OK) == 0 ? servers : h->var; /* before the first create */
	_cleanup_free_ char *template =
	    xasprintf("%s/templates/%s/root", h->var, str_or(s->store.template, ""));
	const char *const dir[] = { own, template };

	return limit_devices(&s->limit, old, dir, ARRAY_LEN(dir), ret, err);
}

int groups_check(const struct host *h, const struct server *s, const struct limit_conf *old,
		 struct cg_layout *ret, struct blk_devs *ret_devs, struct err *err)
{
	_cleanup_free_ char *cache = xasprintf("%s/.cgroups", h->run);
	int r = groups_layout(h, ret, err);

	if (r == 0 && limit_check(ret, &s->limit, err) < 0) {
		unlink(cache);
		err_clear(err);
		r = groups_layout(h, ret, err);
		if (r == 0)
			r = limit_check(ret, &s->limit, err);
	}
	return r < 0 ? r : groups_devices(h, s, old, ret_devs, err);
}
