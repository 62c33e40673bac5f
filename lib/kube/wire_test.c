/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/kube/wire.h"

#define SERVER "https://10.0.0.1:6443"

static const struct kube_resource modules = {"example.org", "v1", "modules", "Module", false};

static void verbs_become_methods_urls_and_types(void **state)
{
    (void)state;
    static const struct {
        struct kube_request request;
        const char *method, *type, *url, *what;
        bool is_read;
    } rows[] = {
        {{KUBE_GET, {&modules, "shop", "m", NULL}, .limit = 0},
         "GET",
         NULL,
         "/apis/example.org/v1/namespaces/shop/modules/m?timeout=30s",
         "get modules \"m\" in namespace \"shop\"",
         true},
        {{KUBE_LIST,
          {&modules, NULL, NULL, NULL},
          .label_selector = "a in (b, c),!d",
          .field_selector = "spec.nodeName=n",
          .limit = 500,
          .continue_token = "x+/=",
          .resource_version = "12",
          .resource_version_match = "NotOlderThan",
          .timeout_ms = 7900},
         "GET",
         NULL,
         "/apis/example.org/v1/modules?labelSelector=a%20in%20%28b%2C%20c%29%2C%21d&fieldSelector="
         "spec.nodeName%3Dn&limit=500&continue=x%2B%2F%3D&resourceVersion=12&"
         "resourceVersionMatch=NotOlderThan&timeout=7s",
         "list modules",
         true},
        {{KUBE_CREATE, {&modules, "shop", NULL, NULL}, .body = "{}", .field_manager = "us"},
         "POST",
         "application/json",
         "/apis/example.org/v1/namespaces/shop/modules?fieldManager=us&fieldValidation=Strict&"
         "timeout=30s",
         "create modules in namespace \"shop\"",
         false},
        {{KUBE_UPDATE, {&modules, "shop", "m", NULL}, .body = "{}", .timeout_ms = 500},
         "PUT",
         "application/json",
         "/apis/example.org/v1/namespaces/shop/modules/m?fieldValidation=Strict",
         "update modules \"m\" in namespace \"shop\"",
         false},
        {{KUBE_MERGE_PATCH, {&modules, "shop", "m", "status"}, .body = "{}", .timeout_ms = 500},
         "PATCH",
         "application/merge-patch+json",
         "/apis/example.org/v1/namespaces/shop/modules/m/status?fieldValidation=Strict",
         "patch modules/status \"m\" in namespace \"shop\"",
         false},
        {{KUBE_JSON_PATCH,
          {&modules, "shop", "m", NULL},
          .body = "[]",
          .dry_run = true,
          .timeout_ms = 500},
         "PATCH",
         "application/json-patch+json",
         "/apis/example.org/v1/namespaces/shop/modules/m?fieldValidation=Strict&dryRun=All",
         "patch modules \"m\" in namespace \"shop\"",
         false},
        {{KUBE_APPLY,
          {&modules, "shop", "m", NULL},
          .body = "{}",
          .field_manager = "us",
          .force = true,
          .timeout_ms = 500},
         "PATCH",
         "application/apply-patch+yaml",
         "/apis/example.org/v1/namespaces/shop/modules/m?fieldManager=us&fieldValidation=Strict&"
         "force=true",
         "apply modules \"m\" in namespace \"shop\"",
         false},
        {{KUBE_DELETE, {&modules, "shop", "m", NULL}, .field_manager = "us", .timeout_ms = 500},
         "DELETE",
         NULL,
         "/apis/example.org/v1/namespaces/shop/modules/m",
         "delete modules \"m\" in namespace \"shop\"",
         false},
        {{KUBE_DELETE, {&modules, "shop", "m", NULL}, .body = "{}", .timeout_ms = 500},
         "DELETE",
         "application/json",
         "/apis/example.org/v1/namespaces/shop/modules/m",
         "delete modules \"m\" in namespace \"shop\"",
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *url = mem_printf(SERVER "%s", rows[i].url);
        struct kube_wire wire = kube_wire_request(SERVER, &rows[i].request);
        assert_string_equal(wire.method, rows[i].method);
        assert_string_equal(wire.url, url);
        assert_string_equal(wire.what, rows[i].what);
        assert_int_equal(wire.is_read, rows[i].is_read);
        if (rows[i].type)
            assert_string_equal(wire.content_type, rows[i].type);
        else
            assert_null(wire.content_type);
        kube_wire_done(&wire);
    }
}

static void a_watch_begins_and_ends_somewhere(void **state)
{
    (void)state;
    const struct kube_watch_request request = {.path = {&modules, "shop", NULL, NULL},
                                               .label_selector = "a=b"};
    struct kube_wire wire = kube_wire_watch(SERVER, &request);
    AUTO_FREE char *url = kube_wire_watch_url(wire.url, "17", 300);
    assert_string_equal(url,
                        SERVER "/apis/example.org/v1/namespaces/shop/modules?watch=true&"
                               "allowWatchBookmarks=true&labelSelector=a%3Db&resourceVersion=17&"
                               "timeoutSeconds=300");
    AUTO_FREE char *list = kube_wire_watch_url(wire.url, NULL, 300);
    assert_string_equal(list, SERVER
                        "/apis/example.org/v1/namespaces/shop/modules?watch=true&"
                        "allowWatchBookmarks=true&labelSelector=a%3Db&sendInitialEvents=true&"
                        "resourceVersionMatch=NotOlderThan&timeoutSeconds=300");
    assert_string_equal(wire.what, "watch modules in namespace \"shop\"");
    kube_wire_done(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_become_methods_urls_and_types),
        cmocka_unit_test(a_watch_begins_and_ends_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
