# SPDX-License-Identifier: BSD-3-Clause
# Finds ns-3, any version since 3.37, by its headers and libraries themselves:
#
#   find_package(Ns3 REQUIRED COMPONENTS core network csma)
#
# ns-3's own CMake package and pkg-config files demand the development files of gsl, sqlite3 and
# libxml2, which neither its headers nor its libraries need, and put its include folder's folder (or
# worse) on the include path. Set Ns3_ROOT for an ns-3 that is installed elsewhere.
#
# Gives: Ns3_VERSION, Ns3_CXX_STANDARD, and target Ns3::Ns3 (all components, and they stay linked
# even where nothing refers to them: their types are found by name at run time).
set(Ns3_DEFINITIONS NS3_LOG_ENABLE CACHE STRING
  "Definitions that ns-3 was built with; they change the layout of its objects")

find_path(Ns3_INCLUDE_DIR NAMES ns3/simulator-impl.h)
set(_ns3_missing)
if(Ns3_INCLUDE_DIR)
  # Libraries are called libns3-core.so by Debian, libns3.43-core-optimized.so and the like by ns-3.
  set(_ns3_prefixes ${Ns3_INCLUDE_DIR}/.. ${Ns3_ROOT} $ENV{Ns3_ROOT})
  foreach(component IN LISTS Ns3_FIND_COMPONENTS)
    if(NOT Ns3_${component}_LIBRARY)
      set(found)
      foreach(prefix IN LISTS _ns3_prefixes)
        foreach(folder lib/${CMAKE_LIBRARY_ARCHITECTURE} lib lib64)
          file(GLOB more "${prefix}/${folder}/libns3*-${component}.so"
            "${prefix}/${folder}/libns3*-${component}-d[eb]*.so"
            "${prefix}/${folder}/libns3*-${component}-optimized.so"
            "${prefix}/${folder}/libns3*-${component}-release.so"
            "${prefix}/${folder}/libns3*-${component}-relwithdebinfo.so"
            "${prefix}/${folder}/libns3*-${component}-minsizerel.so")
          list(APPEND found ${more})
        endforeach()
      endforeach()
      if(found)
        list(GET found 0 found)
        get_filename_component(found "${found}" ABSOLUTE)
        set(Ns3_${component}_LIBRARY "${found}" CACHE FILEPATH "ns-3 module ${component}")
        mark_as_advanced(Ns3_${component}_LIBRARY)
      endif()
    endif()
    if(Ns3_${component}_LIBRARY)
      set(Ns3_${component}_FOUND TRUE)
    else()
      list(APPEND _ns3_missing ${component})
    endif()
  endforeach()
endif()

# The version: what Debian's and ns-3's own installations say in their package files.
if(Ns3_core_LIBRARY AND NOT Ns3_VERSION)
  get_filename_component(_ns3_folder "${Ns3_core_LIBRARY}" DIRECTORY)
  file(GLOB _ns3_said "${_ns3_folder}/pkgconfig/ns3*-core*.pc"
    "${_ns3_folder}/cmake/ns3/ns3ConfigVersion.cmake")
  foreach(file IN LISTS _ns3_said)
    file(STRINGS "${file}" _ns3_lines REGEX "^(Version:|set\\(PACKAGE_VERSION )")
    if(_ns3_lines MATCHES "(3\\.[0-9]+(\\.[0-9]+)?)" AND NOT Ns3_VERSION)
      set(Ns3_VERSION ${CMAKE_MATCH_1})
    endif()
  endforeach()
  if(NOT Ns3_VERSION AND Ns3_core_LIBRARY MATCHES "libns(3\\.[0-9]+)")
    set(Ns3_VERSION ${CMAKE_MATCH_1})
  endif()
endif()
if(Ns3_VERSION VERSION_GREATER_EQUAL 3.46)
  set(Ns3_CXX_STANDARD 23)
elseif(Ns3_VERSION VERSION_GREATER_EQUAL 3.41)
  set(Ns3_CXX_STANDARD 20)
else()
  set(Ns3_CXX_STANDARD 17)
endif()

if(_ns3_missing)
  list(JOIN _ns3_missing ", " _ns3_missing)
  set(_ns3_reason "These modules of ns-3 are missing beside ${Ns3_INCLUDE_DIR}/ns3: ${_ns3_missing}. ")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Ns3
  REQUIRED_VARS Ns3_INCLUDE_DIR Ns3_core_LIBRARY
  VERSION_VAR Ns3_VERSION
  HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "${_ns3_reason}On Debian: apt-get install libns3-dev (scripts of your own that use ns-3's CMake package also need libgsl-dev libsqlite3-dev libxml2-dev). An ns-3 elsewhere: -DNs3_ROOT=PREFIX. To build without ns-3: -DTTB_NS3=OFF")

if(Ns3_FOUND AND NOT TARGET Ns3::Ns3)
  add_library(Ns3::Ns3 INTERFACE IMPORTED)
  target_compile_definitions(Ns3::Ns3 INTERFACE ${Ns3_DEFINITIONS})
  # Its headers need it. In programs of C alone this says nothing.
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(CXX IN_LIST languages)
    target_compile_features(Ns3::Ns3 INTERFACE cxx_std_${Ns3_CXX_STANDARD})
  endif()
  if(NOT Ns3_INCLUDE_DIR STREQUAL "/usr/include")
    target_include_directories(Ns3::Ns3 SYSTEM INTERFACE ${Ns3_INCLUDE_DIR})
  endif()
  set(_ns3_libraries)
  foreach(component IN LISTS Ns3_FIND_COMPONENTS)
    list(APPEND _ns3_libraries "${Ns3_${component}_LIBRARY}")
  endforeach()
  target_link_libraries(Ns3::Ns3 INTERFACE
    -Wl,--push-state,--no-as-needed ${_ns3_libraries} -Wl,--pop-state)
endif()
mark_as_advanced(Ns3_INCLUDE_DIR)
