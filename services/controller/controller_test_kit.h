/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_CONTROLLER_TEST_KIT_H
#define KOUPLELESS_CONTROLLER_CONTROLLER_TEST_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sched.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/controller_internal.h"

/*
 * What the tests of the controller's shell share: objects as documents, a clock that stands still until
 * it is told to go on, and turns of a loop until a state is reached.
 */

#define KIT_WATCHDOG_MS 60000 /* longer than anything here takes; then the test fails */
#define KIT_WALL_MS 1790000000000

/* -- the clock: read from any thread, advanced by the test's -- */

struct kit_clock {
    struct clock clock;
    int64_t mono_ms;
};

static inline int64_t kit_mono_ms(struct clock *clock)
{
    return __atomic_load_n(&CONTAINER_OF(clock, struct kit_clock, clock)->mono_ms,
                           __ATOMIC_ACQUIRE);
}

static inline int64_t kit_wall_ms(struct clock *clock)
{
    return KIT_WALL_MS + kit_mono_ms(clock);
}

static inline void kit_clock_init(struct kit_clock *clock)
{
    *clock = (struct kit_clock){{kit_mono_ms, kit_wall_ms}, 1000000};
}

static inline void kit_clock_advance(struct kit_clock *clock, int64_t ms)
{
    __atomic_fetch_add(&clock->mono_ms, ms, __ATOMIC_ACQ_REL);
}

/* -- waiting -- */

typedef bool (*kit_condition)(void *user);

/** kit_turn_until() - turns of @loop on this thread until @holds; fails the test when the watchdog's time is over. */
static inline void kit_turn_until(struct loop *loop, kit_condition holds, void *user,
                                  const char *what)
{
    int64_t late_ms = clock_mono_ms(clock_real()) + KIT_WATCHDOG_MS;
    for (loop_turn(loop); !holds(user); loop_turn(loop)) {
        if (clock_mono_ms(clock_real()) > late_ms)
            fail_msg("did not come about: %s", what);
        sched_yield();
    }
}

/** kit_executor_done() - what @controller, which carried out plans without informers, holds. */
static inline void kit_executor_done(struct controller *controller)
{
    executor_free(controller);
    setbacks_free(controller);
    event_ledger_done(&controller->events);
    cache_done(&controller->cache);
    workqueue_free(controller->queue);
    loop_free(controller->loop);
}

/* -- objects; @more is JSON of further members with a comma in front, or "" -- */

#define KIT_MODULE "\"name\":\"provider\",\"url\":\"file:///provider.jar\""

/** kit_metadata() - the members of metadata; @owner: "Kind/name/uid" or NULL. Owned. */
static inline char *kit_metadata(const char *name, const char *uid, int version, const char *owner,
                                 const char *more)
{
    char kind[32] = "", owner_name[64] = "", owner_uid[64] = "";
    AUTO_FREE char *reference = NULL;
    if (owner) {
        const char *first = strchr(owner, '/'), *last = strrchr(owner, '/');
        ASSERT(first && last > first);
        memcpy(kind, owner, (size_t)(first - owner));
        memcpy(owner_name, first + 1, (size_t)(last - first - 1));
        memcpy(owner_uid, last + 1, strlen(last));
        reference = mem_printf(",\"ownerReferences\":[{\"apiVersion\":\"" API_VERSION
                               "\",\"kind\":\"%s\",\"name\":\"%s\",\"uid\":\"%s\","
                               "\"controller\":true}]",
                               kind, owner_name, owner_uid);
    }
    return mem_printf("\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"uid\":\"%s\","
                      "\"generation\":1,\"creationTimestamp\":\"2026-01-01T00:00:00Z\","
                      "\"resourceVersion\":\"%d\"%s%s}",
                      name, uid, version, reference ? reference : "", more);
}

/** kit_deployment() - a ModuleDeployment of module provider on base Deployment "stock"; uid "u-NAME". Owned. */
static inline char *kit_deployment(const char *name, int version, const char *metadata_more,
                                   const char *spec_more)
{
    AUTO_FREE char *uid = mem_printf("u-%s", name);
    AUTO_FREE char *metadata = kit_metadata(name, uid, version, NULL, metadata_more);
    return mem_printf("{%s,\"spec\":{\"baseDeploymentName\":\"stock\",\"template\":{\"spec\":{"
                      "\"module\":{" KIT_MODULE ",\"version\":\"1.0.0\"}}}%s}}",
                      metadata, spec_more);
}

/** kit_replicaset() - revision @name of the ModuleDeployment @owner; uid "u-NAME". Owned. */
static inline char *kit_replicaset(const char *name, int version, const char *owner,
                                   const char *module_version)
{
    AUTO_FREE char *uid = mem_printf("u-%s", name);
    AUTO_FREE char *reference = mem_printf("ModuleDeployment/%s/u-%s", owner, owner);
    AUTO_FREE char *metadata = kit_metadata(name, uid, version, reference, "");
    return mem_printf("{%s,\"spec\":{\"baseDeploymentName\":\"stock\",\"replicas\":1,\"template\":{"
                      "\"spec\":{\"module\":{" KIT_MODULE ",\"version\":\"%s\"}}}}}",
                      metadata, module_version);
}

/** kit_module() - Module @name of the ModuleReplicaSet @rs on @base; uids "u-...". Owned. */
static inline char *kit_module(const char *name, int version, const char *rs, const char *base,
                               const char *metadata_more, const char *spec_more, const char *phase)
{
    AUTO_FREE char *uid = mem_printf("u-%s", name);
    AUTO_FREE char *reference = mem_printf("ModuleReplicaSet/%s/u-%s", rs, rs);
    AUTO_FREE char *metadata = kit_metadata(name, uid, version, reference, metadata_more);
    return mem_printf("{%s,\"spec\":{\"module\":{" KIT_MODULE ",\"version\":\"1.0.0\"},"
                      "\"baseName\":\"%s\",\"baseUid\":\"u-%s\"%s},\"status\":{\"status\":\"%s\"}}",
                      metadata, base, base, spec_more, phase);
}

/** kit_base() - a base of Deployment @deployment; its agent is at @agent. Owned. */
static inline char *kit_base(const char *name, int version, const char *deployment,
                             const char *agent, const char *phase, const char *metadata_more)
{
    AUTO_FREE char *uid = mem_printf("u-%s", name);
    AUTO_FREE char *metadata = kit_metadata(name, uid, version, NULL, metadata_more);
    return mem_printf("{%s,\"spec\":{\"deployment\":\"%s\",\"ip\":\"10.0.0.1\","
                      "\"agentAddress\":\"%s\"},\"status\":{\"phase\":\"%s\"}}",
                      metadata, deployment, agent, phase);
}

/** kit_apply() - hands an object to @cache as the store would, which must take it. */
static inline void kit_apply(struct cache *cache, enum object_kind kind, char *json_taken)
{
    AUTO_FREE char *text = json_taken;
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, &err);
    if (!json)
        fail_msg("%s: %s", err->message, text);
    struct document document = {
        .kind = kind,
        .namespace = "default",
        .name = json_get_string(json, "metadata.name"),
        .uid = json_get_string(json, "metadata.uid"),
        .resource_version = json_get_string(json, "metadata.resourceVersion"),
        .json = text,
        .json_len = strlen(text),
    };
    if (cache_apply(cache, &document, false, &err) < 0)
        fail_msg("%s", err->message);
}

/** kit_remove() - tells @cache that an object is gone. */
static inline void kit_remove(struct cache *cache, enum object_kind kind, const char *name)
{
    struct document document = {
        .kind = kind, .namespace = "default", .name = name, .json = "{}", .json_len = 2};
    assert_int_equal(cache_apply(cache, &document, true, NULL), 0);
}

static inline struct deployment *kit_get_deployment(struct cache *cache, const char *name)
{
    AUTO_FREE char *key = object_key("default", name);
    return map_get(&cache->deployments, key);
}

static inline struct cached_revision *kit_get_revision(struct cache *cache, const char *name)
{
    AUTO_FREE char *key = object_key("default", name);
    return map_get(&cache->revisions, key);
}

static inline struct cached_instance *kit_get_instance(struct cache *cache, const char *name)
{
    AUTO_FREE char *key = object_key("default", name);
    return map_get(&cache->instances, key);
}

static inline struct cached_base *kit_get_base(struct cache *cache, const char *name)
{
    AUTO_FREE char *key = object_key("default", name);
    return map_get(&cache->bases, key);
}

#endif
