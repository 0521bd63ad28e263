#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts for inside; run --separate-stderr sets stderr
# Limits of disk space and of inodes: by an image where the file system has no project quotas, and by
# those where it has.
bats_require_minimum_version 1.5.0
load helpers

fs() { echo "/var/lib/croft/servers/$1/fs"; }
MiB=1048576
# fill NAME: how many bytes of a file were written when the disk was full.
fill() {
	croft exec "$1" -- sh -c 'said=$(dd if=/dev/zero of=/root/big bs=64k 2>&1) && exit 9
		case $said in *"No space left"* | *"quota exceeded"*) ;; *) echo "$said"; exit 8 ;; esac
		stat -c %s /root/big; rm /root/big; sync'
}
is_about() { # N WANTED: within 2 MiB
	[[ "$1" =~ ^[0-9]+$ && "$1" -gt $(($2 - 2 * MiB)) && "$1" -lt $(($2 + 2 * MiB)) ]] || {
		echo "$1 instead of $2"
		return 1
	}
}
loops() { cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -c "servers/$1/fs/" || :; }
inside_total() { croft exec "$1" -- df -k / | awk 'NR == 2 { print $2 * 1024 }'; }

# A file system with project quotas on $BATS_TEST_TMPDIR/store, as the place of all servers.
quota_store() {
	local image=$BATS_TEST_TMPDIR/quota.img
	truncate -s 1G "$image"
	mke2fs -q -F -t ext4 -O quota,project "$image"
	mkdir -p "$BATS_TEST_TMPDIR/store"
	mount -o loop,prjquota "$image" "$BATS_TEST_TMPDIR/store" 2>/dev/null || skip "needs project quotas"
	mkdir "$BATS_TEST_TMPDIR/store/templates"
	cp -a /var/lib/croft/templates/busybox "$BATS_TEST_TMPDIR/store/templates/"
	mount --bind "$BATS_TEST_TMPDIR/store" /var/lib/croft
}
cleanup() {
	local name
	mountpoint -q "$BATS_TEST_TMPDIR/store" || return 0
	for name in $(croft list -a -H -o name); do
		croft destroy "$name" --force
	done
	umount /var/lib/croft && umount "$BATS_TEST_TMPDIR/store"
}

@test "disk: a server of 1 GiB stops at 1 GiB, and df inside says so" {
	needs overlay
	local size=1024
	! is_slow_bed || size=128
	server web1 --disk ${size}M
	is_about "$(fill web1)" $((size * MiB))
	# What the file system keeps back is in the total: 2 percent, 16 MiB at most, and the log's.
	local total
	total=$(inside_total web1)
	[ "$total" -ge $((size * MiB)) ] && [ "$total" -le $((size * MiB + 24 * MiB)) ]
	# what was deleted takes no place on the host, as soon as its file system has told
	is_small() { [ "$(du -sk "$(fs web1)" | cut -f1)" -lt $((size * 512)) ]; }
	wait_for 20 is_small
	# what it takes of the host is told, while it runs and afterwards
	croft exec web1 -- sh -c 'head -c 20m /dev/zero >/root/some; sync'
	local held
	held=$(croft stats web1 --json | grep -o '"resource":"disk","held":[0-9]*' | grep -o '[0-9]*$')
	[ "$held" -gt $((20 * MiB)) ] && [ "$held" -lt $((size * MiB / 2)) ]
	croft stats web1 | grep -Eq "^disk +[0-9.]+[MG] +- +(1.0G|128.0M)"
	croft exec web1 -- rm /root/some
	croft restart web1 --kill
	is_about "$(fill web1)" $((size * MiB))
	[ "$(loops web1)" = 1 ]
	croft stop web1 --kill
	[ "$(loops web1)" = 0 ]
}

@test "disk: the template stays one in the page cache, whatever has an image" {
	needs overlay program:fincore
	local file=/var/lib/croft/templates/shared/root/data cached before after
	cp -a /var/lib/croft/templates/busybox /var/lib/croft/templates/shared
	head -c $((16 * MiB)) /dev/urandom >$file
	sync $file
	croft create a b --template shared --disk 64M >/dev/null
	croft start a b
	dd if=$file iflag=nocache count=0 2>/dev/null
	cached=$(fincore -nb -o res $file)
	[ "$cached" -lt $MiB ]
	croft exec a -- cat /data >/dev/null
	[ "$(fincore -nb -o res $file)" -ge $((16 * MiB)) ]
	# b reads the same pages: nothing of them is charged to it, and its own disk is not touched
	file_pages() { # of b
		local d=/sys/fs/cgroup/memory/$CROFT_TEST_CGROUP/b
		[ -d "$d" ] || d=/sys/fs/cgroup/$CROFT_TEST_CGROUP/b
		sed -nE 's/^(total_cache|file) //p' "$d/memory.stat"
	}
	before=$(file_pages)
	croft exec b -- cat /data >/dev/null
	after=$(file_pages)
	echo "charged to b: $before, then $after"
	[ $((after - before)) -lt $((2 * MiB)) ]
	[ "$(stat -c %b "$(fs b)/disk.img")" -lt 20480 ] # blocks of 512 bytes
	croft destroy a b --force
	rm -r /var/lib/croft/templates/shared
}

@test "inodes: an image has as many as were asked for" {
	needs overlay
	server web1 --disk 64M --inodes 2000
	local n
	n=$(croft exec web1 -- sh -c 'i=0; while echo >/root/f$i; do i=$((i + 1)); done 2>/dev/null; echo $i')
	[ "$n" -gt 1900 ] && [ "$n" -lt 2100 ]
	croft exec web1 -- sh -c 'rm /root/f*'
	if [ "$(df -B1 --output=size /var/lib/croft | tail -n 1)" -gt $((12 * 1024 * MiB)) ]; then # not in UML
		fails 2 croft create web2 --template busybox --disk 12G --inodes 1500
		[[ "$stderr" == *"inodes: an image of that size has 1552 at least"* ]]
		fails 2 croft create web2 --template busybox --inodes 1500
		[[ "$stderr" == *"a limit of disk"* ]]
	fi
	fails 2 croft set web1 --disk 900T --save-only
	fails 3 croft set web1 --inodes 4000
	[[ "$stderr" == *"inodes of an image is fixed; stop the server"* ]]
	croft stop web1 --kill
	croft set web1 --inodes 4000
	croft start web1
	[ "$(croft exec web1 -- df -i / | awk 'NR == 2 { print $2 }')" -ge 4000 ]
}

@test "disk: a running server's image grows, and a stopped one's as well; its files stay" {
	needs overlay
	server web1 --disk 64M
	croft exec web1 -- sh -c 'echo kept >/root/file; chown 1000:100 /root/file; rm /etc/inittab; mkdir /sub; ln /root/file /sub/hard
		rm -r /srv; mkdir /srv; ln -s x /root/link; mkfifo /root/fifo; head -c 40m /dev/urandom >/root/data; md5sum /root/data >/root/sum'
	if [ $((0x$(sed -n 's/^CapEff:\t//p' /proc/self/status) >> 24 & 1)) = 1 ]; then
		croft set web1 --disk 128M
	else
		fails 3 croft set web1 --disk 128M
		[[ "$stderr" == *"CAP_SYS_RESOURCE"* ]]
		[ "$(sed -n 's/^DISK=//p' /etc/croft/servers/web1.conf)" = '"64M"' ]
		croft stop web1 --kill
		croft set web1 --disk 128M
		croft start web1
	fi
	[ "$(inside_total web1)" -ge $((128 * MiB)) ]
	[ "$(inside_total web1)" -le $((134 * MiB)) ]
	is_about "$(fill web1)" $((88 * MiB))
	croft stop web1 --kill
	croft set web1 --disk 200M
	croft start web1
	is_about "$(fill web1)" $((160 * MiB))
	look() {
		[ "$(croft exec web1 -- stat -c '%u:%g %h' /root/file)" = "1000:100 2" ]
		croft exec web1 -- sh -c 'cd / && md5sum -c /root/sum && test ! -e /etc/inittab && test -d /srv && test -h /root/link && test -p /root/fifo &&
			test -z "$(ls /srv)"' >/dev/null
	}
	look
	# and smaller: only where they fit
	fails 3 croft set web1 --disk 64M
	[[ "$stderr" == *"does not shrink"* ]]
	croft stop web1 --kill
	local before
	before=$(md5sum </etc/croft/servers/web1.conf)
	fails 7 croft set web1 --disk 20M
	[[ "$stderr" == *"do not fit"* ]]
	[ "$before" = "$(md5sum </etc/croft/servers/web1.conf)" ]
	[ "$(ls "$(fs web1)")" = $'disk.img\ndisk.img.loop' ]
	croft set web1 --disk 64M
	croft start web1
	look
	is_about "$(fill web1)" $((24 * MiB))
	# and without a limit
	croft stop web1 --kill
	croft set web1 --plan --disk unlimited | grep -q 'copied out of their image'
	croft set web1 --disk unlimited
	[ ! -e "$(fs web1)/disk.img" ]
	croft start web1
	look
	fails 3 croft set web1 --disk 64M
	[[ "$stderr" == *"no image yet; stop the server"* ]]
	croft stop web1 --kill
	croft set web1 --plan --disk 64M | grep -q 'copied into an image'
	croft set web1 --disk 64M
	croft start web1
	look
	croft undo web1 --save-only
	run ! grep -q '^DISK="64M"' /etc/croft/servers/web1.conf
}

@test "disk: a file that was edited by hand, or saved only, is what the next start has" {
	needs overlay
	server web1 --disk 32M
	run -0 croft set web1 --save-only --disk 48M
	[[ "$output" == *"next start: disk"* ]]
	[ "$(inside_total web1)" -lt $((40 * MiB)) ]
	croft restart web1 --kill
	[ "$(inside_total web1)" -ge $((48 * MiB)) ]
	fails 2 croft set web1 --runtime --disk 64M
	croft stop web1 --kill
	sed -i 's/^DISK=.*/DISK="24M"/' /etc/croft/servers/web1.conf
	croft start web1
	[ "$(inside_total web1)" -lt $((30 * MiB)) ]
}

@test "disk: what cannot be is refused, with the reason, and nothing is made" {
	needs overlay
	fails 2 croft create web1 --template busybox --disk 1M
	fails 2 croft create web1 --template busybox --disk 900T
	[[ "$stderr" == *"smaller than that"* ]]
	fails 2 croft create web1 --template busybox --disk 64M --disk-soft 65M
	[[ "$stderr" == *"disk-soft is above disk"* ]]
	run -4 croft status web1
	[ ! -e /var/lib/croft/servers/web1 ]
	if ! findmnt -no OPTIONS -T /var/lib/croft | grep -q prjquota; then
		fails 8 croft create web1 --template busybox --disk 64M --disk-soft 60M
		[[ "$stderr" == *"disk-soft needs project quotas"* ]]
		fails 8 croft create web1 --template busybox --disk 64M --store dir
		[[ "$stderr" == *"store dir need project quotas"* ]]
	fi
	[ ! -e /var/lib/croft/servers/web1 ]
}

@test "disk: an image that was left broken is mended before it is mounted, or refused by name" {
	needs overlay program:debugfs
	local image
	croft create web1 --template busybox --disk 32M --start >/dev/null
	image=$(fs web1)/disk.img
	croft exec web1 -- sh -c 'echo kept >/root/file; sync'
	croft stop web1 --kill
	# the kernel has noted an error, and a count is wrong
	debugfs -w -R 'set_super_value state 2' "$image" 2>/dev/null
	debugfs -w -R 'set_super_value free_blocks_count 7' "$image" 2>/dev/null
	croft start web1
	[ "$(croft exec web1 -- cat /root/file)" = kept ]
	croft stop web1 --kill
	e2fsck -fn "$image" >/dev/null
	# what cannot be one is named
	cp --sparse=always "$image" "$BATS_TEST_TMPDIR/good"
	truncate -s 8M "$image"
	fails 1 croft start web1
	[[ "$stderr" == *"disk.img is damaged: the file is shorter"* ]]
	: >"$image"
	fails 1 croft start web1
	[[ "$stderr" == *"disk.img is damaged: it has no ext4"* ]]
	rm "$image"
	fails 1 croft start web1
	[[ "$stderr" == *"files are lost"* ]]
	[ ! -e "$image" ]
	cp --sparse=always "$BATS_TEST_TMPDIR/good" "$image"
	croft start web1
	[ "$(croft exec web1 -- cat /root/file)" = kept ]
}

@test "disk: an image that somebody else has mounted is not mounted a second time" {
	needs overlay
	croft create web1 --template busybox --disk 32M >/dev/null
	mkdir "$BATS_TEST_TMPDIR/rescue"
	mount -o loop "$(fs web1)/disk.img" "$BATS_TEST_TMPDIR/rescue"
	run croft start web1
	umount "$BATS_TEST_TMPDIR/rescue"
	[ "$status" -eq 1 ]
	[[ "$output" == *"disk.img is in use"*"losetup -j"* ]]
	croft start web1
}

@test "disk: a limit that cannot be kept does not keep a server down" {
	needs overlay
	server web1 --disk 64M
	croft exec web1 -- sh -c 'head -c 40m /dev/urandom >/root/data; sync'
	croft set web1 --save-only --disk 24M
	croft stop web1 --kill
	run -0 --separate-stderr croft start web1
	[[ "$stderr" == *"warning: its disk limit is not what its file says: "*"do not fit"* ]]
	[ "$(inside_total web1)" -ge $((64 * MiB)) ]
	# path names longer than what cp(1) can have
	croft exec web1 -- sh -c 'rm /root/data; cd /root; n=$(printf %0100d 0); i=0; while [ $i -lt 50 ]; do mkdir $n && cd $n || break; i=$((i + 1)); done 2>/dev/null; true'
	croft stop web1 --kill
	fails 1 croft set web1 --disk 32M
	[[ "$stderr" == *"so deep that a path has more than 4096 bytes"* ]]
	run -0 --separate-stderr croft start web1
	[[ "$stderr" == *"warning: its disk limit"* ]]
}

@test "disk: a password is set in an image, and a copy of a killed change goes" {
	needs overlay
	croft create web1 --template busybox --disk 32M --password root:first
	croft set web1 --password root:second
	: >"$(fs web1)/disk.img.new"
	: >"/var/lib/croft/servers/web1/changing"
	croft start web1
	[ ! -e "$(fs web1)/disk.img.new" ]
	croft exec web1 -- grep -q '^root:\$' /etc/shadow
	# an image that somebody has is not mounted a second time by other means
	croft stop web1 --kill
	exec 7<>"$(fs web1)/disk.img"
	flock -n 7
	fails 1 croft start web1
	[[ "$stderr" == *"disk.img is in use"* ]]
	exec 7>&-
	croft start web1
}

# And with them disk and inodes: immediate in both directions.
@test "row disk-soft, inodes-soft" {
	quota_store
	server web1 --disk 64M --inodes 1500 --disk-soft 40M --inodes-soft 1200
	[ ! -e "$(fs web1)/disk.img" ]
	is_about "$(fill web1)" $((64 * MiB))
	[ "$(inside_total web1)" -le $((65 * MiB)) ]
	croft set web1 --disk 96M --disk-soft unlimited
	is_about "$(fill web1)" $((96 * MiB))
	croft set web1 --disk 32M --inodes 1100 --inodes-soft 1024
	is_about "$(fill web1)" $((32 * MiB))
	local n
	n=$(croft exec web1 -- sh -c 'i=0; while echo >/root/f$i; do i=$((i + 1)); done 2>/dev/null; echo $i')
	[ "$n" -gt 1000 ] && [ "$n" -lt 1100 ]
	croft exec web1 -- sh -c 'rm /root/f*; head -c 5m /dev/zero >/root/five; sync'
	n=$(croft list -H -o disk-used --json web1 | grep -o '[0-9]*')
	is_about "$n" $((5 * MiB))
	croft exec web1 -- rm /root/five
	croft restart web1 --kill
	is_about "$(fill web1)" $((32 * MiB))
	# another server has its own
	server web2
	croft exec web2 -- sh -c 'head -c 100m /dev/zero >/root/big && rm /root/big'
	croft set web2 --disk 20M
	is_about "$(fill web2)" $((20 * MiB))
	croft set web2 --disk unlimited
	croft exec web2 -- sh -c 'head -c 100m /dev/zero >/root/big && rm /root/big'
}
