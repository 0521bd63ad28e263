/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tiny test harness. A file of tests is
 *
 *	#include "unit.h"
 *	TEST(size_with_suffix) { uint64_t n; CHECK_INT(parse_size("1K", &n), 0); CHECK_INT(n, 1024);
 *}
 *
 * and nothing else: tests register themselves before main() runs. A failed check is reported with
 * file and line and the test goes on; REQUIRE leaves the test.
 */
#ifndef CROFT_UNIT_H
#define CROFT_UNIT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct unit_test {
	const char *name, *file;
	void (*run)(void);
	struct unit_test *next;
};

void unit_register(struct unit_test *t);
void unit_check(bool ok, const char *file, int line, const char *what);
void unit_check_str(const char *a, const char *b, const char *file, int line, const char *what);
void unit_check_int(int64_t a, int64_t b, const char *file, int line, const char *what);
void unit_skip(const char *why);
/* A new directory of this test alone, removed when the test has ended. */
const char *unit_dir(void);
/* unit_dir()/name; valid until the test has ended. */
const char *unit_path(const char *name);

#define TEST(id)                                                                                   \
	static void unit_run_##id(void);                                                           \
	static struct unit_test unit_test_##id = { #id, __FILE__, unit_run_##id, NULL };           \
	__attribute__((constructor)) static void unit_add_##id(void)                               \
	{                                                                                          \
		unit_register(&unit_test_##id);                                                    \
	}                                                                                          \
	static void unit_run_##id(void)

#define CHECK(cond)	unit_check((cond), __FILE__, __LINE__, #cond)
#define CHECK_STR(a, b) unit_check_str((a), (b), __FILE__, __LINE__, #a " is " #b)
#define CHECK_INT(a, b) unit_check_int((int64_t)(a), (int64_t)(b), __FILE__, __LINE__, #a " is " #b)
/* A check without which the rest of the test makes no sense. */
#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		bool unit_ok_ = (cond);                                                            \
		unit_check(unit_ok_, __FILE__, __LINE__, #cond);                                   \
		if (!unit_ok_)                                                                     \
			return;                                                                    \
	} while (0)
/* Leaves the test: this machine or user lacks what it needs. */
#define SKIP(why)                                                                                  \
	do {                                                                                       \
		unit_skip(why);                                                                    \
		return;                                                                            \
	} while (0)

#endif
