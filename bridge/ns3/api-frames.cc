// SPDX-License-Identifier: GPL-2.0-only

/**
 * @file
 * ttbridge/ns3-network.h: frames and queues of devices, told to C.
 */

#include "api.h"
#include "frame-watch.h"

#include <ns3/channel.h>
#include <ns3/csma-net-device.h>
#include <ns3/data-rate.h>
#include <ns3/mac48-address.h>

#include <cstdio>
#include <cstring>

using namespace ns3;
using namespace ttb;

namespace
{

uint64_t
RateOf(Ptr<NetDevice> device)
{
    DataRateValue rate;
    Ptr<Object> shared = DynamicCast<CsmaNetDevice>(device) ? device->GetChannel() : nullptr;
    bool has = shared ? shared->GetAttributeFailSafe("DataRate", rate)
                      : device->GetAttributeFailSafe("DataRate", rate);
    return has ? rate.Get().GetBitRate() : 0;
}

} // namespace

int
ttb_ns3_device_get_info(struct ttb_ns3_object* device, struct ttb_ns3_device_info* info)
{
    return Call(device, [&]() {
        Ptr<NetDevice> found = AsExactly<NetDevice>(device);
        if (!info || info->size < sizeof(*info))
        {
            Fail(-EINVAL, "the size of the device's description is not set");
        }
        info->has_mac = Mac48Address::IsMatchingType(found->GetAddress());
        std::memset(info->mac, 0, sizeof(info->mac));
        if (info->has_mac)
        {
            Mac48Address::ConvertFrom(found->GetAddress()).CopyTo(info->mac);
        }
        info->mtu_bytes = found->GetMtu();
        info->rate_bps = RateOf(found);
        std::snprintf(info->type,
                      sizeof(info->type),
                      "%s",
                      found->GetInstanceTypeId().GetName().c_str());
    });
}

int
ttb_ns3_watch_frames(struct ttb_ns3_object* device, ttb_ns3_frame_fn fn, void* user)
{
    return Call(device,
                [&]() { FrameWatch::Of(AsExactly<NetDevice>(device))->SetFramesTold(fn, user); });
}

int
ttb_ns3_watch_queue(struct ttb_ns3_object* device, ttb_ns3_queue_fn fn, void* user)
{
    return Call(device, [&]() {
        Ptr<NetDevice> found = AsExactly<NetDevice>(device);
        if (!FrameWatch::Of(found)->SetQueueTold(fn, user))
        {
            Fail(-EOPNOTSUPP,
                 "a device of type " + found->GetInstanceTypeId().GetName() + " has no queue");
        }
    });
}
