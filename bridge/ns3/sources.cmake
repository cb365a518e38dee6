# SPDX-License-Identifier: GPL-2.0-only
# The adapter's sources, for ns-3's tree (contrib/) as well as for a library of its own.

# What scripts in C++ use.
set(ttb_ns3_adapter
  csma-rate.cc
  ethernet-link-channel.cc
  ethernet-link-device.cc
  fatal-trap.cc
  look-ahead.cc
  node-port.cc
  time-travel-simulator-impl.cc
  uml-interface.cc
  uml-lab.cc
  uml-net-device-helper.cc
  uml-node-helper.cc
  uml-node.cc)

# The C functions, and what only they need.
set(ttb_ns3_c_functions
  api-frames.cc
  api-guard.cc
  api-handle.cc
  api-ip.cc
  api-link.cc
  api-network.cc
  api-object.cc
  api-output.cc
  api-simulation.cc
  api-trace.cc
  api-traffic.cc
  api-type.cc
  api-value.cc
  api-wifi.cc
  ethernet-switch.cc
  fatal-streams.cc
  frame-watch.cc
  link-control.cc
  place-model.cc
  trace-signatures-general.cc
  trace-signatures-internet.cc
  trace-signatures-others.cc
  trace-signatures-wifi.cc)

# Below include/ttbridge/ns3.
set(ttb_ns3_headers
  ethernet-link-channel.h
  ethernet-link-device.h
  look-ahead.h
  node-port.h
  time-travel-simulator-impl.h
  uml-interface.h
  uml-lab.h
  uml-net-device-helper.h
  uml-node-helper.h
  uml-node.h)

# Below test/, in the style of ns-3's own.
set(ttb_ns3_test_suites
  ethernet-link-test-suite.cc
  look-ahead-test-suite.cc
  time-travel-simulator-test-suite.cc
  uml-node-test-suite.cc)
