/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/look-ahead.h>
#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include "fatal-trap.h"

#include <ns3/boolean.h>
#include <ns3/global-value.h>
#include <ns3/log.h>
#include <ns3/simulator.h>
#include <ns3/uinteger.h>

#include <sstream>

/**
 * @file
 * ttb::TimeTravelSimulatorImpl implementation.
 */

namespace ttb
{

using namespace ns3;

// Logging is left out of what is called for every event, and of what the log's own printing of time
// and context calls.
NS_LOG_COMPONENT_DEFINE("TimeTravelSimulatorImpl");

NS_OBJECT_ENSURE_REGISTERED(TimeTravelSimulatorImpl);

namespace
{

/// Ask the bridge at least once in so many events, even if no node has anything to do: it also
/// looks after processes that have died and after ports that live in wall-clock time.
constexpr uint32_t UNASKED_MAX = 64;

/** Sets a flag for as long as it lives. */
class Running
{
  public:
    explicit Running(bool& flag)
        : m_flag(flag)
    {
        m_flag = true;
    }

    ~Running()
    {
        m_flag = false;
    }

    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

  private:
    bool& m_flag; //!< it
};

} // namespace

TypeId
TimeTravelSimulatorImpl::GetTypeId()
{
    static TypeId tid =
        TypeId("ttb::TimeTravelSimulatorImpl")
            .SetParent<SimulatorImpl>()
            .SetGroupName("Core")
            .AddConstructor<TimeTravelSimulatorImpl>()
            .AddAttribute("MaxEventsPerInstant",
                          "Events at one instant after which the run is ended with an error, since "
                          "time has evidently ceased to go on; 0: no limit.",
                          UintegerValue(10000000),
                          MakeUintegerAccessor(&TimeTravelSimulatorImpl::m_maxEventsPerInstant),
                          MakeUintegerChecker<uint64_t>())
            .AddAttribute("MaxLookAhead",
                          "Nodes run ahead of each other no further than this, and no further than "
                          "the network's latencies allow; 0: not at all.",
                          TimeValue(TimeStep(INT64_MAX)),
                          MakeTimeAccessor(&TimeTravelSimulatorImpl::m_maxLookAhead),
                          MakeTimeChecker(TimeStep(0)));
    return tid;
}

TimeTravelSimulatorImpl::TimeTravelSimulatorImpl()
    : m_uid(EventId::UID::VALID),
      m_currentUid(EventId::UID::INVALID),
      m_currentTs(0),
      m_currentContext(Simulator::NO_CONTEXT),
      m_eventCount(0),
      m_stop(false),
      m_instantLimit(UINT64_MAX),
      m_bridge(nullptr),
      m_running(false),
      m_havePorts(false),
      m_unasked(0),
      m_haveForeignEvents(false),
      m_mainThread(std::this_thread::get_id())
{
    NS_LOG_FUNCTION(this);
}

TimeTravelSimulatorImpl::~TimeTravelSimulatorImpl()
{
    NS_LOG_FUNCTION(this);
}

void
TimeTravelSimulatorImpl::DoDispose()
{
    NS_LOG_FUNCTION(this);
    m_bridge = nullptr;
    ProcessForeignEvents();
    while (m_events && !m_events->IsEmpty())
    {
        m_events->RemoveNext().impl->Unref();
    }
    m_events = nullptr;
    SimulatorImpl::DoDispose();
}

Ptr<TimeTravelSimulatorImpl>
TimeTravelSimulatorImpl::Get()
{
    return DynamicCast<TimeTravelSimulatorImpl>(Simulator::GetImplementation());
}

// ---------------------------------------------------------------------------------- the bridge

bool
TimeTravelSimulatorImpl::AttachBridge(struct ttb_bridge* bridge, std::string& why)
{
    NS_LOG_FUNCTION(this << bridge);
    std::ostringstream text;
    if (!bridge)
    {
        text << "there is no bridge to attach";
    }
    else if (m_bridge)
    {
        text << "a bridge is attached already";
    }
    else if (Time::GetResolution() != Time::NS)
    {
        text << "ns-3's time resolution is not nanoseconds (Time::SetResolution() was called), and "
                "nodes count nanoseconds";
    }
    else if (ttb_bridge_now_ns(bridge) != m_currentTs)
    {
        text << "the bridge's clock shows " << ttb_bridge_now_ns(bridge) << " ns, ns-3's "
             << m_currentTs << " ns: they must agree when they are coupled";
    }
    else
    {
        // Linux drops packets without checksums, and ns-3 sends them so unless told otherwise.
        GlobalValue::Bind("ChecksumEnabled", BooleanValue(true));
        m_bridge = bridge;
        m_unasked = 0;
        return true;
    }
    why = text.str();
    return false;
}

void
TimeTravelSimulatorImpl::DetachBridge()
{
    NS_LOG_FUNCTION(this);
    m_bridge = nullptr;
}

struct ttb_bridge*
TimeTravelSimulatorImpl::GetBridge() const
{
    return m_bridge;
}

void
TimeTravelSimulatorImpl::CheckResolution() const
{
    if (Time::GetResolution() != Time::NS)
    {
        RaiseFatal(-EINVAL,
                   "ns-3's time resolution was changed after a bridge had been attached: nodes "
                   "count nanoseconds");
    }
}

void
TimeTravelSimulatorImpl::SyncBridge()
{
    while (m_bridge && ttb_bridge_now_ns(m_bridge) < m_currentTs)
    {
        uint64_t now_ns;
        int rc = ttb_bridge_advance(m_bridge, m_currentTs, &now_ns);
        if (rc)
        {
            RaiseFatal(rc, ttb_bridge_error(m_bridge));
        }
    }
}

void
TimeTravelSimulatorImpl::UpdateLookAhead()
{
    if (m_bridge && m_running && m_havePorts)
    {
        int64_t max = m_maxLookAhead.GetTimeStep();
        LookAhead::Compute().Apply(m_bridge, max == INT64_MAX ? TTB_TIME_NEVER : max);
    }
}

void
TimeTravelSimulatorImpl::PortAttached()
{
    m_havePorts = true;
    UpdateLookAhead();
}

bool
TimeTravelSimulatorImpl::LetNodesRun()
{
    for (;;)
    {
        uint64_t until_ns = TTB_TIME_NEVER;
        uint64_t now_ns;

        if (!m_events->IsEmpty())
        {
            until_ns = m_events->PeekNext().key.m_ts;
            if (until_ns <= ttb_bridge_now_ns(m_bridge) ||
                (until_ns <= ttb_bridge_next_ns(m_bridge) && ++m_unasked < UNASKED_MAX))
            {
                return true;
            }
        }
        m_unasked = 0;
        int rc = ttb_bridge_advance(m_bridge, until_ns, &now_ns);
        if (rc)
        {
            RaiseFatal(rc, ttb_bridge_error(m_bridge));
        }
        // A node's frame is in the queue by now, perhaps before what was first; and other threads
        // may have been busy while we waited.
        ProcessForeignEvents();
        if (m_stop || (now_ns == until_ns && m_events->IsEmpty()))
        {
            return false;
        }
    }
}

// ------------------------------------------------------------------------------------ the loop

void
TimeTravelSimulatorImpl::Run()
{
    NS_LOG_FUNCTION(this);
    m_mainThread = std::this_thread::get_id();
    ProcessForeignEvents();
    m_stop = false;
    // Also when an event throws.
    Running running(m_running);
    if (m_bridge)
    {
        CheckResolution();
        UpdateLookAhead();
    }
    while (!m_stop)
    {
        if (m_bridge)
        {
            if (!LetNodesRun())
            {
                break;
            }
        }
        else if (m_events->IsEmpty())
        {
            break;
        }
        ProcessOneEvent();
    }
    if (!m_bridge)
    {
        return;
    }
    SyncBridge();
    if (ttb_bridge_now_ns(m_bridge) > m_currentTs)
    {
        // The nodes went on for longer than the network had anything to do, or one of the bridge's
        // callbacks has called Stop(). The next event, if any, is not earlier.
        m_currentTs = ttb_bridge_now_ns(m_bridge);
    }
}

void
TimeTravelSimulatorImpl::ProcessOneEvent()
{
    Scheduler::Event next = m_events->RemoveNext();
    // Takes over the queue's reference, and drops it even if the event throws.
    Ptr<EventImpl> event(next.impl, false);

    PreEventHook(EventId(event, next.key.m_ts, next.key.m_context, next.key.m_uid));
    if (next.key.m_ts != m_currentTs || m_instantLimit == UINT64_MAX)
    {
        m_instantLimit = m_maxEventsPerInstant ? m_eventCount + m_maxEventsPerInstant : UINT64_MAX;
    }
    else if (m_eventCount == m_instantLimit)
    {
        ReportEndlessInstant(next.key.m_context);
    }
    m_eventCount++;
    m_currentTs = next.key.m_ts;
    m_currentContext = next.key.m_context;
    m_currentUid = next.key.m_uid;
    event->Invoke();
    ProcessForeignEvents();
}

void
TimeTravelSimulatorImpl::ReportEndlessInstant(uint32_t context) const
{
    std::ostringstream text;
    text << "time does not go on: more than " << m_maxEventsPerInstant << " events at "
         << m_currentTs << " ns, the next one ";
    if (context == Simulator::NO_CONTEXT)
    {
        text << "of no node";
    }
    else
    {
        text << "of ns-3 node " << context;
    }
    text << " (attribute MaxEventsPerInstant of ttb::TimeTravelSimulatorImpl)";
    RaiseFatal(-ELOOP, text.str());
}

void
TimeTravelSimulatorImpl::ProcessForeignEvents()
{
    if (!m_haveForeignEvents.load(std::memory_order_acquire))
    {
        return;
    }
    std::vector<ForeignEvent> events;
    {
        std::lock_guard<std::mutex> lock(m_foreignMutex);
        events.swap(m_foreignEvents);
        m_haveForeignEvents.store(false, std::memory_order_relaxed);
    }
    for (const auto& event : events)
    {
        Insert(event.context, m_currentTs + event.delay, event.event);
    }
}

void
TimeTravelSimulatorImpl::Destroy()
{
    NS_LOG_FUNCTION(this);
    while (!m_destroyEvents.empty())
    {
        Ptr<EventImpl> event = m_destroyEvents.front().PeekEventImpl();
        m_destroyEvents.pop_front();
        if (!event->IsCancelled())
        {
            event->Invoke();
        }
    }
    m_bridge = nullptr;
}

bool
TimeTravelSimulatorImpl::IsFinished() const
{
    if (m_stop)
    {
        return true;
    }
    return m_events->IsEmpty() && (!m_bridge || ttb_bridge_next_ns(m_bridge) == TTB_TIME_NEVER);
}

void
TimeTravelSimulatorImpl::Stop()
{
    NS_LOG_FUNCTION(this);
    m_stop = true;
}

TimeTravelSimulatorImpl::StopResult
TimeTravelSimulatorImpl::Stop(const Time& delay)
{
    NS_LOG_FUNCTION(this << delay.GetTimeStep());
    return static_cast<StopResult>(Simulator::Schedule(delay, &Simulator::Stop));
}

// ----------------------------------------------------------------------------------- the queue

void
TimeTravelSimulatorImpl::SetScheduler(ObjectFactory schedulerFactory)
{
    NS_LOG_FUNCTION(this << schedulerFactory);
    Ptr<Scheduler> scheduler = schedulerFactory.Create<Scheduler>();
    while (m_events && !m_events->IsEmpty())
    {
        scheduler->Insert(m_events->RemoveNext());
    }
    m_events = scheduler;
}

Scheduler::EventKey
TimeTravelSimulatorImpl::Insert(uint32_t context, uint64_t ts, EventImpl* event)
{
    Scheduler::Event entry;
    entry.impl = event;
    entry.key.m_ts = ts;
    entry.key.m_context = context;
    entry.key.m_uid = m_uid++;
    m_events->Insert(entry);
    return entry.key;
}

EventId
TimeTravelSimulatorImpl::Schedule(const Time& delay, EventImpl* event)
{
    NS_ASSERT_MSG(m_mainThread == std::this_thread::get_id(),
                  "Simulator::Schedule() was called by another thread than Run()'s");
    NS_ASSERT_MSG(!delay.IsStrictlyNegative(), "Simulator::Schedule(): the delay is negative");
    Scheduler::EventKey key = Insert(m_currentContext, m_currentTs + delay.GetTimeStep(), event);
    return EventId(event, key.m_ts, key.m_context, key.m_uid);
}

void
TimeTravelSimulatorImpl::ScheduleWithContext(uint32_t context, const Time& delay, EventImpl* event)
{
    if (m_mainThread == std::this_thread::get_id())
    {
        Insert(context, m_currentTs + delay.GetTimeStep(), event);
        return;
    }
    std::lock_guard<std::mutex> lock(m_foreignMutex);
    m_foreignEvents.push_back({context, static_cast<uint64_t>(delay.GetTimeStep()), event});
    m_haveForeignEvents.store(true, std::memory_order_release);
}

EventId
TimeTravelSimulatorImpl::ScheduleNow(EventImpl* event)
{
    return Schedule(Time(0), event);
}

EventId
TimeTravelSimulatorImpl::ScheduleDestroy(EventImpl* event)
{
    NS_ASSERT_MSG(m_mainThread == std::this_thread::get_id(),
                  "Simulator::ScheduleDestroy() was called by another thread than Run()'s");
    EventId id(Ptr<EventImpl>(event, false),
               m_currentTs,
               Simulator::NO_CONTEXT,
               EventId::UID::DESTROY);
    m_destroyEvents.push_back(id);
    m_uid++;
    return id;
}

void
TimeTravelSimulatorImpl::Remove(const EventId& id)
{
    if (id.GetUid() == EventId::UID::DESTROY)
    {
        m_destroyEvents.remove(id);
        return;
    }
    if (IsExpired(id))
    {
        return;
    }
    Scheduler::Event entry;
    entry.impl = id.PeekEventImpl();
    entry.key.m_ts = id.GetTs();
    entry.key.m_context = id.GetContext();
    entry.key.m_uid = id.GetUid();
    m_events->Remove(entry);
    entry.impl->Cancel();
    entry.impl->Unref(); // the queue's reference
}

void
TimeTravelSimulatorImpl::Cancel(const EventId& id)
{
    if (!IsExpired(id))
    {
        id.PeekEventImpl()->Cancel();
    }
}

bool
TimeTravelSimulatorImpl::IsExpired(const EventId& id) const
{
    if (!id.PeekEventImpl() || id.PeekEventImpl()->IsCancelled())
    {
        return true;
    }
    if (id.GetUid() == EventId::UID::DESTROY)
    {
        for (const auto& event : m_destroyEvents)
        {
            if (event == id)
            {
                return false;
            }
        }
        return true;
    }
    return id.GetTs() < m_currentTs || (id.GetTs() == m_currentTs && id.GetUid() <= m_currentUid);
}

// ------------------------------------------------------------------------------------- getters

Time
TimeTravelSimulatorImpl::Now() const
{
    return TimeStep(m_currentTs);
}

Time
TimeTravelSimulatorImpl::GetDelayLeft(const EventId& id) const
{
    return TimeStep(IsExpired(id) ? 0 : id.GetTs() - m_currentTs);
}

Time
TimeTravelSimulatorImpl::GetMaximumSimulationTime() const
{
    return TimeStep(INT64_MAX);
}

uint32_t
TimeTravelSimulatorImpl::GetSystemId() const
{
    return 0; // as in every simulation that is not distributed
}

uint32_t
TimeTravelSimulatorImpl::GetContext() const
{
    return m_currentContext;
}

uint64_t
TimeTravelSimulatorImpl::GetEventCount() const
{
    return m_eventCount;
}

} // namespace ttb
