// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From rows to the files of this host: a row is one file on version 2 and another on version 1, a
 * line of it for each block device, or a file for each size of huge pages. What must stay true: a
 * text that was written is read back, and means the same.
 */
#include "limit/limit_slots.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

#define HUGEPAGES "/sys/kernel/mm/hugepages"

static struct limit_slot *slot_add(struct limit_slots *l, const struct limit_row *row,
				   const char *file)
{
	struct limit_slot *s = &l->s[l->n];

	if (l->n == LIMIT_SLOTS_MAX)
		return NULL;
	l->n++;
	s->row = row;
	s->key = NULL;
	s->dev[0] = s->now[0] = '\0';
	s->written = false;
	snprintf(s->file, sizeof(s->file), "%s", file);
	return s;
}

/* The name of a size in the files of hugetlb: "2MB", "1GB" (mm/hugetlb_cgroup.c, mem_fmt()). */
static void size_name(uint64_t kb, char out[24])
{
	if (kb >= 1 << 20)
		snprintf(out, 24, "%" PRIu64 "GB", kb >> 20);
	else if (kb >= 1 << 10)
		snprintf(out, 24, "%" PRIu64 "MB", kb >> 10);
	else
		snprintf(out, 24, "%" PRIu64 "KB", kb);
}

static bool add_sizes(struct limit_slots *l, const struct limit_row *row, const char *file,
		      const char *text)
{
	DIR *d = opendir(HUGEPAGES);
	struct dirent *e;
	bool fits = true;

	while (d && fits && (e = readdir(d))) {
		char size[24], path[64];
		struct limit_slot *s;
		uint64_t kb, bytes;

		if (sscanf(e->d_name, "hugepages-%" SCNu64 "kB", &kb) != 1)
			continue;
		size_name(kb, size);
		const char *at = strstr(file, "%s");
		snprintf(path, sizeof(path), "%.*s%s%s", (int)(at - file), file, size, at + 2);
		s = slot_add(l, row, path);
		fits = s != NULL;
		if (!s)
			break;
		/* Whole pages, as the kernel would make of it. */
		if (cg_parse_u64(text, &bytes) == 0 && bytes != PARSE_UNLIMITED)
			snprintf(s->will, sizeof(s->will), "%" PRIu64,
				 bytes / (kb << 10) * (kb << 10));
		else
			snprintf(s->will, sizeof(s->will), "%s", text);
	}
	if (d)
		closedir(d);
	return fits;
}

static bool add_row(struct limit_slots *l, const struct limit_row *row, bool v1, const char *file,
		    const struct blk_devs *devs, const char *text)
{
	struct limit_slot *s;

	if (row->flags & ROW_SIZES)
		return add_sizes(l, row, file, text);
	if (!(row->flags & ROW_DEVICES)) {
		s = slot_add(l, row, file);
		if (s)
			snprintf(s->will, sizeof(s->will), "%s", text);
		return s != NULL;
	}
	for (int i = 0; devs && i < devs->n; i++) {
		s = slot_add(l, row, file);
		if (!s)
			return false;
		snprintf(s->dev, sizeof(s->dev), "%u:%u", devs->dev[i].major, devs->dev[i].minor);
		s->key = v1 ? NULL : row->key;
		snprintf(s->will, sizeof(s->will), "%s", text);
	}
	return true;
}

int limit_slots_make(const struct cg_layout *l, const struct limit_conf *want,
		     const struct blk_devs *devs, bool only_set, struct limit_slots *ret,
		     struct err *err)
{
	char text[LIMIT_TEXT_MAX];
	bool fits = true;

	ret->n = 0;
	for (size_t i = 0; fits && i < limit_n_rows; i++) {
		const struct limit_row *row = &limit_rows[i];
		bool v1 = limit_row_v1(l, row), ordinary = limit_same(row, want, limit_ordinary());
		const char *file = limit_file(l, row);

		if (!cg_has(l, row->c) || !file || (ordinary && only_set))
			continue;
		if (row->flags & ROW_WEIGHT) {
			if (!devs || !devs->n)
				continue;
			if (!v1 && devs->bfq)
				file = "io.bfq.weight";
		}
		row->text(want, v1, text);
		if (strlen(text) == LIMIT_TEXT_MAX - 1)
			return err_set(err, ERR_USAGE, 0, "%s: the list is too long", row->option);
		fits = add_row(ret, row, v1, file, devs, text);
	}
	return fits ? 0
		    : err_set(err, ERR_HOST, 0, "more than %d values of limits: too many devices",
			      LIMIT_SLOTS_MAX);
}

void limit_slot_name(const struct limit_slot *s, char *out, size_t n)
{
	snprintf(out, n, "%s%s%s%s%s", s->file, *s->dev ? " " : "", s->dev, s->key ? " " : "",
		 s->key ? s->key : "");
}

/* Reading and writing. */

/* The value for a device, of lines "8:0 rbps=1 wbps=max" or "8:0 1"; as written to none when there
 * is no line. */
static void device_value(struct limit_slot *s, const char *text)
{
	size_t n = strlen(s->dev), len;

	s->row->text(limit_ordinary(), s->key == NULL, s->now);
	for (const char *p = text; *p; p += *p == '\n') {
		len = strcspn(p, "\n");
		if (strncmp(p, s->dev, n) == 0 && p[n] == ' ') {
			const char *v = p + n + 1, *end = p + len;

			while (
			    s->key && v < end &&
			    (strncmp(v, s->key, strlen(s->key)) != 0 || v[strlen(s->key)] != '=')) {
				v += strcspn(v, " \n");
				v += *v == ' ';
			}
			if (s->key && v < end)
				v += strlen(s->key) + 1;
			if (v < end)
				snprintf(s->now, sizeof(s->now), "%.*s", (int)strcspn(v, " \n"), v);
			return;
		}
		p += len;
	}
}

int limit_refuse_in_use(const char *option, const char *bytes, uint64_t used, struct err *err)
{
	_cleanup_free_ char *held = print_size(used), *wanted = NULL;
	uint64_t want;

	wanted = cg_parse_u64(bytes, &want) == 0 ? print_size(want) : xstrdup(bytes);
	return err_set(err, ERR_BUSY, 0,
		       "%s: %s is less than what is in use (%s), and that cannot be paged out",
		       option, wanted, held);
}

int limit_slot_read(const struct cg *cg, struct limit_slot *s)
{
	char text[8192];
	int r = cg_read(cg, s->row->c, s->file, text, sizeof(text));

	if (r < 0)
		return r;
	if (*s->dev) {
		device_value(s, text);
		return 0;
	}
	text[strcspn(text, "\n")] = '\0';
	if (strlen(text) >= sizeof(s->now))
		return -EFBIG;
	strcpy(s->now, text);
	return 0;
}

bool limit_slot_same(const struct limit_slot *s, const char *want, const char *got)
{
	uint64_t w, g;

	if (streq(want, got))
		return true;
	if (cg_parse_u64(want, &w) < 0 || cg_parse_u64(got, &g) < 0)
		return false;
	if (w == g)
		return true;
	return s->row->flags & ROW_PAGES && w != PARSE_UNLIMITED && g <= w &&
	       w - g < (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Swap can always be "limited" where the kernel has none. */
static bool no_swap_at_all(const struct limit_row *row)
{
	return streq(row->option, "swap") && access("/proc/swaps", F_OK) < 0;
}

static int write_failed(const struct cg *cg, const struct limit_slot *s, const char *text, int num,
			struct err *err)
{
	const struct limit_row *row = s->row;
	char name[128];
	uint64_t used;

	limit_slot_name(s, name, sizeof(name));
	if (num == ENOENT)
		return err_set(err, ERR_HOST, 0,
			       "%s: this host's kernel has no %s, so the limit cannot be kept%s",
			       row->option, s->file,
			       streq(row->option, "swap") ? " (boot it with swapaccount=1)" : "");
	if (num == EBUSY && row->c == CG_MEMORY && limit_row_v1(cg->layout, row) &&
	    cg_read_u64(cg, CG_MEMORY, "memory.usage_in_bytes", &used) == 0)
		return limit_refuse_in_use(row->option, text, used, err);
	return err_set(err, ERR_FAIL, num, "%s: cannot write \"%s\" to %s", row->option, text,
		       name);
}

/* What the text is in the file's own words. Version 1's cpuset has no word for "all": it is what
 * the group above has. */
static void file_text(const struct cg *cg, const struct limit_slot *s, const char *text, char *out,
		      size_t n)
{
	char above[64];

	if (s->key) {
		snprintf(out, n, "%s %s=%s", s->dev, s->key, text);
	} else if (*s->dev) {
		snprintf(out, n, "%s %s", s->dev, text);
	} else if (*text) {
		snprintf(out, n, "%s", text);
	} else {
		snprintf(above, sizeof(above), "../%.50s", s->file);
		if (!limit_row_v1(cg->layout, s->row) || cg_read(cg, s->row->c, above, out, n) <= 0)
			snprintf(out, n, "\n");
	}
}

int limit_slot_write(const struct cg *cg, const struct limit_slot *s, const char *text,
		     struct err *err)
{
	char line[LIMIT_TEXT_MAX + 64], back[8192], above[64];
	struct limit_slot got = *s;
	int r;

	file_text(cg, s, text, line, sizeof(line));
	r = cg_write_back(cg, s->row->c, s->file, line, back, sizeof(back));
	/* Version 2's cpuset does not take back a list from a group with processes (6.1): then it
	 * is what the group above has. */
	if (r == -ENOSPC && !*text) {
		snprintf(above, sizeof(above), "../%.40s.effective", s->file);
		if (cg_read(cg, s->row->c, above, line, sizeof(line)) > 0)
			r = cg_write_back(cg, s->row->c, s->file, line, back, sizeof(back));
	}
	if (r == -ENOENT && no_swap_at_all(s->row))
		return 0;
	if (r < 0)
		return write_failed(cg, s, text, -r, err);
	if (*s->dev)
		r = limit_slot_read(cg, &got);
	else
		snprintf(got.now, sizeof(got.now), "%.500s", back);
	if (r < 0)
		return write_failed(cg, s, text, -r, err);
	if (limit_slot_same(s, text, got.now) || (!*text && !*s->dev))
		return 0;
	return err_set(err, ERR_HOST, 0, "%s: the kernel made \"%s\" of \"%s\" in %s",
		       s->row->option, got.now, text, s->file);
}
