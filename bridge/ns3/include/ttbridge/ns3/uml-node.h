/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_UML_NODE_H
#define TTBRIDGE_NS3_UML_NODE_H

#include <ttbridge/lab.h>

#include <ns3/node.h>
#include <ns3/nstime.h>
#include <ns3/object.h>
#include <ns3/ptr.h>
#include <ns3/traced-callback.h>

#include <string>
#include <utility>
#include <vector>

/**
 * @file
 * ttb::UmlNode declaration.
 */

namespace ttb
{

class UmlLab;

/**
 * A Linux node, aggregated to the ns-3 node whose devices are its network cards.
 *
 * Made by ttb::UmlNodeHelper, or by ttb::UmlNetDeviceHelper where there is none yet. It boots when
 * Simulator::Run() reaches its StartTime, runs its Commands, and powers off when they end. Its
 * attributes are read when its first interface is added, or else when the simulation begins.
 *
 * Until it boots it can be added to; afterwards it is what it is.
 */
class UmlNode : public ns3::Object
{
  public:
    /**
     * TracedCallback signature for lines on the node's console. Called from within the bridge:
     * look, and call nothing that sends frames or changes nodes. Simulator::Stop() is allowed.
     *
     * @param [in] node the node
     * @param [in] time simulated time, which may be ahead of Simulator::Now()
     * @param [in] line without end of line
     */
    typedef void (*ConsoleTracedCallback)(ns3::Ptr<const UmlNode> node,
                                          ns3::Time time,
                                          const std::string& line);

    /**
     * TracedCallback signature for changes of the node's state; as ConsoleTracedCallback.
     *
     * @param [in] node the node
     * @param [in] time simulated time, which may be ahead of Simulator::Now()
     * @param [in] state "waiting" (it is up), "stopped" or "failed"
     * @param [in] why a sentence if it failed
     */
    typedef void (*StateTracedCallback)(ns3::Ptr<const UmlNode> node,
                                        ns3::Time time,
                                        const std::string& state,
                                        const std::string& why);

    /**
     * Register this type.
     * @return The object TypeId.
     */
    static ns3::TypeId GetTypeId();

    UmlNode();
    ~UmlNode() override;

    /**
     * Put a file of the host's into the node before its commands run.
     * @param guestPath absolute, or relative to /run/ttb
     * @param hostPath read when the node is added to the lab
     */
    void AddFile(std::string guestPath, std::string hostPath);

    /**
     * Add a network card; called by UmlInterface. An error is fatal: the sentence names node, field
     * and value.
     * @param opts see ttbridge/lab.h
     * @return the card's port; stays the bridge's
     */
    struct ttb_port* AddInterface(const struct ttb_lab_interface_opts& opts);

    /** @return the node's name, which is its host name: attribute Name, else its name in
     * ns3::Names, else "node" and the ns-3 node's number */
    std::string GetName() const;

    /** @return true if its commands have ended and it has powered off or failed */
    bool HasEnded() const;

    /** @return exit status of its commands; -1 while they have not ended or were cut short */
    int GetExitStatus() const;

    /** @return why it failed; empty if it did not */
    std::string GetFailure() const;

    /** @return what it has printed so far */
    std::string GetConsole() const;

    /** @return the node of ttbridge/lab.h, nullptr before it was added to the lab */
    struct ttb_lab_node* GetLabNode() const;

    /** The node printed a line; called by UmlLab. */
    void LinePrinted(ns3::Time time, const std::string& line);

    /** The node's state changed; called by UmlLab. */
    void StateChanged(ns3::Time time, enum ttb_node_state state, const std::string& why);

  protected:
    void NotifyNewAggregate() override;
    void DoDispose() override;

  private:
    /** Add the node to the lab, once. */
    void Describe();

    std::string m_name;            //!< attribute Name
    std::string m_kernel;          //!< attribute Kernel
    std::string m_image;           //!< attribute Image
    uint32_t m_memoryMib;          //!< attribute Memory
    std::string m_commands;        //!< attribute Commands
    std::string m_kernelArguments; //!< attribute KernelArguments
    std::string m_clock;           //!< attribute Clock
    ns3::Time m_startTime;         //!< attribute StartTime

    std::vector<std::pair<std::string, std::string>> m_files; //!< guest path, host path
    ns3::Ptr<UmlLab> m_lab;         //!< where it lives; null: not described yet
    struct ttb_lab_node* m_labNode; //!< the lab's; null: not described yet, or disposed of
    uint32_t m_nodeId;              //!< of the ns-3 node
    bool m_aggregated;              //!< to an ns-3 node

    /// trace source Console
    ns3::TracedCallback<ns3::Ptr<const UmlNode>, ns3::Time, const std::string&> m_consoleTrace;
    /// trace source State
    ns3::TracedCallback<ns3::Ptr<const UmlNode>, ns3::Time, const std::string&, const std::string&>
        m_stateTrace;
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_UML_NODE_H */
