#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# croft top: its tables, and its screen under a terminal.
# shellcheck disable=SC2016,SC2154 # scripts for other shells; run --separate-stderr sets stderr
bats_require_minimum_version 1.5.0
load helpers

cleanup() {
	[ -z "${busy-}" ] || kill "$busy" 2>/dev/null || :
	[ -z "${script-}" ] || kill "$script" 2>/dev/null || :
	exec 9>&-
}

# Starts a script of bash under a terminal, which has croft top in it. Type with type_in, look into $screen.
terminal() {
	needs program:script
	screen=$BATS_TEST_TMPDIR/screen
	keys=$BATS_TEST_TMPDIR/keys
	: >"$screen"
	mkfifo "$keys"
	printf '%s\n' 'stty rows 20 cols 80' 'export TERM=xterm' 'cd "$BATS_TEST_TMPDIR"' 'stty -g >before' "$@" \
		'stty -g >after' >"$BATS_TEST_TMPDIR/script"
	script -qefc "bash $BATS_TEST_TMPDIR/script" "$screen" <"$keys" >/dev/null 2>&1 3>&- &
	script=$!
	exec 9>"$keys"
}
type_in() { printf '%b' "$1" >&9; }
sees() { wait_for "$(times 5)" grep -qaF -- "$1" "$screen" || { cat -v "$screen"; return 1; }; }
gone() { ! kill -0 "$1" 2>/dev/null; }
over() { # the script has ended; what the terminal had is back
	exec 9>&-
	if ! wait_for "$(times 5)" gone "$script"; then
		cat -v "$screen"
		return 1
	fi
	script=
	sees $'\033[?25h\033[?1049l'
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[ "$(grep -ac $'\033\\[?1049h' "$screen")" = "$(grep -ac $'\033\\[?1049l' "$screen")" ]
}

@test "top -b: a line for each server that runs, figures of its own limits, no control characters" {
	server web1 --memory 64M --cpus 0.2 --pids 100
	server web2
	croft create web3 --template busybox >/dev/null
	croft exec web1 -- sh -c 'while :; do :; done' 3>&- &
	busy=$!
	sleep 0.5
	run -0 --separate-stderr croft top -b -n 1 -d 1
	echo "$output"
	[ -z "$stderr" ]
	[[ "${lines[0]}" =~ ^"2 servers run   load "[0-9.]+" "[0-9.]+" "[0-9.]+" of "[0-9]+"   memory "[0-9.]+[KMGT]/ ]]
	[[ "${lines[1]}" =~ ^"NAME      CPU% MEMORY    USED/MAX SWAP  PIDS/MAX RD/s WR/s THR%" ]]
	[[ "${lines[2]}" =~ ^web1\ +[0-9]+\.[0-9]\ [#.]{8}\ +[0-9.]+[KM]/64M\ +[-0-9KM]+\ +[0-9]+/100\  ]]
	[[ "${lines[3]}" =~ ^web2\ +[0-9]+\.[0-9]\ {10,}[0-9.]+[KM]/-\ +[-0-9KM]+\ +[0-9]+/4096\  ]]
	[ "${#lines[@]}" -eq 4 ]
	! LC_ALL=C grep -q $'[\001-\011\013-\037]' <<<"$output" || return 1
	if ! is_slow_bed; then # of its own cap
		[ "$(awk '$1 == "web1" { print ($2 > 50 && $2 < 200) }' <<<"$output")" = 1 ]
	fi
	run -0 croft top -b -n 1 -d 0.3 --sort name 'web*'
	[[ "${lines[2]}" == web1* && "${lines[3]}" == web2* ]]
	croft suspend web2
	run -0 croft top -b -n 2 -d 0.1 web2
	[[ "${lines[2]}" =~ ^web2\ +susp\.\  ]]
	croft resume web2
	run -0 croft top -b -n 3 -d 0.1 web2 web3
	[ "$(grep -c ^web2 <<<"$output")" -eq 3 ]
	[ "$(grep -c '^1 server runs ' <<<"$output")" -eq 3 ]
	[ "$(grep -c . <<<"$output")" -eq 9 ]
}

@test "top: bad options, no terminal, a deadline, an output that is full" {
	fails 2 croft top </dev/null
	[[ "$stderr" == *"--batch needs none" ]]
	fails 2 croft top -b -d 0
	fails 2 croft top -b -d x
	fails 2 croft top -b -n 0
	fails 2 croft top -b --sort disk
	fails 4 croft top -b nosuch
	fails 2 croft top -b ../x
	run -2 --separate-stderr croft top -b -n 1 --json
	[[ "$stderr" == *"croft list --json"* ]]
	run -0 croft top -b -n 1 -d 0.1
	[ "${#lines[@]}" -eq 2 ]
	run -6 croft top -b -d 0.2 --deadline 1
	[ "$(grep -c ^NAME <<<"$output")" -ge 2 ]
	run -1 sh -c 'croft top -b -n 1 >/dev/full'
	mkdir "/run/croft/bad"$'\033'"[31m" /run/croft/ghost
	run -0 croft top -b -n 1 -d 0.1
	rmdir "/run/croft/bad"$'\033'"[31m" /run/croft/ghost
	[[ "${lines[0]}" == "0 servers run "* ]]
}

@test "top: servers that start, stop and boot anew meanwhile" {
	server web1
	server web2
	(for _ in $(seq 6); do croft restart web1 --kill; done) >/dev/null 2>&1 3>&- &
	run -0 --separate-stderr croft top -b -n 20 -d 0.1
	wait $!
	[ -z "$stderr" ]
	[ "$(grep -c '^web2 ' <<<"$output")" -eq 20 ]
	[ "$(grep -cE ' (-[0-9]|nan|inf)' <<<"$output")" -eq 0 ]
}

@test "top on a terminal: draws, sorts, scrolls, pauses, follows its size; q gives the terminal back" {
	local names=() n
	for n in $(seq 10 29); do
		names+=("s$n")
	done
	croft create "${names[@]}" --template busybox --net none >/dev/null
	croft start "${names[@]}" >/dev/null
	terminal 'echo $$ >shell' 'croft top -d 0.2'
	sees '20 servers run'
	sees 'by cpu (c m p i n)   1-17 of 20   q quits   space pauses'
	type_in n
	sees 'by name (c m p i n)'
	sees 's10 '
	! grep -qa 's27 ' "$screen" || return 1
	type_in '\033[B'
	sees '2-18 of 20'
	type_in '\033[6~'
	sees '4-20 of 20'
	sees 's29 '
	type_in '\033'
	type_in 'OH'
	type_in m
	sees 'by memory'
	type_in ' '
	sees PAUSED
	stty -F "$(readlink "/proc/$(cat "$BATS_TEST_TMPDIR/shell")/fd/0")" rows 9 cols 46 # in one or in two steps
	sees '1-6 of 20'
	type_in q
	over
	# No line that was drawn after that is wider than the terminal.
	[ "$(sed 's/\x1b\[?[0-9;]*[a-zA-Z]/\n/g' "$screen" | tail -n 30 | grep -a '^s[12]' | awk 'length > 80' | wc -l)" -eq 0 ]
}

@test "top: the terminal is given back on SIGINT, SIGTERM and SIGHUP" {
	server web1
	local sig
	for sig in INT TERM HUP; do
		rm -f "$BATS_TEST_TMPDIR"/{keys,before,after,pid}
		terminal 'sh -c '\''echo $$ >pid; exec env --default-signal croft top -d 60'\''' 'echo "code $?" >code'
		sees '1 server runs'
		kill -$sig "$(cat "$BATS_TEST_TMPDIR/pid")"
		over
		[ "$(cat "$BATS_TEST_TMPDIR/code")" = "code $((128 + $(kill -l $sig)))" ]
	done
	rm -f "$BATS_TEST_TMPDIR"/{keys,before,after,pid}
	terminal 'trap : INT' 'env --default-signal croft top -d 60'
	sees '1 server runs'
	type_in '\003'
	over
}

@test "top: Ctrl-Z gives the terminal back, fg brings the screen again" {
	server web1
	terminal 'set -m' 'croft top -d 60' 'stty -g >stopped' 'echo now-it-is-stopped' 'fg' 'echo "code $?" >code'
	sees 'of 2   memory' || sees '1 server runs'
	type_in '\032'
	sees now-it-is-stopped
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/stopped"
	wait_for "$(times 5)" eval '[ "$(grep -ac "1 server runs" "$screen")" -ge 2 ] || [ "$(grep -oa "1 server runs" "$screen" | wc -l)" -ge 2 ]'
	type_in q
	over
	[ "$(cat "$BATS_TEST_TMPDIR/code")" = "code 0" ]
}
