/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_RPC_PROCESS_TEST_KIT_H
#define KOUPLELESS_RPC_PROCESS_TEST_KIT_H

#include "lib/rpc/rpc.h"

/* rpc_init() and rpc_shutdown() as cmocka's group fixtures, for every test program that has servers or clients. */

static inline int init_rpc(void **state)
{
    (void)state;
    rpc_init();
    return 0;
}

static inline int shut_rpc(void **state)
{
    (void)state;
    rpc_shutdown();
    return 0;
}

#endif
