/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges of host ids. VAR/ids/BASE is a symbolic link to the name of the server that has the 65,536
 * ids from BASE on: making it is atomic, so it is the lock as well. VAR/servers/NAME/uids links
 * back. A range is given back only after everything of the server is removed from disk. */
#ifndef CROFT_RUN_IDS_H
#define CROFT_RUN_IDS_H

#include "server/server.h"

/* The range a server has; -ENOENT when it has none. */
int ids_of(const struct host *h, const char *name, uid_t *ret);
/* Next fit after the range given last. Its own one when it has one. ERR_ROOM when all are taken. */
int ids_reserve(const struct host *h, const char *name, uid_t *ret, struct err *err);
/* Frees every range that is recorded for this name; reads the directory, so not for the start path.
 */
int ids_release(const struct host *h, const char *name, struct err *err);

#endif
