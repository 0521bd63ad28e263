#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # text that nobody may expand; run --separate-stderr sets stderr
# Bad input: each gives one clear line, the right exit code, and leaves nothing. What is left is
# seen by the inventory after each test; that nothing was made, by refused.
bats_require_minimum_version 1.5.0
load helpers

# Directories with a file system of the test's own, for as long as it takes.
small=$BATS_FILE_TMPDIR/small
small_dir() { # DIR
	mount -t tmpfs -o size=64k,mode=700 tmpfs "$1"
	echo "$1" >>"$small"
}
cleanup() {
	local dir
	rm -rf /etc/croft/croft.conf
	write_host_conf
	rm -rf /run/croft/.fill* /etc/croft/.fill* /var/lib/croft/.fill* /etc/croft/hooks
	if [ -e "$small" ]; then
		croft destroy --all --force || :
		while read -r dir; do
			umount "$dir"
		done <"$small"
		rm "$small"
		write_host_conf
	fi
	rm -rf /var/lib/croft/templates/bad
}

# refused CODE WORD COMMAND...: fails, the message has WORD, and no server came of it.
refused() {
	local code=$1 word=$2
	shift 2
	fails "$code" timeout 20 "$@" || return 1
	[[ "$stderr" == *"$word"* ]] || {
		echo "no \"$word\" in: $stderr"
		return 1
	}
	[ -z "$(croft list -a -H -o name)" ] || {
		echo "a server came of: $*"
		return 1
	}
	nothing_made
}
nothing_made() {
	local left
	left=$(find /etc/croft/servers /var/lib/croft/servers /var/lib/croft/addr /var/lib/croft/ids -mindepth 1 ! -name '.next*' \
		2>/dev/null) || : # some of them are not there yet
	[ -z "$left" ] || {
		echo "left: $left"
		return 1
	}
}
bad() { # CODE OPTION VALUE [WORD]: a value that create refuses, naming option or value
	refused "$1" "${4-$2}" croft create web1 --template busybox "--$2" "$3"
}
fill() { # DIR: not one byte is left
	dd if=/dev/zero of="$1/.fill" bs=1k 2>/dev/null || :
	dd if=/dev/zero of="$1/.fill1" bs=1 2>/dev/null || :
}

@test "names: bad ones are refused before anything is made" {
	local name
	for name in '' . .. ../x /x a/b 'a b' $'a\nb' A a_b a- .a a. a..b tasks cgroup.procs 'a;id' '$(id)' '`id`' '*' \
		$'a\x01' ä "$(printf 'a%.0s' {1..64})"; do
		refused 2 "bad server name" croft create "$name" --template busybox
	done
	refused 2 "bad server name" croft create -- --template busybox
	refused 2 -r croft create -rf --template busybox
	for name in ../x '' A; do
		refused 2 "bad server name" croft start "$name"
		refused 2 "bad server name" croft destroy "$name"
		refused 2 "bad server name" croft stop "$name"
		refused 2 "bad server name" croft set "$name" --memory 1G
	done
	croft create "$(printf 'a%.0s' {1..63})" --template busybox
}

@test "sizes and numbers: negative, zero, too large, not a number" {
	local v
	for v in -1 0 1 3M 99999999999999999999 18446744073709551616 2000P 12x 0x10M '1 G' ' 1G' '1G ' '' 1..5G nan inf; do
		bad 2 memory "$v"
	done
	for v in -1 -5 0 4194305 18446744073709551617 abc 1.5 1e3 '' +5 ０; do bad 2 pids "$v"; done
	for v in -1 0 0.001 1e3 nan 99999 1.2345 '1,5' ''; do bad 2 cpus "$v"; done
	for v in 0 -1 10001 abc ''; do bad 2 cpu-weight "$v"; done
	for v in -1 x 2000P ''; do bad 2 swap "$v"; done
	for v in -1 x; do bad 2 stop-timeout "$v"; done
	bad 2 boot-order -1
}

@test "values: a newline, an escape sequence, a NUL's neighbours, text that is not UTF-8, too much of it" {
	bad 2 memory $'1G\nPIDS="1"'
	bad 2 description $'a\nMEMORY="1G"'
	bad 2 description $'\e[31mred'
	bad 2 description $'a\rb'
	bad 2 description $'\xff\xfe'
	bad 2 description "$(head -c 100000 /dev/zero | tr '\0' a)"
	bad 2 hostname $'a\nb'
	bad 2 password $'root:a\nroot2::0:0::/:/bin/sh'
	bad 2 ip $'10.77.1.1\n10.77.1.2'
	bad 2 init $'/sbin/init\n'
}

@test "words: no such choice, host name, address, name server" {
	bad 2 net nosuch
	bad 2 store nosuch
	bad 2 feature nosuch
	local v
	for v in -x a_b a..b 'a b' "$(printf 'a%.0s' {1..65})" ''; do
		[ -z "$v" ] || bad 2 hostname "$v"
	done
	for v in 1.2.3 256.1.1.1 127.0.0.1 ::1 0.0.0.0 :: 224.0.0.1 ff02::1 255.255.255.255 fe80::1 169.254.0.1 10.77.0.1/33 \
		10.77.1.1,10.77.1.1 example.org 010.1.1.1; do
		bad 2 ip "$v"
	done
	bad 2 nameserver example.org
	bad 2 nameserver inherit,192.0.2.1
	bad 2 init relative/init
	bad 2 depends web1 "depend on itself"
}

@test "an address that is in use, of another server or of the host" {
	croft create web1 --template busybox --ip 10.77.3.3
	fails 5 croft create web2 --template busybox --ip 10.77.3.3
	[[ "$stderr" == *10.77.3.3*web1* ]]
	run -4 croft status web2
	run -2 croft create web2 web3 --template busybox --ip 10.77.3.4
	run -4 croft status web3
}

@test "templates: none given, none such, tricks with paths, damaged ones" {
	refused 2 template croft create web1
	refused 4 nosuch croft create web1 --template nosuch
	refused 4 "croft template build bullseye" croft create web1 --template bullseye
	local v
	for v in ../../../etc /etc . .. busybox/ busybox/../busybox ./busybox .new; do
		refused 2 "bad template name" croft create web1 --template "$v"
	done
	mkdir /var/lib/croft/templates/bad
	refused 4 "no template bad" croft create web1 --template bad
	echo '{"dialect":' >/var/lib/croft/templates/bad/template.json
	refused 1 template.json croft create web1 --template bad
	echo '{"dialect":"nosuch"}' >/var/lib/croft/templates/bad/template.json
	refused 1 nosuch croft create web1 --template bad
	echo '{"dialect":"busybox"}' >/var/lib/croft/templates/bad/template.json
	refused 1 templates/bad/root croft create web1 --template bad
	fails 4 croft template show nosuch
	fails 4 croft template remove nosuch
	fails 4 croft template build nosuch
	fails 2 croft template show ../x
	fails 2 croft template remove ../x
}

@test "a template in use cannot be removed" {
	croft create web1 --template busybox
	fails 3 croft template remove busybox
	[[ "$stderr" == *web1* ]]
	croft template show busybox
}

@test "options: unknown, without value, with too much" {
	refused 2 --nosuch croft create web1 --template busybox --nosuch
	refused 2 "--memory" croft create web1 --template busybox --memry 1G # names the nearest
	refused 2 --memory croft create web1 --template busybox --memory
	refused 2 -Z croft list -Z
	refused 2 nosuch croft nosuch
	refused 2 "nearest" croft craete
	refused 2 "no command" croft
	refused 2 --wait croft start web1 --wait=yes
	refused 2 --deadline croft start web1 --deadline x
	refused 2 --timeout croft stop web1 --timeout -1
	refused 2 --jobs croft start --all --jobs x
	refused 2 "name a server" croft start
	refused 2 "name a server" croft create --template busybox
	refused 2 nosuch croft list -o nosuch
	refused 2 template croft template
}

@test "no such server: every verb says so with code 4, exec and enter with 125" {
	local verb
	for verb in start stop restart suspend resume destroy status show plan logs console; do
		refused 4 "no such server" croft $verb nosuch </dev/null
	done
	refused 4 "no such server" croft set nosuch --memory 1G
	refused 125 "no such server" croft exec nosuch -- true
	refused 125 "no such server" croft enter nosuch </dev/null
}

@test "the wrong state: destroy of a running server, exec in a stopped one, files of a running one" {
	croft create web1 --template busybox
	fails 3 croft suspend web1
	fails 3 croft resume web1
	fails 3 croft console web1
	fails 125 croft exec web1 -- true
	fails 125 croft enter web1
	croft start web1
	fails 3 croft destroy web1
	state_is web1 running
	fails 3 croft set web1 --password root:x
	fails 2 croft set web1 --template busybox
	fails 2 croft set web1 --store dir
	fails 2 croft set web1
	fails 125 croft exec web1
	run -127 croft exec web1 -- nosuch
	[ "${#lines[@]}" -eq 1 ]
	fails 126 croft exec web1 -- /etc
	croft suspend web1
	fails 125 croft exec web1 -- true
	fails 3 croft destroy web1
}

@test "a second create, and a second start" {
	croft create web1 --template busybox --memory 64M --swap 0
	local before
	before=$(cat /etc/croft/servers/web1.conf)
	fails 5 croft create web1 --template busybox --memory 128M
	[ "$(cat /etc/croft/servers/web1.conf)" = "$before" ]
	croft start web1
	local init
	init=$(field web1 init-pid)
	fails 5 croft create web1 --template busybox
	run --separate-stderr croft start web1
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	[ "$(field web1 init-pid)" = "$init" ]
}

@test "croft.conf with code of a shell in it runs nothing, and the line is named" {
	local line mark=$BATS_TEST_TMPDIR/pwned
	for line in "JOBS=\"\$(touch $mark)\"" "JOBS=\`touch $mark\`" "JOBS=1; touch $mark" "JOBS=1 | touch $mark" \
		"JOBS=1 & touch $mark" "JOBS=1 >$mark" "JOBS=\${X:=1}" 'JOBS=$JOBS' "touch $mark" ". $mark" "export JOBS=1" \
		"JOBS=(1)" "JOBS=\$'1'" "JOBS=1 touch $mark" "if true; then touch $mark; fi"; do
		write_host_conf
		echo "$line" >>/etc/croft/croft.conf
		refused_conf 'croft.conf:3:' croft create web1 --template busybox
		[ ! -e "$mark" ]
	done
}
# No `croft list` with a croft.conf that is refused.
refused_conf() {
	local word=$1
	shift
	fails 2 "$@" || return 1
	[[ "$stderr" == *"$word"* ]] || {
		echo "no \"$word\" in: $stderr"
		return 1
	}
	nothing_made
}

@test "croft.conf with an open quote, nonsense, values out of range, a key twice, a NUL, a secret" {
	local line
	for line in 'JOBS="1' "JOBS='1" "JOBS=1\\" nonsense '=1' 'jobs=1' 'JOBS=-1' 'JOBS=99999' 'JOBS="1""2' 'UID_FIRST="0"' \
		'HOOK_TIMEOUT="0"' 'MEMORY="-1"' 'PASSWORD="root:x"' 'SUBNET="10.1.0.0/16"' 'NAT="maybe"' 'IP'; do
		write_host_conf
		echo "$line" >>/etc/croft/croft.conf
		refused_conf 'croft.conf:3:' croft create web1 --template busybox
	done
	for line in 'SUBNET="10.77.0.1/16"' 'SUBNET="10.77.0.0/31"' 'SUBNET="x"' 'CGROUP_PARENT="../x"' 'CGROUP_PARENT="/"' \
		'CGROUP_PARENT="system.slice"' 'CGROUP_PARENT="user.slice"' 'CGROUP_PARENT="machine.slice"' 'CGROUP_PARENT="init.scope"'; do
		printf '# one line\n%s\n' "$line" >/etc/croft/croft.conf
		refused_conf "" croft create web1 --template busybox
	done
	write_host_conf
	printf 'JOBS="1\0"\n' >>/etc/croft/croft.conf
	refused_conf 'croft.conf:3:' croft create web1 --template busybox
	head -c 2000000 /dev/zero | tr '\0' '#' >>/etc/croft/croft.conf
	refused_conf 'croft.conf' croft create web1 --template busybox
}

@test "croft.conf that cannot be read: a directory, a FIFO, a device, a link that leads nowhere" {
	local conf=/etc/croft/croft.conf
	rm $conf
	mkdir $conf
	fails 1 timeout 5 croft create web1 --template busybox
	rmdir $conf
	mkfifo $conf
	fails 2 timeout 5 croft create web1 --template busybox
	rm $conf
	ln -s /dev/zero $conf
	fails 2 timeout 5 croft create web1 --template busybox
	rm $conf
}

@test "a server's file with code of a shell in it: start and set refuse, list, status and destroy go on" {
	croft create web1 --template busybox
	croft create web2 --template busybox
	local mark=$BATS_TEST_TMPDIR/pwned conf=/etc/croft/servers/web1.conf before
	for before in "MEMORY=\"\$(touch $mark)\"" "touch $mark" 'MEMORY="64M' 'MEMORY="lots"' 'PASSWORD="root:x"'; do
		sed -i '5,$d' $conf
		echo "$before" >>$conf
		fails 2 croft start web1
		[[ "$stderr" == *web1.conf:5* ]]
		before=$(cat $conf)
		fails 2 croft set web1 --pids 100
		[ "$(cat $conf)" = "$before" ]
		run croft list -a -H -o name
		[[ "$output" == *web1*web2* ]]
		[ ! -e "$mark" ]
	done
	run -3 croft status web1
	croft start web2
	croft destroy web1
}

@test "no root: not permitted, and nothing is shown" {
	croft create web1 --template busybox
	local verb
	nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
	for verb in start stop restart suspend resume destroy; do
		fails 9 nobody croft $verb web1
	done
	fails 9 nobody croft create web2 --template busybox
	fails 9 nobody croft set web1 --memory 1G
	fails 125 nobody croft exec web1 -- true
	fails 125 nobody croft enter web1
	fails 9 nobody croft list
	fails 9 nobody croft show web1
	fails 9 nobody croft logs web1
	fails 9 nobody croft template build busybox --name other
	nobody croft --help >/dev/null
	nobody croft --version >/dev/null
}

@test "standard output that is closed, or full, is a failure in one line" {
	croft create web1 --template busybox
	local command
	for command in list 'list -a' 'show web1' 'plan web1' 'status web1' check help 'help create' --version 'create --help' \
		'template list' 'list --json' 'completion'; do
		fails_to_print "croft $command >/dev/full"
		fails_to_print "croft $command >&-"
	done
	croft list >/dev/null 2>&- # nobody to complain to, nothing to complain of
}
fails_to_print() {
	local said code=0
	said=$(bash -c "$1" 2>&1) || code=$?
	echo "$1: $code $said"
	[ "$code" -ne 0 ]
	[ "$(wc -l <<<"$said")" -eq 1 ]
	[[ "$said" == *"standard output"* ]]
}

@test "a closed standard output does not become a descriptor of the server's" {
	croft create web1 --template busybox
	bash -c 'croft start web1 <&- >&- 2>&-'
	state_is web1 running
	croft exec web1 -- true
	bash -c 'croft stop web1 --kill <&- >&- 2>&-'
	state_is web1 stopped
}

@test "a hostile caller: umask, limits, ignored signals, environment" {
	local usual
	server web0
	usual=$(cat "/proc/$(field web0 init-pid)/limits")
	(
		umask 0777
		ulimit -S -n 32 -f 1 -c 0 -s 1024
		trap '' CHLD PIPE TERM HUP INT
		export LD_LIBRARY_PATH=/nonexistent CROFT_ETC=/nonexistent CROFT_VAR=/nonexistent BASH_ENV=/nonexistent TMPDIR=/nonexistent \
			HOME=/nonexistent LC_ALL=xx_XX.utf8 IFS=/ PATH=/usr/local/sbin:/nonexistent
		cd /proc/self
		croft create web1 --template busybox --memory 64M --swap 0 --start
	)
	state_is web1 running
	[ "$(croft exec web1 -- stat -c %a /etc/hosts /etc/hostname / | sort -u | tr '\n' ' ')" = "644 755 " ]
	[ "$(stat -c %a /etc/croft/servers/web1.conf)" = 600 ] || [ "$(stat -c %a /etc/croft/servers/web1.conf)" = 644 ]
	# The server has none of it.
	[ "$(croft exec web1 -- sh -c 'umask; echo $LC_ALL$LD_LIBRARY_PATH$BASH_ENV$IFS' | tr -d ' \t\n')" = 0022 ]
	diff <(cat "/proc/$(field web1 init-pid)/limits") <(echo "$usual")
	grep '^SigIgn.*0000000000000000' "/proc/$(field web1 init-pid)/status"
	grep '^NoNewPrivs.*0' "/proc/$(field web1 init-pid)/status"
}

attributes() { # PID
	grep -E '^Max (realtime|nice)' "/proc/$1/limits"
	taskset -p "$1" | sed 's/.*: //'
	ionice -p "$1"
	cat "/proc/$1/personality"
}

@test "a hostile caller: processors, I/O class, personality" {
	server web1
	attributes "$(field web1 init-pid)" >"$BATS_TEST_TMPDIR/usual"
	grep -E '^Max (realtime|nice) priority *0 *0 ' "$BATS_TEST_TMPDIR/usual"
	ionice -c 2 -n 0 taskset -c 0 setarch -R true
	croft stop web1 --kill
	ionice -c 2 -n 0 taskset -c 0 setarch -R croft start web1
	attributes "$(field web1 init-pid)" | diff "$BATS_TEST_TMPDIR/usual" -
	# Nor what croft exec starts.
	local usual
	usual=$(croft exec web1 -- sh -c 'grep Cpus_allowed /proc/self/status; cat /proc/self/personality')
	[ "$(taskset -c 0 setarch -R croft exec web1 -- sh -c 'grep Cpus_allowed /proc/self/status; cat /proc/self/personality')" = "$usual" ]
	[ "$(nice -n 5 croft exec web1 -- cut -d " " -f 19 /proc/self/stat)" = 0 ]
}

@test "a hostile caller: real time does not go into a server" {
	chrt -f 1 true 2>/dev/null || skip "needs real time"
	server web1
	chrt -f 1 croft exec web1 -- true
	croft stop web1 --kill
	chrt -f 1 croft start web1
	chrt -p "$(field web1 init-pid)" | grep SCHED_OTHER
}

@test "a caller with no_new_privs cannot start a server: it would have that for ever" {
	needs program:setpriv
	server web1
	# It goes on, then: a restart is refused before it is stopped.
	fails 9 setpriv --no-new-privs croft restart web1
	[[ "$stderr" == *no_new_privs* ]]
	state_is web1 running
	croft stop web1 --kill
	fails 9 setpriv --no-new-privs croft start web1
	[[ "$stderr" == *no_new_privs* ]]
	state_is web1 stopped
}

@test "ssh keys: missing, empty, a directory, a FIFO, a device, a private key, junk" {
	local dir=$BATS_TEST_TMPDIR
	bad 2 ssh-key /nonexistent
	bad 2 ssh-key "$dir"
	mkfifo "$dir/fifo"
	bad 2 ssh-key "$dir/fifo"
	bad 2 ssh-key /dev/zero
	bad 2 ssh-key ''
	: >"$dir/empty"
	bad 2 ssh-key "$dir/empty"
	truncate -s 50M "$dir/big"
	bad 2 ssh-key "$dir/big"
	echo 'ssh-nosuch AAAAC3NzaC1lZDI1NTE5AAAAIJ' >"$dir/type"
	bad 2 ssh-key "$dir/type"
	echo 'ssh-ed25519 AAAA' >"$dir/short"
	bad 2 ssh-key "$dir/short"
	printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n' >"$dir/private"
	bad 2 ssh-key "$dir/private"
	[[ "$stderr" != *b3Blbn* ]] # a secret is not printed
	bad 2 ssh-key /etc/shadow
	[[ "$stderr" != *root:* ]]
}

@test "passwords: no user, no colon, empty, a user that is not there" {
	bad 2 password root
	bad 2 password root:
	bad 2 password :x
	bad 2 password nosuchuser:x nosuchuser
	bad 2 password ../root:x
	refused 2 password croft create web1 --template busybox --password root:one --password nosuchuser:two
	# The password is in no message, and in no file outside the server's root.
	croft create web1 --template busybox --password root:s3cr3t-w0rd
	run grep -rl s3cr3t-w0rd /etc/croft /run/croft /var/lib/croft /var/log/croft
	[ -z "$output" ]
}

@test "dependencies and yes/no options: what is no name and no answer is refused" {
	bad 2 depends ../x
	bad 2 depends 'A B'
	bad 2 onboot maybe
	bad 2 privileged ture
	bad 2 searchdomain -x
}

@test "a lock that is held: code 6 within the deadline, and the holder is named" {
	croft create web1 --template busybox
	mkdir -p /etc/croft/hooks/pre-start.d
	local pid dir=$BATS_TEST_TMPDIR
	cat >/etc/croft/hooks/pre-start.d/slow <<-EOF
		#!/bin/sh
		touch $dir/begun
		for i in \$(seq 300); do [ -e $dir/go ] && exit; sleep 0.1; done
	EOF
	chmod 755 /etc/croft/hooks/pre-start.d/slow
	croft start web1 3>&- &
	pid=$!
	wait_for 10 test -e "$dir/begun"
	fails 6 timeout 3 croft stop web1 --deadline 1
	[[ "$stderr" == *"pid $pid"*"croft start web1"* ]]
	fails 6 timeout 3 croft set web1 --memory 1G --deadline 1
	fails 6 timeout 3 croft destroy web1 --force --deadline 1
	# What only looks never waits.
	timeout 1 croft list -a
	run timeout 1 croft status web1
	[ "$status" -ne 124 ]
	touch "$dir/go"
	wait $pid
	state_is web1 running
}

# A file system for /var/lib/croft that can be filled: ext4, with the options of mke2fs(8).
small_disk() {
	local image=$BATS_TEST_TMPDIR/disk.img
	[ -e /dev/loop-control ] || skip "needs loop devices"
	truncate -s 12M "$image"
	mke2fs -q -t ext4 -O ^has_journal -m 0 "$@" "$image"
	mkdir -p "$BATS_TEST_TMPDIR/mnt"
	mount -o loop "$image" "$BATS_TEST_TMPDIR/mnt" || skip "needs ext4 on a loop device"
	mkdir "$BATS_TEST_TMPDIR/mnt/templates"
	cp -a /var/lib/croft/templates/busybox "$BATS_TEST_TMPDIR/mnt/templates/"
	cp -a /var/lib/croft/cache "$BATS_TEST_TMPDIR/mnt/"
	mount --move "$BATS_TEST_TMPDIR/mnt" /var/lib/croft
	echo /var/lib/croft >>"$small"
	chmod 700 /var/lib/croft
}

@test "a full disk: create is code 7 and leaves nothing, and there is room again after" {
	small_disk
	croft create web1 --template busybox
	croft start web1
	fill /var/lib/croft
	local store
	for store in overlay dir; do
		fails 7 timeout 20 croft create web2 --template busybox --store $store
		[[ "$stderr" == *space* ]]
		run -4 croft status web2
		[ ! -e /var/lib/croft/servers/web2 ]
		[ "$(croft list -a -H -o name)" = web1 ]
		[ "$(find /var/lib/croft/addr /var/lib/croft/ids -type l | wc -l)" -eq 3 ]
	done
	# The one that runs goes on, stops, starts and goes away.
	croft exec web1 -- true
	croft stop web1 --kill
	croft start web1
	croft destroy web1 --force
	rm /var/lib/croft/.fill*
	croft create web2 --template busybox --store dir
	croft start web2
}

@test "a disk without inodes: the same" {
	small_disk -N 512
	croft create web1 --template busybox
	croft start web1
	local i=0
	while : 2>/dev/null >"/var/lib/croft/.fill$i"; do i=$((i + 1)); done
	fails 7 timeout 20 croft create web2 --template busybox
	fails 7 timeout 20 croft create web2 --template busybox --store dir
	run -4 croft status web2
	[ ! -e /var/lib/croft/servers/web2 ]
	croft exec web1 -- true
	croft destroy web1 --force
	croft create web2 --template busybox # what web1 had is free
}

@test "a disk that is read-only: one line, nothing left" {
	small_disk
	mount -o remount,ro /var/lib/croft
	run --separate-stderr timeout 20 croft create web1 --template busybox
	[ "$status" -eq 1 ] || [ "$status" -eq 9 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == *[Rr]ead-only* ]]
	[ -z "$(croft list -a -H -o name)" ]
}

@test "a full /etc/croft: create leaves nothing, set leaves the file as it was" {
	small_dir /etc/croft
	write_host_conf
	croft create web1 --template busybox
	fill /etc/croft
	local before
	before=$(cat /etc/croft/servers/web1.conf)
	fails 7 croft create web2 --template busybox
	run -4 croft status web2
	[ ! -e /var/lib/croft/servers/web2 ]
	fails 7 croft set web1 --memory 64M --swap 0
	[ "$(cat /etc/croft/servers/web1.conf)" = "$before" ]
	croft start web1
	fails 7 croft set web1 --memory 64M --swap 0
	[ "$(cat /etc/croft/servers/web1.conf)" = "$before" ]
	[ "$(field web1 memory)" = null ] # the live change was undone
	croft destroy web1 --force
	[ "$(find /etc/croft -name '*.conf*')" = /etc/croft/croft.conf ]
}

@test "a full /run/croft: start is refused and undone, what runs can be stopped" {
	small_dir /run/croft
	croft create web1 --template busybox
	croft create web2 --template busybox
	croft start web1
	fill /run/croft
	fails 7 croft start web2
	state_is web2 stopped
	fails 7 croft suspend web1
	state_is web1 running
	croft exec web1 -- true
	timeout 20 croft stop web1 --timeout 2
	state_is web1 stopped
	croft destroy web1
}

@test "failures in JSON have the same code, and say the kind of failure" {
	run --separate-stderr croft create web1 --template nosuch --json
	[ "$status" -eq 4 ]
	[[ "$output" == *'"ok":false'*absent* ]]
	run --separate-stderr croft create web1 --template busybox --memory -1 --json
	[ "$status" -eq 2 ]
	[[ "$output" == *usage* ]]
	croft create web1 --template busybox
	run --separate-stderr croft create web1 --template busybox --json
	[ "$status" -eq 5 ]
	[[ "$output" == *exists* ]]
}

@test "a signal ends create and start as if they had failed: nothing is left" {
	mkdir -p /etc/croft/hooks/create.d /etc/croft/hooks/pre-start.d
	printf '#!/bin/sh\nexec sleep 5\n' >/etc/croft/hooks/create.d/slow
	chmod 755 /etc/croft/hooks/create.d/slow
	cp /etc/croft/hooks/create.d/slow /etc/croft/hooks/pre-start.d/slow
	local signal
	for signal in INT TERM HUP; do
		run timeout --foreground -s $signal 0.5 croft create web1 --template busybox
		[ "$status" -ne 0 ]
		run -4 croft status web1
		[ -z "$(find /var/lib/croft/servers /var/lib/croft/addr /var/lib/croft/ids -mindepth 1 ! -name '.next*')" ]
	done
	rm -r /etc/croft/hooks/create.d
	croft create web1 --template busybox
	for signal in INT TERM HUP; do
		run timeout --foreground -s $signal 0.5 croft start web1
		[ "$status" -ne 0 ]
		run croft status web1
		[ "$status" -eq 3 ]
		[ "$output" = stopped ]
	done
}

@test "what is wrong with the command line is told once, however many names" {
	croft create web1 --template busybox
	croft create web2 --template busybox
	local args
	for args in "create new1 new2 --template busybox --ip 10.77.0.9" "create new1 new2 --template busybox --memory junk" \
		"create new1 new2 --template busybox --nosuch" "restart web1 web2 --timeout junk" "stop web1 web2 --timeout junk" \
		"set web1 web2 --memory junk" "set web1 web2 --ip 10.77.0.9,nonsense"; do
		echo "$args"
		# shellcheck disable=SC2086
		fails 2 croft $args
		[[ "$stderr" != *web1* && "$stderr" != *new1* ]]
		# shellcheck disable=SC2086
		run -2 --separate-stderr croft $args --json
		[ "${#lines[@]}" -eq 1 ]
	done
	# With one name, that name is told.
	fails 2 croft create new1 --template busybox --memory junk
	[[ "$stderr" == *new1* ]]
}
