/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_LINK_CONTROL_H
#define TTBRIDGE_NS3_LINK_CONTROL_H

#include <ns3/csma-channel.h>
#include <ns3/error-model.h>
#include <ns3/mac48-address.h>
#include <ns3/net-device.h>
#include <ns3/object.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>
#include <ns3/queue.h>
#include <ns3/random-variable-stream.h>

#include <cstdint>
#include <functional>

/**
 * @file
 * What the C functions need to change and count links while they run, beside what ns-3's devices
 * offer: an error model for each receiver, a state for each CSMA channel, counters for each device.
 */

namespace ttb
{

/**
 * Whether a CSMA channel carries frames; aggregated to it. ns3::CsmaChannel cannot be cut with a
 * frame on it, so receivers ask here (LinkErrorModel).
 */
class CsmaLinkState : public ns3::Object
{
  public:
    static ns3::TypeId GetTypeId();

    /** @return the state of a channel, made if there was none */
    static ns3::Ptr<CsmaLinkState> Of(ns3::Ptr<ns3::CsmaChannel> channel);

    /** Cut or repair. Of frames that are on the channel now none arrives. */
    void SetUp(bool up);

    /** @return true if not cut */
    bool IsUp() const;

    /** @return true if the frame that is on the channel now may arrive */
    bool Carries() const;

    /** A device begins to transmit. There is one frame on the channel at a time. */
    void TransmissionBegins(ns3::Ptr<const ns3::Packet> frame);

  private:
    bool m_up = true;          //!< not cut
    uint32_t m_changes = 0;    //!< times it was cut or repaired
    uint32_t m_frameBegan = 0; //!< m_changes when the frame's transmission began
};

/**
 * The error model of a receiver: a loss in parts per billion, another model, and a cut link. Draws
 * one number for each frame, whatever the loss is, so that changing it shifts nobody else's draw.
 */
class LinkErrorModel : public ns3::ErrorModel
{
  public:
    static ns3::TypeId GetTypeId();

    LinkErrorModel();

    /** @param ppb probability of loss in parts per billion */
    void SetLoss(uint32_t ppb);

    /** @param model asked besides; nullptr: none */
    void SetModel(ns3::Ptr<ns3::ErrorModel> model);

    /** @param state of the channel; nullptr: none is asked */
    void SetState(ns3::Ptr<CsmaLinkState> state);

    /** Told of each frame that is lost here; nullptr: nobody */
    void SetLossTold(std::function<void(ns3::Ptr<const ns3::Packet>, const char*)> told);

    /** Told of each frame that passes, before the device gets it; nullptr: nobody */
    void SetPassTold(std::function<void(ns3::Ptr<const ns3::Packet>)> told);

    /** @return number of streams used */
    int64_t AssignStreams(int64_t stream);

    /**
     * Take frames with an 802.3 length field from a CSMA device that would mangle them.
     * @param taker gets them, FCS included; the device does not
     */
    void SetLengthFrames(std::function<void(ns3::Ptr<const ns3::Packet>)> taker);

    /** @return frames that passed */
    uint64_t GetPassed() const;

    /** @return frames that were lost, other than by a cut */
    uint64_t GetLost() const;

    /** @return frames that were lost because the link is or was cut */
    uint64_t GetCut() const;

    /** @return simulated time of the last loss, -1: none so far */
    int64_t GetLastLossNs() const;

  protected:
    void DoDispose() override;

  private:
    bool DoCorrupt(ns3::Ptr<ns3::Packet> frame) override;
    void DoReset() override;

    ns3::Ptr<ns3::UniformRandomVariable> m_random;                   //!< one number per frame
    ns3::Ptr<ns3::ErrorModel> m_model;                               //!< or nullptr
    ns3::Ptr<CsmaLinkState> m_state;                                 //!< or nullptr
    std::function<void(ns3::Ptr<const ns3::Packet>)> m_lengthFrames; //!< or empty
    std::function<void(ns3::Ptr<const ns3::Packet>, const char*)> m_lossTold; //!< or empty
    std::function<void(ns3::Ptr<const ns3::Packet>)> m_passTold;              //!< or empty
    int64_t m_lastLossNs;                                                     //!< -1: none
    int64_t m_stream;   //!< for the model; -1: none
    uint32_t m_lossPpb; //!< probability
    uint64_t m_passed;  //!< frames
    uint64_t m_lost;    //!< frames
    uint64_t m_cut;     //!< frames
};

/** What is kept for a device that the C functions made; aggregated to it. */
class LinkEnd : public ns3::Object
{
  public:
    static ns3::TypeId GetTypeId();

    /**
     * Make one for a CSMA, Ethernet or Simple device that has been attached, or a Wifi device that
     * is complete: gives it an error model and random streams.
     */
    static ns3::Ptr<LinkEnd> Install(ns3::Ptr<ns3::NetDevice> device);

    /** @return that of a device; fails with -EOPNOTSUPP if it has none */
    static ns3::Ptr<LinkEnd> Of(ns3::Ptr<ns3::NetDevice> device);

    /** @return the receiver's error model */
    ns3::Ptr<LinkErrorModel> GetErrorModel() const;

    /** @return true if SetQueueLimit() is possible */
    bool HasQueue() const;

    /** Frames that wait may be so many from now on; those that do keep their places. */
    void SetQueueLimit(uint32_t frames);

    /** A CSMA device: forget the frames that wait, because the link is cut or repaired. */
    void FlushQueue();

    /** Counters, as struct ttb_ns3_link_stats explains them. */
    struct Counters
    {
        uint64_t sent = 0;     //!< given to the device
        uint64_t received = 0; //!< got through
        uint64_t loss = 0;     //!< by the error model
        uint64_t queue = 0;    //!< queue full
        uint64_t down = 0;     //!< link cut
        uint64_t other = 0;    //!< all else
    };

    /** @return the counters */
    Counters GetCounters() const;

    /** Gets a frame that went no further, and why. */
    using LossFunction = std::function<void(ns3::Ptr<const ns3::Packet>, const char*)>;

    /**
     * A CSMA or Ethernet device: tell which frames are lost where it sends, and of those that come
     * to it, which are for it. An empty function: nobody is told.
     */
    void SetLossTold(LossFunction told);

    /** Give streams to the device and its error model. @return number of streams */
    int64_t AssignStreams(int64_t stream);

  protected:
    void DoDispose() override;

  private:
    /** @return the queue of a CSMA, Ethernet or Simple device, else nullptr */
    ns3::Ptr<ns3::Queue<ns3::Packet>> GetQueue() const;

    void MacTx(ns3::Ptr<const ns3::Packet> frame);        //!< trace sink
    void MacTxDrop(ns3::Ptr<const ns3::Packet> frame);    //!< trace sink
    void PhyTxDrop(ns3::Ptr<const ns3::Packet> frame);    //!< trace sink
    void MacRx(ns3::Ptr<const ns3::Packet> frame);        //!< trace sink
    void Dequeued(ns3::Ptr<const ns3::Packet> frame);     //!< trace sink
    void CableTxDrop(ns3::Ptr<const ns3::Packet> frame);  //!< trace sink
    void CableCutDrop(ns3::Ptr<const ns3::Packet> frame); //!< trace sink

    /** Tell who wants to know. */
    void Tell(ns3::Ptr<const ns3::Packet> frame, const char* reason) const;

    LossFunction m_lossTold;            //!< or empty
    ns3::NetDevice* m_device = nullptr; //!< aggregated to it
    ns3::Ptr<LinkErrorModel> m_errors;  //!< of the receiver
    Counters m_counters;                //!< those that nobody else keeps
    uint32_t m_queueLimit = 0;          //!< to be reached as frames leave; 0: reached
};

/** @return the first random stream of what belongs to a MAC address; 1024 are its own */
int64_t StreamsOf(ns3::Mac48Address address);

/// Streams of the IP stack of the node begin here, from StreamsOf() its first device with an
/// address.
constexpr int64_t STACK_STREAMS = 768;

/// Streams of a device's error model begin here, from StreamsOf() the device.
constexpr int64_t ERROR_MODEL_STREAMS = 512;

} // namespace ttb

#endif /* TTBRIDGE_NS3_LINK_CONTROL_H */
