// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The compiled filter, kept in a file: reading it takes microseconds, compiling it milliseconds.
 *
 * What must stay true: a file is used only when everything about it is as this code writes it
 * (owner, mode, kind, size, stamp, sum). Anything else is not an error: the filter is compiled anew
 * and the file replaced. The cache may vanish at any time.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "guard/policy.h"
#include "sys/fd.h"
#include "sys/scmp.h"

#define MAGIC	      "CROFTBPF"
#define CACHE_VERSION 1

struct header {
	char magic[8];
	uint32_t version;
	uint32_t len; /* instructions that follow */
	uint64_t key; /* so that a file under another file's name is noticed */
	uint64_t sum; /* of all above and of the instructions */
};

static uint64_t sum_of(const struct header *h, const struct sock_filter *code)
{
	uint64_t sum = str_hash(STR_HASH_INIT, h, offsetof(struct header, sum));

	return str_hash(sum, code, h->len * sizeof(*code));
}

static bool header_ok(const struct header *h, uint64_t key, off_t file_size)
{
	return memcmp(h->magic, MAGIC, sizeof(h->magic)) == 0 && h->version == CACHE_VERSION &&
	       h->key == key && h->len > 0 && h->len <= BPF_MAXINSNS &&
	       file_size == (off_t)(sizeof(*h) + h->len * sizeof(struct sock_filter));
}

/* Open, fstat, read, close: nothing else is on the way of a start. */
static bool cache_read(const char *path, uint64_t key, struct guard_filter *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct {
		struct header h;
		struct sock_filter code[BPF_MAXINSNS];
	} f;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 07777) != 0600 || st.st_size < (off_t)sizeof(f.h) ||
	    st.st_size > (off_t)sizeof(f))
		return false;
	if (read(fd, &f, sizeof(f)) != st.st_size || !header_ok(&f.h, key, st.st_size) ||
	    f.h.sum != sum_of(&f.h, f.code))
		return false;
	ret->len = (unsigned short)f.h.len;
	ret->code = xmalloc(f.h.len * sizeof(*f.code));
	memcpy(ret->code, f.code, f.h.len * sizeof(*f.code));
	return true;
}

/* A failure costs the next start the compilation and nothing more, so it is not reported. A
 * directory that others can write to is not used: a file in it could not be told from ours. */
static void cache_write(const char *dir, const char *name, uint64_t key,
			const struct guard_filter *filter)
{
	struct header h = {
		.magic = MAGIC, .version = CACHE_VERSION, .len = filter->len, .key = key
	};
	_cleanup_close_ int fd = -1;
	struct buf b = { 0 };
	struct stat st;

	if (fd_mkdir_p(dir, 0700) < 0)
		return;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 0022))
		return;
	h.sum = sum_of(&h, filter->code);
	buf_add(&b, &h, sizeof(h));
	buf_add(&b, filter->code, filter->len * sizeof(*filter->code));
	/* Not durable: after a power cut a torn file has the wrong sum. */
	(void)fd_replace(fd, name, b.s, b.len, 0600, false);
	buf_free(&b);
}

int guard_filter_get(const char *dir, unsigned features, struct guard_filter *ret, struct err *err)
{
	uint64_t key = policy_key(features);
	_cleanup_free_ char *name = xasprintf("seccomp-%016" PRIx64 ".bpf", key);
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	int r;

	if (cache_read(path, key, ret))
		return 0;
	r = policy_compile(features, ret, err);
	if (r < 0)
		return r;
	cache_write(dir, name, key, ret);
	return 0;
}

void guard_filter_free(struct guard_filter *f)
{
	free(f->code);
	f->code = NULL;
	f->len = 0;
}

int guard_filter_load(const struct guard_filter *f, struct err *err)
{
	return scmp_load(f->code, f->len, err);
}
