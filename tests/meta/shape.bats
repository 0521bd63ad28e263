#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The shape of the sources: sizes, blanks, paths, and the way a reader takes through a start.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
}

none() {
	[ -z "$1" ] || {
		echo "$1"
		return 1
	}
}

# Every file of the project but golden trees, which are what a distribution wrote, and inputs of the fuzzer.
files() {
	local list
	list=$(git ls-files -co --exclude-standard 2>/dev/null) || list=
	[ -n "$list" ] || list=$(find cmd lib tests templates etc man .ci README quickstart configure.ac Makefile.am -type f)
	grep -vE '^tests/(golden|fuzz/corpus)/' <<<"$list" | while IFS= read -r f; do
		[ ! -f "$f" ] || echo "$f"
	done
}

# Functions whose body has more than the given number of lines. A body begins with a brace in the first
# column and ends with one.
long_functions() {
	local max=$1
	shift
	awk -v max="$max" '
		FNR == 1 { head = ""; start = 0 }
		/^\{/ { start = FNR; name = head }
		/^\}/ {
			if (start && FNR - start + 1 > max)
				print FILENAME ":" start ": " FNR - start + 1 " lines: " name
			start = 0
		}
		/^[^ \t{}\/*#]/ { head = $0 }' "$@"
}

@test "the check of functions finds a long one" {
	{
		echo "static int big(void)"
		echo "{"
		yes '	x();' | head -n 70
		echo "}"
	} >"$BATS_TEST_TMPDIR/a.c"
	[[ "$(long_functions 60 "$BATS_TEST_TMPDIR/a.c")" == *"a.c:2: 72 lines: static int big(void)" ]]
}

@test "no function is longer than 60 lines, none of the tests longer than 80" {
	none "$(long_functions 60 lib/*/*.c cmd/*.c)"
	none "$(long_functions 80 tests/unit/*.c)"
}

@test "no file of lib or cmd is longer than 700 lines" {
	none "$(wc -l lib/*/*.[ch] cmd/*.[ch] | awk '$1 > 700 && $2 != "total"')"
}

@test "no blanks at the end of a line, and every file ends with a newline" {
	local f
	none "$(files | tr '\n' '\0' | xargs -0 grep -nIE '[[:blank:]]+$' --)"
	none "$(files | while IFS= read -r f; do
		[ ! -s "$f" ] || [ -z "$(tail -c1 "$f" | tr -d '\n\0')" ] || echo "$f"
	done)"
}

@test "text is ASCII or UTF-8, without control characters and carriage returns" {
	none "$(files | tr '\n' '\0' | xargs -0 grep -nIP '[\x00-\x08\x0b-\x1f\x7f]' --)"
	local f
	none "$(files | while IFS= read -r f; do
		iconv -f UTF-8 -t UTF-8 "$f" >/dev/null 2>&1 || echo "$f"
	done)"
}

@test "no path of a developer's machine" {
	# /home of a guest appears in tests of password files, which say whose home it is.
	none "$(files | grep -v '^tests/unit/test_\(dialect\|join\)' | tr '\n' '\0' |
		xargs -0 grep -nIE '(^|[^a-zA-Z0-9_})./])/(home|Users|work|root/[a-z.]+)/' -- |
		grep -vE '^tests/meta/shape.bats|/root/\.ssh')"
	local here=$PWD
	[ "$here" = / ] || none "$(files | tr '\n' '\0' | xargs -0 grep -nIF -- "$here/")"
}

@test "headers are guarded by their own path" {
	local f want bad=
	for f in lib/*/*.h cmd/*.h; do
		want=CROFT_$(sed -E 's|^lib/||; s|[/.]|_|g' <<<"$f" | tr '[:lower:]' '[:upper:]')
		grep -qx "#ifndef $want" "$f" && grep -qx "#define $want" "$f" || bad+="$f: $want"$'\n'
	done
	none "$bad"
}

@test "every source says what it is for" {
	# The second line of a file is its comment, or follows at most one blank line.
	none "$(for f in lib/*/*.[ch] cmd/*.[ch]; do
		sed -n 2,4p "$f" | grep -qE '^(/\*|//)' || echo "$f"
	done)"
}

# The files of a start, as croft-layers(7) lists them.
traced() {
	sed -n '/^\.SS "How to trace/,/^\.SS Rows/s/^\.I //p' man/croft-layers.7
}

@test "tracing a start: at most eight files, which exist, in the README as in croft-layers(7)" {
	local f
	[ "$(traced | wc -l)" -le 8 ]
	[ "$(traced | wc -l)" -ge 6 ]
	for f in $(traced); do
		[ -f "$f" ] || none "$f is missing"
	done
	none "$(diff <(traced) <(sed -n '/^How to trace/,/^How to build/p' README | sed -n '/in this order/,$p' |
		grep -oE '(cmd|lib)/[a-z_/]+\.c'))"
}

@test "tracing a start: every file but the first is named by one before it, or has a function that is called there" {
	local f before='' names bad=
	for f in $(traced); do
		if [ -n "$before" ]; then
			# Its functions and tables that are not static; its name; a command's row.
			names=$(grep -vE '^(static|typedef|#|/|\*|[ \t{}])' "$f" |
				grep -oE '^[a-zA-Z_][a-zA-Z0-9_ *]*[ *]([a-z0-9_]+)(\(|\[\]| =)' | grep -oE '[a-z0-9_]+(\(|\[\]| =)$' |
				grep -oE '^[a-z0-9_]+')
			# shellcheck disable=SC2046,SC2086
			grep -qwF -e "${f##*/}" $(printf -- '-e %s ' $names) $before ||
				{ [[ $f == cmd/cmd_* ]] && grep -q "X($(basename "$f" .c | cut -c5-))" cmd/commands.def &&
					grep -q '"commands.def"' $before; } || bad+="$f"$'\n'
		fi
		before+=" $f"
	done
	none "$bad"
}

@test "each name in the expected skips is the name of one test" {
	local f name bad=
	for f in tests/bed/expected-skips.*; do
		[ -e "$f" ] || continue
		while IFS= read -r name; do
			[ -n "$name" ] || continue
			case $name in
			test_*.c:\ *) grep -qE "TEST\(${name#*: }\)" "tests/unit/${name%%:*}" || bad+="$f: $name"$'\n' ;;
			*) grep -qrxF --include='*.bats' "@test \"$name\" {" tests || bad+="$f: $name"$'\n' ;;
			esac
		done <"$f"
	done
	none "$bad"
}

@test "names of tests are unique: a skip is expected by name" {
	none "$(grep -rhE --include='*.bats' '^@test ' tests | sort | uniq -d)"
}
