#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Help, version and completion, all made from the rows.
# shellcheck disable=SC2016,SC2154
load cli

commands() {
	croft --help | sed -n 's/^  \([a-z-]*\)  *.*/\1/p'
}

@test "croft --help lists the commands by what people do" {
	run -0 --separate-stderr croft --help
	[ -z "$stderr" ]
	local want=$'Templates:\nServers:\nRunning:\nInside:\nChanging:\nLooking:\nHost:'
	[ "$(grep '^[A-Z][a-z]*:$' <<<"$output")" = "$want" ]
	[[ "$output" != *monitor-ended* ]]
	[ "$(croft -h)" = "$output" ]
	[ "$(croft help)" = "$output" ]
}

@test "every command answers --help, and help COMMAND is the same" {
	local c n=0
	for c in $(commands) monitor-ended; do
		run -0 --separate-stderr croft "$c" --help
		[[ "${lines[0]}" == "Usage: croft $c"* ]]
		[[ "$output" == *--deadline* && "$output" == *--json* && "$output" == *--quiet* ]]
		[ -z "$stderr" ]
		[ "$(croft help "$c")" = "$output" ]
		[ "$(croft "$c" -h)" = "$output" ]
		n=$((n + 1))
	done
	[ "$n" -gt 15 ]
}

@test "--help needs no configuration, no root, no name, and no correct remainder" {
	echo 'bad line' >"$CROFT_ETC/croft.conf"
	run -0 croft start --help
	run -0 croft --help
	run -0 croft completion
	run -2 croft list
}

@test "lines of help fit what they say: no control characters, no trailing blanks" {
	local c
	for c in $(commands); do
		run -1 grep -nP '[\x00-\x09\x0b-\x1f]|\s$' <<<"$(croft "$c" --help)"
	done
}

@test "the version" {
	run -0 croft --version
	[[ "$output" =~ ^croft\ [0-9]+\.[0-9] ]]
	[ "$(croft -V)" = "$output" ]
}

@test "help of an unknown command" {
	fails 2 'unknown command "nosuch"' help nosuch
	fails 2 'one command at a time' help start stop
}

@test "the completion is bash, and completes commands, options and names" {
	server web1
	server db
	croft completion bash >"$BATS_TEST_TMPDIR/croft.bash"
	bash -n "$BATS_TEST_TMPDIR/croft.bash"
	fails 2 'only bash is known' completion zsh
	# shellcheck disable=SC1091
	. "$BATS_TEST_TMPDIR/croft.bash"
	complete_words() {
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_croft
		echo "${COMPREPLY[*]}"
	}
	[ "$(complete_words croft star)" = "start" ]
	[ "$(complete_words croft create web1 --cpu-b)" = "--cpu-burst" ]
	[ "$(complete_words croft create web1 --net '')" = "routed none" ]
	[ "$(complete_words croft create web1 --onboot '')" = "yes no" ]
	[ "$(complete_words croft start '')" = "db web1" ]
	[ "$(complete_words croft exec w)" = "web1" ]
	[ "$(complete_words croft template '')" = "build list show remove" ]
	[[ "$(complete_words croft template build '')" == *debian-12* ]]
}
