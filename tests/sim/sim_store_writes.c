/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a write does to the objects of the simulated store. The rules are those of all stores that keep
 * documents themselves (store/rules.h); here are versions and the collector, which comes later and takes what
 * has lost its owners.
 */
#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "services/controller/store/rules.h"
#include "tests/sim/sim_store_internal.h"

#define COLLECT_MS 2000 /* at most so long until the collector comes */

static char *object_id(enum object_kind kind, const char *namespace, const char *name)
{
    return mem_printf("%s/%s/%s", kind_name(kind), namespace, name);
}

struct record *sim__find(const struct sim_server *server, enum object_kind kind,
                         const char *namespace, const char *name)
{
    AUTO_FREE char *id = object_id(kind, namespace, name);
    return map_get(&server->objects, id);
}

static int refuse(struct request *request, enum err_code code, const char *why)
{
    return err_set(&request->err, code, "%s \"%s/%s\": %s", kind_name(request->kind),
                   request->namespace, request->name, why);
}

/* @before, @after: borrowed, as in sim_change_fn. */
static void put(struct sim_server *server, struct record *before, struct record *after)
{
    const struct record *one = after ? after : before;
    ASSERT(one);
    AUTO_FREE char *id = object_id(one->kind, one->namespace, one->name);
    struct record *was =
        after ? map_put(&server->objects, id, record_ref(after)) : map_remove(&server->objects, id);
    server->version++;
    sim__changed(server, before ? record_at(before, server->version) : NULL,
                 after ? record_ref(after) : NULL);
    record_unref(was);
}

/* Return: a reference; NULL with *err where it is too large. @err NULL: of any size. */
static struct record *update(struct sim_server *server, struct record *before, const cJSON *object,
                             struct err **err)
{
    AUTO_RECORD struct record *after = record_new(before->kind, object);
    record_set_version(after, server->version + 1);
    if (err && record_check_size(after, err) < 0)
        return NULL;
    put(server, before, after);
    return TAKE(after);
}

/* Return: as it was in the end, a reference. */
static struct record *erase(struct sim_server *server, struct record *before, const cJSON *object)
{
    struct record *last = record_new(before->kind, object);
    record_set_version(last, server->version + 1);
    put(server, last, NULL);
    sim__collect_later(server);
    return last;
}

/* At once, or, with finalizers, asked for. Return: a reference. */
static struct record *delete_object(struct sim_server *server, struct record *before, cJSON *object)
{
    if (!rules_has_finalizers(object))
        return erase(server, before, object);
    if (rules_being_deleted(object))
        return record_ref(before);
    rules_mark_deleted(object, loop_wall_ms(server->options.loop));
    return update(server, before, object, /* err= */ NULL);
}

/* -- the collector -- */

static const char *owner_string(const cJSON *owner, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(owner, key));
}

/* Owners of kinds that aren't kept here can't be looked at; they count as present. */
static bool owner_exists(const struct sim_server *server, const struct record *object,
                         const cJSON *owner)
{
    enum object_kind kind;
    if (!kind_from_name(owner_string(owner, "kind"), &kind))
        return true;
    const struct record *found =
        sim__find(server, kind, object->namespace, owner_string(owner, "name"));
    return found && str_eq(found->uid, owner_string(owner, "uid"));
}

static void collect(struct sim_server *server, struct record *record)
{
    AUTO_JSON cJSON *object = record_tree(record, NULL);
    cJSON *owners = rules_owners(object), *next = NULL;
    int all = 0, gone = 0;
    for (const cJSON *it = owners ? owners->child : NULL; it; it = it->next) {
        all++;
        gone += !owner_exists(server, record, it);
    }
    if (!gone)
        return;
    if (gone == all) {
        record_unref(delete_object(server, record, object));
        return;
    }
    for (cJSON *it = owners->child; it; it = next) {
        next = it->next;
        if (!owner_exists(server, record, it))
            json_free(cJSON_DetachItemViaPointer(owners, it));
    }
    record_unref(update(server, record, object, /* err= */ NULL));
}

void sim__on_collect(struct loop_timer *timer)
{
    struct sim_server *server = CONTAINER_OF(timer, struct sim_server, collector);
    struct sim_records records = {0};
    for (size_t i = 0; i < server->objects.len; i++)
        VEC_PUSH(&records, record_ref(server->objects.entries[i].value));
    for (size_t i = 0; i < records.len; i++) {
        struct record *record = records.items[i];
        if (sim__find(server, record->kind, record->namespace, record->name) == record)
            collect(server, record);
        record_unref(record);
    }
    VEC_DONE(&records);
}

void sim__collect_later(struct sim_server *server)
{
    if (server->collector.due_ms == TIME_NEVER)
        loop_timer_start(server->options.loop, &server->collector, sim__due_ms(server, COLLECT_MS));
}

/* -- the three writes -- */

static void create(struct sim_server *server, struct request *request)
{
    if (sim__find(server, request->kind, request->namespace, request->name)) {
        refuse(request, ERR_EXISTS, "already exists");
        return;
    }
    record_set_version(request->made, server->version + 1);
    put(server, NULL, request->made);
    request->result = record_ref(request->made);
    if (request->body) /* it has owners, which may have gone */
        sim__collect_later(server);
}

/* Return: the object that @request is about and may change; NULL: it has its error. */
static struct record *target(struct sim_server *server, struct request *request)
{
    struct record *record = sim__find(server, request->kind, request->namespace, request->name);
    if (!record)
        refuse(request, ERR_NOT_FOUND, "not found");
    else if (request->resource_version && !str_eq(request->resource_version, record->version_text))
        refuse(request, ERR_CONFLICT, "has another resource version");
    else if (request->uid && !str_eq(request->uid, record->uid))
        refuse(request, ERR_CONFLICT, "is another object now: the uid differs");
    return request->err ? NULL : record_ref(record);
}

static void patch(struct sim_server *server, struct request *request)
{
    AUTO_RECORD struct record *before = target(server, request);
    if (!before)
        return;
    AUTO_JSON cJSON *object = record_tree(before, &request->err);
    enum rules_change change;
    if (!object || rules_patch(object, request->kind, request->part, request->body, &change,
                               &request->err) < 0)
        return;
    if (change == RULES_SAME)
        request->result = TAKE(before);
    else if (rules_being_deleted(object) && !rules_has_finalizers(object))
        request->result = erase(server, before, object);
    else
        request->result = update(server, before, object, &request->err);
    if (request->part == STORE_MAIN && rules_owners(request->body))
        sim__collect_later(server);
}

static void remove_object(struct sim_server *server, struct request *request)
{
    AUTO_RECORD struct record *before = target(server, request);
    if (!before)
        return;
    AUTO_JSON cJSON *object = record_tree(before, &request->err);
    if (object)
        request->result = delete_object(server, before, object);
}

void sim__write(struct sim_server *server, struct request *request)
{
    if (request->err)
        return;
    if (request->op == REQUEST_CREATE)
        create(server, request);
    else if (request->op == REQUEST_PATCH)
        patch(server, request);
    else
        remove_object(server, request);
}
