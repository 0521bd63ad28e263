// SPDX-License-Identifier: GPL-2.0-or-later
/* Which servers a command is about; see select.h. */
#include "select.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/name.h"

int select_running(const struct host *h, struct strv *ret, struct err *err)
{
	DIR *d = opendir(h->run);
	struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0 : err_errno(err, "cannot read %s", h->run);
	while ((e = readdir(d))) {
		_cleanup_free_ char *state = xasprintf("%s/state.json", e->d_name);

		if (e->d_name[0] != '.' && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) &&
		    faccessat(dirfd(d), state, F_OK, 0) == 0)
			strv_add(ret, e->d_name);
	}
	closedir(d);
	strv_sort(ret);
	return 0;
}

bool select_matches(const struct cmd_ctx *ctx, const char *name)
{
	for (size_t i = 0; i < ctx->n_rest; i++)
		if (fnmatch(ctx->rest[i], name, 0) == 0)
			return true;
	return ctx->n_rest == 0;
}

int select_words(const struct cmd_ctx *ctx, struct strv *named, struct err *err)
{
	int absent = 0;

	for (size_t i = 0; i < ctx->n_rest; i++) {
		const char *word = ctx->rest[i];
		int ret;

		if (strpbrk(word, "*?["))
			continue;
		ret = name_check("server", word, err);
		if (ret < 0)
			return ret;
		if (!server_exists(ctx->host, word))
			absent = err_set(err, ERR_ABSENT, 0, "no server %s", word);
		else if (!strv_has(named, word))
			strv_add(named, word);
	}
	strv_sort(named);
	return absent;
}

bool select_tagged(const struct server *s, const struct strv *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		if (!strv_has(&s->boot.tag, tags->v[i]))
			return false;
	return true;
}
