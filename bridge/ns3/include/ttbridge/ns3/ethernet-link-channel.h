/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_ETHERNET_LINK_CHANNEL_H
#define TTBRIDGE_NS3_ETHERNET_LINK_CHANNEL_H

#include <ns3/channel.h>
#include <ns3/net-device.h>
#include <ns3/nstime.h>
#include <ns3/ptr.h>

#include <array>
#include <cstddef>

/**
 * @file
 * ttb::EthernetLinkChannel declaration.
 */

namespace ttb
{

class EthernetLinkDevice;

/**
 * The cable between two ttb::EthernetLinkDevice: a delay, the same both ways, and whether it is
 * plugged in.
 */
class EthernetLinkChannel : public ns3::Channel
{
  public:
    /**
     * Register this type.
     * @return The object TypeId.
     */
    static ns3::TypeId GetTypeId();

    EthernetLinkChannel();
    ~EthernetLinkChannel() override;

    /**
     * Add an end; called by EthernetLinkDevice::Attach().
     * @param device the end
     * @return false if there are two already
     */
    bool Attach(EthernetLinkDevice* device);

    /**
     * Take an end away; called when it is disposed of.
     * @param device the end
     */
    void Detach(EthernetLinkDevice* device);

    /**
     * @param device one end
     * @return the other end, nullptr if there is none
     */
    EthernetLinkDevice* GetPeer(const EthernetLinkDevice* device) const;

    /**
     * Cut the cable, or repair it. When it is cut, all frames on it, and waiting for it in the
     * devices, are lost.
     * @param up false: cut
     */
    void SetUp(bool up);

    /** @return true if there are two ends and the cable is not cut */
    bool IsUp() const;

    /** @return the propagation delay */
    ns3::Time GetDelay() const;

    /**
     * Frames whose transmission begins from now on take this long.
     * @param delay the propagation delay; not negative
     */
    void SetDelay(ns3::Time delay);

    // Inherited from ns3::Channel.
    std::size_t GetNDevices() const override;
    ns3::Ptr<ns3::NetDevice> GetDevice(std::size_t i) const override;

  protected:
    void DoDispose() override;

  private:
    /** @return the value of attribute Up */
    bool GetUp() const;

    ns3::Time m_delay;                         //!< propagation, one way
    bool m_up;                                 //!< not cut
    std::array<EthernetLinkDevice*, 2> m_ends; //!< they hold a reference to this; or null
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_ETHERNET_LINK_CHANNEL_H */
