# SPDX-License-Identifier: Apache-2.0
# One folder = one static library, its unit tests beside its code.
#
#   koupleless_library(NAME [DEPENDS TARGET...])
#       Every *.c of the folder belongs to library NAME, but main.c (a program) and *_test.c.
#       Each x_test.c becomes a cmocka program, in ctest "NAME.x", linked to NAME.
#   koupleless_program(NAME [DEPENDS TARGET...])
#       The folder's main.c becomes program NAME in <build>/bin.
#   koupleless_folders(FOLDER...)
#       add_subdirectory for those that are there.
#
# Adding a file needs no edit: ninja notices it. Includes are written from the top of the tree.

function(koupleless_folders)
    foreach(folder IN LISTS ARGN)
        if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
            add_subdirectory(${folder})
        endif()
    endforeach()
endfunction()

function(koupleless_library name)
    cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
    if(ARG_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "koupleless_library(${name}): unknown: ${ARG_UNPARSED_ARGUMENTS}")
    endif()
    file(GLOB sources CONFIGURE_DEPENDS *.c)
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.c$")
    list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.c$")

    if(sources)
        add_library(${name} STATIC ${sources})
        target_compile_options(${name} PRIVATE ${KOUPLELESS_WARNINGS})
        set(scope PUBLIC)
    else() # headers only
        add_library(${name} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_include_directories(${name} ${scope} ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} ${scope} ${ARG_DEPENDS} Threads::Threads)

    foreach(test IN LISTS tests)
        koupleless_test(${name} ${test})
    endforeach()
endfunction()

function(koupleless_test library source)
    get_filename_component(stem ${source} NAME_WE)
    string(REGEX REPLACE "_test$" "" subject ${stem})
    set(target ${library}_${stem})
    add_executable(${target} ${source})
    target_compile_options(${target} PRIVATE ${KOUPLELESS_WARNINGS})
    target_link_libraries(${target} PRIVATE ${library} cmocka)
    set_target_properties(${target} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${library}.${subject} COMMAND ${target}
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${library}.${subject} PROPERTIES TIMEOUT 120)
endfunction()

function(koupleless_program name)
    cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
    file(GLOB main CONFIGURE_DEPENDS main.c)
    if(NOT main)
        return()
    endif()
    add_executable(${name} ${main})
    target_compile_options(${name} PRIVATE ${KOUPLELESS_WARNINGS})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE ${ARG_DEPENDS})
    install(TARGETS ${name} RUNTIME)
endfunction()
