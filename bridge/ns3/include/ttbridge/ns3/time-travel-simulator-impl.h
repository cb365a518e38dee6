/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_TIME_TRAVEL_SIMULATOR_IMPL_H
#define TTBRIDGE_NS3_TIME_TRAVEL_SIMULATOR_IMPL_H

#include <ttbridge/bridge.h>

#include <ns3/event-id.h>
#include <ns3/event-impl.h>
#include <ns3/nstime.h>
#include <ns3/object-factory.h>
#include <ns3/ptr.h>
#include <ns3/scheduler.h>
#include <ns3/simulator-impl.h>

#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/**
 * @file
 * ttb::TimeTravelSimulatorImpl declaration.
 */

namespace ttb
{

/**
 * A simulator implementation that shares its clock with Linux nodes.
 *
 * Chosen in the usual way, so that a script need not change:
 *
 *     ns3::GlobalValue::Bind("SimulatorImplementationType",
 *                            ns3::StringValue("ttb::TimeTravelSimulatorImpl"));
 *
 * Without a bridge it does what ns3::DefaultSimulatorImpl does: the same events in the same order
 * with the same uids and contexts. With a bridge, whatever the nodes do strictly before the time of
 * the next event is done before that event is executed; the frames they send meanwhile are events
 * at their own times. At one instant the network comes first, then the nodes.
 *
 * Threads are treated as by ns3::DefaultSimulatorImpl: only ScheduleWithContext() may be called by
 * other threads than the one in Run(); such events make a run unrepeatable.
 */
class TimeTravelSimulatorImpl : public ns3::SimulatorImpl
{
  public:
    /**
     * Register this type.
     * @return The object TypeId.
     */
    static ns3::TypeId GetTypeId();

    TimeTravelSimulatorImpl();
    ~TimeTravelSimulatorImpl() override;

    /**
     * The implementation that the simulation uses, if it is one of ours. Creates the simulation's
     * implementation if there is none yet, as every call of ns3::Simulator does.
     * @return null if another implementation was chosen
     */
    static ns3::Ptr<TimeTravelSimulatorImpl> Get();

    /**
     * Couple the simulation to a bridge. Refused unless ns-3 counts time in nanoseconds and both
     * clocks show the same time. Sets the global value ChecksumEnabled, which Linux nodes need.
     *
     * @param bridge stays the caller's; it must exist until DetachBridge() or Simulator::Destroy()
     * @param [out] why the reason for a refusal
     * @return true if the bridge is now attached
     */
    bool AttachBridge(struct ttb_bridge* bridge, std::string& why);

    /** Go on without nodes. Nothing happens if no bridge is attached. */
    void DetachBridge();

    /** @return the attached bridge, or nullptr */
    struct ttb_bridge* GetBridge() const;

    /**
     * Bring the bridge's clock to the simulator's. To be called before a frame is handed to a port:
     * where no node has anything to do before the next event, the bridge is not asked.
     */
    void SyncBridge();

    /**
     * Compute again how far nodes may run ahead of each other (ttb::LookAhead), and tell the
     * bridge. To be called when a link was made shorter or a new way was opened while the
     * simulation runs, in the same event; see ttb::LookAhead for what does so by itself. Does
     * nothing outside of Run(), for which it is done when it begins.
     */
    void UpdateLookAhead();

    /** A port was attached to a device; called by ttb::NodePort. */
    void PortAttached();

    // Inherited
    void Destroy() override;
    bool IsFinished() const override;
    void Stop() override;
    /// What Stop() with a time returns depends on the version of ns-3: nothing, or an EventId.
    using StopResult = decltype(std::declval<ns3::SimulatorImpl&>().Stop(ns3::Time()));
    StopResult Stop(const ns3::Time& delay) override;
    ns3::EventId Schedule(const ns3::Time& delay, ns3::EventImpl* event) override;
    void ScheduleWithContext(uint32_t context,
                             const ns3::Time& delay,
                             ns3::EventImpl* event) override;
    ns3::EventId ScheduleNow(ns3::EventImpl* event) override;
    ns3::EventId ScheduleDestroy(ns3::EventImpl* event) override;
    void Remove(const ns3::EventId& id) override;
    void Cancel(const ns3::EventId& id) override;
    bool IsExpired(const ns3::EventId& id) const override;
    void Run() override;
    ns3::Time Now() const override;
    ns3::Time GetDelayLeft(const ns3::EventId& id) const override;
    ns3::Time GetMaximumSimulationTime() const override;
    void SetScheduler(ns3::ObjectFactory schedulerFactory) override;
    uint32_t GetSystemId() const override;
    uint32_t GetContext() const override;
    uint64_t GetEventCount() const override;

  private:
    /** An event that another thread has scheduled. */
    struct ForeignEvent
    {
        uint32_t context;      //!< its context
        uint64_t delay;        //!< time steps from when it is taken over
        ns3::EventImpl* event; //!< owned
    };

    void DoDispose() override;

    /**
     * Put an event into the queue.
     * @return its key
     */
    ns3::Scheduler::EventKey Insert(uint32_t context, uint64_t ts, ns3::EventImpl* event);

    /** Execute the first event of the queue. */
    void ProcessOneEvent();

    /** Take over what other threads have scheduled. */
    void ProcessForeignEvents();

    /**
     * Let the nodes run up to the first event of the queue.
     * @return false if there is none and no node will ever act again
     */
    bool LetNodesRun();

    /** Refuse to go on if ns-3's time is not in nanoseconds. */
    void CheckResolution() const;

    /** Report that events follow each other without time going on. */
    [[noreturn]] void ReportEndlessInstant(uint32_t context) const;

    ns3::Ptr<ns3::Scheduler> m_events; //!< the event queue
    uint32_t m_uid;                    //!< next event's uid
    uint32_t m_currentUid;             //!< uid of the current event
    uint64_t m_currentTs;              //!< time of the current event
    uint32_t m_currentContext;         //!< context of the current event
    uint64_t m_eventCount;             //!< events executed
    bool m_stop;                       //!< Stop() was called

    uint64_t m_maxEventsPerInstant; //!< attribute MaxEventsPerInstant
    uint64_t m_instantLimit;        //!< event count at which the current instant is too long

    struct ttb_bridge* m_bridge; //!< the nodes; null: none
    ns3::Time m_maxLookAhead;    //!< attribute MaxLookAhead
    bool m_running;              //!< in Run()
    bool m_havePorts;            //!< PortAttached() was called
    uint32_t m_unasked;          //!< events since the bridge was last asked

    std::list<ns3::EventId> m_destroyEvents; //!< to be run by Destroy()

    std::vector<ForeignEvent> m_foreignEvents; //!< from other threads, under the mutex
    std::atomic<bool> m_haveForeignEvents;     //!< there are some
    std::mutex m_foreignMutex;                 //!< protects m_foreignEvents
    std::thread::id m_mainThread;              //!< the thread that may do everything
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_TIME_TRAVEL_SIMULATOR_IMPL_H */
