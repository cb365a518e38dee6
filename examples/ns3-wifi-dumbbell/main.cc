/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A Wifi on the left, an Ethernet segment on the right, a slow and busy line between them; a Linux node
 * at either end. See README.md.
 */
#include <ns3/applications-module.h>
#include <ns3/core-module.h>
#include <ns3/csma-module.h>
#include <ns3/internet-module.h>
#include <ns3/mobility-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/wifi-module.h>

#include <ttbridge/ns3/uml-net-device-helper.h>

using namespace ns3;

/* An access point, which is the Linux node's, and three stations; the last one is the router. */
static NetDeviceContainer BuildWifi(NodeContainer nodes, YansWifiPhyHelper &phy)
{
    phy.SetChannel(YansWifiChannelHelper::Default().Create());
    WifiHelper wifi;
    wifi.SetStandard(WIFI_STANDARD_80211g);
    wifi.SetRemoteStationManager("ns3::ArfWifiManager");
    WifiMacHelper mac;
    Ssid ssid("left");
    mac.SetType("ns3::ApWifiMac", "Ssid", SsidValue(ssid));
    NetDeviceContainer devices = wifi.Install(phy, mac, nodes.Get(0));
    mac.SetType("ns3::StaWifiMac", "Ssid", SsidValue(ssid));
    for (uint32_t i = 1; i < nodes.GetN(); i++)
        devices.Add(wifi.Install(phy, mac, nodes.Get(i)));
    MobilityHelper().Install(nodes);
    return devices;
}

/* 500 kbit/s in one direction, of the 512 that the line has. */
static void BuildLoad(Ptr<Node> from, Ptr<Node> to, Ipv4Address address)
{
    const uint16_t port = 9;
    OnOffHelper source("ns3::UdpSocketFactory", InetSocketAddress(address, port));
    source.SetConstantRate(DataRate("500kbps"));
    source.Install(from).Start(Seconds(1));
    PacketSinkHelper sink("ns3::UdpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), port));
    sink.Install(to).Start(Seconds(1));
}

int main(int argc, char **argv)
{
    CommandLine cmd(__FILE__);
    cmd.Parse(argc, argv);

    GlobalValue::Bind("SimulatorImplementationType", StringValue("ttb::TimeTravelSimulatorImpl"));
    Config::SetDefault("ns3::PcapFileWrapper::NanosecMode", BooleanValue(true));

    NodeContainer left, right;
    left.Create(4);
    right.Create(4);
    InternetStackHelper stack;
    stack.Install(left);
    stack.Install(right);

    YansWifiPhyHelper phy;
    NetDeviceContainer leftDevices = BuildWifi(left, phy);
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue("5Mbps"));
    csma.SetChannelAttribute("Delay", StringValue("2ms"));
    NetDeviceContainer rightDevices = csma.Install(right);
    PointToPointHelper line;
    line.SetDeviceAttribute("DataRate", StringValue("512kbps"));
    line.SetChannelAttribute("Delay", StringValue("10ms"));
    NetDeviceContainer lineDevices = line.Install(left.Get(3), right.Get(0));

    Ipv4AddressHelper addresses("10.1.1.0", "255.255.255.0");
    Ipv4InterfaceContainer leftAddresses = addresses.Assign(leftDevices);
    addresses.SetBase("10.1.2.0", "255.255.255.252");
    Ipv4InterfaceContainer lineAddresses = addresses.Assign(lineDevices);
    addresses.SetBase("10.1.3.0", "255.255.255.0");
    Ipv4InterfaceContainer rightAddresses = addresses.Assign(rightDevices);
    Ipv4GlobalRoutingHelper::PopulateRoutingTables();

    BuildLoad(left.Get(3), right.Get(0), lineAddresses.GetAddress(1));

    /* Addresses are those that ns-3 has given: 10.1.1.1 and 10.1.3.4. */
    ttb::UmlNetDeviceHelper leftCard(leftAddresses.GetAddress(3));
    leftCard.SetCommands("sleep 0.5; ping -c 6 -i 0.5 10.1.3.4");
    leftCard.Install(left.Get(0), leftDevices.Get(0));
    ttb::UmlNetDeviceHelper rightCard(rightAddresses.GetAddress(0));
    rightCard.SetCommands("sleep 8; ip neigh show");
    rightCard.Install(right.Get(3), rightDevices.Get(3));

    phy.EnablePcapAll("ns3-wifi-dumbbell");
    csma.EnablePcapAll("ns3-wifi-dumbbell", false);
    Simulator::Stop(Seconds(15));
    Simulator::Run();
    uint32_t bad = ttb::UmlLab::Get()->GetNUnsuccessful();
    Simulator::Destroy();
    return bad != 0;
}
