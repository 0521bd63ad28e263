/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes: who they are (pid and start time, because pids are used again), and system calls that
 * glibc 2.36 does not wrap. */
#ifndef CROFT_SYS_PROC_H
#define CROFT_SYS_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The text of /proc/PID/stat, proc_pid_stat(5): its start time, 0 for a process that is no more. */
uint64_t proc_stat_parse(const char *text, bool *dying);
/* Field 22 of /proc/PID/stat in clock ticks since boot, proc(5); 0 when there is no such process or
 * it is a zombie. Read from the host's /proc. */
uint64_t proc_start_time(pid_t pid);
/* 1: it is alive; 0: it is no more, or the number is another's by now; negative errno (EMFILE,
 * ENOMEM): it could not be looked at. */
int proc_look(pid_t pid, uint64_t start_time);
/* These two are true where it could not be looked at: who tidies up after the dead must not take
 * one who lives for dead. Before a signal is sent, proc_look() must have said 1. */
bool proc_alive(pid_t pid, uint64_t start_time);
/* Alive, and neither killed nor ending: what is killed may look alive for long, while the kernel
 * writes back its files or ends a whole pid namespace. */
bool proc_goes_on(pid_t pid, uint64_t start_time);
int proc_pidfd_open(pid_t pid, unsigned flags); /* pidfd_open(2), 5.3; cloexec */
int proc_pidfd_signal(int pidfd, int sig);	/* pidfd_send_signal(2), 5.1 */
/* Whether a process catches or blocks a signal: 1, 0, negative errno. Process 1 of a pid namespace
 * does not get one that it neither catches nor blocks, SIGKILL and SIGSTOP from outside apart
 * (pid_namespaces(7)). */
int proc_takes_signal(pid_t pid, int sig);
bool proc_status_takes(const char *status, int sig); /* of proc_pid_status(5) */
/* Waits until the process of a pidfd is gone. 0, or -ETIMEDOUT. timeout_ms -1: for ever. */
int proc_pidfd_wait(int pidfd, int timeout_ms);
/* Who logged in: sudo(8) and su(1) change the uid, and this stays (proc_pid_loginuid(5)). The uid
 * where nobody did. */
uid_t proc_login_uid(void);
/* The command line of a process for messages, at most n bytes, blanks for NULs; "?" if unknown. */
void proc_command(pid_t pid, char *out, size_t n);

/* Bytes; memory is PARSE_UNLIMITED where nothing is known of it. */
struct proc_host {
	double load[3];
	uint64_t memory, available, swap, swap_free;
};
void proc_host(struct proc_host *ret);

#endif
