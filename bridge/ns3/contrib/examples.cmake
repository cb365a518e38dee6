# SPDX-License-Identifier: GPL-2.0-only
# Scripts with Linux nodes, as examples in ns-3's tree: contrib/ttbridge/examples/CMakeLists.txt.
build_lib_example(
  NAME ns3-csma
  SOURCE_FILES ns3-csma/main.cc
  LIBRARIES_TO_LINK
    ${libttbridge}
    ${libcsma}
    ${libinternet}
)

build_lib_example(
  NAME ns3-wifi-adhoc
  SOURCE_FILES ns3-wifi-adhoc/main.cc
  LIBRARIES_TO_LINK
    ${libttbridge}
    ${libmobility}
    ${libwifi}
)

build_lib_example(
  NAME ns3-wifi-dumbbell
  SOURCE_FILES ns3-wifi-dumbbell/main.cc
  LIBRARIES_TO_LINK
    ${libttbridge}
    ${libapplications}
    ${libcsma}
    ${libinternet}
    ${libmobility}
    ${libpoint-to-point}
    ${libwifi}
)
