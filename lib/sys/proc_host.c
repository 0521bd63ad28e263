// SPDX-License-Identifier: GPL-2.0-or-later
/* The load and the memory of the host: proc_loadavg(5), proc_meminfo(5). */
#include "sys/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/fd.h"

static uint64_t bytes_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : PARSE_UNLIMITED;
}

void proc_host(struct proc_host *ret)
{
	_cleanup_free_ char *load = NULL;
	_cleanup_free_ char *memory = NULL;

	*ret = (struct proc_host) { .memory = PARSE_UNLIMITED };
	if (fd_read_file(AT_FDCWD, "/proc/loadavg", 256, &load, NULL) == 0)
		(void)sscanf(load, "%lf %lf %lf", &ret->load[0], &ret->load[1], &ret->load[2]);
	if (fd_read_file(AT_FDCWD, "/proc/meminfo", 65536, &memory, NULL) < 0)
		return;
	ret->memory = bytes_of(memory, "MemTotal:");
	ret->available = bytes_of(memory, "MemAvailable:");
	ret->swap = bytes_of(memory, "SwapTotal:");
	ret->swap_free = bytes_of(memory, "SwapFree:");
}
