/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <ns3/net-device-queue-interface.h>
#include <ns3/queue-disc.h>
#include <ns3/simulator.h>
#include <ns3/traffic-control-layer.h>

/**
 * @file
 * ttbridge/ns3-network.h: traffic control.
 */

using namespace ns3;
using namespace ttb;

int
ttb_ns3_set_queue_disc(struct ttb_ns3_object* device,
                       const char* type,
                       const struct ttb_ns3_attribute* attributes,
                       struct ttb_ns3_object** disc)
{
    Clear(disc);
    return Call(device, [&]() {
        Ptr<NetDevice> target = AsExactly<NetDevice>(device);
        Ptr<Node> node = target->GetNode();
        Ptr<TrafficControlLayer> control = node ? node->GetObject<TrafficControlLayer>() : nullptr;
        Ptr<QueueDisc> made;
        if (!control)
        {
            Fail(-ENODEV,
                 "the device's node has no traffic control, which comes with an IP stack "
                 "(ttb_ns3_install_internet() or ttb_ns3_install_ip())");
        }
        if (!target->GetObject<NetDeviceQueueInterface>())
        {
            Fail(-EOPNOTSUPP,
                 "devices of type " + target->GetInstanceTypeId().GetName() +
                     " do not tell traffic control when their queue is full");
        }
        if (!Simulator::Now().IsZero())
        {
            Fail(-EBUSY, "queue discs are set up as the simulation begins, and it has begun");
        }
        if (type)
        {
            made = DynamicCast<QueueDisc>(CreateChecked(type, attributes, QueueDisc::GetTypeId()));
        }
        if (control->GetRootQueueDiscOnDevice(target))
        {
            control->DeleteRootQueueDiscOnDevice(target);
        }
        if (made)
        {
            control->SetRootQueueDiscOnDevice(target, made);
            if (disc)
            {
                *disc = NewHandle(made);
            }
        }
    });
}
