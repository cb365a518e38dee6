/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ns-3's test runner with the suites of bridge/ns3/test, as an ns-3 tree builds it, from an installed ns-3.
 */
#include <ns3/test.h>

int main(int argc, char **argv)
{
    return ns3::TestRunner::Run(argc, argv);
}
