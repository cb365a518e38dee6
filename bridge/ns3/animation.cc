/* SPDX-License-Identifier: GPL-2.0-only */
#include "animation.h"

#include <ns3/animation-interface.h>

using namespace ns3;

namespace
{

class NetAnim : public ttb::Animation
{
  public:
    explicit NetAnim(const char* path)
        : m_file(path)
    {
        m_file.SetMaxPktsPerTraceFile(UINT64_MAX);
    }

    void SetPollInterval(Time interval) override
    {
        m_file.SetMobilityPollInterval(interval);
    }

    void WriteHeaders() override
    {
        m_file.EnablePacketMetadata(true);
    }

    void SkipPackets() override
    {
        m_file.SkipPacketTracing();
    }

    void Describe(Ptr<Node> node, const std::string& label) override
    {
        m_file.UpdateNodeDescription(node, label);
    }

    void Colour(Ptr<Node> node, uint8_t red, uint8_t green, uint8_t blue) override
    {
        m_file.UpdateNodeColor(node, red, green, blue);
    }

    void Resize(Ptr<Node> node, double metres) override
    {
        m_file.UpdateNodeSize(node->GetId(), metres, metres);
    }

  private:
    AnimationInterface m_file;
};

} // namespace

extern "C" __attribute__((visibility("default"))) ttb::Animation*
ttb__ns3_animation_new(const char* path)
{
    return new NetAnim(path);
}
