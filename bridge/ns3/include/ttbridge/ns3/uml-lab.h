/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_UML_LAB_H
#define TTBRIDGE_NS3_UML_LAB_H

#include <ttbridge/lab.h>

#include <ns3/object.h>
#include <ns3/ptr.h>

#include <map>
#include <string>

/**
 * @file
 * ttb::UmlLab declaration.
 */

namespace ttb
{

class UmlNode;

/**
 * Where the Linux nodes of a simulation live: run directory, seed, and the bridge that shares
 * ns-3's clock with them (ttbridge/lab.h).
 *
 * There is one for each simulation. It is made, with the values that its attributes have by then
 * (Config::SetDefault(), --ttb::UmlLab::Directory=run on the command line), when the first
 * ttb::UmlNode is, and ends with Simulator::Destroy(): nodes that still run are ended then.
 */
class UmlLab : public ns3::Object
{
  public:
    /**
     * Register this type.
     * @return The object TypeId.
     */
    static ns3::TypeId GetTypeId();

    UmlLab();
    ~UmlLab() override;

    /**
     * The lab of the simulation, made if there is none. It is a fatal error if the simulator
     * implementation is not ttb::TimeTravelSimulatorImpl, or if the lab cannot be made, e.g.
     * because another run uses the directory.
     * @return the lab
     */
    static ns3::Ptr<UmlLab> Get();

    /** @return the lab of ttbridge/lab.h; stays this object's */
    struct ttb_lab* GetLab() const;

    /** @return the run directory as an absolute path: consoles, results, disks */
    std::string GetDirectory() const;

    /** @return number of nodes that were added */
    uint32_t GetNNodes() const;

    /**
     * @return number of nodes whose commands have not ended with status 0 so far: those that
     * still run, and those that have failed, included
     */
    uint32_t GetNUnsuccessful() const;

    /** A node was added, or goes away; called by UmlNode. @param node nullptr: it goes away */
    void SetNode(const struct ttb_lab_node* labNode, UmlNode* node);

  protected:
    void DoDispose() override;

  private:
    /** Make what the attributes say, and couple it to the simulation. */
    void Open();

    /** A node printed a line; called by the lab. */
    static void LinePrinted(void* user,
                            struct ttb_lab_node* node,
                            uint64_t time_ns,
                            const char* text,
                            size_t len_bytes);

    /** A node is up, has ended or failed; called by the bridge. */
    static void StateChanged(void* user,
                             struct ttb_node* node,
                             enum ttb_node_state state,
                             uint64_t time_ns,
                             const char* why);

    std::string m_directory; //!< attribute Directory
    uint64_t m_seed;         //!< attribute Seed
    bool m_printConsole;     //!< attribute PrintConsole
    bool m_stopWhenDone;     //!< attribute StopWhenDone

    struct ttb_lab* m_lab; //!< owned
    std::map<const struct ttb_lab_node*, UmlNode*>
        m_nodes;        //!< only looked up, never walked in order
    uint32_t m_added;   //!< nodes added
    uint32_t m_running; //!< of those have not ended
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_UML_LAB_H */
