#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# list, status and show, from files made by hand.
# shellcheck disable=SC2016,SC2154
load cli

@test "no server: a heading and nothing else" {
	run -0 croft list
	[ "$output" = "NAME  STATE  IP  MEMORY  UPTIME" ]
	run -0 croft list -H
	[ -z "$output" ]
	[ "$(croft list --json)" = "[]" ]
	rmdir "$CROFT_RUN"
	run -0 croft list -H
	[ -z "$output" ]
}

@test "plain: those that run; -a: all, by name" {
	server web2 'IP="10.77.0.3"'
	server web1 'IP="10.77.0.2"' 'MEMORY="64M"'
	runs web2 $$ "$(start_of $$)" 67108864 10.77.0.9
	run -0 croft list -H -o name,state
	[ "$output" = "web2  running" ]
	run -0 croft list -a -H -o name,state,ip,memory
	[ "${lines[0]}" = "web1  stopped  10.77.0.2  64M" ]
	# what is in force, not what the file says by now
	[ "${lines[1]}" = "web2  running  10.77.0.9  64M" ]
}

@test "states: failed when init is gone, suspended" {
	server web1
	server web2
	runs web1 $$ 1 1 10.77.0.2
	runs web2 $$ "$(start_of $$)" 1 10.77.0.3 true
	[ "$(croft list -H -o state web1)" = failed ]
	[ "$(croft list -H -o state web2)" = suspended ]
	run -3 croft status web1
	[ "$output" = failed ]
	run -0 croft status web2
	[ "$output" = suspended ]
}

@test "a state in one line, as croft writes it, and one in many say the same" {
	server web1
	runs web1 $$ "$(start_of $$)" 1048576 10.77.0.2
	local before
	before=$(croft status web1 --json | sed 's/"uptime":[0-9.]*,//')
	tr -d '\n' <"$CROFT_RUN/web1/state.json" >"$CROFT_RUN/web1/one"
	echo >>"$CROFT_RUN/web1/one"
	mv "$CROFT_RUN/web1/one" "$CROFT_RUN/web1/state.json"
	[ "$(croft status web1 --json | sed 's/"uptime":[0-9.]*,//')" = "$before" ]
	[[ "$before" == *'"memory":1048576'*'"swap":null'*'"cpus":1500'*'"ip":["10.77.0.2"]'* ]]
}

@test "a damaged state or file of one server does not hide the others" {
	server web1
	server web2 'BROKEN'
	server web3 'MEMORY="much"'
	mkdir "$CROFT_RUN/web1"
	echo '{' >"$CROFT_RUN/web1/state.json"
	run -0 --separate-stderr croft list -a -H -o name,state,memory
	[ "$(tr -s ' ' <<<"$output")" = $'web1 unknown unlimited\nweb2 stopped -\nweb3 stopped -' ]
	[[ "$stderr" == *"warning: "*"cannot be read"* ]]
}

@test "patterns choose; a word that is none must name a server" {
	server web1
	server web2
	server db
	[ "$(croft list -a -H -o name 'web*' | tr '\n' ' ')" = "web1 web2 " ]
	[ "$(croft list -a -H -o name db 'x*')" = db ]
	fails 4 'no server web9' list -a web9
	run --separate-stderr croft list -a -H -o name web9 web1 # the others are listed
	[ "$status" -eq 4 ]
	[ "$output" = web1 ]
	[[ "$stderr" == *"no server web9"* ]]
	fails 2 "bad server name '../x'" list ../x
}

@test "columns: every option is one, secrets are not, an unknown one is named" {
	server web1 'ONBOOT="yes"' 'DESCRIPTION="a b"'
	[ "$(croft list -a -H -o onboot,description,boot-order)" = "yes  a b  100" ]
	fails 2 'unknown column "passwrd"' list -o passwrd
	fails 2 'unknown column "password"' list -o password
	fails 2 'unknown column "memroy"; the nearest is memory' list -o memroy
	fails 2 'no column is named' list -o ,
}

@test "sorting by numbers, by text, downwards" {
	server a 'MEMORY="100M"'
	server b 'MEMORY="9M"'
	server c
	[ "$(croft list -a -H -o name --sort memory | tr -d '\n')" = bac ]
	[ "$(croft list -a -H -o name --sort -memory | tr -d '\n')" = cab ]
	[ "$(croft list -a -H -o name --sort -name | tr -d '\n')" = cba ]
	fails 2 'unknown column' list --sort nosuch
}

@test "JSON: all columns, or those that were named" {
	server web1 'IP="10.77.0.2 fd00:77::2"' 'DEPENDS="a b"'
	[ "$(croft list -a --json -o name,ip,depends,memory,pids,onboot,hostname)" = \
		'[{"name":"web1","ip":["10.77.0.2","fd00:77::2"],"depends":["a","b"],"memory":null,"pids":4096,"onboot":false,"hostname":"web1"}]' ]
	run -0 croft list -a --json
	[[ "$output" == *'"uptime":null'*'"cpu-weight":100'*'"stop-timeout":60000'* ]]
	[[ "$output" != *password* ]]
}

@test "status: word and exit code" {
	server web1
	run -3 croft status web1
	[ "$output" = stopped ]
	run -3 croft status web1 --quiet
	[ -z "$output" ]
	run -4 --separate-stderr croft status web9
	[ -z "$output" ]
	mkdir -p "$CROFT_VAR/servers/web1"
	echo '1700000000 signal 2' >"$CROFT_VAR/servers/web1/ended"
	run -3 croft status web1 --json
	[[ "$output" == *'"last-end":"poweroff","last-end-at":1700000000'* ]]
}

@test "show: every option with its origin, and a shell reads it" {
	echo 'PIDS="77"' >"$CROFT_ETC/croft.conf"
	server web1 "DESCRIPTION='it costs \$5 \"net\"'" 'MEMORY="64M"'
	run -0 croft show web1
	grep -q '^MEMORY="64M"  *# file$' <<<"$output"
	grep -q '^PIDS="77"  *# host$' <<<"$output"
	grep -q '^CPU_WEIGHT="100"  *# default$' <<<"$output"
	! grep -qi password <<<"$output" || return 1
	[ "$(eval "$output"; echo "$DESCRIPTION")" = 'it costs $5 "net"' ]
	run -0 croft show web1 --json
	[[ "$output" == *'"pids":{"value":"77","origin":"host"}'* ]]
	fails 4 'no such server' show web9
}

@test "a configuration with code in it is refused with file, line and key" {
	server web1 'MEMORY="$(touch /tmp/croft-cli-owned)"'
	fails 2 "$CROFT_ETC/servers/web1.conf:2: MEMORY" show web1
	[ ! -e /tmp/croft-cli-owned ]
	echo 'JOBS=`id`' >"$CROFT_ETC/croft.conf"
	fails 2 "$CROFT_ETC/croft.conf:1: JOBS" list
}

@test "root's environment does not say where files are" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	server web1
	run "$CLI_DIR/croft" list -a -H -o name web1
	[ "$status" -ne 0 ] || [ "$output" != web1 ]
}

@test "a directory at run time without a server in it is none" {
	server web1
	mkdir "$CROFT_RUN/ghost" "$CROFT_RUN/Not a Name"
	run croft list -a -H -o name
	[ "$output" = web1 ]
	run croft list -H -o name
	[ -z "$output" ]
	run croft list -a --json
	[[ "$output" != *ghost* ]]
}

@test "a server that is named is shown whether it runs or not" {
	server web1
	server web2
	server db
	runs web2 $$ "$(start_of $$)" 1048576 10.77.0.2
	[ "$(croft list -H -o name,state web1 | tr -s ' ')" = "web1 stopped" ]
	[ "$(croft list -H -o name web1 'd*' web2 web1 | paste -sd' ')" = "web1 web2" ] # a pattern names none
	[ "$(croft list -H -o name | paste -sd' ')" = web2 ]
	[[ "$(croft list --json web1)" == '[{"name":"web1","state":"stopped"'* ]]
}

@test "JSON: seconds have fractions, and what is stopped has its user ids" {
	server web1
	server web2 'PRIVILEGED="yes"'
	server web3
	mkdir -p "$CROFT_VAR/servers/web1"
	ln -s 1879048192 "$CROFT_VAR/servers/web1/uids"
	[ "$(croft list -a -H -o uid-base | tr -d ' ' | paste -sd' ')" = "1879048192 - -" ]
	[[ "$(croft status web2 --json)" == *'"uid-base":0,'* ]] || false
	[[ "$(croft list -a --json -o uid-base)" == '[{"uid-base":1879048192},{"uid-base":null},{"uid-base":null}]' ]]
	runs web1 $$ "$(start_of $$)" 1048576 10.77.0.2
	local n
	n=$(croft list --json -o uptime web1)
	[[ "$n" =~ ^\[\{\"uptime\":[0-9]+(\.[0-9]+)?\}\]$ ]]
	[[ "$n$(sleep 0.013; croft list --json -o uptime web1)$(sleep 0.017; croft list --json -o uptime web1)" == *.* ]]
}

@test "tags: choose servers, are a list, are checked" {
	server web1 'TAG="customer=acme gold"'
	server web2 'TAG="customer=acme"'
	server web3
	runs web2 $$ "$(start_of $$)" 1048576 10.77.0.2
	[ "$(croft list -a -H -o name --tag customer=acme | paste -sd' ')" = "web1 web2" ]
	[ "$(croft list -a -H -o name --tag customer=acme --tag gold)" = web1 ]
	[ "$(croft list -H -o name --tag customer=acme)" = web2 ]
	[ "$(croft list -a -H -o name --tag customer=acme 'x*' web2)" = web2 ]
	[ -z "$(croft list -a -H --tag acme)" ]
	[ "$(croft list --tag acme --json)" = "[]" ]
	[ "$(croft list -a -H -o tag web1)" = customer=acme,gold ]
	[ "$(croft list --json -o tag web1 web3)" = '[{"tag":["customer=acme","gold"]},{"tag":[]}]' ]
	fails 2 'option --tag needs a value: TAG' list --tag
	local bad
	for bad in 'a;b' '-x' "a'b" "$(printf 'x%.0s' {1..64})"; do
		server web4 "TAG=\"$bad\""
		fails 2 'expected at most 63 letters, digits' show web4
	done
}

@test "-o help: each column and what it means" {
	local all
	all=$(croft list -o help -H)
	[ "$(croft list -o help | head -n 1)" = "$(printf '%-21s MEANING' COLUMN)" ]
	[[ "$all" == *"memory-used "*"memory in use"* ]]
	! grep -vE '^[a-z][a-z-]+  +[a-zA-Z0-9]' <<<"$all" || return 1
	# Each can be asked for, and sorted by.
	local col
	for col in $(cut -d' ' -f1 <<<"$all"); do
		croft list -a -o "$col" --sort "-$col" >/dev/null
	done
	[[ "$(croft list -o help --json)" == '{"name":"the server'*'"tag":"'* ]]
	fails 2 'unknown column' list -o name,help
}

@test "usage of a server whose control group is not there is not known, not 0" {
	server web1
	runs web1 $$ "$(start_of $$)" 1048576 10.77.0.2
	mkdir -p "$CROFT_VAR/servers/web1" "$CROFT_VAR/servers/web2"
	server web2
	printf 'croft-ledger 1\nsince 1\nrun x\ncpu_usec 1000000 500000\nmemory_peak 4096 8192\n' >"$CROFT_VAR/servers/web2/ledger"
	[ "$(croft list -a -H -o name,cpu-used,memory-peak,memory-used,pids-failures web2 | tr -s ' ')" = \
		"web2 1s 8.0K - -" ]
	[ "$(croft list -a --json -o cpu-used,memory-peak,memory-used web2)" = '[{"cpu-used":1.5,"memory-peak":8192,"memory-used":null}]' ]
	[ "$(croft list -H -o pids-used web1)" = - ]
	[ "$(croft list -a -H -o name --sort -cpu-used | paste -sd' ')" = "web2 web1" ]
}
