/* SPDX-License-Identifier: GPL-2.0-only */
#include "ttbridge-test-net.h"

#include <ns3/error-model.h>
#include <ns3/test.h>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

/**
 * @file
 * ttb::EthernetLinkDevice: arrivals to the nanosecond, against times that were worked out by hand.
 */

using namespace ns3;

namespace
{

/// An EtherType without a protocol.
constexpr uint16_t PROTOCOL = 0x88b5;

/** Two devices on a cable, and what arrives at each. */
class Line
{
  public:
    Line(const std::string& rate, Time delay)
    {
        ttb_test::UseTimeTravel();
        m_cable = ttb_test::NewCable(delay);
        for (std::size_t i = 0; i < 2; i++)
        {
            m_ends[i] = ttb_test::NewEnd(CreateObject<Node>(), m_cable, rate);
            m_ends[i]->SetPromiscReceiveCallback(MakeCallback(&Line::Receive, this));
        }
    }

    ~Line()
    {
        m_ends = {};
        m_cable = nullptr;
        Simulator::Destroy();
    }

    Line(const Line&) = delete;

    /** Send a frame of so many bytes, Ethernet header included and FCS not. */
    void Send(int64_t timeNs, std::size_t from, uint32_t len)
    {
        Simulator::Schedule(NanoSeconds(timeNs) - Simulator::Now(), [this, from, len]() {
            m_ends[from]->Send(Create<Packet>(len - 14), m_ends[1 - from]->GetAddress(), PROTOCOL);
        });
    }

    /** @return when frames have arrived at an end, and their sizes without header */
    const std::vector<std::pair<int64_t, uint32_t>>& Run(std::size_t end)
    {
        Simulator::Run();
        return m_arrivals[end];
    }

    Ptr<ttb::EthernetLinkChannel> m_cable;              //!< between
    std::array<Ptr<ttb::EthernetLinkDevice>, 2> m_ends; //!< both

  private:
    bool Receive(Ptr<NetDevice> device,
                 Ptr<const Packet> packet,
                 uint16_t,
                 const Address&,
                 const Address&,
                 NetDevice::PacketType)
    {
        m_arrivals[device == m_ends[1]].emplace_back(Simulator::Now().GetNanoSeconds(),
                                                     packet->GetSize());
        return true;
    }

    std::array<std::vector<std::pair<int64_t, uint32_t>>, 2> m_arrivals; //!< time, size
};

/** One frame on an idle line. */
class OneFrameTestCase : public TestCase
{
  public:
    OneFrameTestCase()
        : TestCase("a frame takes the time of its bits and the delay")
    {
    }

  private:
    void DoRun() override
    {
        // Preamble 8, at least 60, FCS 4; rounded up.
        const struct
        {
            const char* rate;
            uint32_t len;
            int64_t ns;
        } cases[] = {
            {"1Gbps", 14, 576},
            {"1Gbps", 60, 576},
            {"1Gbps", 61, 584},
            {"1Gbps", 1514, 12208},
            {"100Mbps", 1014, 82080},
            {"10Mbps", 1514, 1220800},
            {"3Mbps", 60, 192000},
            {"3Mbps", 1514, 4069334}, // 4069333.3
            {"10Gbps", 60, 58},       // 57.6
            {"10Gbps", 1514, 1221},   // 1220.8
            {"100Gbps", 64, 7},       // 6.08
            {"9600bps", 100, 93333334},
        };

        for (const auto& one : cases)
        {
            for (int64_t delay : {0, 1, 12345, 1000000})
            {
                Line line(one.rate, NanoSeconds(delay));
                line.Send(3, 0, one.len);
                const auto& arrivals = line.Run(1);
                NS_TEST_ASSERT_MSG_EQ(arrivals.size(), 1, "frames that arrived");
                NS_TEST_EXPECT_MSG_EQ(arrivals[0].first,
                                      3 + one.ns + delay,
                                      one.len << " bytes at " << one.rate);
                uint32_t expected = one.len < 60 ? 46 : one.len - 14;
                NS_TEST_EXPECT_MSG_EQ(arrivals[0].second, expected, "payload with its padding");
            }
        }
    }
};

/** Frames that wait for each other. */
class QueueTestCase : public TestCase
{
  public:
    QueueTestCase()
        : TestCase("fractions of a nanosecond are carried from frame to frame")
    {
    }

  private:
    void DoRun() override
    {
        const std::size_t count = 90;
        Line line("10Gbps", MicroSeconds(1));
        for (std::size_t i = 0; i < count; i++)
        {
            line.Send(5, 0, 60);
        }
        const auto& arrivals = line.Run(1);
        NS_TEST_ASSERT_MSG_EQ(arrivals.size(), count, "frames that arrived");
        for (std::size_t i = 0; i < count; i++)
        {
            // 84 bytes with the gap are 67.2 ns; 72 without it are 57.6.
            NS_TEST_EXPECT_MSG_EQ(arrivals[i].first,
                                  5 + 1000 + static_cast<int64_t>((672 * i + 576 + 9) / 10),
                                  "frame " << i);
        }
    }
};

/** Both directions at once. */
class FullDuplexTestCase : public TestCase
{
  public:
    FullDuplexTestCase()
        : TestCase("the directions do not disturb each other")
    {
    }

  private:
    void DoRun() override
    {
        Line line("10Mbps", NanoSeconds(100));
        for (int i = 0; i < 50; i++)
        {
            line.Send(1, 0, 1514);
            line.Send(1, 1, 1514);
        }
        for (std::size_t end : {0, 1})
        {
            const auto& arrivals = line.Run(end);
            NS_TEST_ASSERT_MSG_EQ(arrivals.size(), 50, "frames that arrived");
            for (int64_t i = 0; i < 50; i++)
            {
                NS_TEST_EXPECT_MSG_EQ(arrivals[i].first,
                                      1 + 1230400 * i + 1220800 + 100,
                                      "frame " << i);
            }
        }
    }
};

/** Frames that do not arrive. */
class LossTestCase : public TestCase
{
  public:
    LossTestCase()
        : TestCase("what is lost is counted with its reason")
    {
    }

  private:
    void DoRun() override
    {
        Line line("10Mbps", MilliSeconds(1));
        auto third = CreateObject<ReceiveListErrorModel>();
        third->SetList({2});
        line.m_ends[1]->SetReceiveErrorModel(third);
        for (int64_t i = 0; i < 5; i++)
        {
            line.Send(10000000 * i, 0, 1000);
        }
        line.Send(60000000, 0, 1515);
        // On the line when it is cut; and before it is repaired.
        line.Send(70000000, 0, 1000);
        line.Send(75000000, 0, 1000);
        line.Send(90000000, 0, 1000);
        Simulator::Schedule(NanoSeconds(71000000), [&line]() { line.m_cable->SetUp(false); });
        Simulator::Schedule(NanoSeconds(80000000), [&line]() { line.m_cable->SetUp(true); });

        const auto& arrivals = line.Run(1);
        const auto device = [&line](std::size_t end) { return PeekPointer(line.m_ends[end]); };
        NS_TEST_ASSERT_MSG_EQ(arrivals.size(), 5, "frames that arrived");
        // (8 + 1000 + 4) * 800 + 1000000
        NS_TEST_EXPECT_MSG_EQ(arrivals[1].first, 10000000 + 1809600, "the second frame");
        NS_TEST_EXPECT_MSG_EQ(arrivals[2].first, 30000000 + 1809600, "the third is corrupt");
        NS_TEST_EXPECT_MSG_EQ(arrivals[4].first, 90000000 + 1809600, "after the repair");
        NS_TEST_EXPECT_MSG_EQ(device(0)->GetSent(), 9, "frames sent");
        NS_TEST_EXPECT_MSG_EQ(device(1)->GetReceived(), 5, "frames received");
        NS_TEST_EXPECT_MSG_EQ(device(1)->GetDropped(ttb::EthernetLinkDevice::DROP_LOSS), 1, "loss");
        NS_TEST_EXPECT_MSG_EQ(device(0)->GetDropped(ttb::EthernetLinkDevice::DROP_TOO_LONG),
                              1,
                              "too long");
        NS_TEST_EXPECT_MSG_EQ(device(0)->GetDropped(ttb::EthernetLinkDevice::DROP_DOWN),
                              2,
                              "link down");
    }
};

/** The suite. */
class EthernetLinkTestSuite : public TestSuite
{
  public:
    EthernetLinkTestSuite()
        : TestSuite("ttbridge-ethernet-link")
    {
        AddTestCase(new OneFrameTestCase);
        AddTestCase(new QueueTestCase);
        AddTestCase(new FullDuplexTestCase);
        AddTestCase(new LossTestCase);
    }
};

EthernetLinkTestSuite g_ethernetLinkTestSuite; //!< registers itself

} // namespace
