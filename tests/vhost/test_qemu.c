/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A front end that is not ours: QEMU's vhost-user network device, driven by the iPXE boot ROM of its
 * virtio-net card. No guest system is needed: iPXE asks for an address by DHCP, resolves the server
 * by ARP, and asks for its boot file by TFTP, each of which needs our answer to the one before.
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
#include <unistd.h>

#define QEMU      "qemu-system-x86_64"
#define BOOT_FILE "ttbridge.test"
#define SKIPPED   77

static bool asked_for_its_file(struct wall_clock_port *port)
{
    return port->responder.tftp_reads > 0;
}

static bool is_closed(struct wall_clock_port *port)
{
    return port->closed > 0;
}

static void boots_from_the_network(const char *device)
{
    struct wall_clock_port port;
    char chardev[160];

    port_open(&port);
    port.responder.boot_file = BOOT_FILE;
    snprintf(chardev, sizeof(chardev), "socket,id=c,path=%s", port.path);
    const char *const argv[] = {
        QEMU,
        "-nodefaults",
        "-no-user-config",
        "-machine",
        "pc,accel=tcg,memory-backend=m",
        "-m",
        "64M",
        "-object",
        "memory-backend-memfd,id=m,size=64M,share=on",
        "-display",
        "none",
        "-chardev",
        chardev,
        "-netdev",
        "vhost-user,id=n,chardev=c",
        "-device",
        device,
        "-boot",
        "n",
        "-no-reboot",
        NULL,
    };
    port_launch(&port, argv);
    if (!port_serve(&port, asked_for_its_file, 28)) {
        port_show_output(&port);
        print_message("frames %u, arps %u, discovers %u, requests %u, closed: %s\n", port.frames,
                      port.responder.arps, port.responder.discovers, port.responder.requests,
                      port.closed_why);
    }
    assert_true(port.responder.discovers > 0);
    assert_true(port.responder.requests > 0);
    assert_true(port.responder.arps > 0);
    assert_true(port.responder.tftp_reads > 0);
    assert_string_equal(port.responder.tftp_file, BOOT_FILE);
    assert_int_equal(port.dropped, 0);
    assert_int_equal(port.closed, 0);
    assert_true(port.links_up >= 1);
    /* Killed, it is a front end that went away. */
    port_end_child(&port, NULL);
    assert_true(port_serve(&port, is_closed, 10));
    assert_int_equal(port.closed_err, 0);
    port_close(&port);
}

static void qemu_boots_from_the_network_with_a_modern_device(void **state)
{
    (void)state;
    boots_from_the_network("virtio-net-pci,netdev=n,mac=52:54:00:12:34:56,disable-legacy=on");
}

static void qemu_boots_from_the_network_with_a_legacy_device(void **state)
{
    (void)state;
    boots_from_the_network("virtio-net-pci,netdev=n,mac=52:54:00:12:34:56,disable-modern=on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qemu_boots_from_the_network_with_a_modern_device),
        cmocka_unit_test(qemu_boots_from_the_network_with_a_legacy_device),
    };

    if (system("command -v " QEMU " > /dev/null 2>&1") != 0) {
        printf("skipped: " QEMU " is not installed (Debian: qemu-system-x86, ipxe-qemu)\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests_name("vhost and QEMU", tests, NULL, NULL);
}
