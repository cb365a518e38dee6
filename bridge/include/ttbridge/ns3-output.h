/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file ns3-output.h
 * ns-3 from C: files that ns-3 writes. Include <ttbridge/ns3.h>, which says what holds for all of
 * them.
 */
#ifndef TTBRIDGE_NS3_OUTPUT_H
#define TTBRIDGE_NS3_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/ns3-object.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Write the frames that a device sees (promiscuous) or is concerned with to a pcap file with
 * nanosecond time stamps: sent frames when the device begins to send them, received ones when their
 * last bit has arrived. A file that exists is replaced.
 * @return 0; -EOPNOTSUPP: not this kind of device; or why the file cannot be written
 */
int ttb_ns3_pcap(struct ttb_ns3_object *device, const char *path, bool promiscuous);

#ifdef __cplusplus
}
#endif
#endif
