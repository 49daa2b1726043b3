# SPDX-License-Identifier: Apache-2.0
#
# Builds the extensions of a manifest with the image, and the image with the manifest's exports.
#
#   west_llext_manifest(<file> [ALL] [BEFORE_IMAGE] [TARGET <name>] [OUTPUT <folder>])
#
# <file>        The manifest, from the current source directory on. CONFIG_WEST_LLEXT_MANIFEST calls
#               this function for one file; an application can call it for others.
# ALL           Build the extensions with the default target, as CONFIG_WEST_LLEXT_ALL does.
# BEFORE_IMAGE  Build the extensions before the image is linked, so that it can contain them. They
#               have to be relocatable.
# TARGET        Name of the target that builds the extensions of this manifest; llext_<n> if it isn't
#               given, where <n> counts manifests from 0. The target llext builds those of all.
# OUTPUT        Where blobs and everything else go; llext/ or llext_<n>/ in the build directory if it
#               isn't given. The target's property WEST_LLEXT_BLOBS has the paths of all blobs.

include_guard(GLOBAL)

set(WEST_LLEXT_ROOT ${CMAKE_CURRENT_LIST_DIR}/../..)
cmake_path(NORMAL_PATH WEST_LLEXT_ROOT)
set_property(GLOBAL PROPERTY WEST_LLEXT_COMMAND
  ${CMAKE_COMMAND} -E env PYTHONPATH=${WEST_LLEXT_ROOT} ${PYTHON_EXECUTABLE} -m west_llext
)

# Headers that the application and the functions for the target include; made before any source is
# compiled, and changed only when the exports of a manifest do.
add_custom_target(west_llext_headers)
# Everything that the image is linked from, but for the application and the tables.
add_custom_target(west_llext_libraries)
add_custom_target(llext)

function(west_llext_manifest file)
  cmake_parse_arguments(PARSE_ARGV 1 arg "ALL;BEFORE_IMAGE" "OUTPUT;TARGET" "")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "west_llext_manifest: what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
  if(NOT EXISTS ${file})
    message(FATAL_ERROR
      "${file}: there is no manifest. Make one with 'west llext init', or set "
      "CONFIG_WEST_LLEXT_MANIFEST=\"\" if there is to be none."
    )
  endif()

  get_property(number GLOBAL PROPERTY WEST_LLEXT_COUNT)
  if(NOT number)
    set(number 0)
    _west_llext_start()
  endif()
  math(EXPR next "${number} + 1")
  set_property(GLOBAL PROPERTY WEST_LLEXT_COUNT ${next})

  if(NOT arg_TARGET)
    set(arg_TARGET llext_${number})
  endif()
  if(NOT arg_OUTPUT)
    set(arg_OUTPUT llext)
    if(number GREATER 0)
      set(arg_OUTPUT llext_${number})
    endif()
  endif()
  cmake_path(ABSOLUTE_PATH arg_OUTPUT BASE_DIRECTORY ${APPLICATION_BINARY_DIR})
  set(all "")
  if(arg_ALL OR CONFIG_WEST_LLEXT_ALL)
    set(all ALL)
  endif()

  _west_llext_table(${number} ${file})
  if(arg_BEFORE_IMAGE)
    # now, because targets of the application depend on the blobs
    _west_llext_extensions(${number} ${file} ${arg_TARGET} ${arg_OUTPUT} "${all}" ON)
  else()
    set_property(GLOBAL APPEND PROPERTY WEST_LLEXT_LATER
      "${number}|${file}|${arg_TARGET}|${arg_OUTPUT}|${all}"
    )
  endif()
endfunction()

# Before the first manifest: whether the tool can run, and what is to be done when all is known.
function(_west_llext_start)
  get_property(command GLOBAL PROPERTY WEST_LLEXT_COMMAND)
  execute_process(COMMAND ${command} --version
    OUTPUT_QUIET ERROR_VARIABLE problem RESULT_VARIABLE status
  )
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "west llext can't be run by ${PYTHON_EXECUTABLE}:\n${problem}")
  endif()
  cmake_language(EVAL CODE
    "cmake_language(DEFER DIRECTORY [[${CMAKE_SOURCE_DIR}]] CALL _west_llext_finish)"
  )
endfunction()

# The table of a manifest: its header, and the library that its source becomes part of.
function(_west_llext_table number file)
  get_property(command GLOBAL PROPERTY WEST_LLEXT_COMMAND)
  set(folder ${APPLICATION_BINARY_DIR}/zephyr/west_llext/${number})

  add_custom_command(
    OUTPUT ${folder}/header.stamp
    BYPRODUCTS ${folder}/include/llext_exports.h ${folder}/include/llext_exports.c
    COMMAND ${command} exports -m ${file} -d ${APPLICATION_BINARY_DIR} --flavour zephyr
            --allow-outside -q -o ${folder}/include --no-image
            --depfile ${folder}/header.d --stamp ${folder}/header.stamp
    DEPENDS ${file}
    DEPFILE ${folder}/header.d
    COMMENT "Generating llext_exports.h"
    WORKING_DIRECTORY ${APPLICATION_BINARY_DIR}
    VERBATIM
  )
  add_custom_target(west_llext_header_${number} DEPENDS ${folder}/header.stamp)
  add_dependencies(west_llext_headers west_llext_header_${number})

  if(TARGET zephyr_prebuilt)
    # in an application, where no library of Zephyr can be added any more
    set(library app)
    target_include_directories(app PRIVATE ${folder}/include)
  else()
    set(library west_llext_table_${number})
    zephyr_library_named(${library})
    zephyr_include_directories(${folder}/include)
  endif()
  add_dependencies(app west_llext_header_${number})

  target_sources(${library} PRIVATE ${folder}/llext_exports.c)
  # nothing is known of the symbols but their names, so nobody may compare types
  set_source_files_properties(${folder}/llext_exports.c PROPERTIES
    GENERATED TRUE
    COMPILE_OPTIONS -fno-lto
  )
  set_property(GLOBAL APPEND PROPERTY WEST_LLEXT_TABLES "${number}|${file}|${library}|${folder}")
endfunction()

# The extensions of a manifest.
function(_west_llext_extensions number file target output all before)
  get_property(command GLOBAL PROPERTY WEST_LLEXT_COMMAND)
  set(folder ${APPLICATION_BINARY_DIR}/zephyr/west_llext/${number})
  set(stamp ${folder}/extensions.stamp)
  if(before)
    set(options --no-image --linked @${folder}/linked.txt)
    set(depends west_llext_libraries)
  else()
    set(options)
    set(depends zephyr_final)
  endif()
  _west_llext_blobs(${file} ${output} blobs)

  add_custom_command(
    OUTPUT ${stamp}
    BYPRODUCTS ${blobs}
    COMMAND ${command} build -m ${file} -d ${APPLICATION_BINARY_DIR} -o ${output} --allow-outside
            ${options} --depfile ${stamp}.d --stamp ${stamp}
    DEPENDS ${file} ${depends}
    DEPFILE ${stamp}.d
    COMMENT "Building the extensions of ${file}"
    USES_TERMINAL
    WORKING_DIRECTORY ${APPLICATION_BINARY_DIR}
    VERBATIM
  )
  add_custom_target(${target} ${all} DEPENDS ${stamp})
  set_property(TARGET ${target} PROPERTY WEST_LLEXT_BLOBS ${blobs})
  add_dependencies(llext ${target})
  add_dependencies(${target} west_llext_header_${number} zephyr_generated_headers)
endfunction()

# Paths of a manifest's blobs; CMake runs again when the manifest changes.
function(_west_llext_blobs file output out)
  get_property(command GLOBAL PROPERTY WEST_LLEXT_COMMAND)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  execute_process(COMMAND ${command} list -m ${file} --allow-outside
    OUTPUT_VARIABLE names ERROR_QUIET RESULT_VARIABLE status OUTPUT_STRIP_TRAILING_WHITESPACE
  )
  set(blobs)
  # what is wrong with a manifest is told by the build, where editors look for it
  if(status EQUAL 0)
    string(REPLACE "\n" ";" names "${names}")
    list(TRANSFORM names REPLACE "(.+)" "${output}/\\1.llext" OUTPUT_VARIABLE blobs)
  endif()
  set(${out} ${blobs} PARENT_SCOPE)
endfunction()

# At the end of the application's CMakeLists.txt, when all libraries and the image are known.
function(_west_llext_finish)
  get_property(command GLOBAL PROPERTY WEST_LLEXT_COMMAND)
  get_property(tables GLOBAL PROPERTY WEST_LLEXT_TABLES)
  get_property(libraries GLOBAL PROPERTY ZEPHYR_LIBS)
  foreach(each IN LISTS tables)
    string(REPLACE "|" ";" each "${each}")
    list(GET each 2 library)
    list(REMOVE_ITEM libraries ${library})
  endforeach()

  set(archives)
  foreach(library IN LISTS libraries)
    get_target_property(type ${library} TYPE)
    if(NOT type STREQUAL "STATIC_LIBRARY")
      list(REMOVE_ITEM libraries ${library})
    elseif(NOT library STREQUAL "app")
      list(APPEND archives $<TARGET_FILE:${library}>)
      add_dependencies(west_llext_libraries ${library})
    endif()
  endforeach()
  list(JOIN archives "\n" before)

  foreach(each IN LISTS tables)
    string(REPLACE "|" ";" each "${each}")
    list(GET each 0 number)
    list(GET each 1 file)
    list(GET each 2 library)
    list(GET each 3 folder)
    # the application may contain extensions that are built before the image
    file(GENERATE OUTPUT ${folder}/linked.txt CONTENT "${before}\n")
    set(all ${archives})
    if("app" IN_LIST libraries)
      list(APPEND all $<TARGET_FILE:app>)
    endif()
    list(JOIN all "\n" lines)
    file(GENERATE OUTPUT ${folder}/all.txt CONTENT "${lines}\n")
    add_custom_command(
      OUTPUT ${folder}/source.stamp
      BYPRODUCTS ${folder}/llext_exports.c ${folder}/llext_exports.h
      COMMAND ${command} exports -m ${file} -d ${APPLICATION_BINARY_DIR} --flavour zephyr
              --allow-outside -q -o ${folder} --no-image --linked @${folder}/all.txt
              --depfile ${folder}/source.d --stamp ${folder}/source.stamp
      DEPENDS ${file} ${libraries}
      DEPFILE ${folder}/source.d
      COMMENT "Generating llext_exports.c"
      WORKING_DIRECTORY ${APPLICATION_BINARY_DIR}
    VERBATIM
    )
    add_custom_target(west_llext_source_${number} DEPENDS ${folder}/source.stamp)
    add_dependencies(${library} west_llext_source_${number})
  endforeach()

  get_property(later GLOBAL PROPERTY WEST_LLEXT_LATER)
  foreach(each IN LISTS later)
    string(REPLACE "|" ";" each "${each}")
    list(GET each 0 number)
    list(GET each 1 file)
    list(GET each 2 target)
    list(GET each 3 output)
    list(GET each 4 all)
    _west_llext_extensions(${number} ${file} ${target} ${output} "${all}" OFF)
  endforeach()
endfunction()
