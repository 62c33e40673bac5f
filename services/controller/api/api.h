/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_API_API_H
#define KOUPLELESS_CONTROLLER_API_API_H

#include "lib/ctl/loop.h"
#include "lib/rpc/server.h"
#include "services/controller/engine/scheduling.h"
#include "services/controller/store/store.h"

/*
 * The public gRPC API: ReleaseService and InventoryService, over the store. Handlers start on a gRPC
 * thread and answer from the store's, previews from a thread of their own; the API holds no state but
 * the results of request ids, and the previews that are being made.
 */
struct api;

/* Who says where instances go in a preview; is asked from any thread, and answers on any. */
struct api_scheduler {
    void (*ask)(void *context, const struct scheduling_question *question, scheduling_done_fn done,
                void *user);
    void *context;
};

/**
 * api_new() - @loop: where watches are ended, since a store's watch can't end itself
 * @clock:     stamps restarts, and is that of previews; asked on any thread
 * @scheduler: copied
 */
struct api *api_new(struct store *store, struct loop *loop, struct clock *clock,
                    const struct api_scheduler *scheduler);

/** api_add() - adds both services to @server, before it starts. */
void api_add(struct api *api, struct rpc_server *server);

/** api_free() - after the server has stopped and the loop took its last turn. */
void api_free(struct api *api);

#endif
