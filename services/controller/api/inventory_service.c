/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "services/controller/api/api_internal.h"

#define HANDLER(name, Method)                                                                      \
    static void name(Koupleless__Controller__V1__InventoryService_Service *service,                \
                     const Koupleless__Controller__V1__##Method##Request *request,                 \
                     Koupleless__Controller__V1__##Method##Response_Closure closure, void *call)

#define REPLY(method)                                                                              \
    (&(struct reply){call, (ProtobufCClosure)(void (*)(void))closure,                              \
                     &koupleless__controller__v1__##method##_response__descriptor})

static struct api *api_of(Koupleless__Controller__V1__InventoryService_Service *service)
{
    return CONTAINER_OF(service, struct inventory_service, service)->api;
}

HANDLER(get_module, GetModule)
{
    read_get(api_of(service), KIND_MODULE, request->namespace_, request->name, "module",
             REPLY(get_module));
}

#define LIST_QUERY(the_kind, the_member)                                                           \
    (&(struct read_query){.kind = the_kind,                                                        \
                          .namespace = request->namespace_,                                        \
                          .label_selector = request->label_selector,                               \
                          .page_size = request->page_size,                                         \
                          .page_token = request->page_token,                                       \
                          .member = the_member})

#define WATCH_QUERY(the_kind, the_member)                                                          \
    (&(struct read_query){.kind = the_kind,                                                        \
                          .namespace = request->namespace_,                                        \
                          .label_selector = request->label_selector,                               \
                          .resource_version = request->resource_version,                           \
                          .member = the_member})

HANDLER(list_modules, ListModules)
{
    read_list(api_of(service), LIST_QUERY(KIND_MODULE, "modules"), REPLY(list_modules));
}

HANDLER(watch_modules, WatchModules)
{
    read_watch(api_of(service), WATCH_QUERY(KIND_MODULE, "module"), REPLY(watch_modules));
}

HANDLER(replace_module, ReplaceModule)
{
    remove_object(api_of(service), KIND_MODULE, "Replace", request->namespace_, request->name,
                  request->resource_version, request->request_id, "module", REPLY(replace_module));
}

HANDLER(list_bases, ListBases)
{
    read_list(api_of(service), LIST_QUERY(KIND_BASE, "bases"), REPLY(list_bases));
}

HANDLER(watch_bases, WatchBases)
{
    read_watch(api_of(service), WATCH_QUERY(KIND_BASE, "changedBase"), REPLY(watch_bases));
}

/* -- events: those of one object, oldest first -- */

struct events_request {
    struct reply reply;
    const Koupleless__Controller__V1__ListEventsRequest *request;
};

static bool is_about(const cJSON *event,
                     const Koupleless__Controller__V1__ListEventsRequest *request)
{
    const char *kind = json_get_string(event, "involvedObject.kind");
    const char *name = json_get_string(event, "involvedObject.name");
    return (str_empty(request->involved_kind) || str_eq(request->involved_kind, kind)) &&
           (str_empty(request->involved_name) || str_eq(request->involved_name, name));
}

struct dated {
    cJSON *json;
    int64_t at_ms;
    size_t place; /* in the list: equal times keep their order */
};

static struct dated dated(cJSON *event, size_t place)
{
    struct dated result = {.json = event, .place = place};
    const char *at = json_get_string(event, "lastTimestamp");
    if (at)
        time_parse(at, &result.at_ms);
    return result;
}

static int oldest_first(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static void on_events(void *user, const struct store_list *list, const struct err *err)
{
    struct events_request *events = user;
    if (err) {
        reply_fail(&events->reply, err);
        mem_free(events);
        return;
    }
    AUTO_FREE struct dated *found = mem_alloc(list->len * sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < list->len; i++) {
        cJSON *event = document_json(&list->items[i]);
        if (is_about(event, events->request))
            found[count++] = dated(event, i);
        else
            json_free(event);
    }
    if (count)
        qsort(found, count, sizeof(*found), oldest_first);
    cJSON *json = cJSON_CreateObject(), *items = cJSON_AddArrayToObject(json, "events");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(items, found[i].json);
    reply_json(&events->reply, json);
    mem_free(events);
}

HANDLER(list_events, ListEvents)
{
    struct events_request *events = NEW(struct events_request);
    *events = (struct events_request){*REPLY(list_events), request};
    struct store_query query = {.kind = KIND_EVENT,
                                .namespace = namespace_or_default(request->namespace_)};
    store_list(api_of(service)->store, &query, on_events, events);
}

void inventory_service_init(struct api *api)
{
    struct inventory_service *inventory = &api->inventory;
    inventory->api = api;
    koupleless__controller__v1__inventory_service__init(&inventory->service, NULL);
    inventory->service.list_modules = list_modules;
    inventory->service.get_module = get_module;
    inventory->service.watch_modules = watch_modules;
    inventory->service.replace_module = replace_module;
    inventory->service.list_bases = list_bases;
    inventory->service.watch_bases = watch_bases;
    inventory->service.list_events = list_events;
}
