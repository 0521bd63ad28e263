/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Password hashes through libcrypt, which is loaded when the first password is hashed. */
#ifndef CROFT_SYS_CRYPT_H
#define CROFT_SYS_CRYPT_H

#include <stdbool.h>
#include "base/err.h"

#define CRYPT_PHRASE_MAX 511 /* what crypt(3) takes, without its NUL */

/* A crypt(5) hash with a fresh salt: yescrypt where the caller says that the reader knows it and
 * libcrypt makes it, else sha512crypt, which every C library of the last fifteen years reads.
 * *ret holds no colon and no newline; caller frees. */
int crypt_hash(const char *phrase, bool yescrypt, char **ret, struct err *err);

#endif
