/* SPDX-License-Identifier: GPL-2.0-only */
#include "ttbridge-test-net.h"

#include <ttbridge/lab.h>
#include <ttbridge/ns3/uml-lab.h>
#include <ttbridge/ns3/uml-net-device-helper.h>
#include <ttbridge/ns3/uml-node.h>

#include <ns3/boolean.h>
#include <ns3/config.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4-address-helper.h>
#include <ns3/node-container.h>
#include <ns3/test.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

/**
 * @file
 * Linux nodes made by the helpers. Without a kernel and an image these cases say so, and pass.
 */

using namespace ns3;

namespace
{

/** Two Linux nodes on a cable. */
class UmlPingTestCase : public TestCase
{
  public:
    UmlPingTestCase()
        : TestCase("Linux nodes ping each other over an Ethernet link")
    {
    }

  private:
    void Sent(Ptr<const Packet> frame)
    {
        m_sent.emplace_back(Simulator::Now().GetNanoSeconds(), frame->GetSize());
    }

    void Received(Ptr<const Packet> frame)
    {
        m_received.emplace_back(Simulator::Now().GetNanoSeconds(), frame->GetSize());
    }

    void DoRun() override
    {
        char path[4096];
        char error[1024];
        if (ttb_lab_find_kernel(nullptr, path, sizeof(path), error, sizeof(error)) ||
            ttb_lab_find_image(nullptr, path, sizeof(path), error, sizeof(error)))
        {
            std::cerr << "not run: " << error << std::endl;
            return;
        }
        Config::SetDefault("ttb::UmlLab::PrintConsole", BooleanValue(false));
        Config::SetDefault("ttb::UmlLab::StopWhenDone", BooleanValue(true));
        ttb_test::UseTimeTravel();

        NodeContainer nodes;
        nodes.Create(2);
        auto cable = ttb_test::NewCable(MilliSeconds(1));
        NetDeviceContainer devices;
        for (uint32_t i = 0; i < 2; i++)
        {
            devices.Add(ttb_test::NewEnd(nodes.Get(i), cable, "100Mbps"));
        }
        InternetStackHelper().Install(nodes);
        Ipv4AddressHelper("10.1.1.0", "255.255.255.0").Assign(devices);
        ttb::UmlNetDeviceHelper card;
        card.SetCommands("set -e; test $(cat /sys/class/net/eth0/mtu) = 1500\n"
                         "sleep 0.5; ping -c 3 -i 0.2 -s 1000 10.1.1.2; exit 3");
        auto port = card.Install(nodes.Get(0), devices.Get(0));
        port->TraceConnectWithoutContext("Tx", MakeCallback(&UmlPingTestCase::Sent, this));
        card.SetCommands("sleep 2");
        port = card.Install(nodes.Get(1), devices.Get(1));
        port->TraceConnectWithoutContext("Rx", MakeCallback(&UmlPingTestCase::Received, this));
        Simulator::Stop(Seconds(30));
        Simulator::Run();

        Ptr<ttb::UmlNode> pinging = nodes.Get(0)->GetObject<ttb::UmlNode>();
        bool answered = pinging->GetConsole().find("3 packets transmitted, 3 packets received") !=
                        std::string::npos;
        NS_TEST_EXPECT_MSG_EQ(answered, true, "answers; console:\n" << pinging->GetConsole());
        NS_TEST_EXPECT_MSG_EQ(pinging->GetExitStatus(), 3, "exit status of the commands");
        NS_TEST_EXPECT_MSG_EQ(ttb::UmlLab::Get()->GetNUnsuccessful(), 1, "status is not 0");
        // Every frame that was sent before the other node has ended takes what it must.
        std::size_t large = 0;
        NS_TEST_EXPECT_MSG_GT_OR_EQ(m_sent.size(), m_received.size(), "frames received");
        for (std::size_t i = 0; i < std::min(m_sent.size(), m_received.size()); i++)
        {
            uint32_t len = std::max<uint32_t>(m_sent[i].second, 60);
            NS_TEST_EXPECT_MSG_EQ(m_received[i].second, len, "size of frame " << i);
            NS_TEST_EXPECT_MSG_GT_OR_EQ(m_received[i].first,
                                        m_sent[i].first + (8 + len + 4) * 80 + 1000000,
                                        "frame " << i << " was too fast");
            if (len == 1042)
            {
                large++;
                // Nothing else waits for the line then.
                NS_TEST_EXPECT_MSG_EQ(m_received[i].first,
                                      m_sent[i].first + (8 + 1042 + 4) * 80 + 1000000,
                                      "echo request " << i);
            }
        }
        NS_TEST_EXPECT_MSG_EQ(large, 3, "echo requests seen");
        Simulator::Destroy();
    }

    void DoTeardown() override
    {
        Config::Reset();
    }

    std::vector<std::pair<int64_t, uint32_t>> m_sent;     //!< by node 0: time, size
    std::vector<std::pair<int64_t, uint32_t>> m_received; //!< by node 1: time, size
};

/** The suite. */
class UmlNodeTestSuite : public TestSuite
{
  public:
    UmlNodeTestSuite()
        : TestSuite("ttbridge-uml-node")
    {
        AddTestCase(new UmlPingTestCase);
    }
};

UmlNodeTestSuite g_umlNodeTestSuite; //!< registers itself

} // namespace
