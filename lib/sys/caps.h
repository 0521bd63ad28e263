/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities of the calling process. The one file with libcap. */
#ifndef CROFT_SYS_CAPS_H
#define CROFT_SYS_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

/* Takes the named capabilities ("cap_sys_module") away for good: from the bounding set, and from
 * the permitted and effective sets. Empties the inheritable and ambient sets. Names that the kernel
 * or the library does not know are passed over: what does not exist cannot be had. Needs
 * CAP_SETPCAP. */
int caps_drop(const char *const *names, size_t n, struct err *err);

/* Is it in the effective set? For croft check and for refusals in time. */
bool caps_have(const char *name);
/* Is it in the bounding set? */
bool caps_bounded(const char *name);

#endif
