/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file columns.h
 * Tables inside an HTML page: rows are collected into blocks, a block is stored by columns, deflated
 * (RFC 1950) and in base64, so nothing that stands in a table can be taken for HTML. The layout is told
 * in doc/report.md.
 */
#ifndef TTB_EXPORT_COLUMNS_H
#define TTB_EXPORT_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "export/stream.h"

#define TTB__COLUMNS_MAX 10

/* A block is written when it has as many rows or bytes. */
#define TTB__COLUMNS_ROWS  65536
#define TTB__COLUMNS_BYTES ((size_t)2 << 20)

struct ttb__column {
    uint8_t *data;
    size_t used, room;
};

struct ttb__columns {
    const char *table; /* its name in the page */
    struct ttb__stream *stream;
    int status; /* 0 or -ENOMEM; sticks */
    uint32_t rows;
    uint64_t all_rows; /* those of blocks that were written included */
    size_t used;       /* in all columns */
    struct ttb__column columns[TTB__COLUMNS_MAX];
};

/* @param table  must be valid as long as the columns, and contain nothing that HTML would mind */
void ttb__columns_begin(struct ttb__columns *columns, const char *table,
                        struct ttb__stream *stream);
void ttb__columns_clear(struct ttb__columns *columns);

/* Add to the row at hand, which ends with end_row(). Numbers are LEB128; signed ones zigzag first. */
void ttb__columns_number(struct ttb__columns *columns, unsigned column, uint64_t value);
void ttb__columns_signed(struct ttb__columns *columns, unsigned column, int64_t value);
void ttb__columns_bytes(struct ttb__columns *columns, unsigned column, const void *data,
                        size_t len_bytes);

/* @return the status */
int ttb__columns_end_row(struct ttb__columns *columns);

/* Write the rows that are left. @return the status */
int ttb__columns_flush(struct ttb__columns *columns);

#endif
