// SPDX-License-Identifier: GPL-2.0-or-later
/* One program of all targets: it runs the one that it is called by the name of. See fuzz.h. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct {
	const char *name;
	fuzz_fn *run;
} targets[] = {
#define X(name) { #name, fuzz_##name },
#include "targets.def"
#undef X
};

static fuzz_fn *target;
static char dir[128];

_Noreturn void fuzz_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, what);
	abort();
}

static void remove_dir(void)
{
	fd_remove_tree(AT_FDCWD, dir);
}

const char *fuzz_dir(void)
{
	if (!*dir) {
		snprintf(dir, sizeof(dir), "%.100s/croft-fuzz-XXXXXX",
			 str_or(getenv("TMPDIR"), "/tmp"));
		MUST(mkdtemp(dir));
		atexit(remove_dir);
	}
	return dir;
}

char *fuzz_subdir(const char *name)
{
	char *path = xasprintf("%s/%s", fuzz_dir(), name);

	MUST(fd_mkdir_p(path, 0755) == 0);
	return path;
}

void fuzz_file(const char *in, const char *name, const void *data, size_t n)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", in, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	MUST(fd >= 0 && fd_write_all(fd, data, n) == 0);
}

bool fuzz_is_clean(const char *s, size_t n, const char *but)
{
	size_t len;

	for (; n; s += len, n -= len) {
		char one[5] = "";

		len = str_utf8(s, n);
		if (!len || !*s)
			return false;
		for (size_t i = 0; i < len; i++)
			one[i] = s[i];
		if (!str_is_text(one) && !strchr(but, *s))
			return false;
	}
	return true;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *slash = strrchr(**argv, '/'), *name = slash ? slash + 1 : **argv;

	(void)argc;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		if (streq(targets[i].name, name))
			target = targets[i].run;
	if (target)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		puts(targets[i].name);
	exit(0);
}

/* In memory of its own size, so that reading behind its end is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = xmalloc(n + 1);

	if (n)
		memcpy(text, data, n);
	text[n] = '\0';
	target(text, n);
	free(text);
	return 0;
}
