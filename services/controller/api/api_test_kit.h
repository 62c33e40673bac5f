/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_API_API_TEST_KIT_H
#define KOUPLELESS_CONTROLLER_API_API_TEST_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <pthread.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/model/labels.h"
#include "lib/model/protojson.h"
#include "lib/rpc/client.h"
#include "lib/rpc/process_test_kit.h"
#include "services/controller/api/api_internal.h"
#include "services/controller/store/conformance/calls.h"
#include "services/controller/store/embedded/embedded.h"
#include "services/controller/store/embedded/test_dir.h"

/*
 * The API as a client sees it: real store, real server, real client. Requests and answers are written as
 * JSON, for that of the messages is that of the objects.
 */

#define RELEASE (&koupleless__controller__v1__release_service__descriptor)
#define INVENTORY (&koupleless__controller__v1__inventory_service__descriptor)
#define WATCHDOG_S 60
#define KIT_BASES_MAX 16

struct kit {
    char *dir;
    struct store *store;
    struct loop *loop;
    pthread_t loop_thread;
    atomic_bool scheduler_away; /* the test says so, previews ask */
    /* Instead of kit_schedule(), where the test has it; set before the first call. */
    void (*on_question)(struct kit *kit, const struct scheduling_question *question,
                        scheduling_done_fn done, void *user);
    void *test; /* the test's own */
    struct api *api;
    struct rpc_server *server;
    struct rpc_client *client;
    struct rpc_channel *channel;
};

/* -- the scheduler of previews: free bases as they come; or it is away -- */

static inline void kit_schedule(struct kit *kit, const struct scheduling_question *question,
                                scheduling_done_fn done, void *user)
{
    char *names[KIT_BASES_MAX];
    const struct revision *revision = question->revision;
    bool place = question->type == ACTION_PLACE;
    size_t count = 0, most = (size_t)question->count;
    ASSERT(most <= ARRAY_LEN(names));
    for (size_t i = 0; place && i < question->base_count && count < most; i++)
        if (base_eligible(question->bases[i], &revision->rs->spec.template) &&
            !question->bases[i]->instances.len)
            names[count++] = question->bases[i]->base->meta.name;
    for (size_t i = 0; !place && i < revision->instances.len && count < most; i++)
        names[count++] = revision->instances.items[i]->module->meta.name;
    done(user, names, count, NO_CAPACITY ": made up",
         atomic_load(&kit->scheduler_away) ? "SchedulerUnavailable: made up" : NULL);
}

static inline void kit_ask(void *context, const struct scheduling_question *question,
                           scheduling_done_fn done, void *user)
{
    struct kit *kit = context;
    (kit->on_question ? kit->on_question : kit_schedule)(kit, question, done, user);
}

/* -- set up -- */

static inline void *kit_run_loop(void *loop)
{
    loop_run(loop);
    return NULL;
}

static inline int kit_set_up(void **state)
{
    struct kit *kit = NEW(struct kit);
    AUTO_ERR struct err *err = NULL;
    kit->dir = test_dir_make();
    if (embedded_store_open(&kit->store, kit->dir, clock_real(), &err) < 0)
        fail_msg("%s", err->message);
    kit->loop = loop_new(clock_real(), LIMIT_INBOX);
    const struct api_scheduler scheduler = {kit_ask, kit};
    kit->api = api_new(kit->store, kit->loop, clock_real(), &scheduler);
    struct rpc_server_options options = {.listen = "127.0.0.1:0", .threads = 2};
    assert_int_equal(rpc_server_new(&kit->server, &options, NULL), 0);
    api_add(kit->api, kit->server);
    assert_int_equal(rpc_server_start(kit->server, NULL), 0);
    assert_int_equal(pthread_create(&kit->loop_thread, NULL, kit_run_loop, kit->loop), 0);
    AUTO_FREE char *target = mem_printf("127.0.0.1:%d", rpc_server_port(kit->server));
    struct rpc_tls plain = {0};
    kit->client = rpc_client_new();
    assert_int_equal(rpc_channel_new(&kit->channel, kit->client, target, &plain, NULL), 0);
    *state = kit;
    return 0;
}

static inline int kit_tear_down(void **state)
{
    struct kit *kit = *state;
    rpc_channel_free(kit->channel);
    rpc_client_free(kit->client);
    rpc_server_free(kit->server);
    loop_stop(kit->loop);
    pthread_join(kit->loop_thread, NULL);
    loop_turn(kit->loop);
    store_free(kit->store);
    loop_free(kit->loop);
    api_free(kit->api);
    test_dir_remove(kit->dir);
    mem_free(kit);
    return 0;
}

/* -- calls -- */

/* What came of a call: an answer or an error. */
struct outcome {
    cJSON *json;
    struct err *err;
};

static inline void outcome_done(struct outcome *outcome)
{
    json_free(outcome->json);
    err_free(outcome->err);
}

#define AUTO_OUTCOME AUTO(outcome_done) __attribute__((unused))

/** kit_request() - the request of @method as a message, from JSON text. Owned. */
static inline ProtobufCMessage *kit_request(const ProtobufCServiceDescriptor *service,
                                            const char *method, const char *text)
{
    const ProtobufCMethodDescriptor *found =
        protobuf_c_service_descriptor_get_method_by_name(service, method);
    ASSERT(found);
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, &err);
    ProtobufCMessage *message =
        json ? protojson_read(found->input, json, JSON_UNKNOWN_REFUSE, &err) : NULL;
    if (!message)
        fail_msg("%s: %s", err->message, text);
    return message;
}

static inline struct outcome kit_call(struct kit *kit, const ProtobufCServiceDescriptor *service,
                                      const char *method, const char *request)
{
    struct outcome outcome = {0};
    struct rpc_options options = {.deadline_ms = WATCHDOG_S * 1000};
    ProtobufCMessage *message = kit_request(service, method, request), *response = NULL;
    if (rpc_unary_wait(kit->channel, service, method, message, &options, &response, &outcome.err) ==
        0) {
        outcome.json = protojson_write(response);
        protobuf_c_message_free_unpacked(response, NULL);
    }
    protobuf_c_message_free_unpacked(message, NULL);
    return outcome;
}

static inline struct outcome release(struct kit *kit, const char *method, const char *request)
{
    return kit_call(kit, RELEASE, method, request);
}

static inline struct outcome inventory(struct kit *kit, const char *method, const char *request)
{
    return kit_call(kit, INVENTORY, method, request);
}

static inline void assert_ok(const struct outcome *outcome)
{
    if (outcome->err)
        fail_msg("%s: %s", err_code_name(outcome->err->code), outcome->err->message);
}

/** assert_refused() - with @code, and @detail as reason or field where it is not NULL. */
static inline void assert_refused(const struct outcome *outcome, enum err_code code,
                                  const char *detail)
{
    assert_non_null(outcome->err);
    if (outcome->err->code != code)
        fail_msg("%s instead of %s: %s", err_code_name(outcome->err->code), err_code_name(code),
                 outcome->err->message);
    if (detail && !str_eq(outcome->err->reason, detail) && !str_eq(outcome->err->field, detail))
        fail_msg("reason %s, field %s, not %s", outcome->err->reason, outcome->err->field, detail);
}

/** text_at() / number_at() - of the answer; NULL, INT_MIN-like -999 = there is none. */
static inline const char *text_at(const struct outcome *outcome, const char *path)
{
    assert_ok(outcome);
    return json_get_string(outcome->json, path);
}

static inline int number_at(const struct outcome *outcome, const char *path)
{
    assert_ok(outcome);
    const cJSON *number = json_get(outcome->json, path);
    return cJSON_IsNumber(number) ? (int)number->valuedouble : -999;
}

static inline bool true_at(const struct outcome *outcome, const char *path)
{
    assert_ok(outcome);
    return cJSON_IsTrue(json_get(outcome->json, path));
}

/* -- objects -- */

/** md_json() - a ModuleDeployment; @metadata and @spec: more members with a comma in front, or "". Owned. */
static inline char *md_json(const char *name, const char *metadata, const char *spec)
{
    return mem_printf("{\"metadata\":{\"name\":\"%s\"%s},\"spec\":{\"baseDeploymentName\":"
                      "\"stock\",\"template\":{\"spec\":{\"module\":{\"name\":\"provider\","
                      "\"version\":\"1.0.0\",\"url\":\"file:///p.jar\"}}}%s}}",
                      name, metadata, spec);
}

/** apply() - ApplyModuleDeployment of md_json(). @more: members of the request beside it, or "". */
static inline struct outcome apply(struct kit *kit, const char *name, const char *metadata,
                                   const char *spec, const char *more)
{
    AUTO_FREE char *md = md_json(name, metadata, spec);
    AUTO_FREE char *request = mem_printf("{\"moduleDeployment\":%s%s}", md, more);
    return release(kit, "ApplyModuleDeployment", request);
}

/** put() - an object, directly into the store. */
static inline void put(struct kit *kit, enum object_kind kind, const char *json)
{
    AUTO_ANSWER struct answer answer = call_create(kit->store, kind, json);
    if (answer.err)
        fail_msg("%s", answer.err->message);
}

/** patch() - one part of an object in the store, as the controller would. */
static inline void patch(struct kit *kit, enum object_kind kind, const char *name,
                         enum store_part part, const char *text)
{
    struct store_key key = {kind, "default", name};
    AUTO_ANSWER struct answer answer = call_patch(kit->store, &key, part, text, NULL);
    if (answer.err)
        fail_msg("%s", answer.err->message);
}

/** stored() - the object as it is in the store. */
static inline struct answer stored(struct kit *kit, enum object_kind kind, const char *name)
{
    struct store_key key = {kind, "default", name};
    return call_get(kit->store, &key);
}

/**
 * put_revision() - ModuleReplicaSet @name of the ModuleDeployment @owner, which is there; @module: more members of
 * its module.
 */
static inline void put_revision(struct kit *kit, const char *name, const char *owner, int number,
                                const char *module)
{
    AUTO_FREE char *json = mem_printf(
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"labels\":{\"" LABEL_REVISION
        "\":\"%d\"},\"ownerReferences\":[{\"apiVersion\":\"" API_VERSION
        "\",\"kind\":\"ModuleDeployment\",\"name\":\"%s\",\"uid\":\"u\",\"controller\":true}]},"
        "\"spec\":{\"baseDeploymentName\":\"stock\",\"replicas\":0,\"template\":{\"spec\":{"
        "\"module\":{\"name\":\"provider\",\"url\":\"file:///%s.jar\",%s}}}}}",
        name, number, owner, name, module);
    AUTO_ANSWER struct answer owner_answer = stored(kit, KIND_MODULE_DEPLOYMENT, owner);
    if (owner_answer.uid) { /* or the store would take it with its owner */
        AUTO_JSON cJSON *tree = json_parse(json, strlen(json), LIMIT_OBJECT, NULL);
        cJSON *reference = cJSON_GetArrayItem(
            cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(tree, "metadata"),
                                             "ownerReferences"),
            0);
        cJSON_ReplaceItemInObjectCaseSensitive(reference, "uid",
                                               cJSON_CreateString(owner_answer.uid));
        AUTO_FREE char *text = json_text(tree);
        put(kit, KIND_MODULE_REPLICASET, text);
    }
}

/* -- streams -- */

/* A watch whose messages are kept. */
struct stream_kit {
    struct rpc_client_call *call;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    VEC(cJSON *) messages;
    bool ended;
    struct err *err;
};

static inline void stream_on_message(void *user, const ProtobufCMessage *message)
{
    struct stream_kit *stream = user;
    pthread_mutex_lock(&stream->lock);
    VEC_PUSH(&stream->messages, protojson_write(message));
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
}

static inline void stream_on_end(void *user, const ProtobufCMessage *response,
                                 const struct err *err)
{
    (void)response;
    struct stream_kit *stream = user;
    pthread_mutex_lock(&stream->lock);
    stream->ended = true;
    stream->err = err_copy(err);
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
}

static inline void stream_start(struct kit *kit, struct stream_kit *stream,
                                const ProtobufCServiceDescriptor *service, const char *method,
                                const char *request)
{
    *stream =
        (struct stream_kit){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct rpc_options options = {0};
    ProtobufCMessage *message = kit_request(service, method, request);
    stream->call = rpc_stream(kit->channel, service, method, message, &options, stream_on_message,
                              stream_on_end, stream);
    protobuf_c_message_free_unpacked(message, NULL);
}

/* Until @count messages came (0: until it ended). The lock is held. */
static inline void stream_await(struct stream_kit *stream, size_t count)
{
    struct timespec until;
    int late = 0;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WATCHDOG_S;
    while (!late && !stream->ended && !(count && stream->messages.len >= count))
        late = pthread_cond_timedwait(&stream->changed, &stream->lock, &until);
    ASSERT(!late);
}

/** stream_next() - message @index of the stream; waits for it. Borrowed. */
static inline const cJSON *stream_next(struct stream_kit *stream, size_t index)
{
    pthread_mutex_lock(&stream->lock);
    stream_await(stream, index + 1);
    const cJSON *message = stream->messages.len > index ? stream->messages.items[index] : NULL;
    pthread_mutex_unlock(&stream->lock);
    if (!message)
        fail_msg("the stream ended before message %zu: %s", index,
                 stream->err ? stream->err->message : "without error");
    return message;
}

/** stream_wait_end() - until the other side ended it. Return: why, or NULL; borrowed. */
static inline const struct err *stream_wait_end(struct stream_kit *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream_await(stream, 0);
    pthread_mutex_unlock(&stream->lock);
    return stream->err;
}

/** stream_stop() - ends it from this side where it runs still, and frees what it holds. */
static inline void stream_stop(struct stream_kit *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool ended = stream->ended;
    pthread_mutex_unlock(&stream->lock);
    if (!ended)
        rpc_cancel(stream->call);
    (void)stream_wait_end(stream);
    for (size_t i = 0; i < stream->messages.len; i++)
        json_free(stream->messages.items[i]);
    VEC_DONE(&stream->messages);
    err_free(stream->err);
}

#endif
