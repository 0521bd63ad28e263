/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running a command's `one`: for one name here, for several in parallel. */
#ifndef CROFT_CMD_MANY_H
#define CROFT_CMD_MANY_H

#include "cmd.h"

/* Runs `one` in this process and reports it. Returns the exit code. */
int many_one(struct cmd_ctx *ctx, const char *name);
/* The same for each name in a process of its own; ret_codes has one place for each name. */
void many_run(struct cmd_ctx *ctx, const struct strv *names, size_t jobs, int *ret_codes);
/* The exit code of a failure: its class, or 125 for the commands that pass another's code on. */
int cmd_code(const struct cmd *cmd, const struct err *err);
/* What cmd_exit_code() was last told. */
int cmd_exit_code_now(void);

#endif
