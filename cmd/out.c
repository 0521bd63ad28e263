// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the commands print: the collected standard output, errors, results as JSON, tables.
 *
 * What must stay true: an error is one line, whatever text comes from a server or a script; output
 * that could not be written is an error of the command.
 */
#include "out.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/parse.h"
#include "sys/fd.h"

static struct buf collected;
static int broken; /* the errno with which writing failed: nothing more is written then */

void out_puts(const char *s)
{
	buf_puts(&collected, s);
}

void out_add(const void *data, size_t n)
{
	buf_add(&collected, data, n);
}

void out_printf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) >= 0)
		buf_puts(&collected, text);
	va_end(ap);
	free(text);
}

void out_json(char *text)
{
	buf_puts(&collected, text);
	free(text);
}

int out_flush(struct err *err)
{
	if (collected.len && !broken)
		broken = -fd_write_all(STDOUT_FILENO, collected.s, collected.len);
	buf_free(&collected);
	if (!broken)
		return 0;
	err_set(err, ERR_FAIL, broken, "cannot write to standard output");
	err->class = ERR_FAIL; /* a full disk behind stdout is not the host's lack of room */
	return -broken;
}

void out_clean(struct buf *b, const char *s)
{
	size_t left = strlen(s), n;

	for (; left; s += n, left -= n) {
		char one[5] = "";

		n = str_utf8(s, left);
		if (n)
			memcpy(one, s, n);
		if (n && str_is_text(one)) {
			buf_add(b, s, n);
		} else if (*s == '\n') {
			buf_puts(b, left > 1 ? " | " : "");
		} else if (*s == '\t') {
			buf_puts(b, " ");
		} else {
			n = n ? n : 1; /* each byte of what is a control character or nothing */
			for (size_t i = 0; i < n; i++)
				buf_printf(b, "\\%03o", (unsigned char)s[i]);
		}
	}
}

static void line(const char *verb, const char *name, const char *kind, const char *text)
{
	struct buf b = {};

	buf_puts(&b, "croft: ");
	if (verb)
		buf_puts(&b, verb);
	if (name) {
		buf_puts(&b, verb ? " " : "");
		out_clean(&b, name);
	}
	if (verb || name)
		buf_puts(&b, ": ");
	buf_puts(&b, kind);
	out_clean(&b, text);
	buf_puts(&b, "\n");
	/* Where stderr cannot be written either, the exit code is all there is. */
	(void)fd_write_all(STDERR_FILENO, b.s, b.len);
	buf_free(&b);
}

void out_error(const char *verb, const char *name, const char *text)
{
	line(verb, name, "", text);
}

void out_warn(const struct cmd_ctx *ctx, const char *name, const char *text)
{
	if (!ctx->quiet)
		line(ctx->cmd->name, name, "warning: ", text);
}

void out_warn_all(const struct cmd_ctx *ctx, const char *name, struct strv *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		out_warn(ctx, name, texts->v[i]);
	strv_free(texts);
}

void out_outcome(const struct cmd_ctx *ctx, const char *name, const struct err *err)
{
	struct json_out *j = json_new(false);

	json_obj(j, NULL);
	if (name)
		json_str(j, "name", name);
	json_bool(j, "ok", !err);
	if (err) {
		json_int(j, "code", err->class);
		json_str(j, "symbol", err_symbol(err->class));
		json_str(j, "error", err->text);
	} else {
		json_bool(j, "changed", ctx->changed);
		if (ctx->killed)
			json_bool(j, "killed", true);
	}
	json_obj_end(j);
	out_json(json_done(j));
}

/* Columns, not bytes: a UTF-8 continuation byte takes no place on the screen. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void spaces(size_t n)
{
	while (n--)
		buf_add(&collected, " ", 1);
}

static void table_row(const struct out_table *t, const char *const *cell, const size_t *width)
{
	for (size_t c = 0; c < t->columns; c++) {
		size_t fill = width[c] - width_of(cell[c]);
		bool right = t->right && t->right[c];

		if (right)
			spaces(fill);
		buf_puts(&collected, cell[c]);
		if (c + 1 < t->columns)
			spaces((right ? 0 : fill) + 2);
	}
	buf_puts(&collected, "\n");
}

void out_table_print(const struct out_table *t)
{
	_cleanup_free_ size_t *width = xcalloc(t->columns + 1, sizeof(*width));

	for (size_t c = 0; t->heading && c < t->columns; c++)
		width[c] = width_of(t->heading[c]);
	for (size_t i = 0; t->columns && i < t->cells.n; i++) {
		size_t w = width_of(t->cells.v[i]);

		if (w > width[i % t->columns])
			width[i % t->columns] = w;
	}
	if (t->heading)
		table_row(t, t->heading, width);
	for (size_t i = 0; i + t->columns <= t->cells.n; i += t->columns)
		table_row(t, (const char *const *)t->cells.v + i, width);
}

void out_words(const struct cmd_ctx *ctx, const char *key, const struct strv *words)
{
	const struct out_table t = { .columns = 2, .cells = *words };

	if (!ctx->json) {
		out_table_print(&t);
		return;
	}
	struct json_out *j = json_new(false);
	json_list(j, NULL);
	for (size_t i = 0; i + 1 < words->n; i += 2) {
		json_obj(j, NULL);
		json_str(j, key, words->v[i]);
		json_str(j, "help", words->v[i + 1]);
		json_obj_end(j);
	}
	json_list_end(j);
	out_json(json_done(j));
}

char *out_seconds(uint64_t s)
{
	if (s >= 86400)
		return xasprintf("%llud %lluh", (unsigned long long)s / 86400,
				 (unsigned long long)s % 86400 / 3600);
	if (s >= 3600)
		return xasprintf("%lluh %llum", (unsigned long long)s / 3600,
				 (unsigned long long)s % 3600 / 60);
	if (s >= 60)
		return xasprintf("%llum %llus", (unsigned long long)s / 60,
				 (unsigned long long)s % 60);
	return xasprintf("%llus", (unsigned long long)s);
}

char *out_bytes(uint64_t n)
{
	static const char unit[] = "BKMGTP";
	double d = (double)n;
	int u = 0;

	if (n == PARSE_UNLIMITED)
		return xstrdup("unlimited");
	for (; d >= 1024 && u < 5; u++)
		d /= 1024;
	return u ? xasprintf("%.1f%c", d, unit[u]) : xasprintf("%uB", (unsigned)n);
}
