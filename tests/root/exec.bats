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
	# Those that are the same everywhere, and what is one already, go as they are.
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
		inside true
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
	run inside pgrep -f 'sleep 4321'
	[ "$status" -ne 0 ]
	run --separate-stderr -125 croft exec web1 --deadline 0.5 -- sleep 4322
	[[ "$stderr" == *time* ]]
	run inside pgrep -f 'sleep 4322'
	[ "$status" -ne 0 ]
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

@test "enter: a login shell, and commands from standard input" {
	needs program:script
	server web1
	run -6 croft enter web1 <<<'echo $0; tty; exit 6'
	[[ "$output" == *-sh*"not a tty"* ]]
	on_terminal "croft enter web1; echo code=\$?" < <(sleep 0.5; printf 'tty; pwd; exit 4\r'; sleep 1)
	[[ "$output" == *"/dev/pts/"*"/root"*code=4* ]]
}
