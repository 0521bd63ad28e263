/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors are values with text. They are made where something fails, wrapped with the object's name
 * on the way up, and printed once, by cmd/. The library never prints.
 *
 * A struct err has a fixed buffer and no pointers, so that a child sends it to its parent as it is.
 * Every fallible function takes `struct err *err` last and returns 0 or a negative errno; out
 * parameters are untouched on failure.
 */
#ifndef CROFT_BASE_ERR_H
#define CROFT_BASE_ERR_H

#include <errno.h>

/* The oldest kernel: mount_setattr is 5.12, cgroup.kill 5.14. */
#define ERR_NEEDS_LINUX "5.14"

enum err_class {
#define X(code, name, symbol, text) ERR_##name = (code),
#include "base/exits.def"
#undef X
};

struct err {
	enum err_class class; /* becomes the exit code */
	int num;	      /* errno, or 0 where the text says all */
	char text[600];
};

/* Sets class and text; when num is not 0, ": strerror(num)" is appended.
 * Class ERR_FAIL with a telling errno is refined: ENOSPC, EDQUOT -> ROOM, EPERM, EACCES -> PERM,
 * ENOSYS -> HOST, and the text says which kernel is needed.
 * Returns -num, or -EINVAL when num is 0. */
int err_set(struct err *err, enum err_class class, int num, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Shorthand for err_set(err, ERR_FAIL, errno, ...). */
#define err_errno(err, ...) err_set((err), ERR_FAIL, errno, __VA_ARGS__)

/* Puts "prefix: " before the text. Returns ret unchanged, so: return err_wrap(err, r, "web1"); */
int err_wrap(struct err *err, int ret, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

void err_clear(struct err *err);

/* The JSON symbol and the meaning of a class; never NULL. */
const char *err_symbol(enum err_class class);
const char *err_meaning(enum err_class class);

#endif
