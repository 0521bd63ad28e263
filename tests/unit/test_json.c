// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/sys/json: what is written is JSON, what is read is bounded. */
#include "unit.h"

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sys/json.h"

static struct json *tree(const char *text)
{
	struct json *j = NULL;
	struct err e;

	CHECK_INT(json_parse(text, strlen(text), &j, &e), 0);
	return j;
}

TEST(json_writes_compact)
{
	struct json_out *o = json_new(false);
	_cleanup_free_ char *s = NULL;

	json_obj(o, NULL);
	json_str(o, "name", "web1");
	json_str(o, "none", NULL);
	json_str(o, "empty", "");
	json_int(o, "neg", -5);
	json_int(o, "min", INT64_MIN);
	json_u64(o, "big", UINT64_MAX - 1);
	json_u64(o, "unlimited", PARSE_UNLIMITED);
	json_bool(o, "yes", true);
	json_list(o, "list");
	json_str(o, NULL, "a");
	json_int(o, NULL, 1);
	json_obj(o, NULL);
	json_obj_end(o);
	json_list_end(o);
	json_obj_end(o);
	s = json_done(o);
	CHECK_STR(s, "{\"name\":\"web1\",\"none\":null,\"empty\":\"\",\"neg\":-5,"
		     "\"min\":-9223372036854775808,\"big\":18446744073709551614,\"unlimited\":null,"
		     "\"yes\":true,\"list\":[\"a\",1,{}]}\n");
}

TEST(json_writes_pretty)
{
	struct json_out *o = json_new(true);
	_cleanup_free_ char *s = NULL;

	json_obj(o, NULL);
	json_list(o, "l");
	json_int(o, NULL, 1);
	json_list_end(o);
	json_obj_end(o);
	s = json_done(o);
	CHECK_STR(s, "{\n  \"l\": [\n    1\n  ]\n}\n");
}

TEST(json_any_bytes_read_back)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "a\"b\\c/d", "a\"b\\c/d" },
		{ "\x01\x1f\n\r\t\x7f", "\x01\x1f\n\r\t\x7f" },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
		  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xff", "\xef\xbf\xbd" },
		{ "a\xc3", "a\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc0\x80z", "\xef\xbf\xbd\xef\xbf\xbdz" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct json_out *o = json_new(false);
		_cleanup_free_ char *s = NULL;
		struct json *j;

		json_obj(o, NULL);
		json_str(o, t[i].in, t[i].in);
		json_obj_end(o);
		s = json_done(o);
		CHECK(str_ends(s, "}\n") && strchr(s, '\n')[1] == '\0');
		j = tree(s);
		CHECK_STR(json_get_str(json_at(j, NULL), t[i].out), t[i].out);
		json_free(j);
	}
}

TEST(json_paths_and_types)
{
	struct json *j =
	    tree("{\"monitor\":{\"pid\":12,\"alive\":true,\"x\":1.5},\"l\":[\"a\",{\"b\":-3},[]],"
		 "\"s\":\"t\",\"n\":null,\"big\":18446744073709551615,\"f\":false}");

	CHECK_INT(json_get_int(j, "monitor.pid", 0), 12);
	CHECK(json_get_bool(j, "monitor.alive", false));
	CHECK(!json_get_bool(j, "f", true));
	CHECK_STR(json_get_str(j, "s"), "t");
	CHECK_INT(json_len(json_at(j, "l")), 3);
	CHECK_STR(json_get_str(json_item(json_at(j, "l"), 0), ""), "a");
	CHECK_INT(json_get_int(json_item(json_at(j, "l"), 1), "b", 0), -3);
	CHECK_INT(json_len(json_item(json_at(j, "l"), 2)), 0);
	CHECK(json_item(json_at(j, "l"), 3) == NULL);
	/* Missing, or of another type. */
	CHECK_INT(json_get_int(j, "monitor.gone", -7), -7);
	CHECK_INT(json_get_int(j, "monitor.pid.deeper", -7), -7);
	CHECK_INT(json_get_int(j, "monitor.x", -7), -7);
	CHECK_INT(json_get_int(j, "big", -7), -7);
	CHECK_INT(json_get_int(j, "s", -7), -7);
	CHECK_INT(json_get_int(j, "n", -7), -7);
	CHECK(json_get_str(j, "monitor") == NULL);
	CHECK(json_get_str(j, "monitor.pid") == NULL);
	CHECK(json_get_bool(j, "s", true));
	CHECK(json_at(j, "moni") == NULL);
	CHECK(json_at(j, "monitorx") == NULL);
	CHECK(json_at(NULL, "a") == NULL);
	CHECK_INT(json_len(j), 0);
	CHECK_INT(json_len(NULL), 0);
	json_free(j);
	json_free(NULL);
}

TEST(json_refuses)
{
	static const char *const wrong[] = { "",	  " ",	       "{",	     "[1,]",
					     "{\"a\":}",  "{'a':1}",   "[1] x",	     "{\"a\" 1}",
					     "nul",	  "[01]",      "\"\xff\"",   "[1",
					     "\"\\u12\"", "\"\\ud800", "{\"a\":1,}", "// c" };
	struct json *j = (void *)77;
	char *deep;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		if (json_parse(wrong[i], strlen(wrong[i]), &j, &e) >= 0)
			CHECK_STR(wrong[i], "refused");
		CHECK(strlen(e.text) > 10 && !strchr(e.text, '\n'));
	}
	CHECK(json_parse("[1]\0", 4, &j, &e) < 0);
	/* A million levels must cost no stack. */
	deep = xmalloc(1 << 20);
	memset(deep, '[', 1 << 20);
	CHECK(json_parse(deep, 1 << 20, &j, &e) < 0);
	CHECK_STR(e.text, "JSON text nested deeper than 64");
	free(deep);
	CHECK(j == (void *)77);
	/* Brackets in strings are not nesting. */
	j = tree("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[["
		 "[\"]");
	json_free(j);
}
