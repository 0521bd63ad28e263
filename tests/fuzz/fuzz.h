/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing the parsers of what others wrote. A target is a function fuzz_NAME(), a line X(NAME) in
 * targets.def and a folder corpus/NAME with a few inputs to start from; tests/fuzz/run builds and
 * runs them. A target is deterministic, needs no root and writes only below fuzz_dir().
 */
#ifndef CROFT_FUZZ_H
#define CROFT_FUZZ_H

#include <stdbool.h>
#include <stddef.h>

/* text has n bytes of any kind, a NUL behind them, and nothing behind that. It may be changed. */
typedef void fuzz_fn(char *text, size_t n);
#define X(name) fuzz_fn fuzz_##name;
#include "targets.def"
#undef X

/* What has to be true for every input. */
#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fuzz_failed(__FILE__, __LINE__, #cond);                                    \
	} while (0)
_Noreturn void fuzz_failed(const char *file, int line, const char *what);

/* A directory of this process, removed when it exits; that below it, which is made; a file there.
 */
const char *fuzz_dir(void);
char *fuzz_subdir(const char *name); /* caller frees */
void fuzz_file(const char *dir, const char *name, const void *data, size_t n);
/* UTF-8 without control characters other than those of `but`. */
bool fuzz_is_clean(const char *s, size_t n, const char *but);

#endif
