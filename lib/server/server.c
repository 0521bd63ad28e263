// SPDX-License-Identifier: GPL-2.0-or-later
/* A server's configuration: NAME.conf and the host's defaults become one struct. */
#include "server/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/name.h"
#include "sys/fd.h"

#define TAG_MAX	    63
#define TAG_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@=-"

static int check_depends(const struct opt *o, const void *place, struct err *err)
{
	const struct strv *l = place;
	int r = 0;

	(void)o;
	for (size_t i = 0; r == 0 && i < l->n; i++)
		r = name_check("server", l->v[i], err);
	return r;
}

/* A word that can be typed in a shell as it is. */
static int check_tags(const struct opt *o, const void *place, struct err *err)
{
	const struct strv *l = place;

	for (size_t i = 0; i < l->n; i++) {
		const char *tag = l->v[i];
		size_t n = strlen(tag);

		if (n > TAG_MAX || strspn(tag, TAG_LETTERS) != n || *tag == '-')
			return err_set(err, ERR_USAGE, 0,
				       "%s: \"%s\": expected at most %d letters, digits or any of "
				       "._:/@=-, the first no -",
				       o->name, tag, TAG_MAX);
	}
	return 0;
}

static const struct opt boot_opts[] = {
	{ .name = "onboot",
	  .type = &opt_bool,
	  .off = offsetof(struct boot_conf, onboot),
	  .def = "no",
	  .metavar = "yes|no",
	  .help = "start it when the host boots",
	  .flags = OPT_LIVE },
	{ .name = "boot-order",
	  .type = &opt_u64,
	  .off = offsetof(struct boot_conf, boot_order),
	  .def = "100",
	  .metavar = "N",
	  .max = 65535,
	  .help = "lower numbers start first and stop last",
	  .flags = OPT_RARE | OPT_LIVE },
	{ .name = "depends",
	  .type = &opt_words,
	  .off = offsetof(struct boot_conf, depends),
	  .check = check_depends,
	  .metavar = "NAME",
	  .help = "servers that must have started before it",
	  .flags = OPT_RARE | OPT_LIVE },
	{ .name = "stop-timeout",
	  .type = &opt_duration,
	  .off = offsetof(struct boot_conf, stop_timeout),
	  .def = "60",
	  .metavar = "SEC",
	  .max = 86400000,
	  .help = "time init has to stop before it is killed",
	  .flags = OPT_LIVE },
	{ .name = "description",
	  .type = &opt_str,
	  .off = offsetof(struct boot_conf, description),
	  .metavar = "TEXT",
	  .help = "free text of the administrator",
	  .flags = OPT_RARE | OPT_LIVE },
	{ .name = "tag",
	  .type = &opt_words,
	  .off = offsetof(struct boot_conf, tag),
	  .check = check_tags,
	  .metavar = "TAG",
	  .help = "words by which servers are chosen: croft list --tag",
	  .flags = OPT_RARE | OPT_LIVE },
};

static const struct opt view_opts[] = {
	{ .name = "view",
	  .type = &opt_choice,
	  .off = offsetof(struct view_conf, view),
	  .flags = OPT_RARE,
	  .def = "auto",
	  .metavar = "KIND",
	  .choices = "auto none lxcfs",
	  .help = "whether /proc/meminfo and its like show the server's own numbers" },
};

static const size_t view_n_opts = ARRAY_LEN(view_opts);

static const size_t boot_n_opts = ARRAY_LEN(boot_opts);

const struct opt_group server_groups[] = {
	{ "Root", store_opts, &store_n_opts, offsetof(struct server, store) },
	{ "Limits", limit_opts, &limit_n_opts, offsetof(struct server, limit) },
	{ "Limits", disk_opts, &disk_n_opts, offsetof(struct server, disk) },
	{ "Limits", limit_raw_opts, &limit_raw_n_opts, offsetof(struct server, raw) },
	{ "Network", net_opts, &net_n_opts, offsetof(struct server, net) },
	{ "Inside", dialect_opts, &dialect_n_opts, offsetof(struct server, dialect) },
	{ "Inside", view_opts, &view_n_opts, offsetof(struct server, view) },
	{ "Guard", guard_opts, &guard_n_opts, offsetof(struct server, guard) },
	{ "Boot", boot_opts, &boot_n_opts, offsetof(struct server, boot) },
};
const size_t server_n_groups = ARRAY_LEN(server_groups);

char *server_conf_path(const struct host *h, const char *name)
{
	return xasprintf("%s/servers/%s.conf", h->etc, name);
}

bool server_exists(const struct host *h, const char *name)
{
	_cleanup_free_ char *path = server_conf_path(h, name);
	struct stat st;

	return lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* Keys of croft.conf that are a server's options are defaults for every server. */
static int host_defaults(struct server *s, const struct host *h, struct err *err)
{
	if (!h->file.n)
		return 0;
	return conf_apply(&h->file, &s->set, ORIGIN_HOST, err);
}

int server_check_depends(const struct server *s, struct err *err)
{
	return strv_has(&s->boot.depends, s->name)
		   ? err_set(err, ERR_USAGE, 0, "--depends: it cannot depend on itself")
		   : 0;
}

int server_init(struct server *s, const struct host *h, const char *name, struct err *err)
{
	int r = name_check("server", name, err);

	if (r < 0)
		return r;
	*s = (struct server) { 0 };
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->set = (struct opt_set) { server_groups, server_n_groups, s, s->origin };
	r = opt_defaults(&s->set, err);
	if (r == 0)
		r = host_defaults(s, h, err);
	if (r < 0)
		server_free(s);
	return r;
}

/* Written by create and kept; it becomes the machine id. A file made by hand may lack it. */
static int read_uuid(struct server *s, struct err *err)
{
	int line = 0;
	const char *uuid = conf_get(&s->file, "UUID", &line);

	if (!uuid)
		return 0;
	if (strlen(uuid) != 32 || strspn(uuid, "0123456789abcdef") != 32)
		return err_set(
		    err, ERR_USAGE, 0,
		    "%s:%d: UUID: expected 32 digits of 0-9 and a-f, as create writes it",
		    s->file.path, line);
	snprintf(s->uuid, sizeof(s->uuid), "%s", uuid);
	return 0;
}

int server_load(struct server *s, const struct host *h, const char *name, struct err *err)
{
	_cleanup_free_ char *path = server_conf_path(h, name);

	return server_load_from(s, h, name, path, err);
}

int server_load_from(struct server *s, const struct host *h, const char *name, const char *path,
		     struct err *err)
{
	int r = server_init(s, h, name, err);

	if (r < 0)
		return r;
	r = conf_read(path, &s->file, err);
	if (r == -ENOENT)
		r = err_set(err, ERR_ABSENT, 0, "no such server");
	if (r == 0)
		r = conf_apply(&s->file, &s->set, ORIGIN_FILE, err);
	if (r == 0)
		r = read_uuid(s, err);
	if (r < 0) {
		server_free(s);
		return r;
	}
	free(s->file.path);
	s->file.path = server_conf_path(h, name);
	return 0;
}

/* Everything that was given for this server goes to its file; what is a default stays a default. */
int server_save(struct server *s, const struct host *h, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/servers", h->etc);
	const struct opt_group *g;
	const struct opt *o;
	size_t i = 0;

	if (!s->file.path)
		s->file.path = server_conf_path(h, s->name);
	while (opt_each(&s->set, &i, &g, &o)) {
		if (o->flags & (OPT_SECRET | OPT_NOSAVE) || opt_origin_of(&s->set, o) < ORIGIN_FILE)
			continue;
		_cleanup_free_ char *key = opt_key(o->name);
		_cleanup_free_ char *text = opt_text(&s->set, o);
		const char *old = conf_get(&s->file, key, NULL);
		if (!old || !streq(old, text))
			conf_set(&s->file, key, text);
	}
	if (*s->uuid && !conf_get(&s->file, "UUID", NULL))
		conf_set(&s->file, "UUID", s->uuid);
	int r = fd_mkdir_p(dir, 0755);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot create %s", dir);
	return conf_write(&s->file, 0600, err);
}

void server_free(struct server *s)
{
	if (s->set.base)
		opt_free_all(&s->set);
	conf_free(&s->file);
	*s = (struct server) { 0 };
}

int server_list(const struct host *h, struct strv *ret, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/servers", h->etc);

	return conf_list(dir, "server", ret, err);
}
