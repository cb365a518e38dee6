/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_ANIMATION_H
#define TTBRIDGE_NS3_ANIMATION_H

#include <ns3/node.h>
#include <ns3/nstime.h>

#include <string>

/**
 * @file
 * What is behind ttb_ns3_animate(), in a library of its own that is loaded when it is used: ns-3's
 * NetAnim brings LTE, WiMAX and ten more modules along, which would cost every program a third of
 * its start.
 */

namespace ttb
{

/** A file for NetAnim being written; complete when this is gone. */
class Animation
{
  public:
    virtual ~Animation() = default;

    /** Write positions of nodes that move so often. */
    virtual void SetPollInterval(ns3::Time interval) = 0;
    /** Write packets' headers as text. */
    virtual void WriteHeaders() = 0;
    /** Write positions only. */
    virtual void SkipPackets() = 0;

    virtual void Describe(ns3::Ptr<ns3::Node> node, const std::string& label) = 0;
    virtual void Colour(ns3::Ptr<ns3::Node> node, uint8_t red, uint8_t green, uint8_t blue) = 0;
    virtual void Resize(ns3::Ptr<ns3::Node> node, double metres) = 0;
};

/** The function of that library. */
#define TTB_NS3_ANIMATION_NEW "ttb__ns3_animation_new"
using AnimationNew = Animation*(const char* path);

} // namespace ttb

#endif
