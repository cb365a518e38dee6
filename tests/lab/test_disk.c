/* SPDX-License-Identifier: BSD-3-Clause */
/* What a loss of power leaves on a disk, from undo files made here. */
#include "lab_util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ttbridge/disk.h>

#define SECTOR  512
#define SECTORS 64

/* A disk of SECTORS sectors, each filled with one byte, and the undo file of the writes to it. */
struct disk {
    char *scratch, *image, *undo;
    unsigned char now[SECTORS];     /* what is in each sector */
    unsigned char flushed[SECTORS]; /* what was there at the last FLUSH */
    FILE *undo_file;
    uint64_t epoch, request;
};

static void put_record(struct disk *disk, uint64_t magic, uint64_t epoch, uint64_t sector,
                       uint64_t count)
{
    uint64_t record[8] = {magic, epoch, disk->request, sector * SECTOR, count * SECTOR};
    unsigned char data[SECTOR];

    assert_int_equal(fwrite(record, sizeof(record), 1, disk->undo_file), 1);
    for (uint64_t i = 0; i < count; i++) {
        memset(data, disk->now[sector + i], SECTOR);
        assert_int_equal(fwrite(data, SECTOR, 1, disk->undo_file), 1);
    }
}

static const uint64_t magic = UINT64_C(0x316f646e75646275);

static void flush(struct disk *disk)
{
    rewind(disk->undo_file);
    disk->epoch++;
    put_record(disk, magic, disk->epoch, 0, 0);
    memcpy(disk->flushed, disk->now, SECTORS);
}

/* One segment of the request that is under way. */
static void segment(struct disk *disk, unsigned sector, unsigned count, unsigned char value)
{
    put_record(disk, magic, disk->epoch, sector, count);
    memset(disk->now + sector, value, count);
}

static void write_sectors(struct disk *disk, unsigned sector, unsigned count, unsigned char value)
{
    disk->request++;
    segment(disk, sector, count, value);
}

static void store(struct disk *disk)
{
    unsigned char data[SECTORS * SECTOR];

    fflush(disk->undo_file);
    for (unsigned i = 0; i < SECTORS; i++)
        memset(data + (size_t)i * SECTOR, disk->now[i], SECTOR);
    write_file(disk->image, data, sizeof(data), 0600);
}

/* Lose power, and read what is left. Every sector must hold one value in all its bytes. */
static void lose(struct disk *disk, enum ttb_disk_survivors survivors, uint64_t seed,
                 unsigned char *left, struct ttb_disk_loss *loss)
{
    unsigned char data[SECTORS * SECTOR];
    char error[256] = "";
    struct stat status;
    FILE *file;

    loss->size = sizeof(*loss);
    if (ttb_disk_lose_power(disk->image, disk->undo, survivors, seed, loss, error, sizeof(error)))
        fail_msg("%s", error);
    assert_int_equal(stat(disk->undo, &status), 0);
    assert_int_equal(status.st_size, 0);
    file = fopen(disk->image, "rb");
    assert_non_null(file);
    assert_int_equal(fread(data, 1, sizeof(data), file), sizeof(data));
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
    for (unsigned i = 0; i < SECTORS; i++) {
        left[i] = data[(size_t)i * SECTOR];
        for (unsigned j = 1; j < SECTOR; j++)
            assert_int_equal(data[(size_t)i * SECTOR + j], left[i]);
    }
}

static int setup(void **state)
{
    struct disk *disk = calloc(1, sizeof(*disk));

    assert_non_null(disk);
    disk->scratch = scratch_new();
    disk->image = in(disk->scratch, "image");
    disk->undo = in(disk->scratch, "undo");
    disk->undo_file = fopen(disk->undo, "wb+");
    assert_non_null(disk->undo_file);
    memset(disk->now, '.', SECTORS);
    flush(disk);
    *state = disk;
    return 0;
}

static int teardown(void **state)
{
    struct disk *disk = *state;

    fclose(disk->undo_file);
    scratch_free(disk->scratch);
    free(disk->image);
    free(disk->undo);
    free(disk);
    return 0;
}

static void test_all_survives(void **state)
{
    struct disk *disk = *state;
    unsigned char left[SECTORS];
    struct ttb_disk_loss loss;

    write_sectors(disk, 0, 8, 'a');
    write_sectors(disk, 4, 8, 'b');
    store(disk);
    lose(disk, TTB_DISK_ALL, 1, left, &loss);
    assert_memory_equal(left, disk->now, SECTORS);
    assert_int_equal(loss.requests, 2);
    assert_int_equal(loss.sectors, 12);
    assert_int_equal(loss.old_sectors, 0);
}

static void test_nothing_survives_but_what_was_flushed(void **state)
{
    struct disk *disk = *state;
    unsigned char left[SECTORS];
    struct ttb_disk_loss loss;

    write_sectors(disk, 0, 32, 'a');
    flush(disk);
    write_sectors(disk, 16, 32, 'b');
    write_sectors(disk, 20, 1, 'c');
    write_sectors(disk, 20, 1, 'd');
    store(disk);
    lose(disk, TTB_DISK_NONE, 1, left, &loss);
    assert_memory_equal(left, disk->flushed, SECTORS);
    assert_int_equal(loss.requests, 3);
    assert_int_equal(loss.sectors, 32);
    assert_int_equal(loss.old_sectors, 32);
}

static void test_a_flush_leaves_nothing_to_take_back(void **state)
{
    struct disk *disk = *state;
    unsigned char left[SECTORS];
    struct ttb_disk_loss loss;

    /* The file keeps records of the epoch before, behind the first one of the new epoch. */
    for (unsigned char i = 0; i < 20; i++)
        write_sectors(disk, i, 3, (unsigned char)('a' + i));
    flush(disk);
    store(disk);
    lose(disk, TTB_DISK_NONE, 1, left, &loss);
    assert_memory_equal(left, disk->now, SECTORS);
    assert_int_equal(loss.requests, 0);
}

static void test_some_is_whole_requests_and_depends_on_the_seed_only(void **state)
{
    struct disk *disk = *state;
    unsigned char first[SECTORS], again[SECTORS];
    struct ttb_disk_loss loss;
    unsigned kept = 0, differ = 0;

    for (uint64_t seed = 0; seed < 100; seed++) {
        flush(disk);
        memset(disk->now, '.', SECTORS);
        disk->request++;
        for (unsigned i = 0; i < 4; i++) /* one request in four segments */
            segment(disk, 8 + 2 * i, 2, 'a');
        write_sectors(disk, 0, 4, 'b');
        store(disk);
        lose(disk, TTB_DISK_SOME, seed, first, &loss);
        for (unsigned i = 8; i < 16; i++)
            assert_int_equal(first[i], first[8]);
        for (unsigned i = 1; i < 4; i++)
            assert_int_equal(first[i], first[0]);
        assert_int_equal(loss.old_sectors, (first[8] == '.') * 8 + (first[0] == '.') * 4);
        kept += first[8] == 'a';
        differ += (first[8] == 'a') != (first[0] == 'b');

        /* The same again, after a different past. */
        rewind(disk->undo_file);
        memset(disk->now, '.', SECTORS);
        write_sectors(disk, 30, 1, 'x');
        memset(disk->now, '.', SECTORS);
        flush(disk);
        disk->request += 1000;
        for (unsigned i = 0; i < 4; i++)
            segment(disk, 8 + 2 * i, 2, 'a');
        write_sectors(disk, 0, 4, 'b');
        store(disk);
        lose(disk, TTB_DISK_SOME, seed, again, &loss);
        assert_memory_equal(first, again, SECTORS);
    }
    /* Fair, and independent of each other: bounds of 5 standard deviations. */
    assert_in_range(kept, 25, 75);
    assert_in_range(differ, 25, 75);
}

static void test_torn_requests_lose_single_sectors(void **state)
{
    struct disk *disk = *state;
    unsigned char left[SECTORS];
    struct ttb_disk_loss loss;
    unsigned whole = 0, lost = 0, torn = 0;

    for (uint64_t seed = 0; seed < 300; seed++) {
        unsigned kept = 0;

        memset(disk->now, '.', SECTORS);
        flush(disk);
        write_sectors(disk, 0, SECTORS, 'a');
        store(disk);
        lose(disk, TTB_DISK_TORN, seed, left, &loss);
        for (unsigned i = 0; i < SECTORS; i++)
            kept += left[i] == 'a';
        assert_int_equal(loss.old_sectors, SECTORS - kept);
        if (kept == SECTORS)
            whole++;
        else if (kept == 0)
            lost++;
        else
            torn++;
    }
    assert_in_range(whole, 60, 140);
    assert_in_range(lost, 60, 140);
    assert_in_range(torn, 60, 140);
}

static void test_a_sector_holds_the_last_surviving_write(void **state)
{
    struct disk *disk = *state;
    bool seen[128] = {0};

    for (uint64_t seed = 0; seed < 200; seed++) {
        unsigned char left[SECTORS];
        struct ttb_disk_loss loss;

        memset(disk->now, '.', SECTORS);
        flush(disk);
        for (unsigned char value = 'a'; value <= 'd'; value++)
            write_sectors(disk, 5, 2, value);
        store(disk);
        lose(disk, TTB_DISK_SOME, seed, left, &loss);
        assert_int_equal(left[5], left[6]);
        seen[left[5]] = true;
        /* Half of the time the last one survives, whatever became of those before. */
        assert_true(left[5] == '.' || (left[5] >= 'a' && left[5] <= 'd'));
    }
    assert_true(seen['.'] && seen['a'] && seen['b'] && seen['c'] && seen['d']);
}

static void test_an_incomplete_or_old_tail_is_ignored(void **state)
{
    struct disk *disk = *state;
    unsigned char left[SECTORS];
    struct ttb_disk_loss loss;

    write_sectors(disk, 0, 1, 'a');
    put_record(disk, magic, disk->epoch - 1, 9, 4);
    put_record(disk, magic, disk->epoch, 20, 4);
    store(disk);
    lose(disk, TTB_DISK_NONE, 1, left, &loss);
    assert_int_equal(loss.requests, 1);
    assert_int_equal(left[0], '.');

    rewind(disk->undo_file);
    flush(disk);
    write_sectors(disk, 3, 1, 'b');
    fwrite("ubdundo1 and no more", 1, 20, disk->undo_file);
    store(disk);
    lose(disk, TTB_DISK_NONE, 1, left, &loss);
    assert_int_equal(loss.requests, 1);
}

static void test_damage_is_refused_and_changes_nothing(void **state)
{
    struct disk *disk = *state;
    unsigned char left[SECTORS];
    struct ttb_disk_loss loss = {.size = sizeof(loss)};
    char error[256];
    uint64_t bad[8] = {magic, 0, 7, 0, 0, 0, 0, 0};
    static const struct {
        unsigned field;
        uint64_t value;
    } damages[] = {{4, 100}, {4, UINT64_MAX - 511}, {4, 1 << 20}, {3, INT64_MAX}, {4, 0}};

    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        rewind(disk->undo_file);
        assert_int_equal(ftruncate(fileno(disk->undo_file), 0), 0);
        memset(disk->now, '.', SECTORS);
        flush(disk);
        write_sectors(disk, 0, 2, 'a');
        bad[1] = disk->epoch;
        bad[3] = 0;
        bad[4] = SECTOR;
        bad[damages[i].field] = damages[i].value;
        fwrite(bad, sizeof(bad), 1, disk->undo_file);
        for (unsigned j = 0; j < SECTOR; j++)
            fputc('?', disk->undo_file);
        store(disk);
        assert_int_equal(ttb_disk_lose_power(disk->image, disk->undo, TTB_DISK_NONE, 1, &loss,
                                             error, sizeof(error)),
                         -EINVAL);
        assert_contains(error, "the record at byte 1152 is damaged");
        assert_int_equal(ttb_disk_lose_power(disk->image, "/dev/null", TTB_DISK_NONE, 1, &loss,
                                             error, sizeof(error)),
                         0);
    }
    /* No file at all is no damage. */
    assert_int_equal(unlink(disk->undo), 0);
    assert_int_equal(ttb_disk_lose_power(disk->image, disk->undo, TTB_DISK_NONE, 1, &loss, NULL, 0),
                     0);
    (void)left;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_survives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_survives_but_what_was_flushed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_flush_leaves_nothing_to_take_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_some_is_whole_requests_and_depends_on_the_seed_only,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_torn_requests_lose_single_sectors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_sector_holds_the_last_surviving_write, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_incomplete_or_old_tail_is_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_refused_and_changes_nothing, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
