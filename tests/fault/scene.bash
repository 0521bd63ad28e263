# SPDX-License-Identifier: GPL-2.0-or-later
# What the fault tests share: the commands that are put through faults, what they begin with, and
# what must hold after. Sourced inside a test host.
# shellcheck shell=bash disable=SC2034 # used by those who source it

usage() { # prints the head of the script
	sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"
	exit 2
}
refuse() { # MESSAGE: it cannot be begun
	echo "${0##*/}: $1" >&2
	exit 2
}
[[ " $* " != *" --help "* ]] || usage
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
build=${CROFT_TEST_BUILD-}
[ -n "$build" ] || refuse "runs in a test host: tests/root/testhost BUILD $0 ..."
fault=$build/tests/fault/fault
nosys=$build/tests/fault/nosys
[[ -x "$fault" && -x "$nosys" ]] || refuse "$fault is not there: make faults"
work=$(mktemp -d /tmp/croft-fault.XXXXXX) # outside of what inventory looks at: see look()
export work
all_commands=(create start stop softstop destroy destroy-force set set-ip set-disk undo start-again stats)
trap 'rm -rf "$work"' EXIT
failed=0 tests=0
bad_most=10 # after so many the rest is not visited: each waits for what is left to go

absent() { [ ! -e /etc/croft/servers/swept.conf ] || croft destroy swept --force >/dev/null; }
stopped() {
	[ -e /etc/croft/servers/swept.conf ] || croft create swept --template busybox --ip 10.77.9.9 --quiet
	croft stop swept --kill >/dev/null
}
running() { stopped && croft start swept; }
# Its own boot script sets the host name, which a command that changes that may come before.
booted() {
	local log=/var/log/croft/swept.console.log try
	stopped && rm -f "$log" && croft start swept
	for ((try = 0; try < 400; try++)); do
		! grep -qs 'Please press Enter' "$log" || return 0
		sleep 0.05
	done
	refuse "swept has not booted"
}

# With files of its own in an image, which a change of its size copies.
imaged() {
	stopped && croft set swept --disk 32M --quiet
}

# With a configuration to go back to.
changed() { running && croft set swept --memory 80M --pids 90 --quiet && croft set swept --memory 64M --pids 100 --quiet; }

# define COMMAND: sets before (what it begins with) and at (the state of that), allowed (the states that
# it may leave when it does not end), after (the state when it succeeds) and command. A state "" is: no
# such server.
define() {
	case $1 in
	create) set -- absent '|stopped' stopped croft create swept --template busybox --ip 10.77.9.9 --password root:x --quiet ;;
	start) set -- stopped 'stopped|running' running croft start swept ;;
	stop) set -- running 'stopped|running' stopped croft stop swept --kill ;;
	softstop) set -- running 'stopped|running' stopped croft stop swept ;;
	destroy) set -- stopped '|stopped' '' croft destroy swept ;;
	destroy-force) set -- running '|stopped|running' '' croft destroy swept --force ;;
	set-ip) set -- booted running running croft set swept --ip 10.77.9.10 --hostname other --quiet ;;
	start-again) set -- running running running croft start swept ;;
	set-disk) set -- imaged stopped stopped croft set swept --disk 48M --quiet ;;
	undo) set -- changed running running croft undo swept --quiet ;;
	stats) set -- running running running croft stats swept ;;
	set) set -- running running running croft set swept --memory 64M --pids 100 ;;
	*) refuse "unknown command: $1 (one of ${all_commands[*]})" ;;
	esac
	before=$1 allowed=$2 after=$3 command=("${@:4}") at=$1
	case $at in
	absent) at= ;;
	booted | changed) at=running ;;
	imaged) at=stopped ;;
	esac
}

state() { croft list -a -H -o name,state | sed -n 's/^swept *//p' | tr -d ' '; }

# Limits in force, of every server.
limits() {
	find /sys/fs/cgroup -path "*/$CROFT_TEST_CGROUP/*" \( -name pids.max -o -name memory.max -o -name cpu.max \
		-o -name memory.limit_in_bytes -o -name cpu.cfs_quota_us \) -exec grep -sH . {} + 2>/dev/null | sort
}

# What the host has of all servers: processes, mounts, groups, links, rules, files and what is in them.
look() {
	# The log of the console, how it ended and its ledger are the server's, and stay until that is destroyed.
	local its=(-e "$work")
	[ ! -e /etc/croft/servers/swept.conf ] || its+=(-e /var/log/croft/swept.console.log -e servers/swept/ended -e servers/swept/ledger)
	"$here/../root/inventory" | grep -v "${its[@]}"
	# The next number to hand out is nobody's; what happened, and who did it, is a log.
	find /etc/croft /run/croft /var/lib/croft -maxdepth 3 ! -path '*/templates/*' ! -path '*/servers/*/*' \
		! -path '*/trash*' ! -name '.next-*' ! -path '/var/lib/croft/events*' ! -path '/var/lib/croft/audit*' \
		-printf '%y %m %p\n' | sort
	find /etc/croft -type f -exec cksum {} + | sort -k 3
	limits
	# What a command has left running, whatever it is called: its parent is init of the test host now.
	ps -eo ppid=,pidns=,args= | awk -v ns="$(stat -L -c %i /proc/self/ns/pid)" '
		$1 == 1 && $2 == ns { print "orphan: " $3, $4, $5 }' | sort
}

# What the server is, as its files, its limits and its inside tell: the same lines for every run of a
# command that succeeds.
promised() {
	[ -e /etc/croft/servers/swept.conf ] || return 0
	find /etc/croft/servers -printf '%y %m %p\n' | sort
	grep -v ^UUID= /etc/croft/servers/swept.conf
	find /var/lib/croft/servers/swept -maxdepth 1 ! -name ended ! -name ledger ! -name history -printf '%y %m %P\n' | sort
	# What is only told has no promise: how it ended, the ledger, the generations.
	# passwd is read by a password, and then has a copy.
	find /var/lib/croft/servers/swept -path '*/etc/*' -type f ! -name passwd -printf '%m %s %P\n' | sort
	[ -e /run/croft/swept/state.json ] || return 0
	limits | grep /swept/
	find /run/croft/swept -printf '%y %m %P\n' | sort
	timeout 20 croft exec swept -- sh -c 'grep -E "^(Cap|Seccomp:|NoNewPrivs)" /proc/1/status; hostname
		ip -o addr | sed "/ fe80:/d; s/^[0-9]*: //"; ip route; cut -d" " -f5-6 /proc/1/mountinfo; find /dev ! -path "/dev/pts/*"' 2>&1
}

# The kernel takes links and groups away a moment later. A mount that is gone was somebody else's, whose
# mount point went on the host: croft leaves none behind that it could take away.
as_before() {
	local try
	for ((try = 0; try < 60; try++)); do
		look >"$work/after"
		diff "$work/before" "$work/after" | grep '^[<>]' | grep -v '^< mount: ' >"$work/diff"
		[ -s "$work/diff" ] || return 0 # not the pipeline's code: with pipefail that is diff's
		sleep 0.05
	done
	echo "left behind (>) or taken away (<):"
	cat "$work/diff"
	return 1
}

# The same command once more, without a fault: it succeeds, or says that there is nothing to do.
again() {
	local code=0
	timeout 20 "${command[@]}" >"$work/said" 2>&1 || code=$?
	case ${command[1]}:$code in
	*:0 | create:5 | destroy:4) ;;
	*) echo "the same again: exit code $code: $(cat "$work/said")" ;;
	esac
}

# What is left behind after a point is that point's: the next ones are compared with what there is now.
accept_what_is_left() {
	absent
	look >"$work/before"
}

result() { # RESULT NAME
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests $2"
	else
		echo "not ok $tests $2"
		failed=$((failed + 1))
	fi
}

# A server beside the one that is swept: it must not notice.
begin() {
	printf 'CGROUP_PARENT="%s"\nSUBNET="10.77.0.0/16 fd77:77::/64"\n' "$CROFT_TEST_CGROUP" >/etc/croft/croft.conf
	croft check >/dev/null
	croft template show busybox >/dev/null 2>&1 || croft template build busybox >/dev/null
	croft create bystander --template busybox --quiet && croft start bystander || exit 1
	beside=$(croft status bystander --json | grep -o '"init-pid":[^,]*')
}

untouched() {
	[ "$(croft status bystander --json | grep -o '"init-pid":[^,]*')" = "$beside" ] && croft exec bystander true
	result $? "the server beside it was not touched"
}

end() {
	croft destroy --all --force >/dev/null
	echo "1..$tests"
	[ "$failed" -eq 0 ]
}
