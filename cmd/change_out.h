/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What set and undo have in common: how a change is told. */
#ifndef CROFT_CMD_CHANGE_OUT_H
#define CROFT_CMD_CHANGE_OUT_H

#include "cmd.h"
#include "run/run.h"

/* The command as typed, without secrets, for the list of generations. Caller frees. */
char *change_command(const struct cmd_ctx *ctx, const char *name);
/* ERR_USAGE where --runtime and --save-only are both given. */
int change_mode(const struct cmd_ctx *ctx, struct set_args *args, struct err *err);
/* Prints what was done, or with --plan would be; frees res. */
void change_print(struct cmd_ctx *ctx, const char *name, const struct set_args *args,
		  struct set_result *res);

#define CHANGE_OPT_PLAN                                                                            \
	{                                                                                          \
		.name = "plan", .help = "print what would change, and change nothing",             \
		.looks = true                                                                      \
	}

#endif
