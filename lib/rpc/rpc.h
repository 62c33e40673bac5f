/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_RPC_RPC_H
#define KOUPLELESS_RPC_RPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/*
 * gRPC on the C core: what server.h and client.h share.
 *
 * Failures cross the wire as canonical codes plus `grpc-status-details-bin` (google.rpc.Status with
 * ErrorInfo, domain "koupleless.io", and BadRequest for a wrong field), and arrive as a struct err
 * with the same code, reason and field; messages over 1 KiB are cut. The table between enum err_code and gRPC's codes
 * is in status.c.
 */

/*
 * Files of a TLS identity; PEM, the key without passphrase. Reloaded when they change. All NULL:
 * plaintext. ERR_INVALID where a file can't be read, a certificate comes without its key, or a
 * server has only a CA.
 */
struct rpc_tls {
    const char *cert_file;
    const char *key_file;
    const char *
        ca_file; /* peers must present a certificate of this CA (mTLS) on a server; on a client it checks the server */
    const char *
        server_name; /* client: name expected in the server's certificate; NULL = the host dialled */
};

/** rpc_init() - once per process before any other rpc call, with signals already blocked; rpc_shutdown() at the end. */
void rpc_init(void);
void rpc_shutdown(void);

/**
 * rpc_unpack() - the message in protobuf bytes; refuses over LIMIT_RPC_MESSAGE with ERR_LIMIT. Freed by
 * protobuf_c_message_free_unpacked().
 */
ProtobufCMessage *rpc_unpack(const ProtobufCMessageDescriptor *type, const void *bytes, size_t len,
                             struct err **err);

#endif
