#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts of hooks; run --separate-stderr sets stderr
# Hooks: when they run, in which order, with what, and what comes of their failure. croft-hooks(7).
bats_require_minimum_version 1.5.0
load helpers

hooks=/etc/croft/hooks
hook() { # PATH BODY: an executable below the hooks' directory
	mkdir -p "$hooks/${1%/*}"
	printf '#!/bin/sh\n%s\n' "$2" >"$hooks/$1"
	chmod 755 "$hooks/$1"
}
note() { hook "$1" "echo $2 >>$BATS_TEST_TMPDIR/notes"; }
notes() { tr '\n' ' ' <"$BATS_TEST_TMPDIR/notes"; }

@test "the events of a life come in their order, and once each" {
	local event
	for event in create pre-start started pre-stop stopped destroy; do
		note $event.d/50-note $event
		note servers/web1/$event.d/10-note own-$event
	done
	croft create web1 --template busybox
	croft start web1
	croft start web1
	croft stop web1 --kill
	croft stop web1
	croft destroy web1
	[ "$(notes)" = "create own-create pre-start own-pre-start started own-started pre-stop own-pre-stop \
stopped own-stopped destroy own-destroy " ]
}

@test "restart runs the hooks of a stop and a start; a reboot from inside does not, poweroff runs stopped" {
	local event
	for event in pre-start started pre-stop stopped; do
		note $event.d/50-note $event
	done
	server web1
	croft restart web1 --kill
	[ "$(notes)" = "pre-start started pre-stop stopped pre-start started " ]
	: >"$BATS_TEST_TMPDIR/notes"
	croft exec web1 -- reboot -f || :
	wait_for 10 second_boot
	run notes
	[[ "$output" != *stop* ]]
	: >"$BATS_TEST_TMPDIR/notes"
	croft exec web1 -- poweroff || : # it may be killed before it ends
	wait_for 10 state_is web1 stopped
	wait_for 3 notes_are "stopped "
}
second_boot() { [ "$(field web1 boots)" = 2 ] && state_is web1 running; }
notes_are() { [ "$(notes)" = "$1" ]; }

@test "those for every server first, then the server's own, by name; what is no script is passed over" {
	note pre-start.d/20-b b
	note pre-start.d/10-a a
	note pre-start.d/9-c c
	note servers/web1/pre-start.d/00-own own
	note servers/web2/pre-start.d/00-other other
	note pre-start.d/.hidden hidden
	note pre-start.d/30-old~ old
	note pre-start.d/30-x.dpkg-new new
	note pre-start.d/40-plain plain
	chmod 644 $hooks/pre-start.d/40-plain
	mkdir $hooks/pre-start.d/50-dir
	ln -s /no/such/script $hooks/pre-start.d/60-dangling
	ln -s 60-loop $hooks/pre-start.d/60-loop
	hook elsewhere/real "echo link >>$BATS_TEST_TMPDIR/notes"
	ln -s ../elsewhere/real $hooks/pre-start.d/70-link
	server web1
	[ "$(notes)" = "a b link c own " ]
}

@test "a pre-start script that fails aborts: its name, code and last line are told, nothing runs, nothing is left" {
	note pre-start.d/10-first first
	hook pre-start.d/20-fails 'echo some words; echo the reason >&2; exit 3'
	note pre-start.d/30-never never
	note started.d/10-never never
	croft create web1 --template busybox
	fails 1 croft start web1
	[[ "$stderr" == *pre-start.d/20-fails* ]]
	[[ "$stderr" == *"code 3"* ]]
	[[ "$stderr" == *"the reason"* ]]
	[[ "$stderr" != *"some words"* ]]
	[ "$(notes)" = "first " ]
	state_is web1 stopped
	[ ! -e /run/croft/web1 ]
	[ -z "$(find /sys/fs/cgroup -type d -path "*/$CROFT_TEST_CGROUP/web1")" ]
	rm $hooks/pre-start.d/20-fails $hooks/started.d/10-never
	croft start web1
}

@test "a create script that fails undoes the creation" {
	hook create.d/10-fails 'exit 1'
	fails 1 croft create web1 --template busybox
	[[ "$stderr" == *create.d/10-fails* ]]
	run -4 croft status web1
	[ -z "$(find /var/lib/croft/servers /var/lib/croft/addr /var/lib/croft/ids -mindepth 1 ! -name '.next*')" ]
}

@test "pre-stop and destroy scripts that fail keep the server; a started or stopped script's failure is told" {
	hook pre-stop.d/10-fails 'exit 4'
	hook destroy.d/10-fails 'exit 5'
	server web1
	fails 1 croft stop web1 --kill
	[[ "$stderr" == *pre-stop.d/10-fails* ]]
	state_is web1 running
	croft exec web1 -- true
	rm $hooks/pre-stop.d/10-fails
	hook stopped.d/10-fails 'exit 6'
	fails 1 croft stop web1 --kill
	[[ "$stderr" == *stopped.d/10-fails* ]]
	state_is web1 stopped
	fails 1 croft destroy web1
	[[ "$stderr" == *destroy.d/10-fails* ]]
	state_is web1 stopped
	rm -r $hooks/stopped.d $hooks/destroy.d
	hook started.d/10-fails 'exit 7'
	fails 1 croft start web1
	[[ "$stderr" == *started.d/10-fails* ]]
	state_is web1 running
	croft destroy web1 --force
}

@test "the environment is that of the manual and no other; working directory, input, descriptors" {
	local event
	for event in create pre-start started pre-stop stopped destroy; do
		# Not of $$: dash blocks all signals while it makes a process, and until after that one runs.
		hook $event.d/10-look "env | sort >$BATS_TEST_TMPDIR/env.\$CROFT_EVENT; { pwd; readlink /proc/self/fd/0; umask
			grep -E '^Sig(Ign|Blk)' /proc/self/status; } >$BATS_TEST_TMPDIR/about.\$CROFT_EVENT"
		hook $event.d/20-fds "exec ls /proc/self/fd >$BATS_TEST_TMPDIR/fds.\$CROFT_EVENT"
	done
	export SECRET=x LD_PRELOAD="" BASH_ENV=/x CROFT_SERVER=forged TMPDIR=/x
	(
		umask 077
		trap '' PIPE TERM
		croft create web1 --template busybox --ip 10.77.8.8,fd77:77::88
		croft start web1 5</etc/passwd
	)
	local init
	init=$(field web1 init-pid)
	croft stop web1 --kill
	croft destroy web1
	for event in create pre-start started pre-stop stopped destroy; do
		echo "$event"
		cat "$BATS_TEST_TMPDIR/env.$event" "$BATS_TEST_TMPDIR/about.$event"
		[ "$(grep -vE '^(PWD|OLDPWD|SHLVL|_)=' "$BATS_TEST_TMPDIR/env.$event" | cut -d= -f1 | tr '\n' ' ')" = \
			"CROFT_CONFIG CROFT_EVENT CROFT_INIT_PID CROFT_IP CROFT_SERVER CROFT_STATE LANG PATH " ]
		grep -qx 'CROFT_SERVER=web1' "$BATS_TEST_TMPDIR/env.$event"
		grep -qx 'CROFT_IP=10.77.8.8 fd77:77::88' "$BATS_TEST_TMPDIR/env.$event"
		grep -qx 'CROFT_CONFIG=/etc/croft/servers/web1.conf' "$BATS_TEST_TMPDIR/env.$event"
		grep -qx 'LANG=C' "$BATS_TEST_TMPDIR/env.$event"
		[ "$(sed -n 1,2p "$BATS_TEST_TMPDIR/about.$event" | tr '\n' ' ')" = "/ /dev/null " ]
		[ "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/fds.$event")" = "0 1 2 3 " ] # 3 is the directory that ls reads
		[ "$(sed -n 3p "$BATS_TEST_TMPDIR/about.$event")" = 0022 ]
		[ "$(grep -c '^Sig.*0000000000000000' "$BATS_TEST_TMPDIR/about.$event")" -eq 2 ]
	done
	grep -qx "CROFT_INIT_PID=$init" "$BATS_TEST_TMPDIR/env.started"
	grep -qx 'CROFT_STATE=running' "$BATS_TEST_TMPDIR/env.started"
	grep -qx 'CROFT_STATE=stopped' "$BATS_TEST_TMPDIR/env.stopped"
	grep -qx 'CROFT_INIT_PID=0' "$BATS_TEST_TMPDIR/env.stopped"
}

@test "scripts run on the host, outside of every namespace of the server" {
	hook started.d/10-look "readlink /proc/self/ns/* | sort >$BATS_TEST_TMPDIR/ns; cat /proc/self/cgroup >$BATS_TEST_TMPDIR/group; id -u >$BATS_TEST_TMPDIR/id"
	server web1
	diff "$BATS_TEST_TMPDIR/ns" <(readlink /proc/self/ns/* | sort)
	[ "$(cat "$BATS_TEST_TMPDIR/id")" = 0 ]
	run cat "$BATS_TEST_TMPDIR/group"
	[[ "$output" != *web1* ]]
}

@test "the configuration file may be sourced by a hook" {
	hook started.d/10-source ". \$CROFT_CONFIG; echo \"\$DESCRIPTION\" >$BATS_TEST_TMPDIR/description"
	server web1 --description "it's \$HOME \"quoted\" \`back\` \\ slash; # and ü"
	[ "$(cat "$BATS_TEST_TMPDIR/description")" = "it's \$HOME \"quoted\" \`back\` \\ slash; # and ü" ]
}

@test "a script that takes too long is killed, with what it started, and its name is told" {
	echo 'HOOK_TIMEOUT="1"' >>/etc/croft/croft.conf
	hook pre-start.d/10-slow 'sleep 61 & echo waiting; sleep 62'
	croft create web1 --template busybox
	local t=$SECONDS
	fails 1 timeout 20 croft start web1
	[ $((SECONDS - t)) -le 5 ]
	[[ "$stderr" == *pre-start.d/10-slow*"1.000 s"* ]]
	state_is web1 stopped
	run pgrep -f 'sleep 6[12]'
	[ -z "$output" ]
}

@test "a script killed by a signal, and one that cannot be run, are told" {
	croft create web1 --template busybox
	hook pre-start.d/10-dies 'kill -9 $$'
	fails 1 croft start web1
	[[ "$stderr" == *10-dies*"signal 9"* ]]
	printf '#!/no/such/interpreter\n' >$hooks/pre-start.d/10-dies
	run --separate-stderr croft start web1
	[ "$status" -ne 0 ]
	[[ "$stderr" == *10-dies* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	state_is web1 stopped
}

@test "scripts and directories that others may write are refused, also through a link" {
	croft create web1 --template busybox
	hook pre-start.d/10-open "touch $BATS_TEST_TMPDIR/ran"
	local mode
	for mode in 775 757 777; do
		chmod $mode $hooks/pre-start.d/10-open
		fails 9 croft start web1
		[[ "$stderr" == *10-open* ]]
	done
	chmod 755 $hooks/pre-start.d/10-open
	chown 65534 $hooks/pre-start.d/10-open
	fails 9 croft start web1
	chown 0 $hooks/pre-start.d/10-open
	chmod 777 $hooks/pre-start.d
	fails 9 croft start web1
	chmod 755 $hooks/pre-start.d
	mv $hooks/pre-start.d/10-open "$BATS_TEST_TMPDIR/target"
	chmod 777 "$BATS_TEST_TMPDIR/target"
	ln -s "$BATS_TEST_TMPDIR/target" $hooks/pre-start.d/10-open
	fails 9 croft start web1
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
	state_is web1 stopped
}

@test "what scripts print does not mix with croft's output, however much it is" {
	hook pre-start.d/10-chatty 'i=0; while [ $i -lt 20000 ]; do echo "line $i of much"; i=$((i + 1)); done'
	croft create web1 --template busybox
	run --separate-stderr croft start web1
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "${#stderr}" -lt 1000 ]
	croft stop web1 --kill
	hook pre-start.d/20-fails "printf 'bad\\033[31m text\\n'; exit 1"
	fails 1 croft start web1
	[[ "$stderr" != *$'\e'* ]] # no control characters on the operator's terminal
}

@test "a script that leaves a process behind does not hold up croft" {
	hook started.d/10-daemon 'sleep 63 </dev/null & exit 0'
	croft create web1 --template busybox
	timeout 10 croft start web1
	state_is web1 running
	local pid
	for pid in $(pgrep -f '^sleep 63'); do kill "$pid"; done
}
