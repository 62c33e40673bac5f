/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/api/api.h"

#include "lib/base/limits.h"
#include "services/controller/api/api_internal.h"

struct api *api_new(struct store *store, struct loop *loop, struct clock *clock,
                    const struct api_scheduler *scheduler)
{
    struct api *api = NEW(struct api);
    api->store = store;
    api->loop = loop;
    api->clock = clock;
    api->scheduler = *scheduler;
    pthread_mutex_init(&api->requests.lock, NULL);
    release_service_init(api);
    inventory_service_init(api);
    previews_init(api);
    return api;
}

void api_add(struct api *api, struct rpc_server *server)
{
    rpc_server_add(server, &api->release.service.base);
    rpc_server_add(server, &api->inventory.service.base);
}

void api_free(struct api *api)
{
    if (!api)
        return;
    previews_done(api);
    struct request_memory *memory = &api->requests;
    for (size_t i = 0; memory->order && i < LIMIT_REQUEST_IDS; i++)
        mem_free(memory->order[i]);
    for (size_t i = 0; i < memory->answers.len; i++)
        mem_free(memory->answers.entries[i].value);
    mem_free(memory->order);
    map_done(&memory->answers);
    map_done(&memory->running);
    pthread_mutex_destroy(&memory->lock);
    mem_free(api);
}
