#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts for inside; run --separate-stderr sets stderr
# Where a root comes from: each store from create to destroy, and that what is one server's is no
# other's, and not the template's.
bats_require_minimum_version 1.5.0
load helpers

template=/var/lib/croft/templates/busybox
# Everything of the template that could be written to: names, modes, owners, times, contents.
template_look() {
	find $template -printf '%P %y %m %U:%G %s %T@ %l\n' | sort
	find $template -type f -exec sha256sum {} + | sort
}
disk() { find "/var/lib/croft/servers/$1/fs" -printf '%U:%G %m %P\n' | sort; }

life() { # STORE
	local store=$1 before
	before=$(template_look)
	croft create web1 --template busybox --store "$store"
	[ "$(field web1 store)" = "$store" ]
	grep -qx "STORE=\"$store\"" /etc/croft/servers/web1.conf
	croft start web1
	croft exec web1 -- sh -c 'echo kept >/root/file; chown 1000:1000 /root/file; chmod 4750 /root/file; rm /etc/inittab
		mkdir /root/dir; ln -s file /root/link; ln /root/file /root/hard; mknod /root/fifo p; mv /home /home2; setfattr 2>/dev/null; :'
	croft exec web1 -- test ! -e /etc/inittab
	croft stop web1 --kill
	# On disk ids are as they are inside.
	disk web1 | grep -Eq '^1000:1000 4750 .*root/file$'
	[ -z "$(disk web1 | awk -F'[: ]' '$1 > 65535 || $2 > 65535')" ]
	croft start web1
	[ "$(croft exec web1 -- cat /root/file)" = kept ]
	[ "$(croft exec web1 -- stat -c '%u:%g %a %h' /root/file)" = "1000:1000 4750 2" ]
	[ "$(croft exec web1 -- readlink /root/link)" = file ]
	croft exec web1 -- sh -c 'test ! -e /etc/inittab && test -p /root/fifo && test -d /home2 && test ! -e /home'
	croft restart web1 --kill
	[ "$(croft exec web1 -- cat /root/file)" = kept ]
	croft destroy web1 --force
	[ ! -e /var/lib/croft/servers/web1 ]
	[ -z "$(ls -A /var/lib/croft/trash)" ]
	diff <(echo "$before") <(template_look)
}

@test "overlay: from create to destroy, the template is as it was" {
	needs overlay
	life overlay
}

@test "dir: from create to destroy, the template is as it was" {
	life dir
}

@test "auto takes overlay where it works, and writes down what was taken" {
	needs overlay
	croft create web1 --template busybox
	grep -qx 'STORE="overlay"' /etc/croft/servers/web1.conf
	fails 2 croft set web1 --store dir
	[[ "$stderr" == *store* ]]
}

@test "two servers of one template do not see each other's files, in either store" {
	local store
	for store in overlay dir; do
		server a --store $store
		server b --store $store
		croft exec a -- sh -c 'echo a >/root/file; echo changed >/etc/passwd.new; rm -r /srv; echo "a:x:7:7::/:/bin/sh" >>/etc/passwd'
		croft exec b -- sh -c 'test ! -e /root/file && test ! -e /etc/passwd.new && test -d /srv'
		run croft exec b -- cat /etc/passwd
		[[ "$output" != *a:x:7* ]]
		croft exec b -- sh -c 'echo b >/root/file'
		[ "$(croft exec a -- cat /root/file)" = a ]
		croft restart a b --kill
		[ "$(croft exec a -- cat /root/file)" = a ]
		[ "$(croft exec b -- cat /root/file)" = b ]
		croft destroy a b --force
	done
}

@test "a new server of a name has nothing of the old one" {
	local store
	for store in overlay dir; do
		server web1 --store $store
		local uuid
		uuid=$(grep ^UUID /etc/croft/servers/web1.conf)
		croft exec web1 -- sh -c 'echo old >/root/file; echo >/dev/console "old words"'
		croft destroy web1 --force
		server web1 --store $store
		croft exec web1 -- test ! -e /root/file
		[ "$(grep ^UUID /etc/croft/servers/web1.conf)" != "$uuid" ]
		run croft logs web1
		[[ "$output" != *"old words"* ]]
		croft destroy web1 --force
	done
}

@test "an overlay server costs no copy: create writes less than a tenth of the template" {
	needs overlay
	local size
	croft create web1 --template busybox --store overlay
	size=$(du -sk /var/lib/croft/servers/web1 | cut -f1)
	[ "$size" -lt $(($(du -sk $template | cut -f1) / 10)) ]
}

@test "set-uid files work inside, and are those of the server's ids" {
	needs program:gcc
	local store
	printf '#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf("%%d %%d\\n", getuid(), geteuid()); return 0; }\n' \
		>"$BATS_TEST_TMPDIR/ids.c"
	gcc -static -o "$BATS_TEST_TMPDIR/ids" "$BATS_TEST_TMPDIR/ids.c"
	for store in overlay dir; do
		server web1 --store $store
		croft exec web1 -- sh -c 'cat >/ids; chown 5:5 /ids; chmod 4755 /ids' <"$BATS_TEST_TMPDIR/ids"
		[ "$(croft exec web1 -u 1000 -- /ids)" = "1000 5" ]
		croft restart web1 --kill
		[ "$(croft exec web1 -u 1000 -- /ids)" = "1000 5" ]
		croft destroy web1 --force
	done
}

@test "a password and a key are written into a stopped server, and only there" {
	local store before
	printf 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIyHmWfOWqpAMBkUNSsBcGjRPDqUF9qm3hXtAMZN6xWL me\n' >"$BATS_TEST_TMPDIR/key.pub"
	before=$(template_look)
	for store in overlay dir; do
		croft create web1 --template busybox --store $store --password root:first --ssh-key "$BATS_TEST_TMPDIR/key.pub"
		croft start web1
		run croft exec web1 -- cat /etc/shadow
		[[ "$output" == *'root:$'* ]]
		[ "$(croft exec web1 -- stat -c '%u:%g %a' /root/.ssh/authorized_keys /root/.ssh | tr '\n' ' ')" = "0:0 600 0:0 700 " ]
		[ "$(croft exec web1 -- grep -c AAAAC3 /root/.ssh/authorized_keys)" -eq 1 ]
		croft stop web1 --kill
		croft set web1 --ssh-key "$BATS_TEST_TMPDIR/key.pub" # twice is once
		croft set web1 --password 'root:!'
		croft start web1
		[ "$(croft exec web1 -- grep -c AAAAC3 /root/.ssh/authorized_keys)" -eq 1 ]
		run croft exec web1 -- cat /etc/shadow
		[[ "$output" == *'root:!'* ]]
		croft destroy web1 --force
	done
	diff <(echo "$before") <(template_look)
}

@test "a template that servers use stays; one that nobody uses goes, and can be built again" {
	croft template build busybox --name other >/dev/null 2>&1
	croft create web1 --template other
	fails 3 croft template remove other
	[[ "$stderr" == *web1* ]]
	fails 3 croft template build busybox --name other --replace
	croft destroy web1
	croft template build busybox --name other --replace >/dev/null 2>&1
	croft template remove other
	fails 4 croft create web1 --template other
}

@test "a server whose template is gone says so at start, and can be destroyed" {
	needs overlay
	croft template build busybox --name other >/dev/null 2>&1
	croft create web1 --template other --store overlay
	croft create web2 --template other --store dir
	mv /var/lib/croft/templates/other "$BATS_TEST_TMPDIR/other"
	run --separate-stderr croft start web1
	[ "$status" -ne 0 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == *other* ]]
	state_is web1 stopped
	run croft start web2 # its copy is its own
	croft destroy web1 web2 --force
}

@test "the root is the server's alone while it runs: what the host sees of it is on disk, not mounted" {
	server web1
	run findmnt -rno TARGET
	[[ "$output" != */var/lib/croft/servers* ]]
	[ ! -e /var/lib/croft/servers/web1/fs/merged ] || [ -z "$(ls -A /var/lib/croft/servers/web1/fs/merged)" ]
}

@test "a host default for the store is taken, and one server may have another" {
	echo 'STORE="dir"' >>/etc/croft/croft.conf
	croft create web1 --template busybox
	[ "$(field web1 store)" = dir ]
	croft create web2 --template busybox --store auto
	needs overlay
	[ "$(field web2 store)" = overlay ]
}
