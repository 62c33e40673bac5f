/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube-probe KUBECONFIG: our Kubernetes client, driven from outside. One request per line of stdin, one answer or
 * event per line of stdout:
 *
 *   {"id":1,"verb":"get","version":"v1","plural":"pods","namespace":"shop","name":"p"}
 *   {"id":1,"status":200,"body":{...}}
 *   {"id":1,"error":"NOT_FOUND","message":"...","field":null}
 *   {"id":2,"verb":"watch","version":"v1","plural":"pods","resourceVersion":"7"}     {"id":2,"verb":"stop"}
 *   {"id":2,"event":"ADDED","object":{...}}
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/str.h"
#include "lib/kube/client.h"

struct order {
    int64_t id;
    char *verb, *group, *version, *plural, *namespace, *name, *subresource, *body;
    char *labels, *fields, *token, *resource_version, *version_match, *manager;
    int32_t limit;
    int64_t timeout_ms;
    bool force, dry_run;
};

static const struct json_field fields[] = {
    JSON_FIELD(struct order, "id", JSON_INT64, id, JSON_REQUIRED),
    JSON_FIELD(struct order, "verb", JSON_STRING, verb, JSON_REQUIRED),
    JSON_FIELD(struct order, "group", JSON_STRING, group, 0),
    JSON_FIELD(struct order, "version", JSON_STRING, version, 0),
    JSON_FIELD(struct order, "plural", JSON_STRING, plural, 0),
    JSON_FIELD(struct order, "namespace", JSON_STRING, namespace, 0),
    JSON_FIELD(struct order, "name", JSON_STRING, name, 0),
    JSON_FIELD(struct order, "subresource", JSON_STRING, subresource, 0),
    JSON_FIELD(struct order, "body", JSON_TEXT, body, 0),
    JSON_FIELD(struct order, "labelSelector", JSON_STRING, labels, 0),
    JSON_FIELD(struct order, "fieldSelector", JSON_STRING, fields, 0),
    JSON_FIELD(struct order, "continue", JSON_STRING, token, 0),
    JSON_FIELD(struct order, "resourceVersion", JSON_STRING, resource_version, 0),
    JSON_FIELD(struct order, "resourceVersionMatch", JSON_STRING, version_match, 0),
    JSON_FIELD(struct order, "fieldManager", JSON_STRING, manager, 0),
    JSON_FIELD(struct order, "limit", JSON_INT32, limit, 0),
    JSON_FIELD(struct order, "timeoutMs", JSON_INT64, timeout_ms, 0),
    JSON_FIELD(struct order, "force", JSON_BOOL, force, 0),
    JSON_FIELD(struct order, "dryRun", JSON_BOOL, dry_run, 0),
    JSON_END,
};

static const char *const verbs[] = {
    [KUBE_GET] = "get",
    [KUBE_LIST] = "list",
    [KUBE_CREATE] = "create",
    [KUBE_UPDATE] = "update",
    [KUBE_MERGE_PATCH] = "mergePatch",
    [KUBE_JSON_PATCH] = "jsonPatch",
    [KUBE_APPLY] = "apply",
    [KUBE_DELETE] = "delete",
};

/* -- out -- */

/* The line of @json, whole and at once; frees it. Any thread. */
static void say(cJSON *json)
{
    AUTO_FREE char *text = json_text(json);
    flockfile(stdout);
    (void)fputs(text, stdout);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
    funlockfile(stdout);
    json_free(json);
}

static void say_error(cJSON *json, const struct err *err)
{
    cJSON_AddStringToObject(json, "error", err_code_name(err->code));
    cJSON_AddStringToObject(json, "message", err->message);
    if (err->field)
        cJSON_AddStringToObject(json, "field", err->field);
    say(json);
}

static cJSON *of(int64_t id)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "id", (double)id);
    return json;
}

static void on_done(void *user, const struct kube_answer *answer, const struct err *err)
{
    int64_t *id = user;
    cJSON *json = of(*id);
    if (err) {
        say_error(json, err);
    } else {
        cJSON_AddNumberToObject(json, "status", answer->status);
        cJSON_AddItemToObject(json, "body", cJSON_Parse(answer->body));
        say(json);
    }
    mem_free(id);
}

static void on_event(void *user, const struct kube_event *event)
{
    static const char *const names[] = {"ADDED",  "MODIFIED", "DELETED", "BOOKMARK",
                                        "LISTED", "EXPIRED",  "TROUBLE", "WATCHING"};
    cJSON *json = of(*(const int64_t *)user);
    cJSON_AddStringToObject(json, "event", names[event->type]);
    if (event->object)
        cJSON_AddItemToObject(json, "object",
                              cJSON_ParseWithLength(event->object, event->object_bytes));
    if (event->err)
        say_error(json, event->err);
    else
        say(json);
}

/* -- in -- */

struct running {
    int64_t id;
    struct kube_watch *watch;
};

static void start_watch(struct kube_client *client, struct map *watches, const struct order *order,
                        const struct kube_path *path)
{
    const struct kube_watch_request request = {.path = *path,
                                               .label_selector = order->labels,
                                               .field_selector = order->fields,
                                               .resource_version = order->resource_version};
    struct running *running = NEW(struct running);
    AUTO_FREE char *key = mem_printf("%lld", (long long)order->id);
    running->id = order->id;
    running->watch = kube_watch(client, &request, on_event, &running->id);
    map_put(watches, key, running);
}

static void stop_watch(struct kube_client *client, struct map *watches, const char *key)
{
    struct running *running = map_remove(watches, key);
    if (!running)
        return;
    kube_watch_stop(client, running->watch);
    mem_free(running);
}

static void send(struct kube_client *client, const struct order *order,
                 const struct kube_path *path)
{
    struct kube_request request = {
        .path = *path,
        .body = order->body,
        .label_selector = order->labels,
        .field_selector = order->fields,
        .limit = order->limit,
        .continue_token = order->token,
        .resource_version = order->resource_version,
        .resource_version_match = order->version_match,
        .field_manager = order->manager,
        .force = order->force,
        .dry_run = order->dry_run,
        .timeout_ms = order->timeout_ms,
    };
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (!str_eq(order->verb, verbs[i]))
            continue;
        int64_t *id = NEW(int64_t);
        *id = order->id;
        request.verb = (enum kube_verb)i;
        kube_send(client, &request, on_done, id);
        return;
    }
    UNREACHABLE("a test knows the verbs");
}

static void obey(struct kube_client *client, struct map *watches, const struct order *order)
{
    const struct kube_resource resource = {.group = order->group ? order->group : "",
                                           .version = order->version,
                                           .plural = order->plural,
                                           .kind = ""};
    const struct kube_path path = {&resource, order->namespace, order->name, order->subresource};
    AUTO_FREE char *key = mem_printf("%lld", (long long)order->id);
    if (str_eq(order->verb, "stop")) {
        stop_watch(client, watches, key);
        say(of(order->id));
    } else if (str_eq(order->verb, "watch")) {
        start_watch(client, watches, order, &path);
    } else {
        send(client, order, &path);
    }
}

static void read_orders(struct kube_client *client)
{
    struct map watches = {0};
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t len; (len = getline(&line, &cap, stdin)) > 0;) {
        struct order order = {0};
        AUTO_ERR struct err *err = NULL;
        AUTO_JSON cJSON *json = json_parse(line, (size_t)len, LIMIT_MIB(16), &err);
        if (!json || json_read(fields, json, "", JSON_UNKNOWN_REFUSE, &order, &err) != 0) {
            say_error(of(0), err);
            continue;
        }
        obey(client, &watches, &order);
        json_release(fields, &order);
    }
    free(line);
    while (watches.len > 0) {
        AUTO_FREE char *key = mem_strdup(watches.entries[0].key);
        stop_watch(client, &watches, key);
    }
    map_done(&watches);
}

int main(int argc, char **argv)
{
    struct kube_config config = {0};
    struct kube_client *client = NULL;
    AUTO_ERR struct err *err = NULL;
    (void)signal(SIGPIPE, SIG_IGN);
    struct log *log = log_new(STDERR_FILENO, LOG_DEBUG, LOG_TEXT, clock_real());
    if (argc != 2 || kube_config_load(argv[1], NULL, &config, &err) != 0 ||
        kube_client_new(&client, &config, "kube-probe", log, &err) != 0) {
        (void)fprintf(stderr, "kube-probe KUBECONFIG: %s\n", err ? err->message : "");
        return EXIT_FAILURE;
    }
    read_orders(client);
    kube_client_free(client);
    kube_config_done(&config);
    log_free(log);
    return EXIT_SUCCESS;
}
