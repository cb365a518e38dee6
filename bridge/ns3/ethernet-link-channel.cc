/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/ethernet-link-channel.h>
#include <ttbridge/ns3/ethernet-link-device.h>

#include <ns3/boolean.h>
#include <ns3/log.h>
#include <ns3/nstime.h>

/**
 * @file
 * ttb::EthernetLinkChannel implementation.
 */

namespace ttb
{

using namespace ns3;

NS_LOG_COMPONENT_DEFINE("EthernetLinkChannel");

NS_OBJECT_ENSURE_REGISTERED(EthernetLinkChannel);

TypeId
EthernetLinkChannel::GetTypeId()
{
    static TypeId tid =
        TypeId("ttb::EthernetLinkChannel")
            .SetParent<Channel>()
            .SetGroupName("Network")
            .AddConstructor<EthernetLinkChannel>()
            .AddAttribute(
                "Delay",
                "Propagation delay, one way, of frames whose transmission begins "
                "afterwards.",
                TimeValue(Seconds(0)),
                MakeTimeAccessor(&EthernetLinkChannel::SetDelay, &EthernetLinkChannel::GetDelay),
                MakeTimeChecker(Seconds(0)))
            .AddAttribute(
                "Up",
                "False: the cable is cut; frames on it are lost.",
                BooleanValue(true),
                MakeBooleanAccessor(&EthernetLinkChannel::SetUp, &EthernetLinkChannel::GetUp),
                MakeBooleanChecker());
    return tid;
}

EthernetLinkChannel::EthernetLinkChannel()
    : m_up(true),
      m_ends{}
{
    NS_LOG_FUNCTION(this);
}

EthernetLinkChannel::~EthernetLinkChannel()
{
    NS_LOG_FUNCTION(this);
}

void
EthernetLinkChannel::DoDispose()
{
    NS_LOG_FUNCTION(this);
    m_ends = {};
    Channel::DoDispose();
}

bool
EthernetLinkChannel::Attach(EthernetLinkDevice* device)
{
    NS_LOG_FUNCTION(this << device);
    for (auto& end : m_ends)
    {
        if (!end)
        {
            end = device;
            if (IsUp())
            {
                m_ends[0]->LinkChanged();
                m_ends[1]->LinkChanged();
            }
            return true;
        }
    }
    return false;
}

void
EthernetLinkChannel::Detach(EthernetLinkDevice* device)
{
    NS_LOG_FUNCTION(this << device);
    for (auto& end : m_ends)
    {
        if (end == device)
        {
            end = nullptr;
        }
    }
}

EthernetLinkDevice*
EthernetLinkChannel::GetPeer(const EthernetLinkDevice* device) const
{
    return m_ends[0] == device ? m_ends[1] : m_ends[0];
}

void
EthernetLinkChannel::SetUp(bool up)
{
    NS_LOG_FUNCTION(this << up);
    if (up == m_up)
    {
        return;
    }
    m_up = up;
    // First both ends as they are now, then those who want to know: they may send at once.
    for (auto end : m_ends)
    {
        if (end && !up)
        {
            end->LoseFrames();
        }
    }
    for (std::size_t i = 0; i < m_ends.size(); i++)
    {
        if (m_ends[0] && m_ends[1])
        {
            m_ends[i]->LinkChanged();
        }
    }
}

bool
EthernetLinkChannel::GetUp() const
{
    return m_up;
}

bool
EthernetLinkChannel::IsUp() const
{
    return m_up && m_ends[0] && m_ends[1];
}

Time
EthernetLinkChannel::GetDelay() const
{
    return m_delay;
}

void
EthernetLinkChannel::SetDelay(Time delay)
{
    NS_LOG_FUNCTION(this << delay);
    m_delay = delay;
    if (m_ends[0])
    {
        m_ends[0]->LatencyChanged();
    }
}

std::size_t
EthernetLinkChannel::GetNDevices() const
{
    return (m_ends[0] ? 1 : 0) + (m_ends[1] ? 1 : 0);
}

Ptr<NetDevice>
EthernetLinkChannel::GetDevice(std::size_t i) const
{
    if (!m_ends[0])
    {
        i++;
    }
    return i < m_ends.size() ? m_ends[i] : nullptr;
}

} // namespace ttb
