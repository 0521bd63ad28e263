// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The one file that knows libcrypt. It is loaded with dlopen(3) when a password is hashed, because
 * a linked library costs time in every start of the command, and a password is set once.
 *
 * What must stay true: no copy of the phrase or of the work area is left in memory.
 */
#include "sys/crypt.h"

#include <crypt.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static int load(typeof(crypt_gensalt_rn) **gensalt, typeof(crypt_r) **hash, struct err *err)
{
	/* Never unloaded: the process is short-lived. */
	void *lib = dlopen("libcrypt.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		lib = dlopen("libcrypt.so.2", RTLD_NOW | RTLD_LOCAL);
	if (lib) {
		*gensalt = (typeof(crypt_gensalt_rn) *)dlsym(lib, "crypt_gensalt_rn");
		*hash = (typeof(crypt_r) *)dlsym(lib, "crypt_r");
		if (*gensalt && *hash)
			return 0;
	}
	return err_set(
	    err, ERR_HOST, 0,
	    "cannot hash a password: libcrypt is missing or too old (package libcrypt1)");
}

/* crypt(3) reports failure as NULL or as a string that begins with an asterisk. */
static bool usable(const char *hash)
{
	return hash && hash[0] == '$' && !strpbrk(hash, ":\n");
}

int crypt_hash(const char *phrase, bool yescrypt, char **ret, struct err *err)
{
	typeof(crypt_gensalt_rn) *gensalt = NULL;
	typeof(crypt_r) *hash = NULL;
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *data;
	const char *text = NULL;
	int r = load(&gensalt, &hash, err);

	if (r < 0 || !gensalt || !hash)
		return r;
	if (strlen(phrase) > CRYPT_PHRASE_MAX)
		return err_set(err, ERR_USAGE, 0, "the password is longer than %d bytes",
			       CRYPT_PHRASE_MAX);
	data = xcalloc(1, sizeof(*data));
	/* No random bytes given: libcrypt takes its own from getrandom(2). */
	if (yescrypt && gensalt("$y$", 0, NULL, 0, salt, sizeof(salt)))
		text = hash(phrase, salt, data);
	if (!usable(text) && gensalt("$6$", 0, NULL, 0, salt, sizeof(salt)))
		text = hash(phrase, salt, data);
	if (usable(text))
		*ret = xstrdup(text);
	else
		r = err_set(err, ERR_HOST, 0,
			    "cannot hash a password: libcrypt makes neither yescrypt nor sha512");
	explicit_bzero(data, sizeof(*data));
	free(data);
	return r;
}
