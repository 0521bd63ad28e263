/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clone3(2), Linux 5.3, with birth in a control group (5.7): glibc 2.36 does not wrap it. */
#ifndef CROFT_SYS_CLONE_H
#define CROFT_SYS_CLONE_H

#include <stdint.h>
#include <sys/types.h>

/* Like fork(2), with namespaces flags (CLONE_NEW*), in the version 2 group cgroup_fd (-1: the
 * caller's), and with a pidfd (ret_pidfd may be NULL). Returns as fork(2) does, or a negative
 * errno. */
pid_t clone_fork(uint64_t flags, int cgroup_fd, int *ret_pidfd);

/* Like vfork(2): fn runs in a child that shares the caller's memory, on a stack of its own, while
 * the caller waits until it executes a program or exits. Born in cgroup_fd. Returns the pid or a
 * negative errno. Costs no copy of page tables, which is most of the cost of a fork here. */
pid_t clone_vfork(int (*fn)(void *), void *arg, int cgroup_fd);

/* Takes on the first id of a server's range, as all of real, effective, saved and file system id,
 * no groups, and keeps capabilities (SECBIT_NO_SETUID_FIXUP). Raw system calls: safe in
 * clone_vfork. A user namespace must be created as that id: the kernel charges inotify instances,
 * namespaces, processes to the creator (security design 0.3), and no task inside is ever host root.
 * clone_ids_restore goes back to root. Both return 0 or a negative errno. */
int clone_ids_take(uid_t base);
int clone_ids_restore(void);

/* Gives the calling thread what a fresh boot gives: SCHED_OTHER, nice 0, all processors, no I/O
 * class of its own, PER_LINUX. What fails, stays. A version 1 group lets no real-time task in:
 * before that. */
void clone_ordinary(void);

/* An empty session keyring in place of the caller's, whose keys a child would possess
 * (keyrings(7)). A kernel without keyrings is success. */
int clone_leave_keyring(void);

#endif
