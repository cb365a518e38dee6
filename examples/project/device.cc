/* SPDX-License-Identifier: BSD-3-Clause */
/* A device of one's own, derived from ttbridge's, in an ns-3 script. See README.md. */
#include <ns3/core-module.h>
#include <ns3/network-module.h>

#include <ttbridge/ns3/ethernet-link-channel.h>
#include <ttbridge/ns3/ethernet-link-device.h>
#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include <iostream>
#include <typeinfo>

using namespace ns3;

/** Sends nothing to groups. */
class QuietDevice : public ttb::EthernetLinkDevice
{
  public:
    bool Send(Ptr<Packet> packet, const Address &dest, uint16_t protocol) override
    {
        if (Mac48Address::ConvertFrom(dest).IsGroup()) {
            std::cout << Simulator::Now().GetNanoSeconds() << " ns  not sent to " << dest << "\n";
            return false;
        }
        return EthernetLinkDevice::Send(packet, dest, protocol);
    }
};

static bool Received(Ptr<NetDevice> device, Ptr<const Packet> packet, uint16_t, const Address &)
{
    std::cout << Simulator::Now().GetNanoSeconds() << " ns  " << packet->GetSize() << " bytes, a "
              << (DynamicCast<ttb::EthernetLinkDevice>(device) ? "link's" : "strange")
              << " device\n";
    return true;
}

int main()
{
    GlobalValue::Bind("SimulatorImplementationType", StringValue("ttb::TimeTravelSimulatorImpl"));
    auto cable = CreateObject<ttb::EthernetLinkChannel>();
    cable->SetAttribute("Delay", StringValue("1ms"));
    Ptr<ttb::EthernetLinkDevice> devices[2];
    for (auto &device : devices) {
        auto node = CreateObject<Node>();
        device = CreateObject<QuietDevice>();
        device->SetAddress(Mac48Address::Allocate());
        device->SetQueue(CreateObject<DropTailQueue<Packet>>());
        node->AddDevice(device);
        device->Attach(cable);
    }
    devices[1]->SetReceiveCallback(MakeCallback(&Received));
    Simulator::ScheduleNow([&devices]() {
        devices[0]->Send(Create<Packet>(100), devices[0]->GetBroadcast(), 0x0800);
        devices[0]->Send(Create<Packet>(100), devices[1]->GetAddress(), 0x0800);
    });
    Simulator::Run();
    bool ours = ttb::TimeTravelSimulatorImpl::Get() != nullptr;
    Simulator::Destroy();
    return ours ? 0 : 1;
}
