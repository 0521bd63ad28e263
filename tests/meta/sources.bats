#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What must be true of the sources themselves.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
}

# Every file of the project, built ones left out.
files() {
	git ls-files -co --exclude-standard -- "$@" 2>/dev/null ||
		find "${@:-.}" -type f -not -path './build*' -not -path './.git/*'
}

# none TEXT: fails when there is text, and shows it.
none() {
	[ -z "$1" ] || {
		echo "$1"
		return 1
	}
}

@test "layers: nothing includes upwards, no part another part, each library one file" {
	tests/meta/layers
}

@test "the test of the layers finds what is wrong" {
	local t=$BATS_TEST_TMPDIR/tree
	mkdir -p "$t/tests/meta" "$t/lib/base" "$t/lib/net" "$t/lib/limit" "$t/lib/sys" "$t/cmd"
	cp tests/meta/layers "$t/tests/meta/"
	"$t/tests/meta/layers"
	echo '#include "sys/fd.h"' >"$t/lib/base/a.c"
	run "$t/tests/meta/layers"
	[[ "$status" -ne 0 && "$output" == *"layer 1 from layer 0"* ]]
	rm "$t/lib/base/a.c"
	echo '#include "limit/limit.h"' >"$t/lib/net/a.c"
	run "$t/tests/meta/layers"
	[[ "$status" -ne 0 && "$output" == *"layer 3 from layer 3"* ]]
	echo '#include <seccomp.h>' >"$t/lib/net/a.c"
	run "$t/tests/meta/layers"
	[[ "$status" -ne 0 && "$output" == *"outside lib/sys"* ]]
	rm "$t/lib/net/a.c"
	echo '#include <yajl/yajl_gen.h>' | tee "$t/lib/sys/a.c" >"$t/lib/sys/b.c"
	run "$t/tests/meta/layers"
	[[ "$status" -ne 0 && "$output" == *"also included by"* ]]
}

@test "every source begins with its licence" {
	none "$(files lib cmd tests templates etc man .ci quickstart configure.ac Makefile.am |
		grep -vE '\.golden$|Makemodule\.am$|^etc/croft\.conf$|^tests/golden/|expected-skips|^tests/fuzz/corpus' | while read -r f; do
		[ ! -f "$f" ] || head -n 3 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || echo "$f"
	done)"
}

@test "base names of files are unique" {
	none "$(files lib cmd | grep -E '\.[ch]$' | sed 's|.*/||' | sort | uniq -d)"
}

@test "every C file is built, and every file that is built is there" {
	local listed present
	listed=$(cat Makefile.am ./*/Makemodule.am lib/*/Makemodule.am | grep -oE '(lib|cmd|tests/unit)/[a-z0-9_/]+\.[ch]' | sort -u)
	present=$(files lib cmd tests/unit | grep -E '\.[ch]$' | sort -u)
	none "$(diff <(echo "$listed") <(echo "$present") | grep -E '^[<>].*\.c$')"
	none "$(comm -23 <(echo "$listed") <(echo "$present"))"
}

@test "only cmd prints" {
	none "$(grep -nE '(^|[^a-z_])(printf|puts|putchar|perror|fputs|fprintf|vprintf)\(|[(, ]stdout[,;)]' -r lib --include='*.c' |
		grep -v 'lib/base/mem.c' | grep -vE ':[[:space:]]*(/?\*|//)')"
}

@test "no dangerous call: system, popen, sprintf, gets, mktemp, tmpnam, setenv" {
	none "$(grep -nE '(^|[^a-z_])(system|popen|sprintf|gets|mktemp|tmpnam|setenv)\(' -r lib cmd --include='*.c')"
}

@test "each target of the fuzzer has inputs to start from, and each folder of inputs a target" {
	none "$(diff <(sed -n 's/^X(\([a-z]*\)).*/\1/p' tests/fuzz/targets.def | sort) <(files tests/fuzz/corpus | cut -d/ -f4 | sort -u))"
}
