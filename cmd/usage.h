/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help, made from the rows. */
#ifndef CROFT_CMD_USAGE_H
#define CROFT_CMD_USAGE_H

#include "cmd.h"

void usage_all(void);			   /* croft --help */
void usage_command(const struct cmd *cmd); /* croft COMMAND --help */
void usage_version(void);
/* All commands but the hidden ones, for messages and completion. */
void usage_names(struct strv *ret);

#endif
