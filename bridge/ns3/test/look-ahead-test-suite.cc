/* SPDX-License-Identifier: GPL-2.0-only */
#include "ttbridge-test-net.h"

#include <ttbridge/bridge.h>
#include <ttbridge/ns3/look-ahead.h>
#include <ttbridge/ns3/node-port.h>

#include <ns3/bridge-helper.h>
#include <ns3/config.h>
#include <ns3/csma-helper.h>
#include <ns3/node-container.h>
#include <ns3/simple-net-device-helper.h>
#include <ns3/string.h>
#include <ns3/test.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <unistd.h>
#include <vector>

/**
 * @file
 * ttb::LookAhead: the least time between ports, against what was worked out by hand and what the
 * shortest frame takes. The Linux nodes are never switched on, their ports drop what arrives.
 */

using namespace ns3;

namespace
{

/** A simulation with a bridge. */
class Net
{
  public:
    Net()
    {
        char directory[] = "/tmp/ttb-look-XXXXXX";
        struct ttb_bridge_opts opts = {};
        if (!mkdtemp(directory))
        {
            NS_FATAL_ERROR("no folder for the bridge");
        }
        m_directory = directory;
        opts.size = sizeof(opts);
        opts.directory = directory;
        opts.no_pin = true;
        if (ttb_bridge_new(&opts, &m_bridge))
        {
            NS_FATAL_ERROR("no bridge");
        }
        ttb_test::UseTimeTravel();
        std::string why;
        if (!ttb::TimeTravelSimulatorImpl::Get()->AttachBridge(m_bridge, why))
        {
            NS_FATAL_ERROR(why);
        }
    }

    ~Net()
    {
        Simulator::Destroy();
        // The bridge has wanted checksums.
        Config::Reset();
        ttb_bridge_free(m_bridge);
        rmdir(m_directory.c_str());
    }

    Net(const Net&) = delete;

    /** Give a Linux node a device, with the device's address. */
    Ptr<ttb::NodePort> Attach(Ptr<NetDevice> device)
    {
        std::string name = "n" + std::to_string(m_nodes.size());
        struct ttb_node_opts nodeOpts = {};
        struct ttb_port_opts portOpts = {};
        struct ttb_node* node = nullptr;
        struct ttb_port* port = nullptr;
        nodeOpts.size = sizeof(nodeOpts);
        nodeOpts.name = name.c_str();
        nodeOpts.start_ns = UINT64_C(1) << 60;
        portOpts.size = sizeof(portOpts);
        portOpts.name = "eth0";
        Mac48Address::ConvertFrom(device->GetAddress()).CopyTo(portOpts.mac);
        if (ttb_bridge_add_node(m_bridge, &nodeOpts, &node) ||
            ttb_node_add_port(node, &portOpts, &port))
        {
            NS_FATAL_ERROR(ttb_bridge_error(m_bridge));
        }
        m_nodes.push_back(node);
        m_ports.push_back(ttb::NodePort::Install(device, port));
        return m_ports.back();
    }

    /** @return what is computed for two nodes, by their order */
    uint64_t Compute(std::size_t from, std::size_t to)
    {
        ttb::LookAhead computed = ttb::LookAhead::Compute();
        std::size_t numbers[2] = {};
        for (std::size_t i = 0; i < computed.GetN(); i++)
        {
            numbers[0] = computed.GetPort(i) == m_ports[from] ? i : numbers[0];
            numbers[1] = computed.GetPort(i) == m_ports[to] ? i : numbers[1];
        }
        return computed.Get(numbers[0], numbers[1]);
    }

    /** @return what the bridge has been told when a run begins */
    uint64_t Told(std::size_t from, std::size_t to)
    {
        uint64_t told = 0;
        Simulator::Stop(NanoSeconds(1));
        Simulator::Run();
        return ttb_bridge_latency(m_bridge, m_nodes[from], m_nodes[to], &told) ? 0 : told;
    }

    /** @return how long the shortest frame takes; -1: it does not arrive */
    int64_t Measure(std::size_t from, std::size_t to)
    {
        Time start = Simulator::Now() + MilliSeconds(1);
        m_arrived = -1;
        auto seen = MakeCallback(&Net::Dropped, this);
        m_ports[to]->TraceConnectWithoutContext("Drop", seen);
        Simulator::Schedule(start - Simulator::Now(), [this, from, to]() {
            m_ports[from]->GetDevice()->Send(Create<Packet>(1),
                                             m_ports[to]->GetDevice()->GetAddress(),
                                             0x88b5);
        });
        Simulator::Stop(Seconds(1));
        Simulator::Run();
        m_ports[to]->TraceDisconnectWithoutContext("Drop", seen);
        return m_arrived < 0 ? m_arrived : m_arrived - start.GetNanoSeconds();
    }

  private:
    void Dropped(Ptr<const Packet>, ttb::NodePort::DropReason reason)
    {
        if (reason == ttb::NodePort::RX_PORT_DOWN && m_arrived < 0)
        {
            m_arrived = Simulator::Now().GetNanoSeconds();
        }
    }

    struct ttb_bridge* m_bridge = nullptr;   //!< owned
    std::string m_directory;                 //!< the bridge's
    std::vector<struct ttb_node*> m_nodes;   //!< never switched on
    std::vector<Ptr<ttb::NodePort>> m_ports; //!< one for each
    int64_t m_arrived = -1;                  //!< when the first frame has; -1: none
};

/** One link. */
class LinkTestCase : public TestCase
{
  public:
    LinkTestCase()
        : TestCase("one link: what is computed is what the shortest frame takes")
    {
    }

  private:
    void DoRun() override
    {
        {
            Net net;
            NodeContainer nodes;
            nodes.Create(2);
            CsmaHelper csma;
            csma.SetChannelAttribute("DataRate", StringValue("10Mbps"));
            csma.SetChannelAttribute("Delay", StringValue("20us"));
            NetDeviceContainer devices = csma.Install(nodes);
            net.Attach(devices.Get(0));
            net.Attach(devices.Get(1));
            NS_TEST_EXPECT_MSG_EQ(net.Compute(0, 1), 64 * 800 + 20000, "CSMA");
            NS_TEST_EXPECT_MSG_EQ(net.Told(1, 0), 64 * 800 + 20000, "CSMA, the bridge");
            NS_TEST_EXPECT_MSG_EQ(net.Measure(0, 1), 64 * 800 + 20000, "CSMA, a frame");
            NS_TEST_EXPECT_MSG_EQ(net.Compute(0, 0), 2 * (64 * 800 + 20000), "there and back");
        }
        {
            Net net;
            auto cable = ttb_test::NewCable(MicroSeconds(5));
            net.Attach(ttb_test::NewEnd(CreateObject<Node>(), cable, "3Mbps"));
            net.Attach(ttb_test::NewEnd(CreateObject<Node>(), cable, "1Gbps"));
            NS_TEST_EXPECT_MSG_EQ(net.Compute(0, 1), 192000 + 5000, "Ethernet, slow end");
            NS_TEST_EXPECT_MSG_EQ(net.Compute(1, 0), 576 + 5000, "Ethernet, fast end");
            NS_TEST_EXPECT_MSG_EQ(net.Told(0, 1), 192000 + 5000, "Ethernet, the bridge");
            NS_TEST_EXPECT_MSG_EQ(net.Measure(0, 1), 192000 + 5000, "Ethernet, a frame");
            NS_TEST_EXPECT_MSG_EQ(net.Measure(1, 0), 576 + 5000, "Ethernet, a frame back");
        }
        {
            Net net;
            NodeContainer nodes;
            nodes.Create(2);
            SimpleNetDeviceHelper simple;
            simple.SetChannelAttribute("Delay", StringValue("40us"));
            NetDeviceContainer devices = simple.Install(nodes);
            for (uint32_t i = 0; i < 2; i++)
            {
                devices.Get(i)->SetMtu(1500);
                net.Attach(devices.Get(i));
            }
            NS_TEST_EXPECT_MSG_EQ(net.Compute(0, 1), 40000, "simple device");
            NS_TEST_EXPECT_MSG_GT_OR_EQ(net.Measure(0, 1), 40000, "simple device, a frame");
        }
    }
};

/** More than one link. */
class PathTestCase : public TestCase
{
  public:
    PathTestCase()
        : TestCase("a way through a switch is a sum, and no way is never")
    {
    }

  private:
    void DoRun() override
    {
        Net net;
        auto leftCable = ttb_test::NewCable(MicroSeconds(1));
        auto rightCable = ttb_test::NewCable(MicroSeconds(2));
        auto sw = CreateObject<Node>();
        auto left = ttb_test::NewEnd(CreateObject<Node>(), leftCable, "1Gbps");
        auto right = ttb_test::NewEnd(CreateObject<Node>(), rightCable, "10Mbps");
        NetDeviceContainer ports;
        ports.Add(ttb_test::NewEnd(sw, leftCable, "1Gbps"));
        ports.Add(ttb_test::NewEnd(sw, rightCable, "100Mbps"));
        BridgeHelper().Install(sw, ports);
        net.Attach(left);
        net.Attach(right);
        net.Attach(ttb_test::NewEnd(CreateObject<Node>(), ttb_test::NewCable(Time(0)), "1Gbps"));
        NS_TEST_EXPECT_MSG_EQ(net.Compute(0, 1), 576 + 1000 + 5760 + 2000, "to the right");
        NS_TEST_EXPECT_MSG_EQ(net.Compute(1, 0), 57600 + 2000 + 576 + 1000, "to the left");
        NS_TEST_EXPECT_MSG_EQ(net.Told(0, 1), 576 + 1000 + 5760 + 2000, "the bridge");
        NS_TEST_EXPECT_MSG_EQ(net.Measure(0, 1), 576 + 1000 + 5760 + 2000, "a frame");
        bool never = net.Compute(0, 2) == ttb::LookAhead::NEVER;
        NS_TEST_EXPECT_MSG_EQ(never, true, "no way");
    }
};

/** The suite. */
class LookAheadTestSuite : public TestSuite
{
  public:
    LookAheadTestSuite()
        : TestSuite("ttbridge-look-ahead")
    {
        AddTestCase(new LinkTestCase);
        AddTestCase(new PathTestCase);
    }
};

LookAheadTestSuite g_lookAheadTestSuite; //!< registers itself

} // namespace
