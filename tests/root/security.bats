#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts for inside; run --separate-stderr sets stderr
# What the root of a server can do to the host, to other servers, and to croft itself. O01, O09 and
# so on are the checks of the security design; those of croft exec are in exec.bats.
bats_require_minimum_version 1.5.0
load helpers

inside() { croft exec web1 -- "$@"; }
compiled() { # NAME: from NAME.c, for inside
	needs program:gcc
	[ -x "$BATS_FILE_TMPDIR/$1" ] || gcc -static -O2 -o "$BATS_FILE_TMPDIR/$1" "$BATS_TEST_DIRNAME/$1.c"
}
give() { # NAME FILE: a program for inside
	croft exec web1 -- sh -c "cat >$2 && chmod 755 $2" <"$BATS_FILE_TMPDIR/$1"
}
no_groups() { # NAME
	local dir
	for dir in /sys/fs/cgroup /sys/fs/cgroup/*; do
		[ ! -e "$dir/$CROFT_TEST_CGROUP/$1" ] || return 1
	done
}
init_status() { cat "/proc/$(field web1 init-pid)/status"; }
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

# A tree that nobody may touch: looks like what attackers aim at.
decoy_make() {
	decoy=$BATS_TEST_TMPDIR/decoy
	mkdir -p "$decoy/dir/pts" "$decoy/dir/shm" "$decoy/dir/fs/cgroup" "$decoy/dir/net"
	echo secret >"$decoy/file"
	echo 'ssh-ed25519 AAAA old' >"$decoy/dir/authorized_keys"
	mkfifo "$decoy/dir/ptmx"
	chmod 600 "$decoy/file"
	decoy_look >"$BATS_TEST_TMPDIR/decoy.before"
}
decoy_look() {
	find "$decoy" -printf '%P %y %i %m %U:%G %s %T@ %C@\n' | sort
	cat "$decoy/file" "$decoy/dir/authorized_keys"
}
decoy_same() { diff "$BATS_TEST_TMPDIR/decoy.before" <(decoy_look); }

@test "O01: init holds no descriptor of the host, whatever the caller has open; the monitor none of the caller's" {
	croft create web1 --template busybox
	bash -c 'for i in $(seq 3 3 40); do eval "exec $i</ $((i + 1))</etc/passwd $((i + 2))<>/dev/null"; done; croft start web1'
	local fd target
	for fd in /proc/"$(field web1 init-pid)"/fd/*; do
		target=$(readlink "$fd")
		[[ "${fd##*/}" =~ ^[012]$ && "$target" =~ ^/dev/(pts/0|console)$ ]] || {
			echo "init: $fd $target"
			return 1
		}
	done
	for fd in /proc/"$(field web1 monitor-pid)"/fd/*; do
		target=$(readlink "$fd")
		# Notices of limits come from files of the server's groups; the network namespace is the server's.
		[[ "$target" =~ ^(/dev/null|/dev/pts/|socket:|pipe:|anon_inode:|net:|/var/log/croft/web1|/sys/fs/cgroup/.*/web1/(memory\.oom_control|.*\.events)$) ]] || {
			echo "monitor: $fd $target"
			return 1
		}
	done
	[ "$(readlink "/proc/$(field web1 monitor-pid)/cwd")" = / ]
}

@test "the environment of the caller does not reach init" {
	croft create web1 --template busybox
	SECRET=x LD_PRELOAD=/none.so SSH_AUTH_SOCK=/x croft start web1 2>/dev/null
	run sh -c "tr '\0' '\n' </proc/$(field web1 init-pid)/environ"
	[[ "$output" == *container=croft* ]]
	[[ "$output" != *SECRET* && "$output" != *LD_PRELOAD* && "$output" != *SSH* ]]
}

@test "keys of the operator's session are not possessed inside or by the monitor, nor the server's by the monitor" {
	compiled keys
	local keys=$BATS_FILE_TMPDIR/keys
	croft create web1 --template busybox --feature keyctl
	"$keys" with operators croft start web1
	give keys /keys
	[[ "$(inside /keys look operators)" == "no operators: Required key not available" ]]
	[[ "$("$keys" with operators croft exec web1 -- /keys look operators)" == "no operators: Required key"* ]]
	# The same from a child of init; /proc/keys lists what its reader possesses.
	inside sh -c 'echo "::once:/bin/sh -c \"{ /keys look operators; cat /proc/keys; /keys put servers; /keys look servers; } >/out 2>&1; touch /done\"" >>/etc/inittab'
	mkdir -p /etc/croft/hooks/stopped.d
	printf '#!/bin/sh\n{ %s look operators; %s look servers; } >%s\n' "$keys" "$keys" "$BATS_TEST_TMPDIR/hook" >/etc/croft/hooks/stopped.d/10-look
	chmod 755 /etc/croft/hooks/stopped.d/10-look
	"$keys" with operators croft restart web1 --kill
	wait_for 20 inside test -e /done
	run inside cat /out
	echo "$output"
	[[ "$output" == *"no operators: "*"found servers: secret"* ]]
	[[ "$output" != *"user      operators"* ]]
	inside poweroff
	wait_for 10 state_is web1 stopped
	wait_for 3 test -s "$BATS_TEST_TMPDIR/hook"
	run cat "$BATS_TEST_TMPDIR/hook"
	[[ "$output" == "no operators"*"no servers"* ]]
	# The test can fail.
	[[ "$("$keys" with operators "$keys" look operators)" == "found operators: secret" ]]
}

@test "O09: the host's mounts are the same while a server runs and mounts, and the other way round" {
	local before
	before=$(cut -d' ' -f3- /proc/self/mountinfo)
	server web1
	inside sh -c 'for i in $(seq 20); do mkdir -p /mnt/$i; mount -t tmpfs tmpfs /mnt/$i; done; mount --make-rshared /'
	[ "$(inside grep -c ' /mnt/' /proc/self/mountinfo)" -eq 20 ]
	diff <(echo "$before") <(cut -d' ' -f3- /proc/self/mountinfo)
	mkdir "$BATS_TEST_TMPDIR/late"
	mount -t tmpfs late "$BATS_TEST_TMPDIR/late"
	run inside cat /proc/self/mountinfo
	[[ "$output" != *late* ]]
	umount "$BATS_TEST_TMPDIR/late"
	croft stop web1 --kill
	diff <(echo "$before") <(cut -d' ' -f3- /proc/self/mountinfo)
}

@test "O10: the host's tree is gone from the server's, and no classic way leads out" {
	server web1
	run inside cat /proc/self/mountinfo /proc/1/mounts
	[[ "$output" == *overlay* ]]
	[[ "$output" != */var/lib/croft* && "$output" != */usr/local* && "$output" != *"$BATS_TEST_TMPDIR"* ]]
	# What is mounted comes from its own file systems, and single device nodes.
	run inside awk '$4 != "/" && !($(NF-2) == "devtmpfs" && $4 ~ /^\/(null|zero|full|random|urandom|tty)$/) && $5 != "/dev/console"' \
		/proc/self/mountinfo
	[ -z "$output" ]
	compiled escape
	give escape /escape
	run inside /escape
	echo "$output"
	[ "${#lines[@]}" -eq 5 ]
	[ "$(cut -d' ' -f2- <<<"$output" | sort -u)" = "$(inside sh -c 'printf "%x %d" $(stat -c "%d %i" /)')" ]
}

@test "O11: the host's knobs cannot be opened for writing, also after unmounting and remounting" {
	server web1
	local try='
	for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/core_pipe_limit /proc/sys/kernel/modprobe /proc/sys/kernel/hotplug \
		/proc/sys/kernel/poweroff_cmd /proc/sys/kernel/usermodehelper/bset /proc/sys/kernel/sysrq /proc/sys/kernel/panic \
		/proc/sys/kernel/panic_on_oops /proc/sys/kernel/dmesg_restrict /proc/sys/kernel/randomize_va_space \
		/proc/sys/kernel/kptr_restrict /proc/sys/kernel/unprivileged_bpf_disabled /proc/sys/kernel/yama/ptrace_scope \
		/proc/sys/fs/suid_dumpable /proc/sys/fs/protected_symlinks /proc/sys/fs/file-max /proc/sys/fs/aio-max-nr \
		/proc/sys/vm/drop_caches /proc/sys/vm/panic_on_oom /proc/sys/vm/overcommit_memory /proc/sys/vm/swappiness \
		/proc/sysrq-trigger /proc/kcore /proc/irq/default_smp_affinity /proc/timer_list /proc/mtrr \
		/sys/power/state /sys/kernel/uevent_helper /sys/kernel/mm/ksm/run /sys/kernel/mm/transparent_hugepage/enabled \
		/sys/module/*/parameters/* /sys/class/leds/*/brightness /sys/class/thermal/*/mode /sys/fs/pstore/* \
		/sys/firmware/efi/efivars/* /sys/devices/system/cpu/cpu0/online /sys/devices/system/cpu/cpufreq/*/scaling_governor \
		/sys/kernel/debug/* /sys/kernel/security/* /sys/kernel/tracing/*; do
		[ -f "$f" ] && (: >"$f") 2>/dev/null && echo "open: $f"
	done; :'
	[ -z "$(inside sh -c "$try")" ]
	# shellcheck disable=SC2016
	run inside sh -c 'mount -o remount,rw /proc; mount -o remount,rw /sys; mount -o remount,bind,rw /sys; mount -o bind,remount,rw /proc/sys
		umount /proc/sys; umount /sys/firmware; mount -t proc proc /mnt; mount -t sysfs sysfs /srv; :'
	[ -z "$(inside sh -c "$try")" ]
	[ -z "$(inside sh -c "$(sed 's,/proc/,/mnt/,g; s,/sys/,/srv/,g; s,/mnt/sys/,/mnt/sys/,g' <<<"$try")")" ]
	# The test can fail: the host's root opens the first of them.
	bash -c ': >>/proc/sys/kernel/core_pattern' || skip "needs a host whose root may write core_pattern"
}

@test "O12: what of /proc and /sys can be opened for writing belongs to the server's own namespaces" {
	server web1
	run inside sh -c '
	cd /proc/sys && find . -type f | while read -r f; do
		(: >>"$f") 2>/dev/null && echo "$f"
	done
	cd /proc && find . -maxdepth 2 -type f ! -path "./[0-9]*" ! -path "./sys/*" ! -path "./self/*" ! -path "./thread-self/*" | while read -r f; do
		(: >>"$f") 2>/dev/null && echo "$f"
	done
	cd /sys && find . -type f | while read -r f; do
		(: >>"$f") 2>/dev/null && echo "/sys $f"
	done; :'
	[ "$status" -eq 0 ]
	run grep -vE '^\./(net/|fs/mqueue/|kernel/(msg|sem|shm)|kernel/(auto_msgmni|ns_last_pid|pid_max)$|user/max_|pressure/(cpu|io|memory|irq)$)|^/sys \./(devices/virtual/net/|fs/cgroup/)' <<<"$output"
	echo "$output"
	[ -z "$output" ]
}

@test "O14: of control groups of version 1 nothing is writable, and no process can leave" {
	server web1
	# No hierarchy that does not exist yet.
	run inside sh -c 'mount -t cgroup -o rdma x /mnt || mount -t cgroup -o none,name=x x /mnt || mount -t cgroup x /mnt'
	[ "$status" -ne 0 ]
	# Those of a host with version 1 show the server's own group as their root.
	run inside sh -c '
	for c in pids memory cpu devices freezer blkio cpuset cpu,cpuacct name=systemd; do
		mkdir -p /mnt/$c
		mount -t cgroup -o $c x /mnt/$c 2>/dev/null || continue
		find /mnt/$c -type f | while read -r f; do
			[ ${f##*/} = cgroup.event_control ] && continue # for everybody: it only registers an eventfd
			(: >>$f) 2>/dev/null && echo writable $f
		done
		mkdir /mnt/$c/own 2>/dev/null && echo made /mnt/$c/own
		echo $$ >/mnt/$c/tasks && echo moved
	done 2>/dev/null; :'
	grep -E '^writable|^made|^moved' <<<"$output" && return 1
	# Its view begins at its own group, and only what is delegated is its own.
	run inside cat /proc/self/cgroup
	[[ "$output" != *croft* && "$output" != *web1* ]]
	run inside sh -c 'cd /sys/fs/cgroup; for f in *; do [ -f $f ] && (: >>$f) 2>/dev/null && echo $f; done; :'
	run grep -vxE 'cgroup\.(procs|threads|subtree_control)|memory\.(oom\.group|reclaim)|.*\.pressure' <<<"$output"
	[ -z "$output" ]
}

# A group of the host's, not of croft's, in every hierarchy of version 1 and 2; its name is not to be seen inside.
host_group=of-the-host-${CROFT_TEST_CGROUP##*-}
hierarchies() { awk '$(NF-2) ~ /^cgroup2?$/ && $4 == "/" { print $5 }' /proc/self/mountinfo; }
cleanup() {
	local dir pid
	while read -r dir; do
		[ -d "$dir/$host_group" ] || continue
		while read -r pid; do echo "$pid" >"$dir/cgroup.procs"; done <"$dir/$host_group/cgroup.procs"
		rmdir "$dir/$host_group"
	done < <(hierarchies)
}
in_host_group() { # COMMAND...: run in those groups, as from a session that systemd has made
	local dir
	while read -r dir; do
		mkdir -p "$dir/$host_group"
		[[ "$dir" != */cpuset ]] || cp "$dir/cpuset.cpus" "$dir/cpuset.mems" "$dir/$host_group"
	done < <(hierarchies)
	(
		while read -r dir; do echo 0 >"$dir/$host_group/cgroup.procs"; done < <(hierarchies)
		"$@"
	)
}

only_roots() { # TEXT: of /proc/PID/cgroup, in which every path must be /
	local line
	while read -r line; do
		[[ ! "$line" =~ ^[0-9]+:[^/]*:/ || "$line" == *:/ ]] || return 1
	done <<<"$1"
}

@test "O14: no hierarchy of control groups shows names of the host's groups, also those that limit nothing" {
	croft create web1 --template busybox
	in_host_group croft start web1
	local look='
	for p in 1 self; do cat /proc/$p/cgroup; done
	for c in $(awk "NR > 1 { print \$1 }" /proc/cgroups) $(sed -n "s/^[1-9][0-9]*:\(.*\):.*/\1/p" /proc/self/cgroup); do
		mkdir -p /mnt/$c
		grep -q " /mnt/$c " /proc/mounts || mount -t cgroup -o $c x /mnt/$c || continue
		echo mounted $c
		(cd /mnt/$c && find . -type d -mindepth 1)
	done 2>/dev/null; cat /proc/self/mountinfo'
	run in_host_group croft exec web1 -- sh -c "$look"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" != *"$host_group"* && "$output" != *"$CROFT_TEST_CGROUP"* ]]
	only_roots "$output"
	run grep '^\./' <<<"$output"
	[ -z "$output" ]
	# The same after a start from elsewhere, and for what follows a reboot.
	croft restart web1 --kill
	run croft exec web1 -- sh -c "$look"
	[[ "$output" != *"$host_group"* ]]
	only_roots "$output"
	# The test can fail: where a server could mount one, the host has such a group there.
	[ -n "$(find /sys/fs/cgroup -type d -name "$host_group")" ]
}

@test "O15: limits hold against everything the server can write" {
	server web1 --memory 48M --swap 0 --pids 40
	# But for memory.oom.group: a server may wish that all of it ends when memory runs out.
	run inside sh -c 'find /sys/fs/cgroup -type f ! -name memory.oom.group | while read -r f; do echo max >$f; echo 0 >$f; echo 1 >$f; done; mkdir /sys/fs/cgroup/a
		echo "+memory +pids +cpu" >/sys/fs/cgroup/cgroup.subtree_control; :' 2>/dev/null
	run inside dd if=/dev/zero of=/dev/null bs=128M count=1
	[ "$status" -eq 137 ]
	run inside sh -c 'n=0; while [ $n -lt 60 ]; do sleep 20 >/dev/null 2>&1 & n=$((n + 1)); done'
	[ "$status" -ne 0 ]
	state_is web1 running
}

@test "O16: sub-groups without end: refused at a limit, and the server stops in bounded time" {
	server web1
	run inside sh -c 'i=0; while [ $i -lt 5000 ] && mkdir /sys/fs/cgroup/g$i; do i=$((i + 1)); done; echo made $i
		d=/sys/fs/cgroup/g0; rmdir /sys/fs/cgroup/g1 /sys/fs/cgroup/g2; k=0; while [ $k -lt 100 ] && mkdir $d/x; do d=$d/x; k=$((k + 1)); done; echo deep $k'
	[ "$(sed -n 's/^made //p' <<<"$output")" -lt 5000 ]
	[ "$(sed -n 's/^deep //p' <<<"$output")" -lt 100 ]
	timeout 30 croft stop web1 --timeout 1
	state_is web1 stopped
	croft start web1
}

@test "O16: a group with processes at its deepest does not survive a stop" {
	server web1
	inside sh -c 'd=/sys/fs/cgroup; i=0; while [ $i -lt 10 ] && mkdir $d/s; do d=$d/s; i=$((i + 1)); done
		(sleep 300 & echo $! >$d/cgroup.procs; setsid sleep 300 & trap "" TERM HUP INT; while :; do sleep 1; done) >/dev/null 2>&1 &'
	timeout 30 croft stop web1 --timeout 1
	no_groups web1
}

@test "O17: ranges of ids are disjoint, and nobody's else" {
	local i name base all=()
	for i in 1 2 3 4 5 6; do
		croft create "s$i" --template busybox >/dev/null 3>&- &
	done
	wait
	croft start --all >/dev/null
	for i in 1 2 3 4 5 6; do
		name=s$i
		base=$(field $name uid-base)
		[ "$(tr -s ' ' <"/proc/$(field $name init-pid)/uid_map")" = " 0 $base 65536" ]
		[ "$(tr -s ' ' <"/proc/$(field $name init-pid)/gid_map")" = " 0 $base 65536" ]
		all+=("$base")
	done
	# The smallest distance of any two.
	printf '%s\n' "${all[@]}" | sort -n | awk 'NR > 1 && $1 - last < 65536 { exit 1 } { last = $1 }'
	for base in "${all[@]}"; do
		awk -F: -v b="$base" '$3 >= b && $3 < b + 65536 { exit 1 }' /etc/passwd
		awk -F: -v b="$base" '$3 >= b && $3 < b + 65536 { exit 1 }' /etc/group
		[ ! -e /etc/subuid ] || awk -F: -v b="$base" '$2 < b + 65536 && b < $2 + $3 { exit 1 }' /etc/subuid
		# What systemd gives containers, and its dynamic users.
		[ "$base" -gt 1879048191 ] || [ $((base + 65536)) -le 524288 ]
	done
}

@test "O18: users of the host, and ids of a server, get at nothing of croft's" {
	server web1
	local path user
	echo hello | croft exec web1 -- sh -c 'cat >/root/file; chmod 644 /root/file; cp /bin/busybox /root/su; chmod 4755 /root/su'
	for user in 65534 "$(field web1 uid-base)" $(($(field web1 uid-base) + 1000)); do
		for path in /var/lib/croft/servers /var/lib/croft/templates /var/lib/croft/servers/web1/fs/upper/root/file \
			/var/lib/croft/addr /var/lib/croft/ids /var/lib/croft/trash /run/croft/web1 /run/croft/.locks /run/croft/web1/console.sock; do
			run setpriv --reuid "$user" --regid "$user" --clear-groups ls "$path"
			[[ "$output" == *"Permission denied"* ]]
		done
		run setpriv --reuid "$user" --regid "$user" --clear-groups cat /var/log/croft/web1.console.log /etc/croft/servers/web1.conf
		[ "$status" -ne 0 ]
		run setpriv --reuid "$user" --regid "$user" --clear-groups find /var/lib/croft /run/croft /var/log/croft /etc/croft -writable
		echo "$output"
		[ -z "$(sed '/Permission denied/d' <<<"$output")" ]
	done
}

@test "O19: capabilities, filter and groups of init are those of the profile" {
	server web1
	local status
	status=$(init_status)
	grep -qP '^CapInh:\t0+$' <<<"$status"
	grep -qP '^CapAmb:\t0+$' <<<"$status"
	grep -qP '^Seccomp:\t2$' <<<"$status"
	grep -qP '^NoNewPrivs:\t0$' <<<"$status" # set-uid programs work
	grep -qP '^Groups:\t *$' <<<"$status"
	# All but audit_control audit_read block_suspend mac_admin mac_override sys_module sys_rawio sys_time syslog wake_alarm.
	local bounding name number
	bounding=$(sed -n 's/^CapBnd:\t//p' <<<"$status")
	for number in 30 37 36 33 32 16 17 25 34 35; do
		[ $((0x$bounding >> number & 1)) -eq 0 ]
	done
	for number in 0 1 3 5 6 7 8 12 18 21 22 23; do # chown dac_override fowner kill setgid setuid setpcap net_admin sys_chroot sys_admin sys_boot sys_nice
		[ $((0x$bounding >> number & 1)) -eq 1 ]
	done
	for name in CapPrm CapEff; do
		[ "$(sed -n "s/^$name:\t//p" <<<"$status")" = "$bounding" ]
	done
}

@test "O21, O22: each call answers as the profile says, in what exec starts and in what init starts" {
	server web1
	compiled probe
	give probe /probe
	inside /probe | "$BATS_TEST_DIRNAME/probe-compare"
	# The same from a child of init.
	inside sh -c 'echo "::once:/bin/sh -c \"/probe >/probe.out 2>&1; touch /probe.done\"" >>/etc/inittab'
	croft restart web1 --kill
	wait_for 20 inside test -e /probe.done
	inside cat /probe.out | "$BATS_TEST_DIRNAME/probe-compare"
	# It finds a door that is open.
	run "$BATS_TEST_DIRNAME/probe-compare" < <(inside cat /probe.out | sed 's/^kexec_load .*/kexec_load EINVAL/')
	[ "$status" -ne 0 ]
	[[ "$output" == *kexec_load* ]]
}

@test "no process of a server is the host's root, or in a group of it" {
	server web1
	server web2 --store dir
	inside sh -c 'sleep 60 >/dev/null 2>&1 &'
	local name base pid ids id n=0
	for name in web1 web2; do
		base=$(field $name uid-base)
		for pid in /proc/[0-9]*; do
			[ "$(readlink "$pid/ns/pid" 2>/dev/null)" = "$(readlink "/proc/$(field $name init-pid)/ns/pid")" ] || continue
			n=$((n + 1))
			ids=$(awk '/^(Uid|Gid|Groups):/ { $1 = ""; print }' "$pid/status")
			for id in $ids; do
				[ "$id" -ge "$base" ] && [ "$id" -lt $((base + 65536)) ] || {
					cat "$pid/status"
					return 1
				}
			done
		done
	done
	[ $n -ge 5 ]
}

@test "the user namespace belongs to the server's own id, so that its limits are its own" {
	server web1
	# NS_GET_OWNER_UID, ioctl 0xb704
	needs program:python3
	local owner
	owner=$(python3 -c 'import fcntl, struct, sys
print(struct.unpack("I", fcntl.ioctl(open(sys.argv[1]), 0xb704, struct.pack("I", 0)))[0])' "/proc/$(field web1 init-pid)/ns/user")
	[ "$owner" = "$(field web1 uid-base)" ]
}

@test "O23: device nodes that lie in the root cannot be opened, and none can be made" {
	croft create web1 --template busybox
	local upper=/var/lib/croft/servers/web1/fs/upper
	mknod -m 666 $upper/mem c 1 1
	mknod -m 666 $upper/null c 1 3
	mknod -m 666 $upper/disk b 7 0
	mknod -m 666 $upper/fuse c 10 229
	croft start web1
	local node
	for node in mem null disk fuse; do
		run inside dd if=/$node of=/dev/null bs=1 count=1
		[ "$status" -ne 0 ]
		run inside sh -c "echo >/$node"
		[ "$status" -ne 0 ]
	done
	run inside mknod /tmp/null c 1 3
	[ "$status" -ne 0 ]
	run inside mount -o remount,dev /
	inside sh -c 'echo >/null' && return 1
	run inside sh -c 'mount -t tmpfs -o dev tmpfs /mnt && mknod /mnt/null c 1 3'
	[ "$status" -ne 0 ]
	inside sh -c 'echo >/dev/null; head -c 1 /dev/zero >/dev/null'
}

# plant KIND PATH: one kind of hostile object in the stopped server's own layer.
plant() {
	local at=/var/lib/croft/servers/web1/fs/upper/$2
	rm -rf "$at"
	mkdir -p "${at%/*}"
	case $1 in
	absolute) ln -s "$decoy/dir" "$at" ;;
	upward) ln -s "../../../../../../../../..$decoy/dir" "$at" ;;
	magic) ln -s "/proc/self/root$decoy/dir" "$at" ;;
	inward) ln -s /srv "$at" ;;
	dangling) ln -s /no/such "$at" ;;
	loop) ln -s "${at##*/}" "$at" ;;
	file) echo junk >"$at" ;;
	to-file) ln -s "$decoy/file" "$at" ;;
	zero) ln -s /dev/zero "$at" ;;
	fifo) mkfifo "$at" ;;
	socket) python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$at" ;;
	esac
}

@test "O05, O06, O07: mount points that are links, files, FIFOs: refused or mounted inside, the host is as it was" {
	needs program:python3
	croft create web1 --template busybox
	decoy_make
	local target kind host started=0 refused=0 point
	host=$(cut -d' ' -f3- /proc/self/mountinfo)
	for target in dev proc sys run dev/pts sbin; do
		for kind in absolute upward magic inward dangling loop file fifo socket; do
			[[ "$target $kind" != [ds]*/*\ [mdlfs]* ]] || continue # what lies below is covered
			echo "$target is $kind"
			plant $kind $target
			run --separate-stderr timeout 20 croft start web1
			[ "$status" -ne 124 ]
			decoy_same
			diff <(echo "$host") <(cut -d' ' -f3- /proc/self/mountinfo)
			if [ "$status" -eq 0 ]; then
				started=$((started + 1))
				point=$(readlink "/proc/$(field web1 init-pid)/root")
				[ "$point" = / ]
				croft stop web1 --kill
			else
				refused=$((refused + 1))
				[ "${#stderr_lines[@]}" -eq 1 ]
				state_is web1 stopped
			fi
			no_groups web1
			rm -rf "/var/lib/croft/servers/web1/fs/upper/${target%%/*}"
		done
	done
	echo "$started started, $refused refused"
	[ $refused -gt 15 ]
	croft start web1 # and nothing stays of it
	inside sh -c 'echo >/dev/null; test -d /proc/1'
}

@test "what fails inside is what start tells, also when a step of the host's fails because of it" {
	croft create web1 --template busybox
	plant loop dev
	local i
	for i in $(seq 30); do
		fails 1 taskset -c 0 timeout 20 croft start web1 # on one processor the order varies
		[[ "$stderr" == *": dev: "* ]]
	done
}

@test "files that croft writes into the root: links and FIFOs there lead nowhere, no content leaks, nothing hangs" {
	needs program:python3
	croft create web1 --template busybox
	decoy_make
	ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/key" 2>/dev/null ||
		printf 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIyHmWfOWqpAMBkUNSsBcGjRPDqUF9qm3hXtAMZN6xWL me\n' >"$BATS_TEST_TMPDIR/key.pub"
	local target kind n=0
	for target in etc etc/hostname etc/hosts etc/resolv.conf etc/machine-id etc/passwd etc/shadow etc/network root root/.ssh \
		root/.ssh/authorized_keys; do
		for kind in absolute upward magic to-file dangling loop fifo zero; do
			[ $((RANDOM % 3)) -eq 0 ] || continue # a third of them, others each time
			echo "$target is $kind"
			plant $kind $target
			run timeout 20 croft set web1 --hostname "h$n.example.org"
			[ "$status" -ne 124 ]
			run timeout 20 croft set web1 --ssh-key "$BATS_TEST_TMPDIR/key.pub"
			[ "$status" -ne 124 ]
			[[ "$output" != *secret* ]]
			run timeout 20 croft set web1 --password root:x
			[ "$status" -ne 124 ]
			[[ "$output" != *secret* ]]
			decoy_same
			# Each third is also started: that is where host name, hosts and resolv.conf are written.
			if [ $((n++ % 3)) -eq 0 ]; then
				run timeout 20 croft start web1
				[ "$status" -ne 124 ]
				run timeout 10 croft exec web1 -- cat /etc/hostname /etc/hosts /etc/resolv.conf
				[[ "$output" != *secret* ]]
				timeout 20 croft stop web1 --kill
				decoy_same
			fi
			rm -rf /var/lib/croft/servers/web1/fs/upper/etc /var/lib/croft/servers/web1/fs/upper/root
		done
	done
}

@test "links that the running server leaves behind are no way for the next start and stop" {
	server web1
	decoy_make
	local base=$decoy
	inside sh -c "cd /etc; rm -f hostname hosts resolv.conf; ln -s $base/file hostname; ln -s ../../../../..$base/file hosts
		ln -s /proc/1/root$base/file resolv.conf; rm -rf /tmp /run/x; ln -s $base/dir /tmp; mv /dev /dev.old 2>/dev/null; :"
	timeout 20 croft restart web1 --kill
	decoy_same
	croft destroy web1 --force
	decoy_same
}

@test "destroy follows nothing: links, hard links, deep trees, odd names, mounts of the server's" {
	server web1
	decoy_make
	croft exec web1 -- sh -c "cd /root; ln -s $decoy/dir link; ln -s / top
		i=0; while [ \$i -lt 600 ]; do mkdir d && cd d && i=\$((i + 1)) || break; done
		cd /root; touch 'a
b' '-rf' '*' \"\$(printf '\\377\\376')\"; mkdir -p m; mount -t tmpfs tmpfs m; mount --bind / /mnt; chmod 000 /root/m"
	croft destroy web1 --force
	decoy_same
	[ ! -e /var/lib/croft/servers/web1 ]
	[ -z "$(ls -A /var/lib/croft/trash)" ]
}

@test "O26: nothing of the server's is loaded by croft" {
	needs program:gcc
	croft create web1 --template busybox
	local upper=/var/lib/croft/servers/web1/fs/upper dir
	printf '#include <fcntl.h>\n__attribute__((constructor)) static void mark(void) { open("/tmp/marker", O_CREAT | O_WRONLY, 0600); }\n' >"$BATS_TEST_TMPDIR/mark.c"
	gcc -shared -fPIC -o "$BATS_TEST_TMPDIR/mark.so" "$BATS_TEST_TMPDIR/mark.c"
	for dir in lib lib64 usr/lib lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu; do
		mkdir -p $upper/$dir
		cp "$BATS_TEST_TMPDIR/mark.so" $upper/$dir/libnss_files.so.2
		cp "$BATS_TEST_TMPDIR/mark.so" $upper/$dir/libnss_compat.so.2
		cp "$BATS_TEST_TMPDIR/mark.so" $upper/$dir/libcrypt.so.1
	done
	mkdir -p $upper/etc
	echo /lib/libnss_files.so.2 >$upper/etc/ld.so.preload
	printf 'passwd: files compat\n' >$upper/etc/nsswitch.conf
	croft set web1 --password root:x
	croft start web1
	croft exec web1 -u nobody -- true
	croft exec web1 -u 1:1 -- true
	croft set web1 --hostname other
	croft list -a >/dev/null
	croft status web1 >/dev/null
	[ ! -e /tmp/marker ]
	inside test ! -e /tmp/marker
}

@test "servers do not see each other: processes, links, mounts, keys, messages, names" {
	server web1
	server web2
	croft exec web2 -- sh -c 'sleep 61 >/dev/null 2>&1 & hostname seen; mkdir -p /mnt/seen; mount -t tmpfs seen /mnt/seen; echo seen >/dev/shm/seen'
	run inside sh -c 'ps; ip link; cat /proc/self/mountinfo /proc/net/unix /proc/net/tcp; ls /dev/shm /dev/mqueue /dev/pts /sys/class/net; hostname; ls /sys/fs/cgroup; cat /proc/keys'
	[[ "$output" != *seen* && "$output" != *"sleep 61"* && "$output" != *web2* ]]
	run inside sh -c 'for p in $(seq 1 5000); do kill -0 $p 2>/dev/null && echo $p; done'
	[ "${#lines[@]}" -lt 20 ]
	run inside cat /proc/net/unix
	[[ "$output" != *@* ]] # no socket of the host's by name
}

@test "a server with a bad init is refused in one line, and nothing is left" {
	croft create web1 --template busybox --init /bin/nosuch
	fails 1 timeout 20 croft start web1
	state_is web1 stopped
	croft set web1 --init /etc/passwd
	run --separate-stderr timeout 20 croft start web1
	[ "$status" -ne 0 ] && [ "$status" -ne 124 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	croft set web1 --init /bin/true # ends at once
	run timeout 20 croft start web1
	[ "$status" -ne 124 ]
	wait_for 10 state_is web1 stopped
	no_groups web1
}

@test "check: tells how many terminals all servers share, and when one can take them all" {
	local room
	room=$(($(</proc/sys/kernel/pty/max) - $(</proc/sys/kernel/pty/reserve)))
	run -0 croft check
	if [ $room -lt 60000 ]; then
		grep -qE "^terminals +without +$room for all servers together" <<<"$output"
	else
		grep -qE "^terminals +ok +$room" <<<"$output"
	fi
	# A server's own instance holds less than all of them.
	server web1
	grep -qE '/dev/pts devpts .*max=256' "/proc/$(field web1 init-pid)/mounts"
}
