#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # node.bash sets them
# After an ordinary reboot of the host, with the servers of 1-up.bats.
bats_require_minimum_version 1.5.0
load node

@test "the reboot stopped all servers in the reverse order, and none had to be killed" {
	[ "$(logged stopped)" = "manual b d e a c" ]
	croft status manual --json | grep -q '"last-end":"poweroff"'
	run ! grep -r 'signal 9' /var/lib/croft/servers/*/ended
}

@test "the boot started five servers in order, with their addresses, and no other" {
	wait_for 60 systemctl is-active croft.service
	[ "$(logged pre-start)" = "c a e d b" ]
	whole a b c d e
	held c
	held b
	state_is manual stopped
	[ "$(croft list -a -H -o name,ip)" = "$(cat "$state/addresses")" ]
	[ "$(croft exec a -- cat /root/file)" = kept ]
	[ -z "$(systemctl --failed --plain --no-legend)" ]
	[ -z "$(croft recover)" ]
}

@test "the reboot and the boot say nothing wrong in the journal" {
	run -0 journalctl --no-pager -q -u croft.service -u croft-servers.service -p warning
	echo "$output"
	[ -z "$output" ]
	journalctl --no-pager -q -b -1 -u croft.service | grep -q '6 of 6 servers are stopped'
	journalctl --no-pager -q -b -u croft.service | grep -q '5 of 5 servers run'
}

@test "the host is about to be reset: five servers and one that was started by hand" {
	croft start manual
	whole a b c d e manual
	forget
}
