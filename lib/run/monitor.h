/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between croft start and the monitor. The monitor (cmd/monitor.c) is a program of its own, static
 * and small, because it stays for as long as the server runs. It is the parent of init: a fork of
 * croft start clones init and then executes croft-monitor (birth.c); nobody waits for the monitor's
 * own start.
 *
 *     croft-monitor NAME INIT-PID RUNDIR LOG-FILE LOG-BYTES CROFT-PROGRAM EVENT-FILE EVENT-BYTES
 *         MEMORY-FILE PIDS-FILE MONITOR_QUICK|""
 *
 * Descriptor MONITOR_CONTROL_FD is one end of a SEQPACKET pair. The starter sends one message, the
 * byte MONITOR_GO, with two descriptors: the console's pty master, and the listening socket
 * RUNDIR/console.sock (SOCK_STREAM). End of file before that: the starter died or gave up; the
 * monitor kills init, reaps it and exits with 1. The monitor answers MONITOR_GO with the same byte
 * (so that the starter knows the monitor lives) and then closes it.
 *
 * Descriptor MONITOR_KEPT_FD, where there is one, is the server's network namespace
 * (run/traffic.h): the monitor does nothing with it, and the program that it executes at the end
 * has it still.
 *
 * When init ends, the monitor writes RUNDIR/ended ("exit CODE" or "signal NUMBER", newline), by
 * rename. If RUNDIR/stopping exists somebody is already tidying up, and the monitor exits. Else it
 * executes CROFT-PROGRAM monitor-ended NAME, which tidies up, and starts the server again when init
 * ended by SIGHUP: that is how the kernel says reboot(2) in a pid namespace, SIGINT says power off.
 *
 * The console's output goes to LOG-FILE as it is; at LOG-BYTES the file is renamed to LOG-FILE.1,
 * so there are at most two (LOG-BYTES 0: no log). A client of console.sock is sent the last
 * MONITOR_REPLAY bytes of them, then what comes, as a stream of bytes without frames; one that does
 * not read is dropped. A client sends frames: struct monitor_frame, then len bytes. There are at
 * most MONITOR_CLIENTS; a further one is told so in a line of text, and closed.
 *
 * MEMORY-FILE and PIDS-FILE ("" for none) are those of limit_notice(). What they count goes to
 * EVENT-FILE as events (run/events.h), which is renamed at EVENT-BYTES, as in sys/spool.h. The
 * server decides how often that happens, so it is bounded: one event a second of each, and in the
 * long run one in MONITOR_EVENT_S; each has the number since the last one. MONITOR_QUICK: it has
 * just rebooted after a short run, and begins with what is left of that bound, which is nothing.
 *
 * Started without descriptor MONITOR_CONTROL_FD it adopts a server whose monitor was killed: it has
 * no console, is not the parent of init, and waits for it by pidfd. How init ended it asks with
 * PIDFD_GET_INFO (Linux 6.15). Where that is missing, and where it says SIGKILL (the kernel tells
 * only a parent whether that was a reboot), "ended" says "unknown", which is no reboot.
 */
#ifndef CROFT_RUN_MONITOR_H
#define CROFT_RUN_MONITOR_H

#include <stdint.h>

#define MONITOR_CONTROL_FD 3
#define MONITOR_KEPT_FD	   4
#define MONITOR_GO	   'G'
#define MONITOR_REPLAY	   (256 * 1024) /* last bytes of the console that a client is shown first */
#define MONITOR_CLIENTS	   8
#define MONITOR_QUICK	   "quick"
#define MONITOR_EVENT_S	   120
#define MONITOR_EVENTS	   16 /* that may follow each other faster than that */

/* Between processes of one machine and one version: native byte order. */
enum monitor_frame_type {
	MONITOR_DATA = 0, /* input for the console */
	MONITOR_SIZE = 1, /* a struct winsize */
};
struct monitor_frame {
	uint8_t type;
	uint8_t zero;
	uint16_t len;
};

#endif
