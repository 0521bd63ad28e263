# SPDX-License-Identifier: GPL-2.0-or-later
# Loaded by every node test. They change the whole host and run in tests/bed/vm only, in the order of
# their files, each after a boot of its own; see tests/node/run. Servers of one test are there in the
# next.
# shellcheck shell=bash disable=SC2154
load ../root/helpers

setup_file() { :; }
setup() {
	needs bed systemd
}
teardown() { :; }

# What one boot leaves for the next.
state=/bed/state
parent=/sys/fs/cgroup/croft.slice/croft-servers.service

# whole NAME...: each runs, as one that was never touched
whole() {
	local name
	for name in "$@"; do
		state_is "$name" running || {
			croft status "$name"
			return 1
		}
		croft exec "$name" -- true || return 1
		ping -q -c 1 -W 5 "$(address "$name")" || return 1
	done
}

# held NAME: its limits and its devices are as they were set; see "five servers" in 1-up.bats
held() {
	local name=$1 group=$parent/$1 pid
	[ "$(cat "$group/memory.max")" = $((64 << 20)) ] || return 1
	[ "$(cat "$group/pids.max")" = 100 ] || return 1
	[ "$(cat "$group/cpu.max")" = "50000 100000" ] || return 1
	pid=$(field "$name" init-pid)
	grep -q "croft-servers.service/$name" "/proc/$pid/cgroup" || return 1
	croft exec "$name" -- sh -c ': </dev/null && : >/dev/full' || return 1
	[ "$(device_denied "$name")" = "Operation not permitted" ]
}

# What opening the host's disk says to a process in the server's control group that else may do all.
device_denied() {
	local group
	group=$(sed -n 's/^0:://p' "/proc/$(field "$1" init-pid)/cgroup")
	bash -c 'echo $$ >"/sys/fs/cgroup$1/cgroup.procs" && exec 3</dev/vda' x "$group" 2>&1 | sed -n 's/.*vda: //p'
}

# logged EVENT: the servers whose hook for it ran, in that order, since the last `forget`
logged() { sed -n "s/^$1 //p" $state/events | paste -sd' '; }
forget() { : >$state/events; }

# An "outside": a network namespace that knows the host's end of one link and nothing else.
outside_up() {
	ip netns add outside
	ip link add up0 type veth peer name out0 netns outside
	ip addr add 203.0.113.2/24 dev up0
	ip link set up0 up
	ip -n outside addr add 203.0.113.1/24 dev out0
	ip -n outside link set out0 up
}
outside_down() {
	ip link del up0
	ip netns del outside
}
reaches_outside() { croft exec "$1" -- ping -q -c 1 -W 5 203.0.113.1; }
