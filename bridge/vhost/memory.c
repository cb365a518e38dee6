/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
    /* Neither end overflows: see check_numbers(). */
    return a < b + b_bytes && b < a + a_bytes;
}

static int check_numbers(const struct ttb__vhost_region *region, struct ttb__error *error)
{
    if (region->size_bytes == 0)
        return ttb__fail(error, -EINVAL, "memory size is 0");
    if (region->guest_addr > UINT64_MAX - region->size_bytes)
        return ttb__fail(error, -EINVAL,
                         "guest address 0x%" PRIx64 " plus size 0x%" PRIx64 " overflows",
                         region->guest_addr, region->size_bytes);
    if (region->user_addr > UINT64_MAX - region->size_bytes)
        return ttb__fail(error, -EINVAL,
                         "user address 0x%" PRIx64 " plus size 0x%" PRIx64 " overflows",
                         region->user_addr, region->size_bytes);
    /* off_t is signed. */
    if (region->size_bytes > INT64_MAX || region->mmap_offset > INT64_MAX - region->size_bytes)
        return ttb__fail(error, -EINVAL,
                         "file offset 0x%" PRIx64 " plus size 0x%" PRIx64 " overflows",
                         region->mmap_offset, region->size_bytes);
    return 0;
}

/* Guest addresses must be unambiguous. So must user addresses, but a front end may show one piece of
 * memory at two guest addresses: then file, offset and user address go together. */
static int check_overlap(const struct ttb__memory *memory, const struct ttb__vhost_region *region,
                         const struct stat *file, struct ttb__error *error)
{
    for (unsigned i = 0; i < memory->count; i++) {
        const struct ttb__memory_region *other = &memory->regions[i];

        if (overlap(region->guest_addr, region->size_bytes, other->guest_addr, other->size_bytes))
            return ttb__fail(error, -EEXIST,
                             "guest addresses from 0x%" PRIx64 " overlap those of another region "
                             "from 0x%" PRIx64,
                             region->guest_addr, other->guest_addr);
        if (overlap(region->user_addr, region->size_bytes, other->user_addr, other->size_bytes) &&
            !(other->device == file->st_dev && other->inode == file->st_ino &&
              region->user_addr - region->mmap_offset == other->user_addr - other->mmap_offset))
            return ttb__fail(error, -EEXIST,
                             "user addresses from 0x%" PRIx64 " overlap those of another region "
                             "from 0x%" PRIx64,
                             region->user_addr, other->user_addr);
    }
    return 0;
}

/* Huge pages can be mapped as a whole only. */
static uint64_t page_bytes(int fd, const struct stat *file)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC && file->st_blksize > 0)
        return (uint64_t)file->st_blksize;
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

int ttb__memory_add(struct ttb__memory *memory, const struct ttb__vhost_region *region, int fd,
                    struct ttb__error *error)
{
    struct ttb__memory_region made;
    struct stat file;
    uint64_t page, start, end;
    int rc;

    if (memory->count == TTB__VHOST_REGIONS_MAX)
        return ttb__fail(error, -ENOSPC, "more than %u memory regions", TTB__VHOST_REGIONS_MAX);
    rc = check_numbers(region, error);
    if (rc)
        return rc;
    if (fstat(fd, &file) < 0)
        return ttb__fail(error, -errno, "cannot examine the descriptor: %s", strerror(errno));
    if (!S_ISREG(file.st_mode))
        return ttb__fail(error, -EINVAL, "descriptor is not a file that can be shared memory");
    if ((uint64_t)file.st_size < region->mmap_offset + region->size_bytes)
        return ttb__fail(error, -EINVAL,
                         "file has 0x%" PRIx64 " bytes, but the region ends at 0x%" PRIx64,
                         (uint64_t)file.st_size, region->mmap_offset + region->size_bytes);
    rc = check_overlap(memory, region, &file, error);
    if (rc)
        return rc;
    rc = ttb__memory_guard_init();
    if (rc)
        return ttb__fail(error, rc, "cannot set up SIGBUS: %s", strerror(-rc));

    page = page_bytes(fd, &file);
    start = region->mmap_offset / page * page;
    end = (region->mmap_offset + region->size_bytes + page - 1) / page * page;
    made = (struct ttb__memory_region){
        .guest_addr = region->guest_addr,
        .user_addr = region->user_addr,
        .size_bytes = region->size_bytes,
        .mmap_offset = region->mmap_offset,
        .map_bytes = end - start,
        .device = file.st_dev,
        .inode = file.st_ino,
    };
    made.map = mmap(NULL, made.map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
                    (off_t)start);
    if (made.map == MAP_FAILED)
        return ttb__fail(error, -errno,
                         "cannot map 0x%" PRIx64 " bytes at offset 0x%" PRIx64 ": %s", end - start,
                         start, strerror(errno));
    /* Guest memory is no part of a core dump, and no part of our children. */
    madvise(made.map, made.map_bytes, MADV_DONTDUMP);
    madvise(made.map, made.map_bytes, MADV_DONTFORK);
    made.host = (uint8_t *)made.map + (region->mmap_offset - start);
    memory->regions[memory->count++] = made;
    return 0;
}

int ttb__memory_remove(struct ttb__memory *memory, const struct ttb__vhost_region *region,
                       struct ttb__error *error)
{
    for (unsigned i = 0; i < memory->count; i++) {
        struct ttb__memory_region *have = &memory->regions[i];

        if (have->guest_addr != region->guest_addr || have->user_addr != region->user_addr ||
            have->size_bytes != region->size_bytes)
            continue;
        munmap(have->map, have->map_bytes);
        memory->count--;
        memmove(have, have + 1, (memory->count - i) * sizeof(*have));
        return 0;
    }
    return ttb__fail(error, -ENOENT,
                     "no region with guest address 0x%" PRIx64 " and size 0x%" PRIx64,
                     region->guest_addr, region->size_bytes);
}

void ttb__memory_clear(struct ttb__memory *memory)
{
    for (unsigned i = 0; i < memory->count; i++)
        munmap(memory->regions[i].map, memory->regions[i].map_bytes);
    memory->count = 0;
}

void *ttb__memory_guest(const struct ttb__memory *memory, uint64_t addr, uint64_t *len_bytes)
{
    for (unsigned i = 0; i < memory->count; i++) {
        const struct ttb__memory_region *region = &memory->regions[i];
        uint64_t offset = addr - region->guest_addr;

        if (addr < region->guest_addr || offset >= region->size_bytes)
            continue;
        *len_bytes = region->size_bytes - offset;
        return region->host + offset;
    }
    return NULL;
}

void *ttb__memory_user(const struct ttb__memory *memory, uint64_t addr, uint64_t *len_bytes)
{
    for (unsigned i = 0; i < memory->count; i++) {
        const struct ttb__memory_region *region = &memory->regions[i];
        uint64_t offset = addr - region->user_addr;

        if (addr < region->user_addr || offset >= region->size_bytes)
            continue;
        *len_bytes = region->size_bytes - offset;
        return region->host + offset;
    }
    return NULL;
}

bool ttb__memory_read_guest(const struct ttb__memory *memory, uint64_t addr, void *data,
                            size_t len_bytes)
{
    uint8_t *to = data;

    while (len_bytes) {
        uint64_t part_bytes;
        const void *from = ttb__memory_guest(memory, addr, &part_bytes);

        if (!from)
            return false;
        if (part_bytes > len_bytes)
            part_bytes = len_bytes;
        memcpy(to, from, part_bytes);
        to += part_bytes;
        addr += part_bytes;
        len_bytes -= part_bytes;
    }
    return true;
}
