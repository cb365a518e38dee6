/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs inside a node, which has no program of its own for this: sends COUNT datagrams of SIZE bytes
 * to an echo server, one after the other, and prints how long each took.
 *
 *     udp-echo ADDRESS PORT COUNT SIZE
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SIZE_MAX_BYTES 1472
#define TIMEOUT_MS     1000

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
    unsigned char sent[SIZE_MAX_BYTES], got[SIZE_MAX_BYTES + 1];
    struct sockaddr_in server = {.sin_family = AF_INET};
    int fd, count, size_bytes;

    if (argc != 5 || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
        return 2;
    server.sin_port = htons((unsigned short)atoi(argv[2]));
    count = atoi(argv[3]);
    size_bytes = atoi(argv[4]);
    if (size_bytes < 1 || size_bytes > SIZE_MAX_BYTES)
        return 2;
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0) {
        perror("udp-echo");
        return 1;
    }
    for (int i = 0; i < count; i++) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        long long start_ns = now_ns();

        for (int k = 0; k < size_bytes; k++)
            sent[k] = (unsigned char)(i + k);
        if (write(fd, sent, (size_t)size_bytes) != size_bytes ||
            poll(&waiting, 1, TIMEOUT_MS) != 1 || read(fd, got, sizeof(got)) != size_bytes ||
            memcmp(sent, got, (size_t)size_bytes) != 0) {
            printf("udp-echo: datagram %d came back wrong or not at all\n", i);
            return 1;
        }
        printf("udp-echo: seq=%d time_ns=%lld\n", i, now_ns() - start_ns);
    }
    return 0;
}
