// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A privileged server's root is the host's root. A program of the server's that begins with
 * "#!/proc/self/exe" makes the joining process execute itself, and from /proc/PID/exe the server
 * then has croft's own file, which it may write (CVE-2019-5736). So for such a server croft runs
 * from a copy in memory that nobody can change (memfd_create(2), F_SEAL_WRITE). With a user
 * namespace the file belongs to nobody inside, and none of this is needed.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/join.h"
#include "sys/fd.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* 6.3 */
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int copy_sealed(int from, struct err *err)
{
	struct stat st;
	int fd = memfd_create("croft", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("croft", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	_cleanup_close_ int copy = fd;
	if (copy < 0 || fstat(from, &st) < 0)
		return err_errno(err, "cannot copy croft's program into memory");
	for (off_t at = 0; at < st.st_size;) {
		ssize_t r = sendfile(copy, from, &at, (size_t)(st.st_size - at));

		if (r <= 0)
			return err_errno(err, "cannot copy croft's program into memory");
	}
	if (fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		return err_errno(err, "cannot seal the copy of croft's program");
	return STEAL_FD(copy);
}

int join_seal(const struct state *s, struct err *err)
{
	_cleanup_free_ char *line = NULL;
	struct strv argv = { 0 };
	size_t n;

	if (!s->privileged)
		return 0;
	_cleanup_close_ int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (self < 0)
		return err_errno(err, "cannot open croft's program");
	int seals = fcntl(self, F_GET_SEALS);
	if (seals >= 0 && (seals & F_SEAL_WRITE))
		return 0;
	_cleanup_close_ int copy = copy_sealed(self, err);
	if (copy < 0)
		return copy;
	int r = fd_read_file(AT_FDCWD, "/proc/self/cmdline", 4 * 1024 * 1024, &line, &n);
	if (r < 0)
		return err_set(err, ERR_FAIL, -r, "cannot read the own command line");
	for (size_t i = 0; i < n; i += strlen(line + i) + 1)
		strv_add(&argv, line + i);
	if (argv.v)
		fexecve(copy, argv.v, environ);
	strv_free(&argv);
	return err_errno(err, "cannot run croft from memory");
}
