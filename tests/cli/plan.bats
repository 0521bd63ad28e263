#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What croft decides, without root: tests/golden/plan/NAME.conf is a server, and beside it are the plan
# of its start and its settings as croft show prints them.
#
# GOLDEN_UPDATE=1 writes what is expected anew; look at the difference before it is committed.
# shellcheck disable=SC2154 # what bats sets
load cli

golden=$BATS_TEST_DIRNAME/../golden/plan

# The golden tree: its servers, with ids, and a template of each dialect.
tree() {
	local conf name dialect
	cp "$golden/host.croft.conf" "$CROFT_ETC/croft.conf"
	for dialect in debian busybox generic; do
		mkdir -p "$CROFT_VAR/templates/$dialect/root"
		echo "{\"dialect\":\"$dialect\",\"recipe\":\"$dialect\",\"arch\":\"amd64\"}" \
			>"$CROFT_VAR/templates/$dialect/template.json"
	done
	for conf in "$golden"/*.conf; do
		name=$(basename "$conf" .conf)
		[ "$name" != host.croft ] || continue
		cp "$conf" "$CROFT_ETC/servers/$name.conf"
		ids "$name"
	done
	chmod -R a+rX "$CLI_DIR"
}

ids() {
	mkdir -p "$CROFT_VAR/servers/$1"
	ln -sfn 1879048192 "$CROFT_VAR/servers/$1/uids"
}

servers() {
	local f
	for f in "$CROFT_ETC/servers"/*.conf; do
		basename "$f" .conf
	done
}

# expected FILE COMMAND...: what it prints is in that golden file, JSON with a line for each member. The
# place of the tree is DIR there.
expected() {
	local file=$golden/$1 text
	shift
	text=$("$@") || {
		echo "$*: exit code $?"
		return 1
	}
	text=${text//"$CLI_DIR"/DIR}
	[[ $file != *.json ]] || text=$(sed 's/,"/,\n"/g; s/},{/},\n{/g' <<<"$text")
	if [ -n "${GOLDEN_UPDATE-}" ]; then
		echo "$text" >"$file"
	fi
	diff -u "$file" - <<<"$text"
}

@test "plan: what a start of each golden server would do" {
	tree
	local name
	for name in $(servers); do
		expected "$name.plan" croft plan "$name"
	done
}

@test "plan: nothing is touched by it" {
	tree
	local before
	before=$(find "$CLI_DIR" -printf '%p %m %s %T@ %C@\n' | sort)
	run -0 croft plan --all
	[ "$(find "$CLI_DIR" -printf '%p %m %s %T@ %C@\n' | sort)" = "$before" ]
}

@test "plan: several servers have headings, and JSON has the same lines" {
	tree
	run -0 croft plan default dir
	[ "${lines[0]}" = "# default" ]
	grep -qx '# dir' <<<"$output"
	expected default.plan.json croft plan default --json
	[ "$(croft plan default --json | grep -oE '"[a-z_]+ +(host|monitor|inside|meet) [^"]*"' | tr -d '"')" = "$(croft plan default)" ]
}

@test "plan: the steps are those of the table, in its order" {
	tree
	local table
	table=$(sed -nE 's/^\t(HOST|MONITOR|INSIDE|MEET)\(([a-z_]+),.*/\2/p' "$BATS_TEST_DIRNAME/../../lib/run/steps.c")
	[ "$(wc -l <<<"$table")" -gt 20 ]
	diff <(echo "$table") <(croft plan none | awk '{ print $1 }')
}

@test "show: each golden server's settings, with their origin" {
	tree
	local name
	for name in $(servers); do
		expected "$name.show" croft show "$name"
	done
	expected inside.show.json croft show inside --json
}

@test "show: a shell that reads the file has the values that croft has" {
	tree
	local name key
	for name in $(servers); do
		for key in $(sed -n 's/^\([A-Z_]*\)=.*/\1/p' "$CROFT_ETC/servers/$name.conf"); do
			[ "$key" != UUID ] || continue
			# shellcheck disable=SC1090
			[ "$(. "$CROFT_ETC/servers/$name.conf" && echo "${!key}")" = \
				"$(unset "$key" && eval "$(croft show "$name")" && echo "${!key}")" ]
		done
	done
}

@test "list: the golden tree, as a table and as JSON" {
	tree
	expected list.txt croft list -a -o name,state,template,store,net,ip,memory,swap,cpus,cpu-weight,pids
	expected list.boot.txt croft list -a -o name,onboot,boot-order,depends,stop-timeout,hostname --sort boot-order
	expected list.json croft list -a --json
	command -v python3 >/dev/null || skip "needs python3"
	[ "$(croft list -a --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = "$(servers | wc -l)" ]
}

@test "plan: what is missing is said" {
	tree
	server web1 'STORE="overlay"' 'IP="10.77.0.9"'
	ids web1
	fails 2 'plan web1: no template is given (--template NAME)' plan web1
	server web1 'TEMPLATE="debian-12"' 'IP="10.77.0.9"'
	fails 4 'no template debian-12; make it with: croft template build debian-12' plan web1
	server web1 'TEMPLATE="mine"' 'IP="10.77.0.9"'
	fails 4 'no template mine; see: croft template list' plan web1
	server web1 'TEMPLATE="debian"' 'IP="10.77.0.9"'
	run -0 croft plan web1
	rm "$CROFT_VAR/servers/web1/uids"
	fails 1 'was not made by croft create' plan web1
	ln -s x "$CROFT_VAR/servers/web1/uids"
	fails 1 'its range of user ids is not recorded' plan web1
	fails 4 'no such server' plan web9
}

@test "plan: a template that was damaged is named" {
	tree
	local text
	for text in '' '{' '[]' '{"dialect":"nosuch"}' '{"dialect":7}' '"debian"'; do
		echo "$text" >"$CROFT_VAR/templates/debian/template.json"
		run --separate-stderr croft plan default
		echo "$text: $status $stderr"
		[ "$status" -ne 0 ] || [[ "$output" == *"generic: host name"* ]]
		[ "$status" -eq 0 ] || [[ "$stderr" == "croft: plan default: template debian: "* ]]
	done
}

@test "plan: net none takes no address, routed takes single ones" {
	tree
	server web1 'TEMPLATE="debian"' 'NET="none"' 'IP="10.77.0.9"'
	ids web1
	run -2 croft plan web1
	server web1 'TEMPLATE="debian"' 'IP="10.77.0.9/24"'
	fails 2 '10.77.0.9/24' plan web1
	server web1 'TEMPLATE="debian"'
	fails 2 'no address' plan web1
}
