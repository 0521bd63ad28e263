#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # run --separate-stderr sets stderr
# croft set and croft undo: what is said before, what is kept, what goes back.
bats_require_minimum_version 1.5.0
load helpers

group2() { # NAME: its version 2 group
	local dir
	for dir in /sys/fs/cgroup /sys/fs/cgroup/unified; do
		[ ! -e "$dir/cgroup.controllers" ] || echo "$dir/$CROFT_TEST_CGROUP/$1"
	done
}
pids_max() {
	local dir=/sys/fs/cgroup/pids/$CROFT_TEST_CGROUP/$1
	[ -d "$dir" ] || dir=$(group2 "$1")
	cat "$dir/pids.max"
}
# All that a change could touch.
everything() {
	cat "/etc/croft/servers/$1.conf"
	cat "/run/croft/$1/state.json" 2>/dev/null
	find /var/lib/croft/addr /var/lib/croft/servers/"$1" -maxdepth 2 ! -path '*/fs/*' | sort
	find /sys/fs/cgroup -path "*/$CROFT_TEST_CGROUP/$1/*" \( -name '*.max' -o -name '*limit_in_bytes' -o -name 'cpu.*' \
		! -name 'cpu.stat*' ! -name 'cpu.pressure' \) -exec grep -sH . {} + | sort
}
conf() { sed -n "s/^$2=//p" "/etc/croft/servers/$1.conf"; }

@test "set --plan says what would change, in the file and in the kernel, and changes nothing" {
	server web1 --memory 64M --pids 50
	local before
	before=$(everything web1)
	run -0 --separate-stderr croft set web1 --plan --memory 128M --pids 60 --hostname other --net none --ip ''
	echo "$output"
	[[ "$output" == *"file: MEMORY: 64M -> 128M"* ]]
	[[ "$output" == *"file: PIDS: 50 -> 60"* ]]
	[[ "$output" == *"kernel: pids.max: 50 -> 60"* ]]
	[[ "$output" == *": 67108864 -> 134217728"* ]]
	[[ "$output" == *"inside: size of /dev/shm, and of /run where croft made it: 33554432 -> 67108864"* ]]
	[[ "$output" == *"inside: host name: web1 -> other"* ]]
	[[ "$output" == *"next start: net, ip"* ]]
	[ "$before" = "$(everything web1)" ]
	run -0 croft set web1 --plan --pids 60 --json
	[ "$output" = '{"name":"web1","ok":true,"changed":true,"next-start":[],"plan":["file: PIDS: 50 -> 60","kernel: pids.max: 50 -> 60"]}' ]
	run -0 croft set web1 --plan --pids 50 --json
	[ "$output" = '{"name":"web1","ok":true,"changed":false,"next-start":[],"plan":[]}' ]
	# what it said is what is done
	croft set web1 --pids 60
	[ "$(pids_max web1)" = 60 ]
	# a refusal is one also with --plan
	fails 2 croft set web1 --plan --pids 0
	croft stop web1 --kill
	run -0 croft set web1 --plan --pids 70
	[ "$output" = "file: PIDS: 60 -> 70" ]
}

@test "set --runtime: the running server only, until it ends" {
	server web1 --pids 50 --memory 64M
	croft set web1 --runtime --pids 80
	[ "$(pids_max web1)" = 80 ]
	[ "$(conf web1 PIDS)" = '"50"' ]
	[ "$(field web1 pids)" = 80 ]
	# another change leaves it as it is
	croft set web1 --memory 128M
	[ "$(pids_max web1)" = 80 ]
	[ "$(conf web1 PIDS)" = '"50"' ]
	[ "$(conf web1 MEMORY)" = '"128M"' ]
	# the same value as in the file is meant, too
	croft set web1 --pids 50
	[ "$(pids_max web1)" = 50 ]
	croft set web1 --runtime --pids 80 --hostname other
	[ "$(croft exec web1 hostname)" = other ]
	croft restart web1 --kill
	[ "$(pids_max web1)" = 50 ]
	[ "$(croft exec web1 hostname)" = web1 ]
	fails 2 croft set web1 --runtime --onboot yes
	fails 2 croft set web1 --runtime --ip 10.77.3.3
	fails 2 croft set web1 --runtime --save-only --pids 60
	fails 2 croft set web1 --runtime --default pids
	croft stop web1 --kill
	fails 3 croft set web1 --runtime --pids 60
}

@test "set --save-only: the file only, for the next start" {
	server web1 --pids 50
	run -0 croft set web1 --save-only --pids 80 --hostname other --onboot yes
	[ "$output" = "takes effect at the next start: pids, hostname" ]
	[ "$(pids_max web1)" = 50 ]
	[ "$(croft exec web1 hostname)" = web1 ]
	[ "$(conf web1 PIDS)" = '"80"' ]
	croft set web1 --memory 64M # leaves alone what it does not name
	[ "$(pids_max web1)" = 50 ]
	croft restart web1 --kill
	[ "$(pids_max web1)" = 80 ]
	[ "$(croft exec web1 hostname)" = other ]
}

changes_of() { croft events web1 | sed -n 's/.*"event":"'"$1"'","changes":"\([^"]*\)".*/\1/p' | tail -n 1; }
@test "set: what only differs in force is a change, and so is a line that says what the host says" {
	server web1 --pids 50
	croft set web1 --pids 70 --runtime
	run -0 croft set web1 --pids 50 --json
	[[ "$output" == *'"changed":true'* ]]
	[ "$(changes_of set)" = "PIDS: 70 -> 50" ]
	run -0 croft set web1 --pids 50 --json
	[[ "$output" == *'"changed":false'* ]]
	local before
	before=$(croft undo web1 --list | wc -l)
	run -0 croft set web1 --ptys 256 --plan # what the host says anyway
	[[ "$output" == *"file: PTYS: 256, now in its file"* ]]
	run -0 croft set web1 --ptys 256 --json
	[[ "$output" == *'"changed":true'* ]]
	[ "$(changes_of set)" = "PTYS: 256, now in its file" ]
	[ "$(croft undo web1 --list | wc -l)" -eq $((before + 1)) ]
	croft undo web1
	[ "$(changes_of undo)" = "PTYS: 256, no longer in its file" ]
	! grep -q ^PTYS /etc/croft/servers/web1.conf || return 1
}

@test "undo puts the generation in force, also where the file says so already" {
	server web1 --pids 50
	croft set web1 --pids 70
	croft undo web1 --save-only
	[ "$(pids_max web1)" = 70 ]
	run -0 croft undo web1 1 --plan
	[[ "$output" == *"pids.max: 70 -> 50"* ]]
	run -0 croft undo web1 1 --json
	[[ "$output" == *'"changed":true'* ]]
	[ "$(pids_max web1)" = 50 ]
	[ "$(conf web1 PIDS)" = '"50"' ]
}

@test "a default of croft.conf that is none: check and list tell it; a profile's JSON" {
	croft create web1 --template busybox >/dev/null
	run -0 croft check
	[[ "$output" == *configuration* ]]
	cp /etc/croft/croft.conf "$BATS_TEST_TMPDIR/"
	echo 'MEMORY="200X"' >>/etc/croft/croft.conf
	run croft check
	[ "$status" -ne 0 ] && [[ "$output" == *configuration*MEMORY*200X* ]]
	run -0 --separate-stderr croft list -a -o name,memory
	[[ "$stderr" == "croft: list: warning: "*web1*MEMORY*200X* ]]
	cp "$BATS_TEST_TMPDIR/croft.conf" /etc/croft/
	run -0 croft profile split 4 --json
	[[ "$(tr -d ' \n' <<<"$output")" =~ ^\{\"MEMORY\":\"[0-9]+[MG]\",\"SWAP\":\"[0-9]+[MG]?\",\"CPUS\":\"[0-9.]+\",\"PIDS\":\"[0-9]+\"\}$ ]]
}

@test "set --depends: not on itself; numbers below 0 are told by their range" {
	server web1
	fails 2 croft set web1 --depends web1
	[[ "$stderr" == *"cannot depend on itself"* ]]
	fails 2 croft set web1 --save-only --depends web2,web1
	fails 2 croft set web1 --oom-score -5
	[[ "$stderr" == *"out of range: from 0 to 1000"* ]]
	fails 2 croft set web1 --cpu-weight -0.5
	! grep -q '^DEPENDS' /etc/croft/servers/web1.conf || return 1
}

@test "a file that was edited by hand takes effect at the next start, whatever is set before" {
	server web1 --pids 50
	sed -i 's/PIDS="50"/PIDS="70"/' /etc/croft/servers/web1.conf
	croft set web1 --memory 64M
	[ "$(pids_max web1)" = 50 ]
	[ "$(conf web1 PIDS)" = '"70"' ]
	croft restart web1 --kill
	[ "$(pids_max web1)" = 70 ]
}

@test "undo: back to the configuration before, in the file and in the kernel; and undone itself" {
	server web1 --pids 50
	fails 4 croft undo web1
	croft set web1 --pids 60
	croft set web1 --pids 70 --description 'a b "c"'
	croft set web1 --pids 70 # no change, no generation
	[ "$(croft undo web1 --list | wc -l)" -eq 2 ]
	run -0 croft undo web1 --list
	[[ "${lines[0]}" == "1  20"*"Z uid "*": croft set web1 --pids 60" ]]
	[[ "${lines[1]}" == "2  20"*'croft set web1 --pids 70 --description "a b \"c\""' ]]
	croft undo web1
	[ "$(pids_max web1)" = 60 ]
	[ "$(conf web1 PIDS)" = '"60"' ]
	[ -z "$(conf web1 DESCRIPTION)" ]
	run ! grep '^# 20' /etc/croft/servers/web1.conf
	croft undo web1 # the undoing
	[ "$(pids_max web1)" = 70 ]
	[ "$(conf web1 DESCRIPTION)" = '"a b \"c\""' ]
	run -0 croft undo web1 1 --plan
	[[ "$output" == *"file: PIDS: 70 -> 50"*"kernel: pids.max: 70 -> 50"* ]]
	croft undo web1 1
	[ "$(pids_max web1)" = 50 ]
	fails 4 croft undo web1 77
	fails 2 croft undo web1 x
	fails 2 croft undo web1 0
	fails 4 croft undo nosuch
	croft stop web1 --kill
	croft undo web1
	croft start web1
	[ "$(pids_max web1)" = 70 ]
	run -0 croft undo web1 --list --json
	[[ "$output" == '[{"generation":1,"replaced":"20'* ]]
}

@test "undo: addresses come back, unless somebody has them by now; no secret is kept" {
	server web1 --ip 10.77.3.3
	croft stop web1 --kill
	croft set web1 --ip 10.77.3.4
	croft undo web1
	[ "$(address web1)" = 10.77.3.3 ]
	croft undo web1
	croft create web2 --template busybox --ip 10.77.3.3
	fails 5 croft undo web1 1
	[ "$(address web1)" = 10.77.3.4 ]
	croft set web1 --password root:secret99 --pids 99
	run ! grep -r secret99 /var/lib/croft/servers/web1/history
	croft undo web1 --list | grep -F 'password "***"'
}

@test "undo: after a change that was killed before it replaced the file; stray names; odd names of files" {
	server web1 --pids 50
	local dir=/var/lib/croft/servers/web1
	croft set web1 --pids 60
	{ echo '# 2026-11-24T00:00:00Z uid 0: croft set web1 --pids 70'; cat /etc/croft/servers/web1.conf; } \
		>$dir/history/2.conf
	: >$dir/changing
	croft undo web1
	[ "$(conf web1 PIDS)" = '"50"' ]
	[ "$(pids_max web1)" = 50 ]
	croft stop web1 --kill
	local file
	for file in -1 007 0 +5 12345678901 3x; do echo 'PIDS="9"' >"$dir/history/$file.conf"; done
	croft set web1 --pids 61
	croft set web1 --pids 62
	[ "$(croft undo web1 --list | cut -d' ' -f1 | paste -sd' ')" = "1 2 3 4" ]
	cp $dir/history/4.conf $dir/history/999999999.conf
	fails 3 croft set web1 --pids 63
	[[ "$stderr" == *"999999999.conf; remove it"* ]]
	rm $dir/history/999999999.conf
	local odd=$BATS_TEST_TMPDIR/$'x\nPIDS="9"\n\e[31m'
	mkdir -p "${odd%/*}"
	echo root:secret99 >"$odd"
	croft set web1 --pids 64 --password-file "$odd"
	[ "$(croft undo web1 --list | wc -l)" -eq 5 ]
	run ! grep -F $'\e' <(croft undo web1 --list)
	croft undo web1
	[ "$(conf web1 PIDS)" = '"62"' ]
	rm -f "$odd"
}

@test "set ends where a mount inside does not answer, and says so" {
	needs device:fuse
	server web1 --privileged yes --feature fuse --memory 64M
	# Its filesystem has no process that answers; all that looks for something in /dev waits.
	croft exec web1 -- sh -c 'exec 5<>/dev/fuse; mount -t fuse -o fd=5,rootmode=40000,user_id=0,group_id=0 x /dev;
		sleep 60' 3>&- &
	local pid=$! i
	for ((i = 0; i < 100; i++)); do
		grep -q ' /dev .* fuse ' "/proc/$(croft list -H -o init-pid web1)/mountinfo" && break
		sleep 0.1
	done
	grep ' /dev .* fuse ' "/proc/$(croft list -H -o init-pid web1)/mountinfo"
	local began=$SECONDS
	run -0 --separate-stderr timeout 30 croft set web1 --memory 48M
	((SECONDS - began < 10))
	[[ "$stderr" == *"a mount inside does not answer"* ]]
	[ "$(croft list -H -o memory web1)" = 48M ]
	croft stop web1 --kill
	wait $pid || true
}

@test "a hundred generations are kept" {
	local i
	croft create web1 --template busybox
	for i in $(seq 1 105); do croft set web1 --pids $((100 + i)); done
	[ "$(croft undo web1 --list | wc -l)" -eq 100 ]
	[ "$(croft undo web1 --list | head -n1 | cut -d' ' -f1)" -eq 6 ]
	croft undo web1 6
	[ "$(conf web1 PIDS)" = '"105"' ]
}

@test "profiles: create and set take them, what is typed as well counts; the server keeps the values" {
	mkdir -p /etc/croft/profiles
	printf 'MEMORY="64M"\nPIDS="77"\nSWAP="0"\nFEATURE="nesting"\n' >/etc/croft/profiles/p1.conf
	printf 'TEMPLATE="busybox"\nPIDS="88"\n' >/etc/croft/profiles/p2.conf
	croft create web1 --template busybox --profile p1 --pids 99
	[ "$(conf web1 MEMORY)" = '"64M"' ]
	[ "$(conf web1 PIDS)" = '"99"' ]
	croft start web1
	croft set web1 --profile p2
	[ "$(pids_max web1)" = 88 ]
	croft create web2 --profile p2
	[ "$(conf web2 PIDS)" = '"88"' ]
	[ "$(croft profile list | paste -sd' ')" = "p1 p2" ]
	[ "$(croft profile show p2)" = "$(cat /etc/croft/profiles/p2.conf)" ]
	fails 4 croft create web3 --template busybox --profile nosuch
	fails 2 croft create web3 --template busybox --profile ../x
	echo 'PIDS="many"' >/etc/croft/profiles/bad.conf
	fails 2 croft create web3 --template busybox --profile bad
	[[ "$stderr" == *"bad.conf:1"* ]]
	echo 'NOSUCH="1"' >/etc/croft/profiles/bad.conf
	fails 2 croft set web1 --profile bad
	run -4 croft status web3
	croft profile split 10 >/etc/croft/profiles/tenth.conf
	croft set web1 --profile tenth
	[ "$(conf web1 MEMORY)" = "$(sed -n 's/^MEMORY=//p' /etc/croft/profiles/tenth.conf)" ]
	fails 2 croft profile split 0
	fails 2 croft profile split x
	fails 8 croft profile split 100000
	rm -r /etc/croft/profiles
}

@test "show --export prints the command that makes the same server again" {
	local set=all # a list of numbers, where there are cpusets
	! croft create web2 --template busybox --cpu-set 0 2>/dev/null || set=0
	# shellcheck disable=SC2016
	croft create web1 --template busybox --memory 64M --cpus 1.5 --ip 10.77.3.3 --ip fd77:77::33 --description 'a "b" $c' \
		--feature nesting --nameserver 10.0.0.1 --nameserver 10.0.0.2 --cpu-set "$set"
	croft show web1 --export >"$BATS_TEST_TMPDIR/sh"
	cat "$BATS_TEST_TMPDIR/sh"
	grep -v ^UUID= /etc/croft/servers/web1.conf | sort >"$BATS_TEST_TMPDIR/before"
	croft destroy web1
	sh "$BATS_TEST_TMPDIR/sh"
	grep -v ^UUID= /etc/croft/servers/web1.conf | sort | diff "$BATS_TEST_TMPDIR/before" -
}
