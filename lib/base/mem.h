/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory. The command is short-lived and every state it leaves is recoverable (croft-layers(7)), so
 * running out of memory ends the process with exit code 1 and one line on stderr; no caller checks.
 */
#ifndef CROFT_BASE_MEM_H
#define CROFT_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define _never_null_ __attribute__((returns_nonnull))

void *xmalloc(size_t n) _never_null_;
void *xcalloc(size_t n, size_t size) _never_null_;
void *xrealloc(void *p, size_t n, size_t size) _never_null_;
char *xstrdup(const char *s) _never_null_;
char *xstrndup(const char *s, size_t n) _never_null_;
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2))) _never_null_;

static inline void mem_freep(void *pp)
{
	free(*(void **)pp);
}

static inline void mem_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Scope ends ownership. */
#define _cleanup_free_	__attribute__((cleanup(mem_freep)))
#define _cleanup_close_ __attribute__((cleanup(mem_closep)))
#define _cleanup_(fn)	__attribute__((cleanup(fn)))
#define STEAL_FD(fd)                                                                               \
	({                                                                                         \
		int fd_ = (fd);                                                                    \
		(fd) = -1;                                                                         \
		fd_;                                                                               \
	})
#define STEAL_PTR(p)                                                                               \
	({                                                                                         \
		typeof(p) p_ = (p);                                                                \
		(p) = NULL;                                                                        \
		p_;                                                                                \
	})
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Closes *fd when it is open, and marks it closed. */
static inline void fd_drop(int *fd)
{
	mem_closep(fd);
	*fd = -1;
}

#endif
