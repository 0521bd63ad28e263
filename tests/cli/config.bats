#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Configuration files that are wrong: each is one line that names file, line and key, and says what is
# expected.
# shellcheck disable=SC2154 # what bats sets
load cli

# refused FILE: reads lines "LINE -> TEXT"; each LINE as the third line of that file is refused with
# FILE:3: TEXT.
refused() {
	local file=$1 rule line text
	while IFS= read -r rule; do
		line=${rule%% -> *}
		text=${rule##* -> }
		printf '# a comment\n\n%s\n' "$line" >"$file"
		echo "$line"
		fails 2 "$file:3: $text" show web1
	done
	rm "$file"
}

@test "a value of a server that is wrong: file, line, key, and what is expected" {
	refused "$CROFT_ETC/servers/web1.conf" <<-'END'
		TEMPLATE="../x" -> TEMPLATE: bad template name '../x'
		STORE="zfs" -> STORE: 'zfs' is not one of: auto, overlay, dir
		MEMORY="much" -> MEMORY: 'much' is not a size, such as 512M
		MEMORY="1" -> MEMORY: '1' is out of range: from 4M
		MEMORY="-1" -> MEMORY: '-1' is out of range
		MEMORY="" -> MEMORY: '' is not a size
		SWAP="1X" -> SWAP: '1X' is not a size
		CPUS="0" -> CPUS: '0' is out of range: from 0.01 to 8192
		CPUS="0.0001" -> CPUS: '0.0001' is not a number with at most three decimals
		CPU_WEIGHT="0" -> CPU_WEIGHT: '0' is out of range: from 1 to 10000
		CPU_WEIGHT="unlimited" -> CPU_WEIGHT: 'unlimited' is not a whole number
		PIDS="4194305" -> PIDS: '4194305' is out of range: from 1 to 4194304
		NET="bridge" -> NET: 'bridge' is not one of: routed, none
		IP="999.1.1.1" -> IP: '999.1.1.1' is not an IPv4 or IPv6 address
		IP="10.0.0.2 10.0.0.2" -> IP: address 10.0.0.2 is given twice
		IP="127.0.0.1" -> IP: 127.0.0.1 is a loopback address
		IP="0.0.0.0" -> IP: 0.0.0.0 is an unspecified address
		IP="224.0.0.1" -> IP: 224.0.0.1 is a multicast address
		IP="::1" -> IP: ::1 is the loopback address
		IP="fe80::1" -> IP: fe80::1 is a link-local address
		IP="::ffff:10.0.0.1" -> IP: ::ffff:10.0.0.1 is an IPv4 address mapped into IPv6
		NAMESERVER="dns.example.org" -> NAMESERVER: dns.example.org is not the address of a name server
		SEARCHDOMAIN="-x" -> SEARCHDOMAIN: -x is not a domain
		HOSTNAME="a_b" -> HOSTNAME: bad host name 'a_b'
		INIT="sbin/init" -> INIT: "sbin/init" is not an absolute path
		PRIVILEGED="maybe" -> PRIVILEGED: 'maybe' is not yes or no
		FEATURE="root" -> FEATURE: there is no "root"; choose from nesting
		FEATURE="tun tun" -> FEATURE: "tun" is given twice
		ONBOOT="" -> ONBOOT: '' is not yes or no
		BOOT_ORDER="65536" -> BOOT_ORDER: '65536' is out of range: from 0 to 65535
		DEPENDS="../x" -> DEPENDS: bad server name '../x'
		STOP_TIMEOUT="2w" -> STOP_TIMEOUT: '2w' is not a time
		STOP_TIMEOUT="86401" -> STOP_TIMEOUT: '86401' is out of range
		PASSWORD="root:x" -> PASSWORD: a secret is never kept in a file
		SSH_KEY="/x" -> SSH_KEY: acts once and is not kept in a file
		UUID="xyz" -> UUID: expected 32 digits
	END
}

@test "a value of the host that is wrong" {
	server web1
	refused "$CROFT_ETC/croft.conf" <<-'END'
		SUBNET="10.77.0.1/16" -> SUBNET: 10.77.0.1/16 is not the start of a network: write 10.77.0.0/16
		SUBNET="10.77.0.0/31" -> SUBNET: 10.77.0.0/31 has no room for servers
		SUBNET="10.77.0.0/16 10.78.0.0/16" -> SUBNET: 10.78.0.0/16 is a second network of its family
		SUBNET="127.0.0.0/8" -> SUBNET: 127.0.0.0/8 is a loopback address
		NAT="perhaps" -> NAT: 'perhaps' is not yes or no
		FORWARD="2" -> FORWARD: '2' is not yes or no
		CGROUP_PARENT="../x" -> CGROUP_PARENT: '../x' is not a path such as croft
		CGROUP_PARENT="/x" -> CGROUP_PARENT: '/x' is not a path
		CGROUP_PARENT="a b" -> CGROUP_PARENT: 'a b' is not a path
		CGROUP_PARENT="x/" -> CGROUP_PARENT: 'x/' is not a path
		CGROUP_PARENT=".locks" -> CGROUP_PARENT: '.locks' is not a path
		UID_FIRST="0" -> UID_FIRST: '0' is out of range: from 65536
		UID_LAST="1" -> UID_LAST: '1' is out of range
		JOBS="-1" -> JOBS: '-1' is out of range
		HOOK_TIMEOUT="1ms" -> HOOK_TIMEOUT: '1ms' is out of range: 100ms at least
		CONSOLE_LOG="1K" -> CONSOLE_LOG: '1K' is out of range: from 64K
		EVENT_LOG="1K" -> EVENT_LOG: '1K' is out of range: from 64K
		MEMORY="bad" -> MEMORY: 'bad' is not a size
		PASSWORD="root:x" -> PASSWORD: a secret is never kept in a file
	END
	echo 'UID_FIRST="2147483648"' >"$CROFT_ETC/croft.conf"
	fails 2 'UID_FIRST and UID_LAST leave no room for a server' show web1
}

@test "what sh would read otherwise is refused" {
	refused "$CROFT_ETC/servers/web1.conf" <<-'END'
		MEMORY -> expected KEY="value"
		memory="1G" -> expected KEY="value" with a key of capital letters
		export MEMORY="1G" -> expected KEY="value"
		MEMORY = "1G" -> no blanks around =
		MEMORY="1G -> MEMORY: the closing " is missing
		DESCRIPTION='a -> DESCRIPTION: the closing ' is missing
		DESCRIPTION="$HOME" -> DESCRIPTION: $ is not expanded here
		DESCRIPTION=$(id) -> DESCRIPTION: $ is not expanded here
		DESCRIPTION="`id`" -> DESCRIPTION: ` is not expanded here
		DESCRIPTION=a b -> DESCRIPTION: more than one word
		DESCRIPTION="a";id -> DESCRIPTION: an unquoted ;
		DESCRIPTION=a&id -> DESCRIPTION: an unquoted &
		DESCRIPTION=a>/tmp/x -> DESCRIPTION: an unquoted >
	END
}

@test "control characters and what is no text are refused" {
	local c
	for c in '\001' '\033' '\177' '\r'; do
		printf '\n\nDESCRIPTION="a%bb"\n' "$c" >"$CROFT_ETC/servers/web1.conf"
		fails 2 "web1.conf:3: DESCRIPTION: " show web1
	done
	printf 'A="1"\n\0\n' >"$CROFT_ETC/servers/web1.conf"
	fails 2 "web1.conf:2: a NUL byte" show web1
	printf '\nDESCRIPTION="\xff\xfe"\n' >"$CROFT_ETC/servers/web1.conf"
	fails 2 "web1.conf:2: DESCRIPTION: " show web1
}

@test "a key that is given twice is refused with both lines; an unknown one is kept" {
	server web1 'MEMORY="1G"' 'X_OF_MINE="2"' 'MEMORY="2G"'
	fails 2 "web1.conf:4: MEMORY: given twice; first in line 2" show web1
	server web1 'MEMORY="1G"' 'X_OF_MINE="2"'
	run -0 croft show web1
}

@test "what is no ordinary file is refused, and nobody waits for it" {
	local file=$CROFT_ETC/servers/web1.conf
	mkdir "$file"
	fails 1 'Is a directory' show web1
	rmdir "$file"
	mkfifo "$file"
	chmod 644 "$file"
	fails 2 'not an ordinary file' show web1
	rm "$file"
	ln -s /dev/zero "$file"
	fails 2 'not an ordinary file' show web1
	rm "$file"
	yes '# x' | head -c 1100000 >"$file"
	fails 2 'larger than 1048576 bytes' show web1
	server web1
	chmod 000 "$file"
	fails 9 'Permission denied' show web1
	chmod 644 "$file"
	run -0 croft show web1
}

@test "a file of croft.conf that is wrong stops every command that reads it, with one line" {
	server web1
	echo 'MEMORY="bad"' >"$CROFT_ETC/croft.conf"
	local c
	for c in "show web1" "plan web1" "create web2 --template x"; do
		# shellcheck disable=SC2086
		run --separate-stderr croft $c
		[ "$status" -ne 0 ]
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
}
