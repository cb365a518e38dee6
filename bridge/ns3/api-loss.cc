// SPDX-License-Identifier: GPL-2.0-only

/**
 * @file
 * Frames that links lose, told to C: the bytes that the sender gave, and why.
 */

#include "api.h"
#include "link-control.h"

#include <ns3/csma-net-device.h>
#include <ns3/simulator.h>

#include <ttbridge/ns3/ethernet-link-device.h>

#include <algorithm>

using namespace ns3;

namespace ttb
{
namespace
{

constexpr std::size_t HEADER_BYTES = 14;
constexpr std::size_t MIN_BYTES = 60; // without FCS
constexpr std::size_t FCS_BYTES = 4;

/** @return the length that the network layer's header gives a frame, or `bytes` */
std::size_t
LengthWithin(const std::vector<uint8_t>& frame, std::size_t bytes)
{
    unsigned type = frame[12] << 8 | frame[13];
    std::size_t length = bytes;
    if (type == 0x0800) // IPv4, RFC 791: total length
    {
        length = HEADER_BYTES + (frame[16] << 8 | frame[17]);
    }
    else if (type == 0x86dd) // IPv6, RFC 8200: payload length, behind 40 bytes
    {
        length = HEADER_BYTES + 40 + (frame[18] << 8 | frame[19]);
    }
    else if (type == 0x0806) // ARP for IPv4 over Ethernet, RFC 826
    {
        length = HEADER_BYTES + 28;
    }
    return length < bytes ? length : bytes;
}

/** @return a frame as it was sent: without the FCS and the padding that a device has added */
std::vector<uint8_t>
BytesOf(Ptr<const Packet> packet, bool hasFcs)
{
    std::vector<uint8_t> frame(packet->GetSize());
    packet->CopyData(frame.data(), frame.size());
    if (hasFcs && frame.size() > FCS_BYTES)
    {
        frame.resize(frame.size() - FCS_BYTES);
    }
    if (frame.size() == MIN_BYTES)
    {
        std::size_t length = LengthWithin(frame, MIN_BYTES);
        if (std::all_of(frame.begin() + length, frame.end(), [](uint8_t b) { return b == 0; }))
        {
            frame.resize(length);
        }
    }
    return frame;
}

} // namespace
} // namespace ttb

using namespace ttb;

int
ttb_ns3_on_loss(struct ttb_ns3_object* device, ttb_ns3_loss_fn fn, void* user)
{
    return Call(device, [&]() {
        Ptr<NetDevice> found = AsExactly<NetDevice>(device);
        bool isCsma = DynamicCast<CsmaNetDevice>(found) != nullptr;
        if (!isCsma && !DynamicCast<EthernetLinkDevice>(found))
        {
            Fail(-EOPNOTSUPP, "only CSMA and Ethernet devices tell which frames they lose");
        }
        LinkEnd::LossFunction told;
        if (fn)
        {
            told = [fn, user, isCsma](Ptr<const Packet> packet, const char* reason) {
                std::vector<uint8_t> frame = BytesOf(packet, isCsma);
                fn(user, Simulator::Now().GetNanoSeconds(), reason, frame.data(), frame.size());
            };
        }
        LinkEnd::Of(found)->SetLossTold(told);
    });
}
