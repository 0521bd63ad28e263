#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The view inside: lxcfs over /proc. Each test has a daemon of its own, in the test host's mount
# namespace; the machine's own service is not used.
# shellcheck disable=SC2154 # what bats sets
load helpers

bats_require_minimum_version 1.5.0

answers() { head -n1 /var/lib/lxcfs/proc/meminfo >/dev/null 2>&1; }

lxcfs_up() {
	lxcfs --enable-loadavg --enable-cfs -p "$BATS_TEST_TMPDIR/lxcfs.pid" /var/lib/lxcfs \
		>"$BATS_TEST_TMPDIR/lxcfs.log" 2>&1 3>&- &
	lxcfs=$!
	wait_for 20 answers
}

lxcfs_kill() { # SIGNAL
	kill -s "$1" "$lxcfs"
	kill -s CONT "$lxcfs" 2>/dev/null || :
	wait "$lxcfs" 2>/dev/null || :
	lxcfs=
}

setup() {
	needs program:lxcfs
	[ -d /run/lxcfs ] || made_run=yes
	[ -e /dev/fuse ] || skip "needs /dev/fuse"
	inventory_before=$BATS_TEST_TMPDIR/inventory
	"$BATS_TEST_DIRNAME/inventory" >"$inventory_before"
}

cleanup() {
	[ -z "${lxcfs-}" ] || lxcfs_kill KILL
	! grep -q ' /var/lib/lxcfs ' /proc/self/mountinfo || umount -l /var/lib/lxcfs
	[ -z "${made_run-}" ] || rmdir /run/lxcfs/controllers /run/lxcfs/root /run/lxcfs 2>/dev/null || :
}

kib() { # NAME KEY: of its /proc/meminfo
	croft exec "$1" -- sed -n "s/^$2: *\([0-9]*\) kB/\1/p" /proc/meminfo
}

views() { # NAME: how many files of lxcfs it has
	croft exec "$1" -- grep -c ' - fuse.lxcfs ' /proc/self/mountinfo || :
}

# The host's control groups have a server's CPU time and quota where lxcfs looks for them.
pure() { [ -e /sys/fs/cgroup/cgroup.controllers ]; }

@test "each file tells the server's own numbers" {
	lxcfs_up
	server v1 --memory 64M --swap 0 --cpus 1
	[ "$(kib v1 MemTotal)" -eq $((64 * 1024)) ]
	[ "$(kib v1 MemFree)" -le $((64 * 1024)) ]
	[ "$(kib v1 SwapTotal)" -eq 0 ]
	[ "$(croft exec v1 -- sed 1d /proc/swaps | wc -l)" -eq 0 ]
	run -0 croft exec v1 -- cat /proc/loadavg
	[[ "$output" == 0.* ]]
	run -0 croft exec v1 -- cut -d. -f1 /proc/uptime
	[ "$output" -lt $(($(times 60))) ]
	run -0 croft exec v1 -- grep -c '^processor' /proc/cpuinfo
	if pure; then
		[ "$output" -eq 1 ]
		[ "$(croft exec v1 -- cat /sys/devices/system/cpu/online)" = 0 ]
		[ "$(cat "/sys/fs/cgroup/$CROFT_TEST_CGROUP/v1/inside/cpu.max")" = "100000 100000" ]
	else
		[ "$output" -eq "$(nproc)" ]
	fi
	run -0 croft exec v1 -- free
	# The host's files are as they were.
	[ "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)" -gt $((64 * 1024)) ]
}

@test "cpu-set: the CPUs of /proc/cpuinfo and of sysfs are those of the set" {
	grep -qw cpuset /proc/filesystems /proc/cgroups && [ "$(nproc)" -gt 1 ] || skip "needs 2 CPUs and cpuset"
	lxcfs_up
	server v1 --cpu-set 1
	[ "$(croft exec v1 -- grep -c '^processor' /proc/cpuinfo)" -eq 1 ]
	[ "$(croft exec v1 -- nproc)" -eq 1 ]
}

@test "a change of a running server shows at once, and a restart keeps the view" {
	lxcfs_up
	server v1 --memory 64M --cpus 1
	croft set v1 --memory 96M --cpus 0.5
	[ "$(kib v1 MemTotal)" -eq $((96 * 1024)) ]
	! pure || [ "$(cat "/sys/fs/cgroup/$CROFT_TEST_CGROUP/v1/inside/cpu.max")" = "100000 100000" ]
	croft set v1 --cpus 2.5
	! pure || [ "$(cat "/sys/fs/cgroup/$CROFT_TEST_CGROUP/v1/inside/cpu.max")" = "300000 100000" ]
	croft set v1 --cpus unlimited
	! pure || [ "$(cat "/sys/fs/cgroup/$CROFT_TEST_CGROUP/v1/inside/cpu.max")" = "max 100000" ]
	croft restart v1
	[ "$(kib v1 MemTotal)" -eq $((96 * 1024)) ]
	run -0 croft recover
	[ -z "$output" ]
}

@test "view none: the host's files; view lxcfs: refused where there is none; bad words are refused" {
	fails 2 croft create v1 --template busybox --view lxc
	croft create v1 --template busybox --memory 64M --view lxcfs
	fails 8 croft start v1
	[[ "$stderr" == *"nothing is mounted on /var/lib/lxcfs"* ]]
	state_is v1 stopped
	lxcfs_up
	croft start v1
	[ "$(views v1)" -ge 5 ]
	croft set v1 --view none
	croft restart v1
	[ "$(views v1)" -eq 0 ]
	[ "$(kib v1 MemTotal)" -gt $((64 * 1024)) ]
	run -0 croft recover
	[ -z "$output" ]
}

@test "without lxcfs a server starts as ever; recover gives it the view once there is one" {
	server v1 --memory 64M --cpus 1
	[ "$(views v1)" -eq 0 ]
	lxcfs_up
	run -0 croft recover
	[ "$output" = "v1: its view of /proc is that of lxcfs again" ]
	[ "$(kib v1 MemTotal)" -eq $((64 * 1024)) ]
	! pure || [ "$(cat "/sys/fs/cgroup/$CROFT_TEST_CGROUP/v1/inside/cpu.max")" = "100000 100000" ]
	run -0 croft recover
	[ -z "$output" ]
}

@test "nothing of the view is shared with the host, and nothing of it can be written" {
	mount --bind /var/lib/lxcfs /var/lib/lxcfs # a mount of systemd's is shared
	mount --make-rshared /var/lib/lxcfs
	lxcfs_up
	server v1 --memory 64M
	before=$(wc -l </proc/self/mountinfo)
	croft exec v1 -- mount -t tmpfs tmpfs /tmp
	croft exec v1 -- sh -c 'echo mine >/tmp/mine; mount --bind /tmp/mine /proc/meminfo; cat /proc/meminfo' |
		grep -x mine
	[ "$(wc -l </proc/self/mountinfo)" -eq "$before" ]
	head -n1 /var/lib/lxcfs/proc/meminfo | grep '^MemTotal'
	run -1 croft exec v1 -- sh -c 'echo 1 >/sys/devices/system/cpu/online'
	umount -l /var/lib/lxcfs
}

@test "containers inside can still mount a proc and a sysfs of their own" {
	lxcfs_up
	server v1 --memory 64M
	croft exec v1 -- unshare -U -r -p -f -m sh -c 'mount -t proc proc /proc && cat /proc/1/comm'
	croft exec v1 -- unshare -U -r -n -p -f -m sh -c 'mount -t sysfs -o ro sysfs /sys && ls /sys/class/net'
}

@test "kill -9 of lxcfs under load, recover without and with a new one" {
	lxcfs_up
	server v1 --memory 64M
	server v2 --memory 80M
	local reader
	croft exec v1 -- sh -c 'while :; do cat /proc/meminfo /proc/swaps; done >/dev/null 2>&1' 3>&- &
	reader=$!
	sleep 0.5
	lxcfs_kill KILL
	run -1 croft exec v1 -- head -n1 /proc/meminfo
	run -0 croft check
	[[ "$output" == *"view inside"*"without"*"lxcfs has ended"* ]]
	run -0 croft recover
	[ "${#lines[@]}" -eq 2 ]
	[[ "${lines[0]}" == "v1: its view of /proc is the host's"* ]]
	[ "$(views v1)" -eq 0 ]
	[ "$(kib v1 MemTotal)" -gt $((64 * 1024)) ]
	umount -l /var/lib/lxcfs
	lxcfs_up
	run -0 croft recover
	[ "${#lines[@]}" -eq 2 ]
	[ "$(kib v1 MemTotal)" -eq $((64 * 1024)) ]
	[ "$(kib v2 MemTotal)" -eq $((80 * 1024)) ]
	# And at once, from the dead to the new one.
	lxcfs_kill KILL
	umount -l /var/lib/lxcfs
	lxcfs_up
	run -1 croft exec v2 -- head -n1 /proc/meminfo
	croft recover v2
	[ "$(kib v2 MemTotal)" -eq $((80 * 1024)) ]
	run -1 croft exec v1 -- head -n1 /proc/meminfo
	croft recover
	[ "$(kib v1 MemTotal)" -eq $((64 * 1024)) ]
	[ "$(views v1)" -eq "$(views v2)" ]
	kill -0 "$reader"
	kill "$reader"
	wait "$reader" || :
}

@test "a start with a dead lxcfs warns and goes on; view lxcfs refuses" {
	lxcfs_up
	croft create v1 --template busybox --memory 64M
	lxcfs_kill KILL
	run --separate-stderr croft start v1
	[ "$status" -eq 0 ]
	[[ "$stderr" == *"start v1: warning: lxcfs does not work"* ]]
	[ "$(views v1)" -eq 0 ]
	croft set v1 --view lxcfs
	fails 8 croft restart v1
	[[ "$stderr" == *"lxcfs has ended"* ]]
	state_is v1 stopped
}

@test "a lxcfs that is stopped holds up no start for long, and neither list nor stop" {
	lxcfs_up
	server v1 --memory 64M
	croft create v2 --template busybox --memory 64M
	kill -STOP "$lxcfs"
	run -0 croft check
	[[ "$output" == *"lxcfs does not answer"* ]]
	run --separate-stderr timeout "$(times 30)" croft start v2
	[ "$status" -eq 0 ]
	[[ "$stderr" == *"lxcfs does not work"* ]]
	[ "$(views v2)" -eq 0 ]
	timeout "$(times 5)" croft list >/dev/null
	timeout "$(times 30)" croft recover
	# Who reads it waits, and can be killed.
	croft exec v1 -- cat /proc/meminfo >/dev/null 2>&1 3>&- &
	sleep 0.5
	timeout "$(times 30)" croft stop v1 v2
	state_is v1 stopped
	wait $! || :
}

@test "a server that asks for a reboot has the view again; a suspended one is put right" {
	lxcfs_up
	server v1 --memory 64M
	croft exec v1 -- reboot
	rebooted() { [ "$(field v1 boots)" = 2 ] && state_is v1 running; }
	wait_for "$(times 20)" rebooted
	[ "$(kib v1 MemTotal)" -eq $((64 * 1024)) ]
	croft suspend v1
	lxcfs_kill KILL
	umount -l /var/lib/lxcfs
	lxcfs_up
	croft recover
	croft resume v1
	[ "$(kib v1 MemTotal)" -eq $((64 * 1024)) ]
}

@test "what the server does with its own /proc harms only itself" {
	lxcfs_up
	server v1 --memory 64M
	# The view is a courtesy and no wall: its root may take it away, and recover puts it back.
	croft exec v1 -- umount /proc/meminfo
	croft recover
	[ "$(kib v1 MemTotal)" -eq $((64 * 1024)) ]
	croft exec v1 -- mount -t tmpfs tmpfs /proc
	lxcfs_kill KILL
	umount -l /var/lib/lxcfs
	lxcfs_up
	run croft recover
	state_is v1 running
	head -n1 /proc/meminfo | grep -q '^MemTotal'
}
