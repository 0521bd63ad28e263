#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A server's life, from create to destroy.
bats_require_minimum_version 1.5.0
load helpers

@test "create, start, exec, stop, destroy" {
	croft create web1 --template busybox --hostname web1.example.org
	run croft list -a -H -o name,state
	[[ "$output" =~ ^web1\ +stopped$ ]]
	croft start web1
	run croft exec web1 -- hostname
	[ "$output" = web1.example.org ]
	croft stop web1 --timeout 5
	run -3 croft status web1
	croft destroy web1
	run -4 croft status web1
}

@test "start and stop twice change nothing the second time" {
	server web1
	run croft start web1 --json
	[[ "$output" == *'"changed":false'* ]]
	croft stop web1 --kill
	run croft stop web1 --json
	[[ "$output" == *'"changed":false'* ]]
}

@test "twenty reboots typed inside keep address and MAC, and leave nothing" {
	server web1
	local ip mac i
	ip=$(address web1)
	mac=$(croft exec web1 -- cat /sys/class/net/eth0/address)
	for ((i = 2; i <= 21; i++)); do
		croft exec web1 -- reboot -f || :
		wait_for 10 booted web1 "$i"
	done
	[ "$(address web1)" = "$ip" ]
	[ "$(croft exec web1 -- cat /sys/class/net/eth0/address)" = "$mac" ]
	ping -c 1 -W 2 "$ip"
	[ "$(ip -o link | grep -c 'cweb1')" -eq 1 ]
}
booted() { [ "$(field "$1" boots)" = "$2" ] && state_is "$1" running; }

@test "poweroff typed inside stops the server" {
	server web1
	croft exec web1 -- poweroff || [ $? -gt 128 ] # init may be the faster one
	wait_for 10 state_is web1 stopped
	grep -q 'signal 2' /var/lib/croft/servers/web1/ended
}

@test "init has the clock that its children have: else it could not vfork before Linux 6.3" {
	needs timens
	server web1
	local ns
	ns=/proc/$(field web1 init-pid)/ns
	[ "$(readlink "$ns/time")" = "$(readlink "$ns/time_for_children")" ]
	croft stop web1
	# busybox init powers off in a child that it makes with vfork.
	grep -q 'signal 2' /var/lib/croft/servers/web1/ended
}

@test "a command that comes while the server reboots does not end it" {
	server web1
	local i
	for i in $(seq 15); do
		croft exec web1 -- reboot -f || :
		croft set web1 --pids $((100 + i))
		wait_for 10 state_is web1 running
		[ "$(croft exec web1 -- hostname)" = web1 ]
	done
	[ "$(field web1 boots)" -eq 16 ]
}

@test "suspend halts every process, resume lets them go on" {
	server web1
	local file before
	croft exec web1 -- sh -c '(while :; do echo; usleep 10000; done) >/tmp/t 2>/dev/null &'
	file=/proc/$(field web1 init-pid)/root/tmp/t
	wait_for 5 test -s "$file"
	croft suspend web1
	state_is web1 suspended
	before=$(stat -c %s "$file")
	sleep 0.3
	[ "$(stat -c %s "$file")" = "$before" ]
	croft resume web1
	wait_for 5 grown "$file" "$before"
}
grown() { [ "$(stat -c %s "$1")" -gt "$2" ]; }

@test "stop of a suspended server, and of one whose init ignores every signal, is bounded" {
	server web1
	croft suspend web1
	timeout 20 croft stop web1 --timeout 1
	croft start web1
	croft exec web1 -- sh -c 'kill -STOP -1; :'
	timeout 20 croft stop web1 --timeout 1
}

@test "a stop that comes before init listens is heard when it does" {
	local start
	server web1
	printf '#!/bin/sh\nsleep 2\nexec /bin/busybox init\n' |
		croft exec web1 -- sh -c 'cat >/sbin/init.new; chmod 755 /sbin/init.new; mv /sbin/init.new /sbin/init'
	croft stop web1 --kill
	croft start web1
	start=$SECONDS
	run -0 --separate-stderr croft stop web1 --timeout 30
	[ -z "$stderr" ] # it was not killed
	[ $((SECONDS - start)) -lt 25 ]
}

@test "a server whose init does nothing but reboot is changed, stopped and destroyed in bounded time" {
	needs program:gcc
	server web1
	gcc -static -O1 -o "$BATS_TEST_TMPDIR/again" -x c - <<'C'
#include <sys/reboot.h>
#include <unistd.h>
int main(void)
{
	if (fork() == 0) {
		reboot(RB_AUTOBOOT);
		_exit(0);
	}
	for (;;)
		pause();
}
C
	croft exec web1 -- sh -c "cat >/again && chmod 755 /again" <"$BATS_TEST_TMPDIR/again"
	croft stop web1 --kill
	croft set web1 --init /again
	local i failed=0
	for i in 1 2 3 4 5 6; do
		croft start web1
		sleep 1.$i
		timeout 20 croft set web1 --description "$i" --deadline 4 || failed=$((failed + 1))
		timeout 20 croft stop web1 --kill --deadline 4 || failed=$((failed + 1))
		state_is web1 stopped
	done
	echo "$failed of 12 commands did not get the lock in 4 s"
	[ "$failed" -eq 0 ]
	local began=$SECONDS
	croft start web1
	# Never "stopped": it comes back. Nor does it take the host's CPU for that: one boot a second.
	for i in $(seq 30); do
		[[ "$(croft list -a -H -o state web1)" == @(starting|stopping|running) ]]
		sleep 0.05
	done
	[ "$(field web1 boots)" -le $((SECONDS - began + 3)) ]
	timeout 20 croft destroy web1 --force --deadline 4
}

@test "several names run in parallel, and the exit code is the worst" {
	croft create a1 --template busybox
	croft create a2 --template busybox
	run -4 croft start a1 nosuch a2
	state_is a1 running
	state_is a2 running
	croft stop --all --kill
	state_is a1 stopped
	state_is a2 stopped
}

@test "onboot servers start in order, and one failure holds back no other" {
	croft create db --template busybox --onboot yes --boot-order 10
	croft create web --template busybox --onboot yes --depends db
	croft create broken --template busybox --onboot yes --boot-order 5
	croft create manual --template busybox
	sed -i 's/^TEMPLATE=.*/TEMPLATE="gone"/' /etc/croft/servers/broken.conf
	run croft start --onboot
	[ "$status" -ne 0 ]
	state_is db running
	state_is web running
	state_is manual stopped
	croft stop --all --shutdown --kill
	croft destroy broken
}
