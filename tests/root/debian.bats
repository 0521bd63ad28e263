#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian servers with systemd: every release, as a customer would use it.
bats_require_minimum_version 1.5.0
load helpers

ssh_options=(-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=5)

setup() {
	inventory_before=$BATS_TEST_TMPDIR/inventory
	"$BATS_TEST_DIRNAME/inventory" >"$inventory_before"
	ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/key"
}

debian() { # RELEASE OPTION...: a server web1 of that release, ready
	local release=$1
	shift
	croft create web1 --template "debian-$release" --memory 512M --pids 400 --password root:secret \
		--ssh-key "$BATS_TEST_TMPDIR/key.pub" --hostname web1.example.org "$@"
	croft start web1 --wait
}

# What a server of any release must do.
boots_and_serves() {
	needs "template:debian-$1" program:ssh program:sshpass
	debian "$1"
	run croft exec web1 -- systemctl is-system-running --wait
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = running ]
	run croft exec web1 -- systemctl list-units --failed --no-legend
	[ -z "$output" ]

	local ip
	ip=$(address web1)
	wait_for 10 ssh "${ssh_options[@]}" -i "$BATS_TEST_TMPDIR/key" "root@$ip" true
	[ "$(ssh "${ssh_options[@]}" -i "$BATS_TEST_TMPDIR/key" "root@$ip" hostname)" = web1.example.org ]
	[ "$(sshpass -p secret ssh "${ssh_options[@]}" -o PubkeyAuthentication=no "root@$ip" id -u)" = 0 ]
	run sshpass -p wrong ssh "${ssh_options[@]}" -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 "root@$ip" true
	[ "$status" -ne 0 ]
	ping -6 -c 1 -W 2 "$(croft list -H -o ip web1 | tr -s ' ,' '\n' | grep -m1 :)"

	# Configured from outside, kept by the release's own network service.
	croft exec web1 -- ip -o addr show eth0 | grep -qF "$ip/32"
	[ "$(croft exec web1 -- ip -o addr show eth0 | grep -c 'scope global')" -eq 2 ]
	croft exec web1 -- ip route | grep -q '^default via 169.254.0.1'

	croft exec web1 -- reboot || :
	wait_for 20 booted 2
	croft start web1 --wait
	[ "$(croft exec web1 -- systemctl is-system-running)" = running ]
	croft exec web1 -- poweroff || :
	wait_for 20 state_is web1 stopped
}
booted() { [ "$(field web1 boots)" = "$1" ] && state_is web1 running; }

@test "debian-11 reaches running, serves ssh, reboots, powers off" {
	boots_and_serves 11
}

@test "debian-12 reaches running, serves ssh, reboots, powers off" {
	boots_and_serves 12
}

@test "debian-13 reaches running, serves ssh, reboots, powers off" {
	boots_and_serves 13
}

@test "debian-sid reaches running, serves ssh, reboots, powers off" {
	boots_and_serves sid
}

@test "debian-12: twenty reboots in a row keep address and MAC" {
	needs template:debian-12
	debian 12
	local ip mac i
	ip=$(address web1)
	mac=$(croft exec web1 -- cat /sys/class/net/eth0/address)
	for ((i = 2; i <= 21; i++)); do
		croft exec web1 -- systemctl reboot --force --force || :
		wait_for 20 booted "$i"
	done
	croft start web1 --wait
	[ "$(address web1)" = "$ip" ]
	[ "$(croft exec web1 -- cat /sys/class/net/eth0/address)" = "$mac" ]
	ping -c 1 -W 2 "$ip"
}

@test "two debian servers reach each other by IPv4 and IPv6" {
	needs template:debian-12
	debian 12
	croft create web2 --template debian-12
	croft start web2 --wait
	croft exec web1 -- ping -c 1 -W 2 "$(address web2)"
	croft exec web2 -- ping -6 -c 1 -W 2 "$(croft list -H -o ip web1 | tr -s ' ,' '\n' | grep -m1 :)"
}

@test "two servers of one template have their own machine-id, host keys and files" {
	needs template:debian-12
	debian 12
	croft create web2 --template debian-12
	croft start web2 --wait
	[ "$(croft exec web1 -- cat /etc/machine-id)" != "$(croft exec web2 -- cat /etc/machine-id)" ]
	[ "$(croft exec web1 -- cat /etc/ssh/ssh_host_ed25519_key.pub)" != \
		"$(croft exec web2 -- cat /etc/ssh/ssh_host_ed25519_key.pub)" ]
	croft exec web1 -- touch /only-here
	run ! croft exec web2 -- test -e /only-here
}

@test "uptime inside is the server's own" {
	needs timens
	needs template:debian-12
	debian 12
	[ "$(croft exec web1 -- cut -d. -f1 /proc/uptime)" -lt 120 ]
}
