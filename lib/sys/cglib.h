/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcgroup, for what it is best at: knowing where the controllers of this host are mounted. */
#ifndef CROFT_SYS_CGLIB_H
#define CROFT_SYS_CGLIB_H

#include "base/err.h"

/* Calls found(arg, controller, mount point) for every mounted controller, of version 1 and 2 alike.
 * A version 2 hierarchy without a controller is not reported: libcgroup leaves it out. No mounted
 * controller at all is success. ERR_HOST when the library is missing. */
int cglib_mounts(void (*found)(void *arg, const char *controller, const char *path), void *arg,
		 struct err *err);

#endif
