/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ttb::UmlNodeHelper and ttb::UmlNetDeviceHelper: what a node gets, how it ends, and what is refused.
 *
 * Every simulation is a process of its own. There, a fatal error ends the program as in any script for
 * ns-3, and what it said is looked at.
 */
#include <ns3/core-module.h>
#include <ns3/csma-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/wifi-module.h>

#include <ttbridge/ns3/uml-net-device-helper.h>

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>

/* After all others: it has a macro that is called fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

using namespace ns3;

static int FileOfErrors()
{
    char path[] = "/tmp/ttb-helpers-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

/* Run a script in a process of its own. @return its wait status; *said: what it wrote to stderr */
static int InProcess(const std::function<void()> &script, std::string *said)
{
    int errors = FileOfErrors(), status;
    char buffer[4096];
    ssize_t len;

    std::cout.flush();
    fflush(nullptr);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* cmocka's would turn the end by a fatal error into a failed test, in the wrong process. */
        signal(SIGABRT, SIG_DFL);
        dup2(errors, STDERR_FILENO);
        GlobalValue::Bind("SimulatorImplementationType",
                          StringValue("ttb::TimeTravelSimulatorImpl"));
        Config::SetDefault("ttb::UmlLab::PrintConsole", BooleanValue(false));
        script();
        fflush(nullptr);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    said->clear();
    lseek(errors, 0, SEEK_SET);
    while ((len = read(errors, buffer, sizeof(buffer))) > 0)
        said->append(buffer, len);
    close(errors);
    return status;
}

static void Passes(const std::function<void()> &script)
{
    std::string said;
    int status = InProcess(script, &said);

    if (status != 0)
        fail_msg("wait status %#x, it said: %s", status, said.c_str());
}

static void IsRefused(const std::function<void()> &script, const char *reason)
{
    std::string said;
    int status = InProcess(script, &said);

    if (!WIFSIGNALED(status) || said.find(reason) == std::string::npos)
        fail_msg("wait status %#x, instead of \"%s\" it said: %s", status, reason, said.c_str());
}

static void Check(bool good, const std::string &what)
{
    if (!good) {
        std::cerr << what << std::endl;
        _exit(1);
    }
}

/* `count` stations on a CSMA segment, with ns-3's stack and addresses 10.1.1.1 on. */
struct Lan {
    NodeContainer nodes;
    NetDeviceContainer devices;

    explicit Lan(uint32_t count, const char *base = "10.1.1.0")
    {
        nodes.Create(count);
        CsmaHelper csma;
        csma.SetChannelAttribute("DataRate", StringValue("100Mbps"));
        csma.SetChannelAttribute("Delay", StringValue("1ms"));
        devices = csma.Install(nodes);
        InternetStackHelper().Install(nodes);
        Ipv4AddressHelper(base, "255.255.255.0").Assign(devices);
    }
};

static void Run()
{
    Simulator::Stop(Seconds(30));
    Simulator::Run();
    Check(ttb::UmlLab::Get()->GetNUnsuccessful() == 0, "a node did not succeed");
    Simulator::Destroy();
}

/* ------------------------------------------------------------------------------------ behaviour */

static void a_node_gets_what_ns3_gave_its_device(void **)
{
    Passes([]() {
        Lan lan(2);
        lan.devices.Get(0)->SetMtu(1400);
        ttb::UmlNetDeviceHelper card;
        card.SetAttribute("DeviceName", StringValue("thecard"));
        card.SetCommands("set -e\n"
                         "test $(cat /sys/class/net/thecard/address) = 00:00:00:00:00:01\n"
                         "test $(cat /sys/class/net/thecard/mtu) = 1400\n"
                         "ip addr show thecard | grep -q 'inet 10.1.1.1/24'\n"
                         "ping -c 2 10.1.1.2\n");
        card.Install(lan.nodes.Get(0), lan.devices.Get(0));
        Run();
    });
}

static void the_ns3_stack_of_a_node_is_deaf(void **)
{
    /* Nobody else answers for 10.1.1.1, neither before the node boots nor afterwards. */
    Passes([]() {
        Lan lan(2);
        ttb::UmlNodeHelper nodes;
        nodes.SetAttribute("Commands", StringValue("sleep 1"));
        nodes.SetAttribute("StartTime", StringValue("5s"));
        nodes.Install(lan.nodes.Get(0));
        ttb::UmlNetDeviceHelper card;
        card.SetCommands(
            "if ping -c 2 -W 1 10.1.1.1; then false; fi; sleep 3.5; ping -c 1 10.1.1.1");
        card.Install(lan.devices);
        Run();
    });
}

static void a_node_has_as_many_cards_as_devices(void **)
{
    Passes([]() {
        Lan left(2), right(1, "10.1.2.0");
        CsmaHelper csma;
        /* A router: the second station of the left LAN is one of the right LAN, too. */
        NetDeviceContainer second = csma.Install(
            left.nodes.Get(1), DynamicCast<CsmaChannel>(right.devices.Get(0)->GetChannel()));
        ttb::UmlNetDeviceHelper cards;
        cards.SetCommands("echo 1 > /proc/sys/net/ipv4/ip_forward; sleep 5");
        cards.Install(left.nodes.Get(1), left.devices.Get(1));
        cards.SetAttribute("IpAddress", Ipv4AddressValue("10.1.2.9"));
        cards.Install(left.nodes.Get(1), second.Get(0));
        Check(left.nodes.Get(1)->GetObject<ttb::UmlNode>()->GetLabNode() != nullptr, "no node");
        ttb::UmlNetDeviceHelper fromLeft(Ipv4Address("10.1.1.2"));
        fromLeft.SetCommands("sleep 1; ping -c 2 10.1.2.1");
        fromLeft.Install(left.devices.Get(0));
        ttb::UmlNetDeviceHelper fromRight(Ipv4Address("10.1.2.9"));
        fromRight.SetCommands("sleep 4");
        fromRight.Install(right.devices.Get(0));
        Run();
    });
}

static void use_bridge_lets_a_node_be_a_switch(void **)
{
    /* The middle node forwards between its cards, so they send with other nodes' addresses. */
    Passes([]() {
        Lan left(2), right(2, "10.1.2.0");
        CsmaHelper csma;
        ttb::UmlNetDeviceHelper cards;
        ttb::UmlNodeHelper sw;
        Ptr<Node> middle = CreateObject<Node>();
        NetDeviceContainer ports;
        ports.Add(
            csma.Install(middle, DynamicCast<CsmaChannel>(left.devices.Get(0)->GetChannel())));
        ports.Add(
            csma.Install(middle, DynamicCast<CsmaChannel>(right.devices.Get(0)->GetChannel())));
        cards.SetAttribute("Mode", StringValue("UseBridge"));
        cards.SetCommands("set -e\n"
                          "ip link add br0 type bridge\n"
                          "ip link set eth0 master br0\n"
                          "ip link set eth1 master br0\n"
                          "ip link set br0 up\n"
                          "sleep 40\n");
        Ptr<ttb::NodePort> port = cards.Install(middle, ports.Get(0));
        cards.Install(middle, ports.Get(1));
        ttb::UmlNetDeviceHelper end;
        end.SetAttribute("IpAddress", Ipv4AddressValue("10.9.9.1"));
        end.SetCommands("sleep 35; ping -c 2 10.9.9.2");
        end.Install(left.devices.Get(0));
        end.SetAttribute("IpAddress", Ipv4AddressValue("10.9.9.2"));
        end.SetCommands("sleep 40");
        end.Install(right.devices.Get(1));
        Simulator::Stop(Seconds(60));
        Simulator::Run();
        Check(ttb::UmlLab::Get()->GetNUnsuccessful() == 0, "a node did not succeed");
        Check(port->GetTransmitted() >= 4, "the switch did not forward");
        Simulator::Destroy();
    });
}

static uint32_t g_lines;
static std::string g_states;

static void SeeLine(Ptr<const ttb::UmlNode> node, Time time, const std::string &line)
{
    g_lines += line == "hello from " + node->GetName() && time >= Seconds(3);
}

static void SeeState(Ptr<const ttb::UmlNode> node, Time time, const std::string &state,
                     const std::string &why)
{
    g_states += node->GetName() + " " + state + why + (time >= Seconds(3) ? " late, " : " early, ");
}

static void scripts_see_consoles_states_and_results(void **)
{
    Passes([]() {
        char host[] = "/tmp/ttb-helpers-XXXXXX";
        Check(close(mkstemp(host)) == 0, "no file");
        std::ofstream(host) << "hello from";
        NodeContainer nodes;
        nodes.Create(2);
        Names::Add("named", nodes.Get(1));
        ttb::UmlNodeHelper helper;
        helper.AddFile("text", host);
        helper.SetAttribute("Commands",
                            StringValue("echo $(cat /run/ttb/text) $(hostname); exit 7"));
        helper.SetAttribute("Memory", UintegerValue(32));
        Ptr<ttb::UmlNode> early = helper.Install(nodes.Get(0));
        helper.SetAttribute("StartTime", StringValue("3s"));
        Ptr<ttb::UmlNode> late = helper.Install("named");
        late->TraceConnectWithoutContext("Console", MakeCallback(&SeeLine));
        late->TraceConnectWithoutContext("State", MakeCallback(&SeeState));
        early->TraceConnectWithoutContext("State", MakeCallback(&SeeState));
        ttb::UmlLab::Get()->SetAttribute("StopWhenDone", BooleanValue(true));
        Check(!early->HasEnded() && early->GetExitStatus() == -1, "ended before the start");
        Simulator::Run();
        unlink(host);
        Check(Simulator::Now() >= Seconds(3) && Simulator::Now() < Seconds(4), "end of the run");
        Check(early->GetExitStatus() == 7 && early->HasEnded(), "exit status");
        Check(late->GetExitStatus() == 7 && late->GetFailure().empty(), "exit status");
        Check(ttb::UmlLab::Get()->GetNNodes() == 2, "number of nodes");
        Check(ttb::UmlLab::Get()->GetNUnsuccessful() == 2, "number of unsuccessful nodes");
        Check(early->GetConsole().find("hello from node0") != std::string::npos, "console");
        Check(g_lines == 1, "lines seen");
        Check(g_states == "node0 waiting early, node0 stopped early, "
                          "named waiting late, named stopped late, ",
              g_states);
        Simulator::Destroy();
    });
}

static void addresses_that_are_given_win(void **)
{
    Passes([]() {
        Lan lan(2);
        ttb::UmlNetDeviceHelper card;
        card.SetAttribute("IpAddress", Ipv4AddressValue("10.1.1.77"));
        card.SetAttribute("Netmask", Ipv4MaskValue("255.255.0.0"));
        card.SetAttribute("MacAddress", Mac48AddressValue("02:00:00:00:00:77"));
        card.SetAttribute("Mtu", UintegerValue(1280));
        card.SetNodeAttribute("Name", StringValue("given"));
        card.SetNodeAttribute("KernelArguments", StringValue("ipv6.disable=1  quiet"));
        card.SetNodeAttribute("Clock", StringValue("Messages"));
        card.SetCommands("set -e\n"
                         "test $(hostname) = given\n"
                         "test $(cat /sys/class/net/eth0/address) = 02:00:00:00:00:77\n"
                         "test $(cat /sys/class/net/eth0/mtu) = 1280\n"
                         "ip addr show eth0 | grep -q 'inet 10.1.1.77/16'\n"
                         "ping -c 2 10.1.1.2\n");
        card.Install(lan.nodes.Get(0), lan.devices.Get(0));
        Run();
    });
}

/* ------------------------------------------------------------------------------------- refusals */

static void another_simulator_implementation_is_refused(void **)
{
    IsRefused(
        []() {
            GlobalValue::Bind("SimulatorImplementationType",
                              StringValue("ns3::RealtimeSimulatorImpl"));
            Lan lan(1);
            ttb::UmlNetDeviceHelper().Install(lan.devices);
        },
        "need the simulator implementation ttb::TimeTravelSimulatorImpl, this one is "
        "ns3::RealtimeSimulatorImpl");
}

static void what_cannot_be_a_network_card_is_refused(void **)
{
    IsRefused(
        []() {
            NodeContainer nodes;
            nodes.Create(2);
            ttb::UmlNetDeviceHelper().Install(PointToPointHelper().Install(nodes));
        },
        "use a ttb::EthernetLinkDevice");
    IsRefused(
        []() {
            NodeContainer nodes;
            nodes.Create(2);
            YansWifiPhyHelper phy;
            phy.SetChannel(YansWifiChannelHelper::Default().Create());
            WifiMacHelper mac;
            mac.SetType("ns3::StaWifiMac");
            ttb::UmlNetDeviceHelper card;
            card.SetAttribute("Mode", StringValue("UseBridge"));
            card.Install(WifiHelper().Install(phy, mac, nodes));
        },
        "sends with its own address only");
    IsRefused(
        []() {
            Lan lan(2);
            ttb::UmlNetDeviceHelper().Install(lan.nodes.Get(0), lan.devices.Get(1));
        },
        "it is not its ns-3 node's");
    IsRefused(
        []() {
            Lan lan(1);
            ttb::UmlNetDeviceHelper card;
            card.Install(lan.devices);
            card.Install(lan.devices);
        },
        "it has a port already");
}

static void malformed_attributes_are_refused(void **)
{
    IsRefused(
        []() {
            Lan lan(1);
            ttb::UmlNetDeviceHelper card;
            card.SetAttribute("Mode", StringValue("UseForce"));
            card.Install(lan.devices);
        },
        "node node0: attribute Mode is \"UseForce\"");
    IsRefused(
        []() {
            Lan lan(1);
            ttb::UmlNetDeviceHelper card;
            card.SetNodeAttribute("Clock", StringValue("Sundial"));
            card.Install(lan.devices);
        },
        "node node0: attribute Clock is \"Sundial\"");
    IsRefused(
        []() {
            Lan lan(1);
            ttb::UmlNetDeviceHelper card;
            card.SetNodeAttribute("Name", StringValue("no name"));
            card.Install(lan.devices);
        },
        "no name");
    IsRefused(
        []() {
            Lan lan(1);
            ttb::UmlNetDeviceHelper card;
            card.SetNodeAttribute("Kernel", StringValue("/nowhere/linux"));
            card.Install(lan.devices);
        },
        "/nowhere/linux");
    IsRefused(
        []() {
            Lan lan(1);
            ttb::UmlNetDeviceHelper card;
            card.SetAttribute("DeviceName", StringValue("a-name-that-is-too-long"));
            card.Install(lan.devices);
        },
        "a-name-that-is-too-long");
    IsRefused([]() { ttb::UmlNodeHelper().Install("nobody"); },
              "no ns-3 node with name \"nobody\"");
    IsRefused(
        []() {
            Lan lan(1);
            ttb::UmlNodeHelper().Install(lan.nodes);
            ttb::UmlNodeHelper().Install(lan.nodes);
        },
        "is a Linux node already");
    IsRefused(
        []() {
            Lan lan(1);
            ttb::UmlNetDeviceHelper().Install(lan.devices);
            lan.nodes.Get(0)->GetObject<ttb::UmlNode>()->AddFile("late", "/etc/hostname");
        },
        "file late was added after");
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_gets_what_ns3_gave_its_device),
        cmocka_unit_test(the_ns3_stack_of_a_node_is_deaf),
        cmocka_unit_test(a_node_has_as_many_cards_as_devices),
        cmocka_unit_test(use_bridge_lets_a_node_be_a_switch),
        cmocka_unit_test(scripts_see_consoles_states_and_results),
        cmocka_unit_test(addresses_that_are_given_win),
        cmocka_unit_test(another_simulator_implementation_is_refused),
        cmocka_unit_test(what_cannot_be_a_network_card_is_refused),
        cmocka_unit_test(malformed_attributes_are_refused),
    };
    char path[4096], error[1024];

    if (ttb_lab_find_kernel(nullptr, path, sizeof(path), error, sizeof(error)) ||
        ttb_lab_find_image(nullptr, path, sizeof(path), error, sizeof(error))) {
        printf("skipped: %s\n", error);
        return 77;
    }
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
