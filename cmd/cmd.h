/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subcommands. Each is one row, defined in its own file cmd_NAME.c and listed in commands.def;
 * help, completion and manual page checks are made from the rows, and the flags of the row say what
 * main prepares. Only cmd/ prints to stdout and decides exit codes.
 */
#ifndef CROFT_CMD_CMD_H
#define CROFT_CMD_CMD_H

#include <stdbool.h>
#include <stdint.h>
#include "server/server.h"

struct cmd_opt {
	const char *name;    /* "timeout"; the long option */
	char letter;	     /* 0: none */
	const char *metavar; /* NULL: a flag */
	const char *help;
	bool repeat; /* collects */
	bool secret; /* its value is in no log */
	bool looks;  /* with it the command changes nothing: no line in the audit log */
};

enum cmd_flags {
	CMD_ROOT = 1 << 0, /* refuses without root */
	CMD_NAMES =
	    1 << 1, /* one or more server names, or --all: runs `one` for each, in parallel */
	CMD_NAME = 1 << 2,	  /* exactly one server name */
	CMD_REST = 1 << 3,	  /* words after the names or after -- go to ctx->rest */
	CMD_SERVER_OPTS = 1 << 4, /* takes every row of server_groups as an option */
	CMD_HIDDEN = 1 << 5,	  /* internal */
	CMD_EXEC_CODES = 1 << 6,  /* its own failures exit with 125 (exec, enter) */
	CMD_RUNNING = 1 << 7,	  /* --all means every server that runs, not every one there is */
	CMD_RAW = 1 << 8, /* stdout is the server's: with --json only failures are reported there */
	CMD_NO_HOST = 1 << 9,	/* needs neither croft.conf nor paths */
	CMD_NO_NAMES = 1 << 10, /* with CMD_NAMES: none need be given */
	CMD_WORDS = 1 << 12,	/* CMD_REST is not a command that runs inside: options may follow */
	CMD_NEW = 1 << 11, /* its names are those of servers to be: no --all, create-only options */
	/* Each row has one of these two. */
	CMD_AUDIT = 1 << 13,	/* changes something: a line in the audit log */
	CMD_NO_AUDIT = 1 << 14, /* changes nothing, or nobody types it */
};

struct cmd_ctx {
	const struct cmd *cmd;
	struct host *host;
	bool json, quiet, all;
	uint64_t deadline_ms; /* CLOCK_MONOTONIC; UINT64_MAX: none */
	struct strv names;
	char **rest; /* NULL-ended; empty when there is none */
	size_t n_rest;
	struct strv opt_name, opt_value; /* as given, in order */
	struct strv srv_name, srv_value; /* CMD_SERVER_OPTS: server options as given */
	bool changed;			 /* a `one` or `run` sets it: JSON says so */
	bool killed;			 /* init did not stop in time: JSON says so */
	const char *part; /* second word of the command, for messages: template "build" */
	bool answered;	  /* it printed its own JSON: main adds no {"ok":true,...} */
	bool looked;	  /* CMD_AUDIT: this time it was to change nothing, and did not */
};

struct cmd {
	const char *name;
	const char *section; /* heading in croft --help */
	const char *args;    /* "NAME... [-- COMMAND]" */
	const char *help;    /* one line */
	const char *more;    /* further lines of --help, or NULL */
	const struct cmd_opt *opts;
	size_t n_opts;
	unsigned flags;
	/* 0 or negative with err. What is printed goes to stdout. ret_code of the process is err's
	 * class; `exec` sets ctx->exit_code by calling cmd_exit_code(). */
	int (*one)(struct cmd_ctx *ctx, const char *name, struct err *err);
	int (*run)(struct cmd_ctx *ctx, struct err *err);
	unsigned
	    deadline; /* seconds when --deadline is not given; 0: none, it is bounded by itself */
};

bool cmd_flag(const struct cmd_ctx *ctx, const char *option);
const char *cmd_value(const struct cmd_ctx *ctx,
		      const char *option); /* the last one given, or NULL */
void cmd_values(const struct cmd_ctx *ctx, const char *option, struct strv *ret);
void cmd_exit_code(int code); /* the process ends with it when run() returned 0 */

/* Runs `one` for each name, in this process when there is one name, else in parallel; reports each
 * and keeps the worst code for cmd_exit_code(). Returns how many failed. For a `run` that has
 * names. */
size_t cmd_each(struct cmd_ctx *ctx, const struct strv *names);
/* cmd_each() for every server of --all, and a line that says for how many it went well: "run". */
void cmd_each_counted(struct cmd_ctx *ctx, const struct strv *names, const char *what);
void cmd_summary(const struct cmd_ctx *ctx, size_t n, size_t failed, const char *what);
/* The options of a server that were given, into s. */
int cmd_assign(const struct cmd_ctx *ctx, struct server *s, struct err *err);
/* Warns of the servers that s depends on and that are not there. */
void cmd_warn_depends(const struct cmd_ctx *ctx, const struct server *s);
/* Its lines become values of --password. */
#define CMD_OPT_PASSWORD_FILE                                                                      \
	{                                                                                          \
		.name = "password-file", .metavar = "FILE",                                        \
		.help = "lines USER:PASSWORD, as --password takes them; -: standard input"         \
	}
/* run() of a command with server options: they, with those of the password file, are tried once
 * where there are several names, so that what is wrong is told once; then each name is worked on.
 */
int cmd_each_assigned(struct cmd_ctx *ctx, struct err *err);
/* ERR_PERM unless root: for commands of which only a part needs it. */
int cmd_need_root(struct err *err);
/* How many servers are worked on at a time: --jobs, croft.conf, or twice the number of CPUs. */
size_t cmd_jobs(const struct cmd_ctx *ctx);

#define X(name) extern const struct cmd cmd_##name;
#include "commands.def"
#undef X
extern const struct cmd *const cmds[];	       /* all of them, ended by NULL */
extern const struct cmd_opt cmd_common_opts[]; /* what every command takes */
extern const size_t cmd_n_common_opts;
const struct cmd *cmd_find(const char *name);

#endif
