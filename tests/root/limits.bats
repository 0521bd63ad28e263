#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts for inside; run --separate-stderr sets stderr
# Limits: that each one bites, that a change of a running server bites, and that croft never claims
# a limit that the kernel does not keep.
bats_require_minimum_version 1.5.0
load helpers

# kernel NAME OPTION: what the kernel holds for it, on either version of control groups.
kernel() {
	local name=$1 controller one two dir
	case $2 in
	memory) controller=memory one=memory.limit_in_bytes two=memory.max ;;
	swap) controller=memory one=memory.memsw.limit_in_bytes two=memory.swap.max ;;
	cpus) controller=cpu one=cpu.cfs_quota_us two=cpu.max ;;
	cpu-weight) controller=cpu one=cpu.shares two=cpu.weight ;;
	pids) controller=pids one=pids.max two=pids.max ;;
	esac
	dir=/sys/fs/cgroup/$controller/$CROFT_TEST_CGROUP/$name
	[ ! -e "$dir/$one" ] || {
		cat "$dir/$one"
		return
	}
	cat "$(group2 "$name")/$two"
}
group2() { # NAME: its version 2 group
	local dir
	for dir in /sys/fs/cgroup /sys/fs/cgroup/unified; do
		[ ! -e "$dir/cgroup.controllers" ] || echo "$dir/$CROFT_TEST_CGROUP/$1"
	done
}
is_v1() { [ -d "/sys/fs/cgroup/$1/$CROFT_TEST_CGROUP" ]; }

# Everything that a refused change must leave alone.
snapshot() {
	local option
	cat "/etc/croft/servers/$1.conf"
	[ ! -e "/run/croft/$1/state.json" ] || cat "/run/croft/$1/state.json"
	for option in memory swap cpus cpu-weight pids; do
		echo "$option $(kernel "$1" $option)"
	done
}

# The allocation touches every page of SIZE in one go; 137 is 128 + SIGKILL.
allocate() { croft exec "$1" -- dd if=/dev/zero of=/dev/null bs="$2" count=1; }

cpu_usec() { sed -n 's/^usage_usec //p' "$(group2 "$1")/cpu.stat"; }
burn() { # NAME N: N busy loops, for as long as the server runs
	# shellcheck disable=SC2016
	croft exec "$1" -- sh -c 'for i in $(seq '"$2"'); do (while :; do :; done) >/dev/null 2>&1 & done'
}
# used SECONDS NAME...: thousandths of a CPU that each used during that time
used() {
	local name t0 t1 seconds=$1
	local -A before
	shift
	for name in "$@"; do before[$name]=$(cpu_usec "$name"); done
	t0=${EPOCHREALTIME/./}
	sleep "$seconds"
	t1=${EPOCHREALTIME/./}
	for name in "$@"; do
		echo $((($(cpu_usec "$name") - before[$name]) * 1000 / (t1 - t0)))
	done
}
uses_more_than() { [ "$(used 1 "$2")" -gt "$1" ]; }
between() { # LOW VALUE HIGH
	echo "between $1 and $3: $2"
	[ "$2" -ge "$1" ] && [ "$2" -le "$3" ]
}

@test "memory: an allocation over the limit is killed inside and counted, the server goes on" {
	server web1 --memory 48M --swap 0
	allocate web1 8M
	[ "$(field web1 oom-kills)" -eq 0 ]
	run allocate web1 128M
	[ "$status" -eq 137 ]
	[ "$(field web1 oom-kills)" -ge 1 ]
	state_is web1 running
	[ "$(field web1 memory-peak)" -le $((48 << 20)) ]
	[ "$(kernel web1 memory)" -eq $((48 << 20)) ]
	croft exec web1 -- true
}

@test "memory: what is written to a tmpfs inside counts too" {
	server web1 --memory 48M --swap 0
	run croft exec web1 -- dd if=/dev/zero of=/dev/shm/big bs=1M count=128
	[ "$status" -ne 0 ]
	state_is web1 running
}

@test "memory: a change of a running server bites, upwards and downwards" {
	server web1 --memory 48M --swap 0
	run allocate web1 96M
	[ "$status" -eq 137 ]
	croft set web1 --memory 192M
	allocate web1 96M
	croft set web1 --memory 64M
	run allocate web1 96M
	[ "$status" -eq 137 ]
	grep -qx 'MEMORY="64M"' /etc/croft/servers/web1.conf
	croft set web1 --memory unlimited --swap unlimited
	allocate web1 96M
}

@test "memory: a limit below what is in use kills nobody and changes nothing" {
	server web1 --memory 256M --swap 0
	croft exec web1 -- dd if=/dev/zero of=/dev/shm/held bs=1M count=96
	local before
	before=$(snapshot web1)
	fails 6 croft set web1 --memory 32M
	[[ "$stderr" == *memory*"in use"* ]]
	diff <(echo "$before") <(snapshot web1)
	croft exec web1 -- test -e /dev/shm/held
	[ "$(field web1 oom-kills)" -eq 0 ]
	croft exec web1 -- rm /dev/shm/held
	croft set web1 --memory 32M
	[ "$(kernel web1 memory)" -eq $((32 << 20)) ]
}

@test "pids: the fork over the limit fails, and a change of a running server bites" {
	server web1 --pids 24
	local fork='n=0; while [ $n -lt 40 ]; do sleep 60 >/dev/null 2>&1 & n=$((n + 1)); done; echo all'
	run croft exec web1 -- sh -c "$fork"
	[ "$status" -ne 0 ]
	[[ "$output" == *fork* ]]
	[[ "$output" != *all* ]]
	[ "$(field web1 pids-used)" -le 24 ]
	# The shell that failed to fork is gone; one more fills its place. An administrator may still get
	# in, to put things right (a process that is moved into a group is not refused), or is told in one
	# line; but what comes in cannot fork.
	croft exec web1 -- sleep 60 >/dev/null 2>&1 3>&- &
	wait_for 5 pids_used_is web1 24
	run timeout 10 croft exec web1 -- sh -c 'true & wait'
	[ "$status" -ne 0 ] && [ "$status" -ne 124 ]
	[ "${#lines[@]}" -eq 1 ]

	croft set web1 --pids 200
	[ "$(kernel web1 pids)" -eq 200 ]
	run croft exec web1 -- sh -c "$fork"
	[ "$status" -eq 0 ]
	[ "$output" = all ]
	# Below what runs now: nobody is killed, nobody can be added.
	croft set web1 --pids 10
	[ "$(field web1 pids-used)" -gt 40 ]
	run timeout 10 croft exec web1 -- sh -c 'true & wait'
	[ "$status" -ne 0 ] && [ "$status" -ne 124 ]
	timeout 30 croft stop web1 --kill
}
pids_used_is() { [ "$(field "$1" pids-used)" -eq "$2" ]; }

@test "cpus: two busy loops get the promised share, before and after a change" {
	needs steady-clock
	server web1 --cpus 0.5
	burn web1 2
	sleep 0.5
	between 350 "$(used 2 web1)" 600
	croft set web1 --cpus 0.2
	sleep 0.3
	between 120 "$(used 2 web1)" 270
	croft set web1 --cpus unlimited
	wait_for 5 uses_more_than 350 web1 # other work of the host decides how much more
}

@test "cpu-weight: busy servers share the CPUs by their weights, before and after a change" {
	local n a b
	n=$(nproc)
	server light
	server heavy --cpu-weight 300
	burn light "$n"
	burn heavy "$n"
	sleep 0.5
	{ read -r a && read -r b; } < <(used 3 light heavy)
	between 200 $((b * 100 / (a + 1))) 450
	croft set light --cpu-weight 900
	sleep 0.3
	{ read -r a && read -r b; } < <(used 3 light heavy)
	between 200 $((a * 100 / (b + 1))) 450
}

@test "swap: what croft accepts is what the kernel holds, the rest is refused" {
	# Where swap is not counted the kernel has no file for it, and then there is no swap limit.
	run croft create web1 --template busybox --memory 64M --swap 32M
	if [ "$status" -eq 0 ]; then
		run croft start web1
	fi
	if [ "$status" -ne 0 ]; then
		[ "$status" -eq 8 ]
		[[ "$output" == *swap* ]]
		skip "needs swap accounting"
	fi
	if is_v1 memory; then # the sum of both
		[ "$(kernel web1 swap)" -eq $((96 << 20)) ]
		croft set web1 --memory 128M
		[ "$(kernel web1 memory)" -eq $((128 << 20)) ]
		[ "$(kernel web1 swap)" -eq $((160 << 20)) ]
		croft set web1 --memory 40M --swap 0
		[ "$(kernel web1 memory)" -eq $((40 << 20)) ]
		[ "$(kernel web1 swap)" -eq $((40 << 20)) ]
	else
		[ "$(kernel web1 swap)" -eq $((32 << 20)) ]
		croft set web1 --swap 0
		[ "$(kernel web1 swap)" -eq 0 ]
	fi
	run allocate web1 512M
	[ "$status" -eq 137 ]
}

@test "swap without memory is refused where the kernel limits only the sum" {
	is_v1 memory || skip "needs the memory controller on version 1"
	fails 8 croft create web1 --template busybox --swap 32M
	run -4 croft status web1
	server web1
	local before
	before=$(snapshot web1)
	fails 8 croft set web1 --swap 32M
	diff <(echo "$before") <(snapshot web1)
}

@test "several limits in one set: one that is refused keeps back the others" {
	server web1 --memory 128M --swap 0 --cpus 1 --pids 100
	croft exec web1 -- dd if=/dev/zero of=/dev/shm/held bs=1M count=64
	local before
	before=$(snapshot web1)
	fails 6 croft set web1 --pids 50 --cpus 0.5 --memory 16M
	fails 2 croft set web1 --pids 50 --cpus 0
	fails 2 croft set web1 --pids 50 --cpu-weight 10001
	diff <(echo "$before") <(snapshot web1)
}

@test "values at the edges are kept as they are, or refused: never changed in silence" {
	server web1
	local before option value
	# Whatever the kernel makes of these, what croft says is what is in force.
	for option in memory=4M memory=1024P memory=5000001 cpus=0.01 cpus=8192 cpu-weight=1 cpu-weight=10000 \
		pids=4194304 pids=1; do
		value=${option#*=}
		option=${option%%=*}
		before=$(snapshot web1)
		echo "$option=$value"
		if croft set web1 "--$option" "$value"; then
			case $option in
			memory) # whole pages
				between $(($(field web1 memory) - 4095)) "$(kernel web1 memory)" "$(field web1 memory)"
				;;
			cpus)
				[[ "$(kernel web1 cpus)" =~ ^$(awk "BEGIN { print $value * 100000 }")( |$) ]]
				;;
			pids) [ "$(kernel web1 pids)" = "$value" ] ;;
			cpu-weight)
				if is_v1 cpu; then
					[ "$(kernel web1 cpu-weight)" -eq $((value * 1024 / 100)) ]
				else
					[ "$(kernel web1 cpu-weight)" -eq "$value" ]
				fi
				;;
			esac
		else
			diff <(echo "$before") <(snapshot web1)
		fi
	done
}

@test "a limit whose controller the host lacks is refused: create, set and start" {
	is_v1 pids || skip "needs the pids controller on version 1"
	server web1
	local before
	before=$(snapshot web1)
	# A host without it: nothing of the machine changes, only what this process sees of it; what
	# croft noted of the host's groups is noted anew before and after.
	without_pids() {
		local code=0
		rm -f /run/croft/.cgroups
		# shellcheck disable=SC2016
		unshare --mount --propagation private sh -c 'umount /sys/fs/cgroup/pids && "$@"' sh "$@" || code=$?
		rm -f /run/croft/.cgroups
		return $code
	}
	fails 8 without_pids croft create web2 --template busybox --pids 50
	[[ "$stderr" == *pids* ]]
	run -4 croft status web2
	fails 8 without_pids croft set web1 --pids 50
	diff <(echo "$before") <(snapshot web1)
	croft stop web1 --kill
	croft set web1 --pids 50
	fails 8 without_pids croft start web1
	state_is web1 stopped
	croft start web1
	[ "$(kernel web1 pids)" -eq 50 ]
}

@test "limits are there from the first process on, and again after a reboot" {
	server web1 --memory 64M --swap 0 --pids 60 --cpus 1 --cpu-weight 50
	local before after
	before=$(snapshot web1 | grep -E '^(memory|swap|cpus|cpu-weight|pids) ')
	[[ "$before" == *"pids 60"* ]]
	croft exec web1 -- reboot -f || :
	wait_for 10 second_boot
	after=$(snapshot web1 | grep -E '^(memory|swap|cpus|cpu-weight|pids) ')
	[ "$before" = "$after" ]
}
second_boot() { [ "$(field web1 boots)" = 2 ] && state_is web1 running; }

@test "a server cannot lift its own limits" {
	server web1 --memory 48M --swap 0 --pids 30
	local before
	before=$(snapshot web1)
	croft exec web1 -- sh -c '
		for f in $(find /sys/fs/cgroup -name "memory.*max" -o -name "pids.max" -o -name "cpu.max" -o -name cgroup.procs -o -name "*limit_in_bytes"); do
			case $f in
			*cgroup.procs) echo 1 > $f ;;
			*) echo max > $f ;;
			esac
		done
		mkdir /sys/fs/cgroup/sub && echo $$ > /sys/fs/cgroup/sub/cgroup.procs
		dd if=/dev/zero of=/dev/null bs=128M count=1' >/dev/null 2>&1 && return 1
	diff <(echo "$before") <(snapshot web1)
	run allocate web1 128M
	[ "$status" -eq 137 ]
}

@test "a version 1 hierarchy that is made later, and one that is mounted nowhere, show no group of the host's" {
	needs own-kernel # a hierarchy is everybody's
	server web1
	local h=$BATS_TEST_TMPDIR/h look='mkdir -p /mnt/h; mount -t cgroup -o none,name=late x /mnt/h; ls /mnt/h; grep late /proc/1/cgroup'
	mkdir "$h"
	mount -t cgroup -o none,name=late late "$h"
	mkdir "$h/of-the-host"
	run croft exec web1 -- sh -c "$look"
	[[ "$output" == *of-the-host* ]] # too late for this one: the test can fail
	local step
	for step in mounted "not mounted"; do
		[ "$step" = mounted ] || umount "$h"
		croft restart web1 --kill
		run croft exec web1 -- sh -c "$look"
		echo "$output"
		[[ "$output" == *tasks* && "$output" == *name=late:/ ]]
		[[ "$output" != *of-the-host* ]]
	done
	croft destroy web1 --force
	umount /run/croft/.cgroup1-*
	rmdir /run/croft/.cgroup1-*
	mount -t cgroup -o none,name=late late "$h"
	rmdir "$h/of-the-host" "$h/$CROFT_TEST_CGROUP"
	umount "$h"
	croft list -a >/dev/null
}

@test "what a user writes to /dev/shm ends at half of MEMORY, and does not end the server" {
	server web1 --memory 64M --swap 0
	[ "$(croft exec web1 -- df -m /dev/shm | awk 'END { print $2 }')" -eq 32 ]
	[ "$(croft exec web1 -- df -m /run | awk 'END { print $2 }')" -eq 32 ]
	run croft exec web1 -u 1000 -- dd if=/dev/zero of=/dev/shm/x bs=1M count=100
	[ "$status" -ne 0 ]
	[[ "$output" == *"No space left"* ]]
	state_is web1 running
	server web2
	[ "$(croft exec web2 -- df -m /dev/shm | awk 'END { print $2 }')" -gt 64 ]
}

# Of the host.
used_kb() { awk '/^(MemTotal|MemFree|Buffers|Cached|SReclaimable):/ { v[$1] = $2 } END { print v["MemTotal:"] - v["MemFree:"] - v["Buffers:"] - v["Cached:"] - v["SReclaimable:"] }' /proc/meminfo; }

@test "memory that the kernel charges to nobody cannot be had: rings of packet sockets, transforms" {
	needs program:gcc
	server web1 --memory 32M --swap 0
	gcc -static -O1 -o "$BATS_TEST_TMPDIR/uncharged" "$BATS_TEST_DIRNAME/uncharged.c"
	croft exec web1 -- sh -c "cat >/uncharged && chmod 755 /uncharged" <"$BATS_TEST_TMPDIR/uncharged"
	local what before after
	for what in rx-ring tx-ring xfrm; do
		before=$(used_kb)
		croft exec web1 -- /uncharged $what >"$BATS_TEST_TMPDIR/said" 2>&1 </dev/null 3>&- &
		wait_for 30 grep -q "done" "$BATS_TEST_TMPDIR/said"
		after=$(used_kb)
		wait $!
		cat "$BATS_TEST_TMPDIR/said"
		echo "$what: $(((after - before) / 1024)) MB of the host's, of a server with 32M"
		[ $((after - before)) -lt 150000 ]
	done
}

@test "a hostile caller: the right to real time and to high priority" {
	(ulimit -r 50 && ulimit -e 40) 2>/dev/null || skip "needs a caller that may raise its limits"
	croft create web1 --template busybox
	(
		ulimit -r 50
		ulimit -e 40
		croft start web1
	)
	grep '^Max realtime priority *0 *0 ' "/proc/$(field web1 init-pid)/limits"
	grep '^Max nice priority *0 *0 ' "/proc/$(field web1 init-pid)/limits"
}
