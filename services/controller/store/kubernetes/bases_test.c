/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of store.h on bases that are Pods. */
#include "services/controller/store/kubernetes/bases_test_kit.h"

#define REPORT(phase, boot)                                                                        \
    "{\"status\":{\"phase\":\"" phase "\",\"reason\":\"Said\",\"bootId\":\"" boot "\"}}"

/* A report is kept in memory: nothing is sent. */
static void reports(void **state)
{
    struct kube_client *api = *state;
    api_follow_pods(api, LIST_OF("8", POD("p-1", "u-1", "3")));
    struct bases_watch *watch = api_watch(api, "1790000001001"); /* the first change was the Pod */
    api_patch(api, STORE_STATUS, REPORT("NotReady", "b1"), NULL);
    api_wait_told_both(api, "done p-1 NotReady; ", "MODIFIED p-1 NotReady Said; ");
    api_patch(api, STORE_STATUS, REPORT("Ready", "b1"), NULL);
    api_wait_told(api, "MODIFIED p-1 Ready");
    api_event(api, "WATCH pods", KUBE_MODIFIED, SICK_POD("p-1", "u-1", "4"));
    api_wait_told(api, "MODIFIED p-1 NotReady PodNotReady; ");
    api_patch(api, STORE_STATUS, REPORT("Ready", "b1"), NULL); /* changes nothing */
    api_wait_told(api, "done p-1 NotReady; ");
    assert_false(api_has_told(api, "MODIFIED"));
    assert_int_equal(api->request_count, 0);
    bases_watch_stop(api->bases, watch);
}

static void refusals(void **state)
{
    struct kube_client *api = *state;
    api_patch(api, STORE_STATUS, REPORT("Ready", "b1"), NULL);
    api_wait_told(api, "done NOT_FOUND; ");
    api_follow_pods(api, LIST_OF("8", POD("p-1", "u-1", "3")));
    api_patch(api, STORE_STATUS, REPORT("Ready", "b1"), "1");
    api_wait_told(api, "done CONFLICT; ");
    api_patch(api, STORE_STATUS, "[", NULL);
    api_wait_told(api, "done INVALID; ");
    api_patch(api, STORE_MAIN, "{\"metadata\":{\"labels\":{\"a\":1}}}", NULL);
    api_wait_told(api, "done INVALID; ");
    const struct store_key key = {KIND_BASE, "shop", "p-1"};
    bases_remove(api->bases, &key, "u-9", NULL, api_on_done, api);
    api_wait_told(api, "done CONFLICT; ");
    api_get(api, "p-2");
    api_wait_told(api, "done NOT_FOUND; ");
}

#define LABEL(name, value) "{\"metadata\":{\"labels\":{\"" name "\":" value "}}}"
#define LABELED(version, label)                                                                    \
    POD_STATUS("p-1", "u-1", version, "\"app\":\"stock\"" label, RUNS CONDITION("True"))

/* One after the other, each for this very Pod; the answer is as good as an event. */
static void labels(void **state)
{
    struct kube_client *api = *state;
    api_follow_pods(api, LIST_OF("8", POD("p-1", "u-1", "3")));
    api_patch(api, STORE_MAIN, LABEL("m", "\"true\""), NULL);
    api_patch(api, STORE_MAIN, LABEL("m", "null"), NULL);
    struct api_request first;
    API_WAIT(api_take(api, "PATCH pods/p-1", &first), "the first patch");
    assert_string_equal(
        first.name, "PATCH pods/p-1 {\"metadata\":{\"uid\":\"u-1\",\"labels\":{\"m\":\"true\"}}}");
    assert_int_equal(api->request_count, 0);
    const char *pod = LABELED("4", ",\"m\":\"true\"");
    struct kube_answer answer = {200, pod, strlen(pod)};
    first.done(first.user, &answer, NULL);
    mem_free(first.name);
    api_wait_told(api, "done p-1 Ready; ");
    api_event(api, "WATCH pods", KUBE_MODIFIED, LABELED("3", "")); /* an old one: left aside */
    api_answer(api, "PATCH pods/p-1 {\"metadata\":{\"uid\":\"u-1\",\"labels\":{\"m\":null}}}", NULL,
               ERR_CONFLICT);
    api_wait_told(api, "done CONFLICT; ");
    api_patch(api, STORE_MAIN, LABEL("m", "\"true\""), NULL); /* it has it: nothing is sent */
    api_wait_told(api, "done p-1 Ready; ");
    api_patch(api, STORE_MAIN, "{\"spec\":{\"ip\":\"1.2.3.4\",\"zone\":\"z2\"}}", NULL);
    api_wait_told(api, "done p-1 Ready; ");
    assert_int_equal(api->request_count, 0);
}

/* The Pod went while its labels were patched. */
static void labels_of_a_pod_that_goes(void **state)
{
    struct kube_client *api = *state;
    api_follow_pods(api, LIST_OF("8", POD("p-1", "u-1", "3")));
    api_patch(api, STORE_MAIN, LABEL("m", "\"true\""), NULL);
    struct api_request patch;
    API_WAIT(api_take(api, "PATCH", &patch), "the patch");
    api_event(api, "WATCH pods", KUBE_DELETED, POD("p-1", "u-1", "4"));
    const char *pod = LABELED("4", ",\"m\":\"true\"");
    struct kube_answer answer = {200, pod, strlen(pod)};
    patch.done(patch.user, &answer, NULL);
    mem_free(patch.name);
    api_wait_told(api, "done NOT_FOUND; ");
}

/* It runs on, and its Deployment selects it no more: nobody else knows of its traffic. */
static void a_pod_taken_aside(void **state)
{
    struct kube_client *api = *state;
    api_follow_pods(api, LIST_OF("8", SERVING_POD("p-1", "u-1", "3")));
    api_event(api, "WATCH pods", KUBE_DELETED, SERVING_POD("p-1", "u-1", "3"));
    api_answer(api, END_TRAFFIC("p-1", "u-1"), LABELED("4", ""), 0);
    api_get(api, "p-1");
    api_wait_told(api, "done NOT_FOUND; ");
    assert_int_equal(api->request_count, 0);
}

#define OFF(labels) "{\"metadata\":{\"uid\":\"u-1\",\"labels\":{" labels "}}}"

/* It was a base before we came: labels are taken off that very Pod, and nothing is put on. */
static void a_pod_that_is_no_base(void **state)
{
    static const struct {
        const char *json;
        enum err_code code;
        const char *told;
    } answers[] = {
        {LABELED("4", ""), 0, "done NOT_FOUND; "}, {NULL, ERR_NOT_FOUND, "done NOT_FOUND; "},
        {NULL, API_OTHER_UID, "done NOT_FOUND; "}, {NULL, ERR_UNAVAILABLE, "done UNAVAILABLE; "},
        {NULL, ERR_CONFLICT, "done CONFLICT; "}, /* it was changed meanwhile */
        {NULL, ERR_INVALID, "done INVALID; "},     {NULL, ERR_DENIED, "done DENIED; "},
    };
    struct kube_client *api = *state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        api_patch(api, STORE_MAIN, OFF("\"m\":null"), NULL);
        api_answer(api, "PATCH pods/p-1 " OFF("\"m\":null"), answers[i].json, answers[i].code);
        api_wait_told(api, answers[i].told);
    }
    api_patch(api, STORE_MAIN, OFF("\"m\":null,\"n\":\"true\""), NULL);
    api_wait_told(api, "done NOT_FOUND; ");
    api_patch(api, STORE_MAIN, LABEL("m", "null"), NULL); /* of whichever Pod */
    api_wait_told(api, "done NOT_FOUND; ");
    api_follow_pods(api, LIST_OF("8", POD("p-1", "u-2", "3")));
    api_patch(api, STORE_MAIN, OFF("\"m\":\"true\""), NULL);
    api_wait_told(api, "done NOT_FOUND; ");
    assert_int_equal(api->request_count, 0);
}

static void remove_it(struct kube_client *api)
{
    const struct store_key key = {KIND_BASE, "shop", "p-1"};
    bases_remove(api->bases, &key, "u-1", NULL, api_on_done, api);
    api_wait_told(api, "DELETED p-1");
}

/* A base that was taken for gone: the Pod is left alone, and comes back when there is news of it. */
static void removed(void **state)
{
    struct kube_client *api = *state;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow_pods(api, LIST_OF("8", POD("p-1", "u-1", "3")));
    remove_it(api);
    api_get(api, "p-1");
    api_wait_told(api, "done NOT_FOUND; ");
    api_event(api, "WATCH pods", KUBE_MODIFIED, LABELED("4", ",\"x\":\"y\"")); /* no news */
    api_list(api, 0, NULL);
    api_wait_told(api, "list; ");
    api_patch(api, STORE_MAIN, LABEL("x", "null"), NULL); /* nor that: but its Pod is to lose it */
    api_answer(api, "PATCH pods/p-1", LABELED("5", ""), 0);
    api_wait_told(api, "done NOT_FOUND; ");
    api_patch(api, STORE_MAIN, LABEL("x", "null"), NULL);
    api_wait_told(api, "done NOT_FOUND; ");
    assert_false(api_has_told(api, "ADDED"));
    api_patch(api, STORE_STATUS, REPORT("Ready", "b1"), NULL);
    api_wait_told(api, "ADDED p-1 Ready");
    remove_it(api);
    api_event(api, "WATCH pods", KUBE_MODIFIED, SICK_POD("p-1", "u-1", "6"));
    api_event(api, "WATCH pods", KUBE_MODIFIED, POD("p-1", "u-1", "7"));
    api_wait_told(api, "ADDED p-1 Ready");
    assert_int_equal(api->request_count, 0);
    bases_watch_stop(api->bases, watch);
}

#define RESTARTED(version, count)                                                                  \
    POD_STATUS("p-1", "u-1", version, "\"app\":\"stock\"",                                         \
               RUNS CONDITION("True") ",\"containerStatuses\":[{\"name\":\"jvm\","                 \
                                      "\"restartCount\":" count "}]")

/* 3.2: the Pod stays, the JVM is another one. */
static void a_container_restarts(void **state)
{
    struct kube_client *api = *state;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow_pods(api, LIST_OF("8", RESTARTED("3", "0")));
    api_patch(api, STORE_STATUS, REPORT("Ready", "b1"), NULL);
    api_wait_told(api, "MODIFIED p-1 Ready");
    api_event(api, "WATCH pods", KUBE_MODIFIED, RESTARTED("4", "1"));
    api_wait_told(api, "MODIFIED p-1 NotReady BaseRestarted; ");
    api_patch(api, STORE_STATUS, REPORT("Ready", "b2"), NULL);
    api_wait_told(api, "MODIFIED p-1 Ready");
    bases_watch_stop(api->bases, watch);
}

/* A StatefulSet-like name that is used again; an eviction. */
static void another_pod_of_the_name(void **state)
{
    struct kube_client *api = *state;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow_pods(api, LIST_OF("8", POD("p-1", "u-1", "3")));
    api_patch(api, STORE_STATUS, REPORT("NotReady", "b1"), NULL);
    api_wait_told(api, "MODIFIED p-1 NotReady Said; ");
    api_event(api, "WATCH pods", KUBE_ADDED, POD("p-1", "u-2", "9"));
    api_wait_told(api, "DELETED p-1");
    api_wait_told(api, "ADDED p-1 Ready; ");
    api_event(api, "WATCH pods", KUBE_MODIFIED,
              POD_STATUS("p-1", "u-2", "10", "\"app\":\"stock\"", "\"phase\":\"Failed\""));
    api_wait_told(api, "DELETED p-1");
    bases_watch_stop(api->bases, watch);
}

static void pages(void **state)
{
    struct kube_client *api = *state;
    api_follow_pods(api, LIST_OF("8", POD("p-b", "u-2", "3") "," POD("p-a", "u-1", "3") "," POD(
                                          "p-a.x", "u-3", "3")));
    api_list(api, 2, NULL);
    api_wait_told(api, "list p-a p-a.x then /shop/p-a.x; ");
    api_list(api, 2, "1790000001003/shop/p-a.x");
    api_wait_told(api, "list p-b; ");
    api_list(api, 2, "1/shop/p-a");
    api_wait_told(api, "list EXPIRED; ");
    api_list(api, 2, "nonsense");
    api_wait_told(api, "list INVALID; ");
    api_list(api, 2, "1790000009999/shop/p-a");
    api_wait_told(api, "list INVALID; ");
}

/* As etcd has them: a '-' comes before the '/' that ends a namespace. */
static void pages_of_namespaces(void **state)
{
    struct kube_client *api = *state;
    api_follow_pods(api, LIST_OF("8", POD("p-a", "u-1", "3") "," POD_IN(
                                          "shop-2", "p-z", "u-2", "3", "\"app\":\"stock\"",
                                          RUNS CONDITION("True")) "," POD("p-b", "u-3", "3")));
    api_list(api, 1, NULL);
    api_wait_told(api, "list p-z then /shop-2/p-z; ");
    api_list(api, 1, "1790000001003/shop-2/p-z");
    api_wait_told(api, "list p-a then /shop/p-a; ");
    api_list(api, 1, "1790000001003/shop/p-a");
    api_wait_told(api, "list p-b; ");
}

/* From a version on, each later change is told once; one of a former life of the process is too old. */
static void watches(void **state)
{
    struct kube_client *api = *state;
    api_follow_pods(api, LIST_OF("8", POD("p-1", "u-1", "3") "," POD("p-2", "u-2", "3")));
    struct bases_watch *watch = api_watch(api, "1790000001001");
    api_wait_told(api, "ADDED p-2 Ready; ");
    assert_false(api_has_told(api, "p-1"));
    struct bases_watch *former = api_watch(api, "1789999999999");
    api_wait_told(api, "EXPIRED");
    bases_watch_stop(api->bases, watch);
    bases_watch_stop(api->bases, former);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reports),
        TEST(refusals),
        TEST(labels),
        TEST(labels_of_a_pod_that_goes),
        TEST(a_pod_taken_aside),
        TEST(a_pod_that_is_no_base),
        TEST(removed),
        TEST(a_container_restarts),
        TEST(another_pod_of_the_name),
        TEST(pages),
        TEST(pages_of_namespaces),
        TEST(watches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
