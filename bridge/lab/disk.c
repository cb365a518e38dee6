/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The undo file of a disk, as uml-patches/ has the driver write it (struct ubd_undo_record in
 * arch/um/drivers/ubd_kern.c): records in the order of the writes, each with what was there before.
 * So what a sector held after its first write is in the record of its second write, and so on; what it
 * held after its last one is in the image.
 */
#include <ttbridge/disk.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNDO_MAGIC   UINT64_C(0x316f646e75646275) /* "ubdundo1" */
#define SECTOR_BYTES 512

struct undo_record {
    uint64_t magic;
    uint64_t epoch;
    uint64_t request;
    uint64_t offset;
    uint64_t len_bytes;
    uint64_t reserved[3];
};

/* A sector that a request has written to. */
struct change {
    uint64_t offset;
    uint64_t request;
    const unsigned char *before;
};

struct changes {
    struct change *all;
    size_t count, room;
    uint64_t requests;
};

static int fail(char *error, size_t error_size, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int fail(char *error, size_t error_size, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (error && error_size)
        vsnprintf(error, error_size, format, args);
    va_end(args);
    return code;
}

const char *ttb_disk_survivors_name(enum ttb_disk_survivors survivors)
{
    static const char *const names[] = {"all", "none", "some", "torn"};

    return (unsigned)survivors < sizeof(names) / sizeof(*names) ? names[survivors] : "?";
}

/* ----------------------------------------------------------------------------------------- choice */

/* The finalizer of SplitMix64: every bit of the result depends on every bit of x. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/*
 * The same whichever other requests there are. `number` counts from the last FLUSH on, since the
 * numbers in the file tell how much the node had written before: that would change with anything.
 */
static bool survives(enum ttb_disk_survivors survivors, uint64_t seed, uint64_t number,
                     uint64_t offset)
{
    uint64_t draw = mix(mix(seed) + number);

    switch (survivors) {
    case TTB_DISK_NONE:
        return false;
    case TTB_DISK_SOME:
        return draw & 1;
    case TTB_DISK_TORN:
        if (draw % 3 == 2)
            return mix(draw + offset) & 1;
        return draw % 3 == 1;
    case TTB_DISK_ALL:
        break;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------- file */

static int add_record(struct changes *changes, uint64_t number, const struct undo_record *record,
                      const unsigned char *data)
{
    for (uint64_t at = 0; at < record->len_bytes; at += SECTOR_BYTES) {
        if (changes->count == changes->room) {
            size_t room = changes->room ? 2 * changes->room : 1024;
            struct change *all = reallocarray(changes->all, room, sizeof(*all));

            if (!all)
                return -ENOMEM;
            changes->all = all;
            changes->room = room;
        }
        changes->all[changes->count++] = (struct change){
            .offset = record->offset + at,
            .request = number,
            .before = data + at,
        };
    }
    return 0;
}

static int parse(const unsigned char *data, size_t len_bytes, struct changes *changes,
                 uint64_t *bad_offset)
{
    uint64_t epoch = 0, last_request = 0;
    struct undo_record record;
    size_t at = 0;

    while (len_bytes - at >= sizeof(record)) {
        *bad_offset = at;
        memcpy(&record, data + at, sizeof(record));
        /* Where an epoch ends the file goes on with whatever an earlier one left there. */
        if (at > 0 && (record.magic != UNDO_MAGIC || record.epoch != epoch))
            break;
        if (record.magic != UNDO_MAGIC || (at == 0) != (record.len_bytes == 0))
            return -EINVAL;
        at += sizeof(record);
        epoch = record.epoch;
        if (record.len_bytes % SECTOR_BYTES || record.len_bytes > len_bytes - at ||
            record.offset > INT64_MAX - record.len_bytes ||
            (record.len_bytes > 0 && changes->requests > 0 && record.request < last_request))
            return -EINVAL;
        if (record.len_bytes > 0) {
            if (changes->requests == 0 || record.request != last_request)
                changes->requests++;
            last_request = record.request;
            if (add_record(changes, changes->requests, &record, data + at))
                return -ENOMEM;
        }
        at += record.len_bytes;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->request < y->request ? -1 : x->request > y->request;
}

/* ------------------------------------------------------------------------------------------ image */

static int restore(int image_fd, const struct change *change)
{
    size_t done = 0;

    while (done < SECTOR_BYTES) {
        ssize_t n = pwrite(image_fd, change->before + done, SECTOR_BYTES - done,
                           (off_t)(change->offset + done));

        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int take_back(int image_fd, const struct changes *changes, enum ttb_disk_survivors survivors,
                     uint64_t seed, struct ttb_disk_loss *loss)
{
    size_t first, end;
    int rc = 0;

    for (first = 0; first < changes->count && !rc; first = end) {
        uint64_t offset = changes->all[first].offset;
        size_t kept;

        for (end = first; end < changes->count && changes->all[end].offset == offset; end++)
            ;
        /* The last one of this sector's writes that survives; one past it is what it overwrote. */
        for (kept = end; kept > first; kept--) {
            if (survives(survivors, seed, changes->all[kept - 1].request, offset))
                break;
        }
        loss->sectors++;
        if (kept == end)
            continue;
        loss->old_sectors++;
        rc = restore(image_fd, &changes->all[kept]);
    }
    return rc;
}

static int lose(int image_fd, int undo_fd, enum ttb_disk_survivors survivors, uint64_t seed,
                const char *image, const char *undo, struct ttb_disk_loss *loss, char *error,
                size_t error_size)
{
    struct changes changes = {0};
    unsigned char *data = NULL;
    uint64_t bad_offset = 0;
    struct stat status;
    int rc = 0;

    if (fstat(undo_fd, &status) < 0)
        return fail(error, error_size, -errno, "undo file %s: %s", undo, strerror(errno));
    if (status.st_size == 0)
        return 0;
    data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, undo_fd, 0);
    if (data == MAP_FAILED)
        return fail(error, error_size, -errno, "undo file %s: %s", undo, strerror(errno));
    rc = parse(data, (size_t)status.st_size, &changes, &bad_offset);
    if (rc == -EINVAL)
        fail(error, error_size, rc, "undo file %s: the record at byte %" PRIu64 " is damaged", undo,
             bad_offset);
    else if (rc)
        fail(error, error_size, rc, "undo file %s: %s", undo, strerror(-rc));
    if (!rc) {
        loss->requests = changes.requests;
        if (changes.count > 0)
            qsort(changes.all, changes.count, sizeof(*changes.all), compare);
        rc = take_back(image_fd, &changes, survivors, seed, loss);
        if (rc)
            fail(error, error_size, rc, "disk %s: %s", image, strerror(-rc));
    }
    free(changes.all);
    munmap(data, (size_t)status.st_size);
    /* Only now: until then it can be done again, with the same result. */
    if (!rc && ftruncate(undo_fd, 0) < 0)
        rc = fail(error, error_size, -errno, "undo file %s: %s", undo, strerror(errno));
    return rc;
}

int ttb_disk_lose_power(const char *image, const char *undo, enum ttb_disk_survivors survivors,
                        uint64_t seed, struct ttb_disk_loss *loss, char *error, size_t error_size)
{
    struct ttb_disk_loss done = {.size = sizeof(done)};
    int rc, image_fd, undo_fd;

    if ((loss && loss->size < sizeof(*loss)) || (unsigned)survivors > TTB_DISK_TORN)
        return fail(error, error_size, -EINVAL,
                    "disk %s: wrong size of the result, or survivors %d", image, (int)survivors);
    if (loss)
        *loss = done;
    undo_fd = open(undo, O_RDWR | O_CLOEXEC);
    if (undo_fd < 0 && errno == ENOENT)
        return 0;
    if (undo_fd < 0)
        return fail(error, error_size, -errno, "undo file %s: %s", undo, strerror(errno));
    image_fd = open(image, O_WRONLY | O_CLOEXEC);
    if (image_fd < 0) {
        rc = fail(error, error_size, -errno, "disk %s: %s", image, strerror(errno));
    } else {
        rc = lose(image_fd, undo_fd, survivors, seed, image, undo, &done, error, error_size);
        close(image_fd);
    }
    close(undo_fd);
    if (loss)
        *loss = done;
    return rc;
}
