/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nftables through libnftables, which is loaded only when it is needed: it is needed once per boot.
 */
#ifndef CROFT_SYS_NFT_H
#define CROFT_SYS_NFT_H

#include "base/err.h"

/* Runs commands in nft(8) syntax as one transaction. ERR_HOST when library or kernel lack it. */
int nft_run(const char *commands, struct err *err);

#endif
