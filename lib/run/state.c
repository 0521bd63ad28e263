// SPDX-License-Identifier: GPL-2.0-or-later
/* The running state of a server as JSON on tmpfs. Every field has one row in fields[]: writing and
 * reading walk the same rows. */
#include "run/state.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "run/halt.h"
#include "sys/cg.h"
#include "sys/fd.h"
#include "sys/json.h"
#include "sys/proc.h"

#define STATE_VERSION 1
#define STATE_MAX     65536

struct field {
	const char *key;
	enum { F_TEXT, F_I32, F_I64, F_U64, F_BOOL, F_NUMS } kind;
	size_t off, size;
	bool newer; /* may be missing: a server that an older croft has started goes on */
};
/* clang-format off */
#define FIELD(kind, member) \
	{ #member, kind, offsetof(struct state, member), sizeof(((struct state *)0)->member), false }
#define NEWER(kind, member) \
	{ #member, kind, offsetof(struct state, member), sizeof(((struct state *)0)->member), true }
#define LIMIT(kind, member) { #member, kind, offsetof(struct state, limit.member), 0, true }

static const struct field fields[] = {
	FIELD(F_I32, phase),
	FIELD(F_TEXT, name),
	FIELD(F_I32, init),
	FIELD(F_U64, init_start),
	FIELD(F_I32, monitor),
	FIELD(F_U64, monitor_start),
	FIELD(F_I64, started),
	FIELD(F_I64, boots),
	FIELD(F_I32, uid_base),
	FIELD(F_I32, features),
	NEWER(F_I32, groups),
	FIELD(F_BOOL, privileged),
	FIELD(F_BOOL, frozen),
	NEWER(F_BOOL, view),
	FIELD(F_TEXT, cgroup),
	FIELD(F_TEXT, host_if),
	FIELD(F_TEXT, net),
	FIELD(F_TEXT, store),
	FIELD(F_TEXT, dialect),
	FIELD(F_TEXT, template),
	FIELD(F_TEXT, hostname),
	FIELD(F_I32, halt_signal),
	FIELD(F_I32, reboot_signal),
	LIMIT(F_U64, memory),
	LIMIT(F_U64, memory_high),
	LIMIT(F_U64, memory_guarantee),
	LIMIT(F_U64, swap),
	LIMIT(F_BOOL, oom_group),
	LIMIT(F_U64, oom_score),
	LIMIT(F_U64, cpus),
	LIMIT(F_U64, cpu_weight),
	LIMIT(F_U64, cpu_burst),
	LIMIT(F_NUMS, cpu_set),
	LIMIT(F_NUMS, numa_set),
	LIMIT(F_U64, pids),
	LIMIT(F_U64, ptys),
	LIMIT(F_U64, io_weight),
	LIMIT(F_U64, io_read_bps),
	LIMIT(F_U64, io_write_bps),
	LIMIT(F_U64, io_read_iops),
	LIMIT(F_U64, io_write_iops),
	LIMIT(F_U64, hugepages),
	LIMIT(F_U64, nofile),
	LIMIT(F_U64, nproc),
	LIMIT(F_U64, memlock),
	LIMIT(F_U64, msgqueue),
	LIMIT(F_U64, sigpending),
};
/* clang-format on */

char *state_dir(const struct host *h, const char *name)
{
	return xasprintf("%s/%s", h->run, name);
}

char *state_lock_path(const struct host *h, const char *name)
{
	return xasprintf("%s/.locks/%s", h->run, name);
}

static void put(struct json_out *j, const struct field *f, const void *at)
{
	switch (f->kind) {
	case F_TEXT:
		json_str(j, f->key, at);
		break;
	case F_I32:
		json_u64(j, f->key, *(const uint32_t *)at);
		break;
	case F_I64:
		json_int(j, f->key, *(const int64_t *)at);
		break;
	case F_U64:
		json_u64(j, f->key, *(const uint64_t *)at);
		break;
	case F_BOOL:
		json_bool(j, f->key, *(const bool *)at);
		break;
	case F_NUMS: {
		_cleanup_free_ char *text = print_nums(at);

		json_str(j, f->key, text);
		break;
	}
	}
}

static char *state_path(const struct host *h, const char *name)
{
	return xasprintf("%s/%s/state.json", h->run, name);
}

void state_tidy(const struct host *h, const char *name)
{
	_cleanup_free_ char *path = state_path(h, name);

	fd_replace_tidy(AT_FDCWD, path);
}

int state_save(const struct host *h, const struct state *s, struct err *err)
{
	_cleanup_free_ char *path = state_path(h, s->name);
	struct json_out *j = json_new(false);
	char text[ADDR_STRLEN];

	json_obj(j, NULL);
	json_int(j, "version", STATE_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		put(j, &fields[i], (const char *)s + fields[i].off);
	json_list(j, "ip");
	for (int i = 0; i < s->n_ip; i++)
		json_str(j, NULL, addr_print(&s->ip[i], true, text));
	json_list_end(j);
	json_obj_end(j);
	_cleanup_free_ char *out = json_done(j);
	int r = fd_replace(AT_FDCWD, path, out, strlen(out), 0600, false);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot write %s", path) : 0;
}

static int get(const struct json *j, const struct field *f, void *at)
{
	const char *text;
	int64_t n;

	switch (f->kind) {
	case F_TEXT:
		text = json_get_str(j, f->key);
		if (!text || strlen(text) >= f->size)
			return -EINVAL;
		strcpy(at, text);
		return 0;
	case F_BOOL:
		*(bool *)at = json_get_bool(j, f->key, false);
		return 0;
	case F_NUMS:
		text = json_get_str(j, f->key);
		return text ? parse_nums(text, at) : -EINVAL;
	case F_U64: /* null is "unlimited" */
		n = json_get_int(j, f->key, -1);
		*(uint64_t *)at = n < 0 ? PARSE_UNLIMITED : (uint64_t)n;
		return 0;
	case F_I64:
		*(int64_t *)at = json_get_int(j, f->key, 0);
		return 0;
	case F_I32:
		n = json_get_int(j, f->key, -1);
		if (n < 0 || n > UINT32_MAX)
			return -EINVAL;
		*(uint32_t *)at = (uint32_t)n;
		return 0;
	}
	return -EINVAL;
}

static int read_state(const struct json *j, struct state *s)
{
	const struct json *ips = json_at(j, "ip");

	if (json_get_int(j, "version", 0) != STATE_VERSION || !ips || json_len(ips) > NET_MAX_IP)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!(fields[i].newer && !json_at(j, fields[i].key)) &&
		    get(j, &fields[i], (char *)s + fields[i].off) < 0)
			return -EINVAL;
	if (s->phase > STATE_STOPPING)
		return -EINVAL;
	for (size_t i = 0; i < json_len(ips); i++) {
		const char *text = json_get_str(json_item(ips, i), "");

		if (!text || addr_parse(text, &s->ip[s->n_ip++]) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Reading without a tree, because croft list reads a thousand of these. */
static bool skip(const char **p, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*p, text, n) != 0)
		return false;
	*p += n;
	return true;
}

static bool scan_text(const char **p, char *out, size_t size)
{
	size_t n;

	if (!skip(p, "\""))
		return false;
	n = strcspn(*p, "\"\\");
	if ((*p)[n] != '"' || n >= size)
		return false;
	memcpy(out, *p, n);
	out[n] = '\0';
	*p += n + 1;
	return str_is_text(out); /* as json_str() writes it, and the other reader takes it */
}

static bool scan_number(const char **p, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	int digits = 0;

	for (; **p >= '0' && **p <= '9' && digits < 18; (*p)++, digits++)
		v = v * 10 + (uint64_t)(**p - '0');
	*ret = v;
	return digits && v <= max && (**p < '0' || **p > '9');
}

static bool scan_field(const char **p, const struct field *f, void *at)
{
	char text[NUMS_MAX];
	uint64_t n = 0;

	switch (f->kind) {
	case F_NUMS:
		return scan_text(p, text, sizeof(text)) && parse_nums(text, at) == 0;
	case F_TEXT:
		return scan_text(p, at, f->size);
	case F_BOOL:
		*(bool *)at = skip(p, "true");
		return *(bool *)at || skip(p, "false");
	case F_U64:
		*(uint64_t *)at = PARSE_UNLIMITED;
		return skip(p, "null") || scan_number(p, INT64_MAX, at);
	case F_I64:
		return scan_number(p, INT64_MAX, at);
	case F_I32:
		if (!scan_number(p, UINT32_MAX, &n))
			return false;
		*(uint32_t *)at = (uint32_t)n;
		return true;
	}
	return false;
}

/* The text exactly as state_save() writes it. False where anything differs: read_state() decides.
 */
static bool scan_state(const char *p, struct state *s)
{
	char version[32], text[ADDR_STRLEN];

	snprintf(version, sizeof(version), "{\"version\":%d,", STATE_VERSION);
	if (!skip(&p, version))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!skip(&p, "\"") || !skip(&p, fields[i].key) || !skip(&p, "\":") ||
		    !scan_field(&p, &fields[i], (char *)s + fields[i].off) || !skip(&p, ","))
			return false;
	if (!skip(&p, "\"ip\":["))
		return false;
	while (s->n_ip < NET_MAX_IP && *p == '"')
		if (!scan_text(&p, text, sizeof(text)) || addr_parse(text, &s->ip[s->n_ip++]) < 0 ||
		    (*p == ',' && *++p != '"'))
			return false;
	return streq(p, "]}\n") && s->phase <= STATE_STOPPING;
}

/* These are made from the server's name. Whoever believed another would kill and remove what is
 * somebody else's. */
static bool own_names(const struct state *s)
{
	const char *base = strrchr(s->cgroup, '/');
	char host_if[sizeof(s->host_if)];

	net_host_if(s->name, host_if);
	return base && streq(base + 1, s->name) && cg_rel_plain(s->cgroup) &&
	       (!*s->host_if || streq(s->host_if, host_if));
}

int state_load(const struct host *h, const char *name, struct state *ret, struct err *err)
{
	_cleanup_free_ char *path = state_path(h, name);
	_cleanup_free_ char *text = NULL;
	struct state s = { 0 };
	struct json *j;
	size_t n;
	int r = fd_read_file(AT_FDCWD, path, STATE_MAX, &text, &n);

	if (r == -ENOENT) {
		err_set(err, ERR_STATE, 0, "the server is stopped");
		return -ENOENT;
	}
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read %s", path);
	if (!scan_state(text, &s)) {
		s = (struct state) { .limit = *limit_default() };
		r = json_parse(text, n, &j, err);
		if (r < 0)
			return err_wrap(err, r, "%s", path);
		r = read_state(j, &s);
		json_free(j);
	}
	if (r < 0 || !streq(s.name, name) || !own_names(&s))
		return err_set(err, ERR_FAIL, 0,
			       "%s is not a state this version of croft understands", path);
	*ret = s;
	return 0;
}

bool state_is_bad(int ret)
{
	return ret == -EINVAL || ret == -EFBIG || ret == -EISDIR || ret == -ELOOP;
}

int state_find(const struct host *h, const char *name, struct state *ret, struct err *err)
{
	struct err none = { 0 };
	int r = state_load(h, name, ret, &none);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		*err = none;
	return r < 0 ? r : 1;
}

int state_remove(const struct host *h, const char *name, struct err *err)
{
	_cleanup_close_ int run = open(h->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (run < 0)
		return errno == ENOENT ? 0 : err_errno(err, "cannot open %s", h->run);
	int r = fd_remove_tree(run, name);
	return r < 0 ? err_set(err, ERR_FAIL, -r, "cannot remove %s/%s", h->run, name) : 0;
}

bool state_alive(const struct state *s)
{
	return s->init > 0 && proc_alive(s->init, s->init_start);
}

bool state_goes_on(const struct state *s)
{
	return s->init > 0 && proc_goes_on(s->init, s->init_start);
}

const char *state_end_word(const char *how)
{
	return streq(how, "signal 1") ? "reboot" : streq(how, "signal 2") ? "poweroff" : how;
}

/* "TIME REASON", as undo_intent() left it. */
char *state_last_end(const struct host *h, const char *name, int64_t *ret_when)
{
	_cleanup_free_ char *path = xasprintf("%s/servers/%s/ended", h->var, name);
	_cleanup_free_ char *text = NULL;
	const char *reason;
	size_t n = 0;

	if (fd_read_file(AT_FDCWD, path, 256, &text, &n) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	reason = strchr(text, ' ');
	if (!reason)
		return NULL;
	*ret_when = strtoll(text, NULL, 10);
	reason++;
	return xstrdup(state_end_word(reason));
}

const char *state_word(const struct host *h, const struct state *s)
{
	switch (s->phase) {
	case STATE_STOPPED:
		return "stopped";
	case STATE_STARTING:
		return "starting";
	case STATE_STOPPING:
		return "stopping";
	case STATE_RUNNING:
		break;
	}
	/* Its monitor tidies up, or starts it again. */
	if (!state_alive(s) && proc_alive(s->monitor, s->monitor_start))
		return halt_wants_reboot(h, s->name) ? "starting" : "stopping";
	if (!state_alive(s))
		return "failed";
	return s->frozen ? "suspended" : "running";
}
