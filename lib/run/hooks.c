// SPDX-License-Identifier: GPL-2.0-or-later
/* The administrator's scripts; see hooks.h. */
#include "run/hooks.h"

#include "base/mem.h"
#include "hook/hook.h"

int hooks_run(const struct host *h, const struct state *s, const char *event, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/hooks", h->etc);
	_cleanup_free_ char *config = server_conf_path(h, s->name);
	char text[ADDR_STRLEN];
	struct strv ips = { 0 };

	for (int i = 0; i < s->n_ip; i++)
		strv_add(&ips, addr_print(&s->ip[i], false, text));
	_cleanup_free_ char *ip = strv_join(&ips, " ");
	strv_free(&ips);
	struct hook_env env = {
		.server = s->name,
		.event = event,
		.state = state_word(h, s),
		.config = config,
		.ip = ip,
		.init = s->init,
	};
	return hook_run(dir, &env, (int)h->hook_timeout, err);
}
