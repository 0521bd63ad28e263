/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One program of the administrator's, run to its end within a time limit, with its output kept:
 * hooks and template recipes. Never a program of a server's. */
#ifndef CROFT_SYS_SPAWN_H
#define CROFT_SYS_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

#define SPAWN_TAIL 2048

struct spawn_job {
	const char *const *argv; /* argv[0] is the path of the program */
	const char *const *env;	 /* the whole environment, ended by NULL */
	int log_fd;		 /* all output is copied there; -1: none */
	bool terminal;	 /* output goes through a pseudo-terminal and to our stderr as well */
	bool enclosed;	 /* own mount and pid namespaces: nothing of it outlives it */
	const int *keep; /* descriptors the program inherits besides 0 to 2, ended by -1; or NULL */
	uint64_t deadline_ms; /* CLOCK_MONOTONIC; UINT64_MAX: none */
};

struct spawn_result {
	int code;		   /* exit code; 128 + n when signal n ended it */
	bool overran;		   /* the deadline passed; it was killed */
	int interrupted;	   /* SIGINT, SIGTERM or SIGHUP came to us; it was killed */
	char tail[SPAWN_TAIL + 1]; /* the end of its output */
};

/* Negative errno only when the program could not be run at all; all else is in *ret. Input is
 * /dev/null, the directory /, the umask 022, signals are at their defaults, and it leads a session
 * of its own. */
int spawn_run(const struct spawn_job *job, struct spawn_result *ret, struct err *err);

/* The last n non-empty lines of the output, joined with " | ", without control characters. out has
 * size bytes. Returns out; "" when nothing was printed. */
const char *spawn_last_lines(const struct spawn_result *r, int n, char *out, size_t size);
/* The first line that begins with prefix, without it. False, and out untouched, where there is
 * none. */
bool spawn_first_line(const struct spawn_result *r, const char *prefix, char *out, size_t size);

#endif
