#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts for inside; run --separate-stderr sets stderr
# The network of a server: who reaches whom, and whose address is whose.
bats_require_minimum_version 1.5.0
load helpers

ip4() { croft list -a -H -o ip "$1" | tr -s ' ,' '\n' | grep -m1 '\.'; }
ip6() { croft list -a -H -o ip "$1" | tr -s ' ,' '\n' | grep -m1 ':'; }
inet6() { [ -e /proc/net/if_inet6 ] || skip "needs IPv6"; }

# An "outside": a network namespace that knows the host's end of one link and nothing else.
outside_up() {
	unshare --net sleep 120 3>&- &
	outside=$!
	wait_for 5 other_net
	ip link add up0 type veth peer name out0 netns $outside
	ip addr add 203.0.113.2/24 dev up0
	ip addr add 2001:db8:5::2/64 dev up0 nodad
	ip link set up0 up
	in_outside ip link set lo up
	in_outside ip addr add 203.0.113.1/24 dev out0
	in_outside ip addr add 2001:db8:5::1/64 dev out0 nodad
	in_outside ip link set out0 up
	wait_for 5 carrier
}
other_net() { [ "$(readlink /proc/$outside/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
carrier() { ip -o link show up0 | grep -q 'state UP'; }
in_outside() { nsenter --net --target "$outside" "$@"; }
cleanup() {
	[ -z "${outside-}" ] || kill "$outside"
	ip link del up0 2>/dev/null || :
	ip addr del 169.254.169.254/32 dev lo 2>/dev/null || :
	write_host_conf
	croft check >/dev/null # puts the rules right, when a test had others
}

# The echo requests that got through to this host, or to a server: [NAME]
echos4() { ${1:+croft exec "$1" --} cat /proc/net/snmp | awk '/^Icmp:/ { if (c) print $c; for (i = 1; i <= NF; i++) if ($i == "InEchos") c = i }'; }
echos6() { ${1:+croft exec "$1" --} cat /proc/net/snmp6 | awk '$1 == "Icmp6InEchos" { print $2 }'; }

@test "the host reaches a server, and a server the host, over IPv4 and IPv6" {
	inet6
	server web1
	ping -c 1 -W 2 "$(ip4 web1)"
	ping -6 -c 1 -W 2 "$(ip6 web1)"
	croft exec web1 -- ping -c 1 -W 2 169.254.0.1
	# From its address: from its link-local one, which it has two seconds later, it may only find the gateway.
	croft exec web1 -- ping6 -c 1 -W 2 -I "$(ip6 web1)" fe80::1%eth0
}

@test "servers reach each other over IPv4 and IPv6" {
	inet6
	server a
	server b
	croft exec a -- ping -c 1 -W 2 "$(ip4 b)"
	croft exec b -- ping -c 1 -W 2 "$(ip4 a)"
	croft exec a -- ping6 -c 1 -W 2 "$(ip6 b)"
	croft exec b -- ping6 -c 1 -W 2 "$(ip6 a)"
}

@test "a megabyte sent by TCP from server to server arrives as it was" {
	server a
	server b
	local sum
	croft exec a -- dd if=/dev/urandom of=/tmp/sent bs=1M count=1
	listen b /tmp/got
	timeout 20 croft exec a -- sh -c "nc $(ip4 b) 7000 < /tmp/sent"
	sum=$(croft exec a -- sha256sum /tmp/sent | cut -d' ' -f1)
	wait_for 5 sum_is b /tmp/got "$sum"
}
# Its input stays open: busybox's nc ends with it.
listen() { # NAME FILE
	croft exec "$1" -- sh -c "(sleep 30 | nc -l -p 7000) >$2 2>/dev/null &"
	wait_for 5 croft exec "$1" -- sh -c 'netstat -ltn | grep -q :7000'
}
sum_is() { [ "$(croft exec "$1" -- sha256sum "$2" | cut -d' ' -f1)" = "$3" ]; }

@test "an address given to one server is refused to another, until it is destroyed" {
	croft create a --template busybox --ip 10.77.9.9,fd77:77::99
	fails 5 croft create b --template busybox --ip 10.77.9.9
	[[ "$stderr" == *10.77.9.9*"server a"* ]]
	fails 5 croft create b --template busybox --ip 10.77.9.10,fd77:77::99
	run -4 croft status b
	[ ! -L /var/lib/croft/addr/10.77.9.10 ] # given back when the other was refused
	croft create b --template busybox
	fails 5 croft set b --ip 10.77.9.9
	croft set a --ip 10.77.9.20
	croft set b --ip 10.77.9.9 # free since a has another
	fails 5 croft set a --ip fd77:77::99,10.77.9.9
	croft destroy b
	croft set a --ip 10.77.9.9
}

@test "an address of the host itself is refused" {
	outside_up
	fails 5 croft create a --template busybox --ip 203.0.113.2
	[[ "$stderr" == *203.0.113.2*host* ]]
}

@test "addresses given by croft are different, stay over stop and start, and come back at destroy" {
	local i all before
	for i in 1 2 3 4 5 6 7 8; do
		croft create "s$i" --template busybox >/dev/null 3>&- &
	done
	wait
	[ "$(croft list -a -H -o name | wc -l)" -eq 8 ]
	all=$(croft list -a -H -o ip | tr -s ' ,' '\n' | grep .)
	[ "$(echo "$all" | wc -l)" -eq 16 ]
	[ "$(echo "$all" | sort -u | wc -l)" -eq 16 ]
	[ "$(find /var/lib/croft/addr -type l | wc -l)" -eq 16 ]
	before=$(croft list -a -H -o ip s3)
	croft start s3
	croft stop s3 --kill
	croft start s3
	[ "$(croft list -a -H -o ip s3)" = "$before" ]
	ping -c 1 -W 2 "$(ip4 s3)"
	croft destroy --all --force
	[ -z "$(find /var/lib/croft/addr -type l)" ]
}

@test "a subnet that is full is exit code 7, and an address given back is given again" {
	sed -i 's,^SUBNET=.*,SUBNET="10.88.0.0/29",' /etc/croft/croft.conf
	local i
	for i in 1 2 3 4 5; do # .0 is the network, .1 the gateway's, .7 the broadcast address
		croft create "s$i" --template busybox
	done
	fails 7 croft create s6 --template busybox
	[[ "$stderr" == *10.88.0.0/29* ]]
	run -4 croft status s6
	croft destroy s2
	croft create s6 --template busybox
}

@test "a forged source address goes nowhere" {
	grep -q '^source-check=yes' /run/croft/.net || skip "needs nftables with fib"
	inet6
	server a
	server b
	server c
	local from before
	# What the counters see when nothing is forged.
	before=$(echos4 b)
	croft exec a -- ping -c 1 -W 1 "$(ip4 b)"
	[ "$(echos4 b)" -gt "$before" ]
	before=$(echos6 b)
	croft exec a -- ping6 -c 1 -W 1 "$(ip6 b)"
	[ "$(echos6 b)" -gt "$before" ]

	for from in "$(ip4 c)" 10.77.200.200 192.0.2.1; do
		before="$(echos4) $(echos4 b)"
		croft exec a -- ip addr add "$from/32" dev lo
		croft exec a -- ping -c 1 -W 1 -I "$from" "$(ip4 b)" && return 1
		croft exec a -- ping -c 1 -W 1 -I "$from" 169.254.0.1 && return 1
		croft exec a -- ip addr del "$from/32" dev lo
		[ "$(echos4) $(echos4 b)" = "$before" ] || {
			echo "$from got through"
			return 1
		}
	done
	for from in "$(ip6 c)" fd77:77::200:200 2001:db8::1; do
		before="$(echos6) $(echos6 b)"
		croft exec a -- ip addr add "$from/128" dev lo
		croft exec a -- ping6 -c 1 -W 1 -I "$from" "$(ip6 b)" && return 1
		croft exec a -- ip addr del "$from/128" dev lo
		[ "$(echos6) $(echos6 b)" = "$before" ] || {
			echo "$from got through"
			return 1
		}
	done
}

@test "the host takes no routes from a server, and servers do not reach what clouds answer on link-local addresses" {
	inet6
	server a
	[ "$(cat /proc/sys/net/ipv6/conf/ca.0/accept_ra)" = 0 ]
	nft list ruleset | grep -q 'table inet croft' || skip "needs nftables"
	ip addr add 169.254.169.254/32 dev lo
	ping -c 1 -W 1 169.254.169.254
	run croft exec a -- ping -c 1 -W 1 169.254.169.254
	[ "$status" -ne 0 ]
}

@test "servers reach the outside by NAT, and only by NAT" {
	needs nat
	outside_up
	server web1
	croft exec web1 -- ping -c 1 -W 2 203.0.113.1
	# The outside has no route to the server: the answer came to the host's address.
	run in_outside ping -c 1 -W 1 "$(ip4 web1)"
	[ "$status" -ne 0 ]
	croft stop web1 --kill
	echo 'NAT="no"' >>/etc/croft/croft.conf
	croft start web1
	run croft exec web1 -- ping -c 1 -W 1 203.0.113.1
	[ "$status" -ne 0 ]
	# With a route there it needs no translation.
	in_outside ip route add 10.77.0.0/16 via 203.0.113.2
	croft exec web1 -- ping -c 1 -W 2 203.0.113.1
	in_outside ping -c 1 -W 2 "$(ip4 web1)"
}

@test "servers reach the outside by IPv6 NAT" {
	needs nat
	inet6
	outside_up
	server web1
	croft exec web1 -- ping6 -c 1 -W 2 2001:db8:5::1
	run in_outside ping -6 -c 1 -W 1 "$(ip6 web1)"
	[ "$status" -ne 0 ]
}

@test "traffic between servers is not translated" {
	needs nat
	server a
	server b
	listen b /dev/null
	croft exec a -- sh -c "(sleep 5 | nc $(ip4 b) 7000) >/dev/null 2>&1 &"
	wait_for 5 peer_of b "$(ip4 a)"
}
peer_of() { croft exec "$1" -- netstat -tn | grep -Eq ":7000 +[0-9a-f:]*$2:[0-9]+ +ESTABLISHED"; }

@test "addresses are the same after a reboot typed inside, and work" {
	inet6
	server web1 --ip 10.77.5.5,10.77.5.6,fd77:77::5
	croft exec web1 -- reboot -f || :
	wait_for 10 second_boot
	local ip
	for ip in 10.77.5.5 10.77.5.6 fd77:77::5; do
		wait_for 3 ping -c 1 -W 1 $ip
	done
	[ "$(ip -o link | grep -c cweb1)" -eq 1 ]
	[ "$(ip route show dev cweb1.0 | grep -c '^10.77.5')" -eq 2 ]
}
second_boot() { [ "$(field web1 boots)" = 2 ] && state_is web1 running; }

@test "a change of address takes effect at the next start" {
	server web1 --ip 10.77.5.5
	run croft set web1 --ip 10.77.5.7
	[ "$status" -eq 0 ]
	[[ "$output" == *"next start"*ip* ]]
	ping -c 1 -W 2 10.77.5.5
	croft restart web1 --kill
	ping -c 1 -W 2 10.77.5.7
	run ping -c 1 -W 1 10.77.5.5
	[ "$status" -ne 0 ]
	run croft exec web1 -- cat /etc/hosts
	[[ "$output" == *10.77.5.7* ]]
	[[ "$output" != *10.77.5.5* ]]
}

@test "an address that a server runs with is nobody else's, also when its file has another by now" {
	server web1 --ip 10.77.5.10
	croft set web1 --ip 10.77.5.11
	fails 5 croft create web2 --template busybox --ip 10.77.5.10
	fails 5 croft create web2 --template busybox --ip 10.77.5.11
	croft set web1 --ip 10.77.5.12
	croft recover
	croft create web2 --template busybox --ip 10.77.5.11
	fails 5 croft set web2 --ip 10.77.5.10
	ping -q -c 1 -W 2 10.77.5.10
	croft restart web1 --kill
	ping -q -c 1 -W 2 10.77.5.12
	croft set web2 --ip 10.77.5.10
	croft set web1 --ip 10.77.5.13
	fails 5 croft set web2 --ip 10.77.5.12
	croft destroy web1 --force
	croft set web2 --ip 10.77.5.12
}

@test "net none has the loopback only, and no address" {
	server web1 --net none
	[ "$(croft exec web1 -- ls /sys/class/net)" = lo ]
	croft exec web1 -- ping -c 1 -W 1 127.0.0.1
	[ -z "$(croft exec web1 -- ip route)" ]
	[ -z "$(find /var/lib/croft/addr -type l)" ]
	[ "$(ip -o link | grep -c cweb1)" -eq 0 ]
	fails 2 croft create web2 --template busybox --net none --ip 10.77.5.5
	run -4 croft status web2
}

@test "hosts, resolv.conf and hostname say what was asked, and keep what the server wrote" {
	server web1 --ip 10.77.6.6,fd77:77::66 --hostname web1.example.org --nameserver 192.0.2.53 --nameserver 2001:db8::53 \
		--searchdomain example.org --searchdomain example.net
	local text
	[ "$(croft exec web1 -- cat /etc/hostname)" = web1.example.org ]
	text=$(croft exec web1 -- cat /etc/hosts)
	grep -Eqx '10\.77\.6\.6[[:space:]]+web1\.example\.org[[:space:]]+web1' <<<"$text"
	grep -Eqx 'fd77:77::66[[:space:]]+web1\.example\.org[[:space:]]+web1' <<<"$text"
	text=$(croft exec web1 -- cat /etc/resolv.conf)
	[ "$(grep ^nameserver <<<"$text" | tr '\n' ' ')" = "nameserver 192.0.2.53 nameserver 2001:db8::53 " ]
	grep -qx 'search example.org example.net' <<<"$text"
	croft exec web1 -- sh -c 'echo "192.0.2.7 mine" >> /etc/hosts'
	croft stop web1 --kill
	croft set web1 --ip 10.77.6.7
	croft start web1
	text=$(croft exec web1 -- cat /etc/hosts)
	grep -qx '192.0.2.7 mine' <<<"$text"
	grep -q '^10\.77\.6\.7' <<<"$text"
	[ "$(grep -c web1.example.org <<<"$text")" -eq 1 ]
	[ "$(croft exec web1 -- stat -c %u:%g:%a /etc/hosts /etc/hostname /etc/resolv.conf | sort -u)" = 0:0:644 ]
}

booted() { croft logs web1 | grep -q "press Enter"; }

@test "a live change of the host name reaches the server and its files" {
	server web1
	wait_for 5 booted # the boot sets the name that /etc/hostname had
	croft set web1 --hostname other.example.org
	[ "$(croft exec web1 -- hostname)" = other.example.org ]
	croft restart web1 --kill
	[ "$(croft exec web1 -- hostname)" = other.example.org ]
	[ "$(croft exec web1 -- cat /etc/hostname)" = other.example.org ]
}

@test "names that are too long for an interface get one that is theirs alone" {
	server a-rather-long-name-number-1
	server a-rather-long-name-number-2
	[ "$(ip -o link | grep -c ': ca-')" -eq 2 ]
	ping -c 1 -W 2 "$(ip4 a-rather-long-name-number-1)"
	ping -c 1 -W 2 "$(ip4 a-rather-long-name-number-2)"
}

@test "the rules come back after a flush of the host's ruleset" {
	nft list table inet croft >/dev/null 2>&1 || skip "needs nftables"
	nft flush ruleset
	server web1
	nft list table inet croft
	nft flush ruleset
	run -0 croft recover
	[ "$output" = "the host's network rules: installed again" ]
	nft list table inet croft
	run -0 croft recover
	[ -z "$output" ]
}
