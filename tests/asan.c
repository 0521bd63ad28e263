// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the sanitizers have to know of croft; linked into it by configure --enable-asan.
 *
 * A report ends the process with exit code 99, which no command has. Where REPORTS is
 * (tests/root/testhost makes it) it goes to a file there, so that a test fails whose background
 * process has one. Leaks are looked for when a process of croft's ends by exit(3). The runtime does
 * that from a thread with a pid of its own that traces all others, which cannot be where children
 * are born in another pid namespace (croft exec, once it has entered) or where the process is not
 * dumpable: it would wait for ever.
 */
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
int __lsan_is_turned_off(void);

#define REPORTS "/run/croft/.asan"
#define OPTIONS                                                                                    \
	"exitcode=99:detect_stack_use_after_return=1:strict_string_checks=1:print_stacktrace=1"

const char *__asan_default_options(void)
{
	return access(REPORTS, W_OK) == 0 ? OPTIONS ":log_path=" REPORTS "/report" : OPTIONS;
}

const char *__ubsan_default_options(void)
{
	return __asan_default_options();
}

int __lsan_is_turned_off(void)
{
	char own[64] = "", born[64] = "";

	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1 ||
	       readlink("/proc/self/ns/pid", own, sizeof(own) - 1) <= 0 ||
	       readlink("/proc/self/ns/pid_for_children", born, sizeof(born) - 1) <= 0 ||
	       strcmp(own, born) != 0;
}
