/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes pcap files with time stamps in nanoseconds (draft-ietf-opsawg-pcap, magic 0xa1b23c4d). */
#ifndef TTB_RUN_PCAP_H
#define TTB_RUN_PCAP_H

#include <stddef.h>
#include <stdint.h>

struct ttb__pcap;

/* @return 0 and *pcap, closed by ttb__pcap_close(); or a negative errno */
int ttb__pcap_open(const char *path, struct ttb__pcap **pcap);
/* Failures are remembered until close. */
void ttb__pcap_write(struct ttb__pcap *pcap, uint64_t time_ns, const void *frame, size_t len_bytes);
/* NULL is allowed. @return 0, or why not everything was written */
int ttb__pcap_close(struct ttb__pcap *pcap);

#endif
