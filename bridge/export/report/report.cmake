# SPDX-License-Identifier: BSD-3-Clause
# The page of the HTML report: made by npm's packages at build time, and part of the library then.
# Without npm the format is absent; TTB_REPORT_PAGE says whether it is there.
option(TTB_REPORT "Build the HTML report's page, for which npm fetches two packages" ON)
set(TTB_REPORT_PACKAGES "" CACHE PATH
  "Where \"npm ci\" has been run for the HTML report (it has node_modules), instead of running it")
set(report ${CMAKE_CURRENT_SOURCE_DIR}/report)
set(report_build ${CMAKE_CURRENT_BINARY_DIR}/report)
set(TTB_REPORT_PAGE FALSE)
find_program(TTB_NPM NAMES npm)
find_program(TTB_NODE NAMES node nodejs)
if(NOT TTB_REPORT)
  message(STATUS "HTML report: left out (TTB_REPORT is off)")
elseif(TTB_REPORT_PACKAGES AND TTB_NODE)
  if(NOT EXISTS ${TTB_REPORT_PACKAGES}/node_modules/uplot/LICENSE)
    message(FATAL_ERROR "TTB_REPORT_PACKAGES: there is no node_modules/uplot in ${TTB_REPORT_PACKAGES}")
  endif()
  message(STATUS "HTML report: packages in ${TTB_REPORT_PACKAGES}")
  set(report_packages ${TTB_REPORT_PACKAGES})
  file(MAKE_DIRECTORY ${report_build})
  set(TTB_REPORT_PAGE TRUE)
elseif(NOT TTB_NPM OR NOT TTB_NODE)
  message(STATUS "HTML report: LEFT OUT, npm is missing. On Debian: apt-get install npm")
else()
  # Exactly what the lock file names, checked by its hashes, and without a network if npm has it in its
  # cache; no package's own scripts run. Again only when the lock file changes.
  set(report_packages ${report_build})
  file(SHA256 ${report}/package-lock.json report_lock)
  set(report_stamp ${report_build}/packages-${report_lock})
  if(NOT EXISTS ${report_stamp})
    message(STATUS "HTML report: fetching its packages")
    file(MAKE_DIRECTORY ${report_build})
    configure_file(${report}/package.json ${report_build}/package.json COPYONLY)
    configure_file(${report}/package-lock.json ${report_build}/package-lock.json COPYONLY)
    execute_process(
      COMMAND ${TTB_NPM} ci --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error
              --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000
      WORKING_DIRECTORY ${report_build} TIMEOUT 300
      RESULT_VARIABLE report_result OUTPUT_QUIET ERROR_VARIABLE report_error)
    if(report_result STREQUAL "0")
      file(TOUCH ${report_stamp})
    else()
      message(STATUS "${report_error}")
    endif()
  endif()
  if(EXISTS ${report_stamp})
    set(TTB_REPORT_PAGE TRUE)
  else()
    message(WARNING "HTML report: LEFT OUT, npm could not fetch its packages (see above). "
      "Configure again when it can, or with -DTTB_REPORT_PACKAGES=DIR: doc/report.md.")
  endif()
endif()

if(TTB_REPORT_PAGE)
  file(GLOB report_sources CONFIGURE_DEPENDS ${report}/*.html ${report}/*.css ${report}/*.mjs
    ${report}/src/*.js)
  add_custom_command(
    OUTPUT ${report_build}/report.html
    COMMAND ${TTB_NODE} ${report}/build.mjs ${report_packages} ${report_build}/report.html
    DEPENDS ${report_sources} ${report_stamp} ${report_packages}/node_modules/uplot/package.json
    COMMENT "Bundling the HTML report's page"
    VERBATIM)
  # The path must not get into the program: the assembler looks along its include path.
  set_source_files_properties(html_page.c PROPERTIES
    COMPILE_DEFINITIONS "TTB__HTML_PAGE=\"report.html\""
    COMPILE_OPTIONS "-Wa,-I${report_build}"
    OBJECT_DEPENDS ${report_build}/report.html)
  install(FILES ${report_packages}/node_modules/uplot/LICENSE
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/LICENSES RENAME uPlot-MIT.txt)
endif()
set_property(GLOBAL PROPERTY TTB_REPORT_PAGE ${TTB_REPORT_PAGE})
