/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"
#include "link-control.h"
#include "place-model.h"
#include "wifi-network.h"

#include <ns3/frame-exchange-manager.h>
#include <ns3/mobility-model.h>
#include <ns3/propagation-delay-model.h>
#include <ns3/propagation-loss-model.h>
#include <ns3/ssid.h>
#include <ns3/string.h>
#include <ns3/wifi-helper.h>
#include <ns3/wifi-mac-helper.h>
#include <ns3/wifi-mac.h>
#include <ns3/wifi-net-device.h>
#include <ns3/yans-wifi-helper.h>
#include <ns3/yans-wifi-phy.h>

#include <cstring>
#include <vector>

/**
 * @file
 * ttbridge/ns3.h: Wifi.
 */

using namespace ns3;
using namespace ttb;

namespace
{

/// Longest network name (IEEE 802.11-2020, 9.4.2.2).
constexpr std::size_t SSID_MAX_BYTES = 32;

const char* const MACS[] = {"ns3::AdhocWifiMac", "ns3::StaWifiMac", "ns3::ApWifiMac"};

struct Standard
{
    enum ttb_ns3_wifi_standard number; //!< ours
    WifiStandard standard;             //!< ns-3's
    const char* channel;               //!< value of WifiPhy::ChannelSettings, nullptr: the default
};

const Standard STANDARDS[] = {
    {TTB_NS3_WIFI_A, WIFI_STANDARD_80211a, nullptr},
    {TTB_NS3_WIFI_B, WIFI_STANDARD_80211b, nullptr},
    {TTB_NS3_WIFI_G, WIFI_STANDARD_80211g, nullptr},
    {TTB_NS3_WIFI_N_2_4, WIFI_STANDARD_80211n, "{0, 0, BAND_2_4GHZ, 0}"},
    {TTB_NS3_WIFI_N_5, WIFI_STANDARD_80211n, "{0, 0, BAND_5GHZ, 0}"},
    {TTB_NS3_WIFI_AC, WIFI_STANDARD_80211ac, nullptr},
    {TTB_NS3_WIFI_AX_2_4, WIFI_STANDARD_80211ax, "{0, 0, BAND_2_4GHZ, 0}"},
    {TTB_NS3_WIFI_AX_5, WIFI_STANDARD_80211ax, "{0, 0, BAND_5GHZ, 0}"},
    {TTB_NS3_WIFI_AX_6, WIFI_STANDARD_80211ax, "{0, 0, BAND_6GHZ, 0}"},
};

const Standard&
FindStandard(int number)
{
    for (const auto& standard : STANDARDS)
    {
        if (standard.number == (number ? number : TTB_NS3_WIFI_G))
        {
            return standard;
        }
    }
    Fail(-EINVAL, "there is no Wifi standard with number " + std::to_string(number));
}

// A helper has one factory of station managers in ns-3.37, and one for each link in 3.43.

[[maybe_unused]] ObjectFactory&
FirstOf(ObjectFactory& factory)
{
    return factory;
}

[[maybe_unused]] ObjectFactory&
FirstOf(std::vector<ObjectFactory>& factories)
{
    factories.resize(1);
    return factories.front();
}

/** The helpers' factories take any number of attributes, their functions do not. */
struct Devices : WifiHelper
{
    ObjectFactory& GetRateControl()
    {
        return FirstOf(m_stationManager);
    }
};

struct Macs : WifiMacHelper
{
    ObjectFactory& GetMac()
    {
        return m_mac;
    }
};

bool
HasAttribute(const char* type, const std::string& name)
{
    struct TypeId::AttributeInformation info;
    return FindType(type).LookupAttributeByName(name, &info);
}

/** Values for the attributes of a MAC, without those that only other roles' MACs have. */
AttributeList
ForMac(const char* type, const std::vector<std::pair<std::string, std::string>>& attributes)
{
    AttributeList values;
    for (const auto& [name, value] : attributes)
    {
        bool others = false;
        for (const char* mac : MACS)
        {
            others = others || (std::strcmp(mac, type) && HasAttribute(mac, name));
        }
        if (!others || HasAttribute(type, name))
        {
            values.emplace_back(name,
                                ParseAttribute(FindType(type), name.c_str(), value.c_str(), true));
        }
    }
    return values;
}

AttributeList
Parse(TypeId type, const struct ttb_ns3_attribute* attributes)
{
    AttributeList values;
    for (; attributes && attributes->name; attributes++)
    {
        values.emplace_back(attributes->name,
                            ParseAttribute(type, attributes->name, attributes->value, true));
    }
    return values;
}

template <typename T>
Ptr<T>
Make(const struct ttb_ns3_object_spec& spec, const char* otherwise)
{
    return DynamicCast<T>(CreateChecked(spec.type ? spec.type : otherwise,
                                        spec.type ? spec.attributes : nullptr,
                                        T::GetTypeId()));
}

void
MakeChannel(Ptr<WifiNetwork> network, const struct ttb_ns3_wifi_opts* opts)
{
    const struct ttb_ns3_object_spec one = {"ns3::LogDistancePropagationLossModel", nullptr};
    const struct ttb_ns3_object_spec* losses = opts->propagation_loss;
    std::size_t count = opts->propagation_loss_count;
    Ptr<PropagationLossModel> first;
    Ptr<PropagationLossModel> last;
    if (!count)
    {
        losses = &one;
        count = 1;
    }
    if (!losses)
    {
        Fail(-EINVAL, "propagation_loss is NULL, but propagation_loss_count is not 0");
    }
    for (std::size_t i = 0; i < count; i++)
    {
        auto model = Make<PropagationLossModel>(losses[i], "");
        (first ? last->SetNext(model) : void(first = model));
        last = model;
    }
    network->channel = CreateObject<YansWifiChannel>();
    network->channel->SetPropagationLossModel(first);
    network->channel->SetPropagationDelayModel(
        Make<PropagationDelayModel>(opts->propagation_delay,
                                    "ns3::ConstantSpeedPropagationDelayModel"));
    network->channel->AssignStreams(static_cast<int64_t>(opts->stream));
}

} // namespace

namespace ttb
{

NS_OBJECT_ENSURE_REGISTERED(WifiNetwork);

TypeId
WifiNetwork::GetTypeId()
{
    static TypeId tid = TypeId("ttb::WifiNetwork")
                            .SetParent<Object>()
                            .SetGroupName("Wifi")
                            .AddConstructor<WifiNetwork>();
    return tid;
}

void
WifiNetwork::DoDispose()
{
    channel = nullptr;
    Object::DoDispose();
}

} // namespace ttb

int
ttb_ns3_create_wifi(struct ttb_ns3* ns3,
                    const struct ttb_ns3_wifi_opts* opts,
                    struct ttb_ns3_object** wifi)
{
    Clear(wifi);
    return Call(ns3, [&]() {
        Need(wifi, "room for the result");
        if (!opts || opts->size < sizeof(*opts))
        {
            Fail(-EINVAL, "the options' size is not set");
        }
        Ptr<WifiNetwork> network = CreateObject<WifiNetwork>();
        network->standard = FindStandard(Number(opts->standard)).number;
        network->infrastructure = opts->infrastructure;
        network->ssid = opts->ssid ? opts->ssid : "ttbridge";
        if (network->ssid.empty() || network->ssid.size() > SSID_MAX_BYTES)
        {
            Fail(-EINVAL, "the network's name has to have 1 to 32 bytes");
        }
        if (opts->stream > uint64_t(1) << 62)
        {
            Fail(-EINVAL, "the stream is beyond 2^62");
        }
        TypeId rate =
            FindType(opts->rate_control.type ? opts->rate_control.type : "ns3::IdealWifiManager");
        if (!rate.IsChildOf(WifiRemoteStationManager::GetTypeId()) || !rate.HasConstructor())
        {
            Fail(-EINVAL, "type " + rate.GetName() + " is no ns3::WifiRemoteStationManager");
        }
        network->rateControl = rate;
        if (opts->rate_control.type)
        {
            network->rateControlAttributes = Parse(rate, opts->rate_control.attributes);
        }
        network->phyAttributes = Parse(YansWifiPhy::GetTypeId(), opts->phy_attributes);
        for (auto a = opts->mac_attributes; a && a->name; a++)
        {
            network->macAttributes.emplace_back(a->name, a->value ? a->value : "");
        }
        // What does not suit is to be said now, not when a device is installed.
        for (int role = opts->infrastructure ? 1 : 0; role < (opts->infrastructure ? 3 : 1); role++)
        {
            ForMac(MACS[role], network->macAttributes);
        }
        MakeChannel(network, opts);
        *wifi = NewHandle(network);
    });
}

int
ttb_ns3_install_wifi(struct ttb_ns3_object* node,
                     struct ttb_ns3_object* wifi,
                     enum ttb_ns3_wifi_role which,
                     const char* mac,
                     const struct ttb_ns3_attribute* attributes,
                     struct ttb_ns3_object** device)
{
    Clear(device);
    return Call(node, [&]() {
        Need(device, "room for the result");
        Ptr<Node> owner = AsExactly<Node>(node);
        int role = Number(which);
        Ptr<WifiNetwork> network = AsExactly<WifiNetwork>(wifi);
        if (role != TTB_NS3_WIFI_ADHOC && role != TTB_NS3_WIFI_STATION &&
            role != TTB_NS3_WIFI_ACCESS_POINT)
        {
            Fail(-EINVAL, "there is no Wifi role with number " + std::to_string(role));
        }
        if (network->infrastructure == (role == TTB_NS3_WIFI_ADHOC))
        {
            Fail(-EINVAL,
                 std::string("the Wifi network is ") +
                     (network->infrastructure
                          ? "one of stations and access points, the device cannot be ad hoc"
                          : "ad hoc, it has no stations and access points"));
        }
        AttributeList values = Parse(WifiNetDevice::GetTypeId(), attributes);
        Mac48Address address = mac ? ParseDeviceMac(mac) : Mac48Address::Allocate();
        const Standard& standard = FindStandard(network->standard);

        YansWifiPhyHelper phys;
        phys.SetChannel(network->channel);
        if (standard.channel)
        {
            phys.Set("ChannelSettings", StringValue(standard.channel));
        }
        for (const auto& [name, value] : network->phyAttributes)
        {
            phys.Set(name, *value);
        }
        Macs macs;
        macs.SetType(MACS[role]);
        macs.GetMac().Set("Ssid", SsidValue(Ssid(network->ssid)));
        for (const auto& [name, value] : ForMac(MACS[role], network->macAttributes))
        {
            macs.GetMac().Set(name, *value);
        }
        Devices devices;
        devices.SetStandard(standard.standard);
        devices.GetRateControl() = ObjectFactory();
        devices.GetRateControl().SetTypeId(network->rateControl);
        for (const auto& [name, value] : network->rateControlAttributes)
        {
            devices.GetRateControl().Set(name, *value);
        }
        if (!owner->GetObject<MobilityModel>())
        {
            PlaceModel::Of(owner);
        }
        auto made = DynamicCast<WifiNetDevice>(devices.Install(phys, macs, owner).Get(0));
        // The helper has given it an address of its own, in two places.
        made->SetAddress(address);
        made->GetMac()->GetFrameExchangeManager()->SetAddress(address);
        for (const auto& [name, value] : values)
        {
            made->SetAttribute(name, *value);
        }
        LinkEnd::Install(made);
        *device = NewHandle(made);
    });
}
