/* SPDX-License-Identifier: GPL-2.0-only */
#include "place-model.h"

#include "api.h"

#include <ns3/constant-velocity-mobility-model.h>
#include <ns3/position-allocator.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <cmath>

/**
 * @file
 * ttb::PlaceModel implementation, and the functions of ttbridge/ns3.h about positions.
 */

namespace ttb
{

using namespace ns3;

NS_OBJECT_ENSURE_REGISTERED(PlaceModel);

TypeId
PlaceModel::GetTypeId()
{
    static TypeId tid = TypeId("ttb::PlaceModel")
                            .SetParent<MobilityModel>()
                            .SetGroupName("Mobility")
                            .AddConstructor<PlaceModel>();
    return tid;
}

Ptr<PlaceModel>
PlaceModel::Of(Ptr<Node> node)
{
    Ptr<MobilityModel> model = node->GetObject<MobilityModel>();
    if (!model)
    {
        Ptr<PlaceModel> made = CreateObject<PlaceModel>();
        node->AggregateObject(made);
        return made;
    }
    Ptr<PlaceModel> place = DynamicCast<PlaceModel>(model);
    if (!place)
    {
        Fail(-EEXIST,
             "ns-3 node " + std::to_string(node->GetId()) + " has a mobility model of type " +
                 model->GetInstanceTypeId().GetName() + " that was not made here");
    }
    return place;
}

void
PlaceModel::Reset()
{
    m_generation++;
    m_waypoints.clear();
    if (m_model)
    {
        m_model->TraceDisconnectWithoutContext("CourseChange",
                                               MakeCallback(&PlaceModel::ModelChanged, this));
        m_model = nullptr;
    }
}

void
PlaceModel::Follow(const std::vector<Waypoint>& waypoints)
{
    Reset();
    m_waypoints = waypoints;
    NotifyCourseChange();
    for (const auto& waypoint : waypoints)
    {
        if (waypoint.time > Simulator::Now())
        {
            Simulator::Schedule(waypoint.time - Simulator::Now(),
                                &PlaceModel::Reached,
                                Ptr<PlaceModel>(this),
                                m_generation);
        }
    }
}

void
PlaceModel::Follow(Ptr<MobilityModel> model)
{
    Reset();
    m_model = model;
    model->TraceConnectWithoutContext("CourseChange",
                                      MakeCallback(&PlaceModel::ModelChanged, this));
    if (IsInitialized())
    {
        model->Initialize();
    }
    NotifyCourseChange();
}

void
PlaceModel::DoInitialize()
{
    if (m_model)
    {
        m_model->Initialize();
    }
    MobilityModel::DoInitialize();
}

Ptr<MobilityModel>
PlaceModel::Copy() const
{
    return CreateObject<PlaceModel>(*this);
}

void
PlaceModel::DoDispose()
{
    Reset();
    MobilityModel::DoDispose();
}

void
PlaceModel::Reached(uint32_t generation)
{
    if (generation == m_generation)
    {
        NotifyCourseChange();
    }
}

void
PlaceModel::ModelChanged(Ptr<const MobilityModel>)
{
    NotifyCourseChange();
}

Vector
PlaceModel::DoGetPosition() const
{
    if (m_model)
    {
        return m_model->GetPosition();
    }
    Time now = Simulator::Now();
    auto next = std::upper_bound(m_waypoints.begin(),
                                 m_waypoints.end(),
                                 now,
                                 [](const Time& t, const Waypoint& w) { return t < w.time; });
    if (m_waypoints.empty())
    {
        return Vector(0, 0, 0);
    }
    if (next == m_waypoints.begin())
    {
        return next->position;
    }
    auto last = next - 1;
    if (next == m_waypoints.end())
    {
        return last->position;
    }
    double part = static_cast<double>((now - last->time).GetNanoSeconds()) /
                  static_cast<double>((next->time - last->time).GetNanoSeconds());
    return Vector(last->position.x + (next->position.x - last->position.x) * part,
                  last->position.y + (next->position.y - last->position.y) * part,
                  last->position.z + (next->position.z - last->position.z) * part);
}

void
PlaceModel::DoSetPosition(const Vector& position)
{
    Follow({{Simulator::Now(), position}});
}

Vector
PlaceModel::DoGetVelocity() const
{
    if (m_model)
    {
        return m_model->GetVelocity();
    }
    Time now = Simulator::Now();
    for (std::size_t i = 0; i + 1 < m_waypoints.size(); i++)
    {
        const Waypoint& from = m_waypoints[i];
        const Waypoint& to = m_waypoints[i + 1];
        if (from.time <= now && now < to.time)
        {
            double span = (to.time - from.time).GetSeconds();
            return Vector((to.position.x - from.position.x) / span,
                          (to.position.y - from.position.y) / span,
                          (to.position.z - from.position.z) / span);
        }
    }
    return Vector(0, 0, 0);
}

int64_t
PlaceModel::DoAssignStreams(int64_t first)
{
    return m_model ? m_model->AssignStreams(first) : 0;
}

} // namespace ttb

using namespace ns3;
using namespace ttb;

namespace
{

constexpr int64_t PLACE_MAX_MM = 1000000000000;

/// Of one node.
constexpr std::size_t WAYPOINTS_MAX = 1000000;

Vector
ToVector(const struct ttb_ns3_position* position)
{
    Need(position, "a position");
    for (int64_t value : {position->x_mm, position->y_mm, position->z_mm})
    {
        if (value < -PLACE_MAX_MM || value > PLACE_MAX_MM)
        {
            Fail(-EINVAL,
                 "coordinate " + std::to_string(value) + " mm is not between -10^12 and 10^12");
        }
    }
    return Vector(static_cast<double>(position->x_mm) / 1000,
                  static_cast<double>(position->y_mm) / 1000,
                  static_cast<double>(position->z_mm) / 1000);
}

} // namespace

int
ttb_ns3_set_position(struct ttb_ns3_object* node, const struct ttb_ns3_position* position)
{
    return Call(node, [&]() {
        Ptr<Node> owner = AsExactly<Node>(node);
        Vector place = ToVector(position);
        PlaceModel::Of(owner)->SetPosition(place);
    });
}

int
ttb_ns3_set_waypoints(struct ttb_ns3_object* node,
                      const struct ttb_ns3_waypoint* waypoints,
                      size_t waypoint_count)
{
    return Call(node, [&]() {
        Ptr<Node> owner = AsExactly<Node>(node);
        std::vector<PlaceModel::Waypoint> way;
        if (!waypoints || !waypoint_count || waypoint_count > WAYPOINTS_MAX)
        {
            Fail(-EINVAL,
                 "between 1 and " + std::to_string(WAYPOINTS_MAX) + " waypoints are needed");
        }
        for (std::size_t i = 0; i < waypoint_count; i++)
        {
            Time time = ToTime(waypoints[i].at_ns);
            if (i > 0 && waypoints[i].at_ns <= waypoints[i - 1].at_ns)
            {
                Fail(-EINVAL,
                     "waypoint " + std::to_string(i) + " is at " +
                         std::to_string(waypoints[i].at_ns) + " ns, not after the one before it");
            }
            way.push_back({time, ToVector(&waypoints[i].position)});
        }
        PlaceModel::Of(owner)->Follow(way);
    });
}

int
ttb_ns3_set_mobility(struct ttb_ns3_object* node,
                     const char* type,
                     const struct ttb_ns3_attribute* attributes,
                     const struct ttb_ns3_position* start,
                     struct ttb_ns3_object** model)
{
    Clear(model);
    return Call(node, [&]() {
        Ptr<Node> owner = AsExactly<Node>(node);
        const struct ttb_ns3_position origin = {0, 0, 0};
        Vector place = ToVector(start ? start : &origin);
        Ptr<MobilityModel> made =
            DynamicCast<MobilityModel>(CreateChecked(type, attributes, MobilityModel::GetTypeId()));
        if (made->GetInstanceTypeId().GetName() == "ns3::HierarchicalMobilityModel" ||
            DynamicCast<PlaceModel>(made))
        {
            Fail(-EINVAL, std::string(type) + " is not complete without other models");
        }
        made->SetPosition(place);
        PlaceModel::Of(owner)->Follow(made);
        if (model)
        {
            *model = NewHandle(made);
        }
    });
}

int
ttb_ns3_set_velocity(struct ttb_ns3_object* node, const struct ttb_ns3_position* mm_per_s)
{
    return Call(node, [&]() {
        Ptr<Node> owner = AsExactly<Node>(node);
        Vector velocity = ToVector(mm_per_s);
        Ptr<PlaceModel> place = PlaceModel::Of(owner);
        Ptr<ConstantVelocityMobilityModel> made = CreateObject<ConstantVelocityMobilityModel>();
        made->SetPosition(place->GetPosition());
        made->SetVelocity(velocity);
        place->Follow(made);
    });
}

int
ttb_ns3_set_positions(struct ttb_ns3_object* const* nodes,
                      size_t node_count,
                      const struct ttb_ns3_object_spec* allocator,
                      uint64_t stream)
{
    struct ttb_ns3_object* first = nodes && node_count ? nodes[0] : nullptr;
    return Call(first, [&]() {
        std::vector<Ptr<PlaceModel>> places;
        Need(allocator, "a position allocator");
        for (std::size_t i = 0; i < node_count; i++)
        {
            places.push_back(PlaceModel::Of(AsExactly<Node>(nodes[i])));
        }
        auto made = DynamicCast<PositionAllocator>(
            CreateChecked(allocator->type, allocator->attributes, PositionAllocator::GetTypeId()));
        if (stream > uint64_t(1) << 62)
        {
            Fail(-EINVAL, "stream " + std::to_string(stream) + " is beyond 2^62");
        }
        if (DynamicCast<ListPositionAllocator>(made))
        {
            Fail(-EOPNOTSUPP,
                 "the list of a ListPositionAllocator is no attribute: use ttb_ns3_set_position()");
        }
        made->AssignStreams(static_cast<int64_t>(stream));
        for (const auto& place : places)
        {
            place->SetPosition(made->GetNext());
        }
    });
}

int
ttb_ns3_get_position(struct ttb_ns3_object* node, struct ttb_ns3_position* position)
{
    return Call(node, [&]() {
        Need(position, "room for the result");
        *position = {};
        Ptr<MobilityModel> model = AsExactly<Node>(node)->GetObject<MobilityModel>();
        if (!model)
        {
            Fail(-ENODEV, "the node is nowhere: it has no mobility model");
        }
        Vector place = model->GetPosition();
        position->x_mm = static_cast<int64_t>(std::llround(place.x * 1000));
        position->y_mm = static_cast<int64_t>(std::llround(place.y * 1000));
        position->z_mm = static_cast<int64_t>(std::llround(place.z * 1000));
    });
}
