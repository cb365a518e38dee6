/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_NODE_PORT_H
#define TTBRIDGE_NS3_NODE_PORT_H

#include <ttbridge/bridge.h>

#include <ns3/address.h>
#include <ns3/mac48-address.h>
#include <ns3/net-device.h>
#include <ns3/object.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>
#include <ns3/traced-callback.h>

#include <array>
#include <functional>
#include <string>

/**
 * @file
 * ttb::NodePort declaration.
 */

namespace ttb
{

/**
 * The network port of a Linux node, plugged into an ns-3 device.
 *
 * Aggregated to the device. The Linux node then uses the device as its network card: its frames are
 * sent by the device at the time at which the node sent them, with the node's own source address;
 * and all frames that the device receives, for whatever address, reach the node. The ns-3 node that
 * owns the device may have a protocol stack of its own, which goes on as before; the two do not
 * hear each other, for a device does not hear itself.
 *
 *     ttb::NodePort::Install(device, port);    // struct ttb_port* port, of a bridge
 *
 * What can be attached: devices with 48 bit addresses that can send with a foreign source address
 * (NetDevice::SupportsSendFrom()); and Wifi stations, ad hoc devices, mesh points and
 * ns3::VirtualNetDevice, where they cannot, if the node's interface has the device's address. With
 * ns3::CsmaNetDevice in its usual mode (DIX) frames cross unchanged, those with an 802.3 length and
 * any LLC header included, padded to 60 bytes as on a wire. Other devices carry what ns-3's
 * (protocol, payload) pair can express.
 */
class NodePort : public ns3::Object
{
  public:
    /** Why a frame went no further. */
    enum DropReason
    {
        /// @name From the node into the network
        /// @{
        TX_TOO_SHORT,  //!< no complete Ethernet header
        TX_TOO_LONG,   //!< payload larger than the device's MTU
        TX_BAD_LENGTH, //!< 802.3 length that exceeds the frame, or is too small for ns-3's parser
        TX_LLC,        //!< 802.3 frame on a device in LLC mode, which would wrap it once more
        TX_LINK_DOWN,  //!< the device has no link
        TX_SOURCE,     //!< a source address other than the device's, which it cannot send with
        TX_REFUSED,    //!< the device did not take it, e.g. its queue is full
        /// @}
        /// @name From the network to the node
        /// @{
        RX_PORT_DOWN, //!< node not started or ended, or its interface is down
        RX_NO_BUFFER, //!< the node has no receive buffers and the port's backlog is full
        RX_TOO_LONG,  //!< longer than the port's MTU allows
        RX_ADDRESS,   //!< no 48 bit address in it
        /// @}
        N_DROP_REASONS
    };

    /**
     * TracedCallback signature for dropped frames.
     *
     * @param [in] frame the frame, with its Ethernet header and without FCS
     * @param [in] reason why
     */
    typedef void (*DropTracedCallback)(ns3::Ptr<const ns3::Packet> frame, DropReason reason);

    /**
     * Register this type.
     * @return The object TypeId.
     */
    static ns3::TypeId GetTypeId();

    NodePort();
    ~NodePort() override;

    /**
     * Whether a port can be attached to a device.
     *
     * @param device the device; it must have been added to an ns-3 node
     * @param port the port
     * @return why not, and what to use instead; empty if it can
     */
    static std::string Check(ns3::Ptr<ns3::NetDevice> device, struct ttb_port* port);

    /**
     * Attach a port to a device. A refusal is a fatal error: see Check().
     *
     * @param device the device; it must have been added to an ns-3 node
     * @param port stays its bridge's; to exist until Simulator::Destroy()
     * @return the new object, aggregated to the device
     */
    static ns3::Ptr<NodePort> Install(ns3::Ptr<ns3::NetDevice> device, struct ttb_port* port);

    /**
     * Turn the Linux node's carrier on or off. Done for links that devices report (IsLinkUp()): the
     * node sees a device without link as a cable that is not plugged in.
     * @param on the carrier
     */
    void SetCarrier(bool on);

    /** Gets a packet with its uid. */
    using PacketFunction = std::function<void(ns3::Ptr<const ns3::Packet>)>;

    /**
     * Tell apart which frame of the node's is which packet. The functions must not throw.
     * @param taken gets the packet that is made of a frame, at once: within the bridge's callback,
     *        possibly before ns-3's clock is there
     * @param given gets a packet just before the node's port gets the frame
     */
    void SetPacketsTold(PacketFunction taken, PacketFunction given);

    /** @return the device */
    ns3::Ptr<ns3::NetDevice> GetDevice() const;

    /** @return the port, nullptr if this has been disposed of */
    struct ttb_port* GetPort() const;

    /** @return the port's name, after that of its node and a dot; empty if it was disposed of */
    std::string GetName() const;

    /** @return number of frames that were dropped for a reason */
    uint64_t GetDropped(DropReason reason) const;

    /** @return number of frames that the device took from the node */
    uint64_t GetTransmitted() const;

    /** @return number of frames that the node's port took */
    uint64_t GetReceived() const;

    /** @return a reason in words, e.g. "device queue full" */
    static const char* GetDropReasonName(DropReason reason);

  protected:
    void DoDispose() override;

  private:
    /** Do what Install() says. */
    void Attach(ns3::Ptr<ns3::NetDevice> device, struct ttb_port* port);

    /** The node has sent; called by the bridge. */
    static void NodeTransmits(void* user,
                              struct ttb_port* port,
                              uint64_t time_ns,
                              const void* frame,
                              size_t len_bytes);

    /** The device's link went up or down. */
    void LinkChanged();

    /** Send a node's frame into the network; an event. */
    void Transmit(ns3::Ptr<ns3::Packet> frame);

    /**
     * What would keep a frame from being sent.
     * @return N_DROP_REASONS if nothing
     */
    DropReason CheckFrame(ns3::Ptr<const ns3::Packet> frame, uint16_t lengthType) const;

    /** The device has received a frame; from its node's list of protocol handlers. */
    void ReceiveParsed(ns3::Ptr<ns3::NetDevice> device,
                       ns3::Ptr<const ns3::Packet> payload,
                       uint16_t protocol,
                       const ns3::Address& from,
                       const ns3::Address& to,
                       ns3::NetDevice::PacketType type);

    /** The device has received a frame; from CsmaNetDevice's trace source, as it was on the wire.
     */
    void ReceiveWhole(ns3::Ptr<const ns3::Packet> frame);

    /** Hand a frame to the node. */
    void Deliver(ns3::Ptr<const ns3::Packet> frame);

    /** Count and trace a frame that goes no further. */
    void Drop(ns3::Ptr<const ns3::Packet> frame, DropReason reason);

    /** @return true if frames come and go as they are on the wire: CSMA devices in DIX mode */
    bool IsTransparent() const;

    bool m_foreign;           //!< the device can send with foreign source addresses
    bool m_relays;            //!< the device also shows frames that it only passes on
    ns3::NetDevice* m_device; //!< aggregated to it, so it lives as long; null: not attached
    struct ttb_port* m_port;  //!< the node's side

    PacketFunction m_taken; //!< or empty
    PacketFunction m_given; //!< or empty

    uint64_t m_transmitted;                       //!< frames that the device took
    uint64_t m_received;                          //!< frames that the port took
    std::array<uint64_t, N_DROP_REASONS> m_drops; //!< frames that nobody took

    ns3::TracedCallback<ns3::Ptr<const ns3::Packet>> m_txTrace;               //!< trace source Tx
    ns3::TracedCallback<ns3::Ptr<const ns3::Packet>> m_rxTrace;               //!< trace source Rx
    ns3::TracedCallback<ns3::Ptr<const ns3::Packet>, DropReason> m_dropTrace; //!< trace source Drop
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_NODE_PORT_H */
