/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_CSMA_RATE_H
#define TTBRIDGE_NS3_CSMA_RATE_H

#include <ns3/csma-net-device.h>
#include <ns3/data-rate.h>
#include <ns3/nstime.h>
#include <ns3/ptr.h>

/**
 * @file
 * The rate that a CSMA device sends with, which ns-3 has no functions for.
 */

namespace ttb
{

/**
 * @return the rate that the device sends with: it has copied the channel's when it was attached
 */
ns3::DataRate GetCsmaRate(ns3::Ptr<ns3::CsmaNetDevice> device);

/**
 * Change the rate of a device that is attached.
 * @param rate of frames that begin afterwards, and of the gaps between them
 */
void SetCsmaRate(ns3::Ptr<ns3::CsmaNetDevice> device, ns3::DataRate rate);

} // namespace ttb

#endif /* TTBRIDGE_NS3_CSMA_RATE_H */
