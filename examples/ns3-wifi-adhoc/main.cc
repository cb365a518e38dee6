/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two Linux nodes on an ad hoc Wifi: 802.11a, 54 Mbit/s, five metres. See README.md.
 */
#include <ns3/core-module.h>
#include <ns3/mobility-module.h>
#include <ns3/network-module.h>
#include <ns3/wifi-module.h>

#include <ttbridge/ns3/uml-net-device-helper.h>

using namespace ns3;

static const char left[] = "set -e\n"
                           "ip addr add 10.0.0.1/24 dev wlan-left\n"
                           "dd if=/dev/urandom of=sent bs=1k count=256 2> /dev/null\n"
                           "sleep 1\n"
                           "ping -c 4 -i 0.25 10.0.0.2\n"
                           "nc 10.0.0.2 7000 < sent\n"
                           "md5sum < sent\n"
                           "sleep 2\n";
static const char right[] = "set -e\n"
                            "ip addr add 10.0.0.2/24 dev wlan-right\n"
                            /* nc ends when its input does. */
                            "sleep 5 | nc -l -p 7000 > received\n"
                            "test $(wc -c < received) = 262144\n"
                            "md5sum < received\n";

int main(int argc, char **argv)
{
    CommandLine cmd(__FILE__);
    cmd.Parse(argc, argv);

    GlobalValue::Bind("SimulatorImplementationType", StringValue("ttb::TimeTravelSimulatorImpl"));
    Config::SetDefault("ns3::PcapFileWrapper::NanosecMode", BooleanValue(true));

    NodeContainer nodes;
    nodes.Create(2);

    WifiHelper wifi;
    wifi.SetStandard(WIFI_STANDARD_80211a);
    wifi.SetRemoteStationManager("ns3::ConstantRateWifiManager", "DataMode",
                                 StringValue("OfdmRate54Mbps"));
    WifiMacHelper mac;
    mac.SetType("ns3::AdhocWifiMac");
    YansWifiPhyHelper phy;
    phy.SetChannel(YansWifiChannelHelper::Default().Create());
    NetDeviceContainer devices = wifi.Install(phy, mac, nodes);

    MobilityHelper mobility;
    mobility.SetPositionAllocator("ns3::GridPositionAllocator", "DeltaX", DoubleValue(5));
    mobility.Install(nodes);

    ttb::UmlNetDeviceHelper card;
    card.SetAttribute("Mode", StringValue("UseLocal"));
    card.SetAttribute("DeviceName", StringValue("wlan-left"));
    card.SetCommands(left);
    card.Install(nodes.Get(0), devices.Get(0));
    card.SetAttribute("DeviceName", StringValue("wlan-right"));
    card.SetCommands(right);
    card.Install(nodes.Get(1), devices.Get(1));

    phy.EnablePcapAll("ns3-wifi-adhoc");
    Simulator::Stop(Seconds(600));
    Simulator::Run();
    uint32_t bad = ttb::UmlLab::Get()->GetNUnsuccessful();
    Simulator::Destroy();
    return bad != 0;
}
