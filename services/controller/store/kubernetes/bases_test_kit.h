/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_BASES_TEST_KIT_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_BASES_TEST_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/store/kubernetes/bases.h"

/*
 * An API server that does what a test says: lib/kube/client.h is defined here, and requests and watches wait
 * until the test answers them. They are named as "LIST pods app=stock", "PATCH pods/p-1 BODY", "WATCH deployments
 * metadata.name=stock from 7", or "from list 1" (2, ...). It offers no streaming lists where a test does not say so. Everything
 * that is told is noted, so that a test waits for what has to come.
 */
#define API_REQUESTS 32
#define API_WATCHDOG_MS 30000
#define API_WALL_MS 1790000000000

struct api_request {
    char *name;
    kube_done_fn done;
    void *user;
};

struct kube_watch {
    char *name;
    kube_event_fn on_event;
    void *user;
};

struct kube_client {
    pthread_mutex_t mutex;
    struct clock clock;
    int64_t mono_ms; /* atomic */
    struct api_request requests[API_REQUESTS];
    size_t request_count;
    struct kube_watch *watches[API_REQUESTS];
    size_t watch_count;
    struct str told; /* what watchers, followers and callers were told, "; " after each */
    struct bases *bases;
    bool streams; /* offers streaming lists */
    int lists;    /* of them, asked for */
};

/* -- lib/kube/client.h -- */

void kube_send(struct kube_client *client, const struct kube_request *request, kube_done_fn done,
               void *user)
{
    const char *verb = request->verb == KUBE_LIST ? "LIST" : "PATCH";
    const char *selector = request->label_selector   ? request->label_selector
                           : request->field_selector ? request->field_selector
                                                     : "";
    pthread_mutex_lock(&client->mutex);
    assert_true(client->request_count < API_REQUESTS);
    client->requests[client->request_count++] = (struct api_request){
        .name = mem_printf(
            "%s %s%s%s %s%s%s%s", verb, request->path.resource->plural,
            request->path.name ? "/" : "", request->path.name ? request->path.name : "", selector,
            request->body ? request->body : "", request->continue_token ? " after " : "",
            request->continue_token ? request->continue_token : ""),
        .done = done,
        .user = user,
    };
    pthread_mutex_unlock(&client->mutex);
}

struct kube_watch *kube_watch(struct kube_client *client, const struct kube_watch_request *request,
                              kube_event_fn on_event, void *user)
{
    struct kube_watch *watch = NEW(struct kube_watch);
    AUTO_FREE char *list = mem_printf("list %d", request->resource_version ? 0 : ++client->lists);
    *watch = (struct kube_watch){
        .name =
            mem_printf("WATCH %s %s from %s", request->path.resource->plural,
                       request->label_selector ? request->label_selector : request->field_selector,
                       request->resource_version ? request->resource_version : list),
        .on_event = on_event,
        .user = user,
    };
    pthread_mutex_lock(&client->mutex);
    client->watches[client->watch_count++] = watch;
    pthread_mutex_unlock(&client->mutex);
    if (!request->resource_version && !client->streams)
        on_event(user, &(struct kube_event){.type = KUBE_EXPIRED});
    return watch;
}

void kube_watch_stop(struct kube_client *client, struct kube_watch *watch)
{
    pthread_mutex_lock(&client->mutex);
    for (size_t i = 0; i < client->watch_count; i++)
        if (client->watches[i] == watch)
            client->watches[i--] = client->watches[--client->watch_count];
    pthread_mutex_unlock(&client->mutex);
    mem_free(watch->name);
    mem_free(watch);
}

/* -- time, and waiting -- */

static inline int64_t api_mono_ms(struct clock *clock)
{
    return __atomic_load_n(&CONTAINER_OF(clock, struct kube_client, clock)->mono_ms,
                           __ATOMIC_ACQUIRE);
}

static inline int64_t api_wall_ms(struct clock *clock)
{
    return API_WALL_MS + api_mono_ms(clock);
}

static inline void api_patience(int64_t until_ms, const char *what)
{
    if (clock_mono_ms(clock_real()) > until_ms)
        fail_msg("did not come about: %s", what);
    sched_yield();
}

#define API_WAIT(holds, what)                                                                      \
    for (int64_t until_ms_ = clock_mono_ms(clock_real()) + API_WATCHDOG_MS; !(holds);)             \
    api_patience(until_ms_, (what))

/* -- what is told -- */

static inline void api_note(struct kube_client *api, const char *what)
{
    pthread_mutex_lock(&api->mutex);
    str_printf(&api->told, "%s; ", what);
    pthread_mutex_unlock(&api->mutex);
}

static inline bool api_has_told(struct kube_client *api, const char *what)
{
    pthread_mutex_lock(&api->mutex);
    bool has = strstr(str_text(&api->told), what) != NULL;
    pthread_mutex_unlock(&api->mutex);
    return has;
}

/** api_wait_told() - until @what is among what was told; everything before it is forgotten. */
static inline void api_wait_told(struct kube_client *api, const char *what)
{
    API_WAIT(api_has_told(api, what), what);
    pthread_mutex_lock(&api->mutex);
    AUTO_FREE char *rest = mem_strdup(strstr(str_text(&api->told), what) + strlen(what));
    str_clear(&api->told);
    str_add(&api->told, rest);
    pthread_mutex_unlock(&api->mutex);
}

/** api_wait_told_both() - in either order, as different threads tell them; everything till then is forgotten. */
static inline void api_wait_told_both(struct kube_client *api, const char *one, const char *other)
{
    API_WAIT(api_has_told(api, one) && api_has_told(api, other), one);
    pthread_mutex_lock(&api->mutex);
    str_clear(&api->told);
    pthread_mutex_unlock(&api->mutex);
}

static inline void api_on_event(void *user, enum store_event_type type,
                                const struct document *document)
{
    static const char *const names[] = {"ADDED",    "MODIFIED", "DELETED",
                                        "BOOKMARK", "LISTED",   "EXPIRED"};
    AUTO_JSON cJSON *json = document && document->json
                                ? cJSON_ParseWithLength(document->json, document->json_len)
                                : NULL;
    const char *phase = json ? json_get_string(json, "status.phase") : NULL;
    const char *reason = json ? json_get_string(json, "status.reason") : NULL;
    AUTO_FREE char *text = mem_printf("%s %s %s%s%s", names[type], json ? document->name : "",
                                      phase ? phase : "", reason ? " " : "", reason ? reason : "");
    api_note(user, text);
}

static inline void api_on_state(void *user, const char *namespace, const char *deployment,
                                const struct followed *state)
{
    assert_string_equal(namespace, "shop");
    assert_true(!state->message == (state->listed && state->found));
    AUTO_FREE char *text = mem_printf("%s %s %s", deployment, state->listed ? "listed" : "unlisted",
                                      state->found ? "found" : "absent");
    api_note(user, text);
}

static inline void api_on_done(void *user, const struct document *document, const struct err *err)
{
    AUTO_JSON cJSON *json =
        document ? cJSON_ParseWithLength(document->json, document->json_len) : NULL;
    const char *phase = json ? json_get_string(json, "status.phase") : NULL;
    AUTO_FREE char *text = err ? mem_printf("done %s", err_code_name(err->code))
                               : mem_printf("done %s %s", document->name, phase ? phase : "");
    api_note(user, text);
}

static inline void api_on_list(void *user, const struct store_list *list, const struct err *err)
{
    struct str text = STR_INIT(LIMIT_KIB(8));
    str_printf(&text, "list%s", err ? " " : "");
    str_add(&text, err ? err_code_name(err->code) : "");
    for (size_t i = 0; list && i < list->len; i++)
        str_printf(&text, " %s", list->items[i].name);
    if (list && list->continue_token)
        str_printf(&text, " then %s", strchr(list->continue_token, '/'));
    api_note(user, str_text(&text));
    str_done(&text);
}

/* -- answers -- */

static inline bool api_take(struct kube_client *api, const char *name, struct api_request *out)
{
    bool found = false;
    pthread_mutex_lock(&api->mutex);
    for (size_t i = 0; i < api->request_count && !found; i++)
        if ((found = str_starts_with(api->requests[i].name, name))) {
            *out = api->requests[i];
            api->request_count--;
            memmove(&api->requests[i], &api->requests[i + 1],
                    (api->request_count - i) * sizeof(*out));
        }
    pthread_mutex_unlock(&api->mutex);
    return found;
}

#define API_OTHER_UID ERR_CODE_MAX_ /* a patch of another Pod of this name */

/** api_answer() - waits for the request whose name begins with @name, and answers @json, or @code where that is NULL. */
static inline void api_answer(struct kube_client *api, const char *name, const char *json,
                              enum err_code code)
{
    struct api_request request;
    API_WAIT(api_take(api, name, &request), name);
    AUTO_ERR struct err *err = NULL;
    struct kube_answer answer = {200, json, json ? strlen(json) : 0};
    if (code == API_OTHER_UID)
        err_field(&err, "metadata.uid", "field is immutable");
    else if (!json)
        err_set(&err, code, "as the test says");
    request.done(request.user, json ? &answer : NULL, err);
    mem_free(request.name);
}

static inline struct kube_watch *api_find_watch(struct kube_client *api, const char *name)
{
    struct kube_watch *found = NULL;
    pthread_mutex_lock(&api->mutex);
    for (size_t i = 0; i < api->watch_count; i++)
        if (str_starts_with(api->watches[i]->name, name))
            found = api->watches[i];
    pthread_mutex_unlock(&api->mutex);
    return found;
}

static inline void api_event(struct kube_client *api, const char *name, enum kube_event_type type,
                             const char *json)
{
    struct kube_watch *watch;
    API_WAIT((watch = api_find_watch(api, name)), name);
    const struct kube_event event = {type, json, json ? strlen(json) : 0, NULL};
    watch->on_event(watch->user, &event);
}

/* -- objects -- */

#define DEPLOYMENT(labels)                                                                         \
    "{\"metadata\":{\"name\":\"stock\"},\"spec\":{\"selector\":{\"matchLabels\":{" labels "}}}}"
#define STOCK DEPLOYMENT("\"app\":\"stock\"")
#define LIST_OF(version, items)                                                                    \
    "{\"metadata\":{\"resourceVersion\":\"" version "\"},\"items\":[" items "]}"
#define POD_IN(namespace, name, uid, version, labels, status)                                      \
    "{\"metadata\":{\"name\":\"" name                                                              \
    "\",\"namespace\":\"" namespace "\",\"uid\":\"" uid "\",\"resourceVersion\":\"" version        \
                                    "\",\"labels\":{" labels "}},\"status\":{" status "}}"
#define POD_STATUS(name, uid, version, labels, status)                                             \
    POD_IN("shop", name, uid, version, labels, status)
#define CONDITION(value) "\"conditions\":[{\"type\":\"Ready\",\"status\":\"" value "\"}]"
#define RUNS "\"phase\":\"Running\",\"podIP\":\"10.0.0.1\","
#define POD(name, uid, version)                                                                    \
    POD_STATUS(name, uid, version, "\"app\":\"stock\"", RUNS CONDITION("True"))
#define SERVING_POD(name, uid, version)                                                            \
    POD_STATUS(name, uid, version,                                                                 \
               "\"app\":\"stock\",\"module.koupleless.alipay.com/pay\":\"true\"",                  \
               RUNS CONDITION("True"))
#define END_TRAFFIC(name, uid)                                                                     \
    "PATCH pods/" name " {\"metadata\":{\"uid\":\"" uid                                            \
    "\",\"labels\":{\"module.koupleless.alipay.com/pay\":null}}}"
#define SICK_POD(name, uid, version)                                                               \
    POD_STATUS(name, uid, version, "\"app\":\"stock\"", RUNS CONDITION("False"))

/* -- set up -- */

static inline int api_set_up(void **state)
{
    struct kube_client *api = NEW(struct kube_client);
    pthread_mutex_init(&api->mutex, NULL);
    api->clock = (struct clock){api_mono_ms, api_wall_ms};
    api->mono_ms = 1000;
    api->told = STR_INIT(LIMIT_MIB(1));
    const struct kubernetes_options options = {.client = api, .clock = &api->clock};
    api->bases = bases_new(&options);
    *state = api;
    return 0;
}

static inline int api_tear_down(void **state)
{
    struct kube_client *api = *state;
    bases_free(api->bases);
    assert_int_equal(api->watch_count, 0);
    assert_int_equal(api->request_count, 0);
    str_done(&api->told);
    pthread_mutex_destroy(&api->mutex);
    mem_free(api);
    return 0;
}

static inline struct bases_watch *api_watch(struct kube_client *api, const char *version)
{
    AUTO_FREE char *now = mem_printf("%lld", (long long)api_wall_ms(&api->clock));
    const struct store_query query = {.kind = KIND_BASE};
    return bases_watch(api->bases, &query, version ? version : now, api_on_event, api);
}

static inline void api_follow(struct kube_client *api)
{
    bases_follow(api->bases, "shop", "stock", api_on_state, api);
}

/** api_follow_pods() - follows "stock", which has these Pods, until that is told. */
static inline void api_follow_pods(struct kube_client *api, const char *pods)
{
    api_follow(api);
    api_answer(api, "LIST deployments metadata.name=stock", LIST_OF("7", STOCK), 0);
    api_answer(api, "LIST pods app=stock", pods, 0);
    api_wait_told(api, "stock listed found; ");
}

static inline void api_get(struct kube_client *api, const char *name)
{
    const struct store_key key = {KIND_BASE, "shop", name};
    bases_get(api->bases, &key, api_on_done, api);
}

static inline void api_patch(struct kube_client *api, enum store_part part, const char *patch,
                             const char *version)
{
    const struct store_key key = {KIND_BASE, "shop", "p-1"};
    bases_patch(api->bases, &key, part, patch, version, api_on_done, api);
}

static inline void api_list(struct kube_client *api, int32_t limit, const char *token)
{
    const struct store_query query = {.kind = KIND_BASE, .limit = limit, .continue_token = token};
    bases_list(api->bases, &query, api_on_list, api);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_set_up, api_tear_down)

#endif
