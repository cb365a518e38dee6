/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A CSMA segment with four stations: one is a Linux node, three are ns-3's own. See README.md.
 */
#include <ns3/core-module.h>
#include <ns3/csma-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>

#include <ttbridge/ns3/uml-net-device-helper.h>

using namespace ns3;

int main(int argc, char **argv)
{
    std::string mode = "ConfigureLocal";
    std::string card = "lan0";

    CommandLine cmd(__FILE__);
    cmd.AddValue("mode", "whose addresses the network card has", mode);
    cmd.AddValue("card", "name of the network card in the Linux node", card);
    cmd.Parse(argc, argv);

    GlobalValue::Bind("SimulatorImplementationType", StringValue("ttb::TimeTravelSimulatorImpl"));
    Config::SetDefault("ns3::PcapFileWrapper::NanosecMode", BooleanValue(true));

    NodeContainer stations;
    stations.Create(4);

    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue("5Mbps"));
    csma.SetChannelAttribute("Delay", StringValue("2ms"));
    NetDeviceContainer devices = csma.Install(stations);

    InternetStackHelper().Install(stations);
    Ipv4AddressHelper addresses("10.1.1.0", "255.255.255.0");
    addresses.Assign(devices);

    ttb::UmlNetDeviceHelper linux_card;
    linux_card.SetCommands("set -e; ip addr show lan0; for host in 2 3 4; do "
                           "ping -c 3 -i 0.5 10.1.1.$host; done");
    linux_card.SetAttribute("Mode", StringValue(mode));
    linux_card.SetAttribute("DeviceName", StringValue(card));
    linux_card.Install(stations.Get(0), devices.Get(0));

    csma.EnablePcapAll("ns3-csma", false);
    Simulator::Stop(Seconds(60));
    Simulator::Run();
    uint32_t bad = ttb::UmlLab::Get()->GetNUnsuccessful();
    Simulator::Destroy();
    return bad != 0;
}
