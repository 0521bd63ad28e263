/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The view inside: files of lxcfs lie over those of the server's /proc and /sys which would tell
 * of the host, such as /proc/meminfo.
 *
 * lxcfs is a FUSE daemon of its own, mounted on VIEW_DIR. What must stay true: none of croft's
 * processes but a child that can be given up ever asks it anything, because whoever asks a daemon
 * that is stopped waits for it; no server's mount is in a peer group with the host's.
 */
#ifndef CROFT_RUN_VIEW_H
#define CROFT_RUN_VIEW_H

#include <sys/types.h>
#include "run/state.h"

#define VIEW_DIR "/var/lib/lxcfs"

/* Whether something is mounted on VIEW_DIR, and the number of its file system. One system call,
 * which the daemon does not see. */
bool view_there(dev_t *ret_dev);

enum view_health { VIEW_ABSENT, VIEW_DEAD, VIEW_HANGS, VIEW_WORKS };
/* Asks the daemon, and waits a few seconds at most. */
enum view_health view_health(dev_t *ret_dev);

/* For a start: puts the files in place in the namespaces of init, before it runs the server's
 * program. Waits a few seconds at most; on failure none or some of them are there. */
int view_put(int init_pidfd, bool privileged, uint64_t deadline_ms, struct err *err);

/* For a running server that shall have the view: takes away what belongs to a daemon that is no
 * more, and puts what is missing. 1: something was done; 0: nothing to do. */
int view_recover(const struct host *h, const struct state *s, enum view_health health, dev_t dev,
		 struct err *err);

#endif
