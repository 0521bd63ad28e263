/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block devices behind directories, as sysfs and btrfs tell. */
#ifndef CROFT_SYS_BLK_H
#define CROFT_SYS_BLK_H

#include <stdbool.h>
#include "base/err.h"

#define BLK_MAX 16

struct blk_devs {
	struct blk_dev {
		unsigned major, minor;
	} dev[BLK_MAX];
	int n;
	bool bfq; /* BFQ schedules the disks beneath them */
};

/* Adds the devices that the file system of a directory is on: a whole disk for a partition, as
 * control groups know no partitions (Documentation/admin-guide/cgroup-v2.rst, "io.max"); a device
 * of dm, md or loop itself, for which they work as for a disk; all devices of a btrfs. ERR_HOST
 * with the reason where there is none: a network or memory file system. */
int blk_behind(const char *dir, struct blk_devs *add, struct err *err);
/* Whether weights (io.weight, io.bfq.weight) do anything on the disks beneath: BFQ schedules each,
 * or iocost is on for each. Sets bfq. ERR_HOST names the disk. cgroup2: the mount point of version
 * 2, whose root has io.cost.qos; NULL where blkio is on version 1. */
int blk_weighs(struct blk_devs *devs, const char *cgroup2, struct err *err);
/* "sda" */
void blk_name(const struct blk_dev *d, char out[32]);

#endif
