# SPDX-License-Identifier: BSD-3-Clause
# Flags that every target of ours has, and the two kinds of target: layers and tests.

# The folders of source and build must not show in what is built.
set(TTB_NO_PATHS -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
cmake_path(IS_PREFIX PROJECT_SOURCE_DIR "${PROJECT_BINARY_DIR}" build_is_in_source)
if(NOT build_is_in_source)
  # Ninja names sources from there.
  file(RELATIVE_PATH source_from_build ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
  list(APPEND TTB_NO_PATHS -ffile-prefix-map=${PROJECT_BINARY_DIR}=.
    -ffile-prefix-map=${source_from_build}/=)
endif()

add_library(ttb_flags INTERFACE)
target_compile_definitions(ttb_flags INTERFACE _GNU_SOURCE)
target_compile_options(ttb_flags INTERFACE
  -Wall -Wextra -Wshadow -Wvla -Wpointer-arith -Wwrite-strings
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition>
  ${TTB_NO_PATHS})
if(TTB_WERROR)
  target_compile_options(ttb_flags INTERFACE -Werror)
endif()
if(TTB_SANITIZE)
  target_compile_options(ttb_flags INTERFACE -UNDEBUG
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(ttb_flags INTERFACE -fsanitize=address,undefined)
endif()
if(TTB_FUZZ)
  target_compile_options(ttb_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# ttb_layer(NAME SOURCES ... [BELOW layer ...])
#
# One folder of bridge/: an object library that may include its own headers and those of the layers
# named in BELOW (and theirs), and the public headers. An include that points upwards does not
# compile by accident only if nobody looks: tests/layers checks it.
function(ttb_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;BELOW;LIBS" ${ARGN})
  add_library(ttb_${name} STATIC ${arg_SOURCES})
  target_include_directories(ttb_${name} PUBLIC
    ${PROJECT_SOURCE_DIR}/bridge ${PROJECT_SOURCE_DIR}/bridge/include)
  target_link_libraries(ttb_${name} PUBLIC ttb_flags ${arg_LIBS})
  foreach(below IN LISTS arg_BELOW)
    target_link_libraries(ttb_${name} PUBLIC ttb_${below})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY TTB_LAYERS ttb_${name})
  set_property(GLOBAL APPEND PROPERTY TTB_LAYER_LIBS ${arg_LIBS})
endfunction()

# ttb_test(NAME SOURCES ... [LIBS target ...] [LABELS ...] [TIMEOUT seconds] [ARGS ...])
#
# A cmocka program that ctest runs. LABELS: unit (no kernel needed) or uml (boots kernels).
function(ttb_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBS;LABELS;ARGS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  add_executable(test_${name} ${arg_SOURCES})
  target_link_libraries(test_${name} PRIVATE ${arg_LIBS} ttb_flags cmocka)
  add_test(NAME ${name} COMMAND test_${name} ${arg_ARGS})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
    SKIP_RETURN_CODE 77
    ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1;ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1")
  # Nodes are CPU-bound and their watchdogs count wall time: one test with nodes at a time.
  if("uml" IN_LIST arg_LABELS)
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK uml)
  endif()
endfunction()
