// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nftables through libnftables: the only file that includes its header. The library is needed once
 * per boot and costs every start its loading if it is linked, so it is opened when it is needed.
 *
 * What must stay true: one call is one transaction, libnftables(3): all of the commands, or none.
 */
#include <dlfcn.h>
#include <nftables/libnftables.h>
#include <string.h>
#include "base/mem.h"
#include "sys/nft.h"

#define LIBRARY "libnftables.so.1"

struct calls {
	typeof(nft_ctx_new) *new;
	typeof(nft_ctx_free) *free;
	typeof(nft_ctx_buffer_error) *buffer_error;
	typeof(nft_ctx_buffer_output) *buffer_output;
	typeof(nft_ctx_get_error_buffer) *error;
	typeof(nft_run_cmd_from_buffer) *run;
};

static int load(struct calls *c, struct err *err)
{
	/* Never closed: what it registered in the process must stay mapped. */
	void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (lib) {
		c->new = (typeof(c->new))dlsym(lib, "nft_ctx_new");
		c->free = (typeof(c->free))dlsym(lib, "nft_ctx_free");
		c->buffer_error = (typeof(c->buffer_error))dlsym(lib, "nft_ctx_buffer_error");
		c->buffer_output = (typeof(c->buffer_output))dlsym(lib, "nft_ctx_buffer_output");
		c->error = (typeof(c->error))dlsym(lib, "nft_ctx_get_error_buffer");
		c->run = (typeof(c->run))dlsym(lib, "nft_run_cmd_from_buffer");
		if (c->new && c->free && c->buffer_error && c->buffer_output && c->error && c->run)
			return 0;
	}
	return err_set(err, ERR_HOST, ELIBACC,
		       "cannot load " LIBRARY ": install the package libnftables1");
}

int nft_run(const char *commands, struct err *err)
{
	struct nft_ctx *ctx;
	const char *said;
	struct calls c = { 0 };
	int r;

	r = load(&c, err);
	if (r < 0 || !c.new)
		return r;
	ctx = c.new(NFT_CTX_DEFAULT);
	if (!ctx)
		return err_set(err, ERR_HOST, ENOMEM, "libnftables cannot be used");
	c.buffer_error(ctx);
	c.buffer_output(ctx); /* the library never prints */
	r = c.run(ctx, commands);
	if (r) {
		said = c.error(ctx);
		if (!said || !*said)
			said = "no reason given";
		/* The first line is the reason; the rest shows the place in the commands. */
		r = err_set(err, ERR_HOST, 0, "nftables refused the rules: %.*s",
			    (int)strcspn(said, "\n"), said);
	}
	c.free(ctx);
	return r;
}
