/* SPDX-License-Identifier: BSD-3-Clause */
#include "run/pcap.h"

#include <errno.h>
#include <stdio.h>

#define NANOSECOND_MAGIC  0xa1b23c4dU
#define LINKTYPE_ETHERNET 1
#define SNAP_BYTES        65535
#define SECOND_NS         UINT64_C(1000000000)

int ttb__pcap_open(const char *path, struct ttb__pcap **pcap)
{
    const uint32_t header[] = {NANOSECOND_MAGIC, 2 | 4 << 16, 0, 0, SNAP_BYTES, LINKTYPE_ETHERNET};
    FILE *file = fopen(path, "we");

    if (!file)
        return -errno;
    fwrite(header, sizeof(header), 1, file);
    *pcap = (struct ttb__pcap *)file;
    return 0;
}

void ttb__pcap_write(struct ttb__pcap *pcap, uint64_t time_ns, const void *frame, size_t len_bytes)
{
    const uint32_t header[] = {(uint32_t)(time_ns / SECOND_NS), (uint32_t)(time_ns % SECOND_NS),
                               (uint32_t)len_bytes, (uint32_t)len_bytes};

    fwrite(header, sizeof(header), 1, (FILE *)pcap);
    fwrite(frame, 1, len_bytes, (FILE *)pcap);
}

int ttb__pcap_close(struct ttb__pcap *pcap)
{
    FILE *file = (FILE *)pcap;
    int failed;

    if (!file)
        return 0;
    failed = ferror(file);
    return fclose(file) != 0 || failed ? -EIO : 0;
}
