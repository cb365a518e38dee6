# SPDX-License-Identifier: BSD-3-Clause
# The libraries that are installed, made of all layers: ttbridge (shared) and ttbridge_static.
# To be included in bridge/ after the layers.

get_property(layers GLOBAL PROPERTY TTB_LAYERS)
set(layer_objects)
foreach(layer IN LISTS layers)
  list(APPEND layer_objects $<TARGET_OBJECTS:${layer}>)
endforeach()

add_library(ttbridge SHARED ${layer_objects})
set(map ${CMAKE_CURRENT_SOURCE_DIR}/libttbridge.map)
target_link_options(ttbridge PRIVATE LINKER:--version-script=${map})
set_target_properties(ttbridge PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${map})
# For what the layers need from outside; the objects are all there already.
target_link_libraries(ttbridge PRIVATE ${layers})

add_library(ttbridge_static STATIC ${layer_objects})
set_target_properties(ttbridge_static PROPERTIES OUTPUT_NAME ttbridge EXPORT_NAME ttbridge-static)
# What a program that links it needs besides, by name, as it stands in the installed package.
set(static_libs m)
get_property(layer_libs GLOBAL PROPERTY TTB_LAYER_LIBS)
if(TARGET ttb_proto)
  list(APPEND layer_libs PkgConfig::PROTOBUF_C)
endif()
foreach(lib IN LISTS layer_libs)
  if(lib IN_LIST layers)
    continue()
  elseif(lib STREQUAL "Threads::Threads")
    list(APPEND static_libs pthread)
  elseif(lib MATCHES "^PkgConfig::(.+)$")
    list(APPEND static_libs ${${CMAKE_MATCH_1}_LIBRARIES})
  elseif(lib MATCHES "^[a-z0-9_]+$")
    list(APPEND static_libs ${lib})
  else()
    message(FATAL_ERROR "TtbLibrary.cmake does not know what a program needs that links ${lib}")
  endif()
endforeach()
list(REMOVE_DUPLICATES static_libs)
set_property(GLOBAL PROPERTY TTB_STATIC_LIBS ${static_libs})
target_link_libraries(ttbridge_static INTERFACE ${static_libs})

foreach(library ttbridge ttbridge_static)
  set_target_properties(${library} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${library} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/bridge/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(TARGET ttb_proto)
    target_include_directories(${library} PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/proto>)
  endif()
endforeach()
add_library(ttbridge::ttbridge ALIAS ttbridge)
add_library(ttbridge::ttbridge-static ALIAS ttbridge_static)
