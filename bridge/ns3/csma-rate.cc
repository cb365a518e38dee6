/* SPDX-License-Identifier: GPL-2.0-only */
#include "csma-rate.h"

/**
 * @file
 * The rate of a CSMA device.
 */

using namespace ns3;

namespace
{

// ns3::CsmaNetDevice copies the rate when it is attached, and has no function to change it.
// Naming private members in an explicit instantiation is legal C++ ([temp.spec.general]/6).
template <typename Tag, typename Tag::Member MEMBER>
struct Opened
{
    friend typename Tag::Member Open(Tag)
    {
        return MEMBER;
    }
};

struct CsmaRate
{
    using Member = DataRate CsmaNetDevice::*;
    friend Member Open(CsmaRate);
};

struct CsmaGap
{
    using Member = Time CsmaNetDevice::*;
    friend Member Open(CsmaGap);
};

template struct Opened<CsmaRate, &CsmaNetDevice::m_bps>;
template struct Opened<CsmaGap, &CsmaNetDevice::m_tInterframeGap>;

} // namespace

namespace ttb
{

DataRate
GetCsmaRate(Ptr<CsmaNetDevice> device)
{
    return PeekPointer(device)->*Open(CsmaRate());
}

void
SetCsmaRate(Ptr<CsmaNetDevice> device, DataRate rate)
{
    PeekPointer(device)->*Open(CsmaRate()) = rate;
    PeekPointer(device)->*Open(CsmaGap()) = rate.CalculateBytesTxTime(96 / 8);
}

} // namespace ttb
