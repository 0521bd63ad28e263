// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who has which address. DIR/ADDRESS is a symbolic link to the owner's name: symlinkat(2) makes it
 * or says EEXIST, so two commands cannot give one address to two servers, and no lock is needed.
 *
 * Where the search for a free address begins is only a hint (DIR/.next-SUBNET): when it is lost or
 * wrong the search takes longer and finds the same.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "base/name.h"
#include "base/parse.h"
#include "net/net.h"
#include "sys/fd.h"
#include "sys/nl.h"

static int open_dir(const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0 && errno == ENOENT) {
		r = fd_mkdir_p(dir, 0700);
		if (r < 0)
			return err_set(err, ERR_FAIL, -r, "cannot make %s", dir);
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return err_errno(err, "cannot open %s", dir);
	return fd;
}

/* "" and -ENOENT when nobody has it. */
static int owner_of(int dir, const char *name, char ret[NAME_MAX_LEN + 1])
{
	ssize_t n = readlinkat(dir, name, ret, NAME_MAX_LEN);

	ret[n < 0 ? 0 : n] = 0;
	return n < 0 ? -errno : 0;
}

static int reserve_at(int dir, const char *name, const char *server)
{
	return symlinkat(server, dir, name) < 0 ? -errno : 0;
}

int net_reserve(const char *dir, const struct addr *a, const char *server, struct err *err)
{
	char name[ADDR_STRLEN], owner[NAME_MAX_LEN + 1];
	_cleanup_close_ int fd = open_dir(dir, err);
	int r;

	if (fd < 0)
		return fd;
	addr_print(a, false, name);
	/* Twice round only when the owner gives it back between the two calls. */
	for (;;) {
		r = reserve_at(fd, name, server);
		if (r != -EEXIST)
			break;
		r = owner_of(fd, name, owner);
		if (r == 0 && streq(owner, server))
			return 0;
		if (r == 0) {
			err_set(err, ERR_EXISTS, 0,
				"address %s is in use by server %s: choose another", name, owner);
			return -EEXIST;
		}
		if (r != -ENOENT)
			break;
	}
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot reserve address %s in %s", name, dir);
	if (nl_is_local(a) == 1) {
		unlinkat(fd, name, 0);
		err_set(err, ERR_EXISTS, 0, "address %s is one of this host's own: choose another",
			name);
		return -EEXIST;
	}
	return 0;
}

static void hint_name(const struct addr *subnet, char *ret, size_t n)
{
	char text[ADDR_STRLEN];

	addr_print(subnet, true, text);
	*strchr(text, '/') = '_';
	snprintf(ret, n, ".next-%s", text);
}

static uint64_t hint_read(int dir, const char *name, uint64_t first, uint64_t last)
{
	_cleanup_free_ char *text = NULL;
	uint64_t n;

	if (fd_read_file(dir, name, 32, &text, NULL) < 0)
		return first;
	text[strcspn(text, "\n")] = 0;
	if (parse_u64(text, &n) < 0 || n < first || n > last)
		return first;
	return n;
}

static void hint_write(int dir, const char *name, uint64_t n)
{
	char text[32];

	/* Lost hints cost time, not correctness: neither durable nor checked. */
	snprintf(text, sizeof(text), "%" PRIu64 "\n", n);
	(void)fd_overwrite(dir, name, text);
}

/* 1: taken, ret is it. 0: in use. */
static int try_address(int dir, const struct addr *subnet, uint64_t n, const char *server,
		       struct addr *ret)
{
	char name[ADDR_STRLEN];
	struct addr a;
	int r;

	r = addr_nth(subnet, n, &a);
	if (r < 0)
		return r;
	addr_print(&a, false, name);
	r = reserve_at(dir, name, server);
	if (r < 0)
		return r == -EEXIST ? 0 : r;
	if (nl_is_local(&a) == 1) {
		unlinkat(dir, name, 0);
		return 0;
	}
	*ret = a;
	return 1;
}

static int no_room(struct err *err, const char *subnet, const char *why)
{
	err_set(err, ERR_ROOM, 0, "subnet %s %s", subnet, why);
	return -ENOSPC;
}

int net_allocate(const char *dir, const struct addr *subnet, const char *server, struct addr *ret,
		 struct err *err)
{
	int bits = addr_bytes(subnet) * 8 - subnet->prefix, r = 0;
	char hint[ADDR_STRLEN + 8], text[ADDR_STRLEN];
	uint64_t first = 2, last, start, n;
	_cleanup_close_ int fd = -1;

	addr_print(subnet, true, text);
	/* 2^32 addresses are enough to search, also where IPv6 has more. */
	last = (bits >= 32 ? UINT32_MAX : (1ULL << bits) - 1) - (subnet->family == AF_INET);
	if (bits < 2)
		last = 0;
	if (last < first)
		return no_room(err, text,
			       "is too small for servers: set a larger SUBNET in croft.conf");
	fd = open_dir(dir, err);
	if (fd < 0)
		return fd;
	hint_name(subnet, hint, sizeof(hint));
	start = n = hint_read(fd, hint, first, last);
	do {
		r = try_address(fd, subnet, n, server, ret);
		n = n == last ? first : n + 1;
	} while (r == 0 && n != start);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot reserve an address of %s in %s", text,
			       dir);
	if (r == 0)
		return no_room(err, text,
			       "is full: destroy servers, or set a larger SUBNET in croft.conf");
	hint_write(fd, hint, n);
	return 0;
}

static int release_at(int dir, const char *name, const char *server)
{
	char owner[NAME_MAX_LEN + 1];
	int r = owner_of(dir, name, owner);

	if (r == -ENOENT || r == -EINVAL || (r == 0 && !streq(owner, server)))
		return 0;
	if (r < 0)
		return r;
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int net_release(const char *dir, const struct addr *a, const char *server)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[ADDR_STRLEN];

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return release_at(fd, addr_print(a, false, name), server);
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

static bool is_kept(const char *name, const struct addr *keep, size_t n)
{
	char text[ADDR_STRLEN];

	for (size_t i = 0; i < n; i++)
		if (streq(name, addr_print(&keep[i], false, text)))
			return true;
	return false;
}

int net_release_all(const char *dir, const char *server, const struct addr *keep, size_t n_keep,
		    struct err *err)
{
	_cleanup_(dir_closep) DIR *d = opendir(dir);
	const struct dirent *e;
	int r, ret = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_errno(err, "cannot open %s", dir);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || is_kept(e->d_name, keep, n_keep))
			continue;
		r = release_at(dirfd(d), e->d_name, server);
		if (r < 0 && !ret)
			ret = err_set(err, ERR_FAIL, -r, "cannot release address %s in %s",
				      e->d_name, dir);
	}
	return ret;
}
