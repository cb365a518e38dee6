/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_PLACE_MODEL_H
#define TTBRIDGE_NS3_PLACE_MODEL_H

#include <ns3/mobility-model.h>
#include <ns3/node.h>
#include <ns3/nstime.h>
#include <ns3/ptr.h>
#include <ns3/vector.h>

#include <vector>

/**
 * @file
 * ttb::PlaceModel: where a node is, and where it goes.
 */

namespace ttb
{

/**
 * The mobility model of nodes that the C functions place. ns-3 cannot exchange a node's mobility
 * model, but this one can be told to stay, to follow waypoints, or to follow another model, at any
 * time. Unlike ns3::WaypointMobilityModel, which adds up small steps, it computes a position from
 * the waypoints and the time alone, so it does not depend on how often it was asked.
 */
class PlaceModel : public ns3::MobilityModel
{
  public:
    /** A place and when to be there. */
    struct Waypoint
    {
        ns3::Time time;       //!< when
        ns3::Vector position; //!< where, in metres
    };

    static ns3::TypeId GetTypeId();

    /** @return the model of a node, made if it has none; fails if it has another one */
    static ns3::Ptr<PlaceModel> Of(ns3::Ptr<ns3::Node> node);

    /** @param waypoints at least one, times rise */
    void Follow(const std::vector<Waypoint>& waypoints);

    /** @param model to be followed */
    void Follow(ns3::Ptr<ns3::MobilityModel> model);

    /** @return a model that is at the same places, and tells nobody; ns-3 has asked for it since
     * 3.48 at the latest */
    ns3::Ptr<ns3::MobilityModel> Copy() const;

  protected:
    void DoDispose() override;
    void DoInitialize() override;

  private:
    ns3::Vector DoGetPosition() const override;
    void DoSetPosition(const ns3::Vector& position) override;
    ns3::Vector DoGetVelocity() const override;
    int64_t DoAssignStreams(int64_t first) override;

    /** Forget what was followed. */
    void Reset();

    /** The other model changed its course; trace sink. */
    void ModelChanged(ns3::Ptr<const ns3::MobilityModel> model);

    /** A waypoint is reached. @param generation that it belonged to */
    void Reached(uint32_t generation);

    std::vector<Waypoint> m_waypoints;    //!< one or more, unless there is a model
    ns3::Ptr<ns3::MobilityModel> m_model; //!< or nullptr
    uint32_t m_generation = 0;            //!< number of Reset() calls
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_PLACE_MODEL_H */
