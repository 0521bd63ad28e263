/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles: ETC/profiles/NAME.conf, values of a server's options in the syntax of croft.conf(5), to
 * be taken by create and set with --profile NAME. */
#ifndef CROFT_CMD_PROFILE_H
#define CROFT_CMD_PROFILE_H

#include "cmd.h"

#define CMD_OPT_PROFILE                                                                            \
	{                                                                                          \
		.name = "profile", .metavar = "NAME",                                              \
		.help = "take the values of /etc/croft/profiles/NAME.conf"                         \
	}

/* The values of --profile become options of the command, unless they are given as well. What can
 * only be said at create is left out for another command. ERR_ABSENT, ERR_USAGE. */
int profile_take(struct cmd_ctx *ctx, struct err *err);
/* Reads and checks one. Caller frees with conf_free(). */
int profile_read(const struct host *h, const char *name, struct conf_file *ret, struct err *err);
int profile_list(const struct host *h, struct strv *ret, struct err *err); /* names, sorted */

#endif
