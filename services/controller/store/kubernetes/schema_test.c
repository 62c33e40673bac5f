/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "services/controller/store/kubernetes/resources.h"

#define REMEDY                                                                                     \
    "the CustomResourceDefinition moduledeployments.koupleless.alipay.com is of another version: " \
    "apply deploy/manifests again"

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static struct kube_path path_of(enum object_kind kind, bool status)
{
    return (struct kube_path){.resource = resource_of(kind),
                              .namespace = "shop",
                              .name = "x",
                              .subresource = status ? "status" : NULL};
}

static void assert_drops(const struct kube_path *path, const char *sent, const char *answered,
                         const char *field)
{
    AUTO_ERR struct err *err = NULL;
    int found = schema_check(path, span_of(sent), span_of(answered), &err);
    AUTO_FREE char *message =
        field ? mem_printf("the API server drops %s: " REMEDY, field) : mem_strdup("");
    if (!str_eq(err ? err->message : "", message))
        fail_msg("%s: %s", sent, err ? err->message : "nothing");
    assert_int_equal(found, field ? -1 : 0);
    if (err)
        assert_int_equal(err->code, ERR_PRECONDITION);
}

static void what_is_dropped_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *sent, *answered, *field;
    } rows[] = {
        {"{\"spec\":{\"a\":1}}", "{\"spec\":{\"a\":1,\"b\":2}}", NULL},
        {"{\"spec\":{\"a\":1,\"b\":2}}", "{\"spec\":{\"a\":1}}", "spec.b"},
        {"{\"spec\":{\"a\":1}}", "{\"metadata\":{}}", "spec"},
        {"{\"spec\":{\"t\":{\"m\":{\"md5\":\"x\"}}}}", "{\"spec\":{\"t\":{\"m\":{}}}}",
         "spec.t.m.md5"},
        {"{\"spec\":{\"t\":{\"m\":{\"md5\":\"x\"}}}}", "{\"spec\":{}}", "spec.t"},
        {"{\"spec\":{\"l\":[{\"a\":1},{\"a\":1,\"b\":1}]}}",
         "{\"spec\":{\"l\":[{\"a\":1},{\"a\":1}]}}", "spec.l[1].b"},
        {"{\"spec\":{\"l\":[1]}}", "{\"spec\":{}}", "spec.l"},
        {"{\"spec\":{\"no\":false,\"zero\":0,\"none\":\"\"}}",
         "{\"spec\":{\"zero\":0,\"none\":\"\"}}", "spec.no"},
        /* How a value is spelt, and what has become of it, is not looked at. */
        {"{\"spec\":{\"a\":1.0,\"b\":\"/\"}}", "{\"spec\":{\"a\":1,\"b\":\"\\/\"}}", NULL},
        {"{\"spec\":{\"l\":[\"a\",\"b\"],\"m\":5}}", "{\"spec\":{\"l\":[],\"m\":\"5\"}}", NULL},
        /* What takes a field away, or holds nothing. */
        {"{\"spec\":{\"a\":null,\"b\":{\"c\":null,\"d\":{}},\"l\":[]}}", "{\"spec\":{}}", NULL},
        {"{\"spec\":{\"a\":null}}", "{}", NULL},
        /* What the path does not write, and what no schema has. */
        {"{\"apiVersion\":\"v\",\"kind\":\"K\",\"metadata\":{\"labels\":{\"a\":\"1\"}},"
         "\"status\":{\"a\":1}}",
         "{}", NULL},
    };
    const struct kube_path path = path_of(KIND_MODULE_DEPLOYMENT, false);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_drops(&path, rows[i].sent, rows[i].answered, rows[i].field);
}

static void of_a_status_only_that_counts(void **state)
{
    (void)state;
    static const char sent[] = "{\"spec\":{\"a\":1},\"status\":{\"a\":1,\"conditions\":[{\"type\":"
                               "\"Degraded\",\"reason\":\"x\"}]}}";
    const struct kube_path path = path_of(KIND_MODULE_DEPLOYMENT, true);
    assert_drops(&path, sent, "{}", "status");
    assert_drops(&path, sent, "{\"status\":{\"a\":1,\"conditions\":[{\"type\":\"Degraded\"}]}}",
                 "status.conditions[0].reason");
    assert_drops(&path, sent,
                 "{\"status\":{\"a\":1,\"conditions\":[{\"type\":\"Degraded\",\"reason\":\"\"}]}}",
                 NULL);
}

/* Their schemas are the server's own: an empty field of theirs goes. */
static void kinds_of_the_server_always_pass(void **state)
{
    (void)state;
    const struct kube_path path = path_of(KIND_SERVICE, false);
    assert_drops(&path, "{\"spec\":{\"a\":1}}", "{}", NULL);
}

static void what_a_definition_may_cause_is_explained(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        const char *said, *told;
        enum object_kind kind;
        enum err_code told_code;
    } rows[] = {
        {ERR_UNIMPLEMENTED, "HTTP status 404",
         "HTTP status 404: the API server does not serve v1alpha1 of "
         "modules.koupleless.alipay.com: is its CustomResourceDefinition there?",
         KIND_MODULE, ERR_PRECONDITION},
        {ERR_INVALID, "strict decoding error: unknown field \"spec.b\"",
         "strict decoding error: unknown field \"spec.b\": " REMEDY, KIND_MODULE_DEPLOYMENT,
         ERR_PRECONDITION},
        {ERR_INVALID, "spec.b: too large", "spec.b: too large", KIND_MODULE, ERR_INVALID},
        {ERR_NOT_FOUND, "no x", "no x", KIND_MODULE, ERR_NOT_FOUND},
        {ERR_UNIMPLEMENTED, "no", "no", KIND_SERVICE, ERR_UNIMPLEMENTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        const struct kube_path path = path_of(rows[i].kind, false);
        err_set(&err, rows[i].code, "%s", rows[i].said);
        schema_explain(&path, err);
        assert_string_equal(err->message, rows[i].told);
        assert_int_equal(err->code, rows[i].told_code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_dropped_is_named),
        cmocka_unit_test(of_a_status_only_that_counts),
        cmocka_unit_test(kinds_of_the_server_always_pass),
        cmocka_unit_test(what_a_definition_may_cause_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
