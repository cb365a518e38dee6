/* SPDX-License-Identifier: BSD-3-Clause */
/* ttb ns3: what the ns-3 that is installed has. */
#include "../cli/run.h"

static const char *program;

static void expect(const char *line, int status, const char *out, const char *err)
{
    expect_of(program, line, status, out, err);
}

static void types_are_listed_by_name_or_group(void **state)
{
    (void)state;
    expect("$TTB ns3 types csmachan", 0, "ns3::CsmaChannel    3 attributes  0 traces  ns3::Channel",
           "");
    expect("$TTB ns3 types CSMANET", 0, "ns3::CsmaNetDevice", "");
    expect("$TTB ns3 types | grep '^ns3::NetDevice '", 0, "abstract", "");
    /* Also of modules that nothing is linked with. */
    expect("$TTB ns3 types aodv", 0, "ns3::aodv::RoutingProtocol", "");
    expect("$TTB ns3 types nosuchtype", 1, "", "contains \"nosuchtype\"");
}

static void attributes_and_traces_are_those_that_are_inherited_too(void **state)
{
    (void)state;
    expect("$TTB ns3 attributes CsmaChannel | sed 's/  *$//'", 0, "Id        --r  Uinteger", "");
    expect("$TTB ns3 attributes ns3::CsmaNetDevice", 0, "cwr  Uinteger uint16_t 0:65535", "");
    expect("$TTB ns3 traces ns3::CsmaNetDevice", 0, "MacTxDrop       ns3::Packet::TracedCallback",
           "");
    expect("$TTB ns3 traces Node", 0, "", "");
    expect("$TTB ns3 attributes CsmaChanel", 2, "", "no type \"CsmaChanel\"");
}

static void json_is_an_array_of_objects(void **state)
{
    (void)state;
    expect("$TTB ns3 traces --json Node", 0, "[]\n", "");
    expect("$TTB ns3 attributes --json CsmaChannel", 0, "\"name\": \"Delay\"", "");
    expect("$TTB ns3 types --json csmachan", 0, "\"type\": \"ns3::CsmaChannel\"", "");
}

static void wrong_usage_is_named(void **state)
{
    (void)state;
    expect("$TTB ns3 --help", 0, "usage: ttb ns3 types", "");
    expect("$TTB ns3", 2, "", "types, attributes or traces?");
    expect("$TTB ns3 frob", 2, "", "there is no \"frob\"");
    expect("$TTB ns3 traces", 2, "", "of which type?");
    expect("$TTB ns3 types a b", 2, "", "\"b\" is one argument too many");
    expect("$TTB ns3 types --frob", 2, "", "no option \"--frob\"");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_listed_by_name_or_group),
        cmocka_unit_test(attributes_and_traces_are_those_that_are_inherited_too),
        cmocka_unit_test(json_is_an_array_of_objects),
        cmocka_unit_test(wrong_usage_is_named),
    };

    if (argc != 2)
        return 2;
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
