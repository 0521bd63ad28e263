/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a file system can be id-mapped: both backends need it, so that ids on disk stay
 * unshifted. */
#ifndef CROFT_STORE_IDPROBE_H
#define CROFT_STORE_IDPROBE_H

#include "base/err.h"

/* Tries it on a detached copy of the mount at dir; nothing is left. 0 or ERR_HOST. */
int idprobe(const char *dir, struct err *err);

#endif
