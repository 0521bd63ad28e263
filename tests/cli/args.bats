#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line: what is accepted, what is refused, and how.
# shellcheck disable=SC2016,SC2154
load cli

@test "nothing is done without a command" {
	fails 2 "no command given"
}

@test "an unknown command names the nearest" {
	fails 2 'unknown command "strat"; the nearest is "start"' strat web1
	fails 2 'unknown command "xyzzy"; see croft --help' xyzzy
	fails 2 'options come after the command' --json list
}

@test "an unknown option is named with the nearest known one" {
	fails 2 'unknown option --wiat; the nearest is --wait' start web1 --wiat
	fails 2 'unknown option --memroy; the nearest is --memory' create web1 --memroy 1G
	fails 2 'unknown option -z' start web1 -z
}

@test "the beginning of an option is not the option" {
	fails 2 'unknown option --wai; the nearest is --wait' start web1 --wai
	fails 2 'unknown option --mem; the nearest is --memory' set web1 --mem 1G
}

@test "a key is not an option" {
	fails 2 'unknown option --CPU_WEIGHT' set web1 --CPU_WEIGHT 10
}

@test "values: missing, superfluous, as the next word, behind an equals sign" {
	fails 2 'option --deadline needs a value: SEC' start web1 --deadline
	fails 2 'option --json takes no value' start web1 --json=yes
	fails 2 '--deadline soon: expected seconds' status web1 --deadline soon
	server web1
	run -3 croft status --deadline=5 web1
	run -3 croft status --deadline 5 web1
	run -0 croft list -aHo name
	[ "$output" = web1 ]
	run -0 croft list -a -H -oname
	[ "$output" = web1 ]
}

@test "options may stand anywhere before --" {
	server web1
	run -3 --separate-stderr croft status web1 --json
	[[ "$output" == '{"name":"web1"'* ]]
	run -3 --separate-stderr croft status --json web1
	[[ "$output" == '{"name":"web1"'* ]]
	fails 2 "bad server name '--json'" status -- --json
}

@test "names are needed, and checked before anything is done" {
	fails 2 'name a server, or say --all' stop
	fails 125 'name a server' exec
	fails 2 "bad server name 'Web'" start web1 Web
	fails 2 "bad server name '../web1'" status ../web1
	fails 2 "bad server name ''" status ''
	fails 2 "bad server name 'tasks'" create tasks --template busybox
	fails 2 '--all and names exclude each other' status --all web1
	fails 2 'unexpected word "web2"' console web1 web2
}

@test "a name that an option took for its value is told of" {
	fails 2 "--onboot took \"c4\", which is not yes or no; name the server first" create --template busybox --onboot c4
	fails 2 '--privileged took "w1"' set --memory 1G --privileged w1
	fails 2 'name a server; see' create --template busybox --onboot
}

@test "--jobs is a number" {
	fails 2 '--jobs 0: expected a number from 1 to 1024' status web1 --jobs 0
	fails 2 '--jobs -1: expected' status web1 --jobs -1
}

@test "usage errors come before the lack of root" {
	fails 9 'start web1: not permitted: run it as root' start web1
	fails 9 'not permitted' template build busybox
	fails 2 'unknown option --x' start web1 --x
	for verb in create destroy stop restart suspend resume recover; do
		fails 9 "$verb web1: not permitted" "$verb" web1
	done
	fails 125 'exec web1: not permitted' exec web1 true
	fails 125 'enter web1: not permitted' enter web1
}

@test "an error is an object as well with --json, also a usage error" {
	run -4 --separate-stderr croft status nosuch --json
	[ "$output" = '{"name":"nosuch","ok":false,"code":4,"symbol":"absent","error":"no such server"}' ]
	[ "$stderr" = 'croft: status nosuch: no such server' ]
	run -2 --separate-stderr croft status web1 --jsn --json
	[[ "$output" == *'"code":2,"symbol":"usage"'* ]]
	run -2 --separate-stderr croft strat web1 --json
	[ "$output" = '{"ok":false,"code":2,"symbol":"usage","error":"unknown command \"strat\"; the nearest is \"start\""}' ]
	run -125 --separate-stderr croft exec web1 --json -- true
	[[ "$output" == *'"code":9,"symbol":"not-permitted"'* ]]
}

@test "several names: each reported in order, a name given twice once, the largest code" {
	server web1
	server web2
	run -4 --separate-stderr croft status web2 nosuch web1 web2
	[ "$output" = $'web2: stopped\nweb1: stopped' ]
	[ "$stderr" = 'croft: status nosuch: no such server' ]
	run -3 --separate-stderr croft status --all --json --jobs 1
	[ "${#lines[@]}" -eq 2 ]
	[[ "${lines[0]}" == '{"name":"web1"'* && "${lines[1]}" == '{"name":"web2"'* ]]
}

@test "what a terminal takes for a command is shown in octal, C1 control characters as well" {
	fails 2 'status a\033[31mb: bad server name' status $'a\033[31mb'
	fails 2 'status a\302\23331mb: bad server name' status $'a\xc2\x9b31mb'
	fails 2 'unexpected word "a\233b"' check $'a\x9bb'
	fails 2 'unexpected word "größe"' check größe
}

@test "output that cannot be written is an error" {
	[ -w /dev/full ] || skip "needs /dev/full"
	server web1
	local err
	for args in "list -a" "--help" "status web1 --json" "show web1" "completion" "list -a --json"; do
		# shellcheck disable=SC2086
		err=$(croft $args 2>&1 >/dev/full) && return 1
		[[ "$err" == "croft: cannot write to standard output: "* ]]
		# shellcheck disable=SC2086
		err=$(croft $args 2>&1 >&-) && return 1
		[[ "$err" == "croft: cannot write to standard output: "* ]]
	done
}

@test "what cannot be written on stderr, or read, is no error" {
	server web1
	croft list -a 2>&- <&- >/dev/null
	run -4 croft status nosuch 2>&-
}

@test "odd surroundings do not change what is done" {
	server web1
	(
		umask 0777
		trap '' PIPE CHLD
		exec 5</ 6</etc
		ulimit -f 1
		[ "$(croft list -a -H -o name)" = web1 ]
	)
	[ "$(env -i "PATH=$PATH" "CROFT_ETC=$CROFT_ETC" "CROFT_RUN=$CROFT_RUN" LC_ALL=tr_TR.UTF-8 \
		"$BASH" -c "$(declare -f croft); CLI_DIR=$CLI_DIR; croft list -a -H -o name")" = web1 ]
}

@test "create: options in all their forms are read before root is asked for" {
	fails 9 'not permitted' create web1 --template busybox --memory=1G --ip 10.0.0.1 --ip 10.0.0.2 \
		--privileged --onboot yes --description 'a b'
	fails 2 'unknown option --all' create --all --template busybox
}

@test "set needs an option, and knows which cannot be changed" {
	fails 9 'not permitted' set web1 --memory 1G
	fails 2 'no option to set is given' set web1
}

@test "events: times, numbers and patterns are checked first; names need no root" {
	fails 2 "--since: 'yesterday' is neither a time as 2026-11-23T15:00 (UTC) nor how long ago" events --since yesterday
	fails 2 "--since: '2026-11-23T15' is neither" events --since 2026-11-23T15
	fails 2 "--lines: '-1' is no number" events -n -1
	fails 2 "bad server name 'Web'" events Web
	fails 9 'not permitted: run it as root' events 'web*' --since 10m
	run -0 croft events --names
	[[ "$output" == *oom-kill*memory* ]]
	run -0 croft events --names --json
	[[ "$output" == '[{"event":"create","help":"'* ]]
}
