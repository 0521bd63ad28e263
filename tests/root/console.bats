#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The console, its log, and the monitor that keeps both.
# Text for the server's own shell stands in single quotes; run sets stderr.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0
load helpers

# Starts croft console under a terminal. Type with `type_in`, look into $screen.
console() {
	needs program:script
	screen=$BATS_TEST_TMPDIR/screen
	keys=$BATS_TEST_TMPDIR/keys
	: >"$screen"
	mkfifo "$keys"
	script -qefc "stty rows 33 cols 101; croft console $*" "$screen" <"$keys" >/dev/null 2>&1 3>&- &
	console_pid=$!
	exec 9>"$keys"
}
type_in() { printf '%b' "$1" >&9; }
sees() { wait_for 5 grep -qaF -- "$1" "$screen" || { cat -v "$screen"; return 1; }; }
leave() {
	type_in '\035'
	exec 9>&-
	wait "$console_pid"
}

monitor_pid() { field web1 monitor-pid; }

@test "console: output from before, input, window size, detach" {
	server web1
	sleep 0.3
	console web1
	sees 'Ctrl-] leaves it'
	sees 'press Enter'
	type_in '\r'
	sees '#'
	type_in 'echo $((40+2))-$(tty)\r'
	sees '42-/dev/'
	type_in 'stty size\r'
	sees '33 101'
	leave
	grep -qa 'left the console' "$screen"
	state_is web1 running
	croft logs web1 | grep -qa '42-/dev/'
}

@test "console: several look at once, a reboot is followed, a stop ends it" {
	server web1
	console web1
	sees 'press Enter'
	mkfifo "$BATS_TEST_TMPDIR/silent"
	exec 7<>"$BATS_TEST_TMPDIR/silent"
	timeout 5 croft console web1 <&7 >"$BATS_TEST_TMPDIR/second" 2>&1 3>&- &
	local second=$!
	type_in '\r'
	sees '#'
	type_in 'echo both-see-$((1+1))\r'
	sees both-see-2
	wait_for 3 grep -qa both-see-2 "$BATS_TEST_TMPDIR/second"
	kill "$second"
	wait "$second" || :
	: >"$screen"
	croft exec web1 -- reboot -f || :
	wait_for 10 booted web1 2
	croft exec web1 -- sh -c 'echo after-the-reboot >/dev/console'
	sees after-the-reboot
	croft stop web1 --kill
	wait_for 5 dead "$console_pid"
	exec 9>&-
	grep -qa 'the server has ended' "$screen"
}
booted() { [ "$(field "$1" boots)" = "$2" ] && state_is "$1" running; }
dead() { ! kill -0 "$1" 2>/dev/null; }

@test "console: ends with an input that is no terminal, and with its deadline" {
	server web1
	sleep 0.3
	run -0 --separate-stderr timeout 8 croft console web1 </dev/null
	[[ "$stderr" == *"left the console"* ]]
	printf '\necho sum-$((40+2))\n' >"$BATS_TEST_TMPDIR/typed"
	run -0 --separate-stderr timeout 8 croft console web1 --quiet <"$BATS_TEST_TMPDIR/typed"
	[[ "$output" == *sum-42* ]]
	[ -z "$stderr" ]
	mkfifo "$BATS_TEST_TMPDIR/silent"
	exec 7<>"$BATS_TEST_TMPDIR/silent"
	run -6 --separate-stderr timeout 8 croft console web1 --quiet --deadline 0.3 <&7
	[ "$stderr" = 'croft: console web1: the deadline has passed' ]
	# It does not end while a program inside says something every moment, but then it does.
	croft exec web1 -- sh -c 'while :; do echo x; sleep 0.2; done >/dev/console' 3>&- &
	local chatter=$!
	run -0 timeout 20 croft console web1 --quiet </dev/null
	kill $chatter
	wait $chatter || :
	exec 7>&-
}

@test "console: nobody there, or somebody who does not read, never holds up the server" {
	server web1
	local flood='i=0; while [ $i -lt 100 ]; do head -c 20000 /dev/zero | tr "\0" x; i=$((i+1)); done >/dev/console'
	timeout 20 croft exec web1 -- sh -c "$flood"
	mkfifo "$BATS_TEST_TMPDIR/unread" "$BATS_TEST_TMPDIR/silent"
	exec 8<>"$BATS_TEST_TMPDIR/unread" 7<>"$BATS_TEST_TMPDIR/silent"
	croft console web1 <&7 >"$BATS_TEST_TMPDIR/unread" 2>/dev/null 3>&- &
	local reader=$!
	sleep 0.5
	timeout 20 croft exec web1 -- sh -c "$flood"
	kill "$reader"
	wait "$reader" || :
	exec 8>&- 7>&-
}

@test "console: of a stopped server, of none" {
	croft create web1 --template busybox
	fails 3 croft console web1
	fails 4 croft console nosuch
}

@test "the log is bounded: two files of the size in croft.conf" {
	echo 'CONSOLE_LOG=64K' >>/etc/croft/croft.conf
	server web1
	croft exec web1 -- sh -c 'i=0; while [ $i -lt 20000 ]; do echo "line $i of a console"; i=$((i+1)); done >/dev/console'
	sleep 0.3
	run ls /var/log/croft
	[ "$output" = "web1.console.log
web1.console.log.1" ]
	[ "$(cat /var/log/croft/web1.console.log* | wc -c)" -lt 140000 ]
	croft logs web1 | grep -q 'line 19999 of a console'
	run croft logs web1 --lines 3
	[ "$(tr -d '\r' <<<"$output")" = "line 19997 of a console
line 19998 of a console
line 19999 of a console" ]
	# the half before is reached as well
	[ "$(croft logs web1 -n 3000 | wc -l)" -eq 3000 ]
	[ "$(croft logs web1 -n 3000 | head -n1 | tr -d '\r')" = "line 17000 of a console" ]
	[ "$(stat -c %a /var/log/croft/web1.console.log)" = 600 ]
}

@test "logs: also of a stopped server, followed, raw in a file, harmless on a terminal" {
	needs program:script
	server web1
	croft exec web1 -- sh -c 'printf "\033]0;title\007\033[2Jevil\r\n" >/dev/console'
	sleep 0.3
	croft logs web1 | grep -qa "$(printf '\033')]0;title"
	run script -qefc "croft logs web1" /dev/null </dev/null
	[[ "$output" == *'^[]0;title^G^[[2Jevil'* ]]
	[[ "$output" != *"$(printf '\033')"* ]]
	timeout 10 croft logs web1 --follow --lines 0 >"$BATS_TEST_TMPDIR/followed" 3>&- &
	local pid=$!
	sleep 0.5
	croft exec web1 -- sh -c 'echo news >/dev/console'
	wait_for 3 grep -q news "$BATS_TEST_TMPDIR/followed"
	kill $pid
	wait $pid || :
	run ! grep -q evil "$BATS_TEST_TMPDIR/followed"
	croft stop web1 --kill
	croft logs web1 | grep -qa evil
	fails 4 croft logs nosuch
	fails 2 croft logs web1 --lines x
	run ! sh -c 'croft logs web1 >/dev/full'
}

@test "logs as JSON: an object a line, whatever the server printed" {
	needs program:python3
	server web1
	wait_for 5 grep -qs Please /var/log/croft/web1.console.log
	croft exec web1 -- sh -c 'printf "\nfirst\nwith \"quotes\" \033[2J\tand \377\000bytes\n\nlast" >/dev/console'
	sleep 0.3
	croft logs web1 --json --lines 4 >"$BATS_TEST_TMPDIR/json"
	cat "$BATS_TEST_TMPDIR/json"
	python3 - "$BATS_TEST_TMPDIR/json" <<-'E'
		import json, sys
		got = [json.loads(line) for line in open(sys.argv[1])]
		assert all(set(o) == {"name", "line"} and o["name"] == "web1" for o in got), got
		assert [o["line"] for o in got] == ["first", 'with "quotes" \033[2J\tand \ufffd\ufffdbytes', "", "last"], got
	E
	croft logs web1 --json | python3 -c 'import json, sys; [json.loads(l) for l in sys.stdin]'
	croft logs web1 --json --lines 0 >"$BATS_TEST_TMPDIR/json"
	[ ! -s "$BATS_TEST_TMPDIR/json" ]
	run -4 --separate-stderr croft logs nosuch --json
	[[ "$output" == *'"symbol":"absent"'* ]]
}

@test "the monitor is small, holds nothing of the host, and is harmless to signals" {
	server web1
	local pid n
	pid=$(monitor_pid)
	run grep -w Pss "/proc/$pid/smaps_rollup"
	[ "$(awk '{print $2}' <<<"$output")" -le 64 ]
	for n in "/proc/$pid"/fd/*; do
		case $(readlink "$n") in
		/dev/null | anon_inode:\[pidfd\] | /dev/ptmx | */ptmx | */pts/* | /[0-9]* | socket:* | /var/log/croft/web1.console.log*) ;;
		/sys/fs/cgroup/*/web1/*memory.oom_control | /sys/fs/cgroup/*/web1/*.events | anon_inode:\[eventfd\]) ;; # of limits
		net:\[*\]) [ "$(readlink "$n")" = "$(readlink "/proc/$(field web1 init-pid)/ns/net")" ] ;; # of the server
		*) ls -l "/proc/$pid/fd" && false ;;
		esac
	done
	[ "$(readlink "/proc/$pid/cwd")" = / ]
	for n in HUP INT QUIT TERM PIPE USR1; do
		kill -"$n" "$pid"
	done
	sleep 0.2
	kill -0 "$pid"
	croft exec web1 -- sh -c 'echo still-logged >/dev/console'
	sleep 0.2
	croft logs web1 | grep -q still-logged
}

@test "the last words of a server are in its log" {
	server web1
	croft exec web1 -- sh -c 'i=0; while [ $i -lt 2000 ]; do echo "word $i"; i=$((i+1)); done >/dev/console; poweroff -f' || :
	wait_for 10 state_is web1 stopped
	croft logs web1 | grep -q 'word 1999'
}

@test "a killed monitor: the server goes on, the next command adopts it, its end is noticed" {
	server web1
	local old new
	old=$(monitor_pid)
	kill -KILL "$old"
	wait_for 3 dead "$old"
	croft recover web1
	state_is web1 running
	new=$(monitor_pid)
	[ -n "$new" ] && [ "$new" != "$old" ]
	croft exec web1 -- true
	fails_quietly croft console web1
	[ "$(find "/proc/$new/fd" -type l | wc -l)" -le 8 ] # nothing but what tells of init and of limits, and the network
	croft exec web1 -- poweroff -f || :
	wait_for 10 state_is web1 stopped
	wait_for 3 dead "$new"
}
fails_quietly() { run -3 "$@" </dev/null; }
