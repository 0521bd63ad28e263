# SPDX-License-Identifier: GPL-2.0-or-later
# Loaded by every root test. Tests run inside tests/root/testhost.
# shellcheck shell=bash disable=SC2154

setup_file() {
	[ -n "${CROFT_TEST_CGROUP-}" ] || {
		echo "root tests run by: tests/root/testhost BUILD-DIR bats tests/root" >&2
		return 1
	}
	# The first use of the host makes what lasts until the next boot (the parent group, the nft
	# table): it belongs to "before".
	write_host_conf
	croft check >/dev/null
	croft template show busybox >/dev/null 2>&1 || croft template build busybox
}

write_host_conf() {
	printf 'CGROUP_PARENT="%s"\nSUBNET="10.77.0.0/16 fd77:77::/64"\n' "$CROFT_TEST_CGROUP" >/etc/croft/croft.conf
}

setup() {
	inventory_before=$BATS_TEST_TMPDIR/inventory
	"$BATS_TEST_DIRNAME/inventory" >"$inventory_before"
}

# Every test ends with no server, and with a host that is as it was. A file may have a function
# cleanup for what its tests make beside croft; it runs first.
teardown() {
	local name
	! declare -F cleanup >/dev/null || cleanup
	for name in $(croft list -a -H -o name 2>/dev/null); do
		croft destroy "$name" --force || return 1
	done
	rm -rf /etc/croft/hooks
	write_host_conf
	local end=$((SECONDS + 4))
	while [ $SECONDS -lt $end ]; do # links go with their namespace, a moment after the server
		"$BATS_TEST_DIRNAME/inventory" >"$inventory_before.after"
		! cmp -s "$inventory_before" "$inventory_before.after" || return 0
		sleep 0.05
	done
	echo "left behind (<) or taken away (>):"
	diff "$inventory_before.after" "$inventory_before"
}

# In User Mode Linux a process is slow to make, and an emulated machine is slow in all; both lose time
# when the host is busy.
is_slow_bed() { grep -q 'User Mode Linux' /proc/cpuinfo || [ "$(systemd-detect-virt 2>/dev/null)" = qemu ]; }
times() { echo $(($1 * $(is_slow_bed && echo 4 || echo 1))); } # N, or four times that on a slow bed

# needs THING...: skips the test where this host lacks one, and says which.
needs() {
	local thing
	for thing in "$@"; do
		case $thing in
		template:*)
			[ -d "/var/lib/croft/templates/${thing#template:}" ] || skip "needs $thing"
			;;
		nat)
			! grep -q nat=no /run/croft/.net 2>/dev/null || skip "needs nat"
			;;
		steady-clock)
			! is_slow_bed || skip "needs a steady clock"
			;;
		own-kernel) # what is the kernel's own is nobody else's only in User Mode Linux
			grep -q 'User Mode Linux' /proc/cpuinfo || skip "needs an own kernel"
			;;
		systemd)
			[ -d /run/systemd/system ] || skip "needs systemd"
			;;
		bed) # the whole host is the test's, and thrown away afterwards
			[ -n "${BED_BOOT-}" ] || skip "needs tests/bed/vm"
			;;
		overlay)
			croft check | grep -q '^storage *ok' || skip "needs overlay"
			;;
		timens)
			[ -e /proc/self/ns/time ] || skip "needs timens"
			;;
		device:*)
			[ -c "/dev/${thing#device:}" ] || skip "needs $thing"
			;;
		program:*)
			command -v "${thing#program:}" >/dev/null || skip "needs $thing"
			;;
		*)
			echo "unknown need: $thing"
			return 1
			;;
		esac
	done
}

# A busybox server, made and started.
server() {
	local name=$1
	shift
	croft create "$name" --template busybox "$@" >/dev/null && croft start "$name"
}

# fails CODE COMMAND...: it must exit with CODE, print nothing to stdout and one line to stderr.
fails() {
	local code=$1
	shift
	run --separate-stderr "$@"
	[ "$status" -eq "$code" ] || {
		echo "exit code $status instead of $code: $*"
		echo "$output$stderr"
		return 1
	}
	[ -z "$output" ] || {
		echo "on stdout: $output"
		return 1
	}
	if [ -z "$stderr" ] || [ "$(printf '%s\n' "$stderr" | wc -l)" -ne 1 ]; then
		echo "not one line: $stderr"
		return 1
	fi
}

field() { # NAME FIELD: one field of croft status --json
	croft status "$1" --json | sed -n "s/.*\"$2\":\"\{0,1\}\([^,\"}]*\).*/\1/p"
}

address() { # NAME: its first IPv4 address
	croft list -a -H -o ip "$1" | tr -s ' ,' '\n' | grep -m1 '\.'
}

wait_for() { # SECONDS COMMAND...: until it succeeds
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
state_is() { [ "$(croft list -a -H -o state "$1")" = "$2" ]; }
