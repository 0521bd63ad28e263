// SPDX-License-Identifier: GPL-2.0-or-later
/* croft profile: which sets of values there are, and one for an equal part of this host. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/parse.h"
#include "out.h"
#include "profile.h"
#include "sys/fd.h"

static int list(struct cmd_ctx *ctx, struct err *err)
{
	_cleanup_(strv_free) struct strv names = {};
	int r = profile_list(ctx->host, &names, err);

	if (r < 0)
		return r;
	if (ctx->json) {
		struct json_out *j = json_new(false);

		json_list(j, NULL);
		for (size_t i = 0; i < names.n; i++)
			json_str(j, NULL, names.v[i]);
		json_list_end(j);
		out_json(json_done(j));
		return 0;
	}
	for (size_t i = 0; i < names.n; i++)
		out_printf("%s\n", names.v[i]);
	return 0;
}

static int show(struct cmd_ctx *ctx, struct err *err)
{
	struct conf_file f = {};

	if (ctx->n_rest != 2)
		return err_set(err, ERR_USAGE, 0, "say: profile show NAME");
	int r = profile_read(ctx->host, ctx->rest[1], &f, err);
	if (r < 0)
		return r;
	if (ctx->json) {
		struct json_out *j = json_new(false);

		json_obj(j, NULL);
		for (size_t i = 0; i < f.n; i++)
			if (f.line[i].key)
				json_str(j, f.line[i].key, f.line[i].value);
		json_obj_end(j);
		out_json(json_done(j));
	} else {
		_cleanup_free_ char *text = conf_text(&f);
		out_puts(text);
	}
	conf_free(&f);
	return 0;
}

/* "Key:   123 kB" of /proc/meminfo, in bytes. */
static uint64_t meminfo(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? strtoull(p + strlen(key), NULL, 10) << 10 : 0;
}

#define MIB (UINT64_C(1) << 20)
/* What stays with the host: a tenth of its memory, at least 256 MiB, or half of a small one. */
static uint64_t for_servers(uint64_t total)
{
	uint64_t own = total / 10 > 256 * MIB ? total / 10 : 256 * MIB;

	return own < total / 2 ? total - own : total / 2;
}

static int split(struct cmd_ctx *ctx, struct err *err)
{
	uint64_t n = 0, cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), pids = 32768;
	_cleanup_free_ char *info = NULL, *max = NULL;

	if (ctx->n_rest != 2 || parse_u64(ctx->rest[1], &n) < 0 || !n || n > 100000)
		return err_set(err, ERR_USAGE, 0,
			       "say: profile split N, with N from 1 to 100000 servers");
	int r = fd_read_file(AT_FDCWD, "/proc/meminfo", 65536, &info, NULL);
	if (r == 0)
		r = fd_read_file(AT_FDCWD, "/proc/sys/kernel/pid_max", 32, &max, NULL);
	if (r < 0 || !info || !max)
		return err_set(err, ERR_FAIL, -r, "cannot tell how large this host is");
	pids = strtoull(max, NULL, 10);

	uint64_t memory = for_servers(meminfo(info, "MemTotal:")) / n / MIB * MIB;
	uint64_t swap = meminfo(info, "SwapTotal:") / n / MIB * MIB;
	uint64_t milli = cpus * 1000 / n > 10 ? cpus * 1000 / n : 10;
	uint64_t each = pids / 10 * 9 / n;
	each = each < 32768 ? each : 32768;
	if (memory < 4 * MIB || each < 10)
		return err_set(err, ERR_HOST, 0,
			       "this host is too small for %llu servers: %llu MB of memory and "
			       "%llu processes for each",
			       (unsigned long long)n, (unsigned long long)(memory / MIB),
			       (unsigned long long)each);
	_cleanup_free_ char *memory_text = print_size(memory), *swap_text = print_size(swap);
	_cleanup_free_ char *cpu_text = print_milli(milli);
	if (ctx->json) {
		_cleanup_free_ char *pids_text = xasprintf("%llu", (unsigned long long)each);
		struct json_out *j = json_new(false);

		json_obj(j, NULL); /* as show has it */
		json_str(j, "MEMORY", memory_text);
		json_str(j, "SWAP", swap_text);
		json_str(j, "CPUS", cpu_text);
		json_str(j, "PIDS", pids_text);
		json_obj_end(j);
		out_json(json_done(j));
		return 0;
	}
	out_printf(
	    "# One of %llu equal parts of this host: %llu CPUs, %llu MB of memory of which a "
	    "tenth stays\n# with the host, %llu MB of swap, pid_max %llu.\n",
	    (unsigned long long)n, (unsigned long long)cpus,
	    (unsigned long long)(meminfo(info, "MemTotal:") / MIB),
	    (unsigned long long)(meminfo(info, "SwapTotal:") / MIB), (unsigned long long)pids);
	out_printf("MEMORY=\"%s\"\nSWAP=\"%s\"\nCPUS=\"%s\"\nPIDS=\"%llu\"\n", memory_text,
		   swap_text, cpu_text, (unsigned long long)each);
	return 0;
}

static const struct {
	const char *word;
	int (*run)(struct cmd_ctx *ctx, struct err *err);
} parts[] = { { "list", list }, { "show", show }, { "split", split } };

static int profile_run(struct cmd_ctx *ctx, struct err *err)
{
	for (size_t i = 0; ctx->n_rest && i < ARRAY_LEN(parts); i++) {
		if (!streq(parts[i].word, ctx->rest[0]))
			continue;
		ctx->answered = true;
		ctx->part = parts[i].word;
		return parts[i].run(ctx, err);
	}
	if (!ctx->n_rest)
		return err_set(err, ERR_USAGE, 0, "say list, show or split");
	return err_set(err, ERR_USAGE, 0, "unknown word \"%s\": say list, show or split",
		       ctx->rest[0]);
}

const struct cmd cmd_profile = {
	.name = "profile",
	.section = "Changing",
	.args = "list | show PROFILE | split N",
	.help = "list and show sets of values for create and set",
	.more = "split prints a profile for an Nth of this host: redirect it to a file in\n"
		"/etc/croft/profiles, which --profile of croft create and croft set takes.",
	.flags = CMD_REST | CMD_NO_AUDIT,
	.run = profile_run,
	.deadline = 60,
};
