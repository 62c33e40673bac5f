/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance suite of stores, on a real API server with the custom resources applied:
 *
 *     KUBECONFIG=FILE CONFORMANCE_NAMESPACES="x-2 x" conformance_kubernetes [CASE]
 *
 * What is in the two namespaces is removed before each case. CASE: a pattern of cmocka, for one case.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/controller/store/conformance/cases.h"
#include "services/controller/store/kubernetes/kubernetes.h"

struct subject {
    struct conformance conformance;
    struct kube_client *client;
    struct log *log;
};

static const enum object_kind kinds[] = {KIND_MODULE_DEPLOYMENT, KIND_MODULE_REPLICASET,
                                         KIND_MODULE, KIND_MODULE_TEMPLATE, KIND_EVENT};

/* Gone where it returns: nothing of the case before may be in the way of the next. */
static void clear_object(struct store *store, enum object_kind kind, const char *namespace,
                         const char *name)
{
    struct store_key key = {kind, namespace, name};
    AUTO_ANSWER struct answer freed =
        call_patch(store, &key, STORE_MAIN, "{\"metadata\":{\"finalizers\":null}}", NULL);
    AUTO_ANSWER struct answer removed = call_remove(store, &key, NULL, NULL);
    if (removed.err && removed.err->code != ERR_NOT_FOUND)
        fail_msg("%s %s stays: %s", kind_name(kind), name, removed.err->message);
}

static void clear(struct store *store, enum object_kind kind)
{
    struct store_query query = {.kind = kind};
    AUTO_LISTING struct listing listing = call_list(store, &query);
    if (listing.err)
        fail_msg("%s", listing.err->message);
    char *rest = listing.names;
    for (char *at; (at = strsep(&rest, " ")) && *at;) {
        char *slash = strchr(at, '/');
        *slash = '\0';
        clear_object(store, kind, at, slash + 1);
    }
}

static void make(struct conformance *conformance)
{
    struct subject *subject = CONTAINER_OF(conformance, struct subject, conformance);
    const struct kubernetes_options options = {
        .client = subject->client, .clock = clock_real(), .log = subject->log};
    conformance->store = kubernetes_store_new(&options);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        clear(conformance->store, kinds[i]);
}

static void drop(struct conformance *conformance)
{
    store_free(conformance->store);
}

static int connect_to_server(struct subject *subject)
{
    AUTO_ERR struct err *err = NULL;
    struct kube_config config = {0};
    if (kube_config_load(NULL, NULL, &config, &err) == 0) {
        (void)kube_client_new(&subject->client, &config, "conformance", subject->log, &err);
        kube_config_done(&config);
    }
    if (err)
        (void)fprintf(stderr, "%s\n", err->message);
    return err ? -1 : 0;
}

int main(int argc, char *argv[])
{
    AUTO_FREE char *namespaces = mem_strdup(getenv("CONFORMANCE_NAMESPACES"));
    char *second = namespaces, *first = strsep(&second, " ");
    struct subject subject = {.conformance = {.name = "kubernetes",
                                              .make = make,
                                              .drop = drop,
                                              .cascade = CASCADE_LATER,
                                              .namespace = first,
                                              .other_namespace = second}};
    if (str_empty(first) || str_empty(second)) {
        (void)fprintf(stderr, "CONFORMANCE_NAMESPACES names two namespaces, as \"x-2 x\"\n");
        return 2;
    }
    subject.log = log_new(STDERR_FILENO, LOG_WARN, LOG_TEXT, clock_real());
    if (connect_to_server(&subject) < 0)
        return 2;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    int failed = conformance_run(&subject.conformance);
    kube_client_free(subject.client);
    log_free(subject.log);
    return failed ? 1 : 0;
}
