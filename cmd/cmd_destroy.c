// SPDX-License-Identifier: GPL-2.0-or-later
/* croft destroy: a server, its files, its addresses and ids go. */
#include <fcntl.h>
#include "base/mem.h"
#include "out.h"
#include "run/run.h"
#include "sys/fd.h"

/* Whether its file may have DEPENDS: most have not, and with a thousand servers it counts. */
static bool may_depend(const struct host *h, const char *name)
{
	_cleanup_free_ char *path = server_conf_path(h, name);
	_cleanup_free_ char *text = NULL;

	return fd_read_file(AT_FDCWD, path, CONF_FILE_MAX, &text, NULL) == 0 &&
	       strstr(text, "DEPENDS=");
}

static void warn_dependants(const struct cmd_ctx *ctx, const char *gone)
{
	_cleanup_(strv_free) struct strv all = {}, found = {};
	struct err unused = {};

	(void)server_list(ctx->host, &all, &unused);
	for (size_t i = 0; i < all.n; i++) {
		struct server s;

		if (strv_has(&ctx->names, all.v[i]) || !may_depend(ctx->host, all.v[i]) ||
		    server_load(&s, ctx->host, all.v[i], &unused) < 0)
			continue;
		if (strv_has(&s.boot.depends, gone))
			strv_add(&found, all.v[i]);
		server_free(&s);
	}
	if (!found.n)
		return;
	_cleanup_free_ char *names = strv_join(&found, ", ");
	_cleanup_free_ char *text = xasprintf("still in DEPENDS of %s", names);
	out_warn(ctx, gone, text);
}

static int destroy_one(struct cmd_ctx *ctx, const char *name, struct err *err)
{
	struct run_opts o = { .deadline_ms = ctx->deadline_ms };
	int ret = run_destroy(ctx->host, name, cmd_flag(ctx, "force"), &o, err);

	ctx->changed = ret == 0;
	if (ret == 0 && !ctx->all)
		warn_dependants(ctx, name);
	return ret;
}

static const struct cmd_opt opts[] = {
	{ .name = "force", .help = "kill it first if it runs; also without a configuration file" },
};

const struct cmd cmd_destroy = {
	.name = "destroy",
	.section = "Servers",
	.args = "NAME...",
	.help = "remove a stopped server and everything that is its own",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.flags = CMD_ROOT | CMD_NAMES | CMD_AUDIT,
	.one = destroy_one,
	.deadline = 300,
};
