// SPDX-License-Identifier: GPL-2.0-or-later
/* Readers of croft's own files, which an administrator or a crash may have changed. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "run/state.h"
#include "server/server.h"
#include "sys/fd.h"

/* What was read and is saved is read again as the same. */
static void same_options(const struct server *a, const struct server *b)
{
	const struct opt_group *g;
	const struct opt *o;

	for (size_t i = 0; opt_each(&a->set, &i, &g, &o);) {
		_cleanup_free_ char *x = opt_text(&a->set, o), *y = opt_text(&b->set, o);

		MUST(streq(x, y));
	}
	MUST(!*a->uuid || streq(a->uuid, b->uuid));
}

void fuzz_server(char *text, size_t n)
{
	static struct host h;
	struct server a, b;
	struct err err = { 0 };
	static char *dir;

	if (!dir) {
		dir = fuzz_subdir("etc/servers");
		snprintf(h.etc, sizeof(h.etc), "%s/etc", fuzz_dir());
		h.set = (struct opt_set) { host_groups, host_n_groups, &h, h.origin };
	}
	/* The same text as croft.conf. */
	if (opt_defaults(&h.set, &err) == 0 &&
	    conf_parse("croft.conf", text, n, &h.file, &err) == 0) {
		(void)conf_apply(&h.file, &h.set, ORIGIN_HOST, &err);
		conf_free(&h.file);
	}
	opt_free_all(&h.set);
	fuzz_file(dir, "web1.conf", text, n);
	if (server_load(&a, &h, "web1", &err) < 0) {
		MUST(*err.text);
		return;
	}
	MUST(server_save(&a, &h, &err) == 0);
	MUST(server_load(&b, &h, "web1", &err) == 0);
	same_options(&a, &b);
	server_free(&a);
	server_free(&b);
}

static char *saved(const struct host *h, const char *dir, const struct state *s)
{
	struct err err = { 0 };
	char *text;

	MUST(state_save(h, s, &err) == 0);
	MUST(fd_read_file(AT_FDCWD, dir, 1 << 20, &text, NULL) == 0);
	return text;
}

/* There is a quick reader for what state_save() wrote, and a general one, which a blank before the
 * text asks for. Both must read the same. */
void fuzz_state(char *text, size_t n)
{
	static struct host h;
	static char *dir, *path;
	struct state quick, slow, again;
	struct err err = { 0 };
	int64_t when;

	if (!dir) {
		dir = fuzz_subdir("web1");
		path = xasprintf("%s/state.json", dir);
		free(fuzz_subdir("servers/web1"));
		snprintf(h.run, sizeof(h.run), "%s", fuzz_dir());
		snprintf(h.var, sizeof(h.var), "%s", fuzz_dir());
	}
	fuzz_file(fuzz_dir(), "servers/web1/ended", text, n);
	free(state_last_end(&h, "web1", &when));
	_cleanup_free_ char *blank = xasprintf(" %s", text);
	fuzz_file(dir, "state.json", blank, strlen(blank));
	bool slow_ok = state_load(&h, "web1", &slow, &err) == 0;
	fuzz_file(dir, "state.json", text, n);
	if (state_load(&h, "web1", &quick, &err) < 0) {
		MUST(*err.text);
		return;
	}
	MUST(streq(quick.name, "web1") && quick.n_ip <= NET_MAX_IP);
	_cleanup_free_ char *a = saved(&h, path, &quick);
	MUST(state_load(&h, "web1", &again, &err) == 0);
	_cleanup_free_ char *b = saved(&h, path, &again);
	MUST(streq(a, b));
	if (slow_ok) {
		_cleanup_free_ char *c = saved(&h, path, &slow);

		MUST(streq(a, c));
	}
}
