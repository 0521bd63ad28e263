/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the system calls that croft needs are not there: the kernel is too old, or somebody's
 * filter (a container's, say) answers ENOSYS. */
#ifndef CROFT_SYS_CALLS_H
#define CROFT_SYS_CALLS_H

#include "base/str.h"

/* Their names go into out, with commas. Returns how many there are. */
int calls_missing(struct buf *out);

#endif
