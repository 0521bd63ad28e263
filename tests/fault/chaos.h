// SPDX-License-Identifier: GPL-2.0-or-later
/* chaos: what its two files share. chaos.c runs commands, chaos_model.c says what they may do. */
#ifndef CROFT_TESTS_CHAOS_H
#define CROFT_TESTS_CHAOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_PARTS 18
#define N_PIDS	  3
#define NEVER	  UINT64_MAX

enum kind {
	CREATE,
	CREATE_IP,
	START,
	STOP,
	STOP_KILL,
	DESTROY,
	FORCE,
	SET,
	EXEC,
	STATUS,
	LIST,
	REBOOT,
	SUSPEND,
	RESUME,
	RESTART,
	RECOVER,
	KILL_INIT,
	KILL_MONITOR,
	N_KINDS
};

/* Outcomes: exit codes and these. What status and list say; of exec, that the server is on its way
 * up or down. */
enum {
	KILLED = -1,
	EXEC_BETWEEN = 1000,
	SAID_ABSENT,
	SAID_STOPPED,
	SAID_RUNNING,
	SAID_SUSPENDED,
	SAID_BETWEEN,
	DISTURBED = 2000, /* plus a code: legal after init or the monitor was killed */
};

struct op {
	enum kind kind;
	int worker, name, pids, ip, kill_us;
	bool deadline, killed;
	int code, outcome;   /* code: the exit code, or minus the signal */
	uint64_t start, end; /* microseconds; NEVER: it was killed, and may still take effect */
	char said[200];
};

enum run { STOPPED, RUNNING, SUSPENDED, REBOOTING };

extern const char *const pids_text[N_PIDS];

/* Sets of states are bit masks. */
uint64_t model_absent(void);
/* All states that look like this from outside. */
uint64_t model_like(enum run run, int pids);
/* Whether the server may end or begin without a command, in one of the states. */
bool model_restless(uint64_t set);
void model_print(uint64_t set, char *out, size_t size);

/* How many parts of the search a command takes. */
int model_parts(enum kind kind);
/* The states in which a name can be after these commands, in any order that their times allow; 0 if
 * there is none in which all outcomes are right. */
uint64_t model_search(uint64_t from, const struct op *const op[], int n);

#endif
