// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Session keyrings for security.bats: what is possessed through them, and by whom.
 *
 *	keys with NAME COMMAND...	runs a command with a new session keyring that has the key
 *NAME keys put NAME			puts the key NAME into the session keyring that it has keys
 *look NAME			says whether it finds the key NAME
 */
#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long put(const char *name)
{
	return syscall(SYS_add_key, "user", name, "secret", 6, KEY_SPEC_SESSION_KEYRING);
}

int main(int argc, char **argv)
{
	char text[16] = "";

	if (argc > 3 && strcmp(argv[1], "with") == 0) {
		if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
		    put(argv[2]) < 0) {
			perror("keys with");
			return 2;
		}
		execvp(argv[3], argv + 3);
		perror(argv[3]);
		return 2;
	}
	if (argc == 3 && strcmp(argv[1], "put") == 0) {
		printf("put %s: %s\n", argv[2], put(argv[2]) < 0 ? strerror(errno) : "ok");
		return 0;
	}
	if (argc != 3 || strcmp(argv[1], "look") != 0) {
		fprintf(stderr, "usage: keys with NAME COMMAND... | put NAME | look NAME\n");
		return 2;
	}
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", argv[2], 0);
	if (key < 0) {
		printf("no %s: %s\n", argv[2], strerror(errno));
		return 0;
	}
	syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof(text) - 1);
	printf("found %s: %s\n", argv[2], text);
	return 0;
}
