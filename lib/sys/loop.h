/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loop devices (loop(4)) that go by themselves. A device is made with LO_FLAGS_AUTOCLEAR, so it
 * lasts as long as something has it open or mounted: whoever is killed leaves none behind.
 *
 * What must stay true: a file has one device at most, as two would be two caches of the same
 * blocks. The device keeps the open file that it was given, and with it the flock(2) on that; so
 * the kernel itself says whether there is one, without a look at all the devices.
 */
#ifndef CROFT_SYS_LOOP_H
#define CROFT_SYS_LOOP_H

#include <stdint.h>
#include "base/err.h"

/* The device of the file `name` in dir, attached if need be, after prepare (may be NULL) has found
 * the file good. A file that something else has open for writing, such as a loop device of
 * mount(8), is not attached. The number is kept in NAME.loop beside it, which is only a hint.
 * ret_path: "/dev/loopN". Returns the device's descriptor, which keeps it until something is
 * mounted from it. -ENOENT without a text: no such file. Waits until deadline_ms (CLOCK_MONOTONIC)
 * while somebody else has the file. */
typedef int loop_prepare(int dir, const char *name, int file, struct err *err);
int loop_open(int dir, const char *name, loop_prepare *prepare, uint64_t deadline_ms,
	      char ret_path[32], struct err *err);
/* Waits until no device has the file: 0, or -ETIMEDOUT. No file: 0 at once. */
int loop_gone(int dir, const char *name, uint64_t deadline_ms);
/* The file has another size. Negative errno. */
int loop_resized(int device);

#endif
