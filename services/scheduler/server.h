/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SCHEDULER_SERVER_H
#define KOUPLELESS_SCHEDULER_SERVER_H

#include <protobuf-c/protobuf-c.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"

/*
 * SchedulerService: Place and Evict. Nothing is kept between calls, and nothing is waited for: a handler
 * checks the question, asks the engine and answers, on the gRPC thread that brought the call.
 */
struct scheduler_server;

/** scheduler_server_new() - all are borrowed and outlive it; @clock measures how long answers take. */
struct scheduler_server *scheduler_server_new(struct metrics *metrics, struct log *log,
                                              struct clock *clock);

/** scheduler_server_service() - for rpc_server_add(). */
ProtobufCService *scheduler_server_service(struct scheduler_server *server);

/** scheduler_server_free() - after the gRPC server has stopped; NULL is fine. */
void scheduler_server_free(struct scheduler_server *server);

#endif
