#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # node.bash sets them
# After a reset of the host while servers ran: nobody stopped them, and nobody tidied up.
bats_require_minimum_version 1.5.0
load node

@test "after a reset: the boot starts five servers in order, with their addresses" {
	wait_for 60 systemctl is-active croft.service
	[ "$(logged pre-start)" = "c a e d b" ]
	[ -z "$(logged stopped)" ]
	whole a b c d e
	held c
	[ "$(croft list -a -H -o name,ip)" = "$(cat "$state/addresses")" ]
	[ "$(croft exec a -- cat /root/file)" = kept ]
	[ -z "$(systemctl --failed --plain --no-legend)" ]
}

@test "after a reset: what ran and is not started at boot is stopped, and starts" {
	state_is manual stopped
	[ -z "$(croft recover)" ]
	croft start manual
	whole manual
	[ "$(ip -o link | grep -c ': cmanual')" -eq 1 ]
}

@test "destroy of all leaves nothing on the node" {
	croft destroy --all --force
	[ -z "$(find /var/lib/croft/servers /var/lib/croft/addr /var/lib/croft/ids /etc/croft/servers /run/croft -mindepth 1 -maxdepth 1 ! -name '.*')" ]
	[ -z "$(find "$parent" -mindepth 1 -maxdepth 1 -type d ! -name '.monitor*')" ]
	run ! grep ': c[a-z]*\.0' <(ip -o link)
	systemctl stop croft.service
}
