// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets passwords in a server's shadow(5) or passwd(5), from outside.
 *
 * What must stay true: users are found by name only, as text, never by number; all names are
 * checked before anything is written; every field but the password and its date stays as it was;
 * hashes and passwords are wiped from memory.
 */
#include "dialect/dialect.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include "base/mem.h"
#include "dialect/edit.h"
#include "sys/crypt.h"

#define SSHD_DROPIN "/etc/ssh/sshd_config.d/50-croft.conf"

static void free_secret(char **p)
{
	if (*p)
		explicit_bzero(*p, strlen(*p));
	free(*p);
}
#define _cleanup_secret_ _cleanup_(free_secret)

/* The line whose first field is name, or NULL. */
static char *find_user(char *text, const char *name, size_t n)
{
	for (char *p = text; *p;) {
		char *nl = strchr(p, '\n');

		if (strncmp(p, name, n) == 0 && p[n] == ':')
			return p;
		if (!nl)
			break;
		p = nl + 1;
	}
	return NULL;
}

/* Length of a field, and its beginning: field 0 is the name. NULL when the line has not so many. */
static const char *field(const char *line, int index, size_t *ret_len)
{
	while (index-- > 0) {
		line += strcspn(line, ":\n");
		if (*line++ != ':')
			return NULL;
	}
	*ret_len = strcspn(line, ":\n");
	return line;
}

/* Text with one field of the line at `line` replaced. Frees the old text. */
static char *put_field(char *text, const char *line, int index, const char *value)
{
	size_t len;
	const char *at = field(line, index, &len);
	struct buf b = { 0 };

	if (!at)
		return text;
	buf_add(&b, text, (size_t)(at - text));
	buf_puts(&b, value);
	buf_puts(&b, at + len);
	explicit_bzero(text, strlen(text));
	free(text);
	return buf_steal(&b);
}

/* A server whose own tools hash with yescrypt reads it; others may not. */
static bool knows_yescrypt(int rootfd)
{
	_cleanup_free_ char *pam = NULL;
	struct err ignored;

	return edit_read(rootfd, "/etc/pam.d/common-password", 65536, &pam, &ignored) == 0 &&
	       strstr(pam, "yescrypt");
}

/* The files while they are being changed. */
struct accounts {
	char *passwd, *shadow;
	bool have_shadow, yescrypt;
};

static void set_shadow(struct accounts *a, const char *name, size_t n, const char *hash)
{
	_cleanup_free_ char *today = xasprintf("%ld", (long)(time(NULL) / 86400));
	const char *line = find_user(a->shadow, name, n);
	struct buf b = { 0 };

	if (line) {
		a->shadow = put_field(a->shadow, line, 1, hash);
		a->shadow = put_field(a->shadow, find_user(a->shadow, name, n), 2, today);
		return;
	}
	buf_puts(&b, a->shadow);
	if (b.len && b.s[b.len - 1] != '\n')
		buf_puts(&b, "\n");
	buf_printf(&b, "%.*s:%s:%s:0:99999:7:::\n", (int)n, name, hash, today);
	free(a->shadow);
	a->shadow = buf_steal(&b);
}

static int set_one(struct accounts *a, const char *entry, struct err *err)
{
	const char *colon = strchr(entry, ':');
	_cleanup_secret_ char *hash = NULL;
	size_t n = (size_t)(colon - entry), len = 0;
	const char *old = field(find_user(a->passwd, entry, n), 1, &len);

	if (streq(colon + 1, "!")) {
		hash = xstrdup("!");
	} else {
		int r = crypt_hash(colon + 1, a->yescrypt, &hash, err);

		if (r < 0)
			return err_wrap(err, r, "password of %.*s", (int)n, entry);
	}
	/* "x" sends the reader to shadow(5); a user that is there has its password there. */
	if (a->have_shadow && ((old && len == 1 && *old == 'x') || find_user(a->shadow, entry, n)))
		set_shadow(a, entry, n, hash);
	else
		a->passwd = put_field(a->passwd, find_user(a->passwd, entry, n), 1, hash);
	return 0;
}

static int check_one(const struct accounts *a, const char *entry, struct err *err)
{
	const char *colon = strchr(entry, ':');

	if (!colon || colon == entry || !colon[1])
		return err_set(err, ERR_USAGE, 0, "password: expected USER:PASSWORD");
	if (strpbrk(entry, "\n\r"))
		return err_set(err, ERR_USAGE, 0, "password: a line break cannot be part of it");
	if (!find_user(a->passwd, entry, (size_t)(colon - entry)))
		return err_set(err, ERR_USAGE, 0, "password: there is no user %.*s in the server",
			       (int)(colon - entry), entry);
	return 0;
}

/* Debian's sshd takes no password from root unless told to; whoever sets one means to log in. */
static int let_root_in(int rootfd, const struct strv *passwords, struct err *err)
{
	bool set = false;

	for (size_t i = 0; i < passwords->n; i++)
		if (str_starts(passwords->v[i], "root:"))
			set = !streq(passwords->v[i], "root:!");
	if (!set || !edit_exists(rootfd, "/etc/ssh/sshd_config.d", S_IFDIR))
		return 0;
	return edit_put(rootfd, SSHD_DROPIN,
			"# Written because a password was set for root from outside.\n"
			"PermitRootLogin yes\n",
			0644, 0755, EDIT_DURABLE, err);
}

static int load(int rootfd, struct accounts *a, struct err *err)
{
	int r = edit_read(rootfd, "/etc/passwd", EDIT_MAX, &a->passwd, err);

	if (r < 0)
		return r;
	r = edit_read(rootfd, "/etc/shadow", EDIT_MAX, &a->shadow, err);
	if (r < 0)
		return r;
	a->have_shadow = r == 0;
	a->yescrypt = knows_yescrypt(rootfd);
	return 0;
}

int dialect_passwords(int rootfd, const struct strv *passwords, struct err *err)
{
	_cleanup_secret_ char *wipe_passwd = NULL, *wipe_shadow = NULL;
	struct accounts a = { 0 };
	int r = 0;

	if (passwords->n == 0)
		return 0;
	r = load(rootfd, &a, err);
	for (size_t i = 0; r == 0 && i < passwords->n; i++)
		r = check_one(&a, passwords->v[i], err);
	for (size_t i = 0; r == 0 && i < passwords->n; i++)
		r = set_one(&a, passwords->v[i], err);
	wipe_passwd = a.passwd;
	wipe_shadow = a.shadow;
	if (r == 0 && a.have_shadow)
		r = edit_put(rootfd, "/etc/shadow", a.shadow, 0600, 0755, EDIT_DURABLE, err);
	if (r == 0)
		r = edit_put(rootfd, "/etc/passwd", a.passwd, 0644, 0755, EDIT_DURABLE, err);
	return r == 0 ? let_root_in(rootfd, passwords, err) : r;
}
