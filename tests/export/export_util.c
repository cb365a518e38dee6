/* SPDX-License-Identifier: BSD-3-Clause */
#include "export_util.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void export_trace(const char *path, struct ttb_export_opts opts, struct exported *exported)
{
    int fd = memfd_create("export", 0);
    struct stat status;

    assert_true(fd >= 0);
    opts.size = sizeof(opts);
    exported->text[0] = 0;
    exported->rc = ttb_export_trace(path, &opts, fd, exported->text, sizeof(exported->text));
    assert_int_equal(fstat(fd, &status), 0);
    exported->len_bytes = (size_t)status.st_size;
    exported->data = malloc(exported->len_bytes + 1);
    assert_non_null(exported->data);
    assert_int_equal(pread(fd, exported->data, exported->len_bytes, 0), exported->len_bytes);
    exported->data[exported->len_bytes] = 0;
    close(fd);
}

void export_format(const char *path, enum ttb_export_format format, struct exported *exported)
{
    export_trace(path, (struct ttb_export_opts){.format = format}, exported);
    if (exported->rc)
        fail_msg("%s", exported->text);
}

int run_program(const char *line, char **output)
{
    int fd = memfd_create("output", 0), status;
    struct stat file;
    pid_t pid = fork();

    assert_true(pid >= 0 && fd >= 0);
    if (pid == 0) {
        dup2(fd, 1);
        dup2(fd, 2);
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(126);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(fstat(fd, &file), 0);
    *output = calloc((size_t)file.st_size + 1, 1);
    assert_int_equal(pread(fd, *output, (size_t)file.st_size, 0), file.st_size);
    close(fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool have_program(const char *name)
{
    char line[128], *output;
    int status;

    snprintf(line, sizeof(line), "command -v %s", name);
    status = run_program(line, &output);
    free(output);
    return status == 0;
}

static uint32_t sum_of(const uint8_t *data, size_t len_bytes)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len_bytes; i++)
        sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
    return sum;
}

static void put_sum(uint8_t *at, uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16));
    at[0] = (uint8_t)(sum >> 8);
    at[1] = (uint8_t)sum;
}

static void put_be16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

size_t make_udp(uint8_t frame[1514], uint8_t source, uint8_t destination, uint16_t source_port,
                uint16_t destination_port, size_t data_bytes)
{
    uint8_t *ip = frame + 14, *udp = frame + 34;

    memset(frame, 0, 42);
    memcpy(frame, (uint8_t[]){2, 0x74, 0x74, 0, (uint8_t)(destination - 1), 0}, 6);
    memcpy(frame + 6, (uint8_t[]){2, 0x74, 0x74, 0, (uint8_t)(source - 1), 0}, 6);
    frame[12] = 8;
    memcpy(ip, (uint8_t[]){0x45, 0, 0,  0, 0, 0,      0x40, 0, 64, 17,
                           0,    0, 10, 0, 0, source, 10,   0, 0,  destination},
           20);
    put_be16(ip + 2, 28 + data_bytes);
    put_sum(ip + 10, sum_of(ip, 20));
    put_be16(udp, source_port);
    put_be16(udp + 2, destination_port);
    put_be16(udp + 4, 8 + data_bytes);
    for (size_t i = 0; i < data_bytes; i++)
        udp[8 + i] = (uint8_t)i;
    put_sum(udp + 6,
            sum_of(ip + 12, 8) + 17 + (uint32_t)(8 + data_bytes) + sum_of(udp, 8 + data_bytes));
    return 42 + data_bytes;
}

void write_packet(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t place,
                  enum ttb_trace_what what, uint64_t packet, const uint8_t *frame, size_t len_bytes)
{
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_FRAME,
                             .time_ns = time_ns,
                             .node = place < 2 ? place : TTB_TRACE_NONE,
                             .frame = {.what = what,
                                       .place = place,
                                       .packet = packet,
                                       .len_bytes = (uint32_t)len_bytes,
                                       .payload = {.data = frame, .len_bytes = len_bytes},
                                       .port_reason = what == TTB_TRACE_DROPPED ? TTB_DROP_NO_BUFFER
                                                                                : TTB_DROP_NONE,
                                       .reason = bytes_of(what == TTB_TRACE_LOST ? "loss" : "")},
                         });
}
