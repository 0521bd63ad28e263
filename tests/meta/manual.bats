#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual, --help and the completion against the rows they describe. A new row is tested here the
# day it appears.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	croft=${CROFT_TEST_BUILD:-$PWD/build/croft}/croft
	[ -x "$croft" ]
	export CROFT_ETC=$BATS_TEST_TMPDIR CROFT_VAR=$BATS_TEST_TMPDIR CROFT_RUN=$BATS_TEST_TMPDIR
}

commands() {
	"$croft" --help | sed -n 's/^  \([a-z-]*\) .*/\1/p'
}

# The long options that a command prints in its help.
options() {
	"$croft" "$1" --help | sed -nE 's/^  (-.,? )? *--([a-z0-9-]+).*/\2/p' | sort -u
}

# page PAGE OPTION: whether the manual page names it as roff writes hyphens.
page() {
	sed 's/\\-/-/g' "man/$1" | grep -qE -- "--$2([^a-z0-9-]|\$)"
}

@test "there are commands, and each answers --help with its name and one line per option" {
	local n=0 cmd
	for cmd in $(commands); do
		run "$croft" "$cmd" --help
		[ "$status" -eq 0 ]
		[[ "$output" == "Usage: croft $cmd"* ]]
		[[ "$output" == *"--help"* ]]
		n=$((n + 1))
	done
	[ "$n" -ge 20 ]
}

@test "croft help COMMAND is croft COMMAND --help" {
	local cmd
	for cmd in $(commands); do
		diff <("$croft" help "$cmd") <("$croft" "$cmd" --help)
	done
}

@test "each command has its manual page, installed, with its name and synopsis" {
	local cmd
	for cmd in $(commands); do
		grep -q "man/croft-$cmd.8" man/Makemodule.am || { echo "man/Makemodule.am: $cmd"; return 1; }
		grep -qE "^\.B croft $cmd" "man/croft-$cmd.8" || { echo "croft-$cmd.8: no synopsis"; return 1; }
		grep -q "croft-$cmd\|croft\\\\-$cmd" man/croft.8 || { echo "croft.8 does not name $cmd"; return 1; }
	done
}

@test "each manual page is of a command that exists, and is installed" {
	local f cmd
	for f in man/*.[1-8]; do
		grep -q "$f" man/Makemodule.am || { echo "$f is not installed"; return 1; }
		cmd=${f#man/croft-}
		case $f in
		man/croft-*.8) commands | grep -qx "${cmd%.8}" || { echo "$f: no such command"; return 1; } ;;
		esac
	done
}

@test "each option of each command is in the manual" {
	local cmd o missing=
	for cmd in $(commands); do
		for o in $(options "$cmd"); do
			page "croft-$cmd.8" "$o" || page croft-server.5 "$o" || page croft.8 "$o" ||
				missing+="croft-$cmd.8: --$o"$'\n'
		done
	done
	[ -z "$missing" ] || { echo "$missing"; return 1; }
}

@test "each option in a command's manual page exists" {
	local cmd o missing=
	for cmd in $(commands); do
		for o in $(sed -n '/^\.SH OPTIONS/,/^\.SH "\{0,1\}\(EXIT\|EXAMPLE\|FILES\|SEE\)/p' "man/croft-$cmd.8" | sed 's/\\-/-/g' |
			grep -E '^(\\fB|\.B)' | grep -oE -- '--[a-z0-9-]+' | sort -u); do
			options "$cmd" | grep -qx -- "${o#--}" || missing+="croft-$cmd.8: $o"$'\n'
		done
	done
	[ -z "$missing" ] || { echo "$missing"; return 1; }
}

@test "each key of a server is in croft-server(5), once, with key and option" {
	local o key missing=
	for o in $(sed -n 's/^.*\.name = "\([a-z0-9-]*\)".*/\1/p' lib/*/*opt*.c lib/limit/limits.c lib/server/server.c | sort -u); do
		"$croft" create --help | grep -q -- "--$o " || continue
		key=$(tr a-z- A-Z_ <<<"$o")
		[ "$(sed 's/\\-/-/g' man/croft-server.5 | grep -cE -- "--$o([^a-z0-9-]|\$)")" -ge 1 ] || missing+="--$o "
		grep -qE "(^|fB|[^A-Z_])$key([^A-Z_]|\$)" man/croft-server.5 ||
			grep -qE -- "$o" <("$croft" create --help | grep -i 'not kept\|acts once') || missing+="$key "
	done
	[ -z "$missing" ] || { echo "$missing"; return 1; }
}

@test "each key of the host is in croft.conf(5) and in the sample" {
	local o key missing=
	for o in $(sed -n 's/^.*\.name = "\([a-z0-9-]*\)".*/\1/p' lib/server/host.c | sort -u); do
		key=$(tr a-z- A-Z_ <<<"$o")
		grep -qE "fB$key\\\\fR" man/croft.conf.5 || missing+="croft.conf(5): $key"$'\n'
		grep -qE "^#? ?$key=" etc/croft.conf || missing+="etc/croft.conf: $key"$'\n'
	done
	[ -z "$missing" ] || { echo "$missing"; return 1; }
}

@test "the table of exit codes is in croft(8) as in the source" {
	local code symbol text
	while IFS='|' read -r code symbol text; do
		sed 's/\\-/-/g' man/croft.8 | grep -A1 -E "^\.B $code \\\\fR$symbol\$" | grep -qxF "$text" || {
			echo "croft.8: $code $symbol $text"
			return 1
		}
	done < <(sed -n 's/^X(\([0-9]*\), [A-Z]*, "\(.*\)", "\(.*\)")$/\1|\2|\3/p' lib/base/exits.def)
}

@test "completion is a valid script that knows every command" {
	local cmd
	"$croft" completion bash >"$BATS_TEST_TMPDIR/completion"
	bash -n "$BATS_TEST_TMPDIR/completion"
	for cmd in $(commands); do
		grep -qw -- "$cmd" "$BATS_TEST_TMPDIR/completion"
	done
}

@test "manual pages are good roff" {
	command -v groff >/dev/null || skip "needs groff"
	local f out
	for f in man/*.[1-8]; do
		out=$(LC_ALL=C.UTF-8 groff -man -ww -Tutf8 -rLL=100n -z "$f" 2>&1)
		[ -z "$out" ] || { echo "$f: $out"; return 1; }
	done
}
