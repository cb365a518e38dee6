/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A Linux node as a phone: its IP packets cross ns-3's LTE and its core network to a Linux server. See README.md.
 */
#include <ns3/arp-header.h>
#include <ns3/core-module.h>
#include <ns3/csma-helper.h>
#include <ns3/internet-module.h>
#include <ns3/lte-helper.h>
#include <ns3/mobility-helper.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-epc-helper.h>
#include <ns3/virtual-net-device.h>

#include <ttbridge/ns3/uml-net-device-helper.h>

using namespace ns3;

/*
 * A network card for a device that carries IPv4 packets and nothing else. Linux asks for addresses by ARP, which no
 * bearer carries: the card answers itself, for whatever address, as there is only one way from here.
 */
class IpCard
{
  public:
    explicit IpCard(Ptr<NetDevice> bearer)
        : m_bearer(bearer), m_card(CreateObject<VirtualNetDevice>()), m_other("02:00:00:00:00:fe")
    {
        m_card->SetAddress(Mac48Address::Allocate());
        m_card->SetMtu(1500);
        m_card->SetSendCallback(MakeCallback(&IpCard::Send, this));
        bearer->GetNode()->AddDevice(m_card);
        /* From ns-3's own stack, which is there for its address only. */
        bearer->SetReceiveCallback(MakeCallback(&IpCard::Receive, this));
    }

    Ptr<NetDevice> GetDevice() const
    {
        return m_card;
    }

  private:
    bool Send(Ptr<Packet> packet, const Address &, const Address &, uint16_t protocol)
    {
        if (protocol == ArpL3Protocol::PROT_NUMBER)
            return Answer(packet);
        return protocol == Ipv4L3Protocol::PROT_NUMBER &&
               m_bearer->Send(packet, m_bearer->GetBroadcast(), protocol);
    }

    bool Answer(Ptr<const Packet> packet)
    {
        ArpHeader question, answer;
        if (!packet->PeekHeader(question) || !question.IsRequest() ||
            question.GetSourceIpv4Address() == question.GetDestinationIpv4Address())
            return false;
        answer.SetReply(m_other, question.GetDestinationIpv4Address(),
                        question.GetSourceHardwareAddress(), question.GetSourceIpv4Address());
        Ptr<Packet> reply = Create<Packet>();
        reply->AddHeader(answer);
        return Hand(reply, ArpL3Protocol::PROT_NUMBER);
    }

    bool Receive(Ptr<NetDevice>, Ptr<const Packet> packet, uint16_t protocol, const Address &)
    {
        return Hand(packet->Copy(), protocol);
    }

    bool Hand(Ptr<Packet> packet, uint16_t protocol)
    {
        return m_card->Receive(packet, protocol, m_other, m_card->GetAddress(),
                               NetDevice::PACKET_HOST);
    }

    Ptr<NetDevice> m_bearer;
    Ptr<VirtualNetDevice> m_card;
    Mac48Address m_other;
};

int main(int argc, char **argv)
{
    CommandLine cmd(__FILE__);
    cmd.Parse(argc, argv);
    GlobalValue::Bind("SimulatorImplementationType", StringValue("ttb::TimeTravelSimulatorImpl"));
    Config::SetDefault("ns3::PcapFileWrapper::NanosecMode", BooleanValue(true));

    /* The core network, and behind its gateway a server. */
    auto lte = CreateObject<LteHelper>();
    auto core = CreateObject<PointToPointEpcHelper>();
    lte->SetEpcHelper(core);
    NodeContainer server(1), phone(1), base(1);
    InternetStackHelper stack;
    stack.Install(NodeContainer(server, phone));
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue("100Mbps"));
    csma.SetChannelAttribute("Delay", StringValue("10ms"));
    NetDeviceContainer wire = csma.Install(NodeContainer(core->GetPgwNode(), server.Get(0)));
    Ipv4InterfaceContainer addresses = Ipv4AddressHelper("1.0.0.0", "255.0.0.0").Assign(wire);

    /* The radio network. */
    MobilityHelper mobility;
    mobility.Install(NodeContainer(base, phone));
    phone.Get(0)->GetObject<MobilityModel>()->SetPosition(Vector(200, 0, 0));
    NetDeviceContainer cell = lte->InstallEnbDevice(base);
    NetDeviceContainer radio = lte->InstallUeDevice(phone);
    Ipv4Address address = core->AssignUeIpv4Address(radio).GetAddress(0);
    lte->Attach(radio.Get(0), cell.Get(0));

    IpCard card(radio.Get(0));
    ttb::UmlNetDeviceHelper linux_phone;
    linux_phone.SetAttribute("IpAddress", Ipv4AddressValue(address));
    linux_phone.SetAttribute("Netmask", Ipv4MaskValue("255.0.0.0"));
    linux_phone.SetAttribute("Gateway", Ipv4AddressValue(core->GetUeDefaultGatewayAddress()));
    linux_phone.SetAttribute("DeviceName", StringValue("lte0"));
    linux_phone.SetNodeAttribute("Name", StringValue("phone"));
    linux_phone.SetCommands("set -e; sleep 1; ping -c 3 1.0.0.2; "
                            "seq 20000 | tee /tmp/sent | nc 1.0.0.2 9; sha256sum < /tmp/sent");
    linux_phone.Install(phone.Get(0), card.GetDevice());

    ttb::UmlNetDeviceHelper linux_server;
    linux_server.SetAttribute("Gateway", Ipv4AddressValue(addresses.GetAddress(0)));
    linux_server.SetNodeAttribute("Name", StringValue("server"));
    linux_server.SetCommands("set -e; mkfifo /tmp/open; nc -l -p 9 < /tmp/open > /tmp/received & "
                             "exec 3> /tmp/open; wait; sha256sum < /tmp/received");
    linux_server.Install(server.Get(0), wire.Get(1));

    csma.EnablePcap("ns3-lte", wire.Get(1), true);
    Simulator::Stop(Seconds(30));
    Simulator::Run();
    uint32_t bad = ttb::UmlLab::Get()->GetNUnsuccessful();
    Simulator::Destroy();
    return bad != 0;
}
