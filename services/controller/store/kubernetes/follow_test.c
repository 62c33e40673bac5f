/* SPDX-License-Identifier: Apache-2.0 */
/* Which Pods are bases: those that a followed Deployment selects. */
#include "services/controller/store/kubernetes/bases_test_kit.h"

static void pods_in_pages(void **state)
{
    struct kube_client *api = *state;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow(api);
    api_answer(api, "LIST deployments metadata.name=stock", LIST_OF("7", STOCK), 0);
    api_answer(api, "LIST pods app=stock",
               "{\"metadata\":{\"resourceVersion\":\"8\",\"continue\":\"next\"},\"items\":[" POD(
                   "p-1", "u-1", "3") "]}",
               0);
    api_wait_told(api, "ADDED p-1 Ready; ");
    assert_false(api_has_told(api, "stock")); /* nobody may judge yet who is missing */
    api_answer(api, "LIST pods app=stock after next", LIST_OF("8", SICK_POD("p-2", "u-2", "4")), 0);
    api_wait_told(api, "stock listed found; ");
    api_list(api, 0, NULL);
    api_wait_told(api, "list p-1 p-2; ");
    assert_non_null(api_find_watch(api, "WATCH deployments metadata.name=stock from 7"));
    assert_non_null(api_find_watch(api, "WATCH pods app=stock from 8"));
    bases_watch_stop(api->bases, watch);
}

/* Nothing is there, then the Deployment is made. */
static void a_deployment_that_comes_later(void **state)
{
    struct kube_client *api = *state;
    api_follow(api);
    api_answer(api, "LIST deployments", LIST_OF("7", ""), 0);
    api_wait_told(api, "stock listed absent; ");
    api_event(api, "WATCH deployments", KUBE_ADDED, STOCK);
    api_answer(api, "LIST pods app=stock", LIST_OF("9", POD("p-1", "u-1", "3")), 0);
    api_wait_told(api, "stock listed found; ");
    api_get(api, "p-1");
    api_wait_told(api, "done p-1 Ready; ");
}

/* Its Pods are bases until each of them is gone. */
static void a_deployment_that_goes(void **state)
{
    struct kube_client *api = *state;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow_pods(api, LIST_OF("8", POD("p-1", "u-1", "3")));
    api_event(api, "WATCH deployments", KUBE_DELETED, STOCK);
    api_wait_told(api, "stock listed absent; ");
    api_get(api, "p-1");
    api_wait_told(api, "done p-1 Ready; ");
    api_event(api, "WATCH pods", KUBE_DELETED, POD("p-1", "u-1", "9"));
    api_wait_told(api, "DELETED p-1");
    api_event(api, "WATCH deployments", KUBE_ADDED, STOCK); /* the same again */
    api_wait_told(api, "stock listed found; ");
    bases_watch_stop(api->bases, watch);
}

/* What the old selector matched stays until it is known what the new one matches; then it is out of traffic. */
static void another_selector(void **state)
{
    struct kube_client *api = *state;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow_pods(
        api, LIST_OF("8", SERVING_POD("p-1", "u-1", "3") "," SERVING_POD("p-2", "u-2", "3")));
    api_event(api, "WATCH deployments", KUBE_MODIFIED, DEPLOYMENT("\"app\":\"other\""));
    API_WAIT(!api_find_watch(api, "WATCH pods app=stock"), "the old watch ends");
    api_get(api, "p-1");
    api_wait_told(api, "done p-1 Ready; ");
    api_answer(api, "LIST pods app=other", LIST_OF("9", SERVING_POD("p-2", "u-2", "3")), 0);
    api_wait_told(api, "DELETED p-1");
    api_answer(api, END_TRAFFIC("p-1", "u-1"), POD("p-1", "u-1", "9"), 0);
    api_get(api, "p-2");
    api_wait_told(api, "done p-2 Ready; ");
    api_event(api, "WATCH pods app=other from 9", KUBE_ADDED, POD("p-3", "u-3", "10"));
    api_wait_told(api, "ADDED p-3 Ready; ");
    bases_watch_stop(api->bases, watch);
}

/* The limit of the Deployment is one of its Pods. */
static void another_limit(void **state)
{
    struct kube_client *api = *state;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow_pods(api, LIST_OF("8", POD("p-1", "u-1", "3")));
    api_event(api, "WATCH deployments", KUBE_MODIFIED,
              "{\"metadata\":{\"name\":\"stock\",\"labels\":{\"koupleless.alipay.com/"
              "max-module-count\":\"2\"}},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":"
              "\"stock\"}}}}");
    api_answer(api, "LIST pods app=stock", LIST_OF("9", POD("p-1", "u-1", "3")), 0);
    api_wait_told(api, "MODIFIED p-1 Ready; ");
    bases_watch_stop(api->bases, watch);
}

static void nobody_follows_any_more(void **state)
{
    struct kube_client *api = *state;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow_pods(api, LIST_OF("8", SERVING_POD("p-1", "u-1", "3")));
    bases_unfollow(api->bases, "shop", "stock");
    api_wait_told(api, "DELETED p-1");
    assert_null(api_find_watch(api, "WATCH"));
    assert_int_equal(api->request_count, 0);                    /* it is a base as before */
    api_follow_pods(api, LIST_OF("9", POD("p-1", "u-1", "3"))); /* and again */
    bases_watch_stop(api->bases, watch);
}

/* An answer to who has left is not for who comes after. */
static void left_while_it_is_asked(void **state)
{
    struct kube_client *api = *state;
    api_follow(api);
    struct api_request old;
    API_WAIT(api_take(api, "LIST deployments", &old), "the first list");
    bases_unfollow(api->bases, "shop", "stock");
    api_follow(api);
    struct kube_answer none = {200, LIST_OF("7", ""), strlen(LIST_OF("7", ""))};
    old.done(old.user, &none, NULL);
    mem_free(old.name);
    api_answer(api, "LIST deployments", LIST_OF("7", STOCK), 0);
    api_answer(api, "LIST pods", LIST_OF("8", ""), 0);
    api_wait_told(api, "stock listed found; ");
    assert_false(api_has_told(api, "absent"));
}

/* 403, and a server that is away: nobody knows, and it is asked again. */
static void refused(void **state)
{
    struct kube_client *api = *state;
    api_follow(api);
    api_answer(api, "LIST deployments", NULL, ERR_DENIED);
    api_wait_told(api, "stock unlisted absent; ");
    __atomic_add_fetch(&api->mono_ms, 2000, __ATOMIC_ACQ_REL);
    api_get(api, "p-1"); /* it looks at the clock */
    api_answer(api, "LIST deployments", LIST_OF("7", STOCK), 0);
    api_answer(api, "LIST pods", "not JSON", 0);
    api_wait_told(api, "stock unlisted found; ");
    __atomic_add_fetch(&api->mono_ms, 2000, __ATOMIC_ACQ_REL);
    api_get(api, "p-1");
    api_answer(api, "LIST pods", LIST_OF("8", ""), 0);
    api_wait_told(api, "stock listed found; ");
}

/* What is wrong with one Pod, or large about all of them together, does not hide the others. */
static void pods_that_cannot_be_read(void **state)
{
    struct kube_client *api = *state;
    AUTO_FREE char *blanks = mem_printf("%*s", (int)LIMIT_HTTP_BODY, "");
    AUTO_FREE char *large = mem_printf(
        LIST_OF("8", POD("p-1", "u-1", "3") ",{\"spec\":\"\\u0000\"},%s" POD("p-2", "u-2", "3")),
        blanks);
    api_follow_pods(api, large);
    api_get(api, "p-1");
    api_wait_told(api, "done p-1 Ready; ");
    api_get(api, "p-2");
    api_wait_told(api, "done p-2 Ready; ");
}

/* It is there, so nothing of it is gone. */
static void a_deployment_that_cannot_be_read(void **state)
{
    struct kube_client *api = *state;
    api_follow(api);
    api_answer(api, "LIST deployments", LIST_OF("7", "{\"spec\":\"\\u0000\"}"), 0);
    api_wait_told(api, "stock unlisted absent; ");
    __atomic_add_fetch(&api->mono_ms, 2000, __ATOMIC_ACQ_REL);
    api_get(api, "p-1");
    api_answer(api, "LIST deployments", LIST_OF("7", STOCK), 0);
    api_answer(api, "LIST pods", LIST_OF("8", ""), 0);
    api_wait_told(api, "stock listed found; ");
}

/* Its selector is nothing that can be asked for: nobody knows its Pods. */
static void no_selector(void **state)
{
    struct kube_client *api = *state;
    api_follow(api);
    api_answer(api, "LIST deployments", LIST_OF("7", DEPLOYMENT("")), 0);
    api_wait_told(api, "stock unlisted found; ");
    api_event(api, "WATCH deployments", KUBE_MODIFIED, STOCK);
    api_answer(api, "LIST pods app=stock", LIST_OF("8", ""), 0);
    api_wait_told(api, "stock listed found; ");
}

/* 410: a new list, and what went in between is told, and out of traffic where it runs on. */
static void expired(void **state)
{
    struct kube_client *api = *state;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow_pods(api, LIST_OF("8", SERVING_POD("p-1", "u-1", "3") "," SERVING_POD(
                                          "p-2", "u-2", "3") "," SERVING_POD("p-4", "u-4", "3")));
    api_event(api, "WATCH pods", KUBE_EXPIRED, NULL);
    api_answer(api, "LIST pods",
               LIST_OF("20", SERVING_POD("p-2", "u-2", "3") "," SERVING_POD("p-3", "u-3", "9")), 0);
    api_wait_told(api, "ADDED p-3 Ready; ");
    api_wait_told_both(api, "DELETED p-1", "DELETED p-4");
    api_answer(api, END_TRAFFIC("p-1", "u-1"), POD("p-1", "u-1", "21"), 0);
    api_answer(api, END_TRAFFIC("p-4", "u-4"), NULL, ERR_NOT_FOUND);
    api_event(api, "WATCH deployments", KUBE_EXPIRED, NULL);
    api_answer(api, "LIST deployments", LIST_OF("21", STOCK), 0);
    API_WAIT(api_find_watch(api, "WATCH deployments metadata.name=stock from 21"), "a new watch");
    bases_watch_stop(api->bases, watch);
}

/* By the watches themselves: nobody is judged, and no trouble is over, before their end. */
static void streamed(void **state)
{
    struct kube_client *api = *state;
    api->streams = true;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow(api);
    api_event(api, "WATCH deployments metadata.name=stock from list 1", KUBE_ADDED, STOCK);
    api_event(api, "WATCH deployments", KUBE_LISTED, "{}");
    api_event(api, "WATCH pods app=stock from list 2", KUBE_WATCHING, NULL);
    api_event(api, "WATCH pods", KUBE_ADDED, POD("p-2", "u-2", "4"));
    api_event(api, "WATCH pods", KUBE_ADDED, "{\"spec\":\"\\u0000\"}");
    api_event(api, "WATCH pods", KUBE_ADDED, POD("p-1", "u-1", "3"));
    api_event(api, "WATCH pods", KUBE_DELETED, POD("p-2", "u-2", "5"));
    api_wait_told(api, "DELETED p-2");
    assert_false(api_has_told(api, "stock"));
    api_event(api, "WATCH pods", KUBE_LISTED, "{}");
    api_wait_told(api, "stock listed found; ");
    api_event(api, "WATCH pods", KUBE_ADDED, POD("p-3", "u-3", "6"));
    api_wait_told(api, "ADDED p-3 Ready; ");
    /* Again: what is not in it is gone. */
    api_event(api, "WATCH pods", KUBE_EXPIRED, NULL);
    api_event(api, "WATCH pods app=stock from list 3", KUBE_ADDED, POD("p-3", "u-3", "6"));
    api_event(api, "WATCH pods", KUBE_LISTED, "{}");
    api_wait_told(api, "DELETED p-1");
    bases_watch_stop(api->bases, watch);
}

/* And in pages from where it ended. */
static void streamed_in_part(void **state)
{
    struct kube_client *api = *state;
    api->streams = true;
    struct bases_watch *watch = api_watch(api, NULL);
    api_follow(api);
    api_event(api, "WATCH deployments", KUBE_EXPIRED, NULL);
    api_answer(api, "LIST deployments metadata.name=stock", LIST_OF("7", STOCK), 0);
    api_event(api, "WATCH pods", KUBE_ADDED, POD("p-1", "u-1", "3"));
    api_wait_told(api, "ADDED p-1 Ready; ");
    api_event(api, "WATCH pods", KUBE_EXPIRED, NULL);
    api_answer(api, "LIST pods app=stock", LIST_OF("8", POD("p-2", "u-2", "4")), 0);
    api_wait_told_both(api, "DELETED p-1", "stock listed found; ");
    assert_non_null(api_find_watch(api, "WATCH pods app=stock from 8"));
    bases_watch_stop(api->bases, watch);
}

/* It can't be read, and is listed again; then it goes before the list's end. */
static void streamed_without_a_deployment(void **state)
{
    struct kube_client *api = *state;
    api->streams = true;
    api_follow(api);
    api_event(api, "WATCH deployments", KUBE_ADDED, "{\"spec\":\"\\u0000\"}");
    api_wait_told(api, "stock unlisted absent; ");
    __atomic_add_fetch(&api->mono_ms, 2000, __ATOMIC_ACQ_REL);
    api_get(api, "p-1"); /* it looks at the clock */
    api_event(api, "WATCH deployments metadata.name=stock from list 2", KUBE_ADDED, DEPLOYMENT(""));
    api_event(api, "WATCH deployments", KUBE_DELETED, DEPLOYMENT(""));
    api_event(api, "WATCH deployments", KUBE_LISTED, "{}");
    api_wait_told(api, "stock listed absent; ");
}

/* More than the loop has taken may not wait for it: the rest comes in pages, which are asked for. */
static void streamed_too_fast(void **state)
{
    struct kube_client *api = *state;
    api->streams = true;
    api_follow(api);
    api_event(api, "WATCH deployments", KUBE_ADDED, STOCK);
    api_event(api, "WATCH deployments", KUBE_LISTED, "{}");
    AUTO_FREE char *blanks = mem_printf("%*s", (int)LIMIT_UNTAKEN_BYTES, "");
    AUTO_FREE char *large = mem_printf("%s" POD("p-1", "u-1", "3"), blanks);
    api_event(api, "WATCH pods", KUBE_ADDED, large);
    api_answer(api, "LIST pods app=stock", LIST_OF("8", POD("p-2", "u-2", "4")), 0);
    api_wait_told(api, "stock listed found; ");
    api_list(api, 0, NULL);
    api_wait_told(api, "list p-2; ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pods_in_pages),
        TEST(a_deployment_that_comes_later),
        TEST(a_deployment_that_goes),
        TEST(another_selector),
        TEST(another_limit),
        TEST(nobody_follows_any_more),
        TEST(left_while_it_is_asked),
        TEST(refused),
        TEST(pods_that_cannot_be_read),
        TEST(a_deployment_that_cannot_be_read),
        TEST(no_selector),
        TEST(expired),
        TEST(streamed),
        TEST(streamed_in_part),
        TEST(streamed_without_a_deployment),
        TEST(streamed_too_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
