// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The options of the guard, and the words of --feature. What they open is decided in
 * seccomp_policy.c and devices.c, each by a column of its own table.
 */
#include "base/mem.h"
#include "guard/guard.h"

static const struct {
	const char *word;
	enum guard_feature bit;
} words[] = {
	{ "nesting", GUARD_NESTING },	{ "fuse", GUARD_FUSE },	  { "tun", GUARD_TUN },
	{ "io_uring", GUARD_IO_URING }, { "perf", GUARD_PERF },	  { "keyctl", GUARD_KEYCTL },
	{ "capture", GUARD_CAPTURE },	{ "ipsec", GUARD_IPSEC },
};

#define WORDS "nesting, fuse, tun, io_uring, perf, keyctl, capture, ipsec"

static unsigned bit_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (streq(word, words[i].word))
			return words[i].bit;
	return 0;
}

static int check_feature(const struct opt *o, const void *place, struct err *err)
{
	const struct strv *l = place;
	unsigned seen = 0;

	(void)o;
	for (size_t i = 0; i < l->n; i++) {
		unsigned bit = bit_of(l->v[i]);

		if (!bit)
			return err_set(err, ERR_USAGE, 0, "there is no \"%s\"; choose from " WORDS,
				       l->v[i]);
		if (seen & bit)
			return err_set(err, ERR_USAGE, 0, "\"%s\" is given twice", l->v[i]);
		seen |= bit;
	}
	return 0;
}

const struct opt guard_opts[] = {
	{ .name = "privileged",
	  .type = &opt_bool,
	  .off = offsetof(struct guard_conf, privileged),
	  .def = "no",
	  .metavar = "yes|no",
	  .help = "no user namespace: root inside is root of the host; for trusted servers only" },
	{ .name = "feature",
	  .type = &opt_words,
	  .off = offsetof(struct guard_conf, feature),
	  .metavar = "WORD",
	  .choices = "nesting fuse tun io_uring perf keyctl capture ipsec",
	  .help = "open what is shut otherwise: " WORDS,
	  .check = check_feature },
};
const size_t guard_n_opts = ARRAY_LEN(guard_opts);

unsigned guard_features(const struct guard_conf *c)
{
	unsigned bits = 0;

	for (size_t i = 0; i < c->feature.n; i++)
		bits |= bit_of(c->feature.v[i]);
	return bits;
}
