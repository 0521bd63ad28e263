# SPDX-License-Identifier: GPL-2.0-or-later
# Loaded by the command line tests: croft as an ordinary user, with places of its own.
# shellcheck shell=bash disable=SC2154
#
# CROFT: the program under test. Default: croft in CROFT_TEST_BUILD, the build directory.

setup_file() {
	local root
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	if [ -z "${CROFT-}" ]; then
		CROFT=${CROFT_TEST_BUILD:-$root/build/croft}/croft
	fi
	# A place that an ordinary user can look into, also when root runs the tests.
	CLI_DIR=$(mktemp -d /tmp/croft-cli.XXXXXX)
	chmod 755 "$CLI_DIR"
	cp "$CROFT" "$CLI_DIR/croft"
	chmod 755 "$CLI_DIR/croft"
	export CLI_DIR
}

teardown_file() {
	rm -rf "$CLI_DIR"
}

setup() {
	export CROFT_ETC=$CLI_DIR/etc CROFT_VAR=$CLI_DIR/var CROFT_RUN=$CLI_DIR/run CROFT_LOG=$CLI_DIR/log
	rm -rf "$CROFT_ETC" "$CROFT_VAR" "$CROFT_RUN" "$CROFT_LOG"
	mkdir -p "$CROFT_ETC/servers" "$CROFT_VAR" "$CROFT_RUN" "$CROFT_LOG"
	bats_require_minimum_version 1.5.0
}

# croft as an ordinary user.
croft() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$CLI_DIR/croft" "$@"
	else
		"$CLI_DIR/croft" "$@"
	fi
}

# fails CODE TEXT ARG...: croft ARG... exits with CODE, prints nothing but one line with TEXT in it.
fails() {
	local code=$1 text=$2
	shift 2
	run --separate-stderr croft "$@"
	echo "croft $*: $status: $output $stderr" # shown when the test fails
	[ "$status" -eq "$code" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == "croft: "*"$text"* ]]
}

# server NAME [LINE...]: a configuration file.
server() {
	local name=$1
	shift
	printf '%s\n' 'UUID="00112233445566778899aabbccddeeff"' "$@" >"$CROFT_ETC/servers/$name.conf"
}

# runs NAME PID START MEMORY IP: a state file of a server whose init is that process.
runs() {
	mkdir -p "$CROFT_RUN/$1"
	cat >"$CROFT_RUN/$1/state.json" <<-END
		{"version":1,"phase":2,"name":"$1","init":$2,"init_start":$3,"monitor":0,"monitor_start":0,
		"started":1700000000,"boots":1,"uid_base":1879048192,"features":0,"groups":0,"privileged":false,
		"frozen":${6:-false},"cgroup":"croft/$1","host_if":"c$1.0","net":"routed","store":"overlay",
		"dialect":"busybox","template":"busybox","hostname":"$1","halt_signal":30,"reboot_signal":15,
		"memory":$4,"memory_high":null,"memory_guarantee":0,"swap":null,"oom_group":false,"oom_score":0,
		"cpus":1500,"cpu_weight":100,"cpu_burst":0,"cpu_set":"all","numa_set":"all","pids":4096,"ptys":256,
		"io_weight":100,"io_read_bps":null,"io_write_bps":null,"io_read_iops":null,"io_write_iops":null,
		"hugepages":0,"nofile":1048576,"nproc":null,"memlock":null,"msgqueue":null,"sigpending":null,
		"ip":["$5/32"]}
	END
}

# Field 22 of /proc/PID/stat: when it started.
start_of() {
	sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20
}
