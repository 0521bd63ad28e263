#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The tables of the source against what people read: manual, help, completion. manual.bats has the
# commands and the keys; here is the rest.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	croft=${CROFT_TEST_BUILD:-$PWD/build/croft}/croft
	[ -x "$croft" ]
	bats_require_minimum_version 1.5.0
	export CROFT_ETC=$BATS_TEST_TMPDIR CROFT_VAR=$BATS_TEST_TMPDIR CROFT_RUN=$BATS_TEST_TMPDIR
}

none() {
	[ -z "$1" ] || {
		echo "$1"
		return 1
	}
}

commands() {
	"$croft" --help | sed -n 's/^  \([a-z-]*\) .*/\1/p'
}

# The words of a table: what stands in the brackets of its rows.
rows() {
	sed -nE 's/^[A-Z]+\(([a-z0-9_]+).*/\1/p' "$1"
}

# The text of a manual page without its markup.
plain() {
	sed -E 's/\\f[A-Z]//g; s/\\-/-/g; s/^\.(B|I|BR|RB|IR|TP|SS) ?//' "$1"
}

# help_options COMMAND [all]: the long options of its help; without `all`, those of a server's keys are
# left out.
help_options() {
	"$croft" "$1" --help | awk -v all="${2-}" '
		/^(Root|Limits|Network|Inside|Guard|Boot):$/ { server = 1 }
		/^(Options|Several servers|Common options):$/ { server = 0 }
		(all || !server) && /^  (also|    ) --/ { # those that are only named
			while (match($0, /--[a-z0-9-]+/)) {
				print substr($0, RSTART + 2, RLENGTH - 2)
				$0 = substr($0, RSTART + RLENGTH)
			}
			next
		}
		(all || !server) && match($0, /^  (-., )? *--[a-z0-9-]+/) {
			sub(/^ *(-., )? *--/, "")
			sub(/[^a-z0-9-].*/, "")
			print
		}'
}

@test "the tables are read" {
	[ "$(rows lib/store/stores.def | paste -sd' ')" = "overlay dir" ]
	[ "$(rows lib/net/nets.def | head -n1)" = routed ]
	[ "$(rows lib/dialect/dialects.def | tail -n1)" = generic ]
	[ "$(help_options start | paste -sd' ')" = "wait onboot jobs all json quiet deadline help" ]
	run -0 grep -x memory <(help_options create all)
	run -1 grep -x memory <(help_options create)
}

@test "network modes: each has its file, stands in croft-server(5), and --net takes it" {
	local n bad=
	for n in $(rows lib/net/nets.def); do
		[ -e "lib/net/net_$n.c" ] || bad+="lib/net/net_$n.c is missing"$'\n'
		plain man/croft-server.5 | grep -A12 '^NET, --net' | grep -qw "$n" || bad+="croft-server(5): $n"$'\n'
	done
	none "$bad"
}

@test "stores: each has its file and stands in croft-server(5)" {
	local s bad=
	for s in $(rows lib/store/stores.def); do
		[ -e "lib/store/store_$s.c" ] || bad+="lib/store/store_$s.c is missing"$'\n'
		plain man/croft-server.5 | grep -A12 '^STORE, --store' | grep -qw "$s" || bad+="croft-server(5): $s"$'\n'
	done
	none "$bad"
}

@test "dialects: each has its file, stands in croft-template(8), and has golden trees" {
	local d bad=
	for d in $(rows lib/dialect/dialects.def); do
		[ -e "lib/dialect/dialect_$d.c" ] || bad+="lib/dialect/dialect_$d.c is missing"$'\n'
		plain man/croft-template.8 | grep -qw "$d" || bad+="croft-template(8): $d"$'\n'
		compgen -G "tests/golden/dialect/$d*/after" >/dev/null || bad+="tests/golden/dialect: $d"$'\n'
	done
	none "$bad"
}

@test "templates: each recipe has its script, and each name stands in croft-template(8)" {
	local name recipe n=0 bad=
	while read -r name recipe; do
		[ -x "templates/$recipe" ] || bad+="templates/$recipe is missing"$'\n'
		plain man/croft-template.8 | grep -qw -- "$name" || bad+="croft-template(8): $name"$'\n'
		n=$((n + 1))
	done < <(sed -n '/^const struct template_recipe/,/^};/s/^\t{ "\([a-z0-9-]*\)", "\([a-z]*\)".*/\1 \2/p' \
		lib/template/template.c)
	[ "$n" -ge 5 ]
	none "$bad"
}

@test "features: each word of the table stands in croft-server(5)" {
	local f n=0 bad=
	for f in $("$croft" create --help | sed -n 's/^  --feature .*otherwise: //p' | tr -d ,); do
		plain man/croft-server.5 | sed -n '/^FEATURE, --feature/,/^$/p' | grep -qw "$f" || bad+="croft-server(5): $f"$'\n'
		n=$((n + 1))
	done
	[ "$n" -ge 6 ]
	none "$bad"
}

@test "hooks: each event stands in croft-hooks(7)" {
	local e n=0 bad=
	for e in $(sed -n 's/^#define HOOK_EVENTS(X) //p' lib/hook/hook.h | sed 's/X(//g; s/)//g; s/_/-/g'); do
		plain man/croft-hooks.7 | grep -qw -- "$e" || bad+="croft-hooks(7): $e"$'\n'
		n=$((n + 1))
	done
	[ "$n" -ge 6 ]
	none "$bad"
}

@test "events: each row of the table stands in croft-events(8), and the monitor writes only such" {
	local e n=0 bad='' names
	names=$(sed -n 's/^X([A-Z_]*, "\([a-z-]*\)", .*/\1/p' lib/run/events.def)
	for e in $names; do
		grep -qx "\.B ${e//-/\\\\-}" man/croft-events.8 || bad+="croft-events(8): $e"$'\n'
		n=$((n + 1))
	done
	[ "$n" -ge 10 ]
	[ "$n" = "$(grep -c '^X(' lib/run/events.def)" ]
	[ "$("$croft" events --names | cut -d' ' -f1)" = "$names" ]
	for e in $(sed -n '/^} row\[/,/^};/s/^\t{ "[a-z_]*", "\([a-z-]*\).*/\1/p' cmd/monitor_watch.c); do
		grep -qx "$e" <<<"$names" || bad+="cmd/monitor_watch.c: $e"$'\n'
		n=$((n + 1))
	done
	[ "$n" -ge 12 ]
	none "$bad"
}

# The flags of a command's row.
flags_of() {
	sed -n '/^const struct cmd cmd_/,/^};/p' "cmd/cmd_$1.c" | tr -d '\n' | sed 's/.*\.flags = \([A-Z_ |\t]*\).*/\1/' | tr -s '|\t ' '\n'
}

@test "audit: each command says whether it leaves a line, and croft-events(8) names those that do" {
	local c n=0 bad=
	for c in $(sed -n 's/^X(\([a-z_]*\))$/\1/p' cmd/commands.def); do
		[ "$(flags_of "$c" | grep -cxE 'CMD_(NO_)?AUDIT')" = 1 ] || bad+="cmd_$c.c: CMD_AUDIT or CMD_NO_AUDIT"$'\n'
		flags_of "$c" | grep -qx CMD_AUDIT || continue
		sed -n '/^\.SS "The audit log"/,/^\.TP/p' man/croft-events.8 | grep -qw "$c" || bad+="croft-events(8): $c"$'\n'
		n=$((n + 1))
	done
	[ "$n" -ge 14 ]
	none "$bad"
}

@test "audit: each option of a command that takes a password or a variable is marked as secret" {
	local bad
	bad=$(tr -d '\n' <<<"$(cat cmd/cmd_*.c)" | grep -oE '\{ \.name = "[a-z-]*"[^}]*\}' |
		grep -E '(PASSWORD|KEY=VALUE|SECRET|TOKEN)"' | grep -v '\.secret = true' || :)
	none "$bad"
	grep -q 'OPT_SECRET' lib/dialect/dialect.c
}

@test "steps: each row of the start has its bodies and its line in croft plan" {
	local s n=0 bad=
	for s in $(sed -nE 's/^\t(HOST|MONITOR|INSIDE)\(([a-z_]+),.*/\2/p' lib/run/steps.c); do
		grep -qE "^int step_$s\(" lib/run/steps_host.c lib/run/birth.c lib/run/steps_inside.c || bad+="step_$s"$'\n'
		grep -qE "X\($s\)" lib/run/steps.h || bad+="steps.h: $s"$'\n'
		n=$((n + 1))
	done
	[ "$n" -ge 20 ]
	none "$bad"
}

@test "a command's manual page has its own options; those of a server's keys may be in croft-server(5)" {
	local c o bad=
	for c in $(commands); do
		for o in $(help_options "$c"); do
			plain "man/croft-$c.8" | grep -qE -- "--$o([^a-z0-9-]|\$)" || bad+="croft-$c(8): --$o"$'\n'
		done
		[ "$(help_options "$c" all | wc -l)" = "$(help_options "$c" | wc -l)" ] ||
			plain "man/croft-$c.8" | grep -q 'croft-server (5)' || bad+="croft-$c(8) does not name croft-server(5)"$'\n'
	done
	none "$bad"
}

@test "help of a command fits on one screen of 60 lines, that of croft on 50" {
	local c bad=
	[ "$("$croft" --help | wc -l)" -le 50 ]
	for c in $(commands); do
		[ "$("$croft" "$c" --help | wc -l)" -le 60 ] || bad+="$c "
	done
	none "$bad"
}

@test "each line of croft --help is the one of the command's manual page" {
	local c text bad=
	while read -r c text; do
		plain "man/croft-$c.8" | grep -qxF "croft-$c - $text" || bad+="croft-$c(8): not \"$text\""$'\n'
		plain man/croft.8 | grep -A1 "^croft-$c (8)" | grep -qxF "$text" || bad+="croft(8): $c: not \"$text\""$'\n'
	done < <("$croft" --help | sed -nE 's/^  ([a-z-]+)  +/\1 /p')
	none "$bad"
}

@test "the completion knows every option of every command" {
	local c o bad=
	"$croft" completion bash >"$BATS_TEST_TMPDIR/completion"
	# shellcheck disable=SC1091
	. "$BATS_TEST_TMPDIR/completion"
	for c in $(commands); do
		COMP_WORDS=(croft "$c" --)
		COMP_CWORD=2
		COMPREPLY=()
		_croft
		for o in $(help_options "$c" all); do
			[[ " ${COMPREPLY[*]} " == *" --$o "* ]] || bad+="$c --$o"$'\n'
		done
	done
	none "$bad"
}

@test "the completion offers values where they are known, and names only where names go" {
	"$croft" completion bash >"$BATS_TEST_TMPDIR/completion"
	# shellcheck disable=SC1091
	. "$BATS_TEST_TMPDIR/completion"
	croft() { # what it asks
		case $* in
		'list -a -H -o name') printf '%s\n' srv1 srv2 ;;
		'template list -H') echo 'tpl1  busybox  x86_64' ;;
		esac
	}
	offers() { # EXPECTED WORD...: what is offered for the last word
		local want=$1
		shift
		COMP_WORDS=(croft "$@")
		COMP_CWORD=$#
		COMPREPLY=()
		_croft || :
		[ "${COMPREPLY[*]-}" = "$want" ] || { echo "$*: ${COMPREPLY[*]-}"; return 1; }
	}
	offers 'nesting fuse tun io_uring perf keyctl capture ipsec' create a --feature ''
	offers 'srv1 srv2' set srv1 --depends ''
	offers '' create a --memory ''
	offers '' exec srv1 ''
	offers 'srv1 srv2' exec ''
	offers 'srv1 srv2' start srv1 ''
	offers 'srv1 srv2' list s
	offers '' create ''
	offers 'tpl1' create a --template ''
	offers 'tpl1' template remove ''
	offers 'tpl1' template show t
	offers 'build list show remove' template ''
	offers 'pids-used pids-peak pids-failures pids' list --sort pids
	offers 'name,boots name,boot-order' list -o name,boo
	offers 'memory memory-high memory-guarantee memlock' set srv1 --default mem
	offers 'yes no' set srv1 --onboot ''
	offers '' stop srv1 --timeout ''
	offers '' exec srv1 -u ''
}

@test "each key of a server is listed by croft show, and each column of croft list has the option's name" {
	local o known bad=
	mkdir -p "$BATS_TEST_TMPDIR/servers"
	echo 'UUID="00112233445566778899aabbccddeeff"' >"$BATS_TEST_TMPDIR/servers/a.conf"
	[ "$(id -u)" -ne 0 ] || skip "needs an ordinary user"
	known=$("$croft" show a)
	for o in $(comm -23 <(help_options create all | sort) <(help_options create | sort)); do
		case $o in
		password | ssh-key) # kept nowhere
			! grep -qiE "^${o//-/_}=" <<<"$known" || bad+="show: $o"$'\n'
			continue
			;;
		esac
		grep -q "^$(tr 'a-z-' 'A-Z_' <<<"$o")=" <<<"$known" || bad+="show: $o"$'\n'
		"$croft" list -a -o "$o" >/dev/null || bad+="list: $o"$'\n'
	done
	none "$bad"
}

@test "limits: each has a probe in the root tests" {
	local o n=0 bad=
	for o in $("$croft" create --help | awk '
		/^[A-Z].*:$/ { on = $0 == "Limits:" }
		on { while (match($0, /--[a-z-]+/)) { print substr($0, RSTART + 2, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH) } }'); do
		n=$((n + 1))
		grep -qE "^@test \"(row ([a-z-]+, )*${o}[,\"]|$o: )" tests/root/limits.bats tests/root/limitrows.bats tests/root/disk.bats ||
			bad+="$o has no test \"row $o\" or \"$o: ...\""$'\n'
	done
	[ "$n" -gt 20 ]
	none "$bad"
}
