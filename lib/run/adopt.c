// SPDX-License-Identifier: GPL-2.0-or-later
/* Adoption: a new monitor for a server that lost its own. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/events.h"
#include "run/groups.h"
#include "run/monitor.h"
#include "run/recover.h"
#include "run/traffic.h"
#include "sys/cg.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/proc.h"

struct adoption {
	const char *program;
	char *const *argv;
	int error;
	int held;  /* see traffic.h */
	int enter; /* the monitors' group, when it was not born there; else -1 */
	bool ran;
	int parents[CG_V1_MAX], n_parents; /* version 1 "tasks" files */
};

static int become_monitor(void *arg)
{
	static char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	struct adoption *a = arg;

	a->ran = true;
	if (a->enter >= 0)
		(void)fd_write_file(a->enter, "cgroup.procs", "0");
	/* As after a start: nothing of the operator's session is kept. */
	for (int i = 0; i < a->n_parents; i++)
		(void)!write(a->parents[i], "0", 1);
	(void)clone_leave_keyring();
	traffic_hand(a->held, -1);
	execve(a->program, a->argv, env);
	a->error = errno;
	_exit(127);
}

int recover_monitor(const struct host *h, struct state *s, struct err *err)
{
	_cleanup_free_ char *program = xasprintf("%s/croft-monitor", h->libexec);
	_cleanup_free_ char *dir = state_dir(h, s->name);
	_cleanup_free_ char *log = xasprintf("%s/%s.console.log", h->log, s->name);
	_cleanup_free_ char *init = xasprintf("%d", s->init);
	_cleanup_free_ char *log_max = xasprintf("%llu", (unsigned long long)h->console_log);
	_cleanup_free_ char *event_max = xasprintf("%llu", (unsigned long long)h->event_log);
	_cleanup_free_ char *events = event_path(h);
	struct limit_notice notice;
	struct cg_layout layout;
	char self[256];

	if (proc_goes_on(s->monitor, s->monitor_start))
		return 0;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	int r = groups_layout(h, &layout, err);
	if (r < 0)
		return r;
	_cleanup_close_ int group = cg_monitor_open(&layout, h->cgroup_parent, err);
	if (group < 0)
		return group;
	limit_notice(&layout, s->cgroup, &notice);
	char *argv[] = { "croft-monitor", s->name,   init,	    dir,	 log, log_max, self,
			 events,	  event_max, notice.memory, notice.pids, "",  NULL };
	_cleanup_close_ int held = traffic_hold_init(s);
	struct adoption a = { .program = program, .argv = argv, .held = held, .enter = -1 };
	a.n_parents = cg_parent_fds(&layout, h->cgroup_parent, true, a.parents, err);
	if (a.n_parents < 0)
		return a.n_parents;
	pid_t pid = clone_vfork(become_monitor, &a, group);
	if (pid > 0 && !a.ran) { /* killed at birth: see clone_again() in birth.c */
		waitpid(pid, NULL, 0);
		close(group);
		group = a.enter = cg_monitor_renew(&layout, h->cgroup_parent, err);
		pid = group < 0 ? 0 : clone_vfork(become_monitor, &a, -1);
	}
	for (int i = 0; i < a.n_parents; i++)
		close(a.parents[i]);
	if (group < 0)
		return group;
	if (pid < 0 || a.error)
		return err_set(err, ERR_HOST, a.error ? a.error : -pid, "cannot run %s", program);
	s->monitor = pid;
	s->monitor_start = proc_start_time(pid);
	r = state_save(h, s, err);
	if (r == 0)
		event_text(h, s->name, EVENT_RECOVER, "what",
			   "its monitor was gone; it has another");
	return r;
}
