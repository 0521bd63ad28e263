// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errors as values. What must stay true: the text is always NUL-terminated, one line, and free of
 * control characters, because it may hold a file name or a value that somebody hostile chose and it
 * is printed on a terminal.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct {
	const char *symbol, *text;
} classes[] = {
#define X(code, name, sym, txt) [(code)] = { sym, txt },
#include "base/exits.def"
#undef X
};

/* A system call that is not there: the kernel is too old, or somebody's filter (a container's, say)
 * hides it. */
#define LACKS " (croft needs Linux " ERR_NEEDS_LINUX " or newer, and all of its system calls)"

#define N_CLASSES (sizeof(classes) / sizeof(classes[0]))

static enum err_class refine(enum err_class class, int num)
{
	if (class != ERR_FAIL)
		return class;
	switch (num) {
	case ENOSPC:
	case EDQUOT:
		return ERR_ROOM;
	case EPERM:
	case EACCES:
		return ERR_PERM;
	case ENOSYS:
		return ERR_HOST;
	default:
		return class;
	}
}

int err_set(struct err *err, enum err_class class, int num, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	char tail[128] = "";
	size_t room;
	va_list ap;

	num = abs(num);
	if (!err)
		return num ? -num : -EINVAL;

	if (num)
		snprintf(tail, sizeof(tail), ": %s%s", strerror(num), num == ENOSYS ? LACKS : "");
	/* The arguments may point into err->text, so it is written last. The reason is kept whole
	 * and a text that is too long is cut before it. */
	room = sizeof(text) - strlen(tail);
	va_start(ap, fmt);
	vsnprintf(text, room, fmt, ap);
	va_end(ap);
	strcat(text, tail);
	str_make_printable(text);

	memcpy(err->text, text, sizeof(text));
	err->class = refine(class, num);
	err->num = num;
	return num ? -num : -EINVAL;
}

int err_wrap(struct err *err, int ret, const char *fmt, ...)
{
	char prefix[sizeof(err->text)], text[sizeof(err->text)];
	va_list ap;

	if (!err || ret >= 0)
		return ret;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);

	/* Somebody below returned an error without a text: the number is better than nothing. */
	if (!err->text[0]) {
		err_set(err, err->class == ERR_OK ? ERR_FAIL : err->class, -ret, "%s", prefix);
		return ret;
	}
	/* Half of the room at most for the prefix, so that the reason is never lost. */
	prefix[sizeof(prefix) / 2] = '\0';
	str_make_printable(prefix);
	if (snprintf(text, sizeof(text), "%s: %s", prefix, err->text) < 0)
		return ret;
	memcpy(err->text, text, sizeof(text));
	return ret;
}

void err_clear(struct err *err)
{
	if (err)
		*err = (struct err) { .class = ERR_OK };
}

const char *err_symbol(enum err_class class)
{
	size_t i = class;

	return i < N_CLASSES ? classes[i].symbol : classes[ERR_FAIL].symbol;
}

const char *err_meaning(enum err_class class)
{
	size_t i = class;

	return i < N_CLASSES ? classes[i].text : classes[ERR_FAIL].text;
}
