/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON through yajl. Writing is a stream into a buf; reading gives a tree. */
#ifndef CROFT_SYS_JSON_H
#define CROFT_SYS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

struct json_out;
struct json_out *json_new(bool pretty);
void json_obj(struct json_out *j, const char *key); /* key NULL within a list and at the top */
void json_obj_end(struct json_out *j);
void json_list(struct json_out *j, const char *key);
void json_list_end(struct json_out *j);
/* NULL value: null. Bytes that are not UTF-8 become U+FFFD. */
void json_str(struct json_out *j, const char *key, const char *value);
void json_int(struct json_out *j, const char *key, int64_t value);
void json_milli(struct json_out *j, const char *key, uint64_t thousandths); /* 1.5 */
void json_u64(struct json_out *j, const char *key, uint64_t value); /* PARSE_UNLIMITED: null */
void json_bool(struct json_out *j, const char *key, bool value);
char *json_done(struct json_out *j); /* the text with a closing newline, caller frees; j is freed */

struct json; /* a parsed tree */
int json_parse(const char *text, size_t len, struct json **ret, struct err *err);
void json_free(struct json *j);
/* Members of an object by path, "monitor.pid"; NULL or the fallback when missing or of another
 * type. */
const struct json *json_at(const struct json *j, const char *path);
const char *json_get_str(const struct json *j, const char *path);
int64_t json_get_int(const struct json *j, const char *path, int64_t fallback);
bool json_get_bool(const struct json *j, const char *path, bool fallback);
size_t json_len(const struct json *list);
const struct json *json_item(const struct json *list, size_t i);

#endif
