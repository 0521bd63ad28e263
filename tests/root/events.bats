#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts for inside; run --separate-stderr sets stderr
# croft events: each thing that happens is there once, with its time; and the audit log.
bats_require_minimum_version 1.5.0
load helpers

events=/var/lib/croft/events
audit=/var/lib/croft/audit
cleanup() {
	local path
	[ -z "${follower-}" ] || kill "$follower" 2>/dev/null || :
	for path in "$events" "$audit"; do [ ! -d "$path" ] || rmdir "$path"; done
}
fresh() { rm -f "$events" "$events".1 "$audit" "$audit".1; }
# The events of a server, in order: "create start stop".
happened() { croft events "$1" | sed 's/.*"event":"\([a-z-]*\)".*/\1/' | paste -sd' '; }
# Every line of both files is an object of JSON with a time.
sound() {
	local f
	for f in "$events" "$events.1" "$audit" "$audit.1"; do
		[ ! -e "$f" ] || python3 -c '
import json, re, sys
last = ""
for line in open(sys.argv[1]):
    o = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", o["time"]), line
    assert len(line) <= 4096 and line.isascii(), line' "$f" || return 1
	done
}
count_of() { croft events "$1" | sed -n "s/.*\"event\":\"$2\".*\"count\":\([0-9]*\)}/\1/p" | awk "{ n += \$1 } END { print n + 0 }"; }
has() { happened "$1" | grep -qw -- "$2"; }
second_boot() { [ "$(field web1 boots)" = 2 ] && state_is web1 running; }

@test "events: from create to destroy, each once" {
	fresh
	server web1 --pids 50
	croft start web1 # runs already
	croft set web1 --pids 60 --password root:s3cr3t-w0rd || croft set web1 --pids 60
	croft set web1 --pids 60 # the same
	croft set web1 --plan --pids 70
	croft undo web1
	croft suspend web1
	croft suspend web1
	croft resume web1
	croft exec web1 -- reboot -f || :
	wait_for 20 second_boot
	croft stop web1 --kill
	croft stop web1
	croft set web1 --password root:s3cr3t-w0rd
	croft destroy web1
	happened web1
	[ "$(happened web1)" = "create start set undo suspend resume reboot stop set destroy" ]
	sound
	[ "$(stat -c %a "$events" "$audit" | sort -u)" = 600 ]
	run -0 croft events web1 -n 3
	[ "${#lines[@]}" -eq 3 ]
	[[ "${lines[0]}" == *'"how":"signal 9","by":"croft"'* ]]
	[[ "${lines[1]}" == *'"changes":"PASSWORD"'* ]]
	[[ "$(croft events web1)" == *'"changes":"PIDS: 50 -> 60","mode":"both"}'* ]]
	[[ "$(croft events web1)" == *'"boots":2}'* ]]
	run ! grep -rq s3cr3t-w0rd "$events" "$audit"
}

@test "events: how a server ended, and a start that fails" {
	fresh
	server web1
	croft exec web1 -- poweroff -f || :
	wait_for 20 state_is web1 stopped
	[[ "$(croft events -n 1)" == *'"event":"stop","how":"poweroff","by":"itself"'* ]]
	croft set web1 --hostname web1x
	mv /var/lib/croft/servers/web1/fs /var/lib/croft/servers/web1/fs.away
	run ! croft start web1
	mv /var/lib/croft/servers/web1/fs.away /var/lib/croft/servers/web1/fs
	[ "$(happened web1)" = "create start stop set start-failed" ]
	[[ "$(croft events -n 1)" == *'"error":"'* ]]
	sound
}

@test "events: one stop, whoever noticed it: the monitor, a command, the recovery" {
	fresh
	server web1
	local pid
	pid=$(field web1 monitor-pid)
	kill -9 "$pid"
	croft recover
	[ "$(happened web1)" = "create start recover" ]
	pid=$(field web1 init-pid)
	kill -9 "$(field web1 monitor-pid)" "$pid"
	wait_for 5 state_is web1 failed
	croft start web1
	[ "$(happened web1)" = "create start recover stop start" ]
	# its monitor notices the end, while a stop of it is under way
	kill -9 "$(field web1 init-pid)" && croft stop web1
	[ "$(happened web1)" = "create start recover stop start stop" ]
	# killed in the middle of a stop
	croft start web1
	timeout -s KILL 0.002 "$(command -v croft)" stop web1 --kill || :
	croft recover
	croft stop web1 --kill
	[ "$(happened web1 | tr ' ' '\n' | grep -cx stop)" -eq 3 ]
	sound
}

@test "events: processes that are killed for memory, as many as there were" {
	fresh
	server web1 --memory 48M --swap 0
	run croft exec web1 -- dd if=/dev/zero of=/dev/null bs=128M count=1
	wait_for "$(times 5)" has web1 oom-kill
	[ "$(happened web1)" = "create start oom-kill" ]
	for _ in 1 2 3; do run croft exec web1 -- dd if=/dev/zero of=/dev/null bs=128M count=1; done
	croft stop web1 --kill
	[ "$(count_of web1 oom-kill)" -eq 4 ]
	[ "$(happened web1 | tr ' ' '\n' | grep -cx oom-kill)" -le "$(times 3)" ]
	sound
}

@test "events: refused forks are counted, and do not flood" {
	fresh
	server web1 --pids 20
	croft exec web1 -- sh -c 'end=$(($(date +%s) + 4)); n=0; while [ $n -lt 19 ]; do sleep 60 >/dev/null 2>&1 & n=$((n + 1)); done
		while [ $(date +%s) -lt $end ]; do :; done' >/dev/null 2>&1 || :
	croft exec web1 -- sh -c 'n=0; while [ $n -lt 300 ]; do (true) & n=$((n + 1)); done' >/dev/null 2>&1 || :
	# version 1 of the newest kernels gives no notice: then it is told at the end
	[ -d "/sys/fs/cgroup/pids/$CROFT_TEST_CGROUP" ] || wait_for "$(times 5)" has web1 limit
	local refused
	croft stop web1
	refused=$(croft stats web1 --json | sed -n 's/.*{"resource":"pids",[^}]*"failed":\([0-9]*\).*/\1/p')
	[ "$refused" -ge 1 ]
	[ "$(count_of web1 limit)" -eq "$refused" ]
	[ "$(happened web1 | tr ' ' '\n' | grep -cx limit)" -le 8 ]
	[[ "$(croft events web1)" == *'"event":"limit","resource":"pids","count":'* ]]
	sound
}

# It looks at the counters in their order when it begins, and what it finds then is not told.
watches() { [ -n "$(find "/proc/$(field web1 monitor-pid)/fd" -lname "*/pids.events*")" ]; }

@test "events: an adopted server's are told, too, and not those of before again" {
	fresh
	server web1 --memory 48M --swap 0
	run croft exec web1 -- dd if=/dev/zero of=/dev/null bs=128M count=1
	wait_for "$(times 5)" has web1 oom-kill
	kill -9 "$(field web1 monitor-pid)"
	croft recover
	wait_for "$(times 5)" watches
	run croft exec web1 -- dd if=/dev/zero of=/dev/null bs=128M count=1
	wait_for "$(times 5)" eval '[ "$(happened web1)" = "create start oom-kill recover oom-kill" ]'
	[ "$(count_of web1 oom-kill)" -eq 2 ]
	sound
}

@test "events: a server that only reboots does not fill the file" {
	fresh
	croft create web1 --template busybox >/dev/null
	printf '::sysinit:/bin/true\n::once:/sbin/reboot -f\n' >"$BATS_TEST_TMPDIR/inittab"
	croft start web1
	croft exec web1 -- sh -c 'cat >/etc/inittab' <"$BATS_TEST_TMPDIR/inittab"
	croft restart web1 --kill
	wait_for "$(times 30)" eval '[ "$(field web1 boots)" -ge 12 ]'
	croft stop web1 --kill
	[ "$(happened web1 | tr ' ' '\n' | grep -cx reboot)" -le 8 ]
	[ "$(happened web1 | tr ' ' '\n' | grep -cx reboot)" -ge 5 ]
}

@test "events: names, patterns, times, numbers" {
	fresh
	local c
	for c in web1 web2 db1; do croft create "$c" --template busybox >/dev/null; done
	[ "$(croft events | wc -l)" -eq 3 ]
	[ "$(croft events web1 | wc -l)" -eq 1 ]
	[ "$(croft events 'web*' | wc -l)" -eq 2 ]
	[ "$(croft events web1 'd*' | wc -l)" -eq 2 ]
	[ "$(croft events nosuch | wc -l)" -eq 0 ]
	[ "$(croft events -n 2 | wc -l)" -eq 2 ]
	[ "$(croft events -n 0 | wc -l)" -eq 0 ]
	[[ "$(croft events -n 1)" == *db1* ]]
	[ "$(croft events --since 1h | wc -l)" -eq 3 ]
	[ "$(croft events --since 2100-01-01 | wc -l)" -eq 0 ]
	[ "$(croft events --since 2020-01-01T00:00Z | wc -l)" -eq 3 ]
	sleep 1.1
	[ "$(croft events --since 1 | wc -l)" -eq 0 ]
	fails 2 croft events --since yesterday
	fails 2 croft events --since 2026-1-1
	fails 2 croft events --since 2026-13-01
	fails 2 croft events --since 2026-02-30
	fails 2 croft events --since 2026-02-03T24:01
	croft events --since 2024-02-29 | grep -q create
	fails 2 croft events -n many
	fails 2 croft events Web
	rm "$events"
	run -0 croft events
	[ -z "$output" ]
}

@test "events: what is no line is skipped, and a line that was cut is ended" {
	fresh
	croft create web1 --template busybox >/dev/null
	{
		printf '\n{"time":"2026\nnonsense\n[]\n{"server":"web1"}\n'
		head -c 20000 /dev/zero | tr '\0' x
		printf '\n{"time":"2026-11-23T15:00:00.000Z","serv'
	} >>"$events"
	croft destroy web1
	[ "$(happened web1)" = "create destroy" ]
	[ "$(croft events | wc -l)" -eq 2 ]
}

@test "events: the files are rotated, and both halves are read" {
	fresh
	echo 'EVENT_LOG=64K' >>/etc/croft/croft.conf
	server web1
	yes '{"time":"2026-11-23T15:00:00.000Z","server":"other","event":"start"}' | head -n 1000 >>"$events"
	croft suspend web1
	[ "$(wc -l <"$events")" -eq 1 ]
	[ "$(happened web1)" = "create start suspend" ]
	[ "$(croft events -n 2 | wc -l)" -eq 2 ]
	[[ "$(croft events -n 2 | head -n 1)" == *other* ]]
	# the monitor does it as well
	croft resume web1
	croft set web1 --memory 48M --swap 0
	yes '{"time":"2026-11-23T15:00:00.000Z","server":"other","event":"start"}' | head -n 1000 >>"$events"
	run croft exec web1 -- dd if=/dev/zero of=/dev/null bs=128M count=1
	wait_for "$(times 5)" has web1 oom-kill
	[ "$(wc -l <"$events")" -eq 1 ]
	[ "$(happened web1)" = "suspend resume set oom-kill" ] # two halves, and no more
	sound
}

@test "events --follow: new ones come, over a rotation, until its reader is gone" {
	fresh
	echo 'EVENT_LOG=64K' >>/etc/croft/croft.conf
	server web1
	croft events web1 -f -n 1 >"$BATS_TEST_TMPDIR/out" &
	follower=$!
	wait_for 5 grep -q start "$BATS_TEST_TMPDIR/out"
	croft suspend web1
	wait_for 2 grep -q suspend "$BATS_TEST_TMPDIR/out"
	yes '{"time":"2026-11-23T15:00:00.000Z","server":"other","event":"start"}' | head -n 1000 >>"$events"
	croft resume web1
	croft suspend web1
	croft resume web1
	wait_for 3 eval '[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq 5 ]'
	kill "$follower"
	wait "$follower" || :
	[ "$(sed 's/.*"event":"\([a-z-]*\)".*/\1/' "$BATS_TEST_TMPDIR/out" | paste -sd' ')" = "start suspend resume suspend resume" ]
	follower=
	run -0 timeout 10 croft events -f -n 0 --deadline 1
	[ -z "$output" ]
	# a reader that goes ends it, though nothing happens
	timeout 10 croft events -f | head -n 1 >"$BATS_TEST_TMPDIR/out"
	[ "${PIPESTATUS[0]}" -ne 124 ]
}

@test "events: two writers at once" {
	fresh
	local i names=()
	for i in 1 2 3 4; do names+=("web$i"); done
	croft create "${names[@]}" --template busybox --quiet
	croft start "${names[@]}"
	for i in 1 2 3 4; do
		(for _ in $(seq 10); do croft suspend "web$i" && croft resume "web$i"; done) &
	done
	wait
	sound
	[ "$(wc -l <"$events")" -eq 88 ]
	[ "$(wc -l <"$audit")" -eq 82 ]
	croft stop "${names[@]}" --kill
	[ "$(happened web3 | wc -w)" -eq 23 ]
}

@test "audit: each command that changes something leaves one line, another none" {
	fresh
	croft create web1 --template busybox --password root:s3cr3t-w0rd --pids=50 >/dev/null
	echo root:s3cr3t-w0rd | croft set web1 --password-file - --pids 60 --quiet
	croft start web1
	croft exec web1 -e TOKEN=s3cr3t-w0rd -- sh -c 'exit 7' || :
	croft set web1 --plan --pids 70 >/dev/null
	croft undo web1 --list >/dev/null
	croft list >/dev/null
	croft status web1 >/dev/null
	croft template list >/dev/null
	croft recover
	croft events >/dev/null
	croft set web1 --pids 70
	croft undo web1
	croft suspend --all
	croft resume --all >/dev/null
	croft restart web1 --kill
	run croft enter nosuch
	run croft console nosuch
	run croft template build nosuch
	run croft destroy web1
	croft stop web1 --kill
	croft destroy web1
	fails 2 croft destroy --nosuch web1
	croft events --audit
	[ "$(sed 's/.*"args":\["\([a-z]*\)".*/\1/' "$audit" | paste -sd' ')" = \
		"create set start exec set undo suspend resume restart enter console template destroy stop destroy" ]
	sound
	run ! grep -q s3cr3t-w0rd "$audit"
	grep -qF '"args":["create","web1","--password","***","--pids","50","--template","busybox"]' "$audit" ||
		grep -qF '"--password","***"' "$audit"
	grep -qF '"args":["exec","web1","--env","***","sh","-c","exit 7"],"code":7,"ms":' "$audit"
	grep -qF '"args":["enter","nosuch"],"code":125,' "$audit"
	grep -qF '"args":["suspend","--all"],"code":0,' "$audit"
	[ "$(croft events --audit web1 -n 1 | grep -c destroy)" -eq 1 ]
	[ "$(croft events --audit exec | wc -l)" -eq 1 ] # the command is a word as others are
}

@test "audit: who it was" {
	fresh
	SUDO_USER=alice croft create web1 --template busybox >/dev/null
	run -0 croft events --audit
	[[ "$output" == *'"uid":0,"login-uid":'*',"sudo-user":"alice","pid":'* ]]
	croft destroy web1
	[[ "$(croft events --audit -n 1)" != *sudo-user* ]]
}

@test "audit: a long command line is cut, a killed command leaves no half line" {
	fresh
	server web1
	local words
	words=$(printf 'w%.0s' $(seq 5000))
	croft exec web1 -- echo "$words" $(seq 3000) "$(printf '\001%.0s' $(seq 2000))" >/dev/null
	sound
	grep -qF '"..."]' "$audit"
	local i
	for i in $(seq 20); do
		timeout -s KILL "0.00$i" "$(command -v croft)" suspend web1 || :
		timeout -s KILL "0.00$i" "$(command -v croft)" resume web1 || :
	done
	croft resume web1
	sound
}

@test "audit and events: a log that cannot be written makes no command fail" {
	fresh
	mkdir "$audit" "$events"
	run -0 --separate-stderr croft create web1 --template busybox
	[[ "$stderr" == "croft: create: warning: cannot write $audit: "* ]]
	run -0 --separate-stderr croft start web1 --quiet
	[ -z "$stderr" ]
	fails 1 croft events || fails 1 croft events --audit
	run -0 croft stop web1 --kill
	rmdir "$audit" "$events"
	croft destroy web1
	[ "$(happened web1)" = destroy ]
}
