# SPDX-License-Identifier: BSD-3-Clause
# What is installed where. To be included last in the top folder.
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/ttbridge)

install(TARGETS ttbridge ttbridge_static EXPORT ttbridge
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT ttbridge NAMESPACE ttbridge:: FILE ttbridge-targets.cmake DESTINATION ${package})
install(DIRECTORY bridge/include/ttbridge DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "ns3*.h" EXCLUDE)

if(TARGET ttbridge_ns3)
  set_target_properties(ttbridge_ns3 PROPERTIES EXPORT_NAME ns3)
  target_include_directories(ttbridge_ns3 PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  install(TARGETS ttbridge_ns3 EXPORT ttbridge-ns3 LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS ttbridge_ns3_netanim LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT ttbridge-ns3 NAMESPACE ttbridge:: FILE ttbridge-ns3-targets.cmake
    DESTINATION ${package})
  install(DIRECTORY bridge/include/ttbridge DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "ns3*.h")
  install(DIRECTORY bridge/ns3/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")
  install(FILES cmake/FindNs3.cmake DESTINATION ${package})
endif()

# $ORIGIN: the program finds its libraries wherever the tree is put.
file(RELATIVE_PATH from_bin_to_lib
  ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
if(TARGET ttb)
  set_target_properties(ttb PROPERTIES INSTALL_RPATH "$ORIGIN/${from_bin_to_lib}")
endif()
if(TARGET ttbridge_ns3)
  set_target_properties(ttbridge_ns3 PROPERTIES INSTALL_RPATH "$ORIGIN")
endif()

# The program, its manual, and what makes kernels and images are installed by bridge/cli.
install(DIRECTORY LICENSES DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} USE_SOURCE_PERMISSIONS)

# Those that bridge/ns3 links.
set(ns3_components core network csma bridge internet applications mobility propagation wifi olsr
  point-to-point traffic-control flow-monitor)

# CMake package and pkg-config files; both find the rest relative to themselves.
configure_package_config_file(cmake/ttbridge-config.cmake.in
  ${PROJECT_BINARY_DIR}/ttbridge-config.cmake INSTALL_DESTINATION ${package}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ttbridge-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ttbridge-config.cmake
  ${PROJECT_BINARY_DIR}/ttbridge-config-version.cmake DESTINATION ${package})

file(RELATIVE_PATH from_pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
get_property(static_libs GLOBAL PROPERTY TTB_STATIC_LIBS)
list(TRANSFORM static_libs PREPEND -l)
list(JOIN static_libs " " static_libs)
foreach(name ttbridge ttbridge-ns3)
  if(name STREQUAL ttbridge-ns3 AND NOT TARGET ttbridge_ns3)
    continue()
  endif()
  configure_file(cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
