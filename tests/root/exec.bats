#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# croft exec and croft enter: a command inside, as strictly as init; nothing of the host goes with it.
# O02, O04 and so on are the checks of the security design.
# Text for the server's own shell stands in single quotes; run sets stderr.
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2154
bats_require_minimum_version 1.5.0
load helpers

inside() { croft exec web1 -- "$@"; }

# FILE NAME: a program for the server, at its root.
give() { croft exec web1 -- sh -c "cat >/$2 && chmod +x /$2" <"$1"; }

# NAME: C source on stdin becomes /NAME in web1.
program() {
	needs program:gcc
	gcc -static -O1 -D_GNU_SOURCE -o "$BATS_TEST_TMPDIR/$1" -x c -
	give "$BATS_TEST_TMPDIR/$1" "$1"
}

spy() {
	needs program:gcc
	gcc -static -O2 -D_GNU_SOURCE -o "$BATS_TEST_TMPDIR/spy" "$BATS_TEST_DIRNAME/spy.c"
	give "$BATS_TEST_TMPDIR/spy" spy
}

# Runs a command line under a terminal of 33 lines and 101 columns, with what stdin says typed into it.
# Output: $output. The exit code of script(1) is not reliable when its input is a pipe.
on_terminal() {
	run script -qefc "stty rows 33 cols 101; $1" /dev/null
}

@test "exit codes: the command's, 128 + n, 125, 126, 127" {
	server web1
	run -7 croft exec web1 -- sh -c 'exit 7'
	run -137 croft exec web1 -- sh -c 'kill -9 $$'
	fails 127 croft exec web1 -- nosuch
	fails 127 croft exec web1 -- /no/such
	fails 126 croft exec web1 -- /etc/passwd
	fails 125 croft exec nosuch -- true
	fails 125 croft exec web1
	fails 125 croft exec web1 --nosuch -- true
	croft suspend web1
	fails 125 croft exec web1 -- true
	croft resume web1
	croft stop web1 --kill
	fails 125 croft exec web1 -- true
	fails 125 croft enter web1
}

@test "input, output and error are passed through; options end at the command" {
	server web1
	run --separate-stderr croft exec web1 sh -c 'cat; echo err >&2' <<<"in"
	[ "$output" = in ]
	[ "$stderr" = err ]
	run croft exec web1 echo -u -- -t
	[ "$output" = "-u -- -t" ]
	[ "$(inside head -c 50000000 /dev/zero | wc -c)" -eq 50000000 ]
}

@test "environment is made anew" {
	server web1
	SECRET=x LD_PRELOAD=/none.so run --separate-stderr croft exec web1 -e A=1 -e B="two words" -e PATH=/bin:/usr/bin -- env
	[[ "$output" != *SECRET* && "$output" != *LD_PRELOAD* ]]
	[[ "$output" == *A=1* && "$output" == *"B=two words"* && "$output" == *"PATH=/bin:/usr/bin"* ]]
	[[ "$output" == *container=croft* && "$output" == *LANG=C.UTF-8* && "$output" == *HOME=/root* ]]
	fails 125 croft exec web1 -e NOVALUE -- env
	fails 125 croft exec web1 -e =x -- env
}

@test "O01: no descriptor but 0, 1, 2, whatever the caller has open" {
	server web1
	exec 21</etc 22</ 23<>/dev/null
	run croft exec web1 -- sh -c 'i=0; while [ $i -lt 200 ]; do [ ! -L /proc/$$/fd/$i ] || echo $i; i=$((i+1)); done'
	exec 21<&- 22<&- 23<&-
	[ "$output" = "0
1
2" ]
}

@test "a directory is no input: it would be a way out of the root" {
	server web1
	run --separate-stderr -125 croft exec web1 -- true </etc
	[[ "$stderr" == *directory* ]]
}

@test "a file of the host's is never handed over: its content goes through a pipe" {
	server web1
	local f=$BATS_TEST_TMPDIR/file
	echo before >"$f"
	croft exec web1 -- sh -c 'for i in 0 1 2; do readlink /proc/$$/fd/$i; done' <"$f" >>"$f" 2>>"$f.err"
	cat "$f"
	[ "$(head -n1 "$f")" = before ]
	[ "$(grep -c '^pipe:' "$f")" -eq 3 ]
	[ "$(wc -l <"$f")" -eq 4 ]
	# Nor a pipe; those that are the same everywhere go as they are.
	[ "$(inside readlink /proc/self/fd/0 </dev/null)" = /dev/null ]
	# A device of the host's: no more than its content.
	local loop
	truncate -s 4096 "$f"
	loop=$(losetup -f --show "$f" 2>/dev/null) || return 0
	run inside sh -c 'readlink /proc/self/fd/0; head -n1' <"$loop"
	losetup -d "$loop"
	[[ "$output" == pipe:*before* ]]
}

@test "files as input and output: all of it, in its order, with the exit code" {
	server web1
	local f=$BATS_TEST_TMPDIR/file out=$BATS_TEST_TMPDIR/out i
	head -c 20000000 /dev/urandom >"$f"
	croft exec web1 -- cat <"$f" >"$out"
	cmp "$f" "$out"
	croft exec web1 -- sh -c 'cat >/tmp/x; cat /tmp/x; exit 7' <"$f" >"$out" && return 1
	[ $? -eq 7 ]
	cmp "$f" "$out"
	tar -C / -cf "$f" etc/passwd etc/group
	croft exec web1 -- tar -xO etc/passwd <"$f" >"$out"
	cmp /etc/passwd "$out"
	croft exec web1 -- sh -c 'for i in $(seq 300); do echo $i; echo $i >&2; done' >"$out" 2>&1
	diff "$out" <(for i in $(seq 300); do echo "$i"; echo "$i"; done)
	# It may be opened by name inside, by a user too.
	echo three >"$f"
	croft exec web1 -- sh -c 'echo one >/dev/stdout; echo two >/dev/stderr; cat /dev/stdin' <"$f" >"$out" 2>&1
	croft exec web1 -u nobody -- sh -c 'cat /dev/stdin >/dev/stdout' <"$f" >>"$out"
	[ "$(tr '\n' ' ' <"$out")" = "one two three three " ]
}

@test "of an input file a command takes what it reads, and leaves the rest" {
	server web1
	local line numbers=""
	seq 30000 >"$BATS_TEST_TMPDIR/in"
	while read -r line; do
		numbers+="$line "
		[ "$line" -lt 3 ] || break
		inside true
	done <"$BATS_TEST_TMPDIR/in"
	[ "$numbers" = "1 2 3 " ]
	(
		inside dd bs=1 count=4 of=/dev/null 2>/dev/null
		inside true
		inside dd bs=1 count=2 2>/dev/null
		cat
	) <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
	diff "$BATS_TEST_TMPDIR/out" <(seq 3 30000)
}

@test "an output file that cannot be written ends the command, and is told" {
	server web1
	local dir=$BATS_TEST_TMPDIR/full
	mkdir "$dir"
	mount -t tmpfs -o size=64k full "$dir"
	run --separate-stderr -125 timeout 20 bash -c "croft exec web1 -- cat /dev/zero >$dir/out"
	[[ "$stderr" == *"standard output"*"No space left"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	# Also when the command has ended by then.
	run --separate-stderr -125 timeout 20 bash -c "croft exec web1 -- echo lost >>$dir/out"
	[[ "$stderr" == *"No space left"* ]]
	umount "$dir"
}

@test "O02: no working directory through /proc, by name or by link" {
	server web1
	inside sh -c 'i=0; while [ $i -lt 65 ]; do ln -s /proc/self/fd/$i /l$i; i=$((i+1)); done
		ln -s /proc/self/cwd /lcwd; ln -s /proc/1/root /lroot; ln -s /tmp /ltmp'
	exec 30</etc
	local n
	for n in $(seq 3 64); do
		fails 125 croft exec web1 --cwd "/proc/self/fd/$n" -- pwd
		fails 125 croft exec web1 --cwd "/l$n" -- pwd
	done
	exec 30<&-
	fails 125 croft exec web1 --cwd /lcwd -- pwd
	fails 125 croft exec web1 --cwd /lroot -- pwd
	fails 125 croft exec web1 --cwd tmp -- pwd
	fails 125 croft exec web1 --cwd /nosuch -- pwd
	[ "$(croft exec web1 --cwd /ltmp -- pwd)" = /tmp ]
	[ "$(croft exec web1 -- pwd)" = /root ]
}

@test "O03: croft's own file cannot be had through a script that executes /proc/self/exe" {
	local mode sum i
	sum=$(sha256sum "$(command -v croft)")
	for mode in no yes; do
		server web1 --privileged $mode 2>/dev/null
		printf '#!/proc/self/exe\n' >"$BATS_TEST_TMPDIR/self"
		give "$BATS_TEST_TMPDIR/self" self
		inside sh -c '(until [ -e /stop ]; do for p in /proc/[0-9]*; do
			case $(readlink $p/exe) in */croft) : >>$p/exe && echo >/wrote;; esac
			done; done) >/dev/null 2>&1 &'
		for ((i = 0; i < 50; i++)); do
			croft exec web1 -- /self >/dev/null 2>&1 || :
		done
		inside touch /stop
		run inside test -e /wrote
		[ "$status" -eq 1 ]
		croft destroy web1 --force
	done
	[ "$sum" = "$(sha256sum "$(command -v croft)")" ]
}

@test "O04: the joining process cannot be traced, nor its files be had" {
	server web1
	spy
	inside /spy trace 4 >"$BATS_TEST_TMPDIR/spied" 2>&1 </dev/null 3>&- &
	local spy=$! end=$((SECONDS + 3))
	while [ $SECONDS -lt $end ]; do
		inside true || [ $? -eq 125 ] # who is traced at its end
	done
	local code=0
	wait "$spy" || code=$?
	echo "exit code $code"
	cat "$BATS_TEST_TMPDIR/spied"
	run tail -n1 "$BATS_TEST_TMPDIR/spied"
	[[ "$output" =~ ^tried\ [1-9][0-9]*,\ got\ 0$ ]]
}

@test "no process of the server ever is the host's root" {
	server web1
	local pids=/sys/fs/cgroup/unified/$CROFT_TEST_CGROUP/web1/inside/cgroup.procs pid uid i
	[ -e "$pids" ] || pids=/sys/fs/cgroup/$CROFT_TEST_CGROUP/web1/inside/cgroup.procs
	[ -e "$pids" ]
	(for ((i = 0; i < 150; i++)); do inside true; done) &
	local runner=$! seen=0
	while kill -0 $runner 2>/dev/null; do
		while read -r pid; do
			uid=$(sed -n 's/^Uid:\t\([0-9\t]*\)$/\1/p' "/proc/$pid/status" 2>/dev/null) || continue
			[ -n "$uid" ] || continue
			seen=$((seen + 1))
			[[ ! "$uid" =~ (^|[[:space:]])0([[:space:]]|$) ]] || return 1
		done <"$pids"
	done
	[ "$seen" -gt 10 ]
}

@test "O19, O25: as init: capabilities, filter, namespaces, group, limits" {
	server web1
	local keys='CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp'
	diff <(inside grep -E "^($keys)" /proc/self/status) <(inside grep -E "^($keys)" /proc/1/status)
	diff <(inside cat /proc/self/cgroup) <(inside cat /proc/1/cgroup)
	diff <(inside cat /proc/self/limits) <(inside cat /proc/1/limits)
	diff <(inside cat /proc/self/oom_score_adj) <(inside cat /proc/1/oom_score_adj)
	inside sh -c 'for n in cgroup ipc mnt net pid time user uts; do
		[ "$(readlink /proc/self/ns/$n)" = "$(readlink /proc/1/ns/$n)" ] || echo $n; done' >"$BATS_TEST_TMPDIR/other"
	[ ! -s "$BATS_TEST_TMPDIR/other" ]
	inside grep -qE '^CapInh:[[:space:]]*0+$' /proc/self/status
	inside grep -qE '^CapAmb:[[:space:]]*0+$' /proc/self/status
	inside grep -qE '^Seccomp:[[:space:]]*2$' /proc/self/status
	[ "$(inside grep -cE '^Sig(Blk|Ign):[[:space:]]*0+$' /proc/self/status)" -eq 2 ]
	inside grep -qE '^Umask:[[:space:]]*0022$' /proc/self/status
	croft exec web1 -u 1000 -- grep -qE '^CapEff:[[:space:]]*0+$' /proc/self/status
	croft exec web1 -u 1000 -- grep -qE '^Seccomp:[[:space:]]*2$' /proc/self/status
	# the limits of the version 1 controllers as well, seen from the host
	inside sleep 7 &
	sleep 0.5
	local init pid
	init=$(field web1 init-pid)
	pid=$(pgrep -xf 'sleep 7')
	diff "/proc/$init/cgroup" "/proc/$pid/cgroup"
	wait
}

ids() { # USER "uid gid groups"
	run --separate-stderr croft exec web1 -u "$1" -- sed -nE 's/^(Uid|Gid):[[:space:]]*([0-9]+).*/\2/p; s/^Groups:[[:space:]]*//p' /proc/self/status
	if [ "$status" -ne 0 ] || [ "$(xargs <<<"$output")" != "$2" ]; then
		echo "-u $1: $output$stderr"
		return 1
	fi
}

@test "O20: users are exactly who was meant, or refused" {
	server web1
	inside sh -c 'printf "root:x:0:0::/root:/bin/sh\nu:x:1001:1002::/tmp:/bin/sh\n1000:x:0:0::/root:/bin/sh\nbig:x:4294967296:0::/:/bin/sh\n" >/etc/passwd
		printf "root:x:0:\nu:x:1002:\nadm:x:4:u\nsudo:x:27:x,u\n50:x:0:u\n" >/etc/group'
	ids u "1001 1002 0 4 27 1002"
	ids 1001 "1001 1002 0 4 27 1002"
	ids u:adm "1001 4 4"
	ids 1:2 "1 2 2"
	ids 1 "1 1 1"
	ids 1000 "1000 1000 1000"
	ids u:50 "1001 50 50"
	ids root "0 0 0"
	local bad
	for bad in '' : :5 1: 01 +1 -1 0x0 1.0 4294967295 4294967296 2147483648 65536 1:65536 nosuch u:nosuch big 'u ' root:root:root; do
		fails 125 croft exec web1 -u "$bad" -- id
	done
	[ "$(croft exec web1 -u u -- pwd)" = /tmp ]
}

@test "hostile /etc/passwd and /etc/group neither hang nor cost memory" {
	server web1
	inside sh -c 'echo u:x:6:6::/:/bin/sh >/etc/passwd; rm /etc/group; truncate -s 1G /etc/group || :'
	timeout 2 croft exec web1 -u 1000 -- true
	timeout 2 croft exec web1 -u u -- true
	inside sh -c 'rm /etc/passwd /etc/group; mkfifo /etc/passwd; ln -s /dev/zero /etc/group'
	timeout 2 croft exec web1 -u 1000 -- true
	fails 125 timeout 2 croft exec web1 -u u -- true
	inside sh -c 'rm /etc/passwd; ln -s /proc/self/fd/3 /etc/passwd'
	timeout 2 croft exec web1 -- true
	inside sh -c 'rm /etc/passwd; ln -s ../../../../../../etc/shadow /etc/passwd'
	timeout 2 croft exec web1 -- true
}

@test "a terminal: the server's own, with the size of the operator's" {
	needs program:script
	server web1
	on_terminal "croft exec web1 -- sh -c 'tty; stty size; exit 5'; echo code=\$?" </dev/null
	[[ "$output" == *"/dev/pts/"*"33 101"*code=5* ]]
	on_terminal "croft exec -T web1 -- tty" </dev/null
	[[ "$output" == *"not a tty"* ]]
	on_terminal "croft exec web1 -- tty | cat" </dev/null
	[[ "$output" == *"not a tty"* ]]
	run croft exec -t web1 -- tty </dev/null
	[[ "$output" == *"/dev/pts/"* ]]
	fails 125 croft exec -t -T web1 -- tty
	# the end of the input is the end of a shell, whatever mode its terminal is in just then
	local i
	for ((i = 0; i < 5; i++)); do
		run timeout 10 croft exec -t web1 -- sh <<<'echo $((40+2))'
		[[ "$output" == *42* ]]
		[ "$status" -eq 0 ]
	done
}

@test "O24: what the server types reaches nobody's terminal" {
	needs program:script
	server web1
	spy
	on_terminal "croft exec -t web1 -- /spy type; croft exec -T web1 -- /spy type; echo over" </dev/null
	[[ "$output" == *"typed 0"*"typed 0"*over* ]]
	[[ "$output" != *typed-by-the-server* ]]
	# without -T, 0 to 2 are no terminal of the host's
	on_terminal "croft exec -T web1 -- sh -c 'for i in 0 1 2; do readlink /proc/\$\$/fd/\$i; done'" </dev/null
	[ "$(grep -c pipe: <<<"$output")" -eq 3 ]
}

@test "a hostile /dev/pts gives no terminal" {
	server web1
	inside sh -c 'mount -t tmpfs x /dev/pts && ln -s /etc/passwd /dev/pts/ptmx'
	fails 125 croft exec -t web1 -- true
	inside umount /dev/pts
	inside sh -c 'touch /f && mount --bind /f /dev/pts/ptmx'
	fails 125 croft exec -t web1 -- true
	inside umount /dev/pts/ptmx
	croft exec -t web1 -- true </dev/null
}

@test "signals are forwarded; the command does not outlive croft exec" {
	server web1
	local sig pid code
	for sig in INT TERM HUP QUIT; do
		# An asynchronous list of a shell without job control ignores INT and QUIT, and croft leaves that so.
		env --default-signal=INT,QUIT croft exec web1 -- sh -c "trap 'exit 9' $sig; while :; do sleep 0.05; done" </dev/null 3>&- &
		pid=$!
		sleep 0.5
		kill -"$sig" $pid
		code=0
		wait $pid || code=$?
		[ "$code" -eq 9 ]
	done
	croft exec web1 -- sleep 4321 </dev/null 3>&- &
	pid=$!
	sleep 0.5
	kill -KILL $pid
	wait $pid || :
	sleep 0.3
	run -0 inside ps
	[[ "$output" != *"sleep 4321"* ]]
	run --separate-stderr -125 croft exec web1 --deadline 0.5 -- sleep 4322
	[[ "$stderr" == *time* ]]
	run -0 inside ps
	[[ "$output" != *"sleep 4322"* ]]
}

@test "stop while a command runs ends it" {
	server web1
	inside sleep 100 </dev/null 3>&- &
	local pid=$!
	sleep 0.5
	timeout 20 croft stop web1 --kill
	local code=0
	wait $pid || code=$?
	[ "$code" -eq 137 ]
}

# As after reboot(2) inside, for as long as somebody outside has not waited for a process of the server's.
@test "in a server whose init is dying a command is refused: it is stopping" {
	server web1
	croft exec web1 -- sleep 100 </dev/null 3>&- &
	local pid=$! init
	sleep 0.5
	kill -STOP $pid
	init=$(field web1 init-pid)
	kill -9 "$init"
	sleep 0.5
	run -125 croft exec web1 -- true
	kill -CONT $pid
	[ "$output" = "croft: exec web1: the server is stopping" ]
	wait $pid || [ $? -eq 137 ]
}

@test "enter: a login shell, and commands from standard input" {
	needs program:script
	server web1
	run -6 croft enter web1 <<<'echo $0; tty; exit 6'
	[[ "$output" == *-sh*"not a tty"* ]]
	on_terminal "croft enter web1; echo code=\$?" < <(sleep 0.5; printf 'tty; pwd; exit 4\r'; sleep 1)
	[[ "$output" == *"/dev/pts/"*"/root"*code=4* ]]
}

@test "of an input file no command gives back more than it was given" {
	server web1
	program back <<'C'
#include <fcntl.h>
#include <unistd.h>
int main(void)
{
	static char more[700];

	return write(open("/proc/self/fd/0", O_WRONLY | O_NONBLOCK), more, sizeof(more)) < 0;
}
C
	seq -w 1 500 >"$BATS_TEST_TMPDIR/in" # lines of 4 bytes
	{
		head -c 1000 >/dev/null # the operator's script has got so far
		croft exec web1 -- /back
		read -r line
	} <"$BATS_TEST_TMPDIR/in"
	echo "goes on at line $line"
	[ "$line" = 251 ]
}

@test "a socket of the host's is no way into the host's network" {
	needs program:python3
	server web1
	program sock <<'C'
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct ifreq r[20];
	struct ifconf c = { .ifc_len = sizeof(r), .ifc_req = r };

	if (ioctl(1, SIOCGIFCONF, &c) == 0)
		for (int i = 0; i < c.ifc_len / (int)sizeof(*r); i++)
			fprintf(stderr, "the host's interface %s\n", r[i].ifr_name);
	if (argc > 1) {
		struct sockaddr none = { .sa_family = AF_UNSPEC };
		struct sockaddr_in a = { AF_INET, htons(atoi(argv[1])), { htonl(0x7f000001) } };
		char b[64] = "";

		connect(1, &none, sizeof(none));
		if (connect(1, (void *)&a, sizeof(a)) == 0 && read(1, b, 63) > 0)
			fprintf(stderr, "from the host's loopback: %s\n", b);
	}
}
C
	python3 - >"$BATS_TEST_TMPDIR/ports" 3>&- <<'P' &
import socket, threading, time, sys
def serve(s, text):
    while True:
        c, _ = s.accept()
        c.sendall(text)
        time.sleep(1)
for text in (b"log", b"secret"):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(5)
    print(s.getsockname()[1], flush=True)
    threading.Thread(target=serve, args=(s, text), daemon=True).start()
time.sleep(15)
P
	local server=$!
	wait_for 5 eval '[ "$(wc -l <"$BATS_TEST_TMPDIR/ports")" = 2 ]'
	{ read -r log; read -r secret; } <"$BATS_TEST_TMPDIR/ports"
	timeout 10 bash -c "croft exec web1 -- /sock $secret >/dev/tcp/127.0.0.1/$log" 2>"$BATS_TEST_TMPDIR/said" || :
	python3 -c 'import socket, subprocess; a, b = socket.socketpair(); subprocess.run(["croft", "exec", "web1", "--", "/sock"], stdout=b)' 2>>"$BATS_TEST_TMPDIR/said"
	kill $server
	cat "$BATS_TEST_TMPDIR/said"
	[ ! -s "$BATS_TEST_TMPDIR/said" ]
}

# A process that the server leaves behind has the operator's pipe as long as it likes.
left_behind() {
	croft exec web1 -- sh -c "cat >/left && chmod 755 /left" <<-'S'
		#!/bin/sh
		exec 3<&0
		cat <&3 >/stolen 2>/dev/null &
		(sleep 0.5; echo "web2: all is well, says web1"; sleep 60) 2>/dev/null &
		echo "web1: done"
	S
}

@test "what a command leaves behind reads nothing of what is for the next server" {
	server web1
	server web2
	left_behind
	(sleep 0.5; echo "root:secret of web2"; sleep 0.3) | {
		croft exec web1 -- /left >/dev/null
		timeout 3 croft exec web2 -- sh -c 'cat >/got'
	} || :
	[ "$(croft exec web1 -- cat /stolen </dev/null)" = "" ]
	[ "$(croft exec web2 -- cat /got </dev/null)" = "root:secret of web2" ]
}

@test "what a command leaves behind writes nothing between the lines of the next server" {
	server web1
	server web2
	left_behind
	timeout 5 bash -c '(croft exec web1 -- /left </dev/null; sleep 1; croft exec web2 -- echo "web2: failed") | cat' \
		>"$BATS_TEST_TMPDIR/out" || echo "the pipe was held open: $?"
	cat "$BATS_TEST_TMPDIR/out"
	run ! grep 'says web1' "$BATS_TEST_TMPDIR/out"
}

@test "the output of an exec that has ended ends, also with a deadline" {
	server web1
	run -0 timeout 8 bash -c 'x=$(croft exec --deadline 2 web1 -- sh -c "sleep 30 & echo hi"); echo "got $x"'
	[ "$output" = "got hi" ]
}

@test "a command inside cannot make the operator's pipe non-blocking" {
	server web1
	program nb <<<'#include <fcntl.h>
		int main(void) { return fcntl(0, F_SETFL, O_NONBLOCK); }'
	run -0 bash -c '(sleep 1; echo data) | (croft exec web1 -- /nb; cat)'
	[ "$output" = data ]
}

@test "exec ends when its command has, and at its deadline, also when somebody inside traces it and never waits" {
	server web1
	program tracer <<'C'
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>
int main(void)
{
	if (fork())
		return 0;
	setsid();
	alarm(20);
	close(0), close(1), close(2);
	for (;;) {
		DIR *d = opendir("/proc");
		struct dirent *e;

		while ((e = readdir(d))) {
			char path[300], name[32] = "";
			int fd;

			snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
			if (atoi(e->d_name) < 2 || (fd = open(path, O_RDONLY)) < 0)
				continue;
			if (read(fd, name, 31) > 0 && strcmp(name, "sleep\n") == 0 &&
			    ptrace(PTRACE_SEIZE, atoi(e->d_name), 0, 0) == 0)
				for (;;)
					pause();
			close(fd);
		}
		closedir(d);
	}
}
C
	croft exec web1 -- /tracer
	local from=$SECONDS
	timeout 15 croft exec web1 --deadline 4 -- sleep 1 || :
	[ $((SECONDS - from)) -lt 8 ]
	from=$SECONDS
	croft exec web1 -- killall tracer
	croft exec web1 -- /tracer
	timeout 15 croft exec web1 -- sleep 1 || :
	[ $((SECONDS - from)) -lt 8 ]
}

@test "a file size limit of the caller's is an error in one line, not the end by a signal" {
	needs program:setpriv
	server web1
	# Without CAP_SYS_RESOURCE not even root takes it off.
	run bash -c 'ulimit -f 0; exec env --default-signal=XFSZ setpriv --bounding-set=-sys_resource croft stop web1 --kill'
	echo "$status"
	[ "$status" -lt 10 ]
	[ "${#lines[@]}" -le 1 ]
}

@test "a pipe's input: what a command does not read is there for the next one" {
	server web1
	local n=0 line
	while read -r line; do
		[ "$(inside echo "$line")" = "$line" ]
		n=$((n + 1))
	done < <(seq 20)
	[ "$n" -eq 20 ]
	run -0 bash -c 'seq 30000 | { croft exec web1 -- dd bs=1 count=4 2>/dev/null; croft exec web1 -- true; cat; }'
	diff <(echo "$output") <(seq 30000)
	# All of it, whatever the size of the pieces that are written and read.
	local f=$BATS_TEST_TMPDIR/file size
	head -c 3000000 /dev/urandom >"$f"
	for size in 100 1000 4096 5000 65536 200000; do
		dd if="$f" bs=$size 2>/dev/null | timeout 20 croft exec web1 -- cat | cmp - "$f"
		timeout 20 bash -c "cat $f | croft exec web1 -- dd bs=$size 2>/dev/null | cat" | cmp - "$f"
	done
}

@test "pipes end: the producer's, the reader's, and with the command" {
	server web1
	# A service of systemd's, as the caller may be, begins with SIGPIPE ignored.
	run -0 timeout 10 env --default-signal=PIPE bash -c 'yes | croft exec web1 -- head -n1; echo ${PIPESTATUS[0]}'
	[ "$output" = "y
141" ]
	run -0 timeout 10 bash -c 'croft exec web1 -- yes | head -n1; echo ${PIPESTATUS[0]}'
	[ "$output" = "y
141" ]
	run -0 timeout 10 bash -c 'printf in | croft exec web1 -- cat | cat'
	[ "$output" = in ]
	# Who reads slowly loses nothing; the errors stay in their place.
	run -0 timeout 20 bash -c 'croft exec web1 -- seq 60000 | (sleep 2; md5sum)'
	[ "$output" = "$(seq 60000 | md5sum)" ]
	croft exec web1 -- sh -c 'for i in $(seq 300); do echo $i; echo $i >&2; done' 2>&1 |
		diff - <(for i in $(seq 300); do echo "$i"; echo "$i"; done)
	# A deadline holds, whether anybody reads or not.
	run -0 timeout 10 bash -c '(croft exec web1 --deadline 1 -- yes; echo $? >&2) | sleep 4'
	[[ "$output" == *125* ]]
}

@test "sockets: both ways, to the end" {
	needs program:python3
	server web1
	run -0 timeout 20 python3 - <<-'P'
		import os, socket, subprocess, threading
		data = os.urandom(3000000)
		a, b = socket.socketpair()
		p = subprocess.Popen(["croft", "exec", "web1", "--", "cat"], stdin=b, stdout=b)
		b.close()
		def send():
		    a.sendall(data)
		    a.shutdown(socket.SHUT_WR)
		threading.Thread(target=send).start()
		got = b""
		while True:
		    piece = a.recv(100000)
		    if not piece:
		        break
		    got += piece
		assert p.wait() == 0 and got == data
	P
}

@test "a small stack is enough" {
	server web1
	echo in >"$BATS_TEST_TMPDIR/in"
	(ulimit -s 100 && croft exec web1 -- cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out")
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = in ]
}
