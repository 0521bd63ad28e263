// SPDX-License-Identifier: GPL-2.0-or-later
/* Terminals: what is shown of a hostile log, copying between pipes, pairs, the pump. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "sys/lock.h"
#include "sys/tty.h"
#include "unit.h"

static char text[65536];

static const char *slurp(int fd)
{
	size_t n = 0;
	ssize_t r;

	while (n < sizeof(text) - 1 && (r = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)r;
	text[n] = '\0';
	return text;
}

static const char *clean(const char *s, size_t n, bool is_tty)
{
	int p[2];

	if (pipe(p) < 0)
		return "";
	tty_write_clean(p[1], s, n, is_tty);
	close(p[1]);
	slurp(p[0]);
	close(p[0]);
	return text;
}
#define CLEAN(s) clean(s, sizeof(s) - 1, true)

TEST(clean_text_stays)
{
	CHECK_STR(CLEAN("plain\ttext\n"), "plain\ttext\n");
	CHECK_STR(CLEAN("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7\n"),
		  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7\n");
	CHECK_STR(CLEAN(""), "");
	CHECK_STR(CLEAN("line\r\nline\r\n"), "line\nline\n");
	CHECK_STR(CLEAN("\x1b[0;32mOK\x1b[0m \x1b[1mbold\x1b[m\n"), "OK bold\n");
}

TEST(clean_shows_control_characters)
{
	CHECK_STR(CLEAN("\x1b]0;title\x07"), "^[]0;title^G");
	CHECK_STR(CLEAN("\x1b[2J"), "^[[2J");
	CHECK_STR(CLEAN("\x1b[6n\x1b[c"), "^[[6n^[[c");
	CHECK_STR(CLEAN("over\rwritten"), "over^Mwritten");
	CHECK_STR(CLEAN("end\r"), "end^M");
	CHECK_STR(CLEAN("\x7f\x08"), "^?^H");
	CHECK_STR(clean("a\0b", 3, true), "a^@b");
	CHECK_STR(CLEAN("\x1b["), "^[[");
	CHECK_STR(CLEAN("\x1b[0;32"), "^[[0;32");
}

/* Control characters of the second block, raw and as UTF-8, and sequences that are not UTF-8. */
TEST(clean_is_strict_about_utf8)
{
	CHECK_STR(CLEAN("\xc2\x9b"
			"2J"),
		  "M-BM-^[2J");
	CHECK_STR(CLEAN("\x9b"
			"2J"),
		  "M-^[2J");
	CHECK_STR(CLEAN("\xc0\x9b"), "M-@M-^["); /* overlong ESC */
	CHECK_STR(CLEAN("\xe0\x80\x9b"), "M-`M-^@M-^[");
	CHECK_STR(CLEAN("\xed\xa0\x80"), "M-mM- M-^@");		 /* surrogate */
	CHECK_STR(CLEAN("\xf4\x90\x80\x80"), "M-tM-^PM-^@M-^@"); /* beyond U+10FFFF */
	CHECK_STR(CLEAN("\xe2\x82"), "M-bM-^B");
	CHECK_STR(CLEAN("\xc2\xa0"), "\xc2\xa0");
}

TEST(clean_leaves_files_alone)
{
	CHECK_STR(clean("\x1b[2J\r\n", 6, false), "\x1b[2J\r\n");
}

TEST(clean_long_text)
{
	static char in[20000];

	memset(in, 1, sizeof(in));
	const char *out = clean(in, sizeof(in), true);
	CHECK_INT(strlen(out), 40000);
	CHECK_INT(strspn(out, "^A"), 40000);
}

/* -- copying -------------------------------------------------------------------------------- */

TEST(copy_until_the_end)
{
	int in[2], out[2];
	struct err err = { 0 };

	REQUIRE(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	struct tty_copy pair = { .from = in[0], .to = out[1] };
	REQUIRE(write(in[1], "hello", 5) == 5);
	close(in[1]);
	CHECK_INT(tty_copy(&pair, 1, -1, 0, &err), 0);
	CHECK_INT(pair.to, -1); /* closed, so that the reader sees the end */
	CHECK_STR(slurp(out[0]), "hello");
	close(in[0]);
	close(out[0]);
}

TEST(copy_stops_when_nobody_reads)
{
	int in[2], out[2];
	struct err err = { 0 };

	REQUIRE(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	struct tty_copy pair = { .from = in[0], .to = out[1] };
	close(out[0]);
	REQUIRE(write(in[1], "hello", 5) == 5);
	CHECK_INT(tty_copy(&pair, 1, -1, 0, &err), 0); /* neither a signal nor a wait */
	CHECK_INT(pair.to, -1);
	close(in[0]);
	close(in[1]);
}

/* A reader that does not read holds up its own stream, not the other one. */
TEST(copy_streams_do_not_wait_for_each_other)
{
	static char much[200000];
	int stuck_in[2], stuck_out[2], in[2], out[2];
	struct err err = { 0 };

	REQUIRE(pipe2(stuck_in, O_CLOEXEC) == 0 && pipe2(stuck_out, O_CLOEXEC) == 0);
	REQUIRE(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	fcntl(stuck_out[1], F_SETFL, O_NONBLOCK);
	pid_t writer = fork();
	if (writer == 0) {
		_exit(write(stuck_in[1], much, sizeof(much)) > 0 ? 0 : 1);
	}
	pid_t other = fork();
	if (other == 0) {
		usleep(100000);
		(void)!write(in[1], "through", 7);
		_exit(0);
	}
	int pidfd = (int)syscall(SYS_pidfd_open, other, 0);
	REQUIRE(pidfd >= 0);
	struct tty_copy pairs[] = {
		{ .from = stuck_in[0], .to = stuck_out[1], .input = true, .unread = -1 },
		{ .from = in[0], .to = out[1] }
	};
	CHECK_INT(tty_copy(pairs, 2, pidfd, 0, &err), 0);
	char got[8] = "";
	CHECK_INT(read(out[0], got, 7), 7);
	CHECK_STR(got, "through");
	close(stuck_in[0]);
	close(stuck_in[1]);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	waitpid(other, NULL, 0);
	for (int i = 0; i < 2; i++)
		if (pairs[i].to >= 0)
			close(pairs[i].to);
	close(stuck_out[0]);
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(pidfd);
}

/* What a command left behind may print for ever; its end is the end. */
TEST(copy_ends_with_the_process)
{
	int in[2], out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct err err = { 0 };

	REQUIRE(out >= 0 && pipe2(in, O_CLOEXEC) == 0);
	pid_t noise = fork();
	if (noise == 0)
		for (;;)
			if (write(in[1], "noise\n", 6) < 0)
				_exit(0);
	pid_t cmd = fork();
	if (cmd == 0)
		_exit(0);
	int pidfd = (int)syscall(SYS_pidfd_open, cmd, 0);
	struct tty_copy pair = { .from = in[0], .to = out };
	CHECK_INT(tty_copy(&pair, 1, pidfd, 0, &err), 0);
	kill(noise, SIGKILL);
	waitpid(noise, NULL, 0);
	waitpid(cmd, NULL, 0);
	close(in[0]);
	close(in[1]);
	close(pidfd);
	if (pair.to >= 0)
		close(pair.to);
}

/* -- pairs and the pump --------------------------------------------------------------------- */

static int open_pts(void)
{
	return open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

TEST(pair_needs_devpts)
{
	int tmp = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), m = -2, s = -2;
	struct err err = { 0 };

	CHECK_INT(tty_pair(tmp, &m, &s, &err), -ENOTTY);
	CHECK(m == -2 && s == -2);
	CHECK(err.text[0]);
	close(tmp);
}

TEST(pair_is_one)
{
	struct err err = { 0 };
	int pts = open_pts(), m, s;

	if (pts < 0 || tty_pair(pts, &m, &s, &err) < 0)
		SKIP("no devpts that this user may use");
	CHECK(isatty(s));
	CHECK(fcntl(m, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl(s, F_GETFD) & FD_CLOEXEC);
	char got[8] = "";
	CHECK_INT(write(s, "hi", 2), 2);
	CHECK_INT(read(m, got, 2), 2);
	CHECK_STR(got, "hi");
	close(m);
	close(s);
	close(pts);
}

static size_t frame(enum tty_frame kind, const void *data, size_t n, unsigned char *out)
{
	out[0] = kind == TTY_FRAME_SIZE ? 'S' : 'D';
	out[1] = (unsigned char)n;
	memcpy(out + 2, data, n);
	return n + 2;
}

/* The operator's terminal is raw while the pump runs and as before after it; the size and what is
 * typed go out as frames, up to the detach key. */
TEST(pump_frames_and_detaches)
{
	struct winsize ws = { .ws_row = 11, .ws_col = 22 };
	struct termios before, after;
	struct err err = { 0 };
	int pts = open_pts(), m, s, sock[2];
	char got[64] = "";

	if (pts < 0 || tty_pair(pts, &m, &s, &err) < 0)
		SKIP("no devpts that this user may use");
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) == 0);
	ioctl(s, TIOCSWINSZ, &ws);
	tcgetattr(s, &before);
	pid_t typist = fork();
	if (typist == 0) {
		usleep(200000);
		(void)!write(m, "ab\x1dzz", 5);
		_exit(0);
	}
	CHECK_INT(write(sock[1], "shown", 5), 5);
	CHECK_INT(tty_pump_framed(s, s, sock[0], frame, UINT64_MAX, &err), 1);
	tcgetattr(s, &after);
	CHECK_INT(before.c_lflag, after.c_lflag);
	CHECK_INT(before.c_iflag, after.c_iflag);
	CHECK_INT(read(sock[1], got, sizeof(got)), 2 + (int)sizeof(ws) + 4);
	CHECK(got[0] == 'S' && memcmp(got + 2, &ws, sizeof(ws)) == 0);
	CHECK(memcmp(got + 2 + sizeof(ws), "D\2ab", 4) == 0);
	memset(got, 0, sizeof(got));
	CHECK_INT(read(m, got, 5), 5);
	CHECK_STR(got, "shown");
	waitpid(typist, NULL, 0);
	close(m);
	close(s);
	close(sock[0]);
	close(sock[1]);
	close(pts);
}

TEST(pump_ends_with_the_socket)
{
	int sock[2], out[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) == 0 &&
		pipe2(out, O_CLOEXEC) == 0);
	CHECK_INT(write(sock[1], "last words", 10), 10);
	close(sock[1]);
	CHECK_INT(tty_pump_framed(null, out[1], sock[0], frame, UINT64_MAX, &err), 0);
	close(out[1]);
	CHECK_STR(slurp(out[0]), "last words");
	close(out[0]);
	close(sock[0]);
	close(null);
}

TEST(pump_leaves_when_the_input_has_ended)
{
	int sock[2], null = open("/dev/null", O_RDWR | O_CLOEXEC), quiet[2];
	struct err err = { 0 };

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) == 0 &&
		pipe2(quiet, O_CLOEXEC) == 0);
	CHECK_INT(write(sock[1], "words", 5), 5);
	CHECK_INT(tty_pump_framed(null, null, sock[0], frame, UINT64_MAX, &err), 1);
	uint64_t start = clock_ms();
	CHECK(tty_pump_framed(quiet[0], null, sock[0], frame, start + 200, &err) < 0);
	CHECK_INT(err.class, ERR_BUSY);
	CHECK(clock_ms() - start >= 200 && clock_ms() - start < 2000);
	/* Already over: it is not asked for more. */
	CHECK(tty_pump_framed(quiet[0], null, sock[0], frame, start, &err) < 0);
	for (int i = 0; i < 2; i++) {
		close(sock[i]);
		close(quiet[i]);
	}
	close(null);
}
