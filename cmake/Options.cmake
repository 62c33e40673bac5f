# SPDX-License-Identifier: Apache-2.0
# What every file of ours is compiled with, on gcc and on clang, and the switches of the presets.

set(KOUPLELESS_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")
option(KOUPLELESS_FUZZ "Build the fuzz targets (clang's libFuzzer)" OFF)
option(KOUPLELESS_COVERAGE "Count the lines that the tests reach" OFF)
option(KOUPLELESS_ARCHIVES "Link libraries of others from their archives: programs start faster and take less memory" OFF)
option(KOUPLELESS_LTO "Optimise over file borders" OFF)

add_compile_definitions(_GNU_SOURCE KOUPLELESS_VERSION="${PROJECT_VERSION}")
add_compile_options(
    $<$<COMPILE_LANGUAGE:C>:-fno-common>
    -fno-omit-frame-pointer
    -ffunction-sections
    -fdata-sections
    -fstack-protector-strong)
add_link_options(-Wl,--gc-sections)

if(NOT KOUPLELESS_SANITIZE AND CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_definitions($<$<COMPILE_LANGUAGE:C>:_FORTIFY_SOURCE=2>)
endif()

# Added to our own targets only; generated code and foreign headers are not held to it.
# A call of an undeclared function truncates the pointer it returns: an error in any build.
set(KOUPLELESS_WARNINGS
    -Wall
    -Wextra
    -Werror
    -Werror=implicit-function-declaration
    -Wdouble-promotion
    -Wformat=2
    -Wmissing-prototypes
    -Wold-style-definition
    -Wpointer-arith
    -Wshadow
    -Wstrict-prototypes
    -Wundef
    -Wvla
    -Wwrite-strings)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # clang finds -Wcast-qual inside the initialisers that protobuf-c generates as macros.
    list(APPEND KOUPLELESS_WARNINGS -Wcast-qual -Wduplicated-branches -Wduplicated-cond -Wlogical-op)
endif()

if(KOUPLELESS_SANITIZE)
    add_compile_options(-fsanitize=${KOUPLELESS_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${KOUPLELESS_SANITIZE})
endif()
if(KOUPLELESS_FUZZ)
    # Every file is instrumented; only the fuzz targets themselves link the driver (tests/fuzz).
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(KOUPLELESS_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
if(KOUPLELESS_LTO)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

if(KOUPLELESS_ARCHIVES)
    # A program with all its libraries in it has 30,000 addresses to correct at its start. Packed they take 10 KB of
    # file and memory instead of 800; a C library before glibc 2.36 passes them over, and the program crashes.
    include(CheckCSourceRuns)
    set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,-z,pack-relative-relocs)
    check_c_source_runs("static int x; static int *volatile p = &x; int main(void) { return p != &x; }" PACKED_RELOCATIONS)
    unset(CMAKE_REQUIRED_LINK_OPTIONS)
    if(PACKED_RELOCATIONS)
        add_link_options(-Wl,-z,pack-relative-relocs)
    endif()
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
