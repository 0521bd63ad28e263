/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the command line of one command against its rows. */
#ifndef CROFT_CMD_GETARGS_H
#define CROFT_CMD_GETARGS_H

#include "cmd.h"

/* argv: what follows the command's word. Fills names, rest, options, json, quiet, all and the
 * deadline of ctx; ctx->cmd is set by the caller. ERR_USAGE names what is wrong. Touches no file.
 */
int getargs(struct cmd_ctx *ctx, int argc, char **argv, struct err *err);
/* The counts and names that the row asks for; separate, because --help comes before it. */
int getargs_check(struct cmd_ctx *ctx, struct err *err);
void getargs_free(struct cmd_ctx *ctx);

/* Whether the command takes this row as an option: for help and completion. */
bool getargs_takes(const struct cmd *cmd, const struct opt *row);
/* The options that come with CMD_NAMES. */
const struct cmd_opt *getargs_names_opts(const struct cmd *cmd, size_t *ret_n);
/* The word of the list that is typed most like it, or NULL when none is like it. */
const char *getargs_nearest(const char *word, const struct strv *known);

#endif
