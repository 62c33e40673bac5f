/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/original.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"

#define MODULE "\"module\":{\"name\":\"pay\",\"version\":\"1.0.0\",\"url\":\"http://jars/pay.jar\"}"
#define POD                                                                                        \
    "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"p1\",\"uid\":\"u-"    \
    "p1\"}]"
#define LABELS(k)                                                                                  \
    "\"labels\":{\"" k "/module-replicaset\":\"web-replicas-2\",\"" k                              \
    "/module-deployment\":\"web\",\"" k "/module-replicaset-revision\":\"2\"}"
#define OURS LABELS("koupleless.alipay.com")

static const struct {
    const char *name;
    enum object_kind kind;
    const char *meta, *spec;
    const char *deployment; /* NULL: it is ours, or nobody's */
    const char *base;
    int32_t revision;
} objects[] = {
    {"a Module, as documented", KIND_MODULE, "\"name\":\"web-replicas-2-pay-x7f2b\"," OURS "," POD,
     MODULE, "shop/web", "shop/p1", 2},
    {"a Module of the last source", KIND_MODULE, "\"name\":\"m\"," LABELS("koupleless.io") "," POD,
     MODULE, "shop/web", "shop/p1", 2},
    {"one that never got a Pod", KIND_MODULE, "\"name\":\"m\"," OURS, MODULE, "shop/web", NULL, 2},
    {"a Module of ours", KIND_MODULE,
     "\"name\":\"web-bcdfghjklm-0123456789\"," OURS
     ",\"ownerReferences\":[{\"kind\":\"ModuleReplicaSet\",\"name\":\"web-bcdfghjklm\",\"uid\":"
     "\"r\","
     "\"controller\":true},{\"kind\":\"Pod\",\"name\":\"p1\",\"uid\":\"u-p1\"}]",
     MODULE ",\"baseName\":\"p1\",\"baseUid\":\"u-p1\"", NULL, NULL, 0},
    {"a Module with another owner before its Pod", KIND_MODULE,
     "\"name\":\"m\"," OURS
     ",\"ownerReferences\":[{\"kind\":\"Shop\",\"name\":\"s\",\"uid\":\"u\"},"
     "{\"kind\":\"Pod\",\"name\":\"p1\",\"uid\":\"u-p1\"}]",
     MODULE, "shop/web", "shop/p1", 2},
    {"... whose Pod has no name", KIND_MODULE,
     "\"name\":\"m\"," OURS ",\"ownerReferences\":[{\"kind\":\"Pod\",\"uid\":\"u-p1\"}]", MODULE,
     "shop/web", NULL, 2},
    {"... or no uid", KIND_MODULE,
     "\"name\":\"m\"," OURS ",\"ownerReferences\":[{\"kind\":\"Pod\",\"name\":\"p1\"}]", MODULE,
     "shop/web", NULL, 2},
    {"a Module of a ModuleDeployment and of no ModuleReplicaSet", KIND_MODULE,
     "\"name\":\"m\",\"labels\":{\"" LABEL_MODULE_DEPLOYMENT "\":\"web\"}", MODULE, NULL, NULL, 0},
    {"one that something controls", KIND_MODULE,
     "\"name\":\"m\"," OURS ",\"ownerReferences\":[{\"kind\":\"Shop\",\"name\":\"s\",\"uid\":\"u\","
     "\"controller\":true}]",
     MODULE, NULL, NULL, 0},
    {"a Module that somebody wrote", KIND_MODULE, "\"name\":\"m\"," POD, MODULE, NULL, NULL, 0},
    {"a ModuleReplicaSet", KIND_MODULE_REPLICASET,
     "\"name\":\"web-replicas-2\"," OURS
     ",\"ownerReferences\":[{\"kind\":\"ModuleDeployment\",\"name\":\"web\",\"uid\":\"u\","
     "\"controller\":true}]",
     "\"template\":{\"spec\":{" MODULE "}}", "shop/web", NULL, 2},
    {"... without labels", KIND_MODULE_REPLICASET,
     "\"name\":\"web-replicas-3\",\"ownerReferences\":[{\"kind\":\"ModuleDeployment\",\"name\":"
     "\"web\",\"uid\":\"u\",\"controller\":true}]",
     "\"template\":{\"spec\":{" MODULE "}}", "shop/web", NULL, 0},
    {"one of which nothing says whose it is", KIND_MODULE_REPLICASET, "\"name\":\"web-replicas-2\"",
     "\"template\":{\"spec\":{" MODULE "}}", NULL, NULL, 0},
    {"... or says that it is nobody's", KIND_MODULE_REPLICASET,
     "\"name\":\"web-replicas-2\",\"labels\":{\"" LABEL_MODULE_DEPLOYMENT "\":\"\"}",
     "\"template\":{\"spec\":{" MODULE "}}", NULL, NULL, 0},
    {"... whose name says another ModuleDeployment", KIND_MODULE_REPLICASET,
     "\"name\":\"order-replicas-2\"," OURS, "\"template\":{\"spec\":{" MODULE "}}", NULL, NULL, 0},
    {"... or has no number", KIND_MODULE_REPLICASET, "\"name\":\"web-replicas-b\"," OURS,
     "\"template\":{\"spec\":{" MODULE "}}", NULL, NULL, 0},
    {"... or has no name at all", KIND_MODULE_REPLICASET, OURS,
     "\"template\":{\"spec\":{" MODULE "}}", NULL, NULL, 0},
    {"one of ours", KIND_MODULE_REPLICASET, "\"name\":\"web-bcdfghjklm\"," OURS,
     "\"template\":{\"spec\":{" MODULE "}}", NULL, NULL, 0},
    {"... of a ModuleDeployment with a misleading name", KIND_MODULE_REPLICASET,
     "\"name\":\"web-replicas-2222222222\",\"labels\":{\"" LABEL_MODULE_DEPLOYMENT
     "\":\"web-replicas\"}",
     "\"template\":{\"spec\":{" MODULE "}}", NULL, NULL, 0},
};

static void test_objects_of_the_original_are_told_from_ours(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
        AUTO_FREE char *text =
            mem_printf("{\"metadata\":{\"namespace\":\"shop\",%s},\"spec\":{%s}}", objects[i].meta,
                       objects[i].spec);
        AUTO_JSON cJSON *json = json_parse(text, strlen(text), SIZE_MAX, NULL);
        assert_non_null(json);
        struct original *original = original_read(objects[i].kind, json);
        if (!str_eq(original ? original->deployment_key : NULL, objects[i].deployment) ||
            (original && (!str_eq(original->base_key, objects[i].base) ||
                          original_revision(original) != objects[i].revision)))
            fail_msg("%s: %s", objects[i].name, text);
        original_free(original);
    }
}

static void test_marks(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"koupleless.alipay.com/", "koupleless.io/"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        AUTO_FREE char *finalizer = mem_printf("%sallocate-pod", prefixes[i]);
        AUTO_FREE char *count = mem_printf("%smodule-instance-count", prefixes[i]);
        AUTO_FREE char *limit = mem_printf("%smax-module-count", prefixes[i]);
        AUTO_FREE char *copied = mem_printf("%smodule-scheduling-strategy", prefixes[i]);
        assert_true(original_is_finalizer(finalizer));
        assert_true(original_is_pod_label(count));
        assert_false(original_is_pod_label(limit));
        assert_true(original_is_deployment_label(copied));
        assert_false(original_is_deployment_label(limit));
    }
    assert_false(original_is_finalizer(FINALIZER_MODULE));
    assert_false(original_is_finalizer(FINALIZER_DEPLOYMENT));
    assert_false(original_is_finalizer("example.com/module-existed"));
    assert_false(original_is_pod_label(LABEL_TRAFFIC_PREFIX "pay"));
    assert_true(original_is_pod_label("module.koupleless.io/pay"));
    char ours[] = FINALIZER_DEPLOYMENT, dead[] = LABEL_PREFIX "module-existed";
    char *finalizers[] = {ours, dead};
    struct module_deployment md = {.meta = {.finalizers = {finalizers, 2}}};
    assert_true(original_had(&md));
    md.meta.finalizers.len = 1;
    assert_false(original_had(&md));
    assert_null(original_read(KIND_SERVICE, NULL)); /* told by original_made() */
}

static void test_service_of_the_original(void **state)
{
    (void)state;
    static const struct {
        const char *meta, *selector;
        bool made;
    } rows[] = {
        {"", "\"module.koupleless.alipay.com/pay\":\"true\"", true},
        {"", "\"module.koupleless.io/pay\":\"true\"", true},
        {"", "\"module.koupleless.alipay.com/order\":\"true\"", false},
        {"", "\"module.koupleless.alipay.com/pay\":\"true\",\"zone\":\"z1\"", false},
        {"", "\"module.koupleless.alipay.com/pay\":\"false\"", false},
        {",\"labels\":{\"app\":\"pay\"}", "\"module.koupleless.alipay.com/pay\":\"true\"", false},
        {",\"ownerReferences\":[{\"kind\":\"Shop\",\"name\":\"s\",\"uid\":\"u\"}]",
         "\"module.koupleless.alipay.com/pay\":\"true\"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text =
            mem_printf("{\"metadata\":{\"name\":\"pay-service\"%s},\"spec\":{\"selector\":{%s}}}",
                       rows[i].meta, rows[i].selector);
        AUTO_JSON cJSON *json = json_parse(text, strlen(text), SIZE_MAX, NULL);
        struct service *service = service_read(json, NULL);
        assert_non_null(service);
        if (original_made(service, "pay") != rows[i].made)
            fail_msg("%s", text);
        service_free(service);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_of_the_original_are_told_from_ours),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_service_of_the_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
