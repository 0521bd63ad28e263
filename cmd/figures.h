/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resources of a server, each with its figures (limit_figures[]) and the option that limits it;
 * and figures as people read them. */
#ifndef CROFT_CMD_FIGURES_H
#define CROFT_CMD_FIGURES_H

#include "server/server.h"

struct resource {
	const char *name, *option;	    /* option NULL: nothing limits it */
	const char *used, *peak, *failures; /* names of figures; NULL: there is none */
	const char *unit;		    /* of the limit, in the name of a metric */
	const char *help;		    /* of the limit */
};
extern const struct resource resources[];
extern const size_t n_resources;

/* NULL when there is none of that name. */
const struct limit_figure *figure_find(const char *name);
/* What limits a server: what is in force while it runs, else what its file says. */
struct figure_limits {
	struct limit_conf limit;
	struct disk_conf disk;
};
/* The option's row, and its value; PARSE_UNLIMITED: no limit. */
const struct opt *resource_option(const struct resource *r);
uint64_t resource_limit(const struct resource *r, const struct figure_limits *l);

/* "-" when it is not known. Caller frees. */
char *figure_text(const struct limit_figure *f, uint64_t n);
/* The same of a value of an option. */
char *figure_limit_text(const struct opt *o, uint64_t n);

#endif
