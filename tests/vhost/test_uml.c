/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A real UML kernel without time travel as front end: it attaches, pings a host behind the port, gives
 * the device up, takes it again, pings again, and powers off. Once with event descriptors, once with
 * in-band notifications.
 *
 * TTB_KERNEL names the kernel, TTB_IMAGE the base image of its root.
 */
#include "wall_clock_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77
#define PINGS   20

static const char script[] = "set -e\n"
                             "cat /sys/class/net/eth0/address\n"
                             "ip addr add 10.0.0.1/24 dev eth0\n"
                             "ip link set eth0 up\n"
                             "ping -q -c 20 -i 0.02 -s 1400 10.0.0.254\n"
                             /* Up and down keep the rings; unbinding gives them back. */
                             "ip link set eth0 down; ip link set eth0 up\n"
                             "ping -q -c 20 -i 0.02 10.0.0.254\n"
                             "cd /sys/bus/virtio/drivers/virtio_net\n"
                             "for i in 1 2 3; do echo virtio0 > unbind; echo virtio0 > bind; done\n"
                             "ip addr add 10.0.0.1/24 dev eth0\n"
                             "ip link set eth0 up\n"
                             "ping -q -c 20 -i 0.02 -s 1472 10.0.0.254\n"
                             "echo all done\n";

static bool has_gone(struct wall_clock_port *port)
{
    return port->closed > 0;
}

static bool output_has(struct wall_clock_port *port, const char *text)
{
    char line[256];
    FILE *file = fopen(port->output, "r");
    bool found = false;

    while (file && fgets(line, sizeof(line), file))
        found = found || strstr(line, text);
    if (file)
        fclose(file);
    return found;
}

/* A tar archive with ./start, as the image's init wants it. */
static void write_work(const char *directory)
{
    char path[128], command[300];
    FILE *file;

    snprintf(path, sizeof(path), "%s/start", directory);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(script, file);
    fclose(file);
    snprintf(command, sizeof(command), "tar -cf %s/work.tar -C %s ./start", directory, directory);
    assert_int_equal(system(command), 0);
}

static void remove_work(const char *directory)
{
    static const char *const names[] = {"start", "work.tar", "cow", "base.ext4"};
    char command[200];

    for (unsigned i = 0; i < 4; i++) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        unlink(path);
    }
    /* What UML leaves of its umid directory when it is killed. */
    snprintf(command, sizeof(command), "rm -rf %s/uml", directory);
    assert_int_equal(system(command), 0);
}

static void boots_and_pings(bool in_band)
{
    struct wall_clock_port port;
    char device[128], cow[300], work[128], directory[96], image[128];
    unsigned pings;

    port_open(&port);
    port.in_band = in_band;
    write_work(port.directory);
    snprintf(image, sizeof(image), "%s/base.ext4", port.directory);
    assert_int_equal(symlink(getenv("TTB_IMAGE"), image), 0);
    snprintf(device, sizeof(device), "virtio_uml.device=%s:1:0", port.path);
    snprintf(cow, sizeof(cow), "ubd0=%s/cow,%s", port.directory, image);
    snprintf(work, sizeof(work), "ubd1r=%s/work.tar", port.directory);
    snprintf(directory, sizeof(directory), "uml_dir=%s", port.directory);
    const char *const argv[] = {
        getenv("TTB_KERNEL"),
        "mem=64M",
        device,
        cow,
        work,
        "root=/dev/ubda",
        "rw",
        "con0=null,fd:1",
        "con=null",
        "console=tty0",
        "quiet",
        directory,
        "umid=uml",
        "ttb.name=uml",
        "init=/sbin/ttb-init",
        NULL,
    };
    port_launch(&port, argv);
    port_serve(&port, has_gone, 50);
    pings = port.responder.pings;
    if (pings != 3 * PINGS || !output_has(&port, "all done"))
        port_show_output(&port);
    assert_int_equal(pings, 3 * PINGS);
    assert_true(output_has(&port, "all done"));
    assert_true(output_has(&port, "02:74:74:00:00:01"));
    assert_true(port.responder.arps >= 1);
    assert_int_equal(port.dropped, 0);
    assert_int_equal(port.links_up, 4);
    assert_int_equal(port.closed, 1);
    assert_int_equal(port.closed_err, 0);
    port_end_child(&port, NULL);
    remove_work(port.directory);
    port_close(&port);
}

static void pings_with_event_descriptors(void **state)
{
    (void)state;
    boots_and_pings(false);
}

static void pings_with_in_band_notifications(void **state)
{
    (void)state;
    boots_and_pings(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings_with_event_descriptors),
        cmocka_unit_test(pings_with_in_band_notifications),
    };

    if (!getenv("TTB_KERNEL") || !getenv("TTB_IMAGE")) {
        printf("skipped: TTB_KERNEL and TTB_IMAGE are not set\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests_name("vhost and UML", tests, NULL, NULL);
}
