// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fault: runs a command and makes one of its system calls go wrong.
 *
 * fault count COMMAND...	(what it prints is dropped)
 *	prints the number of calls, then "NAME COUNT" for each kind, as "errno" counts
 * fault kill N COMMAND...
 *	the process that makes the Nth call is killed there
 * fault killall N COMMAND...
 *	all processes of the command are killed there
 * fault errno NAME K ERRNO COMMAND...
 *	the Kth call of this name fails with ERRNO (ENOSPC, ...); calls of the dynamic loader are
 *	not counted here
 * fault hook N SHELL COMMAND...
 *	at the Nth call sh(1) runs the text SHELL, then the command goes on
 *
 * Calls of all processes of the command are counted together, when they are entered. A process that
 * executes a program in another pid namespace is the server's own from then on: it is let go,
 * neither counted nor harmed. When the command has ended this program ends, and what the command
 * left behind runs on.
 *
 * Exit code: that of the command (128 + n when signal n ended it), so with kill 137 where it was
 * itself hit. 125: it ended before its Nth call. 124: it did not end within 60 s, and was killed.
 * Standard error says where the fault was, in a line that begins with "fault:".
 *
 * strace(1) cannot do the first two: the counter of its inject=...:when=N is one for each kind of
 * call and each process.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <elf.h>
#include <linux/ptrace.h>

#define LIMIT_S	  60
#define MAX_PROCS 512
#define MAX_CALLS 1024
#define CODE_LATE 124
#define CODE_NONE 125

static enum { COUNT, KILL, KILLALL, ERRNO, HOOK } what;
static unsigned long at;   /* which call */
static int number, error;  /* errno: of which kind, and with what */
static unsigned long seen; /* calls that count */
static unsigned long kinds[MAX_CALLS];
static bool done;
static const char *hook;
static volatile sig_atomic_t late;

static struct proc {
	pid_t pid;
	bool loading; /* what it calls is the dynamic loader's */
	bool failing; /* its call returns with the error */
	bool inside;  /* it has entered a call: see look_at_call() */
} procs[MAX_PROCS];
static size_t n_procs;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("fault: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

static void on_alarm(int sig)
{
	(void)sig;
	late = 1;
}

static struct proc *proc_of(pid_t pid)
{
	for (size_t i = 0; i < n_procs; i++)
		if (procs[i].pid == pid)
			return &procs[i];
	if (n_procs == MAX_PROCS)
		die("more than %d processes", MAX_PROCS);
	procs[n_procs] = (struct proc) { .pid = pid };
	return &procs[n_procs++];
}

static void forget(pid_t pid)
{
	for (size_t i = 0; i < n_procs; i++)
		if (procs[i].pid == pid)
			procs[i] = procs[--n_procs];
}

static void kill_all(void)
{
	for (size_t i = 0; i < n_procs; i++)
		kill(procs[i].pid, SIGKILL);
}

static bool other_pid_namespace(pid_t pid)
{
	struct stat mine, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return stat("/proc/self/ns/pid", &mine) == 0 && stat(path, &its) == 0 &&
	       mine.st_ino != its.st_ino;
}

/* Whether an interpreter was loaded along with the program. */
static bool is_dynamic(pid_t pid)
{
	unsigned long aux[128] = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, aux, sizeof(aux) - sizeof(aux[0]));
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; (ssize_t)(i * sizeof(aux[0])) < n; i += 2)
		if (aux[i] == AT_BASE)
			return aux[i + 1] != 0;
	return false;
}

static const char *call_name(uint64_t nr)
{
	static char text[64];
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)nr);

	snprintf(text, sizeof(text), "%s", name ? name : "?");
	free(name);
	return text;
}

/* What a call is about: which argument is a path, and which calls have a descriptor first. */
static const char *const with_path[] = {
	" open stat lstat access unlink rmdir mkdir rename link symlink readlink chmod chown "
	"lchown "
	"mount umount2 chdir chroot execve statfs ",
	" openat openat2 unlinkat mkdirat mknodat renameat renameat2 linkat fchmodat fchmodat2 "
	"fchownat "
	"newfstatat statx faccessat faccessat2 readlinkat open_tree mount_setattr utimensat "
	"execveat ",
	" symlinkat ",
};
static const char with_fd[] =
    " read write pread64 pwrite64 readv writev close fstat fsync fdatasync ftruncate fallocate "
    "flock fcntl getdents64 fchmod fchown fstatfs ioctl fchdir sendmsg recvmsg setns lseek ";

static bool is_one_of(const char *name, const char *list)
{
	char word[66];

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(list, word);
}

/* Its path, or what its descriptor is open on; else "". */
static const char *object(pid_t pid, const char *name, const uint64_t args[6])
{
	static char text[256];
	char link[64];
	ssize_t n = -1;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, (int)args[0]);
	if (is_one_of(name, with_fd))
		n = readlink(link, text, sizeof(text) - 1);
	for (int i = 0; i < 3; i++) {
		struct iovec to = { text, sizeof(text) - 1 };
		/* Up to the end of the page: what is behind it need not be there. */
		struct iovec from = { (void *)(uintptr_t)args[i], 4096 - args[i] % 4096 };

		if (!is_one_of(name, with_path[i]))
			continue;
		n = process_vm_readv(pid, &to, 1, &from, 1, 0);
	}
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void say(pid_t pid, uint64_t nr, const uint64_t args[6], const char *how)
{
	char path[64], link[256] = "?";

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	if (n > 0)
		link[n] = '\0';
	const char *name = call_name(nr);
	fprintf(stderr, "fault: %s, pid %d, %s at call %lu: %s %s\n", link, pid, how, at, name,
		object(pid, name, args));
}

/* The call is not made: its number is replaced by one that no call has; its result is set when it
 * returns. */
#if defined(__x86_64__)
static void skip_call(pid_t pid)
{
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, pid, 0, &regs);
	regs.orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, pid, 0, &regs);
}
static void set_result(pid_t pid, long value)
{
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, pid, 0, &regs);
	regs.rax = (unsigned long long)value;
	ptrace(PTRACE_SETREGS, pid, 0, &regs);
}
#elif defined(__aarch64__)
static void skip_call(pid_t pid)
{
	int none = -1;
	struct iovec iov = { &none, sizeof(none) };

	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &iov);
}
static void set_result(pid_t pid, long value)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov);
	regs.regs[0] = (unsigned long long)value;
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov);
}
#else
#error "fault: write skip_call and set_result for this machine"
#endif

/* Whether it stands at the entry or at the exit of a call, and of which. */
static void look_at_call(struct proc *p, struct ptrace_syscall_info *info)
{
	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(*info), info) > 0) /* Linux 5.3 */
		return;
#if defined(__x86_64__)
	/* User Mode Linux has no such request. Entry and exit take turns. */
	struct user_regs_struct r;

	ptrace(PTRACE_GETREGS, p->pid, 0, &r);
	p->inside = !p->inside;
	*info = (struct ptrace_syscall_info) {
		.op = p->inside ? PTRACE_SYSCALL_INFO_ENTRY : PTRACE_SYSCALL_INFO_EXIT,
		.entry = { .nr = r.orig_rax, .args = { r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9 } },
	};
#else
	die("this kernel does not tell a traced process's calls");
#endif
}

static void on_entry(struct proc *p, uint64_t nr, const uint64_t args[6])
{
	/* The last act of glibc's loader: it unmaps its cache. */
	bool loading = p->loading;
	if (nr == SYS_munmap)
		p->loading = false;
	if (nr < MAX_CALLS && !loading)
		kinds[nr]++;
	if (what == ERRNO && (nr != (uint64_t)number || loading))
		return;
	if (++seen != at || what == COUNT)
		return;
	done = true;
	if (what == ERRNO) {
		say(p->pid, nr, args, strerrorname_np(error));
		if (nr != SYS_close) /* which closes, whatever it says: close(2) */
			skip_call(p->pid);
		p->failing = true;
		return;
	}
	if (what == HOOK) {
		say(p->pid, nr, args, system(hook) == 0 ? "hooked" : "hooked in vain");
		return;
	}
	say(p->pid, nr, args, what == KILL ? "killed" : "killed with all");
	if (what == KILL)
		kill(p->pid, SIGKILL);
	else
		kill_all();
}

/* A stop of one process. Returns the signal to pass on, -1 when it was let go. */
static int on_stop(pid_t pid, int status)
{
	struct proc *p = proc_of(pid);
	struct ptrace_syscall_info info = { 0 };
	int sig = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_EXEC && other_pid_namespace(pid)) {
		forget(pid);
		ptrace(PTRACE_DETACH, pid, 0, 0);
		return -1;
	}
	if (event == PTRACE_EVENT_EXEC)
		p->loading = is_dynamic(pid);
	if (event)
		return 0;
	if (sig != (SIGTRAP | 0x80))
		return sig == SIGTRAP ? 0 : sig;
	look_at_call(p, &info);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && !done)
		on_entry(p, info.entry.nr, (const uint64_t *)info.entry.args);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT && p->failing) {
		set_result(pid, -error);
		p->failing = false;
	}
	return 0;
}

static void begin(char *const argv[])
{
	if (what == COUNT && !freopen("/dev/null", "w", stdout))
		_exit(CODE_NONE);
	raise(SIGSTOP); /* seized there, so that the first call counted is the exec */
	execvp(argv[0], argv);
	_exit(127);
}

static int trace(char *const argv[])
{
	struct sigaction sa = { .sa_handler = on_alarm };
	pid_t pid = fork(), got;
	int status;

	if (pid == 0)
		begin(argv);
	waitpid(pid, &status, WUNTRACED);
	if (ptrace(PTRACE_SEIZE, pid, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC) < 0) {
		kill(pid, SIGKILL);
		die("cannot trace: %s", strerror(errno));
	}
	proc_of(pid);
	sigaction(SIGALRM, &sa, NULL);
	alarm(LIMIT_S);
	kill(pid, SIGCONT);
	while (!late) {
		got = waitpid(-1, &status, __WALL);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		if (!WIFSTOPPED(status)) {
			forget(got);
			if (got == pid)
				return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
							   : WEXITSTATUS(status);
			continue;
		}
		int sig = on_stop(got, status);
		if (sig >= 0)
			ptrace(PTRACE_SYSCALL, got, 0, sig);
	}
	kill_all();
	fprintf(stderr, "fault: the command did not end within %d s\n", LIMIT_S);
	return CODE_LATE;
}

static int error_number(const char *name)
{
	for (int e = 1; e < 200; e++)
		if (strerrorname_np(e) && !strcmp(strerrorname_np(e), name))
			return e;
	die("no error is called %s", name);
}

int main(int argc, char **argv)
{
	static const char *const modes[] = { "count", "kill", "killall", "errno", "hook" };
	static const int words[] = { 2, 3, 3, 5, 4 };
	int mode = 0, code;

	while (mode < 5 && (argc < 2 || strcmp(argv[1], modes[mode])))
		mode++;
	if (mode == 5 || argc <= words[mode])
		die("usage: fault count|kill N|killall N|errno NAME K ERRNO|hook N SHELL COMMAND "
		    "[ARG...]");
	what = (unsigned)mode;
	if (what == KILL || what == KILLALL || what == HOOK)
		at = strtoul(argv[2], NULL, 10);
	if (what == HOOK)
		hook = argv[3];
	if (what == ERRNO) {
		number = seccomp_syscall_resolve_name(argv[2]);
		at = strtoul(argv[3], NULL, 10);
		error = error_number(argv[4]);
		if (number < 0)
			die("no system call is called %s", argv[2]);
	}
	code = trace(argv + words[mode]);
	if (what != COUNT)
		return done || code == CODE_LATE ? code : CODE_NONE;
	printf("%lu\n", seen);
	for (int i = 0; i < MAX_CALLS; i++)
		if (kinds[i])
			printf("%s %lu\n", call_name((uint64_t)i), kinds[i]);
	return code;
}
