/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which servers a command is about: those that run, patterns of names, tags. */
#ifndef CROFT_CMD_SELECT_H
#define CROFT_CMD_SELECT_H

#include "cmd.h"

/* Every server that has a state, sorted. */
int select_running(const struct host *h, struct strv *ret, struct err *err);
/* Whether one of the patterns in ctx->rest is the name's, or there is none. */
bool select_matches(const struct cmd_ctx *ctx, const char *name);
/* A word of ctx->rest that is no pattern must name a server: those, sorted. ERR_ABSENT
 * when there is no such server: the others are in `named`. */
int select_words(const struct cmd_ctx *ctx, struct strv *named, struct err *err);
/* Whether a server has every tag. */
bool select_tagged(const struct server *s, const struct strv *tags);

#endif
