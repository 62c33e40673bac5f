# SPDX-License-Identifier: Apache-2.0
# The libraries of others, each under one short name. Imported targets are SYSTEM: their headers are
# not held to our warnings. All are Debian packages; scripts/install-deps.sh installs them.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# koupleless_foreign(NAME MODULE...): target NAME links the pkg-config modules.
function(koupleless_foreign name)
    pkg_check_modules(FOREIGN_${name} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
    add_library(${name} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(${name} INTERFACE PkgConfig::FOREIGN_${name})
endfunction()

koupleless_foreign(cjson libcjson)
koupleless_foreign(cmocka cmocka)
koupleless_foreign(crypto libcrypto)
koupleless_foreign(curl libcurl)
koupleless_foreign(event libevent_core libevent_extra libevent_openssl libevent_pthreads libssl libcrypto)
koupleless_foreign(minizip minizip)
koupleless_foreign(protobuf_c libprotobuf-c)
koupleless_foreign(sqlite3 sqlite3)
koupleless_foreign(yaml yaml-0.1)
koupleless_foreign(zlib zlib)

# pkg-config's list for gRPC names some eighty C++ libraries behind it; a shared link needs two.
pkg_check_modules(GRPC REQUIRED grpc gpr)
find_library(GRPC_LIBRARY grpc REQUIRED)
find_library(GPR_LIBRARY gpr REQUIRED)
add_library(grpc INTERFACE IMPORTED GLOBAL)
find_library(GRPC_ARCHIVE libgrpc.a)
if(KOUPLELESS_STATIC_GRPC AND NOT GRPC_ARCHIVE)
    message(STATUS "gRPC has no archives here: linked shared")
endif()
if(KOUPLELESS_STATIC_GRPC AND GRPC_ARCHIVE)
    # gRPC and its C++ libraries as archives, all else shared: those were found more than once, so as a group.
    set(archives ${GRPC_STATIC_LIBRARIES})
    list(FILTER archives INCLUDE REGEX "^(grpc|gpr|address_sorting|re2|upb|cares|absl_.*)$")
    list(REMOVE_DUPLICATES archives)
    list(TRANSFORM archives PREPEND "-l")
    target_link_libraries(grpc INTERFACE -Wl,--start-group -Wl,-Bstatic ${archives} -lstdc++ -Wl,-Bdynamic
                          -Wl,--end-group -lssl -lcrypto -lz -latomic -lm)
else()
    target_link_libraries(grpc INTERFACE ${GRPC_LIBRARY} ${GPR_LIBRARY})
endif()
