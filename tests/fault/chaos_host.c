// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chaos, the host: what is true of it when no command runs, and what must be. Nothing that is left
 * may belong to a server that is not there, and no two servers may have the same.
 */
#include "chaos.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void host_croft(const char *words, char *out, size_t size)
{
	char err[1024];
	int fd[2], status;
	pid_t pid = spawn(words, fd);

	waitpid(pid, &status, 0);
	take_text(fd[0], out, size);
	take_text(fd[1], err, sizeof(err));
	if (!WIFEXITED(status) || WEXITSTATUS(status) || *err)
		failure("croft %s: wait status 0x%x, %s", words, (unsigned)status, err);
}

bool host_read(struct truth t[MAX_NAMES])
{
	static char text[65536];
	bool settled = true;
	char *save;

	memset(t, 0, sizeof(t[0]) * MAX_NAMES);
	host_croft("list -a -H -o name,state,pids,init-pid,monitor-pid,uid-base,ip,cgroup-path",
		   text, sizeof(text));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct truth x = { .there = true };
		char name[64];

		if (sscanf(line, "%63s %15s %15s %15s %15s %15s %127s %127s", name, x.state, x.pids,
			   x.init, x.monitor, x.base, x.ip, x.group) != 8) {
			failure("a line of list: %s", line);
			continue;
		}
		for (int i = 0; i < n_names; i++)
			if (!strcmp(name, name_of(i)))
				t[i] = x;
		settled &= !strcmp(x.state, "running") || !strcmp(x.state, "stopped") ||
			   !strcmp(x.state, "suspended");
	}
	return settled;
}

static bool there(const char *fmt, ...)
{
	char path[256];
	struct stat st;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return lstat(path, &st) == 0;
}

/* The beginning of a file, without its line's end. */
static const char *file_text(char *text, size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*text = 0;
	if (fd >= 0)
		take_text(fd, text, size);
	return text;
}

/* Both kinds of control groups, and the mixed layout. */
static void check_groups(const char *name, const struct truth *t)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified",
					     "/sys/fs/cgroup/pids", "/sys/fs/cgroup/freezer" };
	char path[256], text[64];
	bool found = false;

	for (int i = 0; i < 4; i++) {
		if (*t->init == '-' || !t->there) {
			if (there("%s/%s/%s", roots[i], parent_group, name))
				failure("%s has a group left in %s", name, roots[i]);
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s/pids.max", roots[i], t->group);
		file_text(text, sizeof(text), path);
		text[strcspn(text, "\n")] = 0;
		found |= *text;
		if (*text && strcmp(text, t->pids))
			failure("%s: %s has %s, list says %s", name, path, text, t->pids);
	}
	if (t->there && *t->init != '-' && !found)
		failure("%s has no pids.max", name);
}

static bool has_link(const char *name)
{
	char link[IF_NAMESIZE];

	snprintf(link, sizeof(link), "c%.9s.0", name);
	return if_nametoindex(link);
}

static void check_running(const char *name, const struct truth *t)
{
	char path[64], text[4096], want[32], words[64];
	long long base = -1;

	snprintf(path, sizeof(path), "/proc/%s/uid_map", t->init);
	sscanf(file_text(text, sizeof(text), path), "%*d %lld", &base);
	if (base != atoll(t->base))
		failure("%s: uid_map has %lld, list says %s", name, base, t->base);
	snprintf(path, sizeof(path), "/etc/croft/servers/%s.conf", name);
	snprintf(want, sizeof(want), "\nPIDS=\"%s\"\n", t->pids);
	if (!strstr(file_text(text, sizeof(text), path), want))
		failure("%s: its file has other pids than %s, which are in force", name, t->pids);
	snprintf(words, sizeof(words), "exec %s -- true", name);
	if (!strcmp(t->state, "running"))
		host_croft(words, text, sizeof(text));
	if (!has_link(name))
		failure("%s has no link", name);
	if (!there("/proc/%s/ns", t->monitor))
		failure("%s has no monitor", name);
}

static void check_stopped(const char *name, const struct truth *t)
{
	static char mounts[1 << 18];
	char part[64];

	/* The kernel takes a link down with its network namespace, a moment later. */
	for (int i = 0; i < 200 && has_link(name); i++)
		pause_ms(10);
	snprintf(part, sizeof(part), "/%s/", name);
	if (has_link(name))
		failure("%s has a link left", name);
	if (there("/run/croft/%s", name))
		failure("%s has a record left", name);
	if (strstr(file_text(mounts, sizeof(mounts), "/proc/self/mountinfo"), part))
		failure("%s has a mount left", name);
	if (!t->there &&
	    (there("/var/lib/croft/servers/%s", name) || there("/run/croft/.locks/%s", name) ||
	     there("/var/lib/croft/trash/%s", name)))
		failure("%s is absent and has files left", name);
}

/* Whether a list with commas has the word. */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ',') && (!p[n] || p[n] == ','))
			return true;
	return false;
}

static bool owns(const char *name, const struct truth *t, const char *address)
{
	char path[64], text[4096], *p;

	if (has_word(t->ip, address))
		return true;
	snprintf(path, sizeof(path), "/etc/croft/servers/%s.conf", name);
	p = strstr(file_text(text, sizeof(text), path), "\nIP=\"");
	if (!p)
		return false;
	p[5 + strcspn(p + 5, "\"")] = 0;
	for (char *c = p += 5; *c; c++)
		*c = *c == ' ' ? ',' : *c;
	return has_word(p, address);
}

/* Every reservation is of a server that exists and, of an address, has it or will have it. */
static void check_owners(const struct truth t[], const char *path, bool addresses)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char owner[64];
	bool found;

	while (d && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, owner, sizeof(owner) - 1);

		if (n < 0)
			continue;
		owner[n] = 0;
		found = false;
		for (int i = 0; i < n_names; i++)
			found |= t[i].there && !strcmp(owner, name_of(i)) &&
				 (!addresses || owns(owner, &t[i], e->d_name));
		if (!found)
			failure("%s/%s belongs to %s, which is not there or has another", path,
				e->d_name, owner);
	}
	if (d)
		closedir(d);
}

/* No address and no range of ids twice. */
void host_check_apart(const struct truth t[])
{
	for (int i = 0; i < n_names; i++)
		for (int k = 0; k < i; k++) {
			char ip[128], *save;
			bool same = false;

			if (!t[i].there || !t[k].there)
				continue;
			strcpy(ip, t[i].ip);
			for (char *a = strtok_r(ip, ",", &save); a; a = strtok_r(NULL, ",", &save))
				same |= has_word(t[k].ip, a);
			if (same || llabs(atoll(t[i].base) - atoll(t[k].base)) < 65536)
				failure("%s and %s have the same: %s %s, %s %s", name_of(i),
					name_of(k), t[i].ip, t[i].base, t[k].ip, t[k].base);
		}
	check_owners(t, "/var/lib/croft/addr", true);
	check_owners(t, "/var/lib/croft/ids", false);
}

void host_check_name(const char *name, const struct truth *t)
{
	check_groups(name, t);
	if (t->there && *t->init != '-')
		check_running(name, t);
	else
		check_stopped(name, t);
}

/* What tests/root/inventory prints. */
char *host_inventory(void)
{
	const char *path = getenv("CROFT_CHAOS_INVENTORY");
	FILE *f = popen(path ? path : "tests/root/inventory", "re");
	char *text = NULL;
	size_t size = 0;

	if (!f || getdelim(&text, &size, 0, f) < 0 || pclose(f))
		die("cannot take the inventory");
	return text;
}

/* How many lines of one the other has not. A mount that goes is somebody else's: it was there when
 * the test host was made. */
static int lines_without(const char *of, const char *other, char sign, bool say)
{
	const char *at;
	size_t n;
	int found = 0;

	for (const char *l = of; *l; l += n + (l[n] == '\n')) {
		n = strcspn(l, "\n");
		for (at = other; *at && (strcspn(at, "\n") != n || memcmp(at, l, n) != 0);) {
			at += strcspn(at, "\n");
			at += *at == '\n';
		}
		if (*at || (sign == '-' && !strncmp(l, "mount: ", 7)))
			continue;
		found++;
		if (say)
			printf("#   %c %.*s\n", sign, (int)n, l);
	}
	return found;
}

void host_check_end(const char *before)
{
	uint64_t until = now_us() + SETTLE_MS * 1000;
	char text[4096], *now = NULL;
	bool same;

	host_croft("destroy --all --force", text, sizeof(text));
	do {
		free(now);
		pause_ms(50);
		now = host_inventory();
		same = !lines_without(now, before, '+', false) &&
		       !lines_without(before, now, '-', false);
	} while (!same && now_us() < until);
	if (same)
		return;
	failure("the inventory is not what it was");
	lines_without(now, before, '+', true);
	lines_without(before, now, '-', true);
}
