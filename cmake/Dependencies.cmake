# SPDX-License-Identifier: Apache-2.0
# The libraries of others, each under one short name. Imported targets are SYSTEM: their headers are
# not held to our warnings. All are Debian packages; scripts/install-deps.sh installs them.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# Archives of all libraries, or of none: OpenSSL must not be in one program twice.
set(KOUPLELESS_ALL_ARCHIVES OFF)
if(KOUPLELESS_ARCHIVES)
    execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/archives.sh
                    OUTPUT_VARIABLE archives_folder OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
    if(failed)
        message(STATUS "No archives of libcurl and cJSON: only gRPC is linked from its archives")
    else()
        set(KOUPLELESS_ALL_ARCHIVES ON)
        add_link_options(-static-libgcc)
    endif()
endif()

# koupleless_foreign(NAME MODULE... [NEEDS TARGET...]): target NAME links the pkg-config modules. NEEDS: what the
# archives of them need besides; a shared library names that itself.
function(koupleless_foreign name)
    cmake_parse_arguments(ARG "" "" "NEEDS" ${ARGN})
    pkg_check_modules(FOREIGN_${name} REQUIRED IMPORTED_TARGET GLOBAL ${ARG_UNPARSED_ARGUMENTS})
    add_library(${name} INTERFACE IMPORTED GLOBAL)
    if(NOT KOUPLELESS_ALL_ARCHIVES)
        target_link_libraries(${name} INTERFACE PkgConfig::FOREIGN_${name})
        return()
    endif()
    target_include_directories(${name} INTERFACE ${FOREIGN_${name}_INCLUDE_DIRS})
    foreach(library IN LISTS FOREIGN_${name}_LIBRARIES)
        find_library(archive NAMES lib${library}.a ${library} HINTS ${archives_folder} REQUIRED NO_CACHE)
        target_link_libraries(${name} INTERFACE ${archive})
        unset(archive)
    endforeach()
    target_link_libraries(${name} INTERFACE ${ARG_NEEDS})
endfunction()

koupleless_foreign(cjson libcjson NEEDS m)
koupleless_foreign(cmocka cmocka)
koupleless_foreign(crypto libcrypto)
koupleless_foreign(ssl libssl libcrypto)
koupleless_foreign(zlib zlib)
koupleless_foreign(nghttp2 libnghttp2)
koupleless_foreign(curl libcurl NEEDS nghttp2 ssl zlib)
koupleless_foreign(event libevent_openssl libevent_pthreads libevent_extra libevent_core NEEDS ssl)
koupleless_foreign(minizip minizip NEEDS zlib)
koupleless_foreign(protobuf_c libprotobuf-c)
koupleless_foreign(sqlite3 sqlite3 NEEDS m)
koupleless_foreign(yaml yaml-0.1)

# pkg-config's list for gRPC names some eighty C++ libraries behind it; a shared link needs two.
pkg_check_modules(GRPC REQUIRED grpc gpr)
find_library(GRPC_LIBRARY grpc REQUIRED)
find_library(GPR_LIBRARY gpr REQUIRED)
add_library(grpc INTERFACE IMPORTED GLOBAL)
find_library(GRPC_ARCHIVE libgrpc.a)
if(KOUPLELESS_ARCHIVES AND NOT GRPC_ARCHIVE)
    message(STATUS "gRPC has no archives here: linked shared")
endif()
if(KOUPLELESS_ARCHIVES AND GRPC_ARCHIVE)
    set(names ${GRPC_STATIC_LIBRARIES})
    list(FILTER names INCLUDE REGEX "^(grpc|gpr|address_sorting|re2|upb|cares|absl_.*)$")
    list(REMOVE_DUPLICATES names)
    list(APPEND names stdc++ atomic)
    set(shared -lssl -lcrypto -lz)
    if(KOUPLELESS_ALL_ARCHIVES)
        list(APPEND names ssl crypto z)
        set(shared "")
    endif()
    set(archives "")
    foreach(name IN LISTS names)
        execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=lib${name}.a
                        OUTPUT_VARIABLE archive OUTPUT_STRIP_TRAILING_WHITESPACE)
        list(APPEND archives ${archive})
    endforeach()
    # They name each other in circles, so they are a group; as one word CMake leaves it together and in order.
    list(JOIN archives "," group)
    # Whose configuration comes from a server of its own protocol (xDS) is nobody here, and that is a fifth of a program.
    # It hangs on this one function, which gRPC leaves empty where it is built without; so does rpc_register_nothing().
    set(register_xds _ZN9grpc_core20RegisterExtraFiltersEPNS_17CoreConfiguration7BuilderE)
    target_link_libraries(grpc INTERFACE -Wl,-u,rpc_register_nothing,--defsym=${register_xds}=rpc_register_nothing
                          "-Wl,--start-group,${group},--end-group,-lm" ${shared})
else()
    target_link_libraries(grpc INTERFACE ${GRPC_LIBRARY} ${GPR_LIBRARY})
endif()
