/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change of a server under way: what the files change*.c and freeze.c share. */
#ifndef CROFT_RUN_CHANGE_H
#define CROFT_RUN_CHANGE_H

#include "run/events.h"
#include "run/groups.h"
#include "run/run.h"
#include "sys/lock.h"

/* What the server was, what it becomes, and what is applied so far. */
struct change {
	const struct host *h;
	const struct set_args *args;
	struct server old, new;
	struct state state; /* while it runs: what is in force */
	bool running;
	struct limit_conf limit; /* that shall be in force */
	const char *hostname;	 /* the same */
	struct cg_layout layout;
	struct blk_devs devs; /* of the I/O limits, those of before and those to come */
	struct cg cg;
	struct strv raw_before; /* what the values for files of control groups replaced */
	bool limits_done, hostname_done, reserved;
	bool changed;	     /* what the file says */
	bool whole;	     /* all of `new` shall be in force, whatever the file said before */
	bool mounts_silent;  /* those inside, when their sizes were to change */
	bool hostname_given; /* then it is set even if the record says it is so already */
};

/* Lock, recovery, existence: what every change begins with. */
int change_begin(const struct host *h, const char *name, const struct run_opts *o,
		 struct lock *lock, struct err *err);
int change_open_group(const struct host *h, const struct state *s, struct cg_layout *layout,
		      struct cg *cg, struct err *err);
bool change_of(const struct change *c, const struct opt *o); /* whether the option changes */
/* Whether it changes, or was named: then it is meant, even if the file says the same already. */
bool change_means(const struct change *c, const struct opt *o);

/* change_tell.c: what of an option is not as it was, "PIDS: 50 -> 60"; of a secret only its name.
 * NULL: nothing. live: of what is in force, where that is a limit; else of the file. Caller frees.
 */
char *change_text(const struct change *c, const struct opt *o, bool live);
/* Whether the file says something of the option that it did not say before, or the other way. */
bool change_of_line(const struct change *c, const struct opt *o);
/* The event of a change that was made. */
void change_tell(const struct change *c, enum event e);

/* Whether the option is something that a running server has, and not only its file. */
bool change_is_in_force(const struct opt *o);

/* change_live.c: into force in the running server; what was done is undone by the other. */
int change_apply(struct change *c, struct err *err);
void change_undo(struct change *c);
/* One line "what: old -> new" for each value that change_apply() would change. */
int change_explain(struct change *c, struct strv *out, struct err *err);

/* change_disk.c: of the server's files, running or not. */
bool change_is_disk(const struct opt *o);
bool change_has_disk(const struct change *c);
int change_disk_check(struct change *c, struct err *err);
int change_disk(struct change *c, struct err *err);
int change_disk_explain(struct change *c, struct strv *out, struct err *err);

/* change_addr.c: addresses are reserved before a change and released after it. */
int change_reserve(struct change *c, struct err *err);
/* Gives back those of `from` that are neither in `keep` nor in use. */
void change_release(const struct change *c, const struct addrs *from, const struct addrs *keep);
/* Whether a server runs with an address that its file does not have. NULL: it does not run. */
bool change_uses_others(const struct state *s, const struct addrs *file);

/* change_recover.c: VAR/servers/NAME/changing, a hint as that of halt.h. What is changed: limits;
 * or limits and host name. KEEPS: nothing any more. NULL removes it. */
#define MARK_LIMITS   ""
#define MARK_HOSTNAME "hostname\n"
#define MARK_KEEPS    "keeps\n"
void change_mark(const struct host *h, const char *name, const char *mark);

#endif
