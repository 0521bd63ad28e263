#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts for inside; run --separate-stderr sets stderr
# SIGKILL at any moment, of any process: the next command puts things right. That nothing is left
# at the end is seen by the inventory after each test.
bats_require_minimum_version 1.5.0
load helpers

unified() { sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1; }

# A failed test must not fail the next: what croft does not get hold of is killed by its group.
cleanup() {
	local dir
	chmod a+x /usr/local/libexec/croft/croft-monitor
	rmdir "$(unified)/$CROFT_TEST_CGROUP-killed" 2>/dev/null || :
	croft destroy --all --force >/dev/null 2>&1 || :
	find /sys/fs/cgroup -depth -type d -path "*/$CROFT_TEST_CGROUP/*" ! -name .monitor | while read -r dir; do
		[ ! -e "$dir/cgroup.kill" ] || echo 1 >"$dir/cgroup.kill"
		sleep 0.1
		rmdir "$dir"
	done 2>/dev/null || :
	find /run/croft -mindepth 1 -maxdepth 1 -type d ! -name '.*' -exec rm -r {} +
	croft destroy --all --force >/dev/null 2>&1 || :
	for dir in /var/lib/croft/servers/*/; do # a test that failed may have moved its file away
		[ ! -d "$dir" ] || croft destroy "$(basename "$dir")" --force >/dev/null 2>&1 || :
	done
}

kill9() { # PID...: killed and gone
	local pid
	kill -9 "$@"
	for pid in "$@"; do
		wait_for 5 gone "$pid"
	done
}
gone() { ! grep -qs '^State:[[:space:]]*[^Z]' "/proc/$1/status"; }

# Groups, processes and links that belong to a server: for "it is stopped, and nothing is left".
traces() {
	find /sys/fs/cgroup -type d -path "*/$CROFT_TEST_CGROUP/$1*"
	ip -o link | grep -o "c$1\\.[0-9]*" || :
	find "/run/croft/$1" 2>/dev/null || :
}
# The kernel takes a server's interface down with its network namespace, a moment after init's end.
no_traces() {
	local left end=$((SECONDS + 5))
	while left=$(traces "$1") && [[ $left == "c$1."[0-9] && $SECONDS -lt $end ]]; do
		sleep 0.01
	done
	[ -z "$left" ] || {
		printf 'left of %s: %s\n' "$1" "$left"
		return 1
	}
}
whole() { # NAME: it runs, as one that was never touched
	local links
	state_is "$1" running || {
		croft status "$1"
		return 1
	}
	croft exec "$1" -- true || return 1
	ping -q -c 1 -W 2 "$(address "$1")" || return 1
	links=$(ip -o link | grep "c$1\\.")
	[ "$(wc -l <<<"$links")" -eq 1 ] || {
		echo "links of $1: $links"
		return 1
	}
	kill -0 "$(field "$1" monitor-pid)" "$(field "$1" init-pid)"
}

# How long a command takes here, in microseconds; then moments spread over one and a half times that.
duration() {
	local t=${EPOCHREALTIME/./}
	"$@" >/dev/null
	echo $((${EPOCHREALTIME/./} - t))
}
# killed_at USEC COMMAND...: killed when it has run that long. Odd moments kill its children with it.
killed_at() {
	local usec=$1 mode=
	shift
	[ $((usec % 2)) -ne 0 ] || mode=--foreground
	(timeout $mode -s KILL "$(printf '0.%06d' "$usec")" "$@" 3>&-) >/dev/null 2>&1 || :
}
moments() { # N USEC
	local i
	for ((i = 0; i < $1; i++)); do
		echo $(((i * $2 * 3 / 2 + (RANDOM % 1000) * $2 * 3 / 2000) / $1 + 1))
	done
}

@test "the monitor is killed: the server goes on, the next command adopts it, it stops as usual" {
	server web1
	local init monitor
	init=$(field web1 init-pid)
	monitor=$(field web1 monitor-pid)
	kill9 "$monitor"
	state_is web1 running
	croft exec web1 -- true
	ping -c 1 -W 2 "$(address web1)"
	[ "$(field web1 init-pid)" = "$init" ]
	croft set web1 --pids 100
	[ "$(field web1 monitor-pid)" != "$monitor" ]
	[ "$(field web1 init-pid)" = "$init" ]
	whole web1
	timeout 20 croft stop web1 --timeout 5
	state_is web1 stopped
	no_traces web1
	croft start web1
	whole web1
}

@test "the monitor is killed: stop, restart, destroy and suspend work at once" {
	server web1
	kill9 "$(field web1 monitor-pid)"
	timeout 20 croft stop web1 --timeout 5
	no_traces web1
	croft start web1
	kill9 "$(field web1 monitor-pid)"
	timeout 20 croft restart web1 --timeout 5
	whole web1
	kill9 "$(field web1 monitor-pid)"
	croft suspend web1
	croft resume web1
	whole web1
	kill9 "$(field web1 monitor-pid)"
	croft destroy web1 --force
	no_traces web1
}

@test "the monitor is killed again and again, also the one that adopted" {
	server web1
	local i
	for i in 1 2 3 4 5; do
		kill9 "$(field web1 monitor-pid)"
		croft recover web1
		whole web1
	done
	[ "$(field web1 boots)" -eq 1 ]
}

@test "the monitor that adopts keeps nothing of the operator's session" {
	server web1
	kill9 "$(field web1 monitor-pid)"
	local groups
	groups=$(cat "/proc/$(field web1 init-pid)/cgroup")
	(
		while read -r dir; do
			mkdir -p "$dir/session-$CROFT_TEST_CGROUP"
			echo 0 >"$dir/session-$CROFT_TEST_CGROUP/cgroup.procs" || :
		done < <(awk '$(NF-2) == "cgroup" && $4 == "/" && $5 !~ /cpuset/ { print $5 }' /proc/self/mountinfo)
		croft status web1 >/dev/null
		croft recover web1 >/dev/null
	)
	state_is web1 running
	run cat "/proc/$(field web1 monitor-pid)/cgroup"
	echo "$output"
	[[ "$output" == *"/$CROFT_TEST_CGROUP"* && "$output" != *session-* ]]
	[ "$groups" = "$(cat "/proc/$(field web1 init-pid)/cgroup")" ]
	while read -r dir; do rmdir "$dir"; done < <(find /sys/fs/cgroup -depth -type d -name "session-$CROFT_TEST_CGROUP")
	run -3 croft console web1
	[[ "$output" == *"croft restart" ]]
}

@test "poweroff in a server that was adopted is noticed and tidied up" {
	server web1
	kill9 "$(field web1 monitor-pid)"
	croft recover
	croft exec web1 -- poweroff || : # it may be killed before it ends
	wait_for 10 state_is web1 stopped
	wait_for 3 no_traces web1
}

@test "reboot in a server that was adopted ends in a whole server or a stopped one" {
	server web1
	kill9 "$(field web1 monitor-pid)"
	croft recover
	local init
	init=$(field web1 init-pid)
	croft exec web1 -- reboot -f || :
	wait_for 10 gone "$init"
	wait_for 10 settled web1
	state_is web1 stopped || whole web1
}
settled() { # NAME: no command works on it
	local state
	state=$(croft list -a -H -o state "$1")
	[ "$state" = stopped ] || [ "$state" = running ]
}

@test "init is killed: the server is stopped, tidied up, and the reason is kept" {
	server web1
	kill9 "$(field web1 init-pid)"
	wait_for 5 state_is web1 stopped
	wait_for 3 no_traces web1
	croft status web1 --json | grep -q '"last-end":"signal 9"'
	croft start web1
	whole web1
}

@test "init and monitor are killed at once: the server has failed, and the next command puts it right" {
	server web1
	kill9 "$(field web1 monitor-pid)" "$(field web1 init-pid)"
	run croft status web1
	[ "$status" -eq 3 ]
	run croft exec web1 -- true
	[ "$status" -eq 125 ]
	croft start web1
	whole web1
	kill9 "$(field web1 monitor-pid)" "$(field web1 init-pid)"
	croft stop web1
	no_traces web1
	croft start web1
	kill9 "$(field web1 monitor-pid)" "$(field web1 init-pid)"
	run croft recover
	[ "$status" -eq 0 ]
	[[ "$output" == *web1*stopped* ]]
	no_traces web1
	croft start web1
	kill9 "$(field web1 monitor-pid)" "$(field web1 init-pid)"
	croft destroy web1
}

@test "start is killed at thirty moments: the next start makes a whole server" {
	server web1
	croft stop web1 --kill
	local usec all
	all=$(duration croft start web1)
	croft stop web1 --kill
	for usec in $(moments 30 "$all"); do
		echo "killed after $usec of $all us"
		killed_at "$usec" croft start web1
		timeout 20 croft start web1
		whole web1
		timeout 20 croft stop web1 --kill
		no_traces web1
	done
}

# The child of a command is killed USEC after it was seen. Without a fork in between: a start is over in
# the time that two take.
kill_child_at() { # USEC COMMAND...
	local usec=$1 pid child=
	shift
	[ -p "$BATS_TEST_TMPDIR/never" ] || mkfifo "$BATS_TEST_TMPDIR/never"
	exec 9<>"$BATS_TEST_TMPDIR/never"
	"$@" 3>&- 9>&- >"$BATS_TEST_TMPDIR/said" 2>&1 &
	pid=$!
	while [ -z "$child" ] && kill -0 "$pid"; do
		read -r child _ <"/proc/$pid/task/$pid/children" || :
	done 2>/dev/null
	read -r -t "$(printf '0.%06d' "$usec")" -u 9 _ || :
	[ -z "$child" ] || kill -9 "$child" 2>/dev/null || :
	exec 9>&-
	wait "$pid"
}

@test "what becomes the monitor is killed at thirty moments: the start fails in one line, or the server is whole" {
	server web1
	croft stop web1 --kill
	local i code failed=0
	for ((i = 0; i < 30 || (failed == 0 && i < 300); i++)); do
		code=0
		kill_child_at $((i % 30 * 100)) croft start web1 --deadline 30 || code=$?
		echo "after $((i % 30 * 100)) us: $code $(cat "$BATS_TEST_TMPDIR/said")"
		if [ $code -ne 0 ]; then
			[ "$(wc -l <"$BATS_TEST_TMPDIR/said")" -eq 1 ]
			failed=$((failed + 1))
			no_traces web1
		fi
		timeout 20 croft start web1
		whole web1
		timeout 20 croft stop web1 --kill
		no_traces web1
	done
	echo "$failed starts failed"
	[ $failed -gt 0 ]
}

@test "a start that has no time left says so at sixty moments, and leaves nothing" {
	croft create web1 --template busybox
	local i late=0
	for i in {1..60}; do
		run --separate-stderr croft start web1 --deadline $((i % 20 + 1))ms
		echo "$((i % 20 + 1)) ms: $status $stderr"
		[ "$status" -eq 0 ] || [ "$status" -eq 6 ]
		if [ "$status" -eq 6 ]; then
			[ "${#stderr_lines[@]}" -eq 1 ]
			late=$((late + 1))
			no_traces web1
		else
			whole web1
			croft stop web1 --kill
		fi
	done
	[ $late -gt 0 ]
	croft start web1
	whole web1
}

@test "the monitor's program cannot be executed: start says so, and leaves nothing" {
	local program=/usr/local/libexec/croft/croft-monitor
	croft create web1 --template busybox
	chmod a-x $program
	run -8 --separate-stderr croft start web1
	chmod a+x $program
	[[ $stderr == *"cannot run $program: Permission denied"* ]]
	no_traces web1
	croft start web1
	whole web1
}

in_monitors() { [[ $(cat "/proc/$(field "$1" monitor-pid)/cgroup") == *"$CROFT_TEST_CGROUP/.monitor"* ]]; }

@test "a server starts from a group that was once killed" {
	local group
	group=$(unified)/$CROFT_TEST_CGROUP-killed
	mkdir "$group"
	echo 1 >"$group/cgroup.kill"
	local i
	croft create web1 web2 web3 web4 --template busybox
	for ((i = 0; i < 10; i++)); do # they all find it at once
		sh -c 'echo $$ >"$0/cgroup.procs" && exec croft start --jobs 4 web1 web2 web3 web4' "$group"
		in_monitors web1
		in_monitors web4
		[ $i -lt 9 ] || break
		croft stop --all --kill
	done
	rmdir "$group"
	whole web1
	whole web4
}

@test "the group of all servers is killed: what ran has failed, and servers start and are adopted as before" {
	server web1
	echo 1 >"$(unified)/$CROFT_TEST_CGROUP/cgroup.kill"
	wait_for 5 state_is web1 failed
	croft start web1
	whole web1
	in_monitors web1
	echo 1 >"$(unified)/$CROFT_TEST_CGROUP/.monitor/cgroup.kill"
	wait_for 5 gone "$(field web1 monitor-pid)"
	croft set web1 --pids 100
	whole web1
	in_monitors web1
	croft create web2 --template busybox
	croft start web2
	whole web2
}

# A start in which init fails while the host's side is busy with something else: told is the cause.
@test "init fails in the middle of a start: its reason is told, at once" {
	needs nat
	croft create web1 --template busybox
	mkdir -p /var/lib/croft/servers/web1/fs/upper
	ln -s /etc /var/lib/croft/servers/web1/fs/upper/sys
	nft delete table inet croft
	rm -f /run/croft/.net
	local start=${EPOCHREALTIME/./}
	fails 1 croft start web1
	[ $((${EPOCHREALTIME/./} - start)) -lt 2500000 ] # 3 s is what a monitor gets that nobody kills
	[[ $stderr == "croft: start web1: kernfs: /sys in the server's root is not a plain directory"* ]]
	no_traces web1
	rm /var/lib/croft/servers/web1/fs/upper/sys
	croft start web1
	whole web1
}

@test "start is killed at twenty moments: stop, recover and destroy find all of it" {
	server web1
	local usec all n=0
	croft stop web1 --kill
	all=$(duration croft start web1)
	croft stop web1 --kill
	for usec in $(moments 20 "$all"); do
		echo "killed after $usec of $all us"
		killed_at "$usec" croft start web1
		case $((n++ % 3)) in
		0) timeout 20 croft stop web1 --kill ;;
		1)
			timeout 20 croft recover
			timeout 20 croft stop web1 --kill
			;;
		2)
			timeout 20 croft destroy web1 --force
			no_traces web1
			[ ! -e /var/lib/croft/servers/web1 ]
			croft create web1 --template busybox >/dev/null
			;;
		esac
		state_is web1 stopped
		no_traces web1
	done
}

@test "create is killed at thirty moments: it exists whole or not at all" {
	local usec all store n=0
	croft create web0 --template busybox --ip 10.77.4.3
	for store in overlay dir; do
		all=$(duration croft create web1 --template busybox --store $store)
		croft destroy web1
		for usec in $(moments 15 "$all"); do
			echo "$store: killed after $usec of $all us"
			killed_at "$usec" croft create web1 --template busybox --store $store --ip 10.77.4.4
			if croft status web1 >/dev/null 2>&1 || [ $? -eq 3 ]; then
				croft start web1
				whole web1
				croft destroy web1 --force
			elif [ $((n++ % 2)) -eq 0 ]; then
				timeout 20 croft create web1 --template busybox --ip 10.77.4.4
				croft destroy web1
			else
				timeout 20 croft recover
			fi
			[ "$(find /var/lib/croft/addr /var/lib/croft/ids -type l | wc -l)" -eq 2 ]
			[ "$(ls /var/lib/croft/servers)" = web0 ]
			[ "$(ls /etc/croft/servers)" = web0.conf ]
		done
	done
}

@test "stop is killed at twenty moments: start and stop go on from there" {
	server web1
	local usec all how n=0
	all=$(duration croft stop web1 --kill)
	croft start web1
	for usec in $(moments 20 "$all"); do
		how=--kill
		[ $((n % 4)) -lt 3 ] || how=--timeout=5
		echo "killed after $usec of $all us: stop $how"
		killed_at "$usec" croft stop web1 $how
		if [ $((n++ % 2)) -eq 0 ]; then
			timeout 20 croft stop web1 --timeout 5
			no_traces web1
		fi
		timeout 20 croft start web1
		whole web1
	done
}

@test "destroy is killed at twenty moments: the next ends it, and the neighbour is as it was" {
	server web2
	croft exec web2 -- sh -c 'echo mine > /root/file'
	local usec all
	croft create web1 --template busybox --start --store dir >/dev/null
	all=$(duration croft destroy web1 --force)
	for usec in $(moments 20 "$all"); do
		echo "killed after $usec of $all us"
		croft create web1 --template busybox --start --store dir >/dev/null
		killed_at "$usec" croft destroy web1 --force
		if ! timeout 20 croft destroy web1 --force 2>/dev/null; then
			run -4 croft status web1
			timeout 20 croft recover
		fi
		no_traces web1
		[ "$(ls /var/lib/croft/servers)" = web2 ]
		[ -z "$(ls -A /var/lib/croft/trash)" ]
		[ "$(find /var/lib/croft/addr /var/lib/croft/ids -type l | wc -l)" -eq 3 ]
	done
	whole web2
	[ "$(croft exec web2 -- cat /root/file)" = mine ]
	[ "$(field web2 boots)" -eq 1 ]
}

pids_max() { find /sys/fs/cgroup -path "*/$CROFT_TEST_CGROUP/$1/pids.max"; }

@test "restart, suspend, resume and set are killed at moments: the next command puts it right" {
	server web1
	local usec all
	all=$(duration croft restart web1 --kill)
	for usec in $(moments 12 "$all"); do
		echo "restart: killed after $usec of $all us"
		killed_at "$usec" croft restart web1 --kill
		timeout 20 croft start web1
		whole web1
	done
	for usec in $(moments 8 6000); do
		echo "suspend: killed after $usec us"
		killed_at "$usec" croft suspend web1
		timeout 20 croft resume web1
		whole web1
		croft suspend web1
		killed_at "$usec" croft resume web1
		timeout 20 croft resume web1
		whole web1
	done
	for usec in $(moments 8 6000); do
		echo "set: killed after $usec us"
		killed_at "$usec" croft set web1 --pids $((usec + 100)) --hostname "h$usec" --memory 64M --swap 0
		timeout 20 croft set web1 --pids 200 --hostname other --memory 128M --swap 0
		[ "$(field web1 pids)" -eq 200 ]
		[ "$(cat "$(pids_max web1)")" -eq 200 ]
		[ "$(croft exec web1 -- hostname)" = other ]
		grep -qx 'PIDS="200"' /etc/croft/servers/web1.conf
		[ "$(find /etc/croft/servers -type f | wc -l)" -eq 1 ]
	done
}

@test "set is killed at forty moments: after recover the file, the kernel and the reservations agree" {
	server web1 --ip 10.77.5.1
	local usec pids ip
	for usec in $(moments 40 8000); do
		echo "set: killed after $usec us"
		killed_at "$usec" croft set web1 --pids $((usec % 1000 + 100)) --hostname "h$usec" --ip "10.77.5.$((usec % 200 + 2))"
		timeout 20 croft recover
		pids=$(sed -n 's/^PIDS="\(.*\)"/\1/p' /etc/croft/servers/web1.conf)
		[ "$(cat "$(pids_max web1)")" = "${pids:-4096}" ]
		[ "$(field web1 pids)" = "${pids:-4096}" ]
		[ "$(croft exec web1 -- hostname)" = "$(field web1 hostname)" ]
		ip=$(sed -n 's/^IP="\(.*\)"/\1/p' /etc/croft/servers/web1.conf)
		[ "$(readlink /var/lib/croft/addr/10.77.5.1 "/var/lib/croft/addr/$ip" | sort -u)" = web1 ]
		[ "$(find /var/lib/croft/addr -type l ! -name 10.77.5.1 ! -name "$ip" | wc -l)" -eq 0 ]
	done
	croft restart web1 --kill
	whole web1
	[ "$(find /var/lib/croft/addr -type l -printf '%f\n')" = "$ip" ]
}

@test "suspend and resume are killed at moments: recover makes the server what it is said to be" {
	server web1
	local usec how
	for usec in $(moments 40 6000); do
		for how in suspend resume; do
			killed_at "$usec" croft $how web1
			timeout 20 croft recover web1
			echo "$how: killed after $usec us, is $(field web1 state)"
			if state_is web1 suspended; then
				run -125 croft exec web1 -- true
				croft resume web1
			fi
			whole web1
			[ $how = resume ] || croft suspend web1
		done
	done
	# A stop that is given up leaves it resumed, and says so.
	croft suspend web1
	run -6 croft stop web1 --deadline 0.1
	state_is web1 running
}

@test "init is killed, and the server started at once: what start says is true" {
	server web1
	local i
	for i in $(seq 30); do
		# Much to tear down: a killed init looks alive until all of it is gone.
		croft exec web1 -- sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 300 & done' >/dev/null 2>&1
		kill -KILL "$(field web1 init-pid)"
		timeout 20 croft start web1
		whole web1
	done
}

@test "a state whose processes are long gone, and whose pids are others' now, kills nobody" {
	server web1
	local init monitor state
	state=$(cat /run/croft/web1/state.json)
	init=$(field web1 init-pid)
	monitor=$(field web1 monitor-pid)
	croft stop web1 --kill
	sleep 300 3>&- &
	local other=$!
	mkdir -m 700 /run/croft/web1
	sed "s/\"init\":$init,/\"init\":$other,/; s/\"monitor\":$monitor,/\"monitor\":$other,/" <<<"$state" >/run/croft/web1/state.json
	grep -q "\"init\":$other," /run/croft/web1/state.json
	run croft status web1
	[ "$status" -eq 3 ]
	croft start web1
	whole web1
	kill -0 $other
	croft stop web1 --kill
	kill -0 $other
	kill $other
}

@test "a state that cannot be read: one line, the others go on, recover puts it right" {
	server web1
	server web2
	local text
	for text in '{' '' 'null' '{"version":999}' '[]'; do
		echo "state: $text"
		printf %s "$text" >/run/croft/web1/state.json
		run croft list -a -H -o name
		[[ "$output" == *web1*web2* ]]
		run --separate-stderr timeout 20 croft stop web1 --kill
		[ "${#stderr_lines[@]}" -le 1 ]
		timeout 20 croft recover web1
		timeout 20 croft start web1
		whole web1
		whole web2
	done
}

@test "a state that names a group or a link of somebody else's is not believed" {
	server web1
	server web2
	local group state
	# "" stands for all of the host: whoever killed that would kill this test as well.
	for group in "$CROFT_TEST_CGROUP/web2" "$CROFT_TEST_CGROUP/x/../web2" "$CROFT_TEST_CGROUP/../web1" \
		"/web1" web1 "$CROFT_TEST_CGROUP//web1" "$CROFT_TEST_CGROUP/web2/"; do
		echo "group: $group"
		sed -i "s|\"cgroup\":\"[^\"]*\"|\"cgroup\":\"$group\"|" /run/croft/web1/state.json
		fails 1 timeout 20 croft stop web1 --kill
		[[ "$stderr" == *"croft recover web1"* ]]
		timeout 20 croft recover web1
		no_traces web1
		whole web2
		croft start web1
	done
	ip link show cweb2.0
	state=$(sed "s|\"host_if\":\"[^\"]*\"|\"host_if\":\"cweb2.0\"|" /run/croft/web1/state.json)
	[ "$state" != "$(cat /run/croft/web1/state.json)" ]
	echo "$state" >/run/croft/web1/state.json
	fails 1 timeout 20 croft stop web1 --kill
	timeout 20 croft recover web1
	no_traces web1
	whole web2
}

@test "a running server whose record is lost is not started twice, and is stopped and destroyed all the same" {
	local init
	server web1
	init=$(field web1 init-pid)
	rm -r /run/croft/web1
	run --separate-stderr croft start web1
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
	# Two inits on one root would spoil it.
	[ "$status" -ne 0 ] || gone "$init"
	timeout 20 croft stop web1 --kill
	gone "$init"
	no_traces web1
	croft start web1
	init=$(field web1 init-pid)
	rm -r /run/croft/web1
	timeout 20 croft destroy web1 --force
	gone "$init"
	no_traces web1
}

@test "a group that croft did not make is left alone by recover, also by name" {
	server web1
	local root=/sys/fs/cgroup
	[ -e $root/cgroup.controllers ] || root=/sys/fs/cgroup/unified
	mkdir "$root/$CROFT_TEST_CGROUP/ssh.service"
	sleep 60 3>&- &
	local other=$! alive=no
	echo $other >"$root/$CROFT_TEST_CGROUP/ssh.service/cgroup.procs"
	croft recover
	fails 3 croft recover ssh.service
	[[ "$stderr" == *"$CROFT_TEST_CGROUP/ssh.service is somebody else's"* ]]
	# Nor does a server of that name get hold of it.
	croft create ssh.service --template busybox
	run ! croft start ssh.service
	run ! croft stop ssh.service --kill
	! kill -0 $other || alive=yes
	kill $other
	wait $other || :
	[ $alive = yes ]
	rmdir "$root/$CROFT_TEST_CGROUP/ssh.service"
	whole web1
}

@test "what is left of servers that do not exist: recover removes all of it" {
	server web1
	mkdir -p /run/croft/ghost1 /var/lib/croft/servers/ghost2/fs/upper /var/lib/croft/trash/ghost6/upper
	touch /etc/croft/servers/ghost2.unfinished /etc/croft/servers/ghost7.unfinished
	ln -s ghost3 /var/lib/croft/addr/10.77.0.250
	ln -s ghost4 /var/lib/croft/ids/1999962112
	local dir
	for dir in /sys/fs/cgroup /sys/fs/cgroup/*; do
		[ ! -d "$dir/$CROFT_TEST_CGROUP/web1" ] || mkdir "$dir/$CROFT_TEST_CGROUP/ghost5"
	done
	run croft create ghost2 --template busybox # a half-made one is not in the way
	[ "$status" -eq 0 ]
	croft recover
	[ "$(croft list -a -H -o name | tr '\n' ' ')" = "ghost2 web1 " ]
	[ -z "$(find /run/croft /var/lib/croft /sys/fs/cgroup -maxdepth 4 -name '*ghost[13456]*')" ]
	[ -z "$(find /etc/croft -name '*ghost7*')" ]
	[ -z "$(find /var/lib/croft/addr /var/lib/croft/ids -lname 'ghost[13456]')" ]
	whole web1
}

@test "files of a server whose configuration is missing are kept, but from destroy --force" {
	local conf=$BATS_TEST_TMPDIR/conf name
	server web1
	server web2
	croft stop web2 --kill
	mkdir "$conf"
	mv /etc/croft/servers/web?.conf "$conf"
	fails 3 croft recover
	[[ "$stderr" == *"there are files in /var/lib/croft/servers/web1, but no /etc/croft/servers/web1.conf"* ]]
	fails 4 croft start web2
	fails 3 croft create web2 --template busybox
	fails 5 croft create web1 --template busybox
	for name in web1 web2; do
		fails 3 croft destroy $name
	done
	mv "$conf"/web?.conf /etc/croft/servers/
	croft recover
	whole web1
	croft start web2
	whole web2
	rm /etc/croft/servers/web?.conf
	croft stop web1 --kill || :
	for name in web1 web2; do
		croft destroy $name --force
		fails 4 croft destroy $name --force
		no_traces $name
	done
}

# fault errno CALL K ERRNO COMMAND...: see tests/fault/fault.c.
faulty() { "$CROFT_TEST_BUILD/tests/fault/fault" errno "$@"; }

@test "a configuration file that cannot be looked at is not a server that does not exist" {
	local k
	server web1
	croft stop web1 --kill
	for k in 1 2 3 4 5 6 7 8 9; do
		faulty newfstatat $k EACCES croft start web1 || :
		croft stop web1 --kill
	done
	croft start web1
	whole web1
}

@test "a stop that leaves something says so, and the next command finishes it" {
	local k told=0
	server web1
	for k in $(seq 1 12); do # some of them remove a group
		run --separate-stderr faulty unlinkat "$k" EPERM croft stop web1 --kill
		if [ "$status" -eq 9 ]; then
			[[ "$stderr" == *"croft: stop web1: "* ]]
			if [ -e /run/croft/web1/state.json ]; then
				state_is web1 stopping
				told=$((told + 1))
			else
				state_is web1 stopped
			fi
		else
			[ "$status" -eq 0 ] || [ "$status" -eq 125 ]
		fi
		croft recover
		state_is web1 stopped
		no_traces web1
		croft start web1
	done
	[ $told -gt 0 ]
	whole web1
}

@test "an init that cannot be asked to stop is not killed instead" {
	server web1
	run --separate-stderr faulty pidfd_open 1 EMFILE croft stop web1
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"cannot watch init, so it was not asked: Too many open files"* ]]
	whole web1
	run --separate-stderr faulty pidfd_open 1 EMFILE croft exec web1 -- true
	[ "$status" -eq 125 ]
	[[ "$stderr" == *"cannot watch the server's init: Too many open files"* ]]
}

@test "an init-to-be that cannot hear the host's last word is not taken for one that runs" {
	local k code
	croft create web1 --template busybox
	for k in $(seq 6 16); do
		code=0
		faulty poll "$k" ENOMEM croft start web1 || code=$?
		echo "poll $k: $code"
		[ $code -eq 0 ] || [ $code -eq 125 ] || state_is web1 stopped
		if [ $code -eq 0 ] || [ $code -eq 125 ]; then
			whole web1
		fi
		croft stop web1 --kill
	done
}

@test "a server whose record or init cannot be looked at is not taken for stopped" {
	local k init
	server web1
	init=$(field web1 init-pid)
	for k in $(seq 4 14); do
		faulty openat "$k" EMFILE croft set web1 --pids $((50 + k)) || :
		faulty openat "$k" EMFILE croft start web1 || :
		faulty newfstatat "$k" EIO croft start web1 || :
		faulty openat "$k" EMFILE croft recover web1 || :
		[ "$(field web1 init-pid)" = "$init" ] || {
			echo "call $k"
			return 1
		}
	done
	whole web1
}

@test "a file that cannot be synced is as it was, and so is the server" {
	local n
	server web1 --pids 50
	for n in 1 2; do # the file, and the directory
		run faulty fsync $n EIO croft set web1 --pids 60
		[ "$status" -eq 1 ]
		grep -qx 'PIDS="50"' /etc/croft/servers/web1.conf
		[ "$(field web1 pids)" = 50 ]
		[ "$(cat "$(pids_max web1)")" = 50 ]
		[ "$(find /etc/croft/servers -type f | wc -l)" -eq 1 ]
	done
	for n in 1 2 3; do
		run faulty fsync $n EIO croft create web2 --template busybox
		[ "$status" -eq 1 ]
		no_traces web2
		[ ! -e /etc/croft/servers/web2.conf ]
	done
	whole web1
}

@test "a log that cannot be removed: the next server of that name does not inherit it" {
	server web1
	rm -f /var/log/croft/web1.console.log
	mkdir -p /var/log/croft/web1.console.log
	fails 1 croft destroy web1 --force
	[[ "$stderr" == "croft: destroy web1: cannot remove /var/log/croft/web1.console.log: Is a directory" ]]
	fails 1 croft create web1 --template busybox
	rmdir /var/log/croft/web1.console.log
	server web1 # create has ended what destroy had begun
	wait_for 10 test -f /var/log/croft/web1.console.log
	# Where there is none it may be read-only.
	croft stop web1 --kill
	rm -f /var/log/croft/web1.console.log*
	mount -t tmpfs -o ro none /var/log/croft
	run croft destroy web1
	umount /var/log/croft
	[ "$status" -eq 0 ]
}

@test "the host loses power: what ran is stopped, and starts" {
	server web1
	server web2
	# All processes die, and what is on a tmpfs is lost.
	kill9 "$(field web1 monitor-pid)" "$(field web1 init-pid)" "$(field web2 monitor-pid)" "$(field web2 init-pid)"
	rm -rf /run/croft/web1 /run/croft/web2 /run/croft/.locks /run/croft/.cgroups /run/croft/.net
	state_is web1 stopped
	croft start --all
	whole web1
	whole web2
}

@test "two creates of one name at once: exactly one wins" {
	local round i won
	for round in 1 2 3 4 5; do
		echo "round $round"
		for i in 1 2 3 4 5 6 7 8; do
			{
				code=0
				croft create web1 --template busybox >/dev/null 2>&1 || code=$?
				echo $code >"$BATS_TEST_TMPDIR/code$i"
			} 3>&- &
		done
		wait
		won=$(cat "$BATS_TEST_TMPDIR"/code* | sort | uniq -c | tr -s ' \n' ' ')
		echo "$won"
		[ "$won" = " 1 0 7 5 " ]
		[ "$(find /var/lib/croft/addr /var/lib/croft/ids -type l | wc -l)" -eq 3 ]
		croft start web1
		whole web1
		croft destroy web1 --force
	done
}

@test "starts, stops and restarts of one server in parallel leave it whole" {
	server web1
	local i
	for i in 1 2 3 4 5 6 7 8; do
		{
			for _ in 1 2 3 4 5; do
				case $((RANDOM % 5)) in
				0 | 1) croft start web1 ;;
				2) croft stop web1 --kill ;;
				3) croft restart web1 --kill ;;
				4) croft exec web1 -- true ;;
				esac >/dev/null 2>>"$BATS_TEST_TMPDIR/err$i" || echo "$?" >>"$BATS_TEST_TMPDIR/codes"
			done
		} 3>&- &
	done
	wait
	# exec may find it stopped, or be killed with it; nothing else fails.
	sort "$BATS_TEST_TMPDIR/codes" 2>/dev/null | uniq -c
	cat "$BATS_TEST_TMPDIR"/err*
	run grep -vxE "125|137" "$BATS_TEST_TMPDIR/codes"
	[ -z "$output" ] || [ ! -e "$BATS_TEST_TMPDIR/codes" ]
	croft start web1
	whole web1
	croft stop web1 --kill
	no_traces web1
}

@test "eight servers are made, started, stopped and destroyed at once, and list never fails meanwhile" {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		{
			for _ in 1 2 3; do
				croft create "s$i" --template busybox --start && croft stop "s$i" --kill && croft destroy "s$i" ||
					echo "s$i" >>"$BATS_TEST_TMPDIR/failed"
			done
		} >/dev/null 3>&- &
	done
	for i in $(seq 30); do
		croft list -a >/dev/null
		croft list -a --json >/dev/null
	done
	wait
	[ ! -e "$BATS_TEST_TMPDIR/failed" ]
	[ -z "$(croft list -a -H -o name)" ]
}
