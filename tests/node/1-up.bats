#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154
# croft on a node with systemd: its units, and what an administrator does while servers run.
bats_require_minimum_version 1.5.0
load node

@test "the bed is a node: systemd is init, only cgroup2, disks with quota" {
	[ "$(cat /proc/1/comm)" = systemd ]
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
	[ "$(uname -m)" != x86_64 ] || uname -r | grep -q cloud
	quotaon -P -p /srv/ext4 | grep -q 'project quota on /srv/ext4 .* is on'
	xfs_quota -x -c 'state -p' /srv/xfs | grep -q 'Enforcement: ON'
	btrfs quota enable /srv/btrfs
	btrfs qgroup show /srv/btrfs | grep -q '^0/5'
	btrfs quota disable /srv/btrfs
	croft check
}

@test "the units: systemd finds nothing wrong in them, enables, starts and stops them" {
	run systemd-analyze verify --man=no croft.service croft-servers.service
	echo "$output"
	[ -z "$output" ]
	systemctl enable --now croft.service
	systemctl is-active croft.service croft-servers.service
	systemctl status croft.service
	run ! systemctl stop croft-servers.service
	systemctl is-active croft-servers.service
	systemctl stop croft.service
	run -3 systemctl is-active croft.service
	systemctl is-active croft-servers.service
	[ -z "$(systemctl --failed --plain --no-legend)" ]
}

@test "five servers: croft.service starts them in their order and stops them in the reverse one" {
	croft template build busybox
	local event name
	for event in pre-start stopped; do
		mkdir -p "/etc/croft/hooks/$event.d"
		printf '#!/bin/sh\necho "%s $CROFT_SERVER" >>/bed/state/events\n' $event >"/etc/croft/hooks/$event.d/log"
		chmod 755 "/etc/croft/hooks/$event.d/log"
	done
	for name in a b c d e; do
		croft create $name --template busybox --onboot yes --memory 64M --pids 100 --cpus 0.5 --stop-timeout 20
	done
	croft set c --boot-order 10
	croft set a --boot-order 20
	croft set e --boot-order 30
	croft set b --boot-order 40
	croft set d --boot-order 5 --depends e
	croft create manual --template busybox
	forget
	systemctl start croft.service
	[ "$(logged pre-start)" = "c a e d b" ]
	whole a b c d e
	state_is manual stopped
	croft start manual # stopped first: its order is 100
	systemctl stop croft.service
	[ "$(logged stopped)" = "manual b d e a c" ]
	[ -z "$(croft list -H -o name)" ]
	systemctl start croft.service
	whole a b c d e
	held c
}

inits() { croft list -a -H -o name | while read -r name; do field "$name" init-pid; done; }

@test "daemon-reload and daemon-reexec: servers, limits and devices stay as they are" {
	local before
	before=$(inits)
	held c
	held b
	systemctl daemon-reload
	whole a b c d e
	held c
	systemctl daemon-reexec
	held c
	# Anything that makes systemd look at its tree again.
	systemd-run --quiet --wait --slice=croft.slice -p MemoryMax=100M -p DevicePolicy=closed -p CPUWeight=50 true
	systemctl set-property --runtime croft.slice CPUWeight=200 TasksMax=5000
	systemctl daemon-reload
	whole a b c d e
	held b
	held c
	[ "$(inits)" = "$before" ]
	croft set c --memory 65M --pids 101
	croft set c --memory 64M --pids 100
	held c
	systemctl revert croft.slice
}

sessions() { loginctl list-sessions --no-legend | wc -l; }
no_sessions() { [ "$(sessions)" -eq 0 ]; }

@test "a server goes on when the session ends that started it" {
	mkdir -p /etc/systemd/logind.conf.d
	printf '[Login]\nKillUserProcesses=yes\nKillExcludeUsers=nobody\n' >/etc/systemd/logind.conf.d/kill.conf
	systemctl restart systemd-logind
	croft create s1 s2 s3 --template busybox
	run -0 su -l root -c 'cat /proc/self/cgroup; sleep 300 >/dev/null 2>&1 & echo $!; croft start s1'
	echo "$output"
	[[ "$output" == *session-*.scope* ]]
	wait_for 60 no_sessions
	run ! kill -0 "${lines[1]}" # what else the session had is gone
	whole s1
	systemd-run --quiet --scope --unit=deploy sh -c 'croft start s2; exec sleep 300' 3>&- &
	wait_for 30 state_is s2 running
	systemctl stop deploy.scope
	whole s2
	systemd-run --quiet --wait croft start s3
	whole s3
	local name
	for name in s1 s2 s3; do
		grep -q "^0::/croft.slice/croft-servers.service/" "/proc/$(field $name monitor-pid)/cgroup"
	done
	croft stop s1 s2 s3
	croft destroy s1 s2 s3
	rm /etc/systemd/logind.conf.d/kill.conf
	systemctl restart systemd-logind
}

@test "the firewall is flushed or reloaded: croft's rules come back" {
	outside_up
	reaches_outside a
	nft flush ruleset
	run ! reaches_outside a
	run -0 croft recover
	[ "$output" = "the host's network rules: installed again" ]
	reaches_outside a
	run -0 croft recover
	[ -z "$output" ]
	nft flush ruleset
	croft start d # one that runs already puts nothing right
	croft restart d --kill
	reaches_outside a
	systemctl start nftables
	run -0 croft recover
	reaches_outside a
	nft delete table inet croft
	systemctl reload nftables
	wait_for 30 nft list table inet croft
	reaches_outside a
	outside_down
	[ -z "$(systemctl --failed --plain --no-legend)" ]
}

@test "the host is about to reboot: five servers and one that was started by hand" {
	systemctl disable --now nftables
	croft start manual
	whole a b c d e manual
	croft exec a -- sh -c 'echo kept >/root/file; sync'
	croft list -a -H -o name,ip >"$state/addresses"
	forget
}
