// SPDX-License-Identifier: GPL-2.0-or-later
/* The only file that includes yajl. What must stay true: whatever bytes go in, what comes out is
 * JSON; and a hostile text costs neither much memory nor much stack. */
#include "sys/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>
#include "base/mem.h"
#include "base/parse.h"

#define JSON_MAX   (16 << 20)
#define JSON_DEPTH 64 /* yajl frees its tree by recursion */

struct json_out {
	yajl_gen gen;
};

/* yajl asks for memory through these: running out of it ends the process as everywhere. */
static void *json_malloc(void *ctx, size_t n)
{
	(void)ctx;
	return xmalloc(n);
}

static void *json_realloc(void *ctx, void *p, size_t n)
{
	(void)ctx;
	return xrealloc(p, n, 1);
}

static void json_release(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

struct json_out *json_new(bool pretty)
{
	static yajl_alloc_funcs alloc = { json_malloc, json_realloc, json_release, NULL };
	struct json_out *j = xmalloc(sizeof(*j));

	j->gen = yajl_gen_alloc(&alloc);
	yajl_gen_config(j->gen, yajl_gen_beautify, pretty ? 1 : 0);
	yajl_gen_config(j->gen, yajl_gen_indent_string, "  ");
	return j;
}

static void add_text(struct json_out *j, const char *s)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	size_t left = strlen(s);

	while (left) {
		size_t n = str_utf8(s, left);

		if (n)
			buf_add(&b, s, n);
		else
			buf_puts(&b, "\xef\xbf\xbd");
		s += n ? n : 1;
		left -= n ? n : 1;
	}
	yajl_gen_string(j->gen, (const unsigned char *)str_or(b.s, ""), b.len);
}

static void add_key(struct json_out *j, const char *key)
{
	if (key)
		add_text(j, key);
}

void json_obj(struct json_out *j, const char *key)
{
	add_key(j, key);
	yajl_gen_map_open(j->gen);
}

void json_obj_end(struct json_out *j)
{
	yajl_gen_map_close(j->gen);
}

void json_list(struct json_out *j, const char *key)
{
	add_key(j, key);
	yajl_gen_array_open(j->gen);
}

void json_list_end(struct json_out *j)
{
	yajl_gen_array_close(j->gen);
}

void json_str(struct json_out *j, const char *key, const char *value)
{
	add_key(j, key);
	if (value)
		add_text(j, value);
	else
		yajl_gen_null(j->gen);
}

void json_int(struct json_out *j, const char *key, int64_t value)
{
	add_key(j, key);
	yajl_gen_integer(j->gen, value);
}

void json_u64(struct json_out *j, const char *key, uint64_t value)
{
	_cleanup_free_ char *text = NULL;

	add_key(j, key);
	if (value == PARSE_UNLIMITED) {
		yajl_gen_null(j->gen);
		return;
	}
	text = xasprintf("%llu", (unsigned long long)value);
	yajl_gen_number(j->gen, text, strlen(text));
}

void json_milli(struct json_out *j, const char *key, uint64_t thousandths)
{
	_cleanup_free_ char *text = print_milli(thousandths);

	add_key(j, key);
	yajl_gen_number(j->gen, text, strlen(text));
}

void json_bool(struct json_out *j, const char *key, bool value)
{
	add_key(j, key);
	yajl_gen_bool(j->gen, value);
}

char *json_done(struct json_out *j)
{
	const unsigned char *text = NULL;
	struct buf b = { 0 };
	size_t n = 0;

	yajl_gen_get_buf(j->gen, &text, &n);
	buf_add(&b, text, n);
	if (!n || text[n - 1] != '\n')
		buf_puts(&b, "\n");
	yajl_gen_free(j->gen);
	free(j);
	return buf_steal(&b);
}

/* yajl's tree nodes are ours under another name; the two casts are here and nowhere else. */
static yajl_val node(const struct json *j)
{
	return (yajl_val)(uintptr_t)j;
}

static struct json *from_node(yajl_val v)
{
	return (struct json *)(void *)v;
}

/* The deepest nesting; strings are skipped. */
static int depth(const char *s)
{
	int now = 0, deepest = 0;
	bool in_string = false;

	for (; *s; s++) {
		if (in_string && *s == '\\' && s[1])
			s++;
		else if (*s == '"')
			in_string = !in_string;
		else if (!in_string && (*s == '[' || *s == '{'))
			deepest = ++now > deepest ? now : deepest;
		else if (!in_string && (*s == ']' || *s == '}'))
			now--;
	}
	return deepest;
}

int json_parse(const char *text, size_t len, struct json **ret, struct err *err)
{
	_cleanup_free_ char *copy = NULL;
	char why[256] = "";
	yajl_val v;

	if (len > JSON_MAX)
		return err_set(err, ERR_FAIL, 0, "JSON text larger than %d bytes", JSON_MAX);
	if (memchr(text, '\0', len))
		return err_set(err, ERR_FAIL, 0, "a NUL byte in JSON text");
	/* yajl_tree_parse() wants it NUL-terminated. */
	copy = xstrndup(text, len);
	if (depth(copy) > JSON_DEPTH)
		return err_set(err, ERR_FAIL, 0, "JSON text nested deeper than %d", JSON_DEPTH);
	v = yajl_tree_parse(copy, why, sizeof(why));
	if (!v) {
		/* The text is several lines with a picture of the place; the first one says it. */
		why[strcspn(why, "\n")] = '\0';
		return err_set(err, ERR_FAIL, 0, "bad JSON: %s", str_or(why, "empty text"));
	}
	*ret = from_node(v);
	return 0;
}

void json_free(struct json *j)
{
	if (j)
		yajl_tree_free(node(j));
}

/* The member of that name, n characters long. */
static yajl_val member(yajl_val v, const char *name, size_t n)
{
	if (!YAJL_IS_OBJECT(v))
		return NULL;
	for (size_t i = 0; i < v->u.object.len; i++) {
		const char *key = v->u.object.keys[i];

		if (strlen(key) == n && memcmp(key, name, n) == 0)
			return v->u.object.values[i];
	}
	return NULL;
}

const struct json *json_at(const struct json *j, const char *path)
{
	yajl_val v = node(j);

	while (v && path && *path) {
		size_t n = strcspn(path, ".");

		v = member(v, path, n);
		path += n;
		if (*path)
			path++;
	}
	return from_node(v);
}

const char *json_get_str(const struct json *j, const char *path)
{
	yajl_val v = node(json_at(j, path));

	return YAJL_IS_STRING(v) ? YAJL_GET_STRING(v) : NULL;
}

int64_t json_get_int(const struct json *j, const char *path, int64_t fallback)
{
	yajl_val v = node(json_at(j, path));

	return YAJL_IS_INTEGER(v) ? YAJL_GET_INTEGER(v) : fallback;
}

bool json_get_bool(const struct json *j, const char *path, bool fallback)
{
	yajl_val v = node(json_at(j, path));

	return YAJL_IS_TRUE(v) ? true : YAJL_IS_FALSE(v) ? false : fallback;
}

size_t json_len(const struct json *list)
{
	yajl_val v = node(list);

	return YAJL_IS_ARRAY(v) ? v->u.array.len : 0;
}

const struct json *json_item(const struct json *list, size_t i)
{
	return i < json_len(list) ? from_node(node(list)->u.array.values[i]) : NULL;
}
