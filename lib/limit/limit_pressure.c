// SPDX-License-Identifier: GPL-2.0-or-later
/* For what part of the time a server had to wait for a CPU, for memory and for disks: the files of
 * Documentation/accounting/psi.rst, in the version 2 group, which is there on every layout. */
#include "limit/limit.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"

const char *const limit_pressure_name[PRESSURES] = { "cpu", "memory", "io" };

void limit_pressure_none(struct limit_pressure ret[PRESSURES])
{
	for (int i = 0; i < PRESSURES; i++)
		ret[i] = (struct limit_pressure) { -1, -1, PARSE_UNLIMITED, PARSE_UNLIMITED };
}

/* "some avg10=0.12 avg60=0.05 avg300=0.01 total=4711". */
static void line(const char *text, const char *word, double *ret_part, uint64_t *ret_usec)
{
	const char *at = strstr(text, word);
	unsigned long long usec;
	double part;

	if (at && sscanf(at + strlen(word), " avg10=%lf avg60=%*f avg300=%*f total=%llu", &part,
			 &usec) == 2) {
		*ret_part = part;
		*ret_usec = usec;
	}
}

void limit_pressure(const struct cg *cg, struct limit_pressure ret[PRESSURES])
{
	limit_pressure_none(ret);
	for (int i = 0; i < PRESSURES; i++) {
		char file[32], text[512];

		snprintf(file, sizeof(file), "%s.pressure", limit_pressure_name[i]);
		if (cg_read_v2(cg, file, text, sizeof(text)) <= 0)
			continue;
		line(text, "some", &ret[i].some, &ret[i].some_usec);
		line(text, "full", &ret[i].full, &ret[i].full_usec);
	}
}
