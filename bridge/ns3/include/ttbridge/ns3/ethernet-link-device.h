/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_ETHERNET_LINK_DEVICE_H
#define TTBRIDGE_NS3_ETHERNET_LINK_DEVICE_H

#include <ttbridge/ns3/ethernet-link-channel.h>

#include <ns3/data-rate.h>
#include <ns3/error-model.h>
#include <ns3/event-id.h>
#include <ns3/mac48-address.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>
#include <ns3/queue.h>
#include <ns3/traced-callback.h>

#include <array>
#include <cstdint>
#include <deque>

/**
 * @file
 * ttb::EthernetLinkDevice declaration.
 */

namespace ttb
{

/**
 * One end of a full-duplex Ethernet link: what is plugged into switches and computers today. ns-3
 * has none: CsmaNetDevice is a shared half-duplex cable, PointToPointNetDevice speaks PPP.
 *
 * Times. A frame is sent as IEEE 802.3 says: preamble and start frame delimiter (attribute
 * Preamble, 8 bytes), Ethernet header and payload, padded with zeros to 60 bytes if shorter, frame
 * check sequence (4 bytes); then the line is silent for the inter-frame gap (attribute
 * InterframeGap, 12 bytes). The frame arrives when the last bit of its FCS has, i.e. after 8 + n +
 * 4 bytes at the rate and the propagation delay; the next one may begin after 8 + n + 4 + 12. Times
 * are exact: while the line is busy a fraction of a nanosecond is carried over to the next frame,
 * and each arrival is rounded up. This is TTB_NET_FRAMING_ETHERNET of ttbridge/link.h, so that both
 * networks agree.
 *
 * Both directions are independent, and each has the rate of the device that sends.
 *
 * Frames. Everything that has an Ethernet header crosses unchanged but for the padding: any
 * EtherType (ARP, VLAN tags, ...), and 802.3 frames, whose length field is what protocol handlers
 * get as the protocol number, with the whole payload (LLC header included). The payload may have
 * Mtu bytes, and four more for a VLAN tag. A longer one is dropped and traced. Packets in trace
 * sources, queues and pcap files begin with the Ethernet header and have no FCS.
 *
 * Changes while it runs. DataRate, Delay and the gaps hold for frames whose transmission begins
 * afterwards. A frame never overtakes another: when the delay becomes shorter, frames arrive no
 * earlier than those sent before. See EthernetLinkChannel::SetUp() for cuts.
 */
class EthernetLinkDevice : public ns3::NetDevice
{
    friend class EthernetLinkChannel;

  public:
    /** Why a frame went no further. */
    enum DropReason
    {
        DROP_LOSS,     //!< the receive error model says so; counted by the receiver
        DROP_QUEUE,    //!< the queue was full
        DROP_DOWN,     //!< the link was down, or was cut with the frame on it
        DROP_TOO_LONG, //!< more than the MTU
        N_DROP_REASONS
    };

    /**
     * Register this type.
     * @return The object TypeId.
     */
    static ns3::TypeId GetTypeId();

    EthernetLinkDevice();
    ~EthernetLinkDevice() override;

    /**
     * Plug in a cable.
     * @param channel the cable
     * @return false if it has two ends already, or this device has a cable
     */
    bool Attach(ns3::Ptr<EthernetLinkChannel> channel);

    /** @param queue where frames wait for the line */
    void SetQueue(ns3::Ptr<ns3::Queue<ns3::Packet>> queue);

    /** @return where frames wait for the line */
    ns3::Ptr<ns3::Queue<ns3::Packet>> GetQueue() const;

    /** @param model decides which received frames are corrupt; nullptr: none is */
    void SetReceiveErrorModel(ns3::Ptr<ns3::ErrorModel> model);

    /** @return number of frames that this device was given to send, dropped ones included */
    uint64_t GetSent() const;

    /** @return number of frames that arrived here and were not dropped */
    uint64_t GetReceived() const;

    /** @return number of frames that this device dropped for a reason */
    uint64_t GetDropped(DropReason reason) const;

    /** @return the time from Send() to the arrival of the shortest frame on an idle line: none
     * takes less */
    ns3::Time GetMinLatency() const;

    /** Called by the channel when it was cut, repaired, or got its second end. */
    void LinkChanged();

    /** Called by the channel when it was cut: all frames that this end has sent are lost. */
    void LoseFrames();

    // Inherited from ns3::NetDevice.
    void SetIfIndex(const uint32_t index) override;
    uint32_t GetIfIndex() const override;
    ns3::Ptr<ns3::Channel> GetChannel() const override;
    void SetAddress(ns3::Address address) override;
    ns3::Address GetAddress() const override;
    bool SetMtu(const uint16_t mtu) override;
    uint16_t GetMtu() const override;
    bool IsLinkUp() const override;
    void AddLinkChangeCallback(ns3::Callback<void> callback) override;
    bool IsBroadcast() const override;
    ns3::Address GetBroadcast() const override;
    bool IsMulticast() const override;
    ns3::Address GetMulticast(ns3::Ipv4Address group) const override;
    ns3::Address GetMulticast(ns3::Ipv6Address group) const override;
    bool IsBridge() const override;
    bool IsPointToPoint() const override;
    bool Send(ns3::Ptr<ns3::Packet> packet,
              const ns3::Address& destination,
              uint16_t protocol) override;
    bool SendFrom(ns3::Ptr<ns3::Packet> packet,
                  const ns3::Address& source,
                  const ns3::Address& destination,
                  uint16_t protocol) override;
    ns3::Ptr<ns3::Node> GetNode() const override;
    void SetNode(ns3::Ptr<ns3::Node> node) override;
    bool NeedsArp() const override;
    void SetReceiveCallback(ns3::NetDevice::ReceiveCallback callback) override;
    void SetPromiscReceiveCallback(ns3::NetDevice::PromiscReceiveCallback callback) override;
    bool SupportsSendFrom() const override;

  protected:
    void DoDispose() override;

  private:
    /** Setters of attributes that change how long frames take. */
    void SetDataRate(ns3::DataRate rate);
    void SetDelay(ns3::Time delay);
    void SetPreamble(uint32_t bytes);

    /** @return values of attributes */
    ns3::DataRate GetDataRate() const;
    ns3::Time GetDelay() const;
    uint32_t GetPreamble() const;

    /** @return propagation delay of frames that are sent now */
    ns3::Time GetCurrentDelay() const;

    /** Called by both ends and the channel: frames may take less time than before. */
    void LatencyChanged() const;

    /** A moment between two nanoseconds: ns + part / whole, part < whole. */
    struct Moment
    {
        int64_t ns;     //!< the nanosecond before it
        uint64_t part;  //!< what it is later
        uint64_t whole; //!< in units of this

        /** @return the first nanosecond that is not before it */
        int64_t Ceil() const;

        /** @return the moment when so many bytes have been sent */
        Moment After(uint64_t bytes, uint64_t rateBps) const;
    };

    /** @return true if a transmission can begin now */
    bool IsLineFree() const;

    /** Begin to send a frame. @param waited it was in the queue */
    void Transmit(ns3::Ptr<ns3::Packet> frame, bool waited);

    /** Send what has waited, if the line is free. */
    void TransmitWaiting();

    /** Make sure that TransmitWaiting() is called in time. */
    void ScheduleTransmit();

    /** The last bit of a frame has been sent. */
    void TransmitEnd(ns3::Ptr<ns3::Packet> frame, uint32_t cut);

    /** The last bit of a frame has arrived, at the other end. @param cut number of cuts before */
    void Arrive(EthernetLinkDevice* peer, ns3::Ptr<ns3::Packet> frame, uint32_t cut);

    /** A frame has arrived here. */
    void Receive(ns3::Ptr<ns3::Packet> frame);

    ns3::Ptr<ns3::Node> m_node;                    //!< owner
    ns3::Ptr<EthernetLinkChannel> m_channel;       //!< cable
    ns3::Ptr<ns3::Queue<ns3::Packet>> m_queue;     //!< waiting for the line
    ns3::Ptr<ns3::ErrorModel> m_receiveErrorModel; //!< or nullptr
    ns3::Mac48Address m_address;                   //!< of this device
    uint32_t m_ifIndex;                            //!< in the node
    uint16_t m_mtu;                                //!< payload of the longest frame
    ns3::DataRate m_rate;                          //!< 0: infinite
    ns3::Time m_delay;                             //!< of frames sent here; negative: the channel's
    uint32_t m_preambleBytes;                      //!< before a frame
    uint32_t m_gapBytes;                           //!< after a frame

    Moment m_free;                              //!< when the line is free again
    int64_t m_lastArrivalNs;                    //!< of the frames sent so far
    uint32_t m_cuts;                            //!< frames sent before the last one do not arrive
    ns3::EventId m_next;                        //!< TransmitWaiting()
    std::deque<ns3::Ptr<ns3::Packet>> m_flying; //!< on their way to the other end, as they arrive

    uint64_t m_sent;                                //!< see GetSent()
    uint64_t m_received;                            //!< see GetReceived()
    std::array<uint64_t, N_DROP_REASONS> m_dropped; //!< see GetDropped()

    ns3::NetDevice::ReceiveCallback m_rxCallback;               //!< to the node
    ns3::NetDevice::PromiscReceiveCallback m_promiscRxCallback; //!< to the node
    ns3::TracedCallback<> m_linkChangeCallbacks;                //!< up or down

    using FrameTrace = ns3::TracedCallback<ns3::Ptr<const ns3::Packet>>; //!< all trace sources
    FrameTrace m_macTxTrace;                                             //!< MacTx
    FrameTrace m_macTxDropTrace;                                         //!< MacTxDrop
    FrameTrace m_macPromiscRxTrace;                                      //!< MacPromiscRx
    FrameTrace m_macRxTrace;                                             //!< MacRx
    FrameTrace m_phyTxBeginTrace;                                        //!< PhyTxBegin
    FrameTrace m_phyTxEndTrace;                                          //!< PhyTxEnd
    FrameTrace m_phyTxDropTrace;                                         //!< PhyTxDrop
    FrameTrace m_phyRxEndTrace;                                          //!< PhyRxEnd
    FrameTrace m_phyRxDropTrace;                                         //!< PhyRxDrop
    FrameTrace m_snifferTrace;                                           //!< Sniffer
    FrameTrace m_promiscSnifferTrace;                                    //!< PromiscSniffer
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_ETHERNET_LINK_DEVICE_H */
