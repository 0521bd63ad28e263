#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts for inside; run sets output and stderr
# croft stats: each failure is counted, and nothing is forgotten.
bats_require_minimum_version 1.5.0
load helpers

# stat NAME RESOURCE MEMBER: one figure
stat_of() {
	croft stats "$1" --json | sed -n "s/.*{\"resource\":\"$2\",\([^}]*\)}.*/\1/p" | tr ',' '\n' | sed -n "s/^\"$3\"://p"
}
is_v1() { [ -d "/sys/fs/cgroup/$1/$CROFT_TEST_CGROUP" ]; }

@test "memory: the most that was held, and each process that was killed, over stop and start" {
	server web1 --memory 48M --swap 0
	[ "$(stat_of web1 oom-kills failed)" -eq 0 ]
	run croft exec web1 -- dd if=/dev/zero of=/dev/null bs=128M count=1
	[ "$(stat_of web1 oom-kills failed)" -eq 1 ]
	[ "$(stat_of web1 memory limit)" -eq $((48 << 20)) ]
	[ "$(stat_of web1 memory maxheld)" -gt $((40 << 20)) ]
	is_v1 memory || [ "$(stat_of web1 memory failed)" -gt 0 ]
	croft restart web1 --kill
	[ "$(stat_of web1 memory held)" -lt $((30 << 20)) ]
	[ "$(stat_of web1 memory maxheld)" -gt $((40 << 20)) ]
	run croft exec web1 -- dd if=/dev/zero of=/dev/null bs=128M count=1
	[ "$(stat_of web1 oom-kills failed)" -eq 2 ]
	croft stop web1
	[ "$(stat_of web1 oom-kills failed)" -eq 2 ]
	[ "$(stat_of web1 memory held)" = null ]
	[ "$(stat_of web1 memory maxheld)" -gt $((40 << 20)) ]
	run -0 croft stats web1
	[[ "${lines[0]}" == RESOURCE*HELD*MAXHELD*LIMIT*FAILED ]]
	[[ "$output" == *oom-kills*2* ]]
}

@test "pids and cpu: refused forks and time that was waited, over a reboot inside" {
	server web1 --pids 20 --cpus 0.2
	croft exec web1 -- sh -c 'n=0; while [ $n -lt 40 ]; do sleep 60 >/dev/null 2>&1 & n=$((n + 1)); done' 2>/dev/null || :
	[ "$(stat_of web1 pids failed)" -ge 1 ]
	[ "$(stat_of web1 pids maxheld)" -eq 20 ]
	local failed waited used
	failed=$(stat_of web1 pids failed)
	croft set web1 --pids 100
	croft exec web1 -- sh -c 'n=0; while [ $n -lt 200000 ]; do n=$((n + 1)); done'
	waited=$(stat_of web1 cpu failed)
	used=$(stat_of web1 cpu held)
	[ "$waited" -gt 0 ]
	croft exec web1 -- reboot -f || :
	wait_for 20 second_boot
	[ "$(stat_of web1 pids failed)" -eq "$failed" ]
	[ "$(stat_of web1 cpu failed)" -ge "$waited" ]
	[ "$(stat_of web1 cpu held)" -ge "$used" ]
}
second_boot() { [ "$(field web1 boots)" = 2 ] && state_is web1 running; }

@test "the figures outlive the monitor, and a stop that was killed counts once" {
	server web1 --memory 48M --swap 0
	run croft exec web1 -- dd if=/dev/zero of=/dev/null bs=128M count=1
	kill -9 "$(field web1 monitor-pid)"
	croft recover
	[ "$(stat_of web1 oom-kills failed)" -eq 1 ]
	local n
	for n in 60 120 180 240 300; do
		"$CROFT_TEST_BUILD/tests/fault/fault" kill $n croft stop web1 --kill >/dev/null 2>&1 || :
		croft recover
		[ "$(stat_of web1 oom-kills failed)" -eq 1 ]
		croft start web1
		[ "$(stat_of web1 oom-kills failed)" -eq 1 ]
	done
}

@test "counters never go backwards while a server is stopped, started and read at once" {
	server web1 --cpus 0.9
	local before=0 now
	(for _ in $(seq 12); do croft restart web1 --kill; done) >/dev/null 2>&1 3>&- &
	while kill -0 $! 2>/dev/null; do
		now=$(stat_of web1 cpu held)
		[ "$now" -ge "$before" ] || {
			echo "from $before to $now"
			return 1
		}
		before=$now
	done
	[ "$before" -gt 0 ]
}

# moved NAME: bytes received and sent
moved() { echo "$(stat_of "$1" net-received held) $(stat_of "$1" net-sent held)"; }
# no_less "RECEIVED SENT" "RECEIVED SENT": the second has as much, or more
no_less() {
	local a b c d
	read -r a b <<<"$1"
	read -r c d <<<"$2"
	if [ "$c" -lt "$a" ] || [ "$d" -lt "$b" ]; then
		echo "from $1 to $2"
		return 1
	fi
}
# 300,000 bytes each way.
talk() { ping -q -c 5 -i 0.02 -s 60000 "$1" >/dev/null; }

@test "network: bytes both ways, over a stop, a power off, a reboot and a kill; without a link unknown" {
	server web1 --ip 10.77.0.9
	local one two three
	croft create web2 --template busybox --net none
	talk 10.77.0.9
	one=$(moved web1)
	no_less "300000 300000" "$one"
	no_less "$one" "400000 400000"
	croft restart web1
	two=$(moved web1)
	no_less "$one" "$two"
	talk 10.77.0.9
	croft exec web1 -- reboot -f || :
	wait_for 20 second_boot
	three=$(moved web1)
	no_less "600000 600000" "$three"
	talk 10.77.0.9
	croft exec web1 -- poweroff -f || :
	wait_for 20 state_is web1 stopped
	no_less "900000 900000" "$(moved web1)"
	no_less "$(moved web1)" "1100000 1100000"
	croft start web1
	talk 10.77.0.9
	croft stop web1 --kill
	no_less "1200000 1200000" "$(moved web1)"
	no_less "$(moved web1)" "1500000 1500000"
	[ "$(croft list -a --json -o net-sent web1 | tr -dc '0-9\n')" = "$(stat_of web1 net-sent held)" ]
	croft start web2
	[ "$(moved web2)" = "null null" ]
}

# How it ended is not always known then.
has_ended() { ! state_is web1 running; }
@test "network: a monitor that was killed, and then the server as well" {
	server web1 --ip 10.77.0.9
	talk 10.77.0.9
	kill -9 "$(field web1 monitor-pid)"
	croft recover
	no_less "300000 300000" "$(moved web1)"
	croft exec web1 -- poweroff -f || :
	wait_for 20 has_ended
	no_less "300000 300000" "$(moved web1)"
	croft start web1
	talk 10.77.0.9
	kill -9 "$(field web1 init-pid)"
	wait_for 20 has_ended
	no_less "600000 600000" "$(moved web1)"
}

@test "network: a stop that is killed at any moment, and a link that the server has taken away" {
	server web1 --ip 10.77.0.9
	local n before
	for n in 100 180 260 300 340 380 420; do
		talk 10.77.0.9
		before=$(moved web1)
		"$CROFT_TEST_BUILD/tests/fault/fault" kill $n croft stop web1 --kill >/dev/null 2>&1 || :
		croft recover
		no_less "$before" "$(moved web1)"
		croft start web1
	done
	before=$(moved web1)
	croft exec web1 -- sh -c 'unshare -n sleep 60 >/dev/null 2>&1 & sleep 0.3; ip link set eth0 netns $!'
	croft stop web1 --kill
	no_less "$before" "$(moved web1)"
}

@test "a ledger that cannot be written is kept beside the records, and goes on from there" {
	server web1 --memory 32M --swap 0
	local dir=/var/lib/croft/servers/web1 used
	croft exec web1 -- sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done'
	mkdir -p $dir/.ledger.tmp/full # nobody can write there now, as on a full disk
	used=$(stat_of web1 cpu held)
	croft stop web1 --kill
	[ ! -e $dir/ledger ]
	[ -e /run/croft/.ledger.web1 ]
	[ "$(stat_of web1 cpu held)" -ge "$used" ]
	used=$(stat_of web1 cpu held)
	croft restart web1
	croft exec web1 -- reboot || true
	until [ "$(croft list -H -o state web1)" = running ]; do sleep 0.1; done
	[ "$(stat_of web1 cpu held)" -gt "$used" ]
	used=$(stat_of web1 cpu held)
	rm -r $dir/.ledger.tmp
	croft stop web1 --kill
	[ -e $dir/ledger ] && [ ! -e /run/croft/.ledger.web1 ]
	[ "$(stat_of web1 cpu held)" -ge "$used" ]
	croft start web1
	mkdir -p $dir/.ledger.tmp/full
	croft stop web1 --kill
	[ -e /run/croft/.ledger.web1 ]
	croft destroy web1
	[ ! -e /run/croft/.ledger.web1 ]
}

@test "what is no ledger is set aside, and the next one begins" {
	server web1
	local ledger=/var/lib/croft/servers/web1/ledger make
	for make in "mkfifo $ledger" "mkdir $ledger" "ln -s $ledger $ledger" "truncate -s 5G $ledger" "ln -s /dev/zero $ledger"; do
		rm -rf "$ledger" "$ledger.bad"
		$make
		[ "$(stat_of web1 cpu held)" -gt 0 ]
		croft restart web1 --kill
		[ -f "$ledger" ] && [ ! -L "$ledger" ]
		[ -e "$ledger.bad" ] || [ -L "$ledger.bad" ]
		[ "$(stat_of web1 cpu held)" -gt 0 ]
	done
}

@test "network: counters never go backwards while a server is stopped, started and read at once" {
	server web1 --ip 10.77.0.9
	talk 10.77.0.9
	local before now
	before=$(moved web1)
	(for _ in $(seq 8); do croft restart web1 --kill && croft recover; done) >/dev/null 2>&1 3>&- &
	while kill -0 $! 2>/dev/null; do
		now=$(moved web1)
		no_less "$before" "$now"
		before=$now
	done
}

@test "stats of none, of many, of a damaged ledger" {
	fails 4 croft stats nosuch
	server web1
	server web2
	run -0 croft stats web1 web2
	[[ "$output" == *"web1:"*"web2:"* ]]
	[ "$(croft stats --all --json | grep -c '"resources"')" -eq 2 ]
	croft stop --all --kill
	echo rubbish >/var/lib/croft/servers/web1/ledger
	run -0 croft stats web1
	printf 'croft-ledger 1\nrun x\ncpu_usec 5 7\noom_kills -1 x\n' >/var/lib/croft/servers/web1/ledger
	[ "$(stat_of web1 cpu held)" -eq 12 ]
	[ "$(stat_of web1 oom-kills failed)" = null ]
}

# calls COMMAND...: how many system calls it makes. What is cached for a boot is there already.
calls() {
	"$@" >/dev/null
	"$CROFT_TEST_BUILD/tests/fault/fault" count "$@" | head -n 1
}

@test "list, stats and top cost the same number of calls for each further server" {
	local n names=() one=() all
	all=$(croft list -o help -H | cut -d' ' -f1 | paste -sd,)
	for n in $(seq 21); do
		names+=("s$n")
	done
	croft create "${names[@]}" --template busybox --net none >/dev/null
	local cols=name,memory-used,memory-peak,cpu-throttled,pids-failures,io-read
	for n in 1 11 21; do
		croft start "${names[@]:0:n}" >/dev/null 2>&1 || :
		one+=("$(calls croft list -H -o "$cols" --sort -cpu-used) $(calls croft list -H -o "$all") $(calls croft stats --prometheus "${names[@]:0:n}") $(calls croft top -b -n 2 -d 0.1)")
	done
	echo "${one[@]/%/;}" # shown when the test fails
	local a b c i
	for i in 1 2 3 4; do
		a=$(cut -d' ' -f$i <<<"${one[0]}") b=$(cut -d' ' -f$i <<<"${one[1]}") c=$(cut -d' ' -f$i <<<"${one[2]}")
		# But for memory that the process asks the kernel for, and a directory that is read in two pieces.
		[ $((c - b - (b - a))) -le 12 ] && [ $((b - a - (c - b))) -le 12 ]
		[ $(((c - b) / 10)) -le 130 ]
	done
}

# Whether standard input is Prometheus' text exposition format 0.0.4, and as its tools want metrics: HELP
# and TYPE before the samples of a family, which stand together; no sample twice; counters end in _total.
is_metrics() {
	local text=$BATS_TEST_TMPDIR/metrics
	cat >"$text"
	! command -v promtool >/dev/null || promtool check metrics <"$text" || return 1
	awk '
		function bad(why) { print FILENAME ":" FNR ": " why ": " $0; wrong = 1 }
		/^# HELP / { if (seen[$3]++) bad("a family twice"); helped = $3; next }
		/^# TYPE / {
			if ($3 != helped || NF != 4 || $4 !~ /^(counter|gauge)$/) bad("TYPE")
			if (($4 == "counter") != ($3 ~ /_total$/)) bad("name of a counter")
			family = $3
			next
		}
		!/^croft_[a-z_]+\{server="([^"\\\n]|\\["\\n])*"(,[a-z]+="[A-Za-z0-9._:/@=-]+")?\} (\+Inf|[0-9]+(\.[0-9]+)?)$/ { bad("sample") }
		{
			name = $0
			sub(/\{.*/, "", name)
			if (name != family) bad("of another family")
			key = $0
			sub(/ [^ ]*$/, "", key)
			if (had[key]++) bad("twice")
		}
		END { exit wrong }' "$text"
}
# metric NAME SERVER: the value of a sample of $output
metric() { sed -n "s/^croft_$1{server=\"$2\"} //p" <<<"$output"; }

@test "prometheus: every server, running or not, in the format; the figures are those of stats and list" {
	server web1 --memory 48M --swap 0 --cpus 0.5
	croft create web2 --template busybox --memory 32M --tag owner=ann --tag gold --tag gold >/dev/null
	run croft exec web1 -- dd if=/dev/zero of=/dev/null bs=128M count=1
	run -0 croft stats --prometheus
	is_metrics <<<"$output"
	[[ "$output" == *$'\ncroft_up{server="web1"} 1\ncroft_up{server="web2"} 0\n'* ]]
	[[ "$output" == *'croft_state{server="web2",state="stopped"} 1'* ]]
	[[ "$output" == *$'\ncroft_tag{server="web2",tag="owner=ann"} 1\ncroft_tag{server="web2",tag="gold"} 1\n'* ]]
	[ "$(metric memory_limit_bytes web1)" = $((48 << 20)) ]
	[ "$(metric memory_limit_bytes web2)" = $((32 << 20)) ]
	[ "$(metric cpu_limit_cpus web1) $(metric cpu_limit_cpus web2)" = "0.5 +Inf" ]
	[ "$(metric oom_kills_total web1)" = 1 ]
	[ "$(metric memory_used_bytes web1)" -gt 0 ]
	[ -z "$(metric memory_used_bytes web2)" ]
	croft stop web1 --kill
	run -0 croft stats --prometheus web1
	is_metrics <<<"$output"
	[ "$(metric oom_kills_total web1)" = 1 ]
	[ "$(metric oom_kills_total web1)" = "$(croft list -H -o oom-kills web1)" ]
	[ "$(metric memory_peak_bytes web1)" = "$(stat_of web1 memory maxheld)" ]
	[ "$(metric memory_peak_bytes web1)" = "$(croft list --json -o memory-peak web1 | tr -dc 0-9)" ]
	[[ "$(metric cpu_used_seconds_total web1)" =~ ^[0-9]+\.[0-9]{6}$ ]]
	[[ "$output" != *web2* ]]
}

@test "prometheus: no server, a name that no server has, a damaged one" {
	run -0 croft stats --prometheus
	[ -z "$output" ]
	fails 4 croft stats --prometheus nosuch
	run -2 croft stats --prometheus --json
	fails 2 croft stats
	server web1
	server web2
	local state
	state=$(cat /run/croft/web1/state.json)
	echo '{' >/run/croft/web1/state.json
	run -0 croft stats --prometheus
	is_metrics <<<"$output"
	[[ "$output" == *'croft_state{server="web1",state="unknown"} 1'*'croft_pids_used{server="web2"} '* ]]
	echo "$state" >/run/croft/web1/state.json
}

@test "prometheus: servers that stop while they are read are stopped, and the rest is whole" {
	needs "program:$CROFT_TEST_BUILD/tests/fault/fault"
	server web1
	server web2
	(for _ in $(seq 8); do croft restart web1 --kill; done) >/dev/null 2>&1 3>&- &
	while kill -0 $! 2>/dev/null; do
		run -0 croft stats --prometheus
		is_metrics <<<"$output"
		[ "$(metric up web2)" = 1 ]
	done
	# At each call that looks at the groups of web1, they are gone.
	local n
	for n in $(seq 20 6 110); do
		run -0 --separate-stderr "$CROFT_TEST_BUILD/tests/fault/fault" hook "$n" 'croft stop web1 --kill' \
			croft stats --prometheus
		is_metrics <<<"$output"
		[ "$(metric up web2)" = 1 ]
		[ "$(metric up web1)" = 0 ] || [ -n "$(metric pids_used web1)" ]
		croft start web1
	done
}
