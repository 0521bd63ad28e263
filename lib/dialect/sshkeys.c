// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adds public keys of the host's files to root's authorized_keys(5) in a server.
 *
 * What must stay true: a private key never leaves the host; a key that is there is not added twice;
 * all files are read and checked before the server's is written.
 */
#include "dialect/dialect.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "dialect/edit.h"
#include "sys/fd.h"

#define KEY_FILE_MAX 65536

/* sshd(8), "AUTHORIZED_KEYS FILE FORMAT": options may stand before the type. */
static bool is_key(const char *line)
{
	static const char *const types[] = { "ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-" };

	for (const char *p = line; p; p = strchr(p, ' '), p = p ? p + 1 : NULL)
		for (size_t i = 0; i < ARRAY_LEN(types); i++) {
			const char *blank;

			if (!str_starts(p, types[i]))
				continue;
			blank = strchr(p, ' ');
			if (blank && strlen(blank + 1) >= 32)
				return true;
		}
	return false;
}

/* 1 for a key, 0 for a comment or nothing. */
static int take_line(char *line, const char *path, int number, struct strv *keys, struct err *err)
{
	while (isspace((unsigned char)*line))
		line++;
	for (size_t n = strlen(line); n > 0 && isspace((unsigned char)line[n - 1]); n--)
		line[n - 1] = '\0';
	if (!*line || *line == '#')
		return 0;
	if (strstr(line, "PRIVATE KEY"))
		return err_set(err, ERR_USAGE, 0,
			       "ssh-key %s: this is a private key; give its .pub file", path);
	for (const char *c = line; *c; c++)
		if (iscntrl((unsigned char)*c))
			return err_set(err, ERR_USAGE, 0,
				       "ssh-key %s: line %d has control characters", path, number);
	if (!is_key(line))
		return err_set(err, ERR_USAGE, 0, "ssh-key %s: line %d is not a public key", path,
			       number);
	if (!strv_has(keys, line))
		strv_add(keys, line);
	return 1;
}

static int take_file(const char *path, struct strv *keys, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int number = 0, found = 0, r = fd_read_file(AT_FDCWD, path, KEY_FILE_MAX, &text, &len);

	if (r == -EINVAL || r == -EISDIR || r == -ENXIO)
		return err_set(err, ERR_USAGE, 0, "ssh-key %s: not an ordinary file", path);
	if (r < 0)
		return err_set(err, r == -ENOENT || r == -EFBIG ? ERR_USAGE : ERR_FAIL, -r,
			       "ssh-key %s", path);
	if (strlen(text) != len)
		return err_set(err, ERR_USAGE, 0, "ssh-key %s: not a text file", path);
	for (char *p = text, *next; p; p = next) {
		next = strchr(p, '\n');
		if (next)
			*next++ = '\0';
		r = take_line(p, path, ++number, keys, err);
		if (r < 0)
			return r;
		found += r;
	}
	if (!found)
		return err_set(err, ERR_USAGE, 0, "ssh-key %s: no key in it", path);
	return 0;
}

/* Where root's home is; only an absolute path without ".." is believed. */
static char *root_home(int rootfd, struct err *err)
{
	_cleanup_free_ char *passwd = NULL;
	char *p, *end;

	if (edit_read(rootfd, "/etc/passwd", EDIT_MAX, &passwd, err) < 0)
		return NULL;
	p = str_starts(passwd, "root:") ? passwd : strstr(passwd, "\nroot:");
	p = p && *p == '\n' ? p + 1 : p;
	for (int i = 0; p && i < 5; i++) {
		p = strpbrk(p, ":\n");
		p = p && *p == ':' ? p + 1 : NULL;
	}
	end = p ? strpbrk(p, ":\n") : NULL;
	if (!end || *p != '/' || end - p > 200)
		return xstrdup("/root");
	*end = '\0';
	return strstr(p, "..") || streq(p, "/") ? xstrdup("/root") : xstrdup(p);
}

static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = text; (p = strstr(p, line)); p++)
		if ((p == text || p[-1] == '\n') && (p[n] == '\n' || p[n] == '\0'))
			return true;
	return false;
}

static int append(int rootfd, const struct strv *keys, struct err *err)
{
	_cleanup_free_ char *home = root_home(rootfd, err), *path = NULL, *old = NULL;
	_cleanup_(buf_free) struct buf b = { 0 };
	int r;

	if (!home)
		return -EINVAL;
	path = xasprintf("%s/.ssh/authorized_keys", home);
	r = edit_read(rootfd, path, EDIT_MAX, &old, err);
	if (r < 0)
		return r;
	buf_puts(&b, old);
	if (b.len && b.s[b.len - 1] != '\n')
		buf_puts(&b, "\n");
	for (size_t i = 0; i < keys->n; i++)
		if (!has_line(old, keys->v[i]))
			buf_printf(&b, "%s\n", keys->v[i]);
	/* sshd refuses keys in a directory that others may write. */
	return edit_put(rootfd, path, b.s, 0600, 0700, EDIT_DURABLE, err);
}

int dialect_ssh_keys(int rootfd, const struct strv *files, struct err *err)
{
	struct strv keys = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->n; i++)
		r = take_file(files->v[i], &keys, err);
	if (r == 0 && keys.n > 0)
		r = append(rootfd, &keys, err);
	strv_free(&keys);
	return r;
}
