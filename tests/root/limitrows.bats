#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts for inside; run --separate-stderr sets stderr
# Each limit has a test "row OPTION" (tests/meta/rows.bats sees to it): a probe inside shows that it
# bites, that a change of the running server bites, and that it is there after a restart; where the host
# cannot keep it, it is refused. Those of memory, swap, cpus, cpu-weight and pids are in limits.bats.
bats_require_minimum_version 1.5.0
load helpers

group2() { # NAME: its version 2 group
	local dir
	for dir in /sys/fs/cgroup /sys/fs/cgroup/unified; do
		[ ! -e "$dir/cgroup.controllers" ] || echo "$dir/$CROFT_TEST_CGROUP/$1"
	done
}
# file NAME CONTROLLER FILE2 FILE1: the path of a file of the server's group, wherever the controller is.
file() {
	local dir
	for dir in "/sys/fs/cgroup/$2/$CROFT_TEST_CGROUP/$1" "/sys/fs/cgroup/$2/$CROFT_TEST_CGROUP.limited/$1"; do
		[ ! -d "$dir" ] || {
			echo "$dir/$4"
			return
		}
	done
	echo "$(group2 "$1")/$3"
}
is_v2() { # CONTROLLER
	grep -qw "$1" "$(dirname "$(group2 x)")/cgroup.controllers"
}
# refused OPTION VALUE: create and set say that this host cannot keep it, and change nothing.
refused() {
	fails 8 croft create web9 --template busybox "--$1" "$2"
	[[ "$stderr" == *"$1: "* ]]
	run -4 croft status web9
	[ -e /etc/croft/servers/web1.conf ] || server web1
	local before
	before=$(cat /etc/croft/servers/web1.conf /run/croft/web1/state.json)
	fails 8 croft set web1 "--$1" "$2"
	[ "$before" = "$(cat /etc/croft/servers/web1.conf /run/croft/web1/state.json)" ]
}
# SIZE: one allocation that touches every page.
allocate() { timeout "${3:-60}" croft exec "$1" -- dd if=/dev/zero of=/dev/null bs="$2" count=1; }
key() { sed -n "s/^$2 //p" "$1"; }
took() { # COMMAND...: milliseconds, to $ms
	local start=${EPOCHREALTIME/./}
	"$@"
	ms=$(((${EPOCHREALTIME/./} - start) / 1000))
}

@test "row memory-high" {
	is_v2 memory || {
		refused memory-high 32M
		return
	}
	server web1 --memory 512M --swap 0 --memory-high 24M
	throttled() { [ "$(key "$(group2 web1)/memory.events" high)" -gt "$1" ]; }
	# What cannot be paged out is throttled more and more: it does not get there.
	run -124 allocate web1 128M 4
	throttled 0
	croft set web1 --memory-high 300M
	allocate web1 128M
	croft set web1 --memory-high 24M
	run -124 allocate web1 128M 4
	croft restart web1 --kill
	[ "$(cat "$(group2 web1)/memory.high")" -eq $((24 << 20)) ]
	run -124 allocate web1 128M 4
	throttled 0
	state_is web1 running
}

@test "row memory-guarantee" {
	is_v2 memory || {
		refused memory-guarantee 32M
		return
	}
	local above
	above=$(dirname "$(group2 x)")
	[ -e "$above/memory.reclaim" ] || skip "needs memory.reclaim"
	hold() { croft exec "$1" -- sh -c 'dd if=/dev/zero of=/held bs=1M count=64 && sync && cat /held >/dev/null' 2>/dev/null; }
	current() { cat "$(group2 "$1")/memory.current"; }
	reclaim() { echo 1G >"$above/memory.reclaim" 2>/dev/null || :; }
	server web1 --memory-guarantee 48M
	server web2
	hold web1
	hold web2
	reclaim
	[ "$(current web1)" -ge $((45 << 20)) ] # the last batch may go a little below
	[ "$(current web2)" -lt $((40 << 20)) ]
	[ "$(cat "$above/memory.min")" -eq $((48 << 20)) ]
	croft set web1 --memory-guarantee 0
	croft set web2 --memory-guarantee 48M
	hold web1
	hold web2
	reclaim
	[ "$(current web1)" -lt $((40 << 20)) ]
	[ "$(current web2)" -ge $((45 << 20)) ] # the last batch may go a little below
	croft restart web2 --kill
	hold web2
	reclaim
	[ "$(current web2)" -ge $((45 << 20)) ] # the last batch may go a little below
	fails 2 croft set web2 --memory 32M # less than the guarantee
	croft stop web2 --kill
	[ "$(cat "$above/memory.min")" -eq 0 ]
}

@test "row oom-group" {
	is_v2 memory || {
		refused oom-group yes
		return
	}
	server web1 --memory 48M --swap 0 --oom-group yes
	run allocate web1 128M
	[ "$status" -ne 0 ]
	wait_for 10 state_is web1 stopped
	croft start web1
	croft set web1 --oom-group no
	run -137 allocate web1 128M
	state_is web1 running
	croft set web1 --oom-group yes
	croft restart web1 --kill
	run allocate web1 128M
	wait_for 10 state_is web1 stopped
}

@test "row oom-score" {
	server web1 --oom-score 500
	inside() { croft exec web1 -- cat /proc/1/oom_score_adj /proc/self/oom_score_adj | paste -sd' '; }
	[ "$(inside)" = "500 500" ]
	croft exec web1 -- sleep 1000 >/dev/null 2>&1 3>&- &
	wait_for 5 croft exec web1 -- pidof sleep
	croft set web1 --oom-score 200
	[ "$(inside)" = "200 200" ]
	[ "$(croft exec web1 -- sh -c 'cat /proc/$(pidof sleep)/oom_score_adj')" -eq 200 ]
	croft restart web1 --kill
	[ "$(inside)" = "200 200" ]
	fails 2 croft set web1 --oom-score 1001
	fails 2 croft set web1 --oom-score -1
}

@test "row cpu-burst" {
	local stat
	server web1 --cpus 0.5 --cpu-burst 50ms
	[ "$(cat "$(file web1 cpu cpu.max.burst cpu.cfs_burst_us)")" = 50000 ]
	fails 2 croft set web1 --cpu-burst 51ms
	fails 2 croft set web1 --cpus 0.4
	# both grow, both shrink: the kernel wants the burst within the quota at every moment
	croft set web1 --cpus 1 --cpu-burst 100ms
	croft set web1 --cpus 0.2 --cpu-burst 10ms
	croft set web1 --cpus 0.5 --cpu-burst 50ms
	croft restart web1 --kill
	stat=$(file web1 cpu cpu.stat cpu.stat)
	[ "$(cat "$(dirname "$stat")"/cpu.*burst*)" = 50000 ]
	needs steady-clock
	local before
	bursts() { # short work with pauses: what was saved is used
		croft exec web1 -- sh -c 'for i in $(seq 10); do n=0; while [ $n -lt 40000 ]; do n=$((n + 1)); done; sleep 0.4; done'
	}
	# More than its quota in one period is had on a busy host as well when the quota is small.
	croft set web1 --cpus 0.2 --cpu-burst 20ms
	bursts
	[ "$(key "$stat" nr_bursts)" -gt 0 ]
	croft set web1 --cpu-burst 0
	before=$(key "$stat" nr_bursts)
	bursts
	[ "$(key "$stat" nr_bursts)" -eq "$before" ]
}

cpus_inside() { croft exec "$1" -- sed -n "s/^Cpus_allowed_list:[[:space:]]*//p" /proc/self/status; }
mems_inside() { croft exec "$1" -- sed -n "s/^Mems_allowed_list:[[:space:]]*//p" /proc/self/status; }

@test "row cpu-set" {
	local all n
	is_v2 cpuset || [ -d /sys/fs/cgroup/cpuset ] || {
		refused cpu-set 0
		return
	}
	server web1 --cpu-set 0
	[ "$(cpus_inside web1)" = 0 ]
	[ "$(croft exec web1 -- nproc)" -eq 1 ]
	all=$(</sys/devices/system/cpu/online)
	server web2
	croft exec web2 -- sleep 1000 >/dev/null 2>&1 3>&- &
	wait_for 5 croft exec web2 -- pidof sleep
	[ "$(cpus_inside web2)" = "$all" ]
	croft set web2 --cpu-set 0
	[ "$(cpus_inside web2)" = 0 ]
	# what ran before as well
	[ "$(croft exec web2 -- sh -c 'sed -n "s/^Cpus_allowed_list:[[:space:]]*//p" /proc/1/status /proc/$(pidof sleep)/status' | paste -sd' ')" = "0 0" ]
	croft set web2 --cpu-set all
	[ "$(cpus_inside web2)" = "$all" ]
	n=${all##*[-,]}
	croft set web1 --cpu-set "$n"
	[ "$(cpus_inside web1)" = "$n" ]
	croft restart web1 --kill
	[ "$(cpus_inside web1)" = "$n" ]
	croft exec web1 -- reboot -f || :
	wait_for 10 second_boot web1
	[ "$(cpus_inside web1)" = "$n" ]
	fails 8 croft set web1 --cpu-set 4000
	[[ "$stderr" == *"no CPU 4000"* ]]
	fails 2 croft set web1 --cpu-set 1-
	fails 2 croft set web1 --cpu-set 99999
}
second_boot() { [ "$(field "$1" boots)" = 2 ] && state_is "$1" running; }

@test "row numa-set" {
	[ -e /sys/devices/system/node/has_memory ] || skip "needs NUMA"
	server web1 --numa-set 0
	[ "$(mems_inside web1)" = 0 ]
	croft set web1 --numa-set all
	croft set web1 --numa-set 0
	[ "$(cat "$(file web1 cpuset cpuset.mems cpuset.mems)")" = 0 ]
	croft restart web1 --kill
	[ "$(cat "$(file web1 cpuset cpuset.mems cpuset.mems)")" = 0 ]
	fails 8 croft set web1 --numa-set 1000
}

# transfer NAME read|write SIZE BLOCKS: past the page cache
transfer() {
	local if=/dev/zero of=/io flag=oflag
	[ "$2" = write ] || if=/io of=/dev/null flag=iflag
	croft exec "$1" -- dd if=$if of=$of bs="$3" count="$4" $flag=direct
}
# bites OPTION VALUE read|write SIZE BLOCKS: with it the transfer takes at least two seconds, without
# it, in the same server, less than half of what it took.
bites() {
	local ms with
	server web1 "--$1" "$2"
	croft exec web1 -- dd if=/dev/zero of=/io bs=1M count=8
	croft exec web1 -- sync
	took transfer web1 "$3" "$4" "$5"
	with=$ms
	echo "$1=$2: $with ms"
	[ "$with" -gt 2000 ]
	croft set web1 "--$1" unlimited
	took transfer web1 "$3" "$4" "$5"
	echo "unlimited: $ms ms"
	[ $((ms * 2)) -lt "$with" ]
	croft set web1 "--$1" "$2"
	took transfer web1 "$3" "$4" "$5"
	[ "$ms" -gt 2000 ]
	croft restart web1 --kill
	took transfer web1 "$3" "$4" "$5"
	[ "$ms" -gt 2000 ]
}

@test "row io-read-bps" { bites io-read-bps 1M read 512K 8; }
@test "row io-read-iops" { bites io-read-iops 8 read 4K 30; }
@test "row io-write-bps" {
	is_v2 io || {
		refused io-write-bps 1M
		return
	}
	bites io-write-bps 1M write 512K 8
	# buffered writes are the server's, too
	croft exec web1 -- sh -c 'dd if=/dev/zero of=/buffered bs=1M count=4 2>/dev/null'
	took croft exec web1 -- sync
	[ "$ms" -gt 2000 ]
}
@test "row io-write-iops" {
	is_v2 io || {
		refused io-write-iops 8
		return
	}
	bites io-write-iops 8 write 4K 30
}

@test "I/O limits: refused where no disk is behind the files" {
	local was
	was=$(mktemp -d)
	cp -a /var/lib/croft/templates/busybox "$was/"
	mount -t tmpfs none /var/lib/croft
	mkdir /var/lib/croft/templates
	cp -a "$was/busybox" /var/lib/croft/templates/
	fails 8 croft create web1 --template busybox --io-read-bps 1M
	echo "$stderr"
	umount /var/lib/croft
	rm -rf "$was"
	[[ "$stderr" == *"no block device is behind"* ]]
}

@test "row io-weight" {
	if ! croft create web1 --template busybox --io-weight 500; then
		refused io-weight 500
		[[ "$stderr" == *scheduler* ]]
		return
	fi
	croft start web1
	server web2
	local file
	file=$(file web1 blkio io.bfq.weight blkio.bfq.weight)
	[ -e "$file" ] || file=$(dirname "$file")/io.weight
	grep -qw 500 "$file"
	croft set web1 --io-weight 800
	grep -qw 800 "$file"
	croft restart web1 --kill
	grep -qw 800 "$file"
}

@test "row hugepages" {
	local dir name
	dir=$(group2 web1)
	server web1
	if ! compgen -G "$dir/hugetlb.*.max" >/dev/null && ! compgen -G "/sys/fs/cgroup/hugetlb/$CROFT_TEST_CGROUP*" >/dev/null; then
		refused hugepages 4M
		return
	fi
	for name in "$dir"/hugetlb.*.max; do [ "$(cat "$name")" = 0 ]; done
	croft set web1 --hugepages 4M
	[ "$(cat "$dir"/hugetlb.2MB.max)" = $((4 << 20)) ]
	[ "$(cat "$dir"/hugetlb.2MB.rsvd.max)" = $((4 << 20)) ]
	croft restart web1 --kill
	[ "$(cat "$dir"/hugetlb.2MB.max)" = $((4 << 20)) ]
	croft set web1 --hugepages unlimited
	[ "$(cat "$dir"/hugetlb.2MB.max)" = max ]
}

ptys_max() { croft exec "$1" -- sed -n 's/.* devpts .*max=\([0-9]*\).*/\1/p' /proc/mounts | head -n1; }
@test "row ptys" {
	# each open of ptmx is one; init's console is another
	open_ptys() { croft exec web1 -- sh -c 'exec 3<>/dev/ptmx 4<>/dev/ptmx 5<>/dev/ptmx'; }
	server web1 --ptys 3
	[ "$(ptys_max web1)" -eq 3 ]
	run open_ptys
	[ "$status" -ne 0 ]
	croft set web1 --ptys 100
	[ "$(ptys_max web1)" -eq 100 ]
	open_ptys
	croft exec web1 -- grep 'devpts.*mode=620,ptmxmode=666' /proc/mounts # as it was
	croft restart web1 --kill
	[ "$(ptys_max web1)" -eq 100 ]
	open_ptys
}

shm_mb() { croft exec "$1" -- df -m /dev/shm | awk 'END { print $2 }'; }
@test "/dev/shm and /run follow MEMORY while the server runs" {
	server web1 --memory 64M
	[ "$(shm_mb web1)" -eq 32 ]
	croft set web1 --memory 128M
	[ "$(shm_mb web1)" -eq 64 ]
	[ "$(croft exec web1 -- df -m /run | awk 'END { print $2 }')" -eq 64 ]
	croft set web1 --memory unlimited
	[ "$(shm_mb web1)" -gt 128 ]
}

limit_inside() { croft exec "$1" -- sh -c "ulimit -H$2"; }
@test "row nofile" {
	server web1 --nofile 100
	[ "$(limit_inside web1 n)" -eq 100 ]
	run croft exec web1 -- sh -c 'i=3; while [ $i -lt 200 ]; do eval "exec $i</dev/null" || exit 1; i=$((i + 1)); done'
	[ "$status" -ne 0 ]
	[[ "$output" == *"Too many open files"* || "$output" == *"open"* ]]
	run -0 croft set web1 --nofile 500
	[[ "$output" == *"next start: nofile"* ]]
	[ "$(limit_inside web1 n)" -eq 100 ]
	croft restart web1 --kill
	[ "$(limit_inside web1 n)" -eq 500 ]
}

@test "row nproc" {
	server web1 --nproc 30
	run croft exec web1 -u 1000 -- sh -c 'n=0; while [ $n -lt 60 ]; do sleep 60 >/dev/null 2>&1 & n=$((n + 1)); done; echo all'
	[ "$status" -ne 0 ] || [[ "$output" != *all* ]]
	[[ "$output" == *fork* ]]
	croft set web1 --nproc 200
	croft restart web1 --kill
	run -0 croft exec web1 -u 1000 -- sh -c 'n=0; while [ $n -lt 60 ]; do sleep 60 >/dev/null 2>&1 & n=$((n + 1)); done; echo all'
	[ "$output" = all ]
}

@test "row memlock, msgqueue, sigpending" {
	server web1 --memlock 64K --msgqueue 100K --sigpending 50
	croft exec web1 -- sed -n 's/ \{2,\}/ /gp' /proc/1/limits >"$BATS_TEST_TMPDIR/limits"
	grep -x 'Max locked memory 65536 65536 bytes ' "$BATS_TEST_TMPDIR/limits"
	grep -x 'Max msgqueue size 102400 102400 bytes ' "$BATS_TEST_TMPDIR/limits"
	grep -x 'Max pending signals 50 50 signals ' "$BATS_TEST_TMPDIR/limits"
}

@test "row cgroup" {
	server web1 --cgroup pids.max=10 || :
	run -4 croft status web1 # pids.max has an option
	if is_v2 memory; then
		server web1 --cgroup memory.swap.high=64M
		[ "$(cat "$(group2 web1)/memory.swap.high")" -eq $((64 << 20)) ]
		croft set web1 --cgroup memory.swap.high=32M
		[ "$(cat "$(group2 web1)/memory.swap.high")" -eq $((32 << 20)) ]
		fails 1 croft set web1 --cgroup memory.swap.high=16M --cgroup memory.low=nonsense
		[ "$(cat "$(group2 web1)/memory.swap.high")" -eq $((32 << 20)) ]
		croft restart web1 --kill
		[ "$(cat "$(group2 web1)/memory.swap.high")" -eq $((32 << 20)) ]
	else
		local file=/sys/fs/cgroup/memory/$CROFT_TEST_CGROUP/web1/memory.swappiness
		server web1 --cgroup memory.swappiness=10
		[ "$(cat "$file")" -eq 10 ]
		croft set web1 --cgroup memory.swappiness=20
		[ "$(cat "$file")" -eq 20 ]
		fails 1 croft set web1 --cgroup memory.swappiness=30 --cgroup memory.soft_limit_in_bytes=nonsense
		[ "$(cat "$file")" -eq 20 ]
		croft restart web1 --kill
		[ "$(cat "$file")" -eq 20 ]
	fi
	fails 8 croft set web1 --cgroup memory.nosuch=1
	fails 2 croft set web1 --cgroup cgroup.procs=1
	fails 2 croft set web1 --cgroup ../memory.max=1
	fails 2 croft set web1 --cgroup memory.swap.high
}
