/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bases of one Deployment, as the store on a real API server shows them:
 *
 *     KUBECONFIG=FILE watch_bases NAMESPACE DEPLOYMENT
 *
 * Each thing that is told is a line: "state listed found", "ADDED NAME PHASE REASON", "reported NAME", "labelled
 * NAME", "removed NAME", "failed CODE". Lines of the input are calls: "report NAME PHASE", "label NAME VALUE",
 * "remove NAME"; its end is the end.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/json.h"
#include "lib/base/str.h"
#include "services/controller/store/kubernetes/kubernetes.h"

static const char *or_dash(const char *text)
{
    return str_empty(text) ? "-" : text;
}

static void on_event(void *user, enum store_event_type type, const struct document *document)
{
    static const char *const names[] = {"ADDED", "MODIFIED", "DELETED"};
    (void)user;
    if (type > STORE_DELETED)
        return;
    AUTO_JSON cJSON *json = cJSON_ParseWithLength(document->json, document->json_len);
    (void)printf("%s %s %s %s %s\n", names[type], document->name,
                 or_dash(json_get_string(json, "status.phase")),
                 or_dash(json_get_string(json, "status.reason")),
                 or_dash(json_get_string(json, "spec.agentAddress")));
}

static void on_state(void *user, const char *namespace, const char *deployment,
                     const struct followed *state)
{
    (void)user;
    (void)namespace;
    (void)deployment;
    (void)printf("state %s %s\n", state->listed ? "listed" : "unlisted",
                 state->found ? "found" : "absent");
}

static void on_done(void *user, const struct document *document, const struct err *err)
{
    const char *what = user;
    if (err)
        (void)printf("failed %s\n", err_code_name(err->code));
    else
        (void)printf("%s %s\n", what, document->name);
}

static void on_list(void *user, const struct store_list *list, const struct err *err)
{
    char **version = user;
    __atomic_store_n(version, err ? NULL : mem_strdup(list->resource_version), __ATOMIC_RELEASE);
}

/* A line of the input: at most three words. */
static void call(struct store *store, const char *namespace, char *line)
{
    static char reported[] = "reported", labelled[] = "labelled", removed[] = "removed";
    char *rest = line;
    const char *what = strsep(&rest, " \n"), *name = strsep(&rest, " \n");
    const char *value = rest ? strsep(&rest, " \n") : NULL;
    const struct store_key key = {KIND_BASE, namespace, name};
    AUTO_FREE char *status = mem_printf("{\"status\":{\"phase\":\"%s\"}}", or_dash(value));
    AUTO_FREE char *label =
        mem_printf("{\"metadata\":{\"labels\":{\"module.koupleless.alipay.com/pay\":\"%s\"}}}",
                   or_dash(value));
    if (str_eq(what, "report"))
        store_patch(store, &key, STORE_STATUS, status, NULL, on_done, reported);
    else if (str_eq(what, "label"))
        store_patch(store, &key, STORE_MAIN, label, NULL, on_done, labelled);
    else
        store_remove(store, &key, NULL, NULL, on_done, removed);
}

static void serve(struct store *store, const char *namespace, const char *deployment)
{
    char *version = NULL, line[512];
    const struct store_query query = {.kind = KIND_BASE};
    store_list(store, &query, on_list, &version);
    while (!__atomic_load_n(&version, __ATOMIC_ACQUIRE))
        (void)usleep(1000);
    struct store_watch *watch = store_watch(store, &query, version, on_event, NULL);
    store_follow_bases(store, namespace, deployment, on_state, NULL);
    while (fgets(line, sizeof(line), stdin))
        call(store, namespace, line);
    store_unfollow_bases(store, namespace, deployment);
    store_watch_stop(store, watch);
    mem_free(version);
}

int main(int argc, char *argv[])
{
    AUTO_ERR struct err *err = NULL;
    struct kube_config config = {0};
    struct kube_client *client = NULL;
    struct log *log = log_new(STDERR_FILENO, LOG_WARN, LOG_TEXT, clock_real());
    if (argc != 3 || kube_config_load(NULL, NULL, &config, &err) < 0 ||
        kube_client_new(&client, &config, "watch_bases", log, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err ? err->message : "usage: watch_bases NS DEPLOYMENT");
        return 2;
    }
    kube_config_done(&config);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    const struct kubernetes_options options = {.client = client, .clock = clock_real(), .log = log};
    struct store *store = kubernetes_store_new(&options);
    serve(store, argv[1], argv[2]);
    store_free(store);
    kube_client_free(client);
    log_free(log);
    return 0;
}
