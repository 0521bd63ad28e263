// SPDX-License-Identifier: GPL-2.0-or-later
/* chaos: what its files share. chaos.c runs commands, chaos_model.c says what they may do, and
 * chaos_host.c looks at what they did. */
#ifndef CROFT_TESTS_CHAOS_H
#define CROFT_TESTS_CHAOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_NAMES 20
#define MAX_PARTS 18
#define SETTLE_MS 8000
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
	SET_IP,
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
	bool deadline, killed, hung;
	int code, outcome;   /* code: the exit code, or minus the signal */
	uint64_t start, end; /* microseconds; NEVER: it was killed, and may still take effect */
	char said[200];
};

/* chaos.c */
extern int n_names, n_failures;
extern const char *parent_group;
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void failure(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_us(void);
void pause_ms(int ms);

/* chaos_commands.c */
const char *name_of(int i);
/* The same number of draws for every command. */
void op_draw(struct op *o, uint64_t *random);
void op_words(const struct op *o, char *out, size_t size);
/* croft with these words; out: memory files of what it says, for take_text(). */
pid_t spawn(const char *words, int out[2]);
/* The beginning of a file, which is closed. */
void take_text(int fd, char *text, size_t size);
/* The outcome of a command that was not killed, from its exit code and what it said. */
void op_judge(struct op *o, const char *out, const char *err);
/* Not a command: init or the monitor of a server is killed. */
bool op_is_kill(const struct op *o);
void op_kill_own(struct op *o);

/* chaos_host.c */
struct truth {
	bool there;
	char state[16], pids[16], init[16], monitor[16], base[16], ip[128], group[128];
};

/* A croft command that must succeed. */
void host_croft(const char *words, char *out, size_t size);
/* False: a server is on its way up or down. */
bool host_read(struct truth t[MAX_NAMES]);
void host_check_name(const char *name, const struct truth *t);
void host_check_apart(const struct truth t[]);
/* What tests/root/inventory prints; the end compares it. */
char *host_inventory(void);
void host_check_end(const char *before);

/* chaos_model.c */
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
