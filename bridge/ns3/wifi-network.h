/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_WIFI_NETWORK_H
#define TTBRIDGE_NS3_WIFI_NETWORK_H

#include <ttbridge/ns3.h>

#include <ns3/attribute.h>
#include <ns3/object.h>
#include <ns3/ptr.h>
#include <ns3/type-id.h>
#include <ns3/yans-wifi-channel.h>

#include <string>
#include <utility>
#include <vector>

/**
 * @file
 * ttb::WifiNetwork: what the devices of a Wifi network share.
 */

namespace ttb
{

/// Names of attributes and their values, checked.
using AttributeList = std::vector<std::pair<std::string, ns3::Ptr<ns3::AttributeValue>>>;

/** What ttb_ns3_create_wifi() was told. */
class WifiNetwork : public ns3::Object
{
  public:
    static ns3::TypeId GetTypeId();

    enum ttb_ns3_wifi_standard standard = TTB_NS3_WIFI_G;           //!< amendment and band
    bool infrastructure = false;                                    //!< else ad hoc
    std::string ssid;                                               //!< name
    ns3::TypeId rateControl;                                        //!< of every device
    AttributeList rateControlAttributes;                            //!< of that
    AttributeList phyAttributes;                                    //!< of every device's PHY
    std::vector<std::pair<std::string, std::string>> macAttributes; //!< of MACs that have them
    ns3::Ptr<ns3::YansWifiChannel> channel;                         //!< the air

  protected:
    void DoDispose() override;
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_WIFI_NETWORK_H */
