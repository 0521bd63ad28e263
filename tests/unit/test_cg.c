// SPDX-License-Identifier: GPL-2.0-or-later
/* cg: the cache file, the texts of the kernel, and what the device program answers. Control groups
 * themselves need root and are tested in tests/root. */
#include "unit.h"
#include <stdio.h>
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "guard/guard.h"
#include "sys/cg_priv.h"
#include "sys/cgdev.h"

static struct cg_cache example(void)
{
	struct cg_cache c = {
		.boot = "0d9a7b1e-6f0c-4c53-9d0e-0123456789ab",
		.parent = "croft.slice/croft-servers.service",
		.layout = { .v2 = "/sys/fs/cgroup/unified",
			    .v2_controllers = CG_BIT(CG_IO) | CG_BIT(CG_PIDS),
			    .cpuacct_with_cpu = true,
			    .n_others = 2,
			    .hierarchies = 0xabc },
		.id2 = 0xec27a4f3bd075305,
	};

	strcpy(c.layout.v1[CG_CPU], "/sys/fs/cgroup/cpu,cpuacct");
	strcpy(c.layout.v1[CG_CPUACCT], "/sys/fs/cgroup/cpu,cpuacct");
	strcpy(c.layout.v1[CG_MEMORY], "/sys/fs/cgroup/my memory");
	strcpy(c.layout.other[0], "/sys/fs/cgroup/net_cls,net_prio");
	strcpy(c.layout.other[1], "/sys/fs/cgroup/systemd");
	c.id1[CG_CPU] = c.id1[CG_CPUACCT] = 7;
	return c;
}

TEST(cg_cache_golden)
{
	struct cg_cache c = example();
	char *text = cg_cache_text(&c);

	CHECK_STR(text, "croft-cgroups 1 0d9a7b1e-6f0c-4c53-9d0e-0123456789ab\n"
			"parent croft.slice/croft-servers.service\n"
			"controllers pids io\n"
			"v2 ec27a4f3bd075305 /sys/fs/cgroup/unified\n"
			"v1 cpu 7 /sys/fs/cgroup/cpu,cpuacct\n"
			"v1 cpuacct 7 /sys/fs/cgroup/cpu,cpuacct\n"
			"v1 memory 0 /sys/fs/cgroup/my memory\n"
			"other /sys/fs/cgroup/net_cls,net_prio\n"
			"other /sys/fs/cgroup/systemd\n"
			"hierarchies abc\n"
			"end\n");
	free(text);
}

TEST(cg_cache_back)
{
	struct cg_cache c = example(), back;
	char *text = cg_cache_text(&c);

	memset(&back, 0xff, sizeof(back));
	REQUIRE(cg_cache_parse(text, &back) == 0);
	CHECK_STR(back.boot, c.boot);
	CHECK_STR(back.parent, c.parent);
	CHECK_STR(back.layout.v2, c.layout.v2);
	CHECK_INT(back.layout.v2_controllers, c.layout.v2_controllers);
	CHECK(back.layout.cpuacct_with_cpu);
	CHECK(back.id2 == c.id2);
	for (int i = 0; i < CG_N; i++) {
		CHECK_STR(back.layout.v1[i], c.layout.v1[i]);
		CHECK(back.id1[i] == c.id1[i]);
	}
	CHECK_INT(back.layout.n_others, 2);
	CHECK_STR(back.layout.other[0], c.layout.other[0]);
	CHECK_STR(back.layout.other[1], c.layout.other[1]);
	CHECK(back.layout.hierarchies == 0xabc);
	/* Cut off anywhere, it is no cache. */
	for (size_t len = strlen(text); len-- > 0;) {
		struct cg_cache cut;

		text[len] = '\0';
		CHECK(cg_cache_parse(text, &cut) < 0);
	}
	free(text);
}

TEST(cg_cache_junk)
{
	static const char *const junk[] = {
		"",
		"\n",
		"end\n",
		"croft-cgroups 2 x\nparent a\nv2 0 /x\nend\n",
		"croft-cgroups 1 \nparent a\nv2 0 /x\nend\n",
		"croft-cgroups 1 x\nv2 0 /x\nend\n",
		"croft-cgroups 1 x\nparent a\nend\n",
		"croft-cgroups 1 x\nparent a\nv2 0 \nend\n",
		"croft-cgroups 1 x\nparent a\nv2 0 /x\nv1 nothing 0 /y\nend\n",
		"croft-cgroups 1 x\nparent a\nv2 0 /x\nsomething else\nend\n",
		"croft-cgroups 1 x\nparent a\nv2 0 /x\nother \nend\n",
		"croft-cgroups 1 x\nparent a\nv2 0 /x\nhierarchies z\nend\n",
	};
	struct cg_cache c;

	for (size_t i = 0; i < ARRAY_LEN(junk); i++)
		CHECK(cg_cache_parse(junk[i], &c) < 0);
}

TEST(cg_hierarchies_of_text)
{
	uint64_t one = cg_text_hierarchies("9:name=systemd:/a\n2:cpu,cpuacct:/\n0::/\n");

	/* Where the reader is does not count, nor does version 2. */
	CHECK(one == cg_text_hierarchies("9:name=systemd:/b:c\n2:cpu,cpuacct:/x\n"));
	CHECK(one != cg_text_hierarchies("9:name=systemd:/a\n3:cpu,cpuacct:/\n0::/\n"));
	CHECK(one !=
	      cg_text_hierarchies("9:name=systemd:/a\n2:cpu,cpuacct:/\n1:net_cls:/\n0::/\n"));
	CHECK(cg_text_hierarchies("") == cg_text_hierarchies("0::/a\n"));
}

static bool mounted_at(const char *text, const char *word, const char *at)
{
	char line[256], path[64];

	snprintf(line, sizeof(line), "%s", text);
	return cg_mountinfo_is(line, word, path, sizeof(path)) && streq(path, at);
}

TEST(cg_mountinfo)
{
	static const char systemd[] = "30 25 0:26 / /sys/fs/cgroup/systemd rw,nosuid shared:9 - "
				      "cgroup cgroup rw,xattr,name=systemd\n";

	CHECK(mounted_at(systemd, "name=systemd", "/sys/fs/cgroup/systemd"));
	CHECK(!mounted_at(systemd, "systemd", "/sys/fs/cgroup/systemd"));
	CHECK(!mounted_at(systemd, "name=system", "/sys/fs/cgroup/systemd"));
	CHECK(mounted_at("31 25 0:27 / /cg/a rw - cgroup none rw,net_cls,net_prio\n", "net_prio",
			 "/cg/a"));
	/* A part of one; version 2; another type; a name with blanks; no mount at all. */
	CHECK(!mounted_at("31 25 0:27 /part /cg/a rw - cgroup none rw,freezer\n", "freezer",
			  "/cg/a"));
	CHECK(!mounted_at("31 25 0:27 / /cg/a rw - cgroup2 none rw,freezer\n", "freezer", "/cg/a"));
	CHECK(!mounted_at("31 25 0:27 / /cg/a rw - tmpfs cgroup rw,freezer\n", "freezer", "/cg/a"));
	CHECK(!mounted_at("31 25 0:27 / /cg/a\\040b rw - cgroup none rw,freezer\n", "freezer",
			  "/cg/a\\040b"));
	CHECK(!mounted_at("", "freezer", ""));
	CHECK(!mounted_at("a b c - cgroup x freezer\n", "freezer", "c"));
}

TEST(cg_controllers)
{
	CHECK_INT(cg_text_controllers(""), 0);
	CHECK_INT(cg_text_controllers("\n"), 0);
	CHECK_INT(cg_text_controllers("cpuset io memory\n"),
		  CG_BIT(CG_CPUSET) | CG_BIT(CG_IO) | CG_BIT(CG_MEMORY));
	CHECK_INT(cg_text_controllers("cpuset cpu"), CG_BIT(CG_CPUSET) | CG_BIT(CG_CPU));
	CHECK_INT(cg_text_controllers("rdma misc dmem xpids pidsx"), 0);
	CHECK_STR(cg_controller_name(CG_IO, true), "blkio");
	CHECK_STR(cg_controller_name(CG_IO, false), "io");
}

TEST(cg_shared_mounts)
{
	struct cg_layout l = { .v2 = "/x" };

	strcpy(l.v1[CG_CPU], "/c");
	strcpy(l.v1[CG_CPUACCT], "/a");
	strcpy(l.v1[CG_PIDS], "/c");
	strcpy(l.v1[CG_MEMORY], "/m");
	CHECK(cg_has(&l, CG_PIDS) && !cg_has(&l, CG_IO));
	CHECK_INT(cg_first_on_mount(&l, CG_PIDS), CG_CPU);
	CHECK_INT(cg_first_on_mount(&l, CG_MEMORY), CG_MEMORY);
	CHECK(!cg_joins(&l, CG_CPUACCT)); /* version 2 counts CPU time */
}

TEST(cg_texts)
{
	const char *text = "low 0\noom 12\noom_kill 3\nodd\nbad x\nbig 18446744073709551615\n";
	uint64_t v = 1;

	CHECK_INT(cg_text_key(text, "low", &v), 0);
	CHECK_INT(v, 0);
	CHECK_INT(cg_text_key(text, "oom_kill", &v), 0);
	CHECK_INT(v, 3);
	CHECK_INT(cg_text_key(text, "oom", &v), 0);
	CHECK_INT(v, 12);
	CHECK_INT(cg_text_key(text, "kill", &v), -ENOENT);
	CHECK(cg_text_key(text, "odd", &v) < 0);
	CHECK(cg_text_key(text, "bad", &v) < 0);
	CHECK_INT(v, 12);
	CHECK_INT(cg_text_key(text, "big", &v), 0);

	CHECK_INT(cg_parse_u64("max", &v), 0);
	CHECK(v == PARSE_UNLIMITED);
	CHECK_INT(cg_parse_u64("-1", &v), 0);
	CHECK(v == PARSE_UNLIMITED);
	CHECK_INT(cg_parse_u64("9223372036854771712", &v), 0); /* pages of 4 KiB */
	CHECK(v == PARSE_UNLIMITED);
	CHECK_INT(cg_parse_u64("9223372036854710272", &v), 0); /* of 64 KiB */
	CHECK(v == PARSE_UNLIMITED);
	CHECK_INT(cg_parse_u64("4096", &v), 0);
	CHECK_INT(v, 4096);
	CHECK(cg_parse_u64("12 34", &v) < 0);
}

TEST(cg_bad_parents)
{
	static const char *const bad[] = { "",	     "/a", "a/",  "a//b", "..",
					   "a/../b", ".",  "a b", "a\nb" };
	struct cg_layout l;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK(cg_layout_get(unit_path("cache"), bad[i], &l, &err) < 0);
		CHECK_INT(err.class, ERR_USAGE);
	}
}

/* A machine for the few instructions that cgdev_program() uses; -1 for any other, and for a jump or
 * an end outside the program. */
static int run(const struct bpf_insn *p, int n, uint32_t type, uint32_t access, uint32_t major,
	       uint32_t minor)
{
	uint32_t ctx[3] = { access << 16 | type, major, minor };
	uint64_t r[11] = { 0 };

	for (int i = 0; i >= 0 && i < n; i++) {
		uint64_t k = (uint64_t)(int64_t)p[i].imm, *d = &r[p[i].dst_reg];

		switch (p[i].code) {
		case BPF_LDX | BPF_W | BPF_MEM:
			if (p[i].src_reg != 1 || p[i].off % 4 || p[i].off < 0 || p[i].off > 8)
				return -1;
			*d = ctx[p[i].off / 4];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*d = r[p[i].src_reg];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*d = k;
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			*d &= k;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			*d >>= k;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
			i += *d != k ? p[i].off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)r[0];
		default:
			return -1;
		}
	}
	return -1;
}

TEST(cgdev_answers)
{
	enum { B = BPF_DEVCG_DEV_BLOCK, C = BPF_DEVCG_DEV_CHAR };
	enum { M = BPF_DEVCG_ACC_MKNOD, R = BPF_DEVCG_ACC_READ, W = BPF_DEVCG_ACC_WRITE };
	const struct cgdev_rule rules[] = {
		{ 'c', 1, 3, "rwm" },
		{ 'c', 136, CGDEV_ANY, "rw" },
		{ 'b', CGDEV_ANY, CGDEV_ANY, "m" },
		{ 'b', 7, 0, "r" },
	};
	struct bpf_insn p[128];
	int n = cgdev_program(rules, ARRAY_LEN(rules), p, ARRAY_LEN(p));

	REQUIRE(n > 0);
	CHECK_INT(cgdev_program(rules, ARRAY_LEN(rules), p, (size_t)n - 1), -E2BIG);
	CHECK_INT(run(p, n, C, R | W, 1, 3), 1);
	CHECK_INT(run(p, n, C, M, 1, 3), 1);
	CHECK_INT(run(p, n, C, R, 1, 1), 0);
	CHECK_INT(run(p, n, C, R, 2, 3), 0);
	CHECK_INT(run(p, n, B, R, 1, 3), 0);
	CHECK_INT(run(p, n, C, R | W, 136, 77), 1);
	CHECK_INT(run(p, n, C, M, 136, 77), 0);
	CHECK_INT(run(p, n, C, R | M, 136, 77), 0);
	CHECK_INT(run(p, n, B, M, 8, 0), 1);
	CHECK_INT(run(p, n, B, R | M, 8, 0), 0);
	CHECK_INT(run(p, n, B, R, 8, 0), 0);
	CHECK_INT(run(p, n, B, R, 7, 0), 1);
	CHECK_INT(run(p, n, B, R | W, 7, 0), 0);
	CHECK_INT(run(p, n, C, M, 8, 0), 0);

	n = cgdev_program(NULL, 0, p, ARRAY_LEN(p));
	CHECK_INT(run(p, n, C, R, 1, 3), 0);
}

TEST(guard_device_table)
{
	static const char *const nodes = "null zero full random urandom tty fuse net/tun ";
	struct buf b = { 0 };

	for (size_t i = 0; i < guard_n_devices; i++) {
		const struct guard_device *d = &guard_devices[i];
		bool any = d->major == CGDEV_ANY || d->minor == CGDEV_ANY;

		CHECK(d->type == 'c' || d->type == 'b');
		/* a node has one number; what has not is never opened by a whole major's right
		 * unless it is a pseudo-terminal's */
		CHECK(!(d->node && any));
		CHECK(d->major != CGDEV_ANY || streq(d->access, "m"));
		if (d->node)
			buf_printf(&b, "%s ", d->name);
	}
	CHECK_STR(b.s, nodes);
	buf_free(&b);
}
