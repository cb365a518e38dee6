/* SPDX-License-Identifier: GPL-2.0-only */
#include "ttbridge-test-net.h"

#include <ns3/csma-helper.h>
#include <ns3/default-simulator-impl.h>
#include <ns3/double.h>
#include <ns3/error-model.h>
#include <ns3/inet-socket-address.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4-address-helper.h>
#include <ns3/pointer.h>
#include <ns3/rng-seed-manager.h>
#include <ns3/socket.h>
#include <ns3/string.h>
#include <ns3/test.h>
#include <ns3/udp-socket-factory.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

/**
 * @file
 * ttb::TimeTravelSimulatorImpl without nodes does what ns3::DefaultSimulatorImpl does: the same
 * events at the same times in the same order, with the same uids and contexts.
 */

using namespace ns3;

namespace
{

/** What was seen, in its order. */
using Log = std::vector<std::array<uint64_t, 5>>;

/** Events that schedule, cancel and remove others at random; many at one instant. */
class RandomEvents
{
  public:
    /** @param seed of the choices, which are the same with every implementation */
    explicit RandomEvents(uint64_t seed)
        : m_state(seed)
    {
    }

    /** Run with the implementation that has been set. @return what was done */
    Log Run()
    {
        for (uint64_t i = 0; i < 20; i++)
        {
            ScheduleOne();
        }
        Simulator::Stop(MicroSeconds(2));
        Simulator::Run();
        Note(1, 0);
        // What is left goes on.
        ScheduleOne();
        Simulator::Stop(MicroSeconds(3));
        Simulator::Run();
        Note(2, 0);
        Simulator::Destroy();
        return m_log;
    }

  private:
    uint64_t Below(uint64_t limit)
    {
        m_state = m_state * 6364136223846793005U + 1442695040888963407U;
        return (m_state >> 33) % limit;
    }

    void Note(uint64_t what, uint64_t which)
    {
        m_log.push_back({Simulator::Now().GetTimeStep() < 0
                             ? UINT64_MAX
                             : static_cast<uint64_t>(Simulator::Now().GetTimeStep()),
                         what,
                         which,
                         Simulator::GetContext(),
                         Simulator::GetEventCount()});
    }

    void ScheduleOne()
    {
        uint64_t which = m_scheduled++;
        // Few different times, so that many events share one.
        Time delay = NanoSeconds(static_cast<int64_t>(Below(4) ? 10 * Below(8) : Below(300)));
        EventId event;

        switch (Below(8))
        {
        case 0:
            event = Simulator::ScheduleNow(&RandomEvents::Execute, this, which);
            break;
        case 1:
            Simulator::ScheduleWithContext(static_cast<uint32_t>(Below(5)),
                                           delay,
                                           &RandomEvents::Execute,
                                           this,
                                           which);
            break;
        case 2:
            event = Simulator::ScheduleDestroy(&RandomEvents::Destroyed, this, which);
            break;
        default:
            event = Simulator::Schedule(delay, &RandomEvents::Execute, this, which);
        }
        m_log.push_back({event.GetUid(), event.GetTs(), event.GetContext(), which, 0});
        m_events.push_back(event);
    }

    void Destroyed(uint64_t which)
    {
        m_log.push_back({which, 3, 0, 0, 0});
    }

    void Execute(uint64_t which)
    {
        Note(4, which);
        // As many new events as keeps their number where it is.
        for (uint64_t i = Below(3); i > 0; i--)
        {
            ScheduleOne();
        }
        EventId& other = m_events[Below(m_events.size())];
        Note(5, other.IsExpired());
        switch (Below(10))
        {
        case 0:
            Simulator::Cancel(other);
            ScheduleOne();
            break;
        case 1:
            Simulator::Remove(other);
            ScheduleOne();
            break;
        case 2:
            Note(6, static_cast<uint64_t>(Simulator::GetDelayLeft(other).GetTimeStep()));
            break;
        default:;
        }
    }

    uint64_t m_state;              //!< of the generator
    uint64_t m_scheduled = 0;      //!< number of events
    std::vector<EventId> m_events; //!< all of them
    Log m_log;                     //!< what was done
};

/** Random events with one kind of event queue. */
class EventOrderTestCase : public TestCase
{
  public:
    /** @param scheduler its TypeId */
    explicit EventOrderTestCase(const std::string& scheduler)
        : TestCase("events and their order are those of the default implementation, " + scheduler),
          m_scheduler(scheduler)
    {
    }

  private:
    Log RunWith(Ptr<SimulatorImpl> implementation, uint64_t seed)
    {
        Simulator::SetImplementation(implementation);
        Simulator::SetScheduler(ObjectFactory(m_scheduler));
        return RandomEvents(seed).Run();
    }

    void DoRun() override
    {
        std::size_t total = 0;

        for (uint64_t seed = 1; seed <= 4; seed++)
        {
            Log expected = RunWith(CreateObject<DefaultSimulatorImpl>(), seed);
            Log got = RunWith(CreateObject<ttb::TimeTravelSimulatorImpl>(), seed);
            NS_TEST_ASSERT_MSG_EQ(got.size(), expected.size(), "lines, seed " << seed);
            for (std::size_t i = 0; i < got.size(); i++)
            {
                for (std::size_t k = 0; k < got[i].size(); k++)
                {
                    NS_TEST_ASSERT_MSG_EQ(got[i][k],
                                          expected[i][k],
                                          "line " << i << " field " << k << ", seed " << seed);
                }
            }
            total += got.size();
        }
        NS_TEST_EXPECT_MSG_GT(total, 5000, "too little happened");
    }

    std::string m_scheduler; //!< TypeId of the event queue
};

/** A network with random backoffs and losses. */
class NetworkTestCase : public TestCase
{
  public:
    NetworkTestCase()
        : TestCase("a CSMA network fares as with the default implementation")
    {
    }

  private:
    void See(std::string context, Ptr<const Packet> frame)
    {
        uint64_t place = 0;
        for (char c : context)
        {
            place = place * 31 + static_cast<unsigned char>(c);
        }
        m_log.push_back({static_cast<uint64_t>(Simulator::Now().GetTimeStep()),
                         place,
                         frame->GetSize(),
                         Simulator::GetContext(),
                         Simulator::GetEventCount()});
    }

    Log RunWith(Ptr<SimulatorImpl> implementation)
    {
        Simulator::SetImplementation(implementation);
        RngSeedManager::SetSeed(3);
        RngSeedManager::SetRun(4);
        m_log.clear();

        NodeContainer nodes;
        nodes.Create(4);
        CsmaHelper csma;
        csma.SetChannelAttribute("DataRate", StringValue("10Mbps"));
        csma.SetChannelAttribute("Delay", StringValue("3us"));
        NetDeviceContainer devices = csma.Install(nodes);
        InternetStackHelper stack;
        stack.SetIpv6StackInstall(false);
        stack.Install(nodes);
        Ipv4InterfaceContainer addresses =
            Ipv4AddressHelper("10.1.1.0", "255.255.255.0").Assign(devices);
        stack.AssignStreams(nodes, 100);
        csma.AssignStreams(devices, 200);
        std::vector<Ptr<Socket>> sockets;
        for (uint32_t i = 0; i < 4; i++)
        {
            auto losses = CreateObject<RateErrorModel>();
            losses->SetAttribute("ErrorUnit", StringValue("ERROR_UNIT_PACKET"));
            losses->SetAttribute("ErrorRate", DoubleValue(0.1));
            losses->AssignStreams(300 + i);
            devices.Get(i)->SetAttribute("ReceiveErrorModel", PointerValue(losses));
            for (const char* source : {"MacTx", "MacRx", "MacTxBackoff", "PhyRxDrop"})
            {
                devices.Get(i)->TraceConnect(source,
                                             source + std::to_string(i),
                                             MakeCallback(&NetworkTestCase::See, this));
            }
            sockets.push_back(Socket::CreateSocket(nodes.Get(i), UdpSocketFactory::GetTypeId()));
            sockets[i]->Bind(InetSocketAddress(Ipv4Address::GetAny(), 9));
            for (int k = 0; k < 100; k++)
            {
                Address to = InetSocketAddress(addresses.GetAddress((i + 1 + k % 3) % 4), 9);
                // All at the same times: they have to back off.
                Simulator::ScheduleWithContext(
                    nodes.Get(i)->GetId(),
                    MilliSeconds(k),
                    [socket = sockets[i], to, k]() {
                        socket->SendTo(Create<Packet>(10 + 5 * k), 0, to);
                    });
            }
        }
        Simulator::Stop(Seconds(20));
        Simulator::Run();
        sockets.clear();
        Simulator::Destroy();
        return m_log;
    }

    void DoRun() override
    {
        Log expected = RunWith(CreateObject<DefaultSimulatorImpl>());
        Log got = RunWith(CreateObject<ttb::TimeTravelSimulatorImpl>());
        NS_TEST_EXPECT_MSG_GT(expected.size(), 1000, "too little happened");
        NS_TEST_ASSERT_MSG_EQ(got.size(), expected.size(), "frames seen");
        for (std::size_t i = 0; i < got.size(); i++)
        {
            bool equal = got[i] == expected[i];
            NS_TEST_ASSERT_MSG_EQ(equal, true, "line " << i);
        }
    }

    Log m_log; //!< frames seen
};

/** The suite. */
class TimeTravelSimulatorTestSuite : public TestSuite
{
  public:
    TimeTravelSimulatorTestSuite()
        : TestSuite("ttbridge-simulator")
    {
        // Not the heap: ns-3 3.37's is out of order once an event was taken out of its middle, and
        // the default implementation's assertions see that.
        for (const char* scheduler :
             {"ns3::MapScheduler", "ns3::CalendarScheduler", "ns3::ListScheduler"})
        {
            AddTestCase(new EventOrderTestCase(scheduler));
        }
        AddTestCase(new NetworkTestCase);
    }
};

TimeTravelSimulatorTestSuite g_timeTravelSimulatorTestSuite; //!< registers itself

} // namespace
