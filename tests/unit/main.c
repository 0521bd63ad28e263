// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs the unit tests and prints TAP. Arguments select tests whose file or name contains one of
 * them; -l lists. Exit 1 when a test failed or none was selected.
 *
 * The library is not used here for anything but what unit_dir() needs: a broken library must not
 * break the report.
 */
#include "unit.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

static struct unit_test *tests;
static int n_tests, failures;
static const char *skipped;
static char dir[128];
static char paths[32][512];
static int n_paths;

void unit_register(struct unit_test *t)
{
	struct unit_test **p = &tests;

	/* By file, and by the order in the file: constructors run in the order of the linker. */
	while (*p && strcmp((*p)->file, t->file) <= 0)
		p = &(*p)->next;
	t->next = *p;
	*p = t;
	n_tests++;
}

void unit_check(bool ok, const char *file, int line, const char *what)
{
	if (ok)
		return;
	failures++;
	printf("# %s:%d: not true: %s\n", file, line, what);
}

void unit_check_str(const char *a, const char *b, const char *file, int line, const char *what)
{
	if (a == b || (a && b && strcmp(a, b) == 0))
		return;
	failures++;
	printf("# %s:%d: not true: %s\n#   left:  %s\n#   right: %s\n", file, line, what,
	       a ? a : "(NULL)", b ? b : "(NULL)");
}

void unit_check_int(int64_t a, int64_t b, const char *file, int line, const char *what)
{
	if (a == b)
		return;
	failures++;
	printf("# %s:%d: not true: %s\n#   left:  %" PRId64 "\n#   right: %" PRId64 "\n", file,
	       line, what, a, b);
}

void unit_skip(const char *why)
{
	skipped = why;
}

const char *unit_dir(void)
{
	const char *base = getenv("TMPDIR");

	if (dir[0])
		return dir;
	if (!base || !*base || strlen(base) > 80)
		base = "/tmp";
	snprintf(dir, sizeof(dir), "%s/croft-unit-XXXXXX", base);
	if (!mkdtemp(dir)) {
		printf("Bail out! cannot make %s: %s\n", dir, strerror(errno));
		exit(1);
	}
	return dir;
}

const char *unit_path(const char *name)
{
	char *p = paths[n_paths++ % 32];

	snprintf(p, sizeof(paths[0]), "%s/%s", unit_dir(), name);
	return p;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void clean(void)
{
	if (!dir[0])
		return;
	if (nftw(dir, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0)
		printf("# cannot remove %s: %s\n", dir, strerror(errno));
	dir[0] = '\0';
}

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

static bool selected(const struct unit_test *t, int argc, char **argv)
{
	if (argc < 2)
		return true;
	for (int i = 1; i < argc; i++)
		if (strstr(t->name, argv[i]) || strstr(base_name(t->file), argv[i]))
			return true;
	return false;
}

static bool run(const struct unit_test *t, int number)
{
	failures = 0;
	skipped = NULL;
	t->run();
	clean();
	printf("%s %d - %s: %s%s%s\n", failures ? "not ok" : "ok", number, base_name(t->file),
	       t->name, skipped ? " # SKIP " : "", skipped ? skipped : "");
	fflush(stdout);
	return !failures;
}

int main(int argc, char **argv)
{
	int chosen = 0, bad = 0, number = 0;
	bool list = argc > 1 && strcmp(argv[1], "-l") == 0;

	for (const struct unit_test *t = tests; t; t = t->next) {
		if (list)
			printf("%s: %s\n", base_name(t->file), t->name);
		chosen += selected(t, argc, argv);
	}
	if (list)
		return 0;
	printf("1..%d\n", chosen);
	fflush(stdout);
	for (const struct unit_test *t = tests; t; t = t->next)
		if (selected(t, argc, argv) && !run(t, ++number))
			bad++;
	printf("# %d of %d passed\n", chosen - bad, chosen);
	return bad || !chosen;
}
