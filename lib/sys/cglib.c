// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The one file that knows libcgroup.
 *
 * The library is loaded when it is needed and not before: it is asked once per boot (cg_layout.c
 * keeps the answer), and loading it and reading the mount table costs a millisecond, a tenth of a
 * start. Its messages go nowhere: the library of croft never prints.
 */
#include "sys/cglib.h"
#include <dlfcn.h>
#include <stdarg.h>
#include <libcgroup.h>
#include "base/mem.h"

/* Newest first. Their mount table calls are the same. */
static const char *const cglib_names[] = { "libcgroup.so.3", "libcgroup.so.2" };

static void cglib_silent(void *data, int level, const char *fmt, va_list ap)
{
	(void)data;
	(void)level;
	(void)fmt;
	(void)ap;
}

static void *cglib_load(struct err *err)
{
	static void *handle;

	for (size_t i = 0; !handle && i < ARRAY_LEN(cglib_names); i++)
		handle = dlopen(cglib_names[i], RTLD_LAZY | RTLD_LOCAL);
	if (!handle)
		err_set(
		    err, ERR_HOST, 0,
		    "cannot load libcgroup: install the Debian package libcgroup2 or libcgroup3");
	return handle;
}

int cglib_mounts(void (*found)(void *arg, const char *controller, const char *path), void *arg,
		 struct err *err)
{
	struct cgroup_mount_point mount;
	void *lib, *walk = NULL;
	int r;

	lib = cglib_load(err);
	if (!lib)
		return -ENOENT;

	typeof(cgroup_set_logger) *set_logger = dlsym(lib, "cgroup_set_logger");
	typeof(cgroup_init) *init = dlsym(lib, "cgroup_init");
	typeof(cgroup_get_controller_begin) *begin = dlsym(lib, "cgroup_get_controller_begin");
	typeof(cgroup_get_controller_next) *next = dlsym(lib, "cgroup_get_controller_next");
	typeof(cgroup_get_controller_end) *end = dlsym(lib, "cgroup_get_controller_end");
	typeof(cgroup_strerror) *text = dlsym(lib, "cgroup_strerror");
	if (!set_logger || !init || !begin || !next || !end || !text)
		return err_set(err, ERR_HOST, 0, "libcgroup lacks a function that croft needs");

	set_logger(cglib_silent, CGROUP_LOG_ERROR, NULL);
	r = init();
	if (r == ECGROUPNOTMOUNTED)
		return 0;
	if (r)
		return err_set(err, ERR_HOST, 0, "libcgroup: %s", text(r));
	for (r = begin(&walk, &mount); r == 0; r = next(&walk, &mount))
		found(arg, mount.name, mount.path);
	end(&walk);
	return r == ECGEOF ? 0 : err_set(err, ERR_HOST, 0, "libcgroup: %s", text(r));
}
