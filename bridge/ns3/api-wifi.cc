/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <ns3/yans-wifi-helper.h>

using namespace ns3;

namespace ttb
{

void
EnableWifiPcap(Ptr<NetDevice> device, const char* path, bool promiscuous)
{
    YansWifiPhyHelper helper;
    helper.SetPcapDataLinkType(WifiPhyHelper::DLT_IEEE802_11_RADIO);
    helper.EnablePcap(path, device, promiscuous, true);
}

} // namespace ttb
