/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_FRAME_WATCH_H
#define TTBRIDGE_NS3_FRAME_WATCH_H

#include <ttbridge/ns3-network.h>
#include <ttbridge/ns3/node-port.h>

#include <ns3/net-device.h>
#include <ns3/object.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>
#include <ns3/queue.h>
#include <ns3/wifi-mac.h>
#include <ns3/wifi-net-device.h>
#include <ns3/wifi-phy-common.h>
#include <ns3/wifi-phy.h>
#include <ns3/wifi-ppdu.h>
#include <ns3/wifi-tx-vector.h>

#include <cstdint>
#include <vector>

/**
 * @file
 * ttb::FrameWatch declaration.
 */

namespace ttb
{

/**
 * Tells a C function which frames a device sends, receives and loses, and how many wait in its
 * queue; aggregated to the device. Nothing that it does changes what the network does.
 *
 * What is told is an Ethernet frame without FCS, as it is on the wire. Wifi has other headers, and
 * point-to-point links hardly any: there it is the frame that would say the same on Ethernet.
 */
class FrameWatch : public ns3::Object
{
  public:
    static ns3::TypeId GetTypeId();

    /** @return that of a device, made if there was none */
    static ns3::Ptr<FrameWatch> Of(ns3::Ptr<ns3::NetDevice> device);

    /** @param fn gets frames; nullptr: nobody. @param user its own */
    void SetFramesTold(ttb_ns3_frame_fn fn, void* user);

    /** @param fn gets lengths of the queue; nullptr: nobody. @param user its own
     * @return false if the device has no queue that tells */
    bool SetQueueTold(ttb_ns3_queue_fn fn, void* user);

    /** The device is about to become a port of a switch: it takes frames that are for others. */
    void BecomesSwitchPort();

  protected:
    void DoDispose() override;

  private:
    using What = enum ttb_ns3_frame_what;      //!< what became of a frame
    using Bytes = ns3::Ptr<const ns3::Packet>; //!< of a frame

    /** Connect what the device has. */
    void ConnectFrames();
    void ConnectWifi(ns3::WifiNetDevice& wifi);
    void ConnectPort();
    void Listen(bool toAll);

    /** @return true if frames for anybody are taken from the medium */
    bool IsPromiscuous();

    /** Tell of a frame: the first `size` bytes of a packet. */
    void Tell(What what, Bytes packet, std::size_t size, const char* reason = nullptr);

    /** Tell of a frame: the packet behind an Ethernet header. */
    void TellParsed(What what,
                    Bytes payload,
                    uint16_t protocol,
                    const ns3::Address& from,
                    const ns3::Address& to,
                    const char* reason = nullptr);

    /** Tell of what m_bytes has. */
    void TellBytes(What what, uint64_t uid, const char* reason);

    /** Tell of a packet that begins with a PPP header. @param sent by this device */
    void TellPpp(What what, Bytes packet, bool sent, const char* reason = nullptr);

    /** Tell of a Wifi frame's data, if it is data. */
    void TellMpdu(What what,
                  const ns3::WifiMacHeader& header,
                  Bytes packet,
                  const char* reason = nullptr);

    /** A Wifi receiver could not make sense of a frame. @param bytes with header and FCS */
    void TellMissed(Bytes bytes, const char* reason);

    /// @name Trace sinks and other callbacks
    /// @{
    void CsmaSends(Bytes frame);
    void EthernetSends(Bytes frame);
    void PppSends(Bytes frame);
    void PppDrops(Bytes frame);
    void WifiSends(ns3::WifiConstPsduMap psdus, ns3::WifiTxVector vector, double power);
    void WifiDrops(ns3::WifiMacDropReason reason, ns3::Ptr<const ns3::WifiMpdu> mpdu);
    void WifiRefuses(Bytes payload);
    void WifiMisses(Bytes frame, ns3::WifiPhyRxfailureReason reason);
    void WifiGarbles(Bytes frame, double snr);
    void PortSends(Bytes frame);
    void PortDrops(Bytes frame, ttb::NodePort::DropReason reason);
    void Lost(Bytes frame, const char* reason);
    void Passed(Bytes frame);
    void Received(ns3::Ptr<ns3::NetDevice> device,
                  Bytes payload,
                  uint16_t protocol,
                  const ns3::Address& from,
                  const ns3::Address& to,
                  ns3::NetDevice::PacketType type);
    void QueueChanged(uint32_t before, uint32_t after);
    /// @}

    ns3::NetDevice* m_device = nullptr;   //!< aggregated to it
    ttb_ns3_frame_fn m_frameFn = nullptr; //!< told, or nullptr
    void* m_frameUser = nullptr;          //!< its own
    ttb_ns3_queue_fn m_queueFn = nullptr; //!< told, or nullptr
    void* m_queueUser = nullptr;          //!< its own
    bool m_framesConnected = false;       //!< ConnectFrames() was called
    bool m_queueConnected = false;        //!< the queue's trace sources are
    bool m_isSwitchPort = false;          //!< BecomesSwitchPort()
    bool m_listens = false;               //!< Listen() was called
    uint32_t m_waiting = 0;               //!< frames in the queue
    uint64_t m_refused = UINT64_MAX;      //!< packet that a Wifi device has dropped at once
    std::vector<uint8_t> m_bytes;         //!< of the frame being told
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_FRAME_WATCH_H */
