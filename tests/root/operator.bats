#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What an operator is told, and what goes on without him: a host's boot, jobs of cron, slips in files.
# shellcheck disable=SC2154
load helpers
bats_require_minimum_version 1.5.0

spoil() { sed -i 's/^MEMORY=.*/MEMORY="12Q"/' "/etc/croft/servers/$1.conf"; }
heal() { sed -i 's/^MEMORY=.*/MEMORY="128M"/' "/etc/croft/servers/$1.conf"; }

@test "a file with a fault is told of at boot, and holds back no other" {
	croft create c1 --template busybox --memory 128M --onboot yes
	croft create c2 --template busybox --onboot yes --depends c1 --boot-order 5
	croft create c3 --template busybox --onboot yes
	croft create c4 --template busybox --memory 128M
	spoil c1
	spoil c4 # ONBOOT=no: nobody wants it
	run -2 --separate-stderr croft start --onboot
	[ "$output" = "2 of 3 servers run" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == "croft: start c1: "*"/c1.conf:"*MEMORY* ]]
	state_is c2 running
	state_is c3 running
	run -2 --separate-stderr croft start --onboot --json
	[[ "$output" == *'{"name":"c1","ok":false,"code":2,'* ]]
	# What c1 is needed for is told of as well when c1 has ONBOOT=no itself.
	sed -i 's/^ONBOOT=.*/ONBOOT="no"/' /etc/croft/servers/c1.conf
	run -2 --separate-stderr croft start --onboot
	[[ "$stderr" == "croft: start c1: "* ]]
	heal c1
	heal c4
}

@test "a file with a fault holds back no other of --all, and is told of like any other" {
	croft create c1 --template busybox --memory 128M
	croft create c2 --template busybox
	spoil c1
	run -2 --separate-stderr croft start --all
	[ "$output" = "1 of 2 servers run" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == "croft: start c1: "* ]]
	state_is c2 running
	croft stop --all --shutdown --kill
	state_is c2 stopped
	heal c1
}

took() { # COMMAND...: sets `ms` to how long it took
	local start
	start=$(date +%s%N)
	"$@"
	ms=$((($(date +%s%N) - start) / 1000000))
}

@test "start --wait: an init that died while it booted is told of" {
	needs template:debian-12
	croft create d1 --template debian-12
	timeout 30 croft start d1 --wait 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	local pid=$! code=0
	wait_for 5 state_is d1 running
	kill -KILL "$(field d1 init-pid)"
	wait $pid || code=$?
	[ "$code" -eq 1 ]
	[ "$(cat "$BATS_TEST_TMPDIR/said")" = \
		"croft: start d1: its init ended while it booted: signal 9 (out of memory?); see croft logs d1" ]
	state_is d1 stopped
	# An init that does not answer is asked for no longer than the deadline.
	croft create d2 --template debian-12
	croft start d2
	kill -STOP "$(field d2 init-pid)"
	took run -6 timeout 20 croft start d2 --wait --deadline 1
	[ "$ms" -lt "$(times 2500)" ]
}

@test "start --wait ends at its deadline, whatever the server's own programs do" {
	needs template:debian-12
	croft create d1 --template debian-12 --memory 512M
	croft start d1 --wait
	printf '#!/bin/sh\nsleep 25\n' | croft exec d1 -- sh -c 'cat >/usr/local/sbin/timeout; chmod 755 /usr/local/sbin/timeout'
	croft stop d1 --kill
	took run -6 timeout "$(times 15)" croft start d1 --wait --deadline "$(times 3)"
	[ "$ms" -lt "$(times 5000)" ]
	# Nor when it leaves somebody behind who holds the pipe.
	printf '#!/bin/sh\nsleep 25 &\necho starting\n' | croft exec d1 -- sh -c 'cat >/usr/local/sbin/timeout'
	croft stop d1 --kill
	took run -6 timeout "$(times 15)" croft start d1 --wait --deadline "$(times 3)"
	echo "$output"
	[[ "$output" == *starting* ]]
	[ "$ms" -lt "$(times 5000)" ]
	# The same of the question which units have failed.
	printf '#!/bin/sh\necho degraded\n' | croft exec d1 -- sh -c 'cat >/usr/local/sbin/timeout'
	printf '#!/bin/sh\necho x.service\nsleep 60\n' |
		croft exec d1 -- sh -c 'cat >/usr/local/sbin/systemctl; chmod 755 /usr/local/sbin/systemctl'
	croft stop d1 --kill
	local most=27000 # milliseconds; more than a minute would be that program's end
	! is_slow_bed || most=45000
	took run -1 timeout 55 croft start d1 --wait --deadline 25
	echo "$output"
	[[ "$output" == *"these units failed: x.service"* ]]
	[ "$ms" -lt "$most" ]
}

@test "exec into a young systemd waits no longer than it is of use" {
	needs template:debian-12
	croft create d1 --template debian-12 --stop-timeout 20
	# One whose systemd stands still before it has its sockets.
	croft start d1
	kill -STOP "$(field d1 init-pid)"
	took run -125 timeout 20 croft exec d1 --deadline 0.5 -- sleep 5
	[ "$ms" -lt "$(times 1500)" ]
	# While it stops, the answer comes at once.
	croft stop d1 --timeout 5 3>&- &
	wait_for 5 state_is d1 stopping
	took run -125 --separate-stderr croft exec d1 -- true
	[[ "$stderr" == *"the server is stopping" ]]
	[ "$ms" -lt "$(times 1000)" ]
	wait
}

@test "create --json tells the addresses, and whether it runs" {
	run -0 croft create w1 --template busybox --json
	[ "$output" = '{"name":"w1","ok":true,"changed":true,"ip":["'"$(address w1)"'","'"$(croft list -aHo ip w1 | sed 's/.*,//')"'"],"running":false}' ]
	run -0 croft create w2 --template busybox --start --json --net none
	[ "$output" = '{"name":"w2","ok":true,"changed":true,"ip":[],"running":true}' ]
	run -1 --separate-stderr croft create w3 --template busybox --start --json --init /nosuch
	[[ "$output" == *'{"name":"w3","ok":false,'*'created, but it does not start'* ]]
}

@test "exec --json: what cannot be run is an object as well" {
	server w1
	run -127 --separate-stderr croft exec w1 --json nosuch
	[ "$output" = "{\"name\":\"w1\",\"ok\":false,\"code\":1,\"symbol\":\"failure\",\"error\":\"cannot run 'nosuch' in the server: No such file or directory\"}" ]
	run -126 --separate-stderr croft exec w1 --json -- /etc
	[[ "$output" == *'"ok":false'* ]]
	run -3 --separate-stderr croft exec w1 --json -- sh -c 'exit 3'
	[ -z "$output" ]
}

@test "what tells servers apart is not given to several" {
	fails 2 croft create x1 x2 --template busybox --hostname foo
	[[ "$stderr" == *"--hostname cannot be given to several servers" ]]
	fails 2 croft create x1 x2 --template busybox --ip 10.77.0.9
}

@test "status: who may not know is told so" {
	server w1
	local program
	program=$(command -v croft)
	run -9 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$program" status w1
	[ -z "$output" ]
	[[ "$stderr" == "croft: status w1: cannot read "*"Permission denied" ]]
	run -9 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$program" status w1 --json
	[[ "$output" == *'"code":9,"symbol":"not-permitted"'* ]]
	run -0 croft status w1
}

@test "a file that croft create did not make: its start says what to do" {
	croft create c2 --template busybox
	cp /etc/croft/servers/c2.conf /etc/croft/servers/c8.conf
	fails 1 croft start c8
	[[ "$stderr" == "croft: start c8: /etc/croft/servers/c8.conf was not made by croft create, "*"croft create c8"* ]]
	rm /etc/croft/servers/c8.conf /run/croft/.locks/c8
}

@test "stop: that init had to be killed is told, not that it was asked for" {
	server w1 --stop-timeout 1
	kill -STOP "$(field w1 init-pid)"
	run -0 --separate-stderr croft stop w1 --timeout 0.3
	[ "$stderr" = "croft: stop w1: warning: init did not stop in 0.3 s and was killed" ]
	croft start w1
	kill -STOP "$(field w1 init-pid)"
	run -0 --separate-stderr croft restart w1 --json
	[ "$stderr" = "croft: restart w1: warning: init did not stop in 1 s and was killed" ]
	[ "$output" = '{"name":"w1","ok":true,"changed":true,"killed":true}' ]
	run -0 --separate-stderr croft stop w1 --timeout 20 --json
	[ -z "$stderr" ]
	[ "$output" = '{"name":"w1","ok":true,"changed":true}' ]
	croft start w1
	run -0 --separate-stderr croft stop w1 --kill
	[ -z "$stderr" ]
}

@test "the installed units name programs by their paths" {
	local file path n=0
	for file in /usr/local/lib/systemd/system/croft*.service; do
		while read -r path; do
			[[ "$path" == /* ]]
			[ -x "$path" ]
			n=$((n + 1))
		done < <(sed -n 's/^Exec[A-Za-z]*=[-+!:@]*\([^ ]*\).*/\1/p' "$file")
	done
	[ "$n" -ge 5 ]
	grep -q "^ExecStart=-$(command -v croft) start --onboot" /usr/local/lib/systemd/system/croft.service
}

@test "set: back to the host's default" {
	server w1 --memory 64M --pids 300 --description 'a b'
	echo 'MEMORY="96M"' >>/etc/croft/croft.conf
	run -0 croft set w1 --default memory,description --default pids --json
	[ "$output" = '{"name":"w1","ok":true,"changed":true,"next-start":[]}' ]
	run -1 grep -qE '^(MEMORY|PIDS|DESCRIPTION)=' /etc/croft/servers/w1.conf
	croft show w1 | grep -q '^MEMORY="96M" *# host'
	croft show w1 | grep -q '^PIDS="4096" *# default'
	[ "$(croft list -H -o memory,pids w1 | tr -s ' ')" = "96M 4096" ] # live
	run -0 croft set w1 --default memory --json
	[[ "$output" == *'"changed":false'* ]]
	croft set w1 --memory 96M
	run -0 croft set w1 --default memory --pids 200 --json
	[[ "$output" == *'"changed":true'* ]]
	fails 2 croft set w1 --default memroy
	fails 2 croft set w1 --default password
	fails 2 croft set w1 --default template
	fails 2 croft set w1 --default pids --pids 3
	croft set w1 --default MEMORY # the key will do
	grep -q '^PIDS="200"' /etc/croft/servers/w1.conf
}

@test "set: what a network mode lacks, or has too much, is said with what to do" {
	croft create w1 --template busybox
	fails 2 croft set w1 --net none
	[[ "$stderr" == *"remove it with --ip ''"* ]]
	croft set w1 --net none --ip ''
	fails 2 croft set w1 --net routed
	[[ "$stderr" == *"no address: give one with --ip, say a free one of 10.77.0.0/16" ]]
}

@test "check: what lies among the hooks and is never run" {
	run -0 croft check
	grep -qE '^hooks +ok' <<<"$output"
	mkdir -p /etc/croft/hooks/{pre-start.d,start.d,servers/w1/{stopped.d,stop.d}}
	run -0 croft check
	grep -qE '^hooks +without .*: servers/w1/stop\.d start\.d \(in /etc/croft/hooks\)$' <<<"$output"
}

@test "start, stop and restart of all say for how many it went well" {
	[ "$(croft start --all)" = "there is no server" ]
	[ "$(croft start --onboot)" = "no server has ONBOOT=yes" ]
	[ "$(croft stop --all)" = "no server runs" ]
	[ "$(croft stop --all --shutdown)" = "no server runs" ]
	croft create w1 w2 w3 --template busybox >/dev/null
	[ "$(croft start --all)" = "3 of 3 servers run" ]
	[ "$(croft restart --all --kill)" = "3 of 3 servers run" ]
	[ -z "$(croft stop w3 --kill)" ]
	[ "$(croft stop --all --shutdown --kill)" = "2 of 2 servers are stopped" ]
	croft start w1 w2
	[ "$(croft stop --all --kill)" = "2 of 2 servers are stopped" ]
	[ -z "$(croft stop --all --quiet)" ]
	[ -z "$(croft stop --all --json)" ]
}

@test "passwords come from a file as well, where ps does not show them" {
	printf 'root:geheim\n\nroot:geheimer\n' >"$BATS_TEST_TMPDIR/pw"
	croft create w1 --template busybox --password-file "$BATS_TEST_TMPDIR/pw"
	croft create w2 w3 --template busybox --password-file - <<<'root:fromstdin'
	local name
	for name in w1 w2 w3; do
		croft start $name
		croft exec $name -- grep -qE '^root:\$' /etc/shadow || croft exec $name -- grep -qE '^root:\$' /etc/passwd
		croft stop $name --kill
	done
	run -0 --separate-stderr croft set w1 --password-file - <<<'root:!'
	croft start w1
	croft exec w1 -- grep -qE '^root:!' /etc/shadow || croft exec w1 -- grep -qE '^root:!' /etc/passwd
	fails 2 croft create w4 --template busybox --password-file - <<<'secret'
	[ "$stderr" = "croft: create w4: --password: expected USER:PASSWORD" ]
	fails 2 croft create w4 --template busybox --password-file /dev/null
	fails 2 croft create w4 --template busybox --password-file <(echo)
	fails 1 croft create w4 --template busybox --password-file /nosuch
	fails 2 croft create w4 --template busybox --password-file - </dev/null
}

@test "who depends on a server that is not there is told of" {
	run -0 --separate-stderr croft create web --template busybox --depends db --quiet
	[ -z "$stderr" ]
	run -0 --separate-stderr croft set web --depends cache --depends db
	[ "${#stderr_lines[@]}" -eq 2 ]
	[ "${stderr_lines[0]}" = "croft: set web: warning: it depends on cache, and there is no such server" ]
	run -0 --separate-stderr croft create cache --template busybox --depends nosuch
	[ "$stderr" = "croft: create cache: warning: it depends on nosuch, and there is no such server" ]
	run -0 --separate-stderr croft create db db2 --template busybox --depends cache
	[ -z "$stderr" ]
}

@test "destroy: who depends on what goes is named" {
	croft create db web1 web2 --template busybox
	croft set web1 web2 --depends db
	run -0 --separate-stderr croft destroy db
	[ "$stderr" = "croft: destroy db: warning: still in DEPENDS of web1, web2" ]
	run -0 --separate-stderr croft create db --template busybox
	run -0 --separate-stderr croft destroy db web1 web2
	[ -z "$stderr" ]
}

@test "status --json: CPU time is not rounded to seconds" {
	server w1
	croft status w1 --json | grep -qE '"uptime":[0-9]+(\.[0-9]+)?,'
	croft status w1 --json | grep -qE '"cpu-used":0\.[0-9]{1,3},'
}
