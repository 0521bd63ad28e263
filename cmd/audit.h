/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log: VAR/audit, a line for each command that changes something (CMD_AUDIT): who, what,
 * with which result (croft-events(8)). It is written when the command ends, so one that is killed
 * leaves none. No secret is in it: values of options that are marked so are "***". That it cannot
 * be written is a warning, never a failure.
 */
#ifndef CROFT_CMD_AUDIT_H
#define CROFT_CMD_AUDIT_H

#include "cmd.h"

struct audit {
	struct strv words; /* as typed, without secrets */
	uint64_t began_ms;
};

/* After the command line is read, before anything adds to it what was not typed. */
void audit_begin(const struct cmd_ctx *ctx, struct audit *ret);
/* Writes the line, where the command is one that has it. */
void audit_end(const struct cmd_ctx *ctx, struct audit *a, int code);
void audit_free(struct audit *a);
/* Whether the value of an option must not be shown. */
bool audit_secret(const struct cmd *cmd, const char *option);
char *audit_path(const struct host *h); /* caller frees */

#endif
