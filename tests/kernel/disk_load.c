/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A load for a disk that checks what it reads, run in a node by test_disk_load.sh:
 *
 *     disk_load PATH SIZE OPERATIONS SEED [discard]
 *
 * Reads and writes of random places and lengths, buffered and direct, fsync, and, if PATH is a block
 * device that returns zeroes then, discards and requests to write zeroes, all compared with a copy in
 * memory. Exits with 1 and says where if the disk holds something else.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

#define LENGTH_MAX (256 * 1024)

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static int fail(const char *what, uint64_t offset, uint64_t len)
{
    printf("disk_load: %s at %" PRIu64 ", %" PRIu64 " bytes: %s\n", what, offset, len,
           strerror(errno));
    return 1;
}

static int compare(const unsigned char *got, const unsigned char *want, uint64_t offset,
                   uint64_t len)
{
    for (uint64_t i = 0; i < len; i++) {
        if (got[i] != want[i]) {
            printf("disk_load: byte %" PRIu64 " is %02x, not %02x\n", offset + i, got[i], want[i]);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t size, operations, counts[7] = {0};
    int buffered, direct;
    unsigned char *disk, *data;

    if (argc < 5)
        return 2;
    size = strtoull(argv[2], NULL, 0);
    operations = strtoull(argv[3], NULL, 0);
    state = strtoull(argv[4], NULL, 0) * 2 + 1;
    for (int i = 0; i < 20; i++)
        draw(2);
    buffered = open(argv[1], O_RDWR);
    direct = open(argv[1], O_RDWR | O_DIRECT);
    if (buffered < 0 || direct < 0 || posix_memalign((void **)&disk, 4096, size) ||
        posix_memalign((void **)&data, 4096, LENGTH_MAX))
        return fail("open", 0, 0);
    for (uint64_t at = 0; at < size; at += LENGTH_MAX) {
        if (pread(buffered, disk + at, LENGTH_MAX, (off_t)at) != LENGTH_MAX)
            return fail("first read", at, LENGTH_MAX);
    }
    for (uint64_t i = 0; i < operations; i++) {
        unsigned kind = (unsigned)draw(argc > 5 ? 13 : 11);
        bool is_direct = kind % 2;
        int fd = is_direct ? direct : buffered;
        uint64_t unit = is_direct || kind >= 11 ? 4096 : 1;
        uint64_t len = (1 + draw(draw(4) ? 16384 : LENGTH_MAX)) / unit * unit;
        uint64_t offset = draw(size - len) / unit * unit;

        if (len == 0)
            len = unit;
        if (kind < 4) {
            if (pread(fd, data, len, (off_t)offset) != (ssize_t)len)
                return fail("read", offset, len);
            if (compare(data, disk + offset, offset, len))
                return 1;
            counts[is_direct]++;
        } else if (kind < 8) {
            for (uint64_t j = 0; j < len; j++)
                data[j] = (unsigned char)(i + (j >> 9) + (j << 1));
            memcpy(disk + offset, data, len);
            if (pwrite(fd, data, len, (off_t)offset) != (ssize_t)len)
                return fail("write", offset, len);
            counts[2 + is_direct]++;
        } else if (kind < 11) {
            if (fsync(buffered) < 0)
                return fail("fsync", 0, 0);
            counts[4]++;
        } else {
            uint64_t range[2] = {offset, len};

            if (fsync(buffered) < 0 ||
                ioctl(buffered, kind == 11 ? BLKDISCARD : BLKZEROOUT, range) < 0)
                return fail(kind == 11 ? "discard" : "zeroes", offset, len);
            memset(disk + offset, 0, len);
            counts[kind == 11 ? 5 : 6]++;
        }
    }
    if (fsync(buffered) < 0)
        return fail("fsync", 0, 0);
    for (uint64_t at = 0; at < size; at += LENGTH_MAX) {
        if (pread(direct, data, LENGTH_MAX, (off_t)at) != LENGTH_MAX)
            return fail("last read", at, LENGTH_MAX);
        if (compare(data, disk + at, at, LENGTH_MAX))
            return 1;
    }
    printf("disk_load: right; %" PRIu64 " + %" PRIu64 " reads, %" PRIu64 " + %" PRIu64
           " writes (buffered + direct), %" PRIu64 " fsyncs, %" PRIu64 " discards, %" PRIu64
           " of zeroes\n",
           counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], counts[6]);
    return 0;
}
