// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finds the dialect of a tree, and the option rows of what dialects write.
 *
 * What must stay true: nothing that a tree holds makes detection fail or wait; what cannot be read
 * counts as absent.
 */
#include "dialect/dialect.h"

#include <stdio.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "base/name.h"
#include "base/str.h"
#include "dialect/dialect_files.h"
#include "dialect/edit.h"

#define X(name) extern const struct dialect dialect_##name;
#include "dialect/dialects.def"
#undef X

const struct dialect *const dialects[] = {
#define X(name) &dialect_##name,
#include "dialect/dialects.def"
#undef X
	NULL
};

/* ---- option rows ---- */

static int check_hostname(const struct opt *o, const void *place, struct err *err)
{
	const char *name = *(char *const *)place;

	(void)o;
	return name ? name_check_host(name, err) : 0;
}

/* The words of a password may hold a colon, the user's name not: passwd(5). */
static int check_password(const struct opt *o, const void *place, struct err *err)
{
	const struct strv *l = place;

	(void)o;
	for (size_t i = 0; i < l->n; i++) {
		const char *colon = strchr(l->v[i], ':');

		if (!colon || colon == l->v[i] || !colon[1]) /* the word itself is never shown */
			return err_set(err, ERR_USAGE, 0, "expected USER:PASSWORD");
	}
	return 0;
}

static int check_init(const struct opt *o, const void *place, struct err *err)
{
	const char *path = *(char *const *)place;

	(void)o;
	if (path && *path != '/')
		return err_set(err, ERR_USAGE, 0, "\"%s\" is not an absolute path", path);
	return 0;
}

const struct opt dialect_opts[] = {
	{ .name = "hostname",
	  .type = &opt_str,
	  .off = offsetof(struct dialect_conf, hostname),
	  .flags = OPT_LIVE,
	  .metavar = "NAME",
	  .help = "host name inside, short or fully qualified; unset: the server's name",
	  .check = check_hostname },
	{ .name = "password",
	  .type = &opt_texts,
	  .off = offsetof(struct dialect_conf, password),
	  .flags = OPT_SECRET | OPT_NOSAVE,
	  .metavar = "USER:PASSWORD",
	  .help = "set the password of a user inside; ! as password locks; may be repeated",
	  .check = check_password },
	{ .name = "ssh-key",
	  .type = &opt_texts,
	  .off = offsetof(struct dialect_conf, ssh_key),
	  .flags = OPT_NOSAVE,
	  .metavar = "FILE",
	  .help = "let the keys of this public key file log in as root; may be repeated" },
	{ .name = "init",
	  .type = &opt_str,
	  .off = offsetof(struct dialect_conf, init),
	  .flags = OPT_RARE,
	  .metavar = "PATH",
	  .help = "program to start as process 1; unset: as the distribution has it",
	  .check = check_init },
};
const size_t dialect_n_opts = ARRAY_LEN(dialect_opts);

/* ---- detection ---- */

/* The value of KEY= in os-release(5), without its quotes. */
static void os_release_get(const char *text, const char *key, char *out, size_t n)
{
	size_t klen = strlen(key);

	out[0] = '\0';
	for (const char *p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		size_t len;

		if (strncmp(p, key, klen) != 0 || p[klen] != '=')
			continue;
		p += klen + 1;
		p += *p == '"' || *p == '\'';
		len = strcspn(p, "\"'\n");
		if (len >= n)
			return;
		memcpy(out, p, len);
		out[len] = '\0';
		return;
	}
}

static void read_os_release(int rootfd, struct dialect_facts *f)
{
	static const char *const paths[] = { "/etc/os-release", "/usr/lib/os-release" };

	for (size_t i = 0; i < ARRAY_LEN(paths) && !f->id[0]; i++) {
		_cleanup_free_ char *text = NULL;
		struct err ignored;

		if (edit_read(rootfd, paths[i], 65536, &text, &ignored) != 0)
			continue;
		os_release_get(text, "ID", f->id, sizeof(f->id));
		os_release_get(text, "ID_LIKE", f->id_like, sizeof(f->id_like));
	}
}

static void find_facts(int rootfd, struct dialect_facts *f)
{
	static const char *const systemd = "/lib/systemd/systemd";
	bool have_init = edit_exists(rootfd, "/sbin/init", S_IFREG);

	memset(f, 0, sizeof(*f));
	read_os_release(rootfd, f);
	f->busybox = have_init && edit_same(rootfd, "/sbin/init", "/bin/busybox");
	f->systemd = have_init ? edit_same(rootfd, "/sbin/init", systemd)
			       : edit_exists(rootfd, systemd, S_IFREG);
}

int dialect_detect(int rootfd, const struct dialect **ret, struct err *err)
{
	struct dialect_facts facts;

	find_facts(rootfd, &facts);
	for (const struct dialect *const *d = dialects; *d; d++)
		if ((*d)->takes(&facts)) {
			*ret = *d;
			return 0;
		}
	return err_set(err, ERR_FAIL, 0, "no dialect takes this tree"); /* generic takes all */
}

const struct dialect *dialect_find(const char *name)
{
	for (const struct dialect *const *d = dialects; *d; d++)
		if (streq((*d)->name, name))
			return *d;
	return NULL;
}

/* ---- the stamp ---- */

#define STAMP_FORMAT                                                                               \
	"1" /* to be changed when any configure() writes other text for the same job               \
	     */

static uint64_t add_text(uint64_t h, const char *s)
{
	s = s ? s : "";
	return str_hash(h, s, strlen(s) + 1);
}

static uint64_t add_addr(uint64_t h, const struct addr *a)
{
	char text[ADDR_STRLEN] = "";

	if (a->family)
		addr_print(a, true, text);
	return add_text(h, text);
}

static uint64_t add_list(uint64_t h, const struct strv *l)
{
	for (size_t i = 0; l && i < l->n; i++)
		h = add_text(h, l->v[i]);
	return add_text(h, "");
}

uint64_t dialect_stamp(const struct dialect *d, const struct dialect_job *job)
{
	uint64_t h = add_text(STR_HASH_INIT, STAMP_FORMAT);

	h = add_text(h, d->name);
	h = add_text(h, job->server);
	h = add_text(h, job->hostname);
	h = add_text(h, job->uuid);
	h = add_text(h, job->has_link ? job->guest_if : "");
	for (int i = 0; i < job->n_ip; i++)
		h = add_addr(h, &job->ip[i]);
	h = add_text(h, "");
	h = add_addr(h, &job->gateway4);
	h = add_addr(h, &job->gateway6);
	h = add_list(h, job->nameserver);
	return add_list(h, job->searchdomain);
}
