/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/api/api.h"

#include "services/controller/api/api_internal.h"

struct api *api_new(struct store *store, struct loop *loop, struct clock *clock,
                    const struct api_scheduler *scheduler)
{
    struct api *api = NEW(struct api);
    api->store = store;
    api->loop = loop;
    api->clock = clock;
    api->scheduler = *scheduler;
    request_memory_init(&api->requests);
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
    request_memory_done(&api->requests);
    mem_free(api);
}
